"""A feature service: the features that one model asks for, read together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ledger import (
    Entity,
    FeatureRef,
    Instant,
    InvalidEntity,
    InvalidInput,
    Request,
    ServiceDefinition,
    check_entity,
)
from vectordb.matrix import FeatureMatrix
from vectordb.service_row import ServiceRow

if TYPE_CHECKING:
    from vectordb.reader import Reader


class Service:
    """A named, versioned list of features, read through a database or one of its pasts."""

    def __init__(self, reader: Reader, name: str, version: int | None = None) -> None:
        self._reader = reader
        self.name = name
        self._pinned = reader.state.catalog.services.version(name, version) if version else None
        self.definition  # noqa: B018 - an unknown name is refused here, not at the first read

    @property
    def definition(self) -> ServiceDefinition:
        """The definition that reads use."""
        return self._reader.consistently(self._definition)

    def _definition(self) -> ServiceDefinition:
        return self._pinned or self._reader.service_definition(self.name)

    @property
    def version(self) -> int:
        """The version of that definition."""
        return self.definition.version

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the inputs in the model's order."""
        return self.definition.keys

    @property
    def entity_kinds(self) -> tuple[str, ...]:
        """The kinds of entity that a read names, in order of first use."""
        return self._reader.consistently(lambda: tuple(dict.fromkeys(self._kinds(self._definition()).values())))

    def _kinds(self, definition: ServiceDefinition) -> dict[str, str]:
        views = dict.fromkeys(item.view for item in definition.features if isinstance(item, FeatureRef))
        return {view: self._reader.plan(view).definition.entity for view in views}

    def __repr__(self) -> str:
        return f"Service({self.definition.label}, features={list(self.features)})"

    def get(self, entity: Any, *, request: Mapping[str, Any] | None = None, at: Instant | None = None) -> ServiceRow:
        """The inputs of one entity, or of one of each kind: ``get({"user": u, "item": i})``.

        ``request`` gives the request inputs by name. All views are read at one offset and clock.
        """
        clock = self._reader.clock_of(at)
        return self._reader.consistently(self._get, entity, request or {}, clock)

    def _get(self, entity: Any, request: Mapping[str, Any], at: int) -> ServiceRow:
        definition = self._definition()
        kinds = self._kinds(definition)
        ids = _by_kind(entity, tuple(dict.fromkeys(kinds.values())))
        return self._row(definition, kinds, ids, _check_request(definition, request), at)

    def _row(
        self,
        definition: ServiceDefinition,
        kinds: dict[str, str],
        ids: dict[str, Entity],
        request: dict[str, Any],
        at: int,
    ) -> ServiceRow:
        rows = {view: self._reader.read_row(view, ids[kind], at) for view, kind in kinds.items()}
        for item in definition.features:
            if isinstance(item, FeatureRef):
                self._reader.plan(item.view).slot(item.feature)
        return ServiceRow(definition, tuple(ids.values()), rows, request)

    def get_many(
        self,
        entities: Iterable[Any] | Mapping[str, Sequence[Any]],
        *,
        request: Mapping[str, Sequence[Any]] | None = None,
        at: Instant | None = None,
    ) -> FeatureMatrix:
        """The inputs of many: ids in order, or for several kinds ``{"user": [...], "item": [...]}``.

        ``request`` gives a column for each request input. All rows share one offset and clock.
        """
        if isinstance(entities, (str, bytes)):
            raise InvalidEntity("get_many takes a sequence of entity ids", type=type(entities).__name__)
        clock = self._reader.clock_of(at)
        asked = {kind: list(ids) for kind, ids in entities.items()} if isinstance(entities, Mapping) else list(entities)
        rows, offset, definition = self._reader.consistently(self._get_many, asked, request or {}, clock)
        return FeatureMatrix(definition.keys, [row.entity for row in rows], rows, offset, clock, definition.label)

    def _get_many(
        self, asked: Any, request: Mapping[str, Sequence[Any]], at: int
    ) -> tuple[list[ServiceRow], int, ServiceDefinition]:
        definition = self._definition()
        kinds = self._kinds(definition)
        columns = _columns_by_kind(asked, tuple(dict.fromkeys(kinds.values())))
        count = len(next(iter(columns.values())))
        uneven = {name: len(column) for name, column in request.items() if len(column) != count}
        if uneven:
            raise InvalidInput("a request column has one value for each row", rows=count, columns=uneven)
        rows = [
            self._row(
                definition,
                kinds,
                {kind: check_entity(column[place]) for kind, column in columns.items()},
                _check_request(definition, {name: column[place] for name, column in request.items()}),
                at,
            )
            for place in range(count)
        ]
        return rows, self._reader.as_of_offset, definition


def _by_kind(entity: Any, kinds: tuple[str, ...]) -> dict[str, Entity]:
    if isinstance(entity, Mapping):
        if set(entity) != set(kinds):
            rule = "a read names one entity of each kind"
            raise InvalidEntity(rule, expected=list(kinds), given=sorted(map(str, entity)))
        return {kind: check_entity(entity[kind]) for kind in kinds}
    if len(kinds) != 1:
        raise InvalidEntity("a service of several kinds of entity is asked by kind", expected=list(kinds), given=entity)
    return {kinds[0]: check_entity(entity)}


def _columns_by_kind(asked: Any, kinds: tuple[str, ...]) -> dict[str, list[Any]]:
    if not isinstance(asked, dict):
        if len(kinds) != 1:
            raise InvalidEntity("a service of several kinds of entity is asked by kind", expected=list(kinds))
        return {kinds[0]: asked}
    if set(asked) != set(kinds):
        raise InvalidEntity("a read names one column of each kind", expected=list(kinds), given=sorted(asked))
    if len({len(column) for column in asked.values()}) > 1:
        sizes = {kind: len(column) for kind, column in asked.items()}
        raise InvalidEntity("columns of entities are equally long", **sizes)
    return {kind: asked[kind] for kind in kinds}


def _check_request(definition: ServiceDefinition, request: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {item.name: item.type for item in definition.features if isinstance(item, Request)}
    unknown = set(request) - set(wanted)
    if unknown:
        raise InvalidInput("the service has no such request input", unknown=sorted(unknown), known=sorted(wanted))
    cells: dict[str, Any] = {}
    for name, kind in wanted.items():
        value = request.get(name, kind.default)
        if value is None and name not in request:
            raise InvalidInput("a request input without a default is given", service=definition.label, missing=name)
        try:
            cells[name] = None if value is None else kind.check(value)
        except InvalidInput as error:
            raise InvalidInput(error.rule, request_input=name, value=value) from error
    return cells
