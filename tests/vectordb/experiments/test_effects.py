"""Effects of one arm over another against SciPy and statsmodels, and what they say where data say nothing."""

from __future__ import annotations

import json
import warnings
from dataclasses import FrozenInstanceError
from math import inf, isfinite, log, nan, sqrt
from random import Random
from typing import Any

import pytest

from projections import moments
from vectordb import InvalidInput
from vectordb.experiments.stats.distributions import t_isf
from vectordb.experiments.stats.effects import Effect, difference, fieller, lift
from vectordb.experiments.stats.samples import Sample, mean_sample, proportion_sample


def of_sums(size: int, total: float, squares: float) -> Sample:
    return Sample(size, total / size, (squares - total * total / size) / (size - 1))


A = of_sums(3407, 1396.87, 52377.9767)
B = of_sums(3461, 2422.7, 134698.29)


@pytest.fixture(scope="module")
def stats() -> Any:
    return pytest.importorskip("scipy.stats")


def arms_of(rng: Random) -> tuple[list[float], list[float]]:
    """Two arms of unequal size, spread and mean; some tiny, some far apart."""
    sizes = [rng.choice([2, 3, 5, 40, 1000]) for _ in range(2)]
    far = rng.choice([0.0, 0.1, 3.0, 100.0])
    level = rng.choice([0.5, 5.0, -5.0])
    a = [rng.gauss(level, 1.0) for _ in range(sizes[0])]
    return a, [rng.gauss(level + far, rng.choice([0.1, 1.0, 20.0])) for _ in range(sizes[1])]


def samples_of(a: list[float], b: list[float]) -> tuple[Sample, Sample]:
    return mean_sample(moments(a)), mean_sample(moments(b))


def test_the_values_of_the_contract() -> None:
    absolute, relative = difference(A, B), lift(A, B)
    assert f"{absolute.estimate:.2f} {absolute.standard_error:.5f}" == "0.29 0.12478"
    assert f"{absolute.low:.5f} {absolute.high:.5f} {absolute.p_value:.5f}" == "0.04538 0.53462 0.02016"
    assert f"{relative.estimate:.5f} {relative.p_value:.5f}" == "0.70732 0.06191"
    assert f"{relative.low:.5f} {relative.high:.5f}" == "-0.03526 1.44989"
    shares = proportion_sample(14, 28), proportion_sample(16, 30)
    relative = lift(*shares)
    assert f"{relative.estimate:.5f} {relative.standard_error:.4f} {relative.p_value:.5f}" == "0.06667 0.2717 0.80707"
    assert f"{difference(*shares).estimate:.5f}" == "0.03333"


@pytest.mark.parametrize("seed", range(60))
def test_welch_against_scipy(stats: Any, seed: int) -> None:
    a, b = arms_of(Random(seed))
    found = difference(*samples_of(a, b))
    judge = stats.ttest_ind(b, a, equal_var=False)
    assert found.statistic == pytest.approx(judge.statistic, rel=1e-10)
    assert found.dof == pytest.approx(judge.df, rel=1e-10)
    if judge.pvalue > 1e-290:
        assert found.p_value == pytest.approx(judge.pvalue, rel=1e-10)
    interval = judge.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_welch_against_statsmodels(seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    a, b = arms_of(Random(seed))
    found = difference(*samples_of(a, b), alpha=0.1)
    compared = weightstats.CompareMeans.from_data(b, a)
    statistic, p, dof = compared.ttest_ind(usevar="unequal")
    assert (found.statistic, found.dof) == pytest.approx((statistic, dof), rel=1e-10)
    if p > 1e-290:
        assert found.p_value == pytest.approx(p, rel=1e-10)
    assert (found.low, found.high) == pytest.approx(compared.tconfint_diff(0.1, usevar="unequal"), rel=1e-9, abs=1e-12)


def test_no_p_value_is_zero() -> None:
    near = difference(Sample(10**6, 0.0, 1.0), Sample(10**6, 0.0525, 1.0))
    assert 0.0 < near.p_value < 1e-300  # type: ignore[operator]
    far = difference(Sample(10**6, 0.0, 1.0), Sample(10**6, 100.0, 1.0))
    assert far.p_value == 5e-324 and far.log_p_value is not None and far.log_p_value < -1e6
    z = far.statistic or 0.0
    assert far.log_p_value > -z * z / 2  # of so many degrees of freedom, and still no normal


def test_the_log_of_p_goes_on_where_p_ends(stats: Any) -> None:
    found = difference(Sample(50_000_000, 0.0, 1.0), Sample(50_000_000, 0.01, 1.0))
    assert found.log_p_value == pytest.approx(stats.norm.logsf(50.0) + log(2), rel=1e-4)


@pytest.mark.parametrize("seed", range(40))
def test_lift_is_the_delta_method(stats: Any, seed: int) -> None:
    a, b = samples_of(*arms_of(Random(seed)))
    assert a.mean and b.mean and a.variance is not None and b.variance is not None
    found, plain = lift(a, b), difference(a, b)
    variance = b.variance / b.size / a.mean**2 + a.variance / a.size * b.mean**2 / a.mean**4
    assert found.estimate == pytest.approx((b.mean - a.mean) / abs(a.mean), rel=1e-10)
    assert found.standard_error == pytest.approx(sqrt(variance), rel=1e-12)
    assert found.dof == plain.dof
    right = 2 * stats.t.sf(abs(found.statistic or 0.0), found.dof)
    assert found.p_value == pytest.approx(max(right, 5e-324), rel=1e-10)
    half = stats.t.isf(0.025, found.dof) * sqrt(variance)
    assert (found.low, found.high) == pytest.approx((found.estimate - half, found.estimate + half), rel=1e-10)


@pytest.mark.parametrize("seed", range(40))
def test_fieller_bounds_are_where_welch_begins_to_reject(seed: int) -> None:
    a, b = samples_of(*arms_of(Random(seed)))
    found, plain = fieller(a, b), difference(a, b)
    assert (found.p_value, found.dof) == (plain.p_value, plain.dof)
    assert a.mean and b.mean and a.variance is not None and b.variance is not None and found.dof
    t = t_isf(0.025, found.dof)
    if found.undefined:
        assert a.mean**2 <= t * t * a.variance / a.size and found.low is None
        return
    sign = 1.0 if a.mean > 0 else -1.0
    for end in (found.low, found.high):
        assert end is not None
        ratio = 1.0 + sign * end
        error = sqrt(b.variance / b.size + ratio * ratio * a.variance / a.size)
        assert abs(b.mean - ratio * a.mean) / error == pytest.approx(t, rel=1e-8)
    assert found.low < found.estimate < found.high  # type: ignore[operator]
    assert (found.low > 0 or found.high < 0) == (found.p_value < 0.05)  # type: ignore[operator]


def test_fieller_comes_near_the_delta_method_for_many_units() -> None:
    a, b = Sample(10**8, 10.0, 4.0), Sample(10**8, 10.01, 5.0)
    exact, near = fieller(a, b), lift(a, b)
    assert (exact.low, exact.high) == pytest.approx((near.low, near.high), rel=1e-4)


def test_fieller_without_bounds_says_so() -> None:
    found = fieller(Sample(10, 0.1, 4.0), Sample(10, 5.0, 4.0))
    assert found.low is None and found.high is None and found.p_value is not None
    assert "no bounds" in (found.undefined or "")


def test_a_negative_baseline_keeps_the_direction_of_the_lift() -> None:
    up = lift(Sample(50, -10.0, 1.0), Sample(50, -8.0, 1.0))
    assert up.estimate == pytest.approx(0.2)
    exact = fieller(Sample(50, -10.0, 1.0), Sample(50, -8.0, 1.0))
    mirrored = fieller(Sample(50, 10.0, 1.0), Sample(50, 8.0, 1.0))
    assert (exact.low, exact.high) == pytest.approx((-mirrored.high, -mirrored.low))  # type: ignore[operator]


@pytest.mark.parametrize("compare", [difference, lift, fieller])
class TestWhereDataSayNothing:
    def test_no_units(self, compare: Any) -> None:
        found = compare(Sample(0, None, None), Sample(5, 1.0, 1.0))
        assert found.estimate is None and found.p_value is None and "no units" in found.undefined

    def test_one_unit(self, compare: Any) -> None:
        found = compare(Sample(1, 2.0, None), Sample(5, 3.0, 1.0))
        assert found.estimate in (1.0, 0.5) and found.p_value is None and found.low is None
        assert "fewer than two units" in found.undefined
        assert compare(proportion_sample(1, 1), proportion_sample(1, 5)).p_value is None

    def test_no_spread_and_equal_means(self, compare: Any) -> None:
        found = compare(Sample(4, 2.0, 0.0), Sample(5, 2.0, 0.0))
        assert (found.p_value, found.log_p_value, found.standard_error) == (1.0, 0.0, 0.0)
        assert found.low is None and "no spread" in found.undefined

    def test_no_spread_and_different_means(self, compare: Any) -> None:
        found = compare(Sample(4, 2.0, 0.0), Sample(5, 3.0, 0.0))
        assert found.p_value is None and found.log_p_value is None and found.low is None
        assert found.estimate and "no spread" in found.undefined

    def test_spread_in_one_arm_is_enough(self, compare: Any) -> None:
        found = compare(Sample(4, 2.0, 0.0), Sample(5, 3.0, 1.0))
        assert found.undefined is None and 0 < found.p_value < 1 and found.dof == pytest.approx(4.0)
        assert compare(Sample(4, 2.0, 1.0), Sample(5, 3.0, 0.0)).dof == pytest.approx(3.0)

    def test_plain_data(self, compare: Any) -> None:
        for b in (Sample(5, 3.0, 1.0), Sample(0, None, None), Sample(1, 3.0, None)):
            plain = compare(Sample(4, 2.0, 1.0), b).to_dict()
            assert json.loads(json.dumps(plain, allow_nan=False)) == plain
            assert plain["method"] and plain["assumptions"] and plain["alpha"] == 0.05

    @pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, nan, inf, "0.05"])
    def test_alpha_is_a_share(self, compare: Any, alpha: Any) -> None:
        with pytest.raises(InvalidInput, match="alpha") as caught:
            compare(A, B, alpha)
        assert repr(caught.value.values["alpha"]) == repr(alpha)

    def test_extreme_numbers_stay_numbers(self, compare: Any) -> None:
        for size in (1e-300, 1e-150, 1.0, 1e150):
            found = compare(Sample(10, 3 * size, size * size), Sample(12, 5 * size, size * size))
            numbers = [value for value in found.to_dict().values() if isinstance(value, float)]
            assert all(map(isfinite, numbers)), (size, found)
            assert found.estimate is not None


def test_a_baseline_of_zero_has_no_lift() -> None:
    for compare in (lift, fieller):
        found = compare(Sample(4, 0.0, 1.0), Sample(5, 3.0, 1.0))
        assert found.estimate is None and "baseline" in (found.undefined or "")


def test_exchanging_the_arms_changes_the_sign_alone() -> None:
    one, other = difference(A, B), difference(B, A)
    assert (one.estimate, one.p_value, one.low) == (-other.estimate, other.p_value, -other.high)  # type: ignore[operator]


def test_methods_name_what_they_compared() -> None:
    assert lift(proportion_sample(3, 9), proportion_sample(4, 9)).method == "delta method of proportion"
    assert difference(A, proportion_sample(4, 9)).method == "Welch t of mean and proportion"
    assert "each unit is a success or not" in difference(A, proportion_sample(4, 9)).assumptions


def test_results_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        difference(A, B).estimate = 1.0  # type: ignore[misc]
    assert isinstance(difference(A, B), Effect)


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng, covered, rejected, rounds = Random(11), 0, 0, 2_000
    for _ in range(rounds):
        a = mean_sample(moments([rng.gauss(5, 1) for _ in range(12)]))
        b = mean_sample(moments([rng.gauss(5, 3) for _ in range(7)]))
        found = difference(a, b)
        covered += found.low <= 0.0 <= found.high  # type: ignore[operator]
        rejected += found.p_value <= 0.05  # type: ignore[operator]
    assert covered + rejected == rounds
    assert abs(rejected / rounds - 0.05) < 0.015
