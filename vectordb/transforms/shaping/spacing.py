"""Spacing: numbers at equal distances, and the points of a sample at equal shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, isfinite
from typing import Final

from vectordb.views.quantiles import quantiles


def evenly(start: float, stop: float, count: int) -> list[float]:
    """``count`` numbers from ``start`` to ``stop``, both included: the bits of NumPy's ``linspace``.

    >>> evenly(0.0, 1.0, 5)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    parts = count - 1
    if parts < 1:
        return [start] * count
    reach = stop - start
    if not isfinite(reach):  # from -1e308 to 1e308
        return [start * ((parts - place) / parts) + stop * (place / parts) for place in range(count)]
    step = reach / parts
    if step == 0:  # of subnormal numbers
        return [place / parts * reach + start for place in range(parts)] + [stop]
    return [place * step + start for place in range(parts)] + [stop]


def percentages(count: int) -> list[float]:
    """``count`` shares from 0 to 1, rounded as percentages are."""
    return [percent / 100.0 for percent in evenly(0.0, 100.0, count)]


def of_percentages(shares: Sequence[float]) -> list[float]:
    """Shares that were made percentages and shares again, as scikit-learn asks NumPy for them."""
    return [share * 100.0 / 100.0 for share in shares]


def _positions(alpha: float, beta: float) -> Callable[[int, float], float]:
    return lambda size, share: size * share + (alpha + share * (1 - alpha - beta)) - 1


# Where a share of a sample lies, counted from 0: between two of its values, in proportion.
POSITIONS: Final[dict[str, Callable[[int, float], float]]] = {
    "interpolated_inverted_cdf": _positions(0, 1),
    "hazen": _positions(0.5, 0.5),
    "weibull": _positions(0, 0),
    "median_unbiased": _positions(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _positions(3 / 8.0, 3 / 8.0),
}
# Those that jump: the value a share is at.
STEPS: Final = ("inverted_cdf", "averaged_inverted_cdf", "closest_observation")
METHODS: Final = (*STEPS, *POSITIONS, "linear")


def points(ordered: Sequence[float], shares: Sequence[float], method: str) -> list[float]:
    """Quantiles of sorted numbers, at least one, by one of nine definitions.

    Source: Hyndman and Fan, "Sample quantiles in statistical packages" (1996); the names are NumPy's.

    >>> points([1.0, 2.0, 3.0, 4.0], [0.5, 0.6], "averaged_inverted_cdf")
    [2.5, 3.0]
    """
    if method == "linear":
        return quantiles(ordered, shares)
    if method in POSITIONS:
        position = POSITIONS[method]
        return [_between(ordered, position(len(ordered), share)) for share in shares]
    return [_step(ordered, len(ordered) * share - 1, method) for share in shares]


def _between(ordered: Sequence[float], position: float) -> float:
    last = len(ordered) - 1
    low = floor(min(max(position, 0.0), last))
    return quantiles((ordered[low], ordered[min(low + 1, last)]), [min(max(position, 0.0), last) - low])[0]


def _step(ordered: Sequence[float], position: float, method: str) -> float:
    if method == "closest_observation":
        position -= 0.5
    low, last = floor(position), len(ordered) - 1
    at = position == low and (method != "closest_observation" or low % 2 == 1)
    above = ordered[min(max(low + 1, 0), last)]
    if not at or low >= last:
        return above
    if method == "averaged_inverted_cdf" and low >= 0:
        return quantiles((ordered[low], above), [0.5])[0]
    return ordered[max(low, 0)]
