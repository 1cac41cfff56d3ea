"""Brent's method: the least value of a function of one variable, without its derivative."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Final

GOLDEN: Final = 0.3819660112501051  # (3 - sqrt(5)) / 2
GROWTH: Final = 1.618033988749895
TOLERANCE: Final = 3e-9  # relative; closer, a smooth function hardly changes in float64
STEPS: Final = 500

Function = Callable[[float], float]


def bracket(function: Function, one: float, other: float) -> tuple[float, float, float]:
    """Three places in a row, of which the middle one has the least value: downhill from two, in growing steps."""
    at_one, at_other = function(one), function(other)
    if at_one < at_other:
        one, other, at_other = other, one, at_one
    for _ in range(STEPS):
        beyond = other + GROWTH * (other - one)
        at_beyond = function(beyond)
        if not at_beyond < at_other or not isfinite(beyond):
            break
        one, other, at_other = other, beyond, at_beyond
    else:
        beyond = other
    return (one, other, beyond) if one <= beyond else (beyond, other, one)


def minimum(function: Function, low: float, high: float, start: float | None = None) -> float:
    """Where a function is least between two places; a golden section inwards from the lower one is looked at first.

    Parabolas through the best three places, and golden sections where those do not lead on: 10 to 40 evaluations.
    Source: Brent, "Algorithms for minimization without derivatives" (1973), chapter 5.

    >>> round(minimum(lambda x: (x - 2.0) * (x - 2.0), 0.0, 10.0), 6)
    2.0
    """
    search = _Search(function, low, high, low + GOLDEN * (high - low) if start is None else start)
    for _ in range(STEPS):
        if not search.advance():
            break
    return search.best


class _Search:
    """The interval that is left, the best three places in it, and the last two steps."""

    def __init__(self, function: Function, low: float, high: float, start: float) -> None:
        self.function = function
        self.low, self.high = low, high
        self.best = self.second = self.third = start
        self.at_best = self.at_second = self.at_third = function(start)
        self.step = self.before = 0.0

    def advance(self) -> bool:
        """Look at one more place; False where the interval is small enough."""
        middle = 0.5 * (self.low + self.high)
        near = TOLERANCE * abs(self.best) + 1e-11
        if abs(self.best - middle) <= 2.0 * near - 0.5 * (self.high - self.low):
            return False
        if not self._parabola(near, middle):
            self.before = (self.low if self.best >= middle else self.high) - self.best
            self.step = GOLDEN * self.before
        step = self.step if abs(self.step) >= near else near if self.step >= 0 else -near
        self._note(self.best + step)
        return True

    def _parabola(self, near: float, middle: float) -> bool:
        """Step to the lowest place of the parabola, where that is inside and steps get shorter."""
        if abs(self.before) <= near:
            return False
        best, at_best = self.best, self.at_best
        first = (best - self.second) * (at_best - self.at_third)
        other = (best - self.third) * (at_best - self.at_second)
        top = (best - self.third) * other - (best - self.second) * first
        bottom = 2.0 * (other - first)
        top, bottom = (-top, bottom) if bottom > 0 else (top, -bottom)
        before, self.before = self.before, self.step
        inside = bottom * (self.low - best) < top < bottom * (self.high - best)
        if not inside or not abs(top) < abs(0.5 * bottom * before):
            return False
        self.step = top / bottom
        place = best + self.step
        if place - self.low < 2.0 * near or self.high - place < 2.0 * near:
            self.step = near if middle >= best else -near
        return True

    def _note(self, place: float) -> None:
        at_place = self.function(place)
        if at_place <= self.at_best:
            if place >= self.best:
                self.low = self.best
            else:
                self.high = self.best
            self.third, self.at_third = self.second, self.at_second
            self.second, self.at_second = self.best, self.at_best
            self.best, self.at_best = place, at_place
            return
        if place < self.best:
            self.low = place
        else:
            self.high = place
        if at_place <= self.at_second or self.second == self.best:
            self.third, self.at_third = self.second, self.at_second
            self.second, self.at_second = place, at_place
        elif at_place <= self.at_third or self.third in (self.best, self.second):
            self.third, self.at_third = place, at_place
