"""The metrics: what a query prepares, and what then measures a row.

Each is a function of a query (floats) that gives a function of a row (floats or small ints) of equal length.
Definitions are those of ``scipy.spatial.distance``; the dot product is negated, so that smaller is nearer in
all. Differences and products of elements round once; sums of them are exact (``math.fsum``) or good to a unit in
the last place (``math.dist``, ``math.hypot``), so the relative error stays near 1e-15 at 65,536 elements. Overflow
gives inf only where the true value has none smaller. d(x, y) and d(y, x) have the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import compress
from math import dist, fsum, inf
from operator import add, mul, ne, sub

from projections.vectors.angle import Measure, correlation, cosine, exact_product

TINY = 2.0**-900  # smaller products may have lost bits to underflow
ULPS = 2.0**-51


def euclidean(query: Sequence[float]) -> Measure:
    """sqrt(sum of squared differences), within a unit in the last place; scaled, so 1e308 and 1e-308 are right."""
    return partial(dist, query)


def sqeuclidean(query: Sequence[float]) -> Measure:
    """The square of the Euclidean distance; exact for integers below 2^50. inf and 0 where the square has no float."""

    def measure(row: Sequence[float]) -> float:
        return squared(dist(query, row))

    return measure


def squared(distance: float) -> float:
    """The square of a distance. One within its own error of an integer is that integer.

    >>> squared(2**0.5)
    2.0
    """
    square = distance * distance
    if square < 2.0**50:
        whole = float(round(square))
        if abs(square - whole) <= square * ULPS:
            return whole
    return square


def dot(query: Sequence[float]) -> Measure:
    """The inner product, negated. Exact and rounded once where elements have 24 bits, as float32 has; else each
    product rounds too, an error of 2^-53 of the sum of their absolute values. What would leave the range of floats
    is counted in integers; +-inf where the true value has no float."""

    def measure(row: Sequence[float]) -> float:
        try:
            product = fsum(map(mul, query, row))
        except (OverflowError, ValueError):  # a partial sum beyond the range; inf - inf
            return 0.0 - exact_product(query, row)
        if TINY < product < inf or -inf < product < -TINY:
            return -product
        pairs = [pair for pair in zip(query, row) if pair[0] and pair[1]]
        return 0.0 - exact_product(*zip(*pairs)) if pairs else 0.0

    return measure


def manhattan(query: Sequence[float]) -> Measure:
    """The sum of absolute differences."""

    def measure(row: Sequence[float]) -> float:
        return total(map(abs, map(sub, query, row)))

    return measure


def total(terms: Iterable[float]) -> float:
    """The exact sum of terms >= 0, rounded once; inf where it overflows."""
    try:
        return fsum(terms)
    except OverflowError:
        return inf


def chebyshev(query: Sequence[float]) -> Measure:
    """The largest absolute difference."""

    def measure(row: Sequence[float]) -> float:
        longest: float = max(map(abs, map(sub, query, row)))
        return longest

    return measure


def minkowski(query: Sequence[float], p: float) -> Measure:
    """(sum of absolute differences to the power p) to the power 1/p, scaled by the largest.

    p = 1 is Manhattan, 2 Euclidean. Powers come from the C library: the same bits on every Python that shares one.
    """
    if p in _NAMED_POWERS:
        return _NAMED_POWERS[p](query)
    power = float(p)

    def measure(row: Sequence[float]) -> float:
        gaps: list[float] = list(map(abs, map(sub, query, row)))
        longest: float = max(gaps)
        if not longest or longest == inf:
            return longest
        parts: list[float] = [(gap / longest) ** power for gap in gaps]
        return longest * float(fsum(parts) ** (1.0 / power))

    return measure


_NAMED_POWERS: dict[float, Callable[[Sequence[float]], Measure]] = {1.0: manhattan, 2.0: euclidean}


def canberra(query: Sequence[float]) -> Measure:
    """The sum of |x - y| / (|x| + |y|), where 0 / 0 is 0."""
    sizes = tuple(map(abs, query))

    def measure(row: Sequence[float]) -> float:
        scales = list(map(add, sizes, map(abs, row)))
        if inf in scales:
            return fsum(map(_canberra_term, query, row))
        gaps = map(abs, map(sub, query, row))
        return fsum([gap / scale for gap, scale in zip(gaps, scales) if scale])

    return measure


def _canberra_term(x: float, y: float) -> float:
    if abs(x) + abs(y) == inf:
        x, y = x / 2, y / 2
    scale = abs(x) + abs(y)
    return abs(x - y) / scale if scale else 0.0


def braycurtis(query: Sequence[float]) -> Measure:
    """Sum of |x - y| over sum of |x + y|; 0 for two zero vectors, inf for x = -y."""

    def measure(row: Sequence[float]) -> float:
        above = total(map(abs, map(sub, query, row)))
        below = total(map(abs, map(add, query, row)))
        if above == inf or below == inf:
            above, below = _shrunk_sums(query, row)
        return ratio(above, below)

    return measure


def ratio(above: float, below: float) -> float:
    """above / below for sums >= 0; 0 / 0 is 0, and anything else over 0 is inf."""
    if below:
        return above / below
    return inf if above else 0.0


def _shrunk_sums(query: Sequence[float], row: Sequence[float]) -> tuple[float, float]:
    """The two sums of Bray-Curtis, scaled to stay in range: 2^20 is over twice the largest dimension."""
    left, right = [x * 2.0**-20 for x in query], [y * 2.0**-20 for y in row]
    return total(map(abs, map(sub, left, right))), total(map(abs, map(add, left, right)))


def hamming(query: Sequence[float]) -> Measure:
    """The share of positions that differ."""
    size = len(query)

    def measure(row: Sequence[float]) -> float:
        differing: int = sum(map(ne, query, row))  # ints
        return differing / size

    return measure


def jaccard(query: Sequence[float]) -> Measure:
    """The share of positions that differ among those where either is not zero; 0 for two zero vectors."""
    size = len(query)
    zeros = [not element for element in query]

    def measure(row: Sequence[float]) -> float:
        used = size - list(compress(row, zeros)).count(0.0)
        return ratio(sum(map(ne, query, row)), used)  # ints

    return measure


METRICS: dict[str, Callable[..., Measure]] = {
    "euclidean": euclidean,
    "sqeuclidean": sqeuclidean,
    "cosine": cosine,
    "dot": dot,
    "manhattan": manhattan,
    "chebyshev": chebyshev,
    "minkowski": minkowski,
    "canberra": canberra,
    "braycurtis": braycurtis,
    "correlation": correlation,
    "hamming": hamming,
    "jaccard": jaccard,
}


def measure_of(metric: str, query: Sequence[float], p: float | None = None) -> Measure:
    """What measures rows against a query; arguments are trusted.

    >>> measure_of("manhattan", (1.0, 2.0))((0.0, 4.0))
    3.0
    """
    return METRICS[metric](query) if p is None else METRICS[metric](query, p)
