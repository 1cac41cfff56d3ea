"""Quantiles of numbers (for exact moments see ``projections.moments``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite


def quantiles(ordered: Sequence[float], shares: Iterable[float]) -> list[float]:
    """Quantiles of sorted numbers, at least one, between the two nearest in proportion; for shares from 0 to 1.

    Source: type 7 of Hyndman and Fan, "Sample quantiles in statistical packages" (1996), NumPy's default.

    >>> quantiles([1, 2, 4], [0, 0.25, 0.5, 0.9])
    [1.0, 1.5, 2.0, 3.6]
    """
    return [_quantile(ordered, share) for share in shares]


def _quantile(ordered: Sequence[float], share: float) -> float:
    last = len(ordered) - 1
    place = last * share
    low = min(int(place), last)
    part, below, above = place - low, ordered[low], ordered[min(low + 1, last)]
    step = above - below
    if not isfinite(step):  # from -1e308 to 1e308
        return below * (1.0 - part) + above * part
    return float(below + step * part if part < 0.5 else above - step * (1.0 - part))
