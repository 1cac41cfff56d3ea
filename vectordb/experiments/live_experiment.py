"""An experiment of a live database: its reads, what it records, and its changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ledger import (
    Entity,
    ExperimentDefinition,
    Instant,
    InvalidInput,
    OutcomesRecorded,
    UnknownName,
    check_entity,
    to_micros,
)
from vectordb.batches.entity_ids import check_ids
from vectordb.call_arguments import said_time
from vectordb.experiments.assignment import REASONS, Assignment
from vectordb.experiments.experiment import Experiment
from vectordb.experiments.exposing import given_arms, record_exposures
from vectordb.experiments.outcomes import check_outcome, check_outcomes, most_bytes, raw_outcomes, timed
from vectordb.experiments.reallocating import Reallocation
from vectordb.experiments.stats.inputs import check_number
from vectordb.receipt import Receipt
from vectordb.writer import make_meta, make_origin

if TYPE_CHECKING:
    from vectordb.database import VectorDB


class LiveExperiment(Experiment):
    """An experiment that records and can be changed; everything of ``Experiment`` is here.

    All writes take ``actor``, ``correlation``, ``causation`` and ``tags``. A change is the next version of the
    definition; one that says the same writes nothing and gives the receipt of the version that is there, and one that
    breaks a rule raises ``DefinitionError``.

    >>> from vectordb import VectorDB
    >>> db = VectorDB()
    >>> arms = {"control": 0.5, "treatment": 0.5}
    >>> ranking = db.create_experiment("ranking", arms=arms, unit="user", metrics={"purchase": "sum"})
    >>> ranking.expose("u-1").arm, ranking.record("u-1", "purchase", 12.5).offset, len(ranking.exposures())
    ('treatment', 3, 1)
    >>> ranking.stop(ship="treatment").offset, ranking.assign("u-1").arm
    (4, 'treatment')
    """

    def __init__(self, db: VectorDB, name: str) -> None:
        super().__init__(db, name)
        self._db = db

    # -- exposures -----------------------------------------------------------------------------------------

    def expose(
        self,
        unit: Entity,
        assignment: Assignment | None = None,
        *,
        arm: str | None = None,
        event_time: Instant | None = None,
        **meta: Any,
    ) -> Assignment:
        """Assign a unit, and record that it met its arm: once per unit, arm and bucket version.

        A repeat gives the assignment that was recorded and writes nothing; nor does a unit without an arm, nor one
        that gets the shipped arm of a stopped experiment. ``assignment`` is what an earlier ``assign`` answered: of
        this unit, and of the bucket version in force (else ``InvalidInput``); ``arm`` the one that the unit was shown,
        as in ``expose_many``.
        """
        entity = check_entity(unit)
        if arm is not None and assignment is not None:
            raise InvalidInput("an exposure takes an assignment or an arm, not both", arm=arm, assignment=assignment)
        if assignment is not None:
            return self._expose(lambda: [self._given(entity, assignment)], event_time, meta)[0]
        return self._expose(self._assigning([entity], None if arm is None else [arm]), event_time, meta)[0]

    def expose_many(
        self,
        units: Iterable[Entity],
        *,
        arms: Iterable[str] | None = None,
        event_time: Instant | None = None,
        **meta: Any,
    ) -> list[Assignment]:
        """The same for many units, in their order; what is new is recorded in one event.

        ``arms``, one a unit, are those that they were shown: assigned elsewhere, whatever this experiment would draw.
        They count like any other, with the reason ``given`` and the arm's weight as propensity: let the weights be the
        shares with which units were split, as the sample ratio is tested against them. A unit that was forced stays
        uncounted. Outcomes count from ``event_time`` on. If the experiment goes on, make it ``sticky``: each unit then
        keeps its arm.

        >>> from vectordb import VectorDB
        >>> halves, metrics = {"gate_30": 0.5, "gate_40": 0.5}, {"kept": "any"}
        >>> gate = VectorDB().create_experiment("gate", arms=halves, unit="user", metrics=metrics)
        >>> log = {"user": ["ann", "bob", "eve"], "arm": ["gate_30", "gate_40", "gate_40"], "kept": [1, 0, 1]}
        >>> [one.reason for one in gate.expose_many(log["user"], arms=log["arm"])]
        ['given', 'given', 'given']
        >>> _ = gate.record_many({"user": log["user"], "value": log["kept"]}, metric="kept")
        >>> [(arm.arm, arm.n, arm.mean) for arm in gate.analyze("kept").arms]
        [('gate_30', 1, 1.0), ('gate_40', 2, 0.5)]
        """
        ids = [check_entity(unit) for unit in check_ids(units, "expose_many")]
        return self._expose(self._assigning(ids, arms), event_time, meta)

    def _assigning(self, units: list[Entity], arms: Iterable[str] | None) -> Callable[[], list[Assignment]]:
        """What to record of units: drawn, or as given."""
        if arms is None:
            return lambda: self._assign_many(units)
        return lambda: given_arms(self._definition(), units, arms)

    def _expose(
        self, find: Callable[[], list[Assignment]], event_time: Instant | None, meta: dict[str, Any]
    ) -> list[Assignment]:
        at, made = None if event_time is None else to_micros(event_time), make_meta(**meta)
        with self._db.state.lock:
            self._db.state.heal()
            return record_exposures(self._db, find(), at, made)

    def _given(self, unit: Entity, assignment: Assignment) -> Assignment:
        """An assignment of this experiment, for this unit, that the log can hold."""
        fits = isinstance(assignment, Assignment) and isinstance(assignment.experiment, str)
        if not fits or assignment.name != self.name or check_entity(assignment.unit) != unit:
            rule = "an exposure takes an assignment of its own unit and experiment"
            raise InvalidInput(rule, experiment=self.name, unit=unit, assignment=assignment)
        assignment = _plain(assignment, unit)
        definition = self._db.state.catalog.experiments.version(self.name, assignment.version)
        bucket = self._definition().bucket_version
        if not assignment.bucket_version == definition.bucket_version == bucket:
            rule = "an exposure is of the bucket version in force"
            raise InvalidInput(rule, experiment=self.name, bucket_version=bucket, assignment=assignment)
        if assignment.arm is not None and assignment.arm not in definition.arms:
            given = {"experiment": definition.label, "arm": assignment.arm, "known": list(definition.arms)}
            raise InvalidInput("the experiment has no such arm", **given)
        answered = assignment.arm is None or (assignment.reason in REASONS and 0 < assignment.propensity <= 1)
        if assignment.experiment != definition.label or not answered:
            raise InvalidInput("an assignment is taken as it was answered", assignment=assignment)
        return assignment

    # -- outcomes ------------------------------------------------------------------------------------------

    def record(
        self,
        unit: Entity,
        metric: str,
        value: float,
        *,
        event_time: Instant | None = None,
        idempotency_key: str | None = None,
        **meta: Any,
    ) -> Receipt:
        """Record what a unit did: the value of a metric (True and False are 1 and 0), and when (None: now).

        A second call with the same ``idempotency_key`` and arguments gives the first receipt. Raises ``UnknownName``
        for the metric, as ``analyze`` does, and ``InvalidInput`` for a value that is no finite number. 11 us.
        """
        entity, at = check_entity(unit), None if event_time is None else to_micros(event_time)
        said = ["outcome", self.name, entity, metric, value, said_time(event_time)] if idempotency_key else None
        with self._db.state.lock:
            self._db.state.heal()
            definition = self._definition()
            rows = [(entity, metric, check_outcome(metric, value, definition.metrics), at)]
            return self._record(definition, rows, said, idempotency_key, meta)

    def record_many(
        self, rows: Any, *, metric: str | None = None, idempotency_key: str | None = None, **meta: Any
    ) -> Receipt:
        """Record many outcomes in one event: all, or none.

        ``rows`` are columns ``{"user": ids, "metric": ..., "value": [...], "event_time": [...]}``, the first named by
        the experiment's kind of unit, or an iterable of such rows. ``event_time`` may be left out, and ``metric``
        may be one text for all. Raises ``InvalidCells``, which names the rows that are wrong. 3 us a row, tallied.
        """
        definition = self.definition
        raw = raw_outcomes(rows, definition.unit, metric)
        checked = check_outcomes(raw, definition.unit, definition.metrics)
        times = None if raw.times is None else [said_time(time) for time in raw.times] if idempotency_key else None
        said = ["outcomes", self.name, raw.units, raw.metrics, raw.values, times] if idempotency_key else None
        return self._record(definition, checked, said, idempotency_key, meta)

    def _record(
        self, checked: ExperimentDefinition, rows: Any, said: Any, key: str | None, meta: dict[str, Any]
    ) -> Receipt:
        db, made = self._db, make_meta(**meta) if meta else None
        with db.state.lock:
            db.state.heal()
            origin = None if key is None else make_origin(db.writer, (), None, key, said)
            replayed = db.writer.replayed(origin)
            if replayed is not None:
                return replayed
            definition = self._definition()
            if definition is not checked:  # defined anew since they were checked
                for name in {row[1] for row in rows} - set(definition.metrics):
                    raise UnknownName("the experiment has no such metric", experiment=definition.label, metric=name)
            label = definition.label
            bound = most_bytes(label, rows) if origin is None and made is None else None
            return db.writer.commit(
                lambda offset, time: OutcomesRecorded(label, timed(rows, time), origin), made, bound
            )

    # -- changes -------------------------------------------------------------------------------------------

    def ramp(self, traffic: float, *, reason: str = "", **meta: Any) -> Receipt:
        """Another share of the units takes part. Nobody moves between arms; more traffic only adds units."""
        return self._change({"traffic": traffic, "reason": reason}, meta)

    def reweight(self, arms: Mapping[str, float], *, reason: str = "", **meta: Any) -> Receipt:
        """Other weights, or arms. Units at the bounds of their arm's range move, unless the experiment is sticky."""
        return self._change({"arms": arms, "reason": reason}, meta)

    def reallocate(
        self,
        metric: str,
        method: str = "thompson",
        *,
        floor: float = 0.01,
        draws: int | None = None,
        seed: int = 0,
        leader: float = 0.5,
        **meta: Any,
    ) -> Reallocation:
        """Give a bandit's arms new weights (see ``reallocation``) as the next version of the definition.

        Its reason names method, metric, seed and offset. Make the experiment ``sticky``, or units at the bounds move.
        """
        found = self.reallocation(metric, method, floor=floor, draws=draws, seed=seed, leader=leader)
        receipt = self.reweight(found.arms, reason=found.reason, **meta)
        return replace(found, recorded=receipt.offset)

    def force(self, unit: Entity, arm: str, *, reason: str = "", **meta: Any) -> Receipt:
        """Give a unit an arm of its own; it is never counted (unlike ``arms`` of ``expose_many``)."""
        entity = check_entity(unit)
        return self._change(lambda known: {"forced": {**dict(known.forced), entity: arm}, "reason": reason}, meta)

    def unforce(self, unit: Entity, *, reason: str = "", **meta: Any) -> Receipt:
        """Let a unit be assigned like any other again."""
        entity = check_entity(unit)

        def without(known: Any) -> dict[str, Any]:
            forced = {other: arm for other, arm in known.forced if other != entity}
            return {"forced": forced, "reason": reason}

        return self._change(without, meta)

    def stop(self, ship: str | None = None, *, reason: str = "", **meta: Any) -> Receipt:
        """Stop: every unit gets the arm that is shipped, or none. Its segments of a layer are free again."""
        return self._change({"running": False, "final": "" if ship is None else ship, "reason": reason}, meta)

    def resume(self, *, reason: str = "", **meta: Any) -> Receipt:
        """Go on after a stop. In a layer it takes what is free, which need not be the segments that it had."""
        return self._change({"running": True, "final": "", "reason": reason}, meta)

    def restart_buckets(self, salt: str | None = None, *, reason: str = "", **meta: Any) -> Receipt:
        """Raise the bucket version: earlier exposures bind no unit any more, and new ones are counted anew.

        With another ``salt`` the units are drawn anew too; without one only sticky units can move.
        """

        def raised(known: Any) -> dict[str, Any]:
            changes = {"bucket_version": known.bucket_version + 1, "reason": reason}
            return changes if salt is None else {**changes, "salt": salt}

        return self._change(raised, meta)

    def _change(self, changes: Any, meta: dict[str, Any]) -> Receipt:
        return self._db.definition_writer.change_experiment(self.name, changes, meta)


def _plain(assignment: Assignment, unit: Entity) -> Assignment:
    """An assignment in the types that the log holds: one that came through JSON may have 1 for 1.0."""
    texts, whole = (assignment.arm, assignment.reason), (assignment.version, assignment.bucket_version)
    if not all(text is None or type(text) is str for text in texts) or not all(type(number) is int for number in whole):
        raise InvalidInput("an assignment is taken as it was answered", assignment=assignment)
    return assignment._replace(unit=unit, propensity=check_number("a propensity", assignment.propensity))
