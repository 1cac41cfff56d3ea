"""A trial: an experiment under one bucket version. Raising the version starts another one with nothing in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, repeat
from typing import Final

from ledger import ROW_BITS, ExperimentDefinition, Exposure, Outcome
from projections.experiments.course import Course, Spec
from projections.experiments.exposures import JOINED, LEFT, NOWHERE, Exposures
from projections.experiments.outcomes import Outcomes
from projections.experiments.pair import Pair

FORCED: Final = "forced"  # the reason of an exposure that is kept and never counted
GIVEN: Final = "given"  # of one whose arm was told, not drawn

_Columns = tuple[Sequence[int], Sequence[float], Sequence[int], Sequence[int]]  # units, values, times, references


class Trial:
    """Exposures, outcomes by metric, and a course for every definition that a metric has had.

    ``active`` are the courses of the newest definition, which are told what happens; the others rest.
    """

    def __init__(self) -> None:
        self.exposures = Exposures()
        self.outcomes: dict[str, Outcomes] = {}
        self.courses: dict[Spec, Course] = {}
        self.pairs: dict[tuple[Spec, Spec], Pair] = {}
        self.active: dict[str, Course] = {}

    # -- what happens ----------------------------------------------------------------------------------

    def define(self, definition: ExperimentDefinition) -> None:
        """Take the metrics of a new version. A metric measured in another way is built from its rows: 2 us each."""
        for arm in definition.arms:
            self.exposures.arm(arm)
        specs = [Spec.of(name, metric) for name, metric in definition.metrics.items()]
        active = {spec.metric: self._course(spec) for spec in specs}
        for course in self.active.values():
            if active.get(course.spec.metric) is not course:
                course.rest()
        told = {id(pair): pair for course in self.active.values() for pair in course.pairs}
        for course in (*self.active.values(), *active.values()):
            course.pairs = []
        self.active = active
        for name, metric in definition.metrics.items():
            if metric.over:
                self._join_pair(active[name], active[metric.over], told)

    def _course(self, spec: Spec) -> Course:
        found = self.courses.get(spec)
        if found is None or not (found is self.active.get(spec.metric) or found.whole):
            outcomes = self._rows(spec.metric)
            found = self.courses[spec] = Course(spec, self.exposures, outcomes).build()
        return found

    def _join_pair(self, top: Course, bottom: Course, told: dict[int, Pair]) -> None:
        """Have the pair of two courses told what happens; one that missed something is built anew."""
        key = (top.spec, bottom.spec)
        pair = self.pairs.get(key)
        if pair is None or id(pair) not in told or pair.top is not top or pair.bottom is not bottom:
            pair = self.pairs[key] = Pair(top, bottom).build()
        for course in {id(course): course for course in (top, bottom)}.values():
            course.pairs.append(pair)

    def _rows(self, metric: str) -> Outcomes:
        found = self.outcomes.get(metric)
        if found is None:
            found = self.outcomes[metric] = Outcomes()
        return found

    def expose(self, offset: int, time: int, exposures: tuple[Exposure, ...]) -> None:
        """Units met arms. 2.5 us each."""
        held = self.exposures
        for unit, label, reason, propensity in exposures:
            number, arm = held.number(unit), held.arm(label)
            if reason == FORCED:
                held.force(number, arm, offset)
                continue
            change = held.meet(number, arm, time, propensity, offset)
            if change == JOINED:
                if reason == GIVEN:
                    held.given.add(number)
                for metric, course in self.active.items():
                    rows = self.outcomes[metric].waiting(number)
                    if rows:
                        course.join(number, arm, offset, rows)
            elif change == LEFT:
                for course in self.active.values():
                    course.leave(number, held.arms[number], offset)

    def record(self, offset: int, outcomes: tuple[Outcome, ...]) -> None:
        """Units did something; outcomes of a metric that is not defined are kept for when it is.

        2 us each, 3 us where the units are a million (caches); 6 us for an event of one.
        """
        if len(outcomes) == 1:
            self._record_one(offset, outcomes[0])
            return
        units, metrics, values, times = zip(*outcomes)
        numbers = list(map(self.exposures.numbers.get, units))
        if None in numbers:
            numbers = list(map(self.exposures.number, units))
        refs = range(offset << ROW_BITS, (offset << ROW_BITS) + len(units))
        columns: _Columns = (numbers, values, times, refs)  # type: ignore[assignment]  # every unit has a number
        for metric in sorted(set(metrics)):
            if len(outcomes) == metrics.count(metric):
                self._record(metric, offset, columns)
            else:
                self._record(metric, offset, _picked(columns, [other == metric for other in metrics]))

    def _record_one(self, offset: int, outcome: Outcome) -> None:
        unit, metric, value, time = outcome
        number, rows = self.exposures.number(unit), self._rows(metric)
        arm = self.exposures.inside[number]
        rows.add_one(number, value, time, offset << ROW_BITS)
        if arm == NOWHERE:
            rows.wait((len(rows) - 1,))
        course = self.active.get(metric)
        if course is not None:
            course.record_one(number, arm, value, time, offset)

    def _record(self, metric: str, offset: int, columns: _Columns) -> None:
        units, values, times, refs = columns
        rows = self._rows(metric)
        rows.add(units, values, times, refs)
        arms = list(map(self.exposures.inside.__getitem__, units))
        if NOWHERE in arms:
            rows.wait(row for row, arm in enumerate(arms, len(rows) - len(units)) if arm == NOWHERE)
        course = self.active.get(metric)
        if course is not None:
            course.record(zip(units, arms, values, times, repeat(offset)))

    # -- reading -----------------------------------------------------------------------------------------

    def arms(self, definition: ExperimentDefinition, offset: int) -> dict[str, int]:
        """The numbers of the arms: those of a definition in its order, then others that units were seen in."""
        held = self.exposures
        found = {arm: held.places[arm] for arm in definition.arms}
        for label, arm in list(held.places.items()):
            if label not in found and held.joins[arm] and held.joins[arm][0] <= offset:
                found[label] = arm
        return found


def _picked(columns: _Columns, wanted: list[bool]) -> _Columns:
    units, values, times, refs = (list(compress(column, wanted)) for column in columns)
    return units, values, times, refs  # type: ignore[return-value]  # each of the type that it was
