"""The metrics on packed binary vectors: each is a formula of four counts.

Eight elements to a byte, unused bits zero. A count is one operation on a whole vector as an integer:
1 us at 1,024 bits. Every formula gives the bits that its metric gives on the unpacked zeros and ones.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from projections.vectors.angle import polished, turn
from projections.vectors.metrics import measure_of, ratio

BitMeasure = Callable[[bytes], float]


class Counts(NamedTuple):
    """Ones of the query, of the row, of both at once; and the number of elements."""

    left: int
    right: int
    common: int
    size: int

    @property
    def differing(self) -> int:
        """Positions that differ."""
        return self.left + self.right - 2 * self.common


def _cosine(counts: Counts) -> float:
    left, right, common, _ = counts
    if not left or not right:
        return 1.0
    norm, other = sqrt(left), sqrt(right)
    distance = turn(sqrt(counts.differing), norm, other)
    # It fails only where one has 65,000 times the ones of the other: then they are far from parallel.
    return distance if distance >= 0.0 else polished(1.0 - common / (norm * other))


FORMULAS: dict[str, Callable[[Counts], float]] = {
    "euclidean": lambda counts: sqrt(counts.differing),
    "sqeuclidean": lambda counts: float(counts.differing),
    "cosine": _cosine,
    "dot": lambda counts: 0.0 - counts.common,
    "manhattan": lambda counts: float(counts.differing),
    "chebyshev": lambda counts: float(counts.differing > 0),
    "canberra": lambda counts: float(counts.differing),
    "braycurtis": lambda counts: ratio(counts.differing, counts.left + counts.right),
    "hamming": lambda counts: counts.differing / counts.size,
    "jaccard": lambda counts: ratio(counts.differing, counts.left + counts.right - counts.common),
}


def bit_measure_of(metric: str, query: bytes, size: int, p: float | None = None) -> BitMeasure:
    """What measures packed rows of ``size`` bits against a packed query; arguments are trusted.

    >>> bit_measure_of("jaccard", bytes([0b11000000]), 3)(bytes([0b01100000]))
    0.6666666666666666
    """
    if metric not in FORMULAS:
        general = measure_of(metric, unpacked(query, size), p)
        return lambda row: general(unpacked(row, size))
    bits, formula = int.from_bytes(query, "big"), FORMULAS[metric]
    ones = bits.bit_count()

    def measure(row: bytes) -> float:
        other = int.from_bytes(row, "big")
        return formula(Counts(ones, other.bit_count(), (bits & other).bit_count(), size))

    return measure


def unpacked(cell: bytes, size: int) -> tuple[float, ...]:
    """The zeros and ones of a packed vector.

    >>> unpacked(bytes([0b10100000]), 3)
    (1.0, 0.0, 1.0)
    """
    shown = f"{int.from_bytes(cell, 'big'):0{len(cell) * 8}b}"[:size]
    return tuple(map(float, shown))
