"""Kernels: the distance of one query to vectors where they lie, as stored bytes.

The inner loop of the exact scan and of re-ranking. All that depends on the query alone is done once, and the
number has the same bits as ``distance`` of the same elements. Nothing is checked here: a query and the
stored bytes have passed their ``Vector`` type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple

from ledger import Vector
from projections.vectors.bits import bit_measure_of
from projections.vectors.metrics import measure_of

SAMPLED = 1_000  # coordinates


class Reading(NamedTuple):
    """How stored vectors are measured: ``measure(read(buffer, offset))`` one, ``map(measure, rows(bytes))`` all."""

    measure: Callable[[Any], float]
    read: Callable[[Any, int], Any]
    rows: Callable[[Any], Iterable[Any]]


def reading(kind: Vector, query: Sequence[float] | bytes) -> Reading:
    """What measures stored vectors of a type against a query: its elements, or packed bits for a binary type.

    A vector of 128 float32 takes 3.3 us for euclidean, 4 for sqeuclidean, 6 for cosine, 10 for dot, 14 for manhattan.

    >>> kind = Vector(2, metric="manhattan")
    >>> found = reading(kind, (1.0, 2.0))
    >>> list(map(found.measure, found.rows(kind.check([0, 4]) + kind.check([1, 2]))))
    [3.0, 0.0]
    """
    if kind.dtype == "binary":
        size = kind.size
        assert isinstance(query, bytes)

        def cells(data: Any) -> list[Any]:
            return [data[start : start + size] for start in range(0, len(data), size)]

        measure = bit_measure_of(kind.metric, query, kind.dim, kind.p)
        return Reading(measure, lambda buffer, offset: buffer[offset : offset + size], cells)
    measured = measure_of(kind.metric, tuple(map(float, query)), kind.p)
    return Reading(measured, kind.packer.unpack_from, kind.packer.iter_unpack)


def sampled_reading(kind: Vector, query: Sequence[float]) -> Reading | None:
    """What measures about a thousand coordinates, evenly spread; None below 2,000 of them, where it saves too little.

    It ranks only: 12 us a vector of 10,000 float32, where all of them take 110 to 250.
    """
    step = kind.dim // SAMPLED
    if step < 2 or kind.dtype == "binary":
        return None
    size, read = kind.size, _every(kind.packer.format[-1], kind.size // kind.dim, kind.dim, step).unpack_from

    def rows(data: Any) -> Iterable[Any]:
        return [read(data, start) for start in range(0, len(data), size)]

    return Reading(measure_of(kind.metric, tuple(map(float, query[::step])), kind.p), read, rows)


@lru_cache(maxsize=16)
def _every(code: str, size: int, dim: int, step: int) -> Struct:
    """Every ``step``-th element of a stored vector."""
    count = -(-dim // step)
    return Struct("<" + code + f"{size * (step - 1)}x{code}" * (count - 1))
