"""Samples from exact sums: proportions, ratios and CUPED against NumPy, and what they refuse."""

from __future__ import annotations

import json
from math import inf, nan
from random import Random
from typing import Any

import pytest

from projections import NO_PAIRS, NOTHING, joint_moments, moments
from vectordb import InvalidInput
from vectordb.experiments.stats.effects import difference, lift
from vectordb.experiments.stats.samples import (
    Sample,
    cuped,
    mean_sample,
    proportion_sample,
    ratio_sample,
)

Pairs = list[tuple[float, float]]


def pairs_of(rng: Random, size: int, level: float = 3.0) -> Pairs:
    made = []
    for _ in range(size):
        x = rng.gauss(level, 1)
        made.append((0.7 * x + rng.gauss(1, 0.5), x))
    return made


@pytest.mark.parametrize("seed", range(5))
def test_a_mean_is_that_of_numpy(seed: int) -> None:
    np = pytest.importorskip("numpy")
    rng = Random(seed)
    values = [rng.lognormvariate(0, 2) for _ in range(rng.randrange(2, 500))]
    sample = mean_sample(moments(values))
    assert sample.size == len(values)
    assert sample.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert sample.variance == pytest.approx(np.var(values, ddof=1), rel=1e-10)


def test_a_high_level_cancels_nothing() -> None:
    low, high = [4, 7, 13, 16], [5, 9, 13, 20]
    plain = difference(mean_sample(moments(low)), mean_sample(moments(high)))
    assert mean_sample(moments([1e9 + value for value in low])).variance == 30.0
    for level in (1e9, 1e15):
        one, other = (mean_sample(moments([level + value for value in values])) for values in (low, high))
        raised = difference(one, other)
        assert (raised.estimate, raised.p_value, raised.low) == (plain.estimate, plain.p_value, plain.low)


def test_few_units() -> None:
    assert mean_sample(NOTHING) == Sample(0, None, None)
    assert mean_sample(moments([3.0])) == Sample(1, 3.0, None)
    assert mean_sample(moments([3.0, 3.0])).variance == 0.0
    assert proportion_sample(0, 0).mean is None
    assert ratio_sample(NO_PAIRS).mean is None and ratio_sample(joint_moments([(1, 2)])).variance is None
    assert mean_sample(moments([1e200, -1e200])).variance is None  # beyond float64


@pytest.mark.parametrize("seed", range(5))
def test_a_ratio_by_the_delta_method(seed: int) -> None:
    np = pytest.importorskip("numpy")
    rng = Random(seed)
    pairs = pairs_of(rng, rng.randrange(2, 400))
    y, x = np.array(pairs).T
    sample = ratio_sample(joint_moments(pairs))
    (vy, cov), (_, vx) = np.cov(y, x)
    my, mx = y.mean(), x.mean()
    assert sample.mean == pytest.approx(my / mx, rel=1e-12)
    assert sample.variance == pytest.approx(vy / mx**2 + vx * my**2 / mx**4 - 2 * cov * my / mx**3, rel=1e-8)


def test_a_ratio_that_is_constant_has_no_variance() -> None:
    assert ratio_sample(joint_moments([(0.3 * 2, 0.2 * 2), (0.3, 0.2), (1.2, 0.8)])).variance == 0.0


def test_a_ratio_whose_denominators_are_1_is_a_mean() -> None:
    values = [1.5, 2.25, 7.0, -3.0]
    ratio, mean = ratio_sample(joint_moments([(value, 1) for value in values])), mean_sample(moments(values))
    assert (ratio.mean, ratio.variance, ratio.rest) == (mean.mean, mean.variance, mean.rest)


@pytest.mark.parametrize("seed", range(5))
def test_cuped_against_numpy(seed: int) -> None:
    np = pytest.importorskip("numpy")
    rng = Random(seed)
    arms = pairs_of(rng, rng.randrange(3, 300)), pairs_of(rng, rng.randrange(3, 300), 3.2)
    found = cuped(joint_moments(arms[0]), joint_moments(arms[1]))
    (a_y, a_x), (b_y, b_x) = (np.array(arm).T for arm in arms)
    joint = np.cov(np.concatenate([a_y, b_y]), np.concatenate([a_x, b_x]))
    theta = joint[0, 1] / joint[1, 1]
    assert found.theta == pytest.approx(theta, rel=1e-10)
    for sample, y, x in ((found.a, a_y, a_x), (found.b, b_y, b_x)):
        rest = y - theta * x
        assert sample.mean == pytest.approx(rest.mean() + theta * found.covariate_mean, rel=1e-10)
        assert sample.variance == pytest.approx(rest.var(ddof=1), rel=1e-9)
    gap = (b_y - theta * b_x).mean() - (a_y - theta * a_x).mean()
    assert difference(found.a, found.b).estimate == pytest.approx(gap, rel=1e-8, abs=1e-12)
    assert 0.0 < found.reduction < 1.0


def test_cuped_without_spread_of_the_covariate_changes_nothing() -> None:
    a, b = [(1.0, 5), (2.5, 5), (4, 5)], [(3, 5), (4, 5), (9, 5)]
    found = cuped(joint_moments(a), joint_moments(b))
    assert (found.theta, found.reduction) == (0.0, 0.0)
    for sample, pairs in ((found.a, a), (found.b, b)):
        plain = mean_sample(moments([y for y, _x in pairs]))
        assert (sample.mean, sample.variance) == (plain.mean, plain.variance)


def test_cuped_of_a_metric_that_is_its_covariate_leaves_no_variance() -> None:
    found = cuped(joint_moments([(0.1, 0.1), (0.3, 0.3)]), joint_moments([(0.7, 0.7), (0.2, 0.2)]))
    assert (found.theta, found.a.variance, found.b.variance, found.reduction) == (1.0, 0.0, 0.0, 1.0)
    assert difference(found.a, found.b).p_value == 1.0


def test_cuped_without_units() -> None:
    found = cuped(NO_PAIRS, joint_moments([(1, 2), (3, 5)]))
    assert found.a.mean is None and found.b.size == 2 and cuped(NO_PAIRS, NO_PAIRS).covariate_mean is None
    assert "no units" in (lift(found.a, found.b).undefined or "")


def test_results_are_plain_data() -> None:
    found = cuped(joint_moments([(1, 2), (3, 5)]), joint_moments([(1, 2), (3, 5), (9, 9)]))
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["a"]["kind"] == "CUPED" and plain["a"]["assumptions"] and plain["method"] == "CUPED"


@pytest.mark.parametrize(
    "call",
    [
        lambda: Sample(-1, 1.0, 1.0),
        lambda: Sample(2, nan, 1.0),
        lambda: Sample(2, inf, 1.0),
        lambda: Sample(2, 1.0, -1.0),
        lambda: Sample(2, 1.0, nan),
        lambda: Sample(2, None, 1.0),
        lambda: Sample(0, 1.0, None),
        lambda: Sample(2.5, 1.0, 1.0),  # type: ignore[arg-type]
        lambda: proportion_sample(3, 2),
        lambda: proportion_sample(-1, 2),
        lambda: ratio_sample(joint_moments([(1, 1), (2, -1)])),
    ],
)
def test_refusals(call: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        call()
    assert caught.value.rule and caught.value.values
