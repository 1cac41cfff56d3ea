"""Points and weights to integrate smooth functions with."""

from __future__ import annotations

from functools import lru_cache
from math import cos, pi


@lru_cache(maxsize=64)
def gauss_legendre(size: int) -> tuple[tuple[float, float], ...]:
    """Points in (-1, 1) and weights that integrate every polynomial below degree ``2 * size`` exactly.

    Newton's method on the Legendre polynomial. Source: DLMF 3.5.15 to 3.5.19.

    >>> [(round(point, 6), round(weight, 6)) for point, weight in gauss_legendre(2)]
    [(-0.57735, 1.0), (0.57735, 1.0)]
    """
    half = [_point(size, number) for number in range(size // 2)]
    middle = [(0.0, _point(size, size // 2)[1])] if size % 2 else []
    return tuple([(-x, w) for x, w in half] + middle + half[::-1])


def _point(size: int, number: int) -> tuple[float, float]:
    x = 0.0 if 2 * number + 1 == size else cos(pi * (number + 0.75) / (size + 0.5))
    for _ in range(100):
        value, slope = _legendre(size, x)
        step = value / slope
        x -= step
        if abs(step) < 1e-15:
            break
    slope = _legendre(size, x)[1]
    return x, 2.0 / ((1.0 - x * x) * slope * slope)


def _legendre(size: int, x: float) -> tuple[float, float]:
    """The polynomial and its slope, by the three-term recurrence."""
    before, value = 1.0, x
    for degree in range(2, size + 1):
        before, value = value, ((2 * degree - 1) * x * value - (degree - 1) * before) / degree
    return value, size * (x * value - before) / (x * x - 1.0)
