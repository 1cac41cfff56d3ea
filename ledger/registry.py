"""The registry: everything that later events may refer to, as of the head of a log.

The database decides with it before an event is written, and a log that is read checks the same rules: a
ledger whose digests hold is still refused when an event names what is not there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Protocol, TypeVar

from ledger.errors import Erased, InvalidInput, Pruned
from ledger.facts.entity_erased import EntityErased
from ledger.facts.experiment_defined import ExperimentDefined, ExperimentDefinition
from ledger.facts.exposures_recorded import ExposuresRecorded
from ledger.facts.fact import Fact
from ledger.facts.log_compacted import LogCompacted
from ledger.facts.log_marked import LogMarked
from ledger.facts.model_defined import ModelDefined
from ledger.facts.outcomes_recorded import OutcomesRecorded
from ledger.facts.pipeline_fitted import PipelineFitted, unfitted_form
from ledger.facts.predictions_recorded import PredictionRow, PredictionsRecorded
from ledger.facts.records_redacted import (
    GONE,
    ExperimentRedacted,
    ExposuresRedacted,
    OutcomesRedacted,
    PredictionsRedacted,
)
from ledger.facts.rows_put import RowsPut
from ledger.facts.rows_redacted import RowsRedacted
from ledger.facts.service_defined import FeatureRef, ServiceDefined, ServiceDefinition
from ledger.facts.training_set_recorded import TrainingSetRecorded
from ledger.facts.view_defined import ViewDefined
from ledger.facts.vouched import Vouching
from ledger.identity import ROW_BITS, Entity
from ledger.values.layouts import Layouts
from ledger.values.pool import Pool

D = TypeVar("D", ServiceDefinition, ExperimentDefinition)

ARMS_EVER = 10_000
UNNOTED = frozenset({OutcomesRecorded, ExposuresRecorded, PredictionsRecorded})  # nothing refers to what they say


class Owners(Protocol):
    """What a log answers about references."""

    def owner(self, ref: int) -> tuple[str, Entity]:
        """Collection and entity of a reference; ``UnknownVersion`` where it names no row."""


class Registry:
    """Layouts of views, services, pipelines, models and experiments by version, marks, idempotency keys."""

    def __init__(self, pool: Pool | None = None) -> None:
        self.layouts = Layouts(pool)
        self.services: dict[str, list[ServiceDefinition]] = {}
        self.pipelines: dict[str, list[tuple[int, str]]] = {}  # of a service: offset, and the label fitted for
        self.models: dict[str, int] = {}
        self.experiments: dict[str, list[ExperimentDefinition]] = {}
        self._arms: dict[str, tuple[int, set[str]]] = {}  # those ever of an experiment, in its bucket version in force
        self.marks: set[str] = set()
        self.training_sets: set[str] = set()
        self.keys: dict[str, int] = {}
        self.rejections: list[int] = []  # offsets of the batches that left rows out
        self.erasures: list[tuple[int, EntityErased]] = []
        self.below = 0  # the bound of the last compaction
        self.compacted = 0  # that of the last one that is an event of this log; a fork inherits the bound alone
        self.rewritten = 0  # the offset of the last event that rewrote earlier ones
        self._noted: list[tuple[int, Fact]] = []
        self._checks: dict[type[Fact], Callable[[Any, Owners], None]] = {
            ViewDefined: lambda fact, log: self.layouts.check(fact.definition),
            ServiceDefined: self._check_service,
            ModelDefined: self._check_model,
            PipelineFitted: self._check_pipeline,
            LogMarked: self._check_mark,
            PredictionsRecorded: self._check_predictions,
            ExperimentDefined: self._check_experiment,
            ExposuresRecorded: self._check_exposures,
            OutcomesRecorded: self._check_outcomes,
            PredictionsRedacted: self._check_predictions,
            ExperimentRedacted: self._check_experiment,
            ExposuresRedacted: self._check_exposures,
            OutcomesRedacted: self._check_outcomes,
            EntityErased: self._check_erased,
            LogCompacted: self._check_compacted,
            TrainingSetRecorded: self._check_training_set,
        }

    def note(self, offset: int, fact: Fact) -> None:
        """Take in an event that the log has taken."""
        if type(fact) in UNNOTED:
            return
        if isinstance(fact, ViewDefined):
            self.layouts.define(fact.definition)
        elif isinstance(fact, ServiceDefined):
            known = self.services.setdefault(fact.definition.name, [])
            brings = fact.definition.brings_a_pipeline(known[-1] if known else None)
            known.append(fact.definition)
            if brings:
                self.pipelines.setdefault(fact.definition.name, []).append((offset, fact.definition.label))
        elif isinstance(fact, PipelineFitted):
            self.pipelines.setdefault(fact.fitted.name, []).append((offset, fact.fitted.service))
        elif isinstance(fact, ModelDefined):
            self.models[fact.definition.name] = fact.definition.version
        elif isinstance(fact, ExperimentDefined):
            self._note_experiment(fact.definition)
        elif isinstance(fact, LogMarked):
            self.marks.add(fact.name)
        elif isinstance(fact, Vouching):
            self.rewritten = offset
            if isinstance(fact, LogCompacted):
                self.below = self.compacted = fact.below
            elif isinstance(fact, EntityErased):
                self.erasures.append((offset, fact))
        elif isinstance(fact, TrainingSetRecorded):
            self.training_sets.add(fact.record.name)
        else:
            if isinstance(fact, (RowsPut, RowsRedacted)) and fact.rejected:
                self.rejections.append(offset)
            return
        self._noted.append((offset, fact))

    def _note_experiment(self, definition: ExperimentDefinition) -> None:
        self.experiments.setdefault(definition.name, []).append(definition)
        bucket, arms = self._arms.get(definition.name, (0, set()))
        if bucket != definition.bucket_version:
            arms = set()
        arms.update(definition.arms)
        self._arms[definition.name] = definition.bucket_version, arms

    @property
    def noted(self) -> list[int]:
        """Offsets of the events that define something, name something, or rewrote others."""
        return [offset for offset, _ in self._noted]

    def branch(self, offset: int) -> Registry:
        """The registry as of an offset, for a fork; the pool of categories is shared."""
        branch = Registry(self.layouts.pool)
        for at, fact in self._noted:
            if at <= offset:
                branch.note(at, fact)
        branch.keys = {key: at for key, at in self.keys.items() if at <= offset}
        branch.rejections = [at for at in self.rejections if at <= offset]
        branch.below = self.below
        return branch

    def rewrite(self, left: Mapping[int, Fact]) -> None:
        """Take in what is left of events, by offset."""
        origins: dict[int, Any] = {offset: getattr(fact, "origin", None) for offset, fact in left.items()}
        for key, at in list(self.keys.items()):
            if at in origins and (origins[at] is None or origins[at].key != key):
                del self.keys[key]
        self._noted = [(at, left.get(at, noted)) for at, noted in self._noted]
        for definition in [fact.definition for fact in left.values() if isinstance(fact, ExperimentDefined)]:
            self.experiments[definition.name][definition.version - 1] = definition

    def check(self, fact: Fact, log: Owners) -> None:
        """Refuse a fact that does not fit the events before it."""
        check = self._checks.get(type(fact))
        if check is not None:
            check(fact, log)
        origin: Any = getattr(fact, "origin", None)
        if origin is None:
            return
        if origin.key is not None and origin.key in self.keys:
            raise InvalidInput("an idempotency key is used once", key=origin.key, first_used_at=self.keys[origin.key])
        for ref in origin.derived_from:
            _owner_of(log, ref)

    def _check_service(self, fact: ServiceDefined, log: Owners) -> None:
        definition = fact.definition
        _check_turn(definition, len(self.services.get(definition.name, ())))
        views = [item for item in definition.features if isinstance(item, FeatureRef)]
        if not views:
            raise InvalidInput("a service reads at least one feature of a view", service=definition.name)
        for item in views:
            if item.feature not in self.layouts.newest(item.view).features:
                rule = "a service names features that are defined"
                raise InvalidInput(rule, service=definition.name, feature=str(item))

    def _check_model(self, fact: ModelDefined, log: Owners) -> None:
        _check_turn(fact.definition, self.models.get(fact.definition.name, 0))

    def _check_mark(self, fact: LogMarked, log: Owners) -> None:
        if fact.name in self.marks:
            raise InvalidInput("a mark is set once", mark=fact.name)

    def _check_pipeline(self, fact: PipelineFitted, log: Owners) -> None:
        fitted = fact.fitted
        definition = self._service(fitted.service, "a fitted pipeline names a version of a service")
        if definition.pipeline is None or unfitted_form(fitted.pipeline) != unfitted_form(definition.pipeline):
            rule = "a fitted pipeline is the one that its service defines"
            raise InvalidInput(rule, service=fitted.service, type=fitted.pipeline["type"])
        _check_turn(fitted, len(self.pipelines.get(fitted.name, ())))
        for label in fitted.views:
            self.layouts[label]

    def _service(self, label: str, rule: str) -> ServiceDefinition:
        """The definition of ``name@version``."""
        return _version_of(self.services, label, rule)

    def _check_experiment(self, fact: ExperimentDefined, log: Owners) -> None:
        definition = fact.definition
        known = self.experiments.get(definition.name, [])
        _check_turn(definition, len(known))
        if known and definition.bucket_version < known[-1].bucket_version:
            rule = "the bucket version of an experiment never goes back"
            raise InvalidInput(rule, experiment=definition.name, now=known[-1].bucket_version)
        if known and definition.unit != known[-1].unit:
            raise InvalidInput("the unit of an experiment stays", experiment=definition.name, unit=known[-1].unit)
        if definition.view:
            self.layouts.newest(definition.view)
            if self.layouts.entity_kind(definition.view) != definition.unit:
                rule = "an experiment targets its own units"
                raise InvalidInput(rule, experiment=definition.name, view=definition.view, unit=definition.unit)
        bucket, arms = self._arms.get(definition.name, (0, set()))
        ever = len(arms.union(definition.arms)) if bucket == definition.bucket_version else len(definition.arms)
        if ever > ARMS_EVER:
            rule = f"an experiment has at most {ARMS_EVER} arms within a bucket version"
            raise InvalidInput(rule, experiment=definition.name, arms=ever)

    def _check_exposures(self, fact: ExposuresRecorded, log: Owners) -> None:
        definition = _version_of(self.experiments, fact.experiment, "an exposure names a version of an experiment")
        self._check_bucket(definition)
        for one in fact.exposures:
            if one.arm not in definition.arms:
                rule = "an exposure names an arm of its experiment"
                raise InvalidInput(rule, experiment=fact.experiment, arm=one.arm)

    def _check_bucket(self, definition: ExperimentDefinition) -> None:
        """Refuse a version of a bucket version that is over."""
        newest = self.experiments[definition.name][-1]
        if newest.bucket_version != definition.bucket_version:
            rule = "an exposure is of the bucket version in force"
            raise InvalidInput(rule, experiment=definition.label, in_force=newest.bucket_version)

    def _check_outcomes(self, fact: OutcomesRecorded, log: Owners) -> None:
        definition = _version_of(self.experiments, fact.experiment, "an outcome names a version of an experiment")
        newest = self.experiments[definition.name][-1]
        for metric in {one.metric for one in fact.outcomes}:
            if metric not in newest.metrics:
                rule = "an outcome names a metric of its experiment"
                raise InvalidInput(rule, experiment=fact.experiment, metric=metric)

    def _check_erased(self, fact: EntityErased, log: Owners) -> None:
        self.layouts.newest(fact.view)

    def _check_compacted(self, fact: LogCompacted, log: Owners) -> None:
        if fact.below < self.below:
            raise InvalidInput("the bound of a compaction never goes back", below=fact.below, before=self.below)

    def _check_training_set(self, fact: TrainingSetRecorded, log: Owners) -> None:
        record = fact.record
        if record.name in self.training_sets:
            raise InvalidInput("a training set's name is used once", training_set=record.name)
        definition = self._service(record.service, "a training set names a version of a service")
        if record.columns != definition.keys:
            rule = "a training set has the inputs of its service"
            raise InvalidInput(rule, training_set=record.name, columns=record.columns[:20])
        views = set(definition.views)
        for ref in record.refs:
            owner = _owner_of(log, ref)
            if owner is not None and owner[0] not in views:
                rule = "a training set was read from the views of its service"
                raise InvalidInput(rule, training_set=record.name, view=owner[0], offset=ref >> ROW_BITS)

    def _check_predictions(self, fact: PredictionsRecorded, log: Owners) -> None:
        definition = self._service(fact.service, "a prediction names a version of a service")
        self._check_pipeline_of(fact, definition)
        kinds = {view: self.layouts.entity_kind(view) for view in definition.views}
        for row in fact.predictions:
            if row is not GONE:
                self._check_prediction(row, definition, kinds, log)

    def _check_pipeline_of(self, fact: PredictionsRecorded, definition: ServiceDefinition) -> None:
        """Refuse a pipeline that was not there at the read, or was fitted for other transformations."""
        known = self.pipelines.get(definition.name, [])
        there = bisect_right(known, fact.as_of, key=itemgetter(0))
        named = {"service": fact.service, "pipeline": fact.pipeline}
        if not 0 <= fact.pipeline <= there:
            raise InvalidInput("a prediction names a version of its service's pipeline", **named, as_of=fact.as_of)
        if any(bool(row.transformed) is not bool(fact.pipeline) for row in fact.predictions if row is not GONE):
            raise InvalidInput("a prediction says what its pipeline made of the inputs, where it has one", **named)
        if fact.pipeline:
            label = known[fact.pipeline - 1][1]
            if not self._service(label, "a pipeline is one of a service").transforms_like(definition):
                raise InvalidInput("a prediction went through a pipeline of its own service", **named, fitted_for=label)

    def _check_prediction(
        self, row: PredictionRow, definition: ServiceDefinition, kinds: dict[str, str], log: Owners
    ) -> None:
        order = list(dict.fromkeys(kinds.values()))
        if len(row.entities) != len(order) or len(row.inputs) != len(definition.features):
            rule = "a prediction has an entity of each kind and a value of each input of its service"
            raise InvalidInput(rule, service=definition.label, entities=len(row.entities), inputs=len(row.inputs))
        entities = dict(zip(order, row.entities, strict=True))
        for item, value, source in zip(definition.features, row.inputs, row.sources, strict=True):
            if isinstance(item, FeatureRef):
                kind = self.layouts.feature(item.view, item.feature)
                owner = (item.view, entities[kinds[item.view]])
                if source and _owner_of(log, source) not in (None, owner):
                    rule = "an input comes from a write of its own entity"
                    raise InvalidInput(rule, input=str(item), source=source >> ROW_BITS)
            else:
                kind = item.type
                if source:
                    raise InvalidInput("a request input comes from no write", input=str(item))
            if value is not None:
                kind.from_json(value)


def _owner_of(log: Owners, ref: int) -> tuple[str, Entity] | None:
    """Collection and entity of a reference; None where its row was there and is gone."""
    try:
        return log.owner(ref)
    except (Erased, Pruned):
        return None


def _version_of(shelf: dict[str, list[D]], label: str, rule: str) -> D:
    """The definition of ``name@version``."""
    name, _, version = label.partition("@")
    known = shelf.get(name, [])
    plain = version.isascii() and version.isdecimal() and len(version) < 10
    if not plain or not 1 <= int(version) <= len(known):
        raise InvalidInput(rule, given=label[:200])
    definition = known[int(version) - 1]
    if str(definition.version) != version:
        raise InvalidInput(rule, given=label)
    return definition


def _check_turn(definition: Any, known: int) -> None:
    if definition.version != known + 1:
        rule = "versions of a definition count up by one"
        raise InvalidInput(rule, name=definition.name, expected=known + 1, actual=definition.version)
