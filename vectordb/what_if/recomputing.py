"""Recomputing: predictions and fits of the parent, made again from what the branch holds."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import (
    ROW_BITS,
    Entity,
    Event,
    InvalidInput,
    Origin,
    PipelineFitted,
    PredictionRow,
    PredictionsRecorded,
    Request,
    ServiceDefinition,
    TrainingSetRecord,
    UnknownName,
    VectorDBError,
    check_plain,
    parse_label,
    render_version,
)
from vectordb.audit.difference import same_bits
from vectordb.models import build_model
from vectordb.pipelines.fitting import Lesson, learn
from vectordb.pipelines.transformed_row import TransformedRow, inputs_of
from vectordb.services.service import ServedRow, Service
from vectordb.what_if.changes import FitOn
from vectordb.what_if.counterfactual import Kept
from vectordb.what_if.offsets import Offsets

if TYPE_CHECKING:
    from vectordb.database import VectorDB
    from vectordb.past import Past


class Answering(NamedTuple):
    """The model of a prediction in the branch; ``predict`` is None where nothing can be asked.

    ``same``: it is the model of the original, so equal inputs have the recorded output.
    """

    label: str
    predict: Callable[[Any], Any] | None
    same: bool


class Recomputing:
    """``kept`` lists what was taken over; ``labels`` are models of the parent by what the branch calls them."""

    def __init__(
        self,
        branch: VectorDB,
        original: Past,
        offsets: Offsets,
        fits: Mapping[str, FitOn],
        models: Mapping[str, Callable[[Any], Any]],
    ) -> None:
        self._branch = branch
        self._original = original
        self._offsets = offsets
        self._fits = fits
        self._given = models
        self._answering: dict[tuple[str, str], Answering] = {}
        self.labels: dict[str, str] = {}
        self.kept: list[Kept] = []

    # -- predictions ---------------------------------------------------------------------------------------

    def predictions(self, event: Event, origin: Origin | None) -> PredictionsRecorded:
        """The predictions of an event, from what their service shows in the branch."""
        fact = event.fact
        assert isinstance(fact, PredictionsRecorded)
        head = self._branch.state.log.head
        as_of = self._offsets.seen_at(fact.as_of, head)
        name, version = parse_label(fact.service)
        known = self._original.state.catalog.services.version(name, version or 0)
        service = Service(self._branch.pinned(as_of, fact.at), name)
        raw = known.pipeline is not None and not fact.pipeline  # as it was asked for
        answering, kinds = self._model(fact.model), self._kinds(known)
        rows, kept, pipeline = [], [], 0
        for number, one in enumerate(fact.predictions):
            row = service.get(
                _entities(service, dict(zip(kinds, one.entities))), request=_request(service, known, one), raw=raw
            )
            pipeline = row.pipeline_version if isinstance(row, TransformedRow) else 0
            output, reason = _output(answering, one, row, _same_inputs(known, one, row))
            rows.append(_prediction(row, output, one.assignment))
            if reason:
                kept.append((number, rows[-1].entity, reason))
        fact = PredictionsRecorded(
            service.definition.label, as_of, fact.at, answering.label, tuple(rows), origin, pipeline
        )
        self._note(event, name, kept, head + 1, len(rows))
        return fact

    def _note(self, event: Event, name: str, kept: list[tuple[int, Entity, str]], offset: int, rows: int) -> None:
        for number, entity, reason in kept:
            made = render_version(name, entity, offset << ROW_BITS | number, rows)
            self.kept.append(Kept(event.offset, made, reason))

    def _kinds(self, definition: ServiceDefinition) -> list[str]:
        """The kinds of entity that a service of the original reads, in its order."""
        layouts = self._original.state.log.layouts
        return list(dict.fromkeys(layouts.entity_kind(view) for view in definition.views))

    def _model(self, label: str) -> Answering:
        """What answers in the branch for a model of the original."""
        now = self._label(label)
        found = self._answering.get((label, now))
        if found is None:
            found = self._answering[label, now] = self._answer(label, now)
        return found

    def _label(self, label: str) -> str:
        """Its label in the branch: the newest of its name where the version itself is not there."""
        if label in self.labels:
            return self.labels[label]
        name, version = parse_label(label)
        known = self._original.state.catalog.models
        if not version or known.find(name) is None:
            return label
        offset = next((at for at, one in known.versions(name) if one.version == version), 0)
        if offset <= self._offsets.start:
            return label
        newest = self._branch.state.catalog.models.find(name)
        return label if newest is None else newest.label

    def _answer(self, label: str, now: str) -> Answering:
        given = next((self._given[key] for key in (label, parse_label(label)[0]) if key in self._given), None)
        if given is not None:
            return Answering(now, given, False)
        was, definition = self._definition(self._original, label), self._definition(self._branch, now)
        if was is None:
            return Answering(now, None, True)
        if definition is None:
            return Answering(now, None, False)
        return Answering(now, build_model(definition).predict, was.same_as(definition))

    @staticmethod
    def _definition(reader: Past | VectorDB, label: str) -> Any:
        name, version = parse_label(label)
        try:
            return reader.state.catalog.models.version(name, version or 0)
        except UnknownName:
            return None

    # -- training sets ---------------------------------------------------------------------------------------

    def training_set(self, record: TrainingSetRecord) -> TrainingSetRecord:
        """The same set as the branch would name it: the versions that it was made of, where they stand there."""
        offsets, head = self._offsets, self._branch.state.log.head
        as_of = offsets.seen_at(record.as_of, head)
        low, high = (offsets.seen_at(known, head) for known in record.known_at)
        service = self._branch.state.catalog.services.get(parse_label(record.service)[0], as_of)
        return replace(
            record,
            service=service.label,
            as_of=as_of,
            known_at=(low, high),
            refs=array("q", offsets.refs(record.refs)),
            model=self._label(record.model) if record.model else "",
        )

    # -- fits ----------------------------------------------------------------------------------------------

    def fit(self, event: Event) -> int:
        """Fit a pipeline again; its offset."""
        fact = event.fact
        assert isinstance(fact, PipelineFitted)
        fitted, branch = fact.fitted, self._branch
        past = branch.pinned(self._offsets.seen_at(fitted.as_of, branch.head), fitted.at)
        live = branch.service(fitted.name)
        fit_on = self._fits.get(fitted.name)
        if fitted.spine and fit_on is None:
            return self._keep_fit(event)
        definition = live.definition
        service = Service(past, fitted.name, definition.version)
        learnt = learn(past, service, Lesson() if fit_on is None else Lesson(*fit_on))
        return live._record(learnt, definition, {} if event.meta is None else event.meta._asdict()).offset

    def _keep_fit(self, event: Event) -> int:
        """What was learnt on moments that nobody has any more."""
        fact = event.fact
        assert isinstance(fact, PipelineFitted)
        branch, fitted = self._branch, fact.fitted
        log, catalog = branch.state.log, branch.state.catalog
        as_of = self._offsets.seen_at(fitted.as_of, log.head)
        views = tuple(branch.as_of(as_of).view(label.partition("@")[0]).definition.label for label in fitted.views)
        version = len(catalog.pipelines.versions(fitted.name)) + 1
        label = catalog.services.get(fitted.name).label
        kept = PipelineFitted(replace(fitted, service=label, version=version, as_of=as_of, views=views))
        log.registry.check(kept, log)
        offset = branch.writer.commit(lambda offset, time: kept, event.meta).offset
        reason = "it was fitted on moments that the log does not have: see fit_on"
        self.kept.append(Kept(event.offset, kept.fitted.label, reason))
        return offset


def _entities(service: Service, entities: dict[str, Entity]) -> dict[str, Entity]:
    wanted = service.entity_kinds
    if not entities.keys() >= set(wanted):
        rule = "a prediction is made again for the kinds of entity that it named"
        raise InvalidInput(rule, service=service.definition.label, kinds=list(wanted), named=list(entities))
    return {kind: entities[kind] for kind in wanted}


def _request(service: Service, known: ServiceDefinition, one: PredictionRow) -> dict[str, Any]:
    """The request inputs as recorded, of those that the service takes in the branch."""
    wanted = {item.name for item in service.definition.features if isinstance(item, Request)}
    return {
        item.name: None if cell is None else item.type.show(item.type.from_json(cell))
        for item, cell in zip(known.features, one.inputs)
        if isinstance(item, Request) and item.name in wanted
    }


def _same_inputs(known: ServiceDefinition, one: PredictionRow, row: ServedRow) -> bool:
    """Whether a model would see the same bits, statuses included."""
    inputs = inputs_of(row)
    if tuple(inputs) != known.keys or inputs.states() != one.states:
        return False
    digest = row.digest if isinstance(row, TransformedRow) else ""
    return same_bits(inputs.cells(), tuple(one.inputs)) and digest == one.transformed


def _output(answering: Answering, one: PredictionRow, row: ServedRow, same: bool) -> tuple[Any, str]:
    """The output, and why it is the old one where it should not be."""
    if same and answering.same:
        return one.output, ""
    if answering.predict is None:
        return one.output, "the model is not data, and none was given"
    try:
        return check_plain(answering.predict(row), "an output"), ""
    except VectorDBError as error:
        return one.output, f"the model cannot compute it: {error}"


def _prediction(row: ServedRow, output: Any, assignment: dict[str, Any] | None) -> PredictionRow:
    inputs = inputs_of(row)
    return PredictionRow(
        entities=inputs.entities,
        inputs=inputs.cells(),
        sources=inputs.sources(),
        states=inputs.states(),
        output=output,
        assignment=assignment,
        transformed=row.digest if isinstance(row, TransformedRow) else "",
    )
