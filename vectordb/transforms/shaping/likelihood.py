"""Likelihood: the exponent under which the values of a feature are most like a normal sample.

The profile log-likelihood of n values is ``-n/2 log(variance of the transformed values) + (l - 1) sum of log x``. Of
values on one side of zero it depends on the logarithms less that of a middle value only, and the large terms cancel:
``-n/2 (log var(expm1(l w)) - 2 log |l|) + l sum of w`` and a constant, where ``w = log(x / middle)``. So nothing
overflows, and values close together at 1e8 keep their digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, expm1, fsum, inf, log, log1p, nextafter
from sys import float_info
from typing import Final

from vectordb.transforms.shaping.brent import bracket, minimum
from vectordb.transforms.shaping.powers import EPS

# Half of the range of exponents of float64, so that squares are inside the whole of it.
SMALL: Final = (log(float_info.min) - log(EPS)) / 2
LARGE: Final = (log(float_info.max) + log(EPS)) / 2
ROOM: Final = 20.0  # values up to that many times the largest one are transformed without overflow
LIMIT: Final = 25.0  # beyond it, values differ from one another and from -1/l in less than 17 of their 53 bits
MOST: Final = log(float_info.max / 10000)
FURTHEST: Final = 1e100


def yeo_johnson_power(values: Sequence[float]) -> float:
    """The exponent of ``YeoJohnson`` for values that are not all equal; 30 looks at each, 0.3 us a look."""
    least, most = min(values), max(values)
    low, high = _bounds(max(-least, most))
    if least < 0.0:
        low, high = max(2.0 - high, low), min(2.0 - low, high)
        if most > 0.0:
            return _of_any(values, low, high)
        mirrored = [-value for value in values]
        if most < 0.0 or low > high:
            low, high = _bounds(-least)
        return 2.0 - _of_positive(mirrored, low, high)
    return _of_positive(values, low, high)


def _of_any(values: Sequence[float], low: float, high: float) -> float:
    if low > high:  # of numbers beyond 1e144 each side has bounds of its own, and beyond them the middle is left
        (low, high), (least, most) = _bounds(max(values)), _bounds(-min(values))
        low, high = max(low, 2.0 - most), min(high, 2.0 - least)
    return minimum(_of_both_sides(values), low, high) if low < high else 0.5 * (low + high)


def _of_positive(values: Sequence[float], low: float, high: float) -> float:
    logs = _logs_above(values, 1.0)
    return minimum(_of_one_side(logs), max(low, _lowest(logs, log1p(min(values)))), high)


def box_cox_power(values: Sequence[float]) -> float:
    """The exponent of ``BoxCox`` for values above 0 that are not all equal, under which none overflows."""
    logs = _logs_above(values, 0.0)
    cost = _of_one_side(logs)
    low, middle, high = bracket(cost, -2.0, 2.0)
    found = minimum(cost, low, high, middle)
    least, most = log(min(values)), log(max(values))
    for reach in (most, least):
        if reach * found > 0.0 and found * reach - log(abs(found)) > MOST:
            found = _largest(abs(reach)) * (1.0 if reach > 0.0 else -1.0)
    if least > 0.0:
        return max(found, _lowest(logs, least))
    return min(found, -_lowest(logs, -most)) if most < 0.0 else found


def _lowest(logs: Sequence[float], least: float) -> float:
    """The lowest exponent that leaves values apart, the logarithm of the least of which is above 0."""
    apart = min(max(logs) - min(logs), 1.0)
    return -max(LIMIT + log(apart), 0.0) / least if least > 0.0 else -FURTHEST


def _bounds(most: float) -> tuple[float, float]:
    reach = log1p(ROOM * most) if most < 1e300 else log(ROOM) + log(most)
    return max(SMALL / reach, -FURTHEST), min(LARGE / reach, FURTHEST)


def _logs_above(values: Sequence[float], offset: float) -> list[float]:
    """``log((x + offset) / (middle + offset))`` of each: by its own difference from the middle where that is small."""
    middle = sorted(values)[len(values) // 2]
    base = middle + offset
    at_middle = log1p(middle) if offset else log(middle)
    found = []
    for value in values:
        share = (value - middle) / base
        if -0.5 < share < 1.0:
            found.append(log1p(share))
        else:
            found.append((log1p(value) if offset else log(value)) - at_middle)
    return found


def _of_one_side(logs: Sequence[float]) -> Callable[[float], float]:
    """The cost of an exponent, of the logarithms of values relative to a middle one."""
    reach, half, total = max(map(abs, logs)), len(logs) / 2, fsum(logs)

    def cost(power: float) -> float:
        if not abs(power) * reach < 1e15:
            return inf
        if -EPS < power < EPS:
            return half * _log_variance(logs)
        spread = _log_variance_of_powers([power * one for one in logs])
        return half * (spread - 2.0 * log(abs(power))) - power * total

    return cost


def _of_both_sides(values: Sequence[float]) -> Callable[[float], float]:
    above = [log1p(value) for value in values if value >= 0.0]
    below = [log1p(-value) for value in values if value < 0.0]
    total, half = fsum(above) - fsum(below), len(values) / 2

    def cost(power: float) -> float:
        made = _powers(above, power)
        made += [-one for one in _powers(below, 2.0 - power)]
        return half * _log_variance(made) - (power - 1.0) * total

    return cost


def _powers(logs: Sequence[float], power: float) -> list[float]:
    return list(logs) if -EPS < power < EPS else [expm1(power * one) / power for one in logs]


def _log_variance_of_powers(exponents: Sequence[float]) -> float:
    """``log(var(exp(z)))``, less what all have in common."""
    top = max(exponents)
    if top < 300.0:
        return _log_variance([expm1(one) for one in exponents])
    return 2.0 * top + _log_variance([exp(one - top) for one in exponents])


def _log_variance(values: Sequence[float]) -> float:
    """The logarithm of the variance; infinite where there is none to be seen, which no exponent is chosen for."""
    size = len(values)
    mean = fsum(value / size for value in values)
    apart = [value - mean for value in values]
    most = max(map(abs, apart))
    if most == 0.0:
        return inf
    if 1e-100 < most < 1e100:
        return log(fsum(one * one for one in apart) / size)
    return 2.0 * log(most) + log(fsum((one / most) * (one / most) for one in apart) / size)


def _largest(reach: float) -> float:
    """The largest exponent under which ``exp(power * reach) / power`` is below ``exp(MOST)``."""
    low, high = 1.0 / reach, MOST * 2.0 / reach
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if middle * reach - log(middle) > MOST:
            high = middle
        else:
            low = middle
    return nextafter(low, 0.0)
