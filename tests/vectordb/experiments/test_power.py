"""Power, detectable effects and sample sizes, judged by statsmodels, SciPy and mpmath."""

from __future__ import annotations

from math import inf, nan, sqrt
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.power import (
    detectable_mean,
    detectable_proportion,
    distance_for,
    power_at,
    power_of_means,
    power_of_proportions,
    size_of_means,
    size_of_proportions,
)


@pytest.mark.parametrize("seed", range(25))
def test_power_of_means_is_judged_by_statsmodels(seed: int) -> None:
    judge = pytest.importorskip("statsmodels.stats.power").NormalIndPower()
    rng = Random(seed)
    effect, sd, alpha = rng.gauss(0, 0.2), rng.uniform(0.1, 5.0), rng.choice([0.05, 0.01, 0.001])
    control, treatment = rng.randrange(2, 10**5), rng.randrange(2, 10**5)
    found = power_of_means(effect, sd, control, treatment, alpha)
    theirs = judge.power(effect / sd, control, alpha, ratio=treatment / control)
    assert found.power == pytest.approx(theirs, rel=1e-10)
    assert found.total == control + treatment and found.alpha == alpha


@pytest.mark.parametrize("power", [0.06, 0.5, 0.8, 0.95, 0.999999])
@pytest.mark.parametrize("alpha", [0.05, 0.001, 1e-9])
def test_inversion_is_judged_by_mpmath(power: float, alpha: float) -> None:
    mp = pytest.importorskip("mpmath")
    with mp.workdps(40):
        z = -mp.sqrt(2) * mp.erfinv(2 * (mp.mpf(alpha) / 2) - 1) * -1
        z = abs(z)
        start = distance_for(power, alpha)
        exact = mp.findroot(lambda d: mp.ncdf(d - z) + mp.ncdf(-d - z) - mp.mpf(power), start)
    assert start == pytest.approx(float(exact), rel=1e-10)
    assert power_at(start, alpha) == pytest.approx(power, rel=1e-12)


@pytest.mark.parametrize("seed", range(25))
def test_inversions_come_back(seed: int) -> None:
    rng = Random(seed)
    control, treatment, power = rng.randrange(100, 10**6), rng.randrange(100, 10**6), rng.uniform(0.1, 0.99)
    plan = detectable_mean(2.5, control, treatment, power)
    assert power_of_means(plan.effect, 2.5, control, treatment).power == pytest.approx(power, rel=1e-11)
    base = rng.uniform(0.1, 0.9)
    for decrease in (False, True):
        plan = detectable_proportion(base, control, treatment, power, decrease=decrease)
        assert (plan.effect < 0.0) == decrease
        assert power_of_proportions(base, plan.effect, control, treatment).power == pytest.approx(power, rel=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.9])
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_sizes_are_judged_by_statsmodels(share: float, power: float) -> None:
    judge = pytest.importorskip("statsmodels.stats.power").NormalIndPower()
    plan = size_of_means(0.05, 1.3, power, 0.01, share)
    theirs = judge.solve_power(0.05 / 1.3, None, 0.01, power, ratio=share / (1.0 - share))
    assert plan.control == pytest.approx(theirs, abs=1.0) and plan.control >= theirs - 1e-6
    assert plan.treatment == pytest.approx(theirs * share / (1.0 - share), abs=1.0)


@pytest.mark.parametrize("seed", range(25))
def test_sizes_are_enough_and_hardly_more(seed: int) -> None:
    rng = Random(seed)
    share, power = rng.uniform(0.05, 0.95), rng.uniform(0.3, 0.99)
    effect = rng.choice([-1, 1]) * rng.uniform(0.01, 0.09)
    means = size_of_means(effect, 1.0, power, share=share)
    rates = size_of_proportions(0.2, effect, power, share=share)
    assert min(means.power, rates.power) >= power - 1e-12
    fewer = [power_of_means(effect, 1.0, means.control - 1, means.treatment - 1).power]
    fewer.append(power_of_proportions(0.2, effect, rates.control - 1, rates.treatment - 1).power)
    assert max(fewer) < power


def test_power_of_proportions_is_that_of_simulations() -> None:
    rng, runs, found = Random(4), 1_500, 0
    planned = power_of_proportions(0.3, 0.1, 400, 250)
    for _ in range(runs):
        first = sum(rng.random() < 0.3 for _ in range(400)) / 400
        second = sum(rng.random() < 0.4 for _ in range(250)) / 250
        se = sqrt(first * (1 - first) / 400 + second * (1 - second) / 250)
        found += abs(second - first) / se > 1.959964
    assert abs(found / runs - planned.power) < 4.0 * sqrt(0.25 / runs)


def test_power_without_an_effect_is_alpha() -> None:
    assert power_at(0.0, 0.05) == pytest.approx(0.05, rel=1e-14)
    assert power_of_means(0.0, 1.0, 10, 10).power == pytest.approx(0.05, rel=1e-14)


def test_plans_say_what_they_assume() -> None:
    plan = size_of_proportions(0.1, 0.02)
    assert plan.to_dict()["method"] == "two-sided z test of proportions" and plan.baseline == 0.1 and plan.sd is None
    assert size_of_means(0.1, 1.0).to_dict()["assumptions"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: power_at(nan),
        lambda: distance_for(0.05, 0.05),
        lambda: distance_for(1.0),
        lambda: power_of_means(0.1, 0.0, 10, 10),
        lambda: power_of_means(0.1, 1.0, 0, 10),
        lambda: power_of_means(0.1, 1.0, 10.5, 10),  # type: ignore[arg-type]
        lambda: power_of_means(inf, 1.0, 10, 10),
        lambda: power_of_proportions(0.5, 0.6, 10, 10),
        lambda: power_of_proportions(0.0, 0.6, 10, 10),
        lambda: power_of_proportions(1.2, 0.1, 10, 10),
        lambda: size_of_means(0.0, 1.0),
        lambda: size_of_means(0.1, 1.0, share=1.0),
        lambda: size_of_proportions(0.5, nan),
        lambda: detectable_proportion(0.5, 3, 3),
        lambda: detectable_mean(nan, 3, 3),
    ],
)
def test_bad_input_is_refused(call: Any) -> None:
    with pytest.raises(InvalidInput):
        call()
