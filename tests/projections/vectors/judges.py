"""Distances as their definitions read, in exact fractions and 300 digits: the judge where doubles are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest

mpmath = pytest.importorskip("mpmath")
DIGITS = 300
Terms = Sequence[Fraction]


def real(number: Fraction) -> Any:
    return mpmath.mpf(number.numerator) / mpmath.mpf(number.denominator)


def angle(x: Terms, y: Terms) -> Any:
    a, b, c = dot(x, x), dot(y, y), dot(x, y)
    # 1 - c / sqrt(ab), so written that nothing cancels: the numerator is an exact fraction.
    root = mpmath.sqrt(real(a)) * mpmath.sqrt(real(b))
    return real(a * b - c * c) / (root * (root + real(c))) if c > 0 else 1 - real(c) / root


def dot(x: Terms, y: Terms) -> Fraction:
    return sum((a * b for a, b in zip(x, y)), Fraction(0))


def centred(x: Terms) -> list[Fraction]:
    mean = sum(x, Fraction(0)) / len(x)
    return [a - mean for a in x]


def gaps(x: Terms, y: Terms) -> list[Fraction]:
    return [abs(a - b) for a, b in zip(x, y)]


def share(above: Any, below: Any) -> Any:
    return real(Fraction(above) / Fraction(below)) if below else mpmath.mpf(0)


JUDGES: dict[str, Callable[..., Any]] = {
    "euclidean": lambda x, y: mpmath.sqrt(real(dot(gaps(x, y), gaps(x, y)))),
    "sqeuclidean": lambda x, y: real(dot(gaps(x, y), gaps(x, y))),
    "cosine": angle,
    "dot": lambda x, y: -real(dot(x, y)),
    "manhattan": lambda x, y: real(sum(gaps(x, y))),
    "chebyshev": lambda x, y: real(max(gaps(x, y))),
    "minkowski": lambda x, y, p: mpmath.fsum(real(gap) ** mpmath.mpf(p) for gap in gaps(x, y)) ** (1 / mpmath.mpf(p)),
    "canberra": lambda x, y: mpmath.fsum(real(abs(a - b) / (abs(a) + abs(b))) for a, b in zip(x, y) if a or b),
    "braycurtis": lambda x, y: share(sum(gaps(x, y)), sum(abs(a + b) for a, b in zip(x, y))),
    "correlation": lambda x, y: angle(centred(x), centred(y)),
    "hamming": lambda x, y: share(sum(a != b for a, b in zip(x, y)), len(x)),
    "jaccard": lambda x, y: share(sum(a != b for a, b in zip(x, y)), sum(bool(a or b) for a, b in zip(x, y))),
}


def judge(metric: str, x: Sequence[float], y: Sequence[float], p: float | None = None) -> Any:
    """The true distance of two vectors of doubles, as an mpmath number."""
    with mpmath.workdps(DIGITS):
        powers = () if p is None else (p,)
        return +JUDGES[metric](list(map(Fraction, x)), list(map(Fraction, y)), *powers)


def real_dot(x: Sequence[float], y: Sequence[float]) -> tuple[Any, Any]:
    """The true inner product of two vectors of doubles, and the sum of its terms' absolute values."""
    terms = [Fraction(a) * Fraction(b) for a, b in zip(x, y)]
    return sum(terms), sum(map(abs, terms))


def relative_error(actual: float, metric: str, x: Sequence[float], y: Sequence[float], p: float | None = None) -> float:
    """How far a distance is from the true one. The nearest double counts as right, inf and subnormals included."""
    true = judge(metric, x, y, p)
    with mpmath.workdps(DIGITS):
        nearest = float(true)
        if actual == nearest or abs(actual - nearest) <= 5e-324:
            return 0.0
        return float(abs(mpmath.mpf(actual) - true) / abs(true)) if true else float("inf")
