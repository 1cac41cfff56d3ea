"""The beta posterior, judged by SciPy and mpmath."""

from __future__ import annotations

from math import exp, inf, log, log1p, nan
from random import Random

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.beta import Beta, integrate, logistic
from vectordb.experiments.stats.quadrature import gauss_legendre
from vectordb.experiments.stats.roots import solve

SMALL = [(1, 1), (0.5, 0.5), (2, 1), (15, 15), (1, 1_000), (0.01, 5)]
SHAPES = [*SMALL, (1e4, 3e4), (1e6, 1e6), (1e6, 1e9), (0.5, 1e9), (1e9, 2.0), (5.0, 0.02)]


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_beta_is_judged_by_scipy(a: float, b: float) -> None:
    judge = pytest.importorskip("scipy.stats").beta(a, b)
    ours = Beta(a, b)
    assert ours.mean == pytest.approx(judge.mean(), rel=1e-14)
    for share in (0.001, 0.025, 0.3, 0.5, 0.975, 0.999):
        place = float(judge.ppf(share))
        if 0.0 < place < 0.9:  # where the logit says as much as the place
            logit = log(place) - log1p(-place)
            assert ours.cdf(logit) == pytest.approx(judge.cdf(place), abs=2e-12)
            assert ours.sf(logit) == pytest.approx(judge.sf(place), abs=2e-12)


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_tails_add_up_and_end(a: float, b: float) -> None:
    ours, rng = Beta(a, b), Random(1)
    low, high = ours.edges[0], ours.edges[-1]
    for _ in range(50):
        at = rng.uniform(low, high)
        assert ours.cdf(at) + ours.sf(at) == pytest.approx(1.0, abs=1e-11)
    assert (ours.cdf(low - 1), ours.sf(low - 1), ours.cdf(high + 1), ours.sf(high + 1)) == (0.0, 1.0, 1.0, 0.0)
    assert integrate(ours.density, ours.edges) == pytest.approx(1.0, rel=1e-12)


def test_draws_follow_the_posterior() -> None:
    ours, rng = Beta(3.0, 9.0), Random(2)
    drawn = sorted(logistic(ours.draw(rng)) for _ in range(20_000))
    for share in (0.05, 0.5, 0.95):
        middle = drawn[int(share * 20_000)]
        assert ours.cdf(log(middle) - log1p(-middle)) == pytest.approx(share, abs=0.01)


def test_logistic_is_accurate_on_both_sides() -> None:
    assert logistic(-800.0) == 0.0 and logistic(800.0) == 1.0
    assert logistic(-40.0) == pytest.approx(exp(-40.0), rel=1e-12)


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (1.0, -1.0), (nan, 1.0), (1.0, inf)])
def test_bad_shapes_are_refused(a: float, b: float) -> None:
    with pytest.raises(InvalidInput):
        Beta(a, b)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 12, 64, 257])
def test_points_are_judged_by_numpy(size: int) -> None:
    np = pytest.importorskip("numpy")
    points, weights = np.polynomial.legendre.leggauss(size)
    ours = gauss_legendre(size)
    assert [point for point, _ in ours] == pytest.approx(list(points), abs=1e-14)
    assert [weight for _, weight in ours] == pytest.approx(list(weights), rel=1e-9)
    assert sum(weight for _, weight in ours) == pytest.approx(2.0, rel=1e-13)


def test_roots_are_found_to_the_last_digits() -> None:
    assert solve(lambda x: x * x - 2.0, 0.0, 2.0) == pytest.approx(2.0**0.5, rel=1e-15)
    assert solve(lambda x: exp(x) - 1e-200, -1_000.0, 10.0) == pytest.approx(-200.0 * log(10.0), rel=1e-14)
    assert solve(lambda x: x**9, -1.0, 2.0, 1e-9) == pytest.approx(0.0, abs=1e-9)
    assert solve(lambda x: -1.0 if x < 0.3 else 1.0, 0.0, 1.0) == pytest.approx(0.3, rel=1e-15)
    assert solve(lambda x: x - 1.0, 1.0, 3.0) == 1.0
    with pytest.raises(InvalidInput, match="sign"):
        solve(lambda x: x, 1.0, 2.0)
