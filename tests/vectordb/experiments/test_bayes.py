"""Posteriors of two arms: exact fractions, mpmath and SciPy judge, and the normal limit."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import product
from math import comb, fsum, inf, nan, sqrt
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.bayes import (
    beta_binomial,
    chance_above,
    excess,
    expected_excess,
    normal_effect,
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
    assert chance_above(Beta(a, b), Beta(c, d)) == pytest.approx(float(exact), rel=1e-10)


PAIRS = [((0, 9), (2, 8)), ((14, 28), (16, 30)), ((16, 30), (14, 28)), ((3, 3), (0, 5)), ((40, 900), (75, 1_100))]


@pytest.mark.parametrize(("control", "treatment"), PAIRS)
def test_the_losses_are_judged_by_scipy(control: tuple[int, int], treatment: tuple[int, int]) -> None:
    stats, integrate = pytest.importorskip("scipy.stats"), pytest.importorskip("scipy.integrate")
    old, new = (stats.beta(1 + won, 1 + size - won) for won, size in (control, treatment))

    def lost(kept: Any, other: Any) -> float:
        """E max(other - kept, 0): over the other's density, what it is above the kept."""
        below = lambda x: x * kept.cdf(x) - kept.mean() * stats.beta(kept.args[0] + 1, kept.args[1]).cdf(x)  # noqa: E731
        cuts = other.ppf([1e-12, 0.01, 0.25, 0.75, 0.99])
        ends = zip([0.0, *cuts], [*cuts, 1.0])
        return sum(integrate.quad(lambda x: other.pdf(x) * below(x), *end, epsabs=1e-13)[0] for end in ends)

    found = beta_binomial(control, treatment)
    assert found.loss_control == pytest.approx(lost(old, new), rel=1e-8, abs=1e-12)
    assert found.loss_treatment == pytest.approx(lost(new, old), rel=1e-8, abs=1e-12)


def test_small_losses_do_not_cancel() -> None:
    mp = pytest.importorskip("mpmath")
    with mp.workdps(30):
        # control beta(1, 4), treatment beta(41, 1): lost by the treatment is the integral of P(T < x) P(C > x)
        exact = mp.quad(lambda x: x**41 * (1 - x) ** 4, [0, 1])
    found, mirrored = beta_binomial((0, 3), (40, 40)), beta_binomial((40, 40), (0, 3))
    assert found.loss_treatment == mirrored.loss_control == pytest.approx(float(exact), rel=1e-9)
    assert found.loss_control == mirrored.loss_treatment == pytest.approx(41 / 42 - 0.2 + float(exact), rel=1e-9)


def test_nobody_says_nothing() -> None:
    found = beta_binomial((0, 0), (0, 0))
    assert (found.chance_to_win, found.loss_control, found.loss_treatment) == pytest.approx((0.5, 1 / 6, 1 / 6))


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
    rates = 100_001 / 1_000_002, 100_901 / 1_000_002
    near = normal_effect(rates[1] - rates[0], sqrt(fsum(rate * (1.0 - rate) for rate in rates) / 1_000_003))
    assert exact.chance_to_win == pytest.approx(near.chance_to_win, abs=1e-4)
    assert exact.loss_treatment == pytest.approx(near.loss_treatment, rel=0.01)


@pytest.mark.parametrize("seed", range(20))
def test_the_normal_posterior_is_judged_by_mpmath(seed: int) -> None:
    mp = pytest.importorskip("mpmath")
    rng = Random(seed)
    effect, se = rng.gauss(0, 3), rng.uniform(0.05, 2)
    found = normal_effect(effect, se)
    with mp.workdps(50):
        mean, sd = mp.mpf(effect), mp.mpf(se)
        z = mean / sd
        losses = [side * mean * mp.ncdf(side * z) + sd * mp.npdf(z) for side in (1, -1)]
    assert found.chance_to_win == pytest.approx(float(mp.ncdf(z)), rel=1e-10)
    assert [found.loss_control, found.loss_treatment] == pytest.approx([float(loss) for loss in losses], rel=1e-10)


def test_the_expected_excess_has_no_cancellation() -> None:
    mp = pytest.importorskip("mpmath")
    with mp.workdps(400):
        for z in (-37.0, -20.0, -8.0, -2.001, -2.0, -1.999, -0.5, 0.0, 3.0, 50.0):
            exact = mp.mpf(z) * mp.ncdf(mp.mpf(z)) + mp.npdf(mp.mpf(z))
            assert excess(z) == pytest.approx(float(exact), rel=1e-13)


def test_results_are_plain_and_immutable() -> None:
    found = beta_binomial((14, 28), (16, 30))
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["method"] == "beta-binomial" and "beta(1, 1)" in plain["assumptions"][1]
    assert "normal" in normal_effect(1.0, 2.0).assumptions[1]
    with pytest.raises(AttributeError):
        found.chance_to_win = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    "call",
    [
        lambda: beta_binomial((3, 2), (1, 2)),
        lambda: beta_binomial((-1, 2), (1, 2)),
        lambda: beta_binomial((1.5, 2), (1, 2)),  # type: ignore[arg-type]
        lambda: normal_effect(nan, 1.0),
        lambda: normal_effect(1.0, 0.0),
        lambda: normal_effect(1.0, inf),
    ],
)
def test_bad_input_is_refused(call: Any) -> None:
    with pytest.raises(InvalidInput):
        call()
