"""The two metrics of a ratio, unit by unit: what its variance needs beyond the moments of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from math import nan

from projections.experiments.course import Change, Course
from projections.experiments.steps import PairSteps
from projections.joint_moments import NO_PAIRS, JointMoments

Both = tuple[float, float]
_NEITHER = (nan, nan)


class Pair:
    """A metric (``top``) and the one that it is over (``bottom``). A unit is in where both count it."""

    def __init__(self, top: Course, bottom: Course) -> None:
        self.top = top
        self.bottom = bottom
        self.counts_all = top.absent == bottom.absent == 0.0
        self.absent = 0.0 if self.counts_all else nan
        self.steps: list[PairSteps] = []  # by arm

    def change(self, course: Course, unit: int, arm: int, offset: int, old: float, new: float) -> None:
        """The value of a unit changed in one of the two courses (or in the one that is both)."""
        if self.top is self.bottom:
            self._step(unit, arm, offset, (old, old), (new, new))
        elif course is self.top:
            other = _value(self.bottom, unit)
            self._step(unit, arm, offset, (old, other), (new, other))
        else:
            other = _value(self.top, unit)
            self._step(unit, arm, offset, (other, old), (other, new))

    def change_many(self, course: Course, arm: int, changes: Sequence[Change]) -> None:
        """The same of many changes of one course, in an arm, one after the other. 0.3 us each, 1 us one by one."""
        if not self.counts_all or self.top is self.bottom:
            for unit, offset, old, new in changes:
                self.change(course, unit, arm, offset, old, new)
            return
        units, offsets, olds, news = zip(*changes)
        beside = self.bottom if course is self.top else self.top
        beside.grow()
        others = list(map(beside.now.__getitem__, units))
        if course is self.top:
            self._steps(arm).extend(units, offsets, (olds, others), (news, others))
        else:
            self._steps(arm).extend(units, offsets, (others, olds), (others, news))

    def _step(self, unit: int, arm: int, offset: int, old: Both, new: Both) -> None:
        before, after = _whole(old), _whole(new)
        if before is not after:  # counted before, or after
            self._steps(arm).add(unit, offset, before, after)

    def _steps(self, arm: int) -> PairSteps:
        while arm >= len(self.steps):
            self.steps.append(PairSteps(self.absent))
        return self.steps[arm]

    def build(self) -> Pair:
        """Take every change of the two courses; itself. 3 us a change."""
        for arm in range(max(len(self.top.steps), len(self.bottom.steps))):
            held: dict[int, Both] = {}
            nothing = (self.top.absent, self.bottom.absent)
            for offset, which, unit, value in merge(_changes(self.top, arm, 0), _changes(self.bottom, arm, 1)):
                old = held.get(unit, nothing)
                held[unit] = new = (value, old[1]) if which == 0 else (old[0], value)
                self._step(unit, arm, offset, old, new)
        return self

    def along(self, arm: int, offsets: list[int]) -> list[JointMoments]:
        """The joint moments of an arm over its units, as of each offset. 0.3 ms for one."""
        found = self.steps[arm].along(offsets) if arm < len(self.steps) else [NO_PAIRS] * len(offsets)
        if not self.counts_all:
            return found
        exposed = self.top.exposures.exposed
        return [sums._replace(size=exposed(arm, offset)) for offset, sums in zip(offsets, found)]


def _value(course: Course, unit: int) -> float:
    return course.now[unit] if unit < len(course.now) else course.absent


def _whole(pair: Both) -> Both:
    return pair if pair[0] == pair[0] and pair[1] == pair[1] else _NEITHER


def _changes(course: Course, arm: int, which: int) -> Iterator[tuple[int, int, int, float]]:
    """(offset, which, unit, value after) of an arm's steps."""
    if arm < len(course.steps):
        steps = course.steps[arm]
        for offset, unit, value in zip(steps.offsets, steps.units, steps.new):
            yield offset, which, unit, value
