"""Experiments: exposures and outcomes folded into tallies that answer as of any offset.

    per (experiment, bucket version)   a ``Trial``
        Exposures                      units, their first arms, joins and leaves
        Outcomes                       by metric: rows in columns
        Course                         by metric and definition: values of units as they changed, with running sums
        Pair                           by ratio: the same of two values

Everything only grows, so a reader of the past needs no lock. After an erasure all is folded anew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from ledger import Entity, Event, ExperimentDefined, ExperimentDefinition, ExposuresRecorded, OutcomesRecorded
from projections.contract import Handler, Projection
from projections.experiments.course import Spec
from projections.experiments.recount import check_tallies, recount, tallied
from projections.experiments.tallies import Tallies, course_of, metric_of
from projections.experiments.trial import Trial
from projections.experiments.trial_dump import dump_trials, load_trials
from projections.experiments.uncounted import Uncounted, recorded, uncounted
from projections.experiments.units import ExposedUnit, FirstExposure
from projections.joint_moments import JointMoments
from projections.moments import Moments

METRICS_OWN: Final = -1  # the attribution window that the metric defines


class Experiments(Projection):
    """Who met which arm and did what, as of any offset (None: the head).

    An experiment is read by the definition in force at the offset: its bucket version says which exposures and
    outcomes are meant, its metrics how they are measured.
    """

    name = "experiments"
    version = 1
    essential = True
    handles = (ExperimentDefined, ExposuresRecorded, OutcomesRecorded)

    def reset(self) -> None:
        """No experiment."""
        self._trials: dict[tuple[str, int], Trial] = {}
        self._current: dict[str, Trial] = {}

    def handlers(self) -> dict[type, Handler]:
        """One handler a kind of event."""
        return {
            ExperimentDefined: self._defined,
            ExposuresRecorded: self._exposed,
            OutcomesRecorded: self._recorded,
        }

    def _defined(self, event: Event) -> None:
        assert isinstance(event.fact, ExperimentDefined)
        self._define(event.fact.definition)

    def _define(self, definition: ExperimentDefinition) -> None:
        key = (definition.name, definition.bucket_version)
        trial = self._trials.get(key) or Trial()
        trial.define(definition)
        self._trials[key] = self._current[definition.name] = trial

    def _exposed(self, event: Event) -> None:
        fact = event.fact
        assert isinstance(fact, ExposuresRecorded)
        trial = self._current.get(fact.experiment.partition("@")[0])
        if trial is not None:  # of an experiment that nothing defined there is nothing to tally
            trial.expose(event.offset, fact.event_time, fact.exposures)

    def _recorded(self, event: Event) -> None:
        fact = event.fact
        assert isinstance(fact, OutcomesRecorded)
        trial = self._current.get(fact.experiment.partition("@")[0])
        if trial is not None and fact.outcomes:
            trial.record(event.offset, fact.outcomes)

    # -- tallies -----------------------------------------------------------------------------------------

    def tallies(self, experiment: str, offset: int | None = None) -> Tallies:
        """Counts and exact moments; raises ``UnknownName``. 10 us, and 0.2 ms an arm and metric asked for."""
        return Tallies(*self._at(experiment, offset))

    def looks(self, experiment: str, metric: str, offsets: Iterable[int]) -> list[dict[str, Moments]]:
        """``tallies(...).moments(metric)`` as of each offset; 1,000 of a million outcomes: 0.1 s.

        In increasing order a value is taken at most once.
        """
        found: list[dict[str, Moments]] = []
        for tallies, some in self._runs(experiment, offsets):
            found += tallies.along(metric, some)
        return found

    def joint_looks(self, experiment: str, metric: str, offsets: Iterable[int]) -> list[dict[str, JointMoments]]:
        """``tallies(...).joint(metric)`` as of each offset, in the same way."""
        found: list[dict[str, JointMoments]] = []
        for tallies, some in self._runs(experiment, offsets):
            found += tallies.joint_along(metric, some)
        return found

    def met(self, experiment: str, offset: int | None = None) -> dict[str, int]:
        """How many units met each arm first, conflicted ones too: counts that only grow. 1 us an arm."""
        trial, definition, offset = self._at(experiment, offset)
        joins = trial.exposures.joins
        return {label: bisect_right(joins[arm], offset) for label, arm in trial.arms(definition, offset).items()}

    def recorded(self, experiment: str, metric: str, offset: int | None = None) -> int:
        """How many outcomes of a metric are recorded under the bucket version in force."""
        trial, _, offset = self._at(experiment, offset)
        return recorded(trial, metric, offset)

    def uncounted(
        self, experiment: str, metric: str, offset: int | None = None, *, window: int | None = METRICS_OWN
    ) -> Uncounted:
        """How many of them count for no unit, by why; by another ``window`` too. 0.3 us an outcome."""
        trial, definition, offset = self._at(experiment, offset)
        spec = Spec.of(metric, metric_of(definition, metric))
        return uncounted(trial, spec if window == METRICS_OWN else spec._replace(window=window), offset)

    def _runs(self, experiment: str, offsets: Iterable[int]) -> Iterable[tuple[Tallies, list[int]]]:
        """Offsets in runs that share a definition and arms, each with the tallies of one of them."""
        for _, run in groupby(offsets, lambda offset: self._ground(experiment, offset)):
            some = list(run)
            yield self.tallies(experiment, some[0]), some

    def _ground(self, experiment: str, offset: int) -> tuple[int, tuple[str, ...]]:
        trial, definition, _ = self._at(experiment, offset)
        return definition.version, tuple(trial.arms(definition, offset))

    def _at(self, experiment: str, offset: int | None) -> tuple[Trial, ExperimentDefinition, int]:
        offset = self.log.head if offset is None else offset
        definition = self.catalog.experiments.get(experiment, offset)
        return self._trials[definition.name, definition.bucket_version], definition, offset

    def counted_by(self, experiment: str, end: int, offset: int | None = None) -> int:
        """How many of the units that count as of an offset were there by an earlier one. 0.1 us a unit."""
        trial, _, at = self._at(experiment, offset)
        held = trial.exposures
        return sum(since <= end and until > at for since, until in zip(held.since, held.until))  # ints

    # -- units -------------------------------------------------------------------------------------------

    def arm_of(self, experiment: str, unit: Entity, offset: int | None = None) -> FirstExposure | None:
        """The first exposure of a unit under the bucket version in force, None where it has none. 1 us.

        First is what was recorded first. Forced exposures are none: a unit whose override ends is drawn as any other.
        """
        trial, _, offset = self._at(experiment, offset)
        held = trial.exposures
        number = held.numbers.get(unit)
        if number is None or held.since[number] > offset:
            return None
        arm = held.labels[held.arms[number]]
        given = number in held.given
        return FirstExposure(arm, held.times[number], held.since[number], held.propensities[number], given)

    def seen(self, experiment: str, unit: Entity, arm: str, offset: int | None = None, *, forced: bool = False) -> bool:
        """Whether an exposure of a unit to an arm is recorded under the bucket version in force. 1 us."""
        trial, _, offset = self._at(experiment, offset)
        held = trial.exposures
        number, place = held.numbers.get(unit), held.places.get(arm)
        return number is not None and place is not None and held.seen(number, place, offset, forced)

    def knows(self, experiment: str, unit: Entity) -> bool:
        """Whether an exposure or an outcome of a unit was ever recorded, under any bucket version. 1 us."""
        return any(name == experiment and unit in trial.exposures.numbers for (name, _), trial in self._trials.items())

    def units(self, experiment: str, offset: int | None = None) -> list[ExposedUnit]:
        """Every unit with an exposure that was not forced, in the order in which units were first heard of.

        0.5 us a unit.
        """
        trial, _, offset = self._at(experiment, offset)
        held = trial.exposures
        rows = zip(held.names, held.arms, held.times, held.since, held.until)
        return [
            ExposedUnit(unit, held.labels[arm], time, since, until <= offset)
            for unit, arm, time, since, until in rows
            if since <= offset
        ]

    def unit_values(
        self,
        experiment: str,
        metric: str,
        offset: int | None = None,
        *,
        window: int | None = METRICS_OWN,
        until: int | None = None,
        first_arm: bool = False,
    ) -> dict[str, list[tuple[Entity, float]]]:
        """By arm (unit, value) of the units that the metric is over, in the order of ``units``.

        By the metric's own rules from its course: 1 us a unit. By others from the outcomes, 1.5 us each and 1 us a
        unit: another attribution ``window`` (microseconds, None for ever); only what happened up to ``until``,
        exposures too; units that were seen in two arms in their ``first_arm`` instead of in none.
        """
        trial, definition, offset = self._at(experiment, offset)
        spec = Spec.of(metric, metric_of(definition, metric))
        if window == METRICS_OWN and until is None and not first_arm:
            found = tallied(course_of(trial, definition, metric), offset)
        else:
            spec = spec if window == METRICS_OWN else spec._replace(window=window)
            found = recount(trial, spec, offset, until, first_arm)
        names = trial.exposures.names
        arms = trial.arms(definition, offset)
        return {label: [(names[unit], value) for unit, value in found[arm]] for label, arm in arms.items()}

    # -- the contract --------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """What was recorded, in columns; the tallies follow from it."""
        return dump_trials(self._trials)

    def load(self, state: bytes) -> None:
        """Read what was recorded and tally it anew, once a definition of a metric: 2.5 us an outcome."""
        self.reset()
        self._trials = dict(load_trials(state))
        for _, definition in self.catalog.experiments:
            if (definition.name, definition.bucket_version) in self._trials:
                self._define(definition)

    def check(self) -> None:
        """Tallies are those of a recount from what was recorded: now, halfway to now, and as of each definition."""
        for trial in self._trials.values():
            trial.exposures.check()
        for experiment in self._current:
            offsets = [offset for offset, _ in self.catalog.experiments.versions(experiment)]
            for offset in (*offsets, (offsets[-1] + self.log.head) // 2, self.log.head):
                check_tallies(*self._at(experiment, offset))

    def counts(self) -> dict[str, int]:
        """Experiments, units with an exposure or an outcome, outcomes; each bucket version counted."""
        trials = self._trials.values()
        rows = [outcomes for trial in trials for outcomes in trial.outcomes.values()]
        return {
            "experiments": len(self._current),
            "units": sum(len(trial.exposures.numbers) for trial in trials),  # ints
            "outcomes": sum(map(len, rows)),  # ints
        }
