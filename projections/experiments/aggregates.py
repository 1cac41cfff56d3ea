"""How outcomes of a unit become its one value: at once, and one outcome after the other with the same bits."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import fsum, nan
from sys import float_info
from typing import ClassVar, Final

Row = tuple[int, float]  # event time, value; rows of a unit come in the order in which they were recorded

_DEEPEST: Final = 1074  # every float is a whole number of 2**-1074
_UNIT: Final = 1 << _DEEPEST


def aggregated(aggregate: str, rows: Sequence[Row]) -> float:
    """The value of a unit from the outcomes that count for it, of which there is at least one."""
    if aggregate == "any":
        return float(any(value for _, value in rows))
    if aggregate == "count":
        return float(len(rows))
    if aggregate == "last":
        latest = max(time for time, _ in rows)
        return next(value for time, value in reversed(rows) if time == latest)
    values = [value for _, value in rows]
    if aggregate == "max":
        return max(values) + 0.0
    return total(values) if aggregate == "sum" else total(values) / len(values)


def total(values: Sequence[float]) -> float:
    """``fsum``, and the greatest float of its sign where the sum lies beyond: an outcome stops no tally."""
    try:
        return fsum(values)
    except OverflowError:
        return _rounded(sum(map(_whole, values)))  # ints


def _whole(value: float) -> int:
    top, bottom = value.as_integer_ratio()
    return top << _DEEPEST + 1 - bottom.bit_length()


def _rounded(whole: int) -> float:
    try:
        return whole / _UNIT
    except OverflowError:
        return float_info.max if whole > 0 else -float_info.max


class Running:
    """The value of each unit as outcomes come, in the order in which they were recorded.

    ``absent`` is the value of a unit without outcomes: 0, or NaN for one that is then not counted at all.
    """

    absent: ClassVar[float] = 0.0

    def grow(self, size: int) -> None:
        """Make room for units up to a number."""

    def add(self, unit: int, held: float, value: float, time: int) -> float:
        """The value after one more outcome; ``held`` is the one before."""
        raise NotImplementedError


class Converted(Running):
    """1 if there is an outcome other than 0."""

    def add(self, unit: int, held: float, value: float, time: int) -> float:
        """See the class."""
        return 1.0 if value else held


class Count(Running):
    """How many outcomes."""

    def add(self, unit: int, held: float, value: float, time: int) -> float:
        """See the class."""
        return held + 1.0


class Max(Running):
    """The greatest value."""

    absent = nan

    def add(self, unit: int, held: float, value: float, time: int) -> float:
        """See the class; a zero has no sign, or the order would show in it."""
        return held if held >= value else value + 0.0


class Last(Running):
    """The value that was true last: of two at one time the one recorded last."""

    absent = nan

    def __init__(self) -> None:
        self._times = array("q")

    def grow(self, size: int) -> None:
        """See the class."""
        _extend(self._times, size)

    def add(self, unit: int, held: float, value: float, time: int) -> float:
        """See the class."""
        if held == held and time < self._times[unit]:
            return held
        self._times[unit] = time
        return value


class Sum(Running):
    """The sum, rounded once, as ``fsum`` over all values at any moment; O(1) an outcome.

    A sum is kept as the float nearest to it and what is missing, another float: exact, as TwoSum is (Knuth, TAOCP 2,
    4.2.2, theorem B). Where two floats are not enough, and beyond float64, it goes on as an integer of 2**-1074.
    """

    def __init__(self) -> None:
        self._low = array("d")
        self._exact: dict[int, int] = {}

    def grow(self, size: int) -> None:
        """See the class."""
        _extend(self._low, size)

    def add(self, unit: int, held: float, value: float, time: int) -> float:
        """See the class."""
        if held == 0.0 and not self._exact:
            return value + 0.0  # nothing is missing of a sum of 0
        high = held + value
        step = high - held
        error = (held - (high - step)) + (value - step)
        low = self._low[unit]
        if error == low == 0.0 and not self._exact:
            return high
        if unit in self._exact:
            return self._exactly(unit, self._exact[unit] + _whole(value))
        rest = low + error
        step = rest - low
        lost = (low - (rest - step)) + (error - step)
        nearest = high + rest
        step = nearest - high
        missing = (high - (nearest - step)) + (rest - step)
        if lost == 0.0 and missing == missing:  # NaN where something went beyond float64
            self._low[unit] = missing
            return nearest
        return self._exactly(unit, _whole(held) + _whole(low) + _whole(value))

    def _exactly(self, unit: int, whole: int) -> float:
        self._exact[unit] = whole
        return _rounded(whole)


class Mean(Running):
    """The sum over the number of outcomes."""

    absent = nan

    def __init__(self) -> None:
        self._sum = Sum()
        self._sums = array("d")
        self._sizes = array("q")

    def grow(self, size: int) -> None:
        """See the class."""
        self._sum.grow(size)
        _extend(self._sums, size)
        _extend(self._sizes, size)

    def add(self, unit: int, held: float, value: float, time: int) -> float:
        """See the class."""
        self._sums[unit] = found = self._sum.add(unit, self._sums[unit], value, time)
        self._sizes[unit] = size = self._sizes[unit] + 1
        return found / size


def _extend(numbers: array[int] | array[float], size: int) -> None:
    numbers.frombytes(bytes(max(0, size - len(numbers)) * numbers.itemsize))


RUNNING: Final[dict[str, type[Running]]] = {
    "any": Converted, "sum": Sum, "mean": Mean, "count": Count, "last": Last, "max": Max,
}  # fmt: skip
