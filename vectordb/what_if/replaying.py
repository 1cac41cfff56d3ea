"""Replaying: the events of a parent after a fork, written again in the branch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ledger import (
    PRUNED,
    Clock,
    DefinitionConflict,
    EntityDeleted,
    Erased,
    Event,
    EventPruned,
    ExperimentDefined,
    ExposuresRecorded,
    Fact,
    InvalidInput,
    LogMarked,
    ModelDefined,
    Origin,
    OutcomesRecorded,
    PipelineFitted,
    PredictionsRecorded,
    Pruned,
    RowPut,
    RowsPut,
    ServiceDefined,
    ServiceDefinition,
    TrainingSetRecorded,
    TransactionCommitted,
    VectorDBError,
    ViewDefined,
)
from vectordb.what_if.changes import AGAIN, Asked, Changes
from vectordb.what_if.counterfactual import Counterfactual, Kept, Unreplayed
from vectordb.what_if.exposing import expose_again
from vectordb.what_if.offsets import Offsets
from vectordb.what_if.recomputing import Recomputing
from vectordb.what_if.rewriting import Rewriting

if TYPE_CHECKING:
    from vectordb.database import VectorDB
    from vectordb.past import Past

FactOf = Callable[[int, int], Fact]
NO_EDITS: Final[dict[int, Any]] = {}
SMALL: Final = 0  # a bound on the size of an event that the parent's journal took already


class ToldClock:
    """A clock that says what it is told, and the time of another one once it is told nothing any more."""

    def __init__(self, after: Clock) -> None:
        self.after = after
        self.told: int | None = None

    def __call__(self) -> int:
        return self.after() if self.told is None else self.told


def replay(db: VectorDB, original: Past, start: int, changes: Changes, asked: Asked) -> Counterfactual:
    """Fork at an offset, make the changes, and tell the rest of the original again."""
    clock = ToldClock(db.state.clock)
    clock.told = original.state.log.time_of(start)
    telling = Replaying(db.fork(start, clock=clock), original, start, changes, asked, clock)
    try:
        telling.run()
    finally:
        clock.told = None
    return telling.told()


class Replaying:
    """One run of a what-if."""

    def __init__(
        self, branch: VectorDB, original: Past, start: int, changes: Changes, asked: Asked, clock: ToldClock
    ) -> None:
        self.branch = branch
        self.original = original
        self.changes = changes
        self._asked = asked
        self._clock = clock
        self._start = start
        self.offsets = Offsets(start)
        self._rewriting = Rewriting(branch.state.log)
        self._again = Recomputing(branch, original, self.offsets, changes.fits, asked.models)
        self._refused: list[Unreplayed] = []
        self._moved: list[Any] = []
        self._tell: dict[type[Fact], Callable[[Event], int]] = {
            RowPut: self._row,
            EntityDeleted: self._row,
            RowsPut: self._batch,
            TransactionCommitted: self._transaction,
            ViewDefined: self._view,
            ServiceDefined: self._service,
            ModelDefined: self._model,
            ExperimentDefined: self._experiment,
            LogMarked: lambda event: self._write(event, event.fact),
            PipelineFitted: self._again.fit,
            PredictionsRecorded: self._predictions,
            TrainingSetRecorded: self._training_set,
            ExposuresRecorded: self._exposures,
            OutcomesRecorded: self._outcomes,
        }

    def run(self) -> None:
        """The changes at the fork, then event by event."""
        for service in self.changes.swaps:
            self._swap_at_fork(service)
        self._add(self._start)
        before, new, dropped = self.offsets.before, self.offsets.new, self.changes.dropped
        places = {added.after for added in self.changes.added}
        log = self.branch.state.log
        for offset in range(self._start + 1, self.original.as_of_offset + 1):
            before.append(log.head)
            new.append(0 if offset in dropped else self._one(offset))
            if offset in places:
                self._add(offset)

    def _one(self, offset: int) -> int:
        """The offset in the branch of one event; 0 where it is refused."""
        event = self.original.state.log.event(offset)
        self._clock.told = event.time
        try:
            return self._tell.get(type(event.fact), _refuse)(event)
        except VectorDBError as error:
            self._refused.append(Unreplayed(offset, event.type, error.code, str(error)))
            return 0

    def _add(self, place: int) -> None:
        self._clock.told = self.original.state.log.time_of(place)
        for added in self.changes.added:
            if added.after == place:
                added.write(self.branch)

    def told(self) -> Counterfactual:
        """What came of it."""
        replayed = len(self.offsets.new) - self.offsets.new.count(0)
        dropped = tuple(sorted(self.changes.dropped))
        lists = (tuple(self._refused), tuple(self._again.kept), tuple(self._moved))
        return Counterfactual(self.branch, self.original, self._start, replayed, dropped, *lists, self.offsets)

    # -- writing -----------------------------------------------------------------------------------------

    def _commit(self, event: Event, fact_of: FactOf, bound: int | None = SMALL) -> int:
        return self.branch.writer.commit(fact_of, event.meta, bound).offset

    def _write(self, event: Event, fact: Fact) -> int:
        """A fact that fits what is in the branch."""
        log = self.branch.state.log
        log.registry.check(fact, log)
        return self._commit(event, lambda offset, time: fact, None)

    def _origin(self, event: Event) -> Origin | None:
        """The origin with its references re-pointed; an edited write is not the one that its key stands for."""
        origin: Origin | None = getattr(event.fact, "origin", None)
        if origin is None:
            return None
        moved = origin._replace(derived_from=self.offsets.refs(origin.derived_from))
        if event.offset in self.changes.edits:
            moved = moved._replace(key=None, args=None)
        if moved.key is not None and moved.key in self.branch.state.log.registry.keys:
            raise InvalidInput("an idempotency key is used once", key=moved.key)
        return None if moved == Origin() else moved

    def _predictions(self, event: Event) -> int:
        noted = len(self._again.kept)
        try:
            return self._write(event, self._again.predictions(event, self._origin(event)))
        except VectorDBError:
            del self._again.kept[noted:]
            raise

    def _training_set(self, event: Event) -> int:
        fact = event.fact
        assert isinstance(fact, TrainingSetRecorded)
        offset = self._write(event, TrainingSetRecorded(self._again.training_set(fact.record)))
        reason = "its moments are not in the log: its rows and digests are those of the original"
        self._again.kept.append(Kept(event.offset, fact.record.name, reason))
        return offset

    # -- rows ----------------------------------------------------------------------------------------------

    def _edits(self, event: Event) -> Any:
        return self.changes.edits.get(event.offset, NO_EDITS)

    def _row(self, event: Event) -> int:
        fact: Any = event.fact
        edit = self._edits(event).get(0) if self.changes.edits else None
        origin = None if fact.origin is None else self._origin(event)
        return self._commit(event, self._rewriting.single(fact, edit, origin), SMALL if edit is None else None)

    def _batch(self, event: Event) -> int:
        fact: Any = event.fact
        edits = self._edits(event)
        fact_of = self._rewriting.batch(fact, edits, self._origin(event))
        return self._commit(event, fact_of, None if edits else SMALL)

    def _transaction(self, event: Event) -> int:
        fact: Any = event.fact
        edits = self._edits(event)
        fact_of = self._rewriting.transaction(fact, edits, self._origin(event))
        return self._commit(event, fact_of, None if edits else SMALL)

    # -- definitions -----------------------------------------------------------------------------------------

    def _defined(self, event: Event, create: Callable[..., None], definition: Any) -> int:
        """The offset of a definition that is the next of its name; refused where the branch says the same already."""
        arguments = {name: value for name, value in vars(definition).items() if name in _fields(definition)}
        head = self.branch.state.log.head
        create(arguments, True, {} if event.meta is None else event.meta._asdict())
        if self.branch.state.log.head == head:
            raise DefinitionConflict("the branch has the same definition already", name=definition.name)
        return self.branch.state.log.head

    def _view(self, event: Event) -> int:
        fact: Any = event.fact
        return self._defined(event, self.branch.definition_writer.create_view, fact.definition)

    def _service(self, event: Event) -> int:
        fact: Any = event.fact
        definition: ServiceDefinition = fact.definition
        if definition.name in self.changes.swaps:
            definition = replace(definition, pipeline=self.changes.swaps[definition.name])
        return self._defined(event, self.branch.definition_writer.create_service, definition)

    def _model(self, event: Event) -> int:
        fact: Any = event.fact
        try:
            return self._defined(event, self.branch.definition_writer.create_model, fact.definition)
        finally:
            known = self.branch.state.catalog.models.find(fact.definition.name)
            if known is not None:
                self._again.labels[fact.definition.label] = known.label

    def _experiment(self, event: Event) -> int:
        fact: Any = event.fact
        known = self.branch.state.catalog.experiments.find(fact.definition.name)
        definition = replace(fact.definition, version=1 if known is None else known.version + 1)
        if known is not None and known.same_as(definition):
            raise DefinitionConflict("the branch has the same definition already", name=definition.name)
        return self._write(event, self.branch.definition_writer.experiment_fact(definition))

    def _swap_at_fork(self, service: str) -> None:
        """Define a service of before the fork with its other pipeline, and fit that where its own was fitted."""
        state = self.branch.state
        known = state.catalog.services.find(service)
        if known is None:
            return
        fitted = known.pipeline is None or state.catalog.pipeline(known) is not None
        changed = replace(known, version=known.version + 1, pipeline=self.changes.swaps[service])
        arguments = {name: value for name, value in vars(changed).items() if name in _fields(changed)}
        self.branch.definition_writer.create_service(arguments, True, {})
        if changed.pipeline is not None and not changed.is_fitted and fitted:
            fit_on = self.changes.fits.get(service)
            self.branch.service(service).fit(*(() if fit_on is None else fit_on))

    # -- experiments -----------------------------------------------------------------------------------------

    def _exposures(self, event: Event) -> int:
        fact = event.fact
        assert isinstance(fact, ExposuresRecorded)
        if self._asked.assignments == AGAIN:
            offset, moved = expose_again(self.branch, event)
            self._moved += moved
            return offset
        return self._write(event, ExposuresRecorded(self._in_force(fact.experiment), fact.exposures, fact.event_time))

    def _outcomes(self, event: Event) -> int:
        fact = event.fact
        assert isinstance(fact, OutcomesRecorded)
        label = self._in_force(fact.experiment)
        return self._write(event, OutcomesRecorded(label, fact.outcomes, self._origin(event)))

    def _in_force(self, label: str) -> str:
        """The version of an experiment that is in force in the branch."""
        return self.branch.state.catalog.experiments.get(label.partition("@")[0]).label


def _refuse(event: Event) -> NoReturn:
    """Refuse an event that is not told again: values of it are gone, or it is of its own ledger."""
    fact: Any = event.fact
    if isinstance(fact, EventPruned) or any(gap.why == PRUNED for gap in getattr(fact, "gaps", ())):
        raise Pruned("the values of an event that was pruned cannot be written again", offset=event.offset)
    if fact.redaction is not None:
        raise Erased("the values of an event that was erased cannot be written again", offset=event.offset)
    raise InvalidInput("an event of this type is of its own ledger", type=event.type)


def _fields(definition: Any) -> set[str]:
    return set(definition.__dataclass_fields__) - {"version"}
