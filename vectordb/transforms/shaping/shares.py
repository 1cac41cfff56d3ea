"""Shares: the place of a number among quantiles, and the number at a place."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import erfc, inf
from statistics import NormalDist
from typing import Final

EDGE: Final = 1e-7  # shares this near to 0 or 1 are taken for them where deviates are normal
LOWEST: Final = -5.199337582605575  # the deviate of a share of 1e-7
HIGHEST: Final = 5.19933758270342
HALF_ROOT: Final = 0.7071067811865476
_DEVIATE: Final = NormalDist().inv_cdf


class Share:
    """The share of values below a number: the mean of the shares of the first and the last quantile that it equals."""

    __slots__ = ("first", "last", "quantiles", "references", "top")

    def __init__(self, quantiles: Sequence[float], references: Sequence[float]) -> None:
        self.quantiles = tuple(quantiles)
        self.references = tuple(references)
        self.first, self.last = self.quantiles[0], self.quantiles[-1]
        self.top = self.references[-1]

    def __call__(self, value: float) -> float:
        if value <= self.first:
            return 0.0
        if value >= self.last:
            return 1.0 if value == self.last else self.top
        return self._inside(value) if value == value else value

    def _inside(self, value: float) -> float:
        quantiles, references = self.quantiles, self.references
        above = bisect_right(quantiles, value)
        low, high = quantiles[above - 1], references[above]
        if low == value:
            return 0.5 * (references[above - 1] + references[bisect_left(quantiles, value)])
        below = references[above - 1]
        reach = quantiles[above] - low
        slope = (high - below) / reach
        if 0.0 < slope < inf:
            # From the lower quantile up and from the upper one down, as scikit-learn does: the same bits.
            return 0.5 * (slope * (value - low) + below - (slope * (quantiles[above] - value) - high))
        if reach == inf:
            return below + (value * 0.5 - low * 0.5) / (quantiles[above] * 0.5 - low * 0.5) * (high - below)
        return below + (value - low) / reach * (high - below)


class NormalShare(Share):
    """The normal deviate of that share, within bounds."""

    __slots__ = ()

    def __call__(self, value: float) -> float:
        if value - EDGE < self.first:
            return LOWEST
        if value + EDGE > self.last:
            return HIGHEST
        if value != value:
            return value
        share = self._inside(value) if self.first < value < self.last else super().__call__(value)
        if share <= EDGE:
            return LOWEST
        return _DEVIATE(share) if share < 1.0 - EDGE else HIGHEST


class OfShare(Share):
    """The number at a share: between quantiles in proportion."""

    __slots__ = ()

    def __call__(self, value: float) -> float:
        if value <= 0.0:
            return self.first
        if value >= 1.0 or value >= self.top:
            return self.last
        return self._at(value) if value == value else value

    def _at(self, share: float) -> float:
        above = bisect_right(self.references, share)
        start, low, high = self.references[above - 1], self.quantiles[above - 1], self.quantiles[above]
        reach = self.references[above] - start
        slope = (high - low) / reach
        if slope < inf:
            return slope * (share - start) + low
        part = (share - start) / reach
        return low * (1.0 - part) + high * part


class OfNormalShare(OfShare):
    """The number at the share of a normal deviate."""

    __slots__ = ()

    def __call__(self, value: float) -> float:
        share = 0.5 * erfc(-value * HALF_ROOT)
        if share < EDGE:
            return self.first
        return self.last if share + EDGE > 1.0 else super().__call__(share)
