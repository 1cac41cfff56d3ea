"""Mann-Whitney against SciPy; quantile metrics, their coverage and their refusals."""

from __future__ import annotations

import json
from itertools import combinations
from math import inf, nan, sqrt
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.effects import difference, lift
from vectordb.experiments.stats.ranks import mann_whitney, quantile, quantile_sample


@pytest.mark.parametrize("seed", range(60))
def test_mann_whitney_against_scipy(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = Random(seed)
    sizes = [rng.choice([1, 2, 5, 8, 9, 30, 400]) for _ in range(2)]
    step = rng.choice([None, 0, 1])  # digits kept: ties
    far = rng.choice([0.0, 0.5, 3.0])
    a = [rng.gauss(0, 1) for _ in range(sizes[0])]
    b = [rng.gauss(far, 1) for _ in range(sizes[1])]
    if step is not None:
        a, b = [round(value, step) for value in a], [round(value, step) for value in b]
    found, judge = mann_whitney(a, b), stats.mannwhitneyu(a, b, method="auto")
    assert found.statistic == judge.statistic
    if len(set(a + b)) > 1:
        assert found.p_value == pytest.approx(judge.pvalue, rel=1e-10)
    assert found.estimate == pytest.approx(1 - judge.statistic / (len(a) * len(b)))


@pytest.mark.parametrize("method", ["exact", "asymptotic"])
def test_methods_against_scipy(method: str) -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = Random(4)
    for sizes in ((3, 4), (8, 8), (12, 25), (30, 2)):
        a, b = ([rng.gauss(0, 1) for _ in range(size)] for size in sizes)
        judge = stats.mannwhitneyu(a, b, method=method)
        assert mann_whitney(a, b, method).p_value == pytest.approx(judge.pvalue, rel=1e-10)


def test_the_exact_distribution_is_counted() -> None:
    """All orders of 3 and 4 units, by hand."""
    us = [sum(place - rank for rank, place in enumerate(places)) for places in combinations(range(7), 3)]
    for places in combinations(range(7), 3):
        a = [float(place) for place in places]
        b = [float(place) for place in range(7) if place not in places]
        u = sum(place - rank for rank, place in enumerate(places))
        far = max(u, 12 - u)
        right = min(1.0, 2 * sum(other >= far for other in us) / len(us))
        assert mann_whitney(a, b).p_value == pytest.approx(right, rel=1e-12)


def test_all_values_equal_is_p_1() -> None:
    found = mann_whitney([2.0] * 5, [2] * 20)
    assert (found.p_value, found.estimate, found.tied) == (1.0, 0.5, True)


def test_no_p_value_is_zero() -> None:
    found = mann_whitney(range(3000), range(3000, 6000))
    assert found.p_value == 5e-324 or found.p_value > 0  # type: ignore[operator]
    assert found.log_p_value is not None and found.log_p_value < -1000


def test_an_arm_without_units() -> None:
    found = mann_whitney([], [1.0])
    assert found.p_value is None and found.undefined


def test_large_arms_beside_small_ones_are_approximated() -> None:
    found = mann_whitney([0.5], [float(value) for value in range(200_000)])
    assert "asymptotic" in found.method


@pytest.mark.parametrize("seed", range(6))
def test_quantiles_are_those_of_numpy(seed: int) -> None:
    np = pytest.importorskip("numpy")
    rng = Random(seed)
    values = [rng.expovariate(1) for _ in range(rng.randrange(50, 400))]
    share, alpha = rng.choice([0.2, 0.5, 0.75]), rng.choice([0.05, 0.1])
    z = pytest.importorskip("scipy.stats").norm.isf(alpha / 2)
    found = quantile(values, share, alpha)
    reach = z * sqrt(share * (1 - share) / len(values))
    right = np.quantile(values, [share, share - reach, share + reach])
    assert (found.estimate, found.low, found.high) == pytest.approx(tuple(right), rel=1e-10)
    assert found.standard_error == pytest.approx((right[2] - right[1]) / (2 * z), rel=1e-10)


def test_quantiles_are_compared_as_samples() -> None:
    rng = Random(2)
    a = [rng.expovariate(1.0) for _ in range(500)]
    b = [rng.expovariate(0.5) for _ in range(700)]
    one, other = quantile(a, 0.9), quantile(b, 0.9)
    found = difference(quantile_sample(a, 0.9), quantile_sample(b, 0.9))
    assert found.estimate == pytest.approx(other.estimate - one.estimate)
    assert found.standard_error == pytest.approx(sqrt(one.standard_error**2 + other.standard_error**2))
    assert found.method == "Welch t of quantile"
    assert lift(quantile_sample(a, 0.9), quantile_sample(b, 0.9)).p_value is not None


@pytest.mark.parametrize(("share", "least"), [(0.5, 3), (0.9, 34), (0.1, 34), (0.99, 380), (0.01, 380)])
def test_quantiles_of_too_few_units_are_refused(share: float, least: int) -> None:
    """3.84 share / (1 - share), or the mirror: 3.84, 34.6 and 380.3 units are too few."""
    with pytest.raises(InvalidInput, match="more units") as caught:
        quantile(range(least), share)
    assert caught.value.values["units"] == least and caught.value.values["share"] == share
    assert quantile(range(least + 1), share).size == least + 1


def test_quantile_intervals_cover() -> None:
    rng, inside, rounds = Random(8), 0, 1_000
    for _ in range(rounds):
        found = quantile([rng.random() for _ in range(200)], 0.7)
        inside += found.low <= 0.7 <= found.high
    assert 0.93 < inside / rounds < 0.97


def test_plain_data() -> None:
    values = range(50)
    tests = mann_whitney([1, 2], [3.5]), mann_whitney([], [])
    for found in (*tests, quantile(values, 0.5), quantile_sample(values, 0.5)):
        plain = found.to_dict()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain["assumptions"]


@pytest.mark.parametrize("value", [nan, inf, -inf, "1", None, True])
def test_values_are_finite_numbers(value: Any) -> None:
    for call in (lambda: mann_whitney([1.0, value], [2.0]), lambda: quantile([1.0] * 20 + [value], 0.5)):
        with pytest.raises(InvalidInput):
            call()


@pytest.mark.parametrize("share", [0.0, 1.0, nan])
def test_shares(share: float) -> None:
    with pytest.raises(InvalidInput, match="share"):
        quantile(range(50), share)
    with pytest.raises(InvalidInput, match="alpha"):
        quantile(range(50), 0.5, share)


def test_methods_are_known_and_fit() -> None:
    with pytest.raises(InvalidInput, match="method"):
        mann_whitney([1], [2], "fast")
    with pytest.raises(InvalidInput, match="ties"):
        mann_whitney([1, 2], [2, 3], "exact")
