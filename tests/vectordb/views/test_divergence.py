"""The divergences, judged by SciPy and by their own definitions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import inf, log
from random import Random

import pytest

from vectordb import InvalidInput
from vectordb.views.divergence import (
    floored,
    js_divergence,
    kl_divergence,
    ks_p_value,
    ks_statistic,
    psi,
    wasserstein,
)

SEEDS = range(12)
SCALES = {"plain": (0.0, 1.0), "huge": (0.0, 1e307), "tiny": (0.0, 1e-308), "offset": (1e15, 3.0)}


def numbers(seed: int, size: int, scale: str = "plain", ties: bool = False) -> list[float]:
    rng, (middle, width) = Random(seed), SCALES[scale]
    drawn = [rng.choice((-2.0, -1.0, 0.0, 1.0)) if ties else rng.uniform(-2, 2) for _ in range(size)]
    return sorted(middle + width * number for number in drawn)


def pair(seed: int, scale: str = "plain", ties: bool = False) -> tuple[list[float], list[float]]:
    rng = Random(seed)
    return tuple(numbers(seed + own, rng.randrange(1, 40), scale, ties) for own in (100, 200))  # type: ignore[return-value]


def shares(seed: int, size: int = 7) -> list[float]:
    rng = Random(seed)
    return floored([rng.randrange(1, 50) for _ in range(size)], 0.0)


# -- of probabilities --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_kl_psi_and_js_are_those_of_scipy(seed: int) -> None:
    pytest.importorskip("scipy")
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import entropy

    p, q = shares(seed), shares(seed + 100)
    assert kl_divergence(p, q) == pytest.approx(entropy(p, q), rel=1e-12)
    assert psi(p, q) == pytest.approx(entropy(p, q) + entropy(q, p), rel=1e-12)
    assert js_divergence(p, q) == pytest.approx(jensenshannon(p, q) ** 2, rel=1e-12)


def test_equal_distributions_do_not_diverge() -> None:
    p = shares(1)
    assert psi(p, p) == kl_divergence(p, p) == js_divergence(p, p) == 0.0


def test_js_takes_zeros_and_is_at_most_ln_2() -> None:
    assert js_divergence([1.0, 0.0], [0.0, 1.0]) == log(2)
    assert js_divergence([0.5, 0.5, 0.0], [0.5, 0.5, 0.0]) == 0.0


def test_psi_is_symmetric_and_kl_is_not() -> None:
    p, q = [0.1, 0.9], [0.4, 0.6]
    assert psi(p, q) == psi(q, p)
    assert kl_divergence(p, q) != kl_divergence(q, p)


def test_floored_shares_are_above_the_floor_and_sum_to_one() -> None:
    found = floored([0, 10**9, 0, 1], 1e-4)
    assert min(found) > 0.9e-4 and sum(found) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("measure", [psi, kl_divergence, js_divergence])
def test_bins_have_to_match(measure: object) -> None:
    for p, q in (([0.5, 0.5], [1.0]), ([], [])):
        with pytest.raises(InvalidInput):
            measure(p, q)  # type: ignore[operator]


# -- of samples --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("seed", SEEDS)
def test_ks_is_that_of_scipy(seed: int, scale: str, ties: bool) -> None:
    pytest.importorskip("scipy")
    from scipy.stats import ks_2samp

    a, b = pair(seed, scale, ties)
    assert ks_statistic(a, b) == pytest.approx(ks_2samp(a, b, method="asymp").statistic, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("scale", ["plain", "huge", "offset"])
@pytest.mark.parametrize("seed", SEEDS)
def test_wasserstein_is_that_of_scipy(seed: int, scale: str, ties: bool) -> None:
    pytest.importorskip("scipy")
    from scipy.stats import wasserstein_distance

    a, b = pair(seed, scale, ties)
    assert wasserstein(a, b) == pytest.approx(wasserstein_distance(a, b), rel=1e-9)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("seed", SEEDS)
def test_wasserstein_is_the_area_in_exact_fractions(seed: int, scale: str) -> None:
    a, b = pair(seed, scale)
    points = sorted({*a, *b})
    area = Fraction(0)
    for start, end in pairwise(points):
        below = [Fraction(sum(number <= start for number in sample), len(sample)) for sample in (a, b)]
        area += abs(below[0] - below[1]) * (Fraction(end) - Fraction(start))
    assert wasserstein(a, b) == pytest.approx(float(area), rel=1e-14, abs=5e-323)


def test_samples_whose_range_is_beyond_float64() -> None:
    low, high = [-1.7e308, 0.0], [0.0, 1.7e308]
    assert wasserstein(low, high) == pytest.approx(1.7e308, rel=1e-15)
    assert wasserstein(low[:1], high[1:]) is None
    assert ks_statistic(low, high) == 0.5


def test_samples_of_one_number_and_of_ints() -> None:
    assert (ks_statistic([1], [1]), wasserstein([1], [1])) == (0.0, 0.0)
    assert (ks_statistic([1], [2]), wasserstein([1], [2])) == (1.0, 1.0)
    assert wasserstein([-(2**53)], [2**53]) == 2.0**54
    assert ks_statistic([False, True], [True, True]) == 0.5


def test_zeros_of_either_sign_are_one_number() -> None:
    assert ks_statistic([-0.0], [0.0]) == 0.0 == ks_statistic([0.0], [-0.0])


@pytest.mark.parametrize("x", [0.001, 0.05, 0.1, 0.3, 0.5, 0.8, 1.1, 1.17, 1.18, 1.19, 1.5, 2, 3, 5, 20])
def test_the_p_value_is_the_limit_of_kolmogorov(x: float) -> None:
    pytest.importorskip("scipy")
    from scipy.stats import kstwobign

    root = 50**0.5
    statistic = x / (root + 0.12 + 0.11 / root)
    assert ks_p_value(statistic, 100, 100) == pytest.approx(kstwobign.sf(x), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("sizes", [(20, 30), (100, 100), (1_000, 50), (5_000, 5_000)])
def test_the_p_value_is_near_that_of_finite_samples(sizes: tuple[int, int]) -> None:
    pytest.importorskip("scipy")
    from scipy.stats import kstwo

    effective = sizes[0] * sizes[1] / (sizes[0] + sizes[1])
    for x, near in ((0.5, 0.02), (0.8, 0.02), (1.0, 0.02), (1.36, 0.003), (1.63, 0.001)):
        statistic = x / effective**0.5
        assert ks_p_value(statistic, *sizes) == pytest.approx(kstwo.sf(statistic, round(effective)), abs=near)


def test_the_p_value_falls_from_one_to_zero() -> None:
    found = [ks_p_value(step / 1_000, 500, 500) for step in range(1_001)]
    assert found[0] == 1.0 and found[-1] < 1e-100
    assert all(0.0 <= late <= early + 1e-15 for early, late in pairwise(found))
    assert ks_p_value(1.0, 10**9, 10**9) == 0.0 and inf not in found
