"""What the metrics are: known answers, documented ones for zero and constant vectors, and what is refused."""

from __future__ import annotations

import hashlib
import random
from array import array
from decimal import Decimal
from math import inf, nan, sqrt
from typing import Any

import pytest

from ledger import InvalidInput
from ledger.values.vector_type import METRICS as DECLARED
from projections.vectors.distances import distance, distance_matrix, distances, similarity
from projections.vectors.metrics import METRICS

MAX = 1.7976931348623157e308
POWER = {"minkowski": 3.0}

KNOWN = [
    ("euclidean", [0, 0], [3, 4], 5.0),
    ("sqeuclidean", [1, 2, 3], [2, 4, 6], 14.0),
    ("cosine", [1, 0], [0, 7], 1.0),
    ("cosine", [1, 1], [-2, -2], 2.0),
    ("cosine", [3, 4], [4, 3], 0.04),
    ("cosine", [1, 0], [1, 1e6], 1 - 1 / sqrt(1 + 1e12)),
    ("dot", [1, 2, 3], [4, -5, 6], -12.0),
    ("manhattan", [1, 2, 3], [4, 0, 3], 5.0),
    ("chebyshev", [1, 2, 3], [4, -2, 3], 4.0),
    ("minkowski", [0, 0, 0], [3, 4, 5], 6.0),
    ("canberra", [1, 0, 2], [3, 0, -2], 1.5),
    ("braycurtis", [1, 2, 3], [3, 2, 1], 1 / 3),
    ("correlation", [1, 2, 3], [10, 20, 30], 0.0),
    ("correlation", [1, 2, 3], [3, 2, 1], 2.0),
    ("correlation", [1, 2, 3, 4], [1, -1, -1, 1], 1.0),
    ("hamming", [1, 0, 2, 3], [1, 1, 2, 4], 0.5),
    ("jaccard", [1, 0, 2, 0], [1, 1, 3, 0], 2 / 3),
]


@pytest.mark.parametrize(("metric", "a", "b", "expected"), KNOWN)
def test_known_answers(metric: str, a: list[float], b: list[float], expected: float) -> None:
    assert distance(metric, a, b, POWER.get(metric)) == pytest.approx(expected, rel=1e-15, abs=1e-15)
    assert distance(metric, b, a, POWER.get(metric)) == distance(metric, a, b, POWER.get(metric))


DOCUMENTED = [
    # zero vectors
    ("canberra", [0, 0], [0, 0], 0.0),
    ("canberra", [0, 0], [0, -3], 1.0),
    ("braycurtis", [0, 0], [0, 0], 0.0),
    ("braycurtis", [1, -2], [-1, 2], inf),
    ("jaccard", [0, 0], [0, 0], 0.0),
    ("jaccard", [0, 0], [0, 2], 1.0),
    ("dot", [0, 1], [1, 0], 0.0),
    ("minkowski", [2, 2], [2, 2], 0.0),
    # constant vectors
    ("correlation", [5, 5, 5], [1, 2, 3], 1.0),
    ("correlation", [1, 2, 3], [5, 5, 5], 1.0),
    ("correlation", [0.1] * 3, [0.7] * 3, 0.0),
    ("correlation", [4], [9], 0.0),
    ("correlation", [0, 0], [0, 0], 0.0),
    # overflow: inf only where the true value has no float
    ("euclidean", [0.8e308], [-0.8e308], 1.6e308),
    ("euclidean", [1e308], [-1e308], inf),
    ("euclidean", [1e308, 1e308], [0, 0], 1.4142135623730951e308),
    ("sqeuclidean", [1e200], [0], inf),
    ("sqeuclidean", [1e-200], [0], 0.0),
    ("manhattan", [1e308, 1e308], [0, 0], inf),
    ("chebyshev", [1e308], [-1e308], inf),
    ("minkowski", [1e308], [-1e308], inf),
    ("minkowski", [1e308, 1e-308], [0, 0], 1e308),
    ("dot", [1e200], [1e200], -inf),
    ("dot", [1e200], [-1e200], inf),
    ("dot", [1e200, 1e200, 3.0], [1e200, -1e200, 2.0], -6.0),
    ("dot", [1e308, 1e308, -1e308], [1, 1, 1], -1e308),
    ("dot", [1e-200, 1.0], [1e-200, 0.0], 0.0),
    ("dot", [2.0**-537] * 8, [2.0**-538] * 8, -(2.0**-1072)),
    ("canberra", [1.5e308, 2], [-1.5e308, 2], 1.0),
    ("canberra", [1.2e308, 0, 3], [0.9e308, 0, 1], 0.3 / 2.1 + 0.5),
    ("braycurtis", [1.5e308, 1e308], [1.5e308, 0], 0.25),
    ("cosine", [1e308, 1e308], [1e308, 0], 1 - sqrt(0.5)),
    ("cosine", [1e-308, 1e-308], [0, 1e308], 1 - sqrt(0.5)),
    ("cosine", [5e-324, 0], [5e-324, 5e-324], 1 - sqrt(0.5)),
    ("correlation", [MAX, -MAX], [-5e-324, 5e-324], 2.0),
]


@pytest.mark.parametrize(("metric", "a", "b", "expected"), DOCUMENTED)
def test_documented_answers(metric: str, a: list[float], b: list[float], expected: float) -> None:
    actual = distance(metric, a, b, POWER.get(metric))
    assert actual == pytest.approx(expected, rel=1e-15, abs=0)
    assert distance(metric, b, a, POWER.get(metric)) == actual
    assert str(actual) != "-0.0"


def test_every_declared_metric_is_there() -> None:
    assert METRICS.keys() == DECLARED


def test_integers_are_exact() -> None:
    rng = random.Random(3)
    for _ in range(300):
        a, b = ([rng.randrange(-300, 300) for _ in range(rng.choice((1, 7, 128)))] for _ in range(2))
        b = (b * 128)[: len(a)]
        assert distance("sqeuclidean", a, b) == sum((x - y) ** 2 for x, y in zip(a, b))
        assert distance("dot", a, b) == -sum(x * y for x, y in zip(a, b))
        assert distance("manhattan", a, b) == sum(abs(x - y) for x, y in zip(a, b))
    assert distance("sqeuclidean", [2**26], [1]) == float((2**26 - 1) ** 2)


@pytest.mark.parametrize("p", [1, 1.0, 2, 2.0])
def test_named_powers_are_the_named_metrics(p: float) -> None:
    a, b = [0.1, 2.5, -3.0], [1.0, -0.7, 0.3]
    assert distance("minkowski", a, b, p) == distance("manhattan" if p == 1 else "euclidean", a, b)


def test_a_great_power_tends_to_chebyshev() -> None:
    a, b = [0.1, 2.5, -3.0], [1.0, -0.7, 0.3]
    assert distance("minkowski", a, b, 1e300) == distance("chebyshev", a, b)


def test_many_are_what_pairs_are() -> None:
    rng = random.Random(5)
    left, right = ([[rng.gauss(0, 1) for _ in range(9)] for _ in range(n)] for n in (4, 6))
    for metric in METRICS:
        p = POWER.get(metric)
        matrix = distance_matrix(metric, left, right, p)
        assert matrix == [[distance(metric, a, b, p) for b in right] for a in left]
        assert distances(metric, left[0], iter(right), p) == matrix[0]
    assert distances("euclidean", [1], []) == []
    assert distance_matrix("euclidean", [], [[1]]) == []
    assert distance_matrix("euclidean", [[1]], []) == [[]]


def test_anything_with_tolist_and_any_real_number() -> None:
    assert distance("euclidean", array("f", [0, 0]), memoryview(bytes([3, 4]))) == 5.0
    numpy = pytest.importorskip("numpy")
    assert distance("euclidean", numpy.zeros(2, "float16"), [numpy.float32(3), numpy.int8(4)]) == 5.0
    assert distance("hamming", [True, False], numpy.array([True, True])) == 0.5


BAD: list[tuple[tuple[Any, ...], str]] = [
    (("manhatten", [1], [1]), "a metric is one of these"),
    ((["dot"], [1], [1]), "a metric is one of these"),
    (("dot", [1], [1, 2]), "the same length"),
    (("dot", [], []), "at least one element"),
    (("dot", "12", [1, 2]), "a sequence of numbers"),
    (("dot", b"12", [1, 2]), "a sequence of numbers"),
    (("dot", {1, 2}, [1, 2]), "a sequence of numbers"),
    (("dot", 3, [1]), "a sequence of numbers"),
    (("dot", [1], ["1"]), "elements are numbers"),
    (("dot", [1], [None]), "elements are numbers"),
    (("dot", [1], [1j]), "elements are numbers"),
    (("dot", [Decimal(1)], [1]), "elements are numbers"),
    (("dot", [[1]], [[1]]), "elements are numbers"),
    (("dot", [1, nan], [1, 2]), "elements are finite"),
    (("dot", [1, 2], [inf, 2]), "elements are finite"),
    (("dot", [10**400], [1]), "fit in float64"),
    (("cosine", [0, 0.0], [1, 2]), "has no direction"),
    (("cosine", [1, 2], [0, -0.0]), "has no direction"),
    (("minkowski", [1], [1]), "p >= 1"),
    (("minkowski", [1], [1], 0.5), "p >= 1"),
    (("minkowski", [1], [1], inf), "p >= 1"),
    (("minkowski", [1], [1], nan), "p >= 1"),
    (("minkowski", [1], [1], 10**400), "p >= 1"),
    (("minkowski", [1], [1], "2"), "p >= 1"),
    (("minkowski", [1], [1], True), "p >= 1"),
    (("euclidean", [1], [1], 2), "p >= 1"),
]


@pytest.mark.parametrize(("arguments", "rule"), BAD)
def test_what_breaks_a_rule_is_refused(arguments: tuple[Any, ...], rule: str) -> None:
    with pytest.raises(InvalidInput, match=rule):
        distance(*arguments)
    metric, a, b, *p = arguments
    with pytest.raises(InvalidInput, match=rule):
        distance_matrix(metric, [a], [b], *p)


def test_similarity() -> None:
    for metric in ("cosine", "correlation", "jaccard", "hamming", "braycurtis"):
        assert similarity(metric, 0.25) == 0.75
    assert similarity("dot", -3.5) == 3.5
    assert str(similarity("dot", 0.0)) == "0.0"
    for metric in ("euclidean", "sqeuclidean", "manhattan", "chebyshev", "minkowski", "canberra"):
        assert (similarity(metric, 0.0), similarity(metric, 3.0), similarity(metric, inf)) == (1.0, 0.25, 0.0)
    with pytest.raises(InvalidInput, match="a metric is one of these"):
        similarity("nearness", 1.0)


def test_the_same_bits_on_every_python() -> None:
    """The digest is of the numbers themselves; minkowski is left out, whose powers are the C library's."""
    rng = random.Random(11)
    digest = hashlib.sha256()
    for _ in range(300):
        size, scale = rng.choice((1, 2, 3, 8, 33, 128)), 2.0 ** rng.choice((0, 0, 0, 300, -300, 1000, -1060))
        a = [rng.uniform(-1, 1) * scale for _ in range(size)]
        b = [rng.uniform(-1, 1) * scale if rng.random() < 0.7 else x for x in a]
        for metric in sorted(METRICS.keys() - {"minkowski"}):
            digest.update(distance(metric, a, b).hex().encode())
    assert digest.hexdigest()[:16] == "36796cb0207ea2cd"
