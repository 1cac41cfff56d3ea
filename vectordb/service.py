"""A feature service: the features that one model asks for, read together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from ledger import (
    Entity,
    FeatureRef,
    Instant,
    InvalidEntity,
    ServiceDefinition,
    check_entity,
    to_micros,
)
from vectordb.gather import check_ids
from vectordb.matrix import FeatureMatrix
from vectordb.quick import QuickBatch, QuickRead
from vectordb.service_batch import Asked, read_batch
from vectordb.service_plan import ServicePlan
from vectordb.service_row import ServiceRow
from vectordb.sharing import Progress, Sharing
from vectordb.training_set import TrainingSet, make_training_set

if TYPE_CHECKING:
    from vectordb.reader import Reader

NO_REQUEST: dict[str, Any] = {}


class Service:
    """A named, versioned list of features, read through a database or one of its pasts."""

    def __init__(self, reader: Reader, name: str, version: int | None = None) -> None:
        self._reader = reader
        self.name = name
        self._pinned = reader.state.catalog.services.version(name, version) if version else None
        self._quick: QuickRead = _never
        self._quick_many: QuickBatch = _never
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
        return self._reader.consistently(lambda: self._plan().kinds)

    def _plan(self) -> ServicePlan:
        definition = self._definition()
        views = dict.fromkeys(item.view for item in definition.features if isinstance(item, FeatureRef))
        return self._reader.state.service_plan(definition, {view: self._reader.plan(view) for view in views})

    def __repr__(self) -> str:
        return f"Service({self.definition.label}, features={list(self.features)})"

    # -- one row -------------------------------------------------------------------------------------

    def get(self, entity: Any, *, request: Mapping[str, Any] | None = None, at: Instant | None = None) -> ServiceRow:
        """The inputs of one entity, or of one of each kind: ``get({"user": u, "item": i})``.

        ``request`` gives the request inputs by name. All views are read at one offset and clock. 0.7 us where
        the service has one kind of entity and no request inputs.
        """
        if request is None and at is None:
            row = self._quick(entity)
            if row is not None:
                return row
        micros = None if at is None else to_micros(at)
        return self._reader.consistently(self._get, entity, request or NO_REQUEST, micros)

    def _get(self, entity: Any, request: Mapping[str, Any], at: int | None) -> ServiceRow:
        reader, revision = self._reader, self._reader.state.catalog.revision
        plan, clock = self._plan(), reader.clock() if at is None else at
        if self._pinned is None:
            self._quick = reader.quick(plan, revision) or _never
        ids = one_of_each(plan, entity)
        return read_one(reader, plan, ids, plan.check_request(request), clock)

    # -- many ----------------------------------------------------------------------------------------

    def get_many(
        self,
        entities: Iterable[Any] | Mapping[str, Sequence[Any]],
        *,
        request: Mapping[str, Sequence[Any]] | None = None,
        at: Instant | None = None,
        dtype: str = "float64",
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> FeatureMatrix:
        """The inputs of many: ids in order, or for several kinds ``{"user": [...], "item": [...]}``.

        ``request`` gives a column for each request input. All rows share one offset and clock. The other options
        and the cost are those of ``View.get_many``.
        """
        if request is None and at is None and dtype == "float64":
            matrix = self._quick_many(entities)
            if matrix is not None:
                return matrix
        columns: dict[str, list[Entity]] | list[Entity]
        if isinstance(entities, Mapping):
            columns = {kind: check_ids(ids) for kind, ids in entities.items()}
        else:
            columns = check_ids(entities)
        clock = None if at is None else to_micros(at)
        asked = Asked(columns, request or NO_REQUEST, clock, Sharing(executor, progress))
        read = self._reader.consistently(self._get_many, asked)
        return read if dtype == "float64" else read.astype(dtype)

    def training_set(self, spine: Any, known_at: Any = None) -> TrainingSet:
        """What the service would have served at each moment of a spine: a point-in-time join (``TrainingSet``).

        ``spine`` is columns ``{"driver": ids, "time": times, ...}``, or rows ``(entity, time)`` or mappings; request
        inputs are columns of it, further columns (labels) come back in ``extra``. ``known_at`` (an offset, a
        datetime, or one a row) hides what was learnt later. 3 us a moment and view, and 1 us a row of numbers.
        """
        offset = self._reader.consistently(lambda: self._reader.as_of_offset)
        pinned = self._reader.pinned(offset, self._reader.clock())
        version = self._pinned.version if self._pinned is not None else None
        plan = pinned.consistently(Service(pinned, self.name, version)._plan)
        return make_training_set(pinned, plan, spine, known_at)

    def _get_many(self, asked: Asked) -> FeatureMatrix:
        revision = self._reader.state.catalog.revision
        plan = self._plan()
        if self._pinned is None:
            self._quick_many = self._reader.quick_many(plan, revision) or _never
        return read_batch(self._reader, plan, asked)


def read_one(
    reader: Reader, plan: ServicePlan, ids: Mapping[str, Entity], request: dict[str, Any], at: int
) -> ServiceRow:
    """The row of one entity of each kind; to be called through ``consistently``."""
    raws = tuple(reader.packed(view, ids[plan.kind_of(view)], at) for view in plan.views)
    return ServiceRow(plan, tuple(ids.values()), raws, request, reader.as_of_offset, at)


def one_of_each(plan: ServicePlan, entity: Any) -> dict[str, Entity]:
    """One entity id of each kind of a service."""
    kinds = plan.kinds
    if isinstance(entity, Mapping):
        if set(entity) != set(kinds):
            rule = "a read names one entity of each kind"
            raise InvalidEntity(rule, expected=list(kinds), given=sorted(map(str, entity)))
        return {kind: check_entity(entity[kind]) for kind in kinds}
    if len(kinds) != 1:
        raise InvalidEntity("a service of several kinds of entity is asked by kind", expected=list(kinds), given=entity)
    return {kinds[0]: check_entity(entity)}


def _never(entity: Any) -> None:
    return None
