"""Distances against exact arithmetic everywhere, and against SciPy where SciPy is right."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from math import isinf, ldexp

import pytest

from projections.vectors.distances import distance, distances
from projections.vectors.metrics import METRICS
from tests.projections.vectors.judges import real_dot, relative_error

Vectors = tuple[list[float], list[float]]
GOOD = 1e-12
POWERS = (1, 1.5, 3, 7, 100.5)


def gauss(rng: random.Random, size: int) -> list[float]:
    return [rng.gauss(0, 1) for _ in range(size)]


def scaled(left: float, right: float) -> Callable[[random.Random, int], Vectors]:
    def draw(rng: random.Random, size: int) -> Vectors:
        x, y = gauss(rng, size), gauss(rng, size)
        most = max(map(abs, x + y))
        return [v / most * left for v in x], [v / most * right for v in y]

    return draw


def parallel(rng: random.Random, size: int) -> Vectors:
    x, noise, scale = gauss(rng, size), 10.0 ** rng.uniform(-16, -1), rng.choice((1, -1, 2, 3.7, 1e5))
    return x, [scale * v * (1 + noise * rng.gauss(0, 1)) for v in x]


def beside(rng: random.Random, size: int) -> Vectors:
    x, noise = gauss(rng, size), 10.0 ** rng.uniform(-16, -1)
    return x, [v + noise * rng.gauss(0, 1) for v in x]


def shifted(rng: random.Random, size: int) -> Vectors:
    offset = 10.0 ** rng.uniform(0, 14)
    return [v + offset for v in gauss(rng, size)], [v + offset for v in gauss(rng, size)]


def mixed(rng: random.Random, size: int) -> Vectors:
    x, y = ([ldexp(v, rng.randrange(-1070, 1020)) for v in gauss(rng, size)] for _ in range(2))
    return x, y


def whole(rng: random.Random, size: int) -> Vectors:
    x, y = ([float(rng.randrange(-5, 6)) for _ in range(size)] for _ in range(2))
    return x, y


KINDS: dict[str, Callable[[random.Random, int], Vectors]] = {
    "plain": scaled(1, 1),
    "parallel": parallel,
    "beside": beside,
    "norms apart": scaled(1, 3e6),
    "largest": scaled(1.7e308, 1.7e308),
    "large": scaled(1e306, 1e306),
    "small": scaled(1e-308, 1e-308),
    "subnormal": scaled(1e-320, 1e-320),
    "squares underflow": scaled(1e-160, 1e-155),
    "far apart": scaled(1e300, 1e-300),
    "shifted": shifted,
    "mixed": mixed,
    "whole": whole,
}


def has_answer(metric: str, x: list[float], y: list[float]) -> bool:
    """Whether the definition itself says what the distance is."""
    if metric == "cosine":
        return any(x) and any(y)
    if metric == "correlation":
        return len(set(x)) > 1 and len(set(y)) > 1
    return metric != "braycurtis" or any(a + b for a, b in zip(x, y))


@pytest.mark.parametrize("kind", KINDS)
def test_exact_arithmetic_agrees(kind: str) -> None:
    rng = random.Random(kind)
    for size in (1, 2, 2, 3, 3, 5, 10, 40):
        x, y = KINDS[kind](rng, size)
        for metric in sorted(METRICS.keys() - {"dot"}):
            p = rng.choice(POWERS) if metric == "minkowski" else None
            if has_answer(metric, x, y):
                actual = distance(metric, x, y, p)
                assert relative_error(actual, metric, x, y, p) <= GOOD, (metric, x, y, p)
                assert distance(metric, y, x, p).hex() == actual.hex(), (metric, x, y, p)


@pytest.mark.parametrize("kind", KINDS)
def test_the_dot_product_errs_by_its_rounded_products_only(kind: str) -> None:
    rng = random.Random(kind)
    for size in (1, 2, 3, 5, 10, 40):
        x, y = KINDS[kind](rng, size)
        actual, (true, absolute) = distance("dot", x, y), real_dot(x, y)
        assert distance("dot", y, x).hex() == actual.hex()
        if isinf(actual):
            assert abs(true) > 2**1024 - 2**970
            assert (true > 0) == (actual < 0)
        else:
            assert abs(Fraction(actual) + true) <= Fraction(2) ** -52 * absolute + Fraction(2) ** -1075


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_ten_thousand_dimensions(metric: str) -> None:
    rng = random.Random(metric)
    x, y = gauss(rng, 10_000), gauss(rng, 10_000)
    near = [v * (1 + 1e-9 * rng.gauss(0, 1)) for v in x]
    p = 2.5 if metric == "minkowski" else None
    for other in (y, near):
        assert relative_error(distance(metric, x, other, p), metric, x, other, p) <= GOOD


def test_near_parallel_vectors_keep_every_digit() -> None:
    """1 - cos of (1, 0) and (1, t) is t^2/2 for small t; doubles lose it below 1e-8 where they subtract."""
    for exponent in range(-160, -1, 7):
        t = 10.0**exponent
        expected = t * t / 2 * (1 - 0.75 * t * t)
        assert distance("cosine", [1, 0], [1, t]) == pytest.approx(expected, rel=max(1e-12, 2 * t**4), abs=5e-324)
        assert distance("cosine", [2, 0], [7, 7 * t]) == pytest.approx(expected, rel=max(1e-12, 2 * t**4), abs=5e-324)


def test_equal_directions_are_at_no_distance() -> None:
    rng = random.Random(2)
    for _ in range(200):
        x = gauss(rng, rng.randrange(2, 60))
        assert distance("cosine", x, x) == distance("cosine", x, [v * 1024 for v in x]) == 0.0
        assert distance("correlation", x, x) == 0.0
        whole_numbers = [float(round(v * 1000)) for v in x] + [1.0]
        assert distance("correlation", whole_numbers, [3 * v + 17 for v in whole_numbers]) == 0.0


def zeros_and_ones(rng: random.Random, size: int) -> Vectors:
    x, y = ([float(rng.random() < 0.5) for _ in range(size)] for _ in range(2))
    return x, y


PLAIN = (scaled(1, 1), scaled(1e60, 1e60), scaled(1e-60, 1e-60), whole, zeros_and_ones)
SCIPY_NAMES = {"manhattan": "cityblock"}
# SciPy has no dot product, and from 1.15 on its Jaccard asks of each element only whether it is zero.
SCIPY_DATA = {"jaccard": (zeros_and_ones,)}


@pytest.mark.parametrize("metric", sorted(METRICS.keys() - {"dot"}))
def test_scipy_agrees(metric: str) -> None:
    scipy = pytest.importorskip("scipy.spatial.distance")
    rng, powers = random.Random(metric), (3,) if metric == "minkowski" else ()
    for size in (2, 3, 17, 128, 1000):
        for draw in SCIPY_DATA.get(metric, PLAIN):
            x, y = draw(rng, size)
            if has_answer(metric, x, y):
                expected = float(getattr(scipy, SCIPY_NAMES.get(metric, metric))(x, y, *powers))
                # Where SciPy's own 1 - cos cancels, its absolute error is what can be asked for.
                slack = 1e-15 if metric in ("cosine", "correlation") else 0.0
                assert distances(metric, x, [y], *powers) == [pytest.approx(expected, rel=GOOD, abs=slack)]
