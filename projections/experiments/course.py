"""The course of one metric: the value of every unit as it changed, by arm.

A course is a function of the exposures and outcomes and of how the metric is defined (its ``Spec``), so it answers as
of every offset at which that definition was in force. A metric that is defined anew gets a new course, built from the
rows; the old one stays for the offsets before.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import ROW_BITS, Metric
from projections.experiments.aggregates import RUNNING
from projections.experiments.exposures import NEVER, NOWHERE, Exposures
from projections.experiments.outcomes import Outcomes
from projections.experiments.steps import Steps
from projections.moments import NOTHING, Moments

if TYPE_CHECKING:
    from projections.experiments.pair import Pair

Row = tuple[int, int, float, int, int]  # unit, arm (or NOWHERE), value, event time, offset
Change = tuple[int, int, float, float]  # unit, offset, its value before and after
RUN: Final = 8_192  # outcomes that a build takes at once


class Spec(NamedTuple):
    """What of a metric's definition decides the values of units."""

    metric: str
    aggregate: str
    window: int | None

    @classmethod
    def of(cls, name: str, metric: Metric) -> Spec:
        """Of a metric."""
        return cls(name, metric.aggregate, metric.window_micros)


class Course:
    """One metric under one definition."""

    def __init__(self, spec: Spec, exposures: Exposures, outcomes: Outcomes) -> None:
        self.spec = spec
        self.exposures = exposures
        self.outcomes = outcomes
        self.window = NEVER if spec.window is None else spec.window
        self.running = RUNNING[spec.aggregate]()
        self.absent = self.running.absent
        self.now = array("d")  # the value of each unit that counts
        self.steps: list[Steps] = []  # by arm
        self.pairs: list[Pair] = []
        self._folded = (0, 0)

    # -- what happens ----------------------------------------------------------------------------------

    def record(self, rows: Iterable[Row]) -> None:
        """Outcomes were recorded. 0.6 us each: one loop, with what it uses at hand, and columns that grow at once."""
        self.grow()
        now, starts, window, add = self.now, self.exposures.times, self.window, self.running.add
        changes: list[list[Change]] = [[] for _ in self.steps]
        notes = [own.append for own in changes]
        for unit, arm, value, time, offset in rows:
            if arm < 0 or not 0 <= time - starts[unit] <= window:
                continue
            held = now[unit]
            new = add(unit, held, value, time)
            if new != held:
                now[unit] = new
                notes[arm]((unit, offset, held, new))
        for arm, own in enumerate(changes):
            if own:
                self.steps[arm].extend(*zip(*own))
                for pair in self.pairs:
                    pair.change_many(self, arm, own)

    def record_one(self, unit: int, arm: int, value: float, time: int, offset: int) -> None:
        """One outcome was recorded. 0.8 us."""
        self.grow()
        if arm < 0 or not 0 <= time - self.exposures.times[unit] <= self.window:
            return
        held = self.now[unit]
        new = self.running.add(unit, held, value, time)
        if new != held:
            self._change(unit, arm, offset, held, new)

    def _change(self, unit: int, arm: int, offset: int, held: float, new: float) -> None:
        self.now[unit] = new
        self.steps[arm].add(unit, offset, held, new)
        for pair in self.pairs:
            pair.change(self, unit, arm, offset, held, new)

    def join(self, unit: int, arm: int, offset: int, rows: Iterable[int]) -> None:
        """A unit counts from here on, with those of the outcomes that came before its exposure did."""
        outcomes = self.outcomes
        self.record([(unit, arm, outcomes.values[row], outcomes.times[row], offset) for row in rows])

    def leave(self, unit: int, arm: int, offset: int) -> None:
        """A unit counts no longer."""
        held = self.now[unit] if unit < len(self.now) else self.absent
        if held == held != self.absent:
            self._change(unit, arm, offset, held, self.absent)

    def grow(self) -> None:
        """Make room for every unit and arm that there is."""
        size = len(self.exposures.names)
        if size > len(self.now):
            size += size >> 2
            self.now.extend([self.absent] * (size - len(self.now)))
            self.running.grow(size)
        while len(self.steps) < len(self.exposures.labels):
            self.steps.append(Steps(self.absent))

    # -- building ----------------------------------------------------------------------------------------

    def build(self) -> Course:
        """Take everything that was recorded; itself. 1.5 us an outcome.

        Rows are taken in runs between the moves of units, with the arms that units had then.
        """
        self.grow()
        inside = array("h", [NOWHERE]) * len(self.exposures.names)
        early: dict[int, list[int]] = {}  # unit -> rows before its exposure
        since, refs, start = self.exposures.since, self.outcomes.refs, 0
        for offset, unit in zip(*self.exposures.moves):
            stop = bisect_left(refs, offset << ROW_BITS, start)
            self._take(start, stop, inside, early)
            start = max(start, stop)
            if since[unit] == offset:
                inside[unit] = arm = self.exposures.arms[unit]
                self.join(unit, arm, offset, early.pop(unit, ()))
            else:
                inside[unit] = NOWHERE
                self.leave(unit, self.exposures.arms[unit], offset)
        self._take(start, len(refs), inside, early)
        return self

    def _take(self, start: int, stop: int, inside: array[int], early: dict[int, list[int]]) -> None:
        for first in range(start, stop, RUN):
            self.record(self._run(first, min(first + RUN, stop), inside, early))

    def _run(self, start: int, stop: int, inside: array[int], early: dict[int, list[int]]) -> Iterator[Row]:
        outcomes = self.outcomes
        columns = (outcomes.units, outcomes.values, outcomes.times, outcomes.refs)
        for row, (unit, value, time, ref) in enumerate(zip(*(column[start:stop] for column in columns)), start):
            if inside[unit] >= 0:
                yield unit, inside[unit], value, time, ref >> ROW_BITS
            else:
                early.setdefault(unit, []).append(row)

    def rest(self) -> None:
        """It is no longer told what happens; remember how much it was told."""
        self._folded = self._recorded()

    @property
    def whole(self) -> bool:
        """Whether nothing was recorded since it came to rest."""
        return self._folded == self._recorded()

    def _recorded(self) -> tuple[int, int]:
        return len(self.outcomes), len(self.exposures.moves[0])

    # -- reading -----------------------------------------------------------------------------------------

    def moments(self, arm: int, offset: int) -> Moments:
        """The moments of an arm over its units. 0.2 ms."""
        return self.along(arm, [offset])[0]

    def along(self, arm: int, offsets: list[int]) -> list[Moments]:
        """The moments of an arm as of each offset."""
        found = self.steps[arm].along(offsets) if arm < len(self.steps) else [NOTHING] * len(offsets)
        if self.absent != 0.0:
            return found
        exposed = self.exposures.exposed
        return [sums._replace(size=exposed(arm, offset)) for offset, sums in zip(offsets, found)]

    def values(self, arm: int, offset: int) -> dict[int, float]:
        """The values of an arm's units that ever changed, NaN or 0 for those that count no longer."""
        return self.steps[arm].values(offset) if arm < len(self.steps) else {}
