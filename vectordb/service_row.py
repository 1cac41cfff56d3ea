"""A service row: what one model asks for, read at one offset and clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ledger import Entity, FeatureRef, Request, ServiceDefinition, from_micros
from vectordb.plan import Status
from vectordb.row import Row

LETTERS = {Status.PRESENT: "p", Status.NULL: "n", Status.MISSING: "m", Status.EXPIRED: "x"}


class ServiceRow(Mapping[str, Any]):
    """A mapping of input names to values in the model's order, read at one offset and clock.

    ``rows`` holds the row of each view that was read, ``request`` the checked cells that came with the
    request. It carries all that ``db.record_prediction`` pins.
    """

    __slots__ = ("_inputs", "definition", "entities", "request", "rows")

    def __init__(
        self, definition: ServiceDefinition, entities: tuple[Entity, ...], rows: dict[str, Row], request: dict[str, Any]
    ) -> None:
        self.definition = definition
        self.entities = entities
        self.rows = rows
        self.request = request
        self._inputs = dict(zip(definition.keys, definition.features, strict=True))

    def __getitem__(self, key: str) -> Any:
        item = self._inputs[key]
        if isinstance(item, FeatureRef):
            return self.rows[item.view][item.feature]
        cell = self.request[item.name]
        return None if cell is None else item.type.show(cell)

    def __iter__(self) -> Iterator[str]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)

    def __repr__(self) -> str:
        return f"ServiceRow({self.definition.label}, {self.entity!r}, {dict(self)!r}, as_of={self.as_of})"

    @property
    def entity(self) -> Entity:
        """The id asked for; of several kinds of entity, the ids one after the other."""
        if len(self.entities) == 1:
            return self.entities[0]
        return tuple(part for entity in self.entities for part in (entity if isinstance(entity, tuple) else (entity,)))

    @property
    def _any(self) -> Row:
        return next(iter(self.rows.values()))

    @property
    def service(self) -> str:
        """``name@version`` of the service that was read."""
        return self.definition.label

    @property
    def as_of(self) -> int:
        """The offset that the read saw."""
        return self._any.as_of

    @property
    def at(self) -> datetime:
        """The clock that the read used."""
        return from_micros(self.at_micros)

    @property
    def at_micros(self) -> int:
        """The same in microseconds."""
        return self._any.at_micros

    @property
    def found(self) -> bool:
        """Whether every entity exists in every view that was read."""
        return all(row.found for row in self.rows.values())

    @property
    def status(self) -> dict[str, Status]:
        """The status of every input."""
        return {key: self.status_of(key) for key in self._inputs}

    def status_of(self, key: str) -> Status:
        """The status of one input."""
        item = self._inputs[key]
        if isinstance(item, FeatureRef):
            return self.rows[item.view].status_of(item.feature)
        return Status.NULL if self.request[item.name] is None else Status.PRESENT

    @property
    def versions(self) -> dict[str, str | None]:
        """The version id that every value comes from; None for missing ones and request inputs."""
        found = {view: row.versions for view, row in self.rows.items()}
        return {
            key: found[item.view][item.feature] if isinstance(item, FeatureRef) else None
            for key, item in self._inputs.items()
        }

    def sources(self) -> tuple[int, ...]:
        """The reference of every value, 0 where there is none."""
        return tuple(
            self.rows[item.view].source(item.feature) if isinstance(item, FeatureRef) else 0
            for item in self._inputs.values()
        )

    def cells(self) -> tuple[Any, ...]:
        """The stored form of every value as the model sees it."""
        return tuple(self._cell(item) for item in self._inputs.values())

    def _cell(self, item: FeatureRef | Request) -> Any:
        if isinstance(item, FeatureRef):
            return self.rows[item.view].cell(item.feature)
        cell = self.request[item.name]
        return None if cell is None else item.type.to_json(cell)

    def states(self) -> str:
        """One letter a value: p present, n null, m missing, x expired; empty when all are present."""
        letters = "".join(LETTERS[self.status_of(key)] for key in self._inputs)
        return letters if letters.strip("p") else ""
