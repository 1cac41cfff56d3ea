"""Distances between vectors given as Python sequences: of a pair, one to many, many to many.

Smaller is nearer in every metric, the dot product negated. The definitions, and the answers for zero and
constant vectors, stand in ``metrics`` and ``angle``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from math import isfinite
from numbers import Real
from sys import float_info
from typing import Any

from ledger import InvalidInput
from projections.vectors.angle import Measure
from projections.vectors.metrics import METRICS, measure_of

_NUMBERS = frozenset({int, float, bool})
_COMPLEMENTS = frozenset({"cosine", "correlation", "jaccard", "hamming", "braycurtis"})


def distance(metric: str, a: Sequence[float], b: Sequence[float], p: float | None = None) -> float:
    """The distance of two vectors of equal length; ``p`` goes with minkowski alone.

    Takes sequences, and whatever has ``tolist``, of finite numbers. Raises ``InvalidInput`` otherwise, and for
    a zero vector under cosine.

    >>> distance("euclidean", [0, 0], [3, 4])
    5.0
    """
    return distances(metric, a, [b], p)[0]


def distances(
    metric: str, query: Sequence[float], rows: Iterable[Sequence[float]], p: float | None = None
) -> list[float]:
    """The distance of a query to each row, in order.

    >>> distances("cosine", [1, 0], [[2, 0], [0, 5], [-1, 0]])
    [0.0, 1.0, 2.0]
    """
    _check_metric(metric, p)
    first = elements(query)
    return _measured(metric, first, _prepare(metric, first, p), map(elements, rows))


def distance_matrix(
    metric: str, left: Iterable[Sequence[float]], right: Iterable[Sequence[float]], p: float | None = None
) -> list[list[float]]:
    """One list a left vector, of its distances to the right ones.

    >>> distance_matrix("manhattan", [[0], [1]], [[0], [4]])
    [[0.0, 4.0], [1.0, 3.0]]
    """
    _check_metric(metric, p)
    columns = list(map(elements, right))
    rows = list(map(elements, left))
    return [_measured(metric, row, _prepare(metric, row, p), columns) for row in rows]


def similarity(metric: str, distance: float) -> float:
    """A score, larger is nearer: 1 - d for cosine, correlation, jaccard, hamming and braycurtis, the product
    itself for dot, else 1 / (1 + d).

    >>> similarity("cosine", 0.25), similarity("dot", -7.0), similarity("euclidean", 1.0)
    (0.75, 7.0, 0.5)
    """
    _check_known(metric)
    if metric in _COMPLEMENTS:
        return 1.0 - distance
    return 0.0 - distance if metric == "dot" else 1.0 / (1.0 + distance)


def elements(vector: Any) -> tuple[float, ...]:
    """The elements of a vector as floats; ``InvalidInput`` where it is not a sequence of finite numbers."""
    items = vector.tolist() if hasattr(vector, "tolist") else vector
    if isinstance(items, (str, bytes, bytearray, Set, Mapping)) or not hasattr(items, "__len__"):
        raise InvalidInput("a vector is a sequence of numbers", type=type(vector).__name__)
    if not len(items):
        raise InvalidInput("a vector has at least one element", type=type(vector).__name__)
    if not _NUMBERS.issuperset(map(type, items)) and not all(isinstance(item, Real) for item in items):
        raise InvalidInput("a vector's elements are numbers", elements=list(items)[:10])
    try:
        numbers = tuple(map(float, items))
    except OverflowError:
        raise InvalidInput("a vector's elements fit in float64", type=type(vector).__name__) from None
    for place, number in enumerate(numbers):
        if not isfinite(number):
            raise InvalidInput("a vector's elements are finite", place=place, element=number)
    return numbers


def _prepare(metric: str, query: tuple[float, ...], p: float | None) -> Measure:
    _check_direction(metric, query)
    return measure_of(metric, query, p)


def _measured(
    metric: str, query: tuple[float, ...], measure: Measure, rows: Iterable[tuple[float, ...]]
) -> list[float]:
    found = []
    for row in rows:
        if len(row) != len(query):
            raise InvalidInput("two vectors have the same length", expected=len(query), actual=len(row))
        _check_direction(metric, row)
        found.append(measure(row))
    return found


def _check_direction(metric: str, vector: tuple[float, ...]) -> None:
    if metric == "cosine" and not any(vector):
        raise InvalidInput("a zero vector has no direction: cosine refuses it", dim=len(vector))


def _check_known(metric: str) -> None:
    if not isinstance(metric, str) or metric not in METRICS:
        raise InvalidInput("a metric is one of these", metric=metric, known=sorted(METRICS))


def _check_metric(metric: str, p: float | None) -> None:
    _check_known(metric)
    good = p is None if metric != "minkowski" else type(p) in (int, float) and 1 <= p <= float_info.max  # type: ignore[operator]
    if not good:
        raise InvalidInput("p >= 1 goes with metric='minkowski' and with no other", p=p)
