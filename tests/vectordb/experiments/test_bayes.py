"""Posteriors of two arms: exact fractions, mpmath and SciPy judge, and calibrated draws."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import product
from math import comb, inf, nan, sqrt
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.bayes import (
    beta_binomial,
    chance_above,
    difference_above,
    excess,
    expected_excess,
    normal_arms,
    normal_effect,
    normal_posterior,
)
from vectordb.experiments.stats.beta import Beta


def closed(a: int, b: int, c: int, d: int) -> Fraction:
    """P(Beta(c, d) > Beta(a, b)) for integers: the sum of Miller (2014) over exact fractions."""

    def beta(x: int, y: int) -> Fraction:
        return Fraction(x + y, x * y * comb(x + y, x))

    return sum((beta(a + i, b + d) / ((d + i) * beta(1 + i, d) * beta(a, b)) for i in range(c)), Fraction(0))


@pytest.mark.parametrize("seed", range(30))
def test_the_chance_to_win_is_judged_by_the_closed_form(seed: int) -> None:
    rng = Random(seed)
    size = rng.choice([2, 20, 300])
    won, lost, better, worse = (rng.randrange(0, size) for _ in range(4))
    exact = closed(won + 1, lost + 1, better + 1, worse + 1)
    found = beta_binomial((won, won + lost), (better, better + worse))
    assert found.chance_to_win == pytest.approx(float(exact), rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("prior", [(0.5, 0.5), (2.5, 7.25), (0.1, 3.0)])
def test_any_prior_is_judged_by_mpmath(prior: tuple[float, float]) -> None:
    mp = pytest.importorskip("mpmath")
    (a, b), (c, d) = [(prior[0] + won, prior[1] + n - won) for won, n in ((3, 40), (9, 44))]
    with mp.workdps(25):
        density = lambda x: x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b)  # noqa: E731
        above = lambda x: mp.betainc(c, d, x, 1, regularized=True)  # noqa: E731
        exact = mp.quad(lambda x: density(x) * above(x), [0, 0.05, 0.1, 0.2, 0.4, 1])
    found = beta_binomial((3, 40), (9, 44), prior)
    assert found.chance_to_win == pytest.approx(float(exact), rel=1e-10)
    assert f"beta({prior[0]:g}, {prior[1]:g})" in found.assumptions[1]


@pytest.mark.parametrize(
    "shapes", [(3, 5, 4, 2), (0.5, 0.5, 0.5, 0.5), (1, 1, 1, 40), (2.5, 1, 30, 30), (90, 900, 12, 70)]
)
def test_the_difference_is_judged_by_scipy(shapes: tuple[float, ...]) -> None:
    stats, integrate = pytest.importorskip("scipy.stats"), pytest.importorskip("scipy.integrate")
    a, b, c, d = shapes
    first, second = stats.beta(a, b), stats.beta(c, d)
    for gap in (-0.7, -0.1, -1e-3, 0.05, 0.3):
        low, high = max(0.0, -gap), min(1.0, 1.0 - gap)
        with_ends = first.cdf(low) if gap < 0 else 0.0
        cuts = [low + (high - low) * share for share in (1e-6, 1e-3, 0.03, 0.1, 0.2, 0.4, 0.6, 0.9, 0.999, 1 - 1e-6)]
        pieces = zip([low, *cuts], [*cuts, high])

        def above(x: float, gap: float = gap) -> float:
            return float(first.pdf(x) * second.sf(x + gap))

        inner = [integrate.quad(above, *piece, epsabs=1e-11, limit=200)[0] for piece in pieces]
        ours = difference_above(Beta(a, b), Beta(c, d), gap)
        assert ours == pytest.approx(with_ends + sum(inner), abs=1e-8)


def test_the_ends_of_the_difference_have_their_shares() -> None:
    rng = Random(3)
    for _ in range(25):
        sizes = [rng.choice([1, 5, 100, 10**5]) for _ in range(2)]
        control, treatment = [(int(size * rng.random() ** 2), size) for size in sizes]
        found = beta_binomial(control, treatment, level=0.9)
        first, second = [Beta(1.0 + won, 1.0 + size - won) for won, size in (control, treatment)]
        for end, share in ((found.difference.low, 0.95), (found.difference.high, 0.05)):
            assert difference_above(first, second, end) == pytest.approx(share, abs=1e-9)
        assert found.difference.low < found.difference.mean < found.difference.high


def test_the_difference_of_uniforms_is_a_triangle() -> None:
    for gap in (-0.9, -0.5, 0.0, 0.25, 0.99):
        exact = (1.0 - gap) ** 2 / 2.0 if gap >= 0.0 else 1.0 - (1.0 + gap) ** 2 / 2.0
        assert difference_above(Beta(1.0, 1.0), Beta(1.0, 1.0), gap) == pytest.approx(exact, abs=1e-13)
    found = beta_binomial((0, 0), (0, 0), level=0.5)
    assert found.difference.high == pytest.approx(1.0 - sqrt(0.5), rel=1e-11)
    assert (found.chance_to_win, found.loss_control) == pytest.approx((0.5, 1.0 / 6.0), rel=1e-12)


def test_arms_are_judged_by_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for won, size in ((0, 0), (0, 50), (14, 28), (7, 7), (90_000, 10**6)):
        arm = beta_binomial((won, size), (1, 2), level=0.9).control
        assert arm is not None
        judge = stats.beta(1 + won, 1 + size - won)
        assert (arm.low, arm.high) == pytest.approx((judge.ppf(0.05), judge.ppf(0.95)), rel=1e-10)
        assert (arm.mean, arm.sd) == pytest.approx((judge.mean(), judge.std()), rel=1e-10)


def test_losses_and_chances_belong_together() -> None:
    rng = Random(4)
    shapes = [(1.0 + rng.randrange(40), 1.0 + rng.randrange(400)) for _ in range(6)] + [(1e5, 2e5), (1.0, 1e6)]
    for one, two in product(shapes, shapes):
        first, second = Beta(*one), Beta(*two)
        gain, loss = expected_excess(first, second), expected_excess(second, first)
        assert gain >= 0.0 and gain - loss == pytest.approx(second.mean - first.mean, abs=1e-13)
        assert chance_above(first, second) + chance_above(second, first) == pytest.approx(1.0, abs=1e-11)


def test_a_posterior_of_many_units_is_near_normal() -> None:
    exact = beta_binomial((100_000, 1_000_000), (100_900, 1_000_000))
    near = normal_effect(exact.difference.mean, exact.difference.sd)
    assert exact.chance_to_win == pytest.approx(near.chance_to_win, abs=1e-4)
    assert exact.difference.low == pytest.approx(near.difference.low, abs=1e-6)
    assert exact.loss_treatment == pytest.approx(near.loss_treatment, rel=0.01)


@pytest.mark.parametrize("seed", range(20))
def test_the_normal_posterior_is_judged_by_mpmath(seed: int) -> None:
    mp = pytest.importorskip("mpmath")
    rng = Random(seed)
    effect, se = rng.gauss(0, 3), rng.uniform(0.05, 2)
    prior = rng.choice([None, rng.uniform(0.01, 10)])
    found = normal_effect(effect, se, 0.3, prior, 0.9)
    with mp.workdps(50):
        data = 1 / mp.mpf(se) ** 2
        rest = 0 if prior is None else 1 / mp.mpf(prior)
        mean, sd = (mp.mpf(effect) * data + mp.mpf(0.3) * rest) / (data + rest), 1 / mp.sqrt(data + rest)
        z = mean / sd
        losses = [side * mean * mp.ncdf(side * z) + sd * mp.npdf(z) for side in (1, -1)]
        half = sd * mp.sqrt(2) * mp.erfinv(mp.mpf(0.9))
    assert (found.difference.mean, found.difference.sd) == pytest.approx((float(mean), float(sd)), rel=1e-12)
    assert found.chance_to_win == pytest.approx(float(mp.ncdf(z)), rel=1e-10)
    assert [found.loss_control, found.loss_treatment] == pytest.approx([float(loss) for loss in losses], rel=1e-10)
    assert found.difference.high == pytest.approx(float(mean + half), rel=1e-10)


def test_the_expected_excess_has_no_cancellation() -> None:
    mp = pytest.importorskip("mpmath")
    with mp.workdps(400):
        for z in (-37.0, -20.0, -8.0, -2.001, -2.0, -1.999, -0.5, 0.0, 3.0, 50.0):
            exact = mp.mpf(z) * mp.ncdf(mp.mpf(z)) + mp.npdf(mp.mpf(z))
            assert excess(z) == pytest.approx(float(exact), rel=1e-13)


def test_a_prior_pulls_and_a_flat_one_does_not() -> None:
    assert normal_posterior(2.0, 1.0).mean == 2.0
    assert normal_posterior(2.0, 1.0, 0.0, 1e12).mean == pytest.approx(2.0, rel=1e-11)
    tight = normal_posterior(2.0, 1.0, -1.0, 1e-300)
    assert tight.mean == pytest.approx(-1.0) and tight.sd == pytest.approx(1e-150)
    arms = normal_arms((1.0, 0.3), (2.0, 0.4))
    assert arms.control is not None and arms.control.mean == 1.0
    assert arms.difference.sd == pytest.approx(0.5, rel=1e-15)


def test_arms_drawn_from_the_prior_are_covered_at_the_level() -> None:
    rng, runs, covered, better = Random(5), 3_000, 0, 0
    for _ in range(runs):
        rate = rng.betavariate(2.0, 8.0)
        posterior = Beta(2.0 + (won := sum(rng.random() < rate for _ in range(40))), 8.0 + 40 - won)
        covered += posterior.quantile(0.1) < rate < posterior.quantile(0.9)
        effect = rng.gauss(0.0, 1.0)
        seen = normal_posterior(rng.gauss(effect, 0.7), 0.7, 0.0, 1.0, 0.8)
        better += seen.low < effect < seen.high
    for count in (covered, better):
        assert abs(count / runs - 0.8) < 4.0 * sqrt(0.16 / runs)


def test_differences_drawn_from_the_prior_are_covered_at_the_level() -> None:
    rng, runs, covered = Random(6), 100, 0
    for _ in range(runs):
        rates = [rng.random(), rng.random()]
        arms = [(sum(rng.random() < rate for _ in range(30)), 30) for rate in rates]
        found = beta_binomial(arms[0], arms[1], level=0.8).difference
        covered += found.low < rates[1] - rates[0] < found.high
    assert 64 <= covered <= 95


def test_results_are_plain_and_immutable() -> None:
    found = beta_binomial((14, 28), (16, 30))
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["control"]["mean"] == 0.5 and plain["method"] == "beta-binomial"
    with pytest.raises(AttributeError):
        found.chance_to_win = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    "call",
    [
        lambda: beta_binomial((3, 2), (1, 2)),
        lambda: beta_binomial((-1, 2), (1, 2)),
        lambda: beta_binomial((1.5, 2), (1, 2)),  # type: ignore[arg-type]
        lambda: beta_binomial((1, 2), (1, 2), (0.0, 1.0)),
        lambda: beta_binomial((1, 2), (1, 2), level=1.0),
        lambda: normal_effect(nan, 1.0),
        lambda: normal_effect(1.0, 0.0),
        lambda: normal_effect(1.0, inf),
        lambda: normal_effect(1.0, 1.0, prior_variance=-1.0),
        lambda: normal_effect(1.0, 1.0, prior_mean=inf),
        lambda: normal_posterior(1.0, 1.0, level=0.0),
    ],
)
def test_bad_input_is_refused(call: Any) -> None:
    with pytest.raises(InvalidInput):
        call()
