"""A service row: what one model asks for, read at one offset and clock."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ledger import FOUND, Entity, FeatureRef, ServiceDefinition, UnknownName, from_micros, header_of
from vectordb.plan import Status
from vectordb.row import Row

if TYPE_CHECKING:
    from vectordb.packing import Raw
    from vectordb.service_plan import ServicePlan

LETTERS = {Status.PRESENT: "p", Status.NULL: "n", Status.MISSING: "m", Status.EXPIRED: "x"}


class ServiceRow(Mapping[str, Any]):
    """A mapping of input names to values in the model's order, read at one offset and clock.

    ``rows`` holds the row of each view that was read, ``request`` the checked cells that came with the
    request. It carries all that ``db.record_prediction`` pins. Values are decoded together, when the first
    one is asked for (1 us for ten numbers).
    """

    __slots__ = ("_plan", "_raws", "_rows", "_values", "as_of", "at_micros", "entities", "request")

    def __init__(
        self,
        plan: ServicePlan,
        entities: tuple[Entity, ...],
        raws: tuple[Raw, ...],
        request: dict[str, Any],
        as_of: int,
        at: int,
    ) -> None:
        """``entities`` are one of each kind, ``raws`` the packed row of each view."""
        self._plan = plan
        self._raws = raws
        self._values: dict[str, Any] | None = None
        self._rows: dict[str, Row] | None = None
        self.entities = entities
        self.request = request
        self.as_of = as_of  # the offset that the read saw
        self.at_micros = at

    # -- values --------------------------------------------------------------------------------------

    def __getitem__(self, key: str) -> Any:
        values = self._values or self._read()
        try:
            return values[key]
        except KeyError:
            raise self._unknown(key) from None

    def _unknown(self, key: str) -> UnknownName:
        rule = "the service has no such input"
        return UnknownName(rule, service=self.service, input=key, known=list(self._plan.keys)[:20])

    def __iter__(self) -> Iterator[str]:
        return iter(self._plan.keys)

    def __len__(self) -> int:
        return len(self._plan.keys)

    def __contains__(self, key: object) -> bool:
        return key in self._plan.inputs

    # Views of the decoded dict: those of Mapping would come back here for every value (dict(row) takes a third).

    def keys(self) -> KeysView[str]:
        """The names of the inputs."""
        return (self._values or self._read()).keys()

    def values(self) -> ValuesView[Any]:
        """Their values."""
        return (self._values or self._read()).values()

    def items(self) -> ItemsView[str, Any]:
        """Both."""
        return (self._values or self._read()).items()

    def to_dict(self) -> dict[str, Any]:
        """Names and values as a plain dict."""
        return dict(self._values or self._read())

    def vector(self) -> list[Any]:
        """The values alone, in the model's order."""
        return self._list() if self._values is None else list(self._values.values())

    def _read(self) -> dict[str, Any]:
        self._values = dict(zip(self._plan.keys, self._list()))
        return self._values

    def _list(self) -> list[Any]:
        plan = self._plan
        found = plan.parts[0].values(self, 0, self._raws[0])
        for place in range(1, len(plan.parts)):
            found += plan.parts[place].values(self, place, self._raws[place])
        if plan.requests:
            cells = ((item.type, self.request[name]) for name, item in plan.requests.items())
            found += [None if cell is None else kind.show(cell) for kind, cell in cells]
        return plan.ordered(found)

    def row_of(self, place: int) -> Row:
        """The row of the view of a part."""
        plan = self._plan
        own = plan.parts[place].plan
        entity = self.entities[plan.kinds.index(own.definition.entity)]
        return Row(plan.state, own, entity, self._raws[place], self.as_of, self.at_micros)

    @property
    def rows(self) -> dict[str, Row]:
        """The row of every view that was read."""
        if self._rows is None:
            self._rows = {view: self.row_of(place) for place, view in enumerate(self._plan.views)}
        return self._rows

    def __repr__(self) -> str:
        return f"ServiceRow({self.service}, {self.entity!r}, {dict(self)!r}, as_of={self.as_of})"

    @property
    def plan(self) -> ServicePlan:
        """How it was read."""
        return self._plan

    @property
    def raws(self) -> tuple[Raw, ...]:
        """The packed row of each view."""
        return self._raws

    # -- what was read -------------------------------------------------------------------------------

    @property
    def entity(self) -> Entity:
        """The id asked for; of several kinds of entity, the ids one after the other."""
        return joined_entity(self.entities)

    @property
    def definition(self) -> ServiceDefinition:
        """The definition of the service that was read."""
        return self._plan.definition

    @property
    def service(self) -> str:
        """``name@version`` of the service that was read."""
        return self._plan.label

    @property
    def at(self) -> datetime:
        """The clock that the read used."""
        return from_micros(self.at_micros)

    @property
    def found(self) -> bool:
        """Whether every entity exists in every view that was read."""
        return all(raw is not None and header_of(raw)[2] & FOUND for raw in self._raws)

    @property
    def status(self) -> dict[str, Status]:
        """The status of every input."""
        return {key: self.status_of(key) for key in self._plan.keys}

    def status_of(self, key: str) -> Status:
        """The status of one input; raises ``UnknownName``."""
        item = self._plan.inputs.get(key)
        if item is None:
            raise self._unknown(key)
        if isinstance(item, FeatureRef):
            return self.rows[item.view].status_of(item.feature)
        return Status.NULL if self.request[item.name] is None else Status.PRESENT

    @property
    def versions(self) -> dict[str, str | None]:
        """The version id that every value comes from; None for missing ones and request inputs."""
        found = {view: row.versions for view, row in self.rows.items()}
        return {
            key: found[item.view][item.feature] if isinstance(item, FeatureRef) else None
            for key, item in self._plan.inputs.items()
        }

    def sources(self) -> tuple[int, ...]:
        """The reference of every value, 0 where there is none."""
        return tuple(
            self.rows[item.view].source(item.feature) if isinstance(item, FeatureRef) else 0
            for item in self._plan.inputs.values()
        )

    def cells(self) -> tuple[Any, ...]:
        """The stored form of every value as the model sees it."""
        return tuple(map(self._cell, self._plan.keys))

    def _cell(self, key: str) -> Any:
        item = self._plan.inputs[key]
        if isinstance(item, FeatureRef):
            return self.rows[item.view].cell(item.feature)
        cell = self.request[item.name]
        return None if cell is None else item.type.to_json(cell)

    def states(self) -> str:
        """One letter a value: p present, n null, m missing, x expired; empty when all are present."""
        letters = "".join(LETTERS[self.status_of(key)] for key in self._plan.keys)
        return letters if letters.strip("p") else ""


def joined_entity(entities: tuple[Entity, ...]) -> Entity:
    """The ids of several kinds of entity as one, one after the other."""
    if len(entities) == 1:
        return entities[0]
    return tuple(part for entity in entities for part in (entity if isinstance(entity, tuple) else (entity,)))
