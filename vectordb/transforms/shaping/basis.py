"""Basis: the B-splines of one feature at a place, by the recursion of de Boor and Cox."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from ledger import CannotTransform

MISSING: Final = (
    "Input X contains NaN values and `SplineTransformer` is configured to error in this case "
    "(handle_missing='error'): set handle_missing='zeros' to encode missing values as splines with value 0"
)


class Basis:
    """The value of each spline of a feature at a number, as a tuple.

    ``knots`` are the ones inside and, on either side, ``degree`` further ones; between two of them ``degree + 1``
    splines are not 0. Outside the knots inside: ``constant`` (the values at the nearest of them), ``linear``,
    ``continue`` (the polynomials go on), ``periodic`` (the number comes round) or ``error``.
    Source: de Boor, "On calculating with B-splines" (1972), in the order of SciPy's steps, whose bits it gives.
    """

    __slots__ = ("_ends", "_slopes", "count", "degree", "extrapolation", "kept", "knots", "label", "zeros")

    def __init__(
        self, knots: Sequence[float], degree: int, extrapolation: str, include_bias: bool, zeros: bool, label: str
    ) -> None:
        """``include_bias=False`` leaves the last spline out; ``zeros``: of NaN all are 0, else it is refused."""
        self.knots = tuple(knots)
        self.degree = degree
        self.extrapolation = extrapolation
        self.zeros = zeros
        self.label = label
        full = len(knots) - degree - 1
        self.count = full - degree if extrapolation == "periodic" else full
        self.kept = self.count if include_bias else self.count - 1
        ends = (self.knots[degree], self.knots[full])
        self._ends = tuple(self._whole(end) for end in ends)
        self._slopes = tuple(self._whole(end, slope=True) for end in ends)

    def __reduce__(self) -> tuple[object, ...]:
        made = (self.knots, self.degree, self.extrapolation, self.kept == self.count, self.zeros, self.label)
        return Basis, made

    def __call__(self, value: float) -> tuple[float, ...]:
        if value != value:
            if not self.zeros:
                raise CannotTransform(MISSING, feature=self.label, value=value)
            return (0.0,) * self.kept
        low, high = self.knots[self.degree], self.knots[-self.degree - 1]
        if self.extrapolation == "periodic":
            value = low + (value - low) % (high - low) if high > low else 0.0
        elif not low <= value <= high and self.extrapolation != "continue":
            return self._outside(value, low, high)[: self.kept]
        return self._whole(value)[: self.kept]

    def _outside(self, value: float, low: float, high: float) -> tuple[float, ...]:
        if self.extrapolation == "error":
            rule = "`X` contains values beyond the limits of the knots."
            raise CannotTransform(rule, feature=self.label, value=value, knots=(low, high))
        which, end = (0, low) if value < low else (1, high)
        if self.extrapolation == "constant":
            return self._ends[which]
        return tuple(at + (value - end) * slope for at, slope in zip(self._ends[which], self._slopes[which]))

    def _whole(self, value: float, slope: bool = False) -> tuple[float, ...]:
        """All splines, or their derivatives; of numbers outside as the nearest polynomials go on."""
        degree, count = self.degree, self.count
        interval = bisect_right(self.knots, value, degree + 1, len(self.knots) - degree - 1) - 1
        found = [0.0] * count
        for place, one in enumerate(self._rise(value, interval, slope), interval - degree):
            found[place % count] += one
        return tuple(found)

    def _rise(self, value: float, interval: int, slope: bool) -> list[float]:
        """The splines that are not 0 in an interval: from degree to degree; the last step may be the derivative's."""
        knots = self.knots
        made = [1.0] if self.degree or not slope else [0.0]
        for degree in range(1, self.degree + 1):
            before, made = made, [0.0] * (degree + 1)
            last = slope and degree == self.degree
            for place, one in enumerate(before, 1):
                above = knots[interval + place]
                below = knots[interval + place - degree]
                if above == below:
                    made[place] = 0.0
                    continue
                share = (degree * one if last else one) / (above - below)
                made[place - 1] += -share if last else share * (above - value)
                made[place] = share if last else share * (value - below)
        return made
