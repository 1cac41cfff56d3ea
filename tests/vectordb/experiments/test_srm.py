"""Sample ratio mismatch: SciPy's digits, tails that never end, and its alarms with and without a loss."""

from __future__ import annotations

import json
from math import inf, lgamma, log, nan, sqrt
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.sequential import LEAST_P
from vectordb.experiments.stats.srm import log_bayes_factor, sample_ratio, sequential_ratio

HALVES = (0.5, 0.5)


def split(rng: Random, size: int, arms: int) -> tuple[list[int], list[float]]:
    """Random weights, some of them 0, and counts near them."""
    raw = [rng.choice([rng.random(), rng.random(), 0.0]) for _ in range(arms)] + [0.5, 0.5]
    weights = [weight / sum(raw) for weight in raw]
    wide = sqrt(size) * 0.7
    return [max(0, int(rng.gauss(size * weight, wide))) if weight else 0 for weight in weights], weights


def test_the_value_of_the_contract() -> None:
    found = sample_ratio([1_000, 1_200], HALVES)
    assert float(f"{found.p:.5g}") == 2.0079e-5 and found.alarm and found.dof == 1


@pytest.mark.parametrize("seed", range(40))
def test_the_chi_square_is_judged_by_scipy(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = Random(seed)
    counts, weights = split(rng, rng.choice([50, 10**4, 10**8]), rng.randrange(0, 6))
    found = sample_ratio(counts, weights)
    arms = [(count, weight) for count, weight in zip(counts, weights) if weight]
    expected = [sum(counts) * weight for _, weight in arms]
    scale = sum(counts) / sum(expected)
    theirs = stats.chisquare([count for count, _ in arms], [mean * scale for mean in expected])
    assert found.dof == len(arms) - 1
    assert found.statistic == pytest.approx(theirs.statistic, rel=1e-8)  # the judge's gaps lose digits
    assert found.p == pytest.approx(stats.chi2.sf(found.statistic, found.dof), rel=1e-10)


@pytest.mark.parametrize("arms", [2, 3, 4, 7, 30, 101, 1_000])
def test_tails_are_judged_by_mpmath(arms: int) -> None:
    mp = pytest.importorskip("mpmath")
    for loss in (0.001, 0.01, 0.05, 0.3):
        counts = [100_000] * (arms - 1) + [round(100_000 * (1.0 - loss))]
        found = sample_ratio(counts, [1.0 / arms] * arms)
        with mp.workdps(40):
            mean = mp.mpf(sum(counts)) / arms
            statistic = mp.fsum((count - mean) ** 2 / mean for count in counts)
            tail = mp.log(mp.gammainc(mp.mpf(arms - 1) / 2, statistic / 2, regularized=True))
        assert found.statistic == pytest.approx(float(statistic), rel=1e-10)
        assert found.log_p == pytest.approx(float(tail), rel=1e-10, abs=1e-13)
        assert found.p > 0.0


def test_p_is_never_zero() -> None:
    found = sample_ratio([10**9, 1], HALVES)
    assert found.p == LEAST_P and -5.1e8 < found.log_p < -4.9e8 and found.alarm
    assert sequential_ratio([(10**9, 1)], HALVES).p == LEAST_P
    json.dumps(found.to_dict(), allow_nan=False)


def test_an_arm_without_weight_is_no_degree_of_freedom() -> None:
    with_it, without = sample_ratio([1_000, 7, 1_200], [0.5, 0.0, 0.5]), sample_ratio([1_000, 1_200], HALVES)
    assert (with_it.p, with_it.dof, with_it.statistic) == (without.p, 1, without.statistic)
    assert with_it.unplanned == 7 and with_it.expected == (1_100.0, 0.0, 1_100.0)
    assert log_bayes_factor([1_000, 7, 1_200], [0.5, 0.0, 0.5]) == log_bayes_factor([1_000, 1_200], HALVES)


def test_nobody_is_no_alarm() -> None:
    found = sample_ratio([0, 0], HALVES)
    assert (found.statistic, found.p, found.alarm) == (0.0, 1.0, False)
    assert log_bayes_factor([0, 0], HALVES) == 0.0
    assert sequential_ratio([], HALVES).p == 1.0


@pytest.mark.parametrize("seed", range(30))
def test_the_bayes_factor_is_judged_by_mpmath(seed: int) -> None:
    mp = pytest.importorskip("mpmath")
    rng = Random(seed)
    size, prior = rng.choice([3, 200, 10**5, 10**9]), rng.choice([1.0, 100.0, 10_000.0])
    counts, weights = split(rng, size, rng.randrange(0, 4))
    with mp.workdps(60):
        whole = mp.fsum(weights)
        total = mp.loggamma(prior) - mp.loggamma(prior + sum(counts))
        for count, weight in zip(counts, weights):
            if weight:
                share = mp.mpf(weight) / whole
                total += mp.loggamma(prior * share + count) - mp.loggamma(prior * share) - count * mp.log(share)
    assert log_bayes_factor(counts, weights, prior) == pytest.approx(float(total), rel=1e-10, abs=1e-12)


def test_the_bayes_factor_is_the_plain_formula() -> None:
    a = 5_000.0
    plain = lgamma(10_000) - lgamma(12_200) + lgamma(a + 1_000) - lgamma(a) + lgamma(a + 1_200) - lgamma(a)
    assert log_bayes_factor([1_000, 1_200], HALVES) == pytest.approx(plain + 2_200 * log(2.0), rel=1e-9)


def test_the_running_minimum_never_rises() -> None:
    looks = [(100, 120), (1_000, 1_200), (1_200, 1_205), (10_000, 12_000), (12_000, 12_000)]
    found = sequential_ratio(looks, HALVES)
    ps = [look.running_p for look in found.looks]
    assert ps == sorted(ps, reverse=True) and found.p == ps[-1] and found.alarm_at == 3 and found.alarm
    assert json.loads(json.dumps(found.to_dict()))["looks"][0]["observed"] == [100, 120]


@pytest.mark.parametrize(
    ("counts", "weights"),
    [
        ([1, -1], HALVES),
        ([1.5, 2], HALVES),
        ([True, 2], HALVES),
        ([1, nan], HALVES),
        ([1, 2, 3], HALVES),
        ([1, 2], (0.5, 0.4)),
        ([1, 2], (1.0, 0.0)),
        ([1, 2], (1.5, -0.5)),
        ([1, 2], (nan, 0.5)),
        ([1, 2], (inf, 0.5)),
        ([], ()),
    ],
)
def test_bad_input_is_refused(counts: Any, weights: Any) -> None:
    calls = (sample_ratio, log_bayes_factor, lambda counts, weights: sequential_ratio([counts], weights))
    for call in calls:
        with pytest.raises(InvalidInput):
            call(counts, weights)


def test_bad_levels_are_refused() -> None:
    for alpha in (0.0, 1.0, nan):
        with pytest.raises(InvalidInput, match="alpha"):
            sample_ratio([1, 2], HALVES, alpha)
        with pytest.raises(InvalidInput, match="alpha"):
            sequential_ratio([(1, 2)], HALVES, alpha)
    with pytest.raises(InvalidInput, match="concentration"):
        sequential_ratio([(1, 2)], HALVES, concentration=0.0)
    with pytest.raises(InvalidInput, match="grow"):
        sequential_ratio([(2, 2), (1, 5)], HALVES)


# -- simulations -------------------------------------------------------------------------------------------


def alarms(size: int, kept: float, runs: int, seed: int) -> float:
    """The share of runs with an alarm, when each unit of the second arm is kept with this probability."""
    np = pytest.importorskip("numpy")
    rng = np.random.default_rng(seed)
    control = rng.binomial(size, 0.5, runs)
    treatment = rng.binomial(size - control, kept)
    return sum(sample_ratio(pair, HALVES).alarm for pair in zip(control.tolist(), treatment.tolist())) / runs


def test_alarms_of_a_sound_split_come_at_their_rate() -> None:
    np = pytest.importorskip("numpy")
    weights, runs = (0.2, 0.3, 0.5), 20_000
    drawn = np.random.default_rng(1).multinomial(10_000, weights, runs).tolist()
    found = [sample_ratio(counts, weights) for counts in drawn]
    assert 5 <= sum(one.alarm for one in found) <= 37  # 20 expected, deviation 4.5
    for alpha in (0.01, 0.05, 0.5):
        rate = sum(one.p < alpha for one in found) / runs
        assert abs(rate - alpha) < 4.0 * sqrt(alpha * (1.0 - alpha) / runs)


def test_a_loss_of_one_unit_in_a_hundred_from_one_arm_is_caught() -> None:
    """Of 200,000 units 2,000 are lost, all of one arm."""
    assert alarms(200_000, 0.98, 2_000, 2) >= 0.8


def test_a_loss_of_a_hundredth_of_an_arm_has_the_power_that_theory_gives() -> None:
    """No test can do more: at 200,000 it is 2.2 standard errors, where 3.3 raise the alarm."""
    assert abs(alarms(200_000, 0.99, 2_000, 3) - 0.146) < 0.04
    assert alarms(800_000, 0.99, 2_000, 4) >= 0.8


def test_a_thousand_looks_at_a_sound_split_alarm_at_most_alpha() -> None:
    np = pytest.importorskip("numpy")
    rng, wrong, peeking = np.random.default_rng(5), 0, 0
    for _ in range(100):
        counts = np.cumsum(rng.multinomial(200, HALVES, 1_000), 0).tolist()
        wrong += sequential_ratio(counts[::5], HALVES, 0.05).alarm
        peeking += any(sample_ratio(pair, HALVES, 0.05).alarm for pair in counts[::5])
    assert wrong <= 5 and peeking > 25


def test_a_loss_is_caught_by_looking_often() -> None:
    np = pytest.importorskip("numpy")
    rng, caught = np.random.default_rng(6), 0
    for _ in range(100):
        counts = np.cumsum(rng.multinomial(4_000, (0.5 / 0.99, 0.49 / 0.99), 100), 0).tolist()
        caught += sequential_ratio(counts, HALVES).alarm
    assert caught >= 95
