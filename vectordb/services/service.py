"""A feature service: the features that one model asks for, read together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from ledger import (
    Entity,
    FittedPipeline,
    Instant,
    InvalidEntity,
    InvalidInput,
    ServiceDefinition,
    check_entity,
    to_micros,
)
from vectordb.batches.entity_ids import check_ids
from vectordb.batches.executors import Progress, Sharing
from vectordb.batches.gather import ALONE
from vectordb.batches.matrix import FeatureMatrix
from vectordb.pipelines.transformed_row import TransformedRow
from vectordb.services.batch import Asked, read_batch
from vectordb.services.plan import ServicePlan
from vectordb.services.quick_reads import QuickBatch, QuickRead
from vectordb.services.row import ServiceRow
from vectordb.training.training_set import TrainingSet, make_training_set
from vectordb.transforms import Transformer, transformer_from_dict

if TYPE_CHECKING:
    from vectordb.pipelines.drift import PipelineDrift
    from vectordb.predictions.parity import Parity
    from vectordb.reader import Reader

NO_REQUEST: dict[str, Any] = {}
ServedRow = ServiceRow | TransformedRow


class Service:
    """A named, versioned list of features, read through a database or one of its pasts."""

    def __init__(self, reader: Reader, name: str, version: int | None = None, pipeline: int | None = None) -> None:
        """``version`` and ``pipeline`` pin versions of the service and of its pipeline; else those of the reader."""
        self._reader = reader
        self.name = name
        self._pinned = reader.state.catalog.services.version(name, version) if version else None
        self._pinned_pipeline = reader.state.catalog.pipelines.version(name, pipeline) if pipeline else None
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
        plans = {view: self._reader.plan(view) for view in definition.views}
        return self._reader.state.service_plan(definition, plans, self._fitted(definition))

    def _fitted(self, definition: ServiceDefinition) -> FittedPipeline | None:
        if definition.pipeline is None:
            return None
        return self._pinned_pipeline or self._reader.fitted_pipeline(definition)

    @property
    def fitted(self) -> FittedPipeline | None:
        """The version of its pipeline that reads use: offset, views and rows that it was fitted on. None: not yet."""
        return self._reader.consistently(lambda: self._plan().fitted)

    @property
    def pipeline(self) -> Transformer | None:
        """Its pipeline: fitted where it has been, a transformer like any other; None where it has none."""
        plain = self.definition.pipeline
        fitted = self.fitted
        if fitted is not None:
            return transformer_from_dict(fitted.pipeline, fitted.label)
        return None if plain is None else transformer_from_dict(plain, self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.definition.label}, features={list(self.features)})"

    # -- one row -------------------------------------------------------------------------------------

    def get(
        self,
        entity: Entity | Mapping[str, Entity],
        *,
        request: Mapping[str, Any] | None = None,
        at: Instant | None = None,
        raw: bool = False,
    ) -> ServedRow:
        """The inputs of one entity, or of one of each kind: ``get({"user": u, "item": i})``.

        ``request`` gives the request inputs by name. All views are read at one offset and clock. A service with a
        pipeline gives what it makes of them (``TransformedRow``, with the inputs in ``.inputs``); ``raw=True`` gives
        the inputs alone. Raises ``InvalidEntity`` where it does not name one of each kind, ``InvalidInput`` for request
        inputs, ``NotFitted``, ``CannotTransform``. 0.7 us where the service has one kind of entity and no request
        inputs.

        >>> from vectordb import Float, Int, Request, VectorDB
        >>> db = VectorDB()
        >>> receipt = db.create_view("drivers", entity="driver", features={"trips": Int()}).put("d-7", {"trips": 12})
        >>> ranker = db.create_service("ranker", features=["drivers:trips", Request("km", Float())])
        >>> ranker.get("d-7", request={"km": 3.1}).to_dict()
        {'trips': 12, 'km': 3.1}
        """
        if request is None and at is None and not raw:
            row = self._quick(entity)
            if row is not None:
                return row
        micros = None if at is None else to_micros(at)
        return self._reader.consistently(self._get, entity, request or NO_REQUEST, micros, raw)

    def _get(self, entity: Any, request: Mapping[str, Any], at: int | None, raw: bool) -> ServedRow:
        reader, revision = self._reader, self._reader.state.catalog.revision
        plan, clock = self._plan(), reader.clock() if at is None else at
        transforms = plan.transforms and not raw
        if self._pinned is None and transforms is plan.transforms:
            self._quick = reader.quick(plan, revision) or _never
        ids = one_of_each(plan, entity)
        row = read_one(reader, plan, ids, plan.check_request(request), clock)
        return transformed(reader, plan, row, at is None) if transforms else row

    # -- many ----------------------------------------------------------------------------------------

    def get_many(
        self,
        entities: Iterable[Entity] | Mapping[str, Sequence[Entity]],
        *,
        request: Mapping[str, Sequence[Any]] | None = None,
        at: Instant | None = None,
        dtype: str = "float64",
        executor: Executor | None = None,
        progress: Progress | None = None,
        raw: bool = False,
    ) -> FeatureMatrix:
        """The inputs of many: ids in order, or for several kinds ``{"user": [...], "item": [...]}``.

        ``request`` gives a column for each request input. All rows share one offset and clock. A service with a
        pipeline gives what it makes of them (``TransformedMatrix``), unless ``raw``. The other options and the cost are
        those of ``View.get_many``: rows of one kind of entity are held as the pipeline made them, until a write.
        Raises what ``get`` raises.
        """
        if request is None and at is None and dtype == "float64" and not raw:
            matrix = self._quick_many(entities)
            if matrix is not None:
                return matrix
        columns: dict[str, list[Entity]] | list[Entity]
        if isinstance(entities, Mapping):
            columns = {kind: check_ids(ids) for kind, ids in entities.items()}
        else:
            columns = check_ids(entities)
        clock = None if at is None else to_micros(at)
        asked = Asked(columns, request or NO_REQUEST, clock, Sharing(executor, progress), raw)
        read = self._reader.consistently(self._get_many, asked)
        return read if dtype == "float64" else read.astype(dtype)

    def training_set(
        self, spine: Any, known_at: Any = None, *, executor: Executor | None = None, progress: Progress | None = None
    ) -> TrainingSet:
        """What the service would have served at each moment of a spine: a point-in-time join (``TrainingSet``).

        ``spine`` is columns ``{"driver": ids, "time": times, ...}``, or rows ``(entity, time)`` or mappings; request
        inputs are columns of it, further columns (labels) come back in ``extra``. ``known_at`` (an offset, a
        datetime, or one a row) hides what was learnt later. Raises ``InvalidInput`` for a spine that is none,
        ``OffsetOutOfRange`` and ``TimeOutOfRange`` for ``known_at``. 3 us a moment and view, and 1 us a row of numbers.
        An ``executor`` shares the packing of rows, with the same bits; see ``get_many``.
        """
        offset = self._reader.consistently(lambda: self._reader.as_of_offset)
        pinned = self._reader.pinned(offset, self._reader.clock())
        plan = pinned.consistently(self._at(pinned)._plan)
        return make_training_set(pinned, plan, spine, known_at, Sharing(executor, progress))

    def _at(self, reader: Reader) -> Service:
        """The service of a past, with the versions that are pinned here."""
        version = self._pinned.version if self._pinned is not None else None
        pipeline = self._pinned_pipeline.version if self._pinned_pipeline is not None else None
        return Service(reader, self.name, version, pipeline)

    def _get_many(self, asked: Asked) -> FeatureMatrix:
        revision = self._reader.state.catalog.revision
        plan = self._plan()
        if self._pinned is None and not asked.raw:
            self._quick_many = self._reader.quick_many(plan, revision) or _never
        return read_batch(self._reader, plan, asked)

    # -- checks --------------------------------------------------------------------------------------------

    def parity(self, last: int | None = None) -> Parity:
        """Recompute the inputs of stored predictions (all, or the last so many), as served and as trained; compare.

        Raises ``InvalidInput`` for a ``last`` that is no number of predictions. 0.5 ms a prediction.
        """
        from vectordb.predictions.parity import parity_of

        if last is not None and (type(last) is not int or last < 0):
            raise InvalidInput("last is a number of predictions, or None", last=last)
        predictions = self._reader.predictions(self.name)
        start = 0 if last is None else max(0, len(predictions) - last)
        return parity_of(self._reader, self.name, predictions[start:])

    def pipeline_drift(self, spine: Any = None, target: str | None = None) -> PipelineDrift:
        """What the pipeline learnt, beside what it would learn here and now; and how its inputs moved since.

        ``spine`` and ``target`` are those of ``fit``. Nothing is written. Raises ``InvalidInput`` while it is not
        fitted. It costs a fit.
        """
        from vectordb.pipelines.drift import drift_of_pipeline

        return drift_of_pipeline(self._reader, self._at(self._reader), spine, target)


def read_one(
    reader: Reader, plan: ServicePlan, ids: Mapping[str, Entity], request: dict[str, Any], at: int
) -> ServiceRow:
    """The row of one entity of each kind; to be called through ``consistently``."""
    raws = tuple(reader.packed(view, ids[plan.kind_of(view)], at) for view in plan.views)
    return ServiceRow(plan, tuple(ids.values()), raws, request, reader.as_of_offset, at)


def transformed(reader: Reader, plan: ServicePlan, row: ServiceRow, own_clock: bool) -> TransformedRow:
    """What the pipeline makes of a row; held by the gather where there is one. Through ``consistently``."""
    applied, gather = plan.applied, plan.transformed_gather(reader.live) if own_clock else None
    if gather is None:
        return TransformedRow(row, applied, applied.pack_row(row))
    data, _ = reader.gathered(gather, list(row.entities), row.at_micros, True, ALONE)
    return TransformedRow(row, applied, data)


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
