"""Group-sequential boundaries, judged by published tables, numerical integration and simulation."""

from __future__ import annotations

from math import nan, sqrt
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput, planning
from vectordb.experiments.stats.spending import boundaries, spent


def test_one_look_is_the_fixed_test() -> None:
    assert boundaries([1.0]).z[0] == pytest.approx(1.959963984540054, rel=1e-12)
    assert boundaries([1.0], 0.01, 3.0).p[0] == pytest.approx(0.01, rel=1e-12)


def test_tables_of_others() -> None:
    """The R package rpact prints one-sided boundaries, which two-sided ones of twice the alpha are but for 1e-6."""
    found = planning.boundaries([0.3, 0.7, 1.0], alpha=0.06, phi=2.2)
    assert found.z == pytest.approx((2.8594012, 2.2435708, 1.9735737), abs=1e-6)
    assert [0.5 * share for share in found.spent] == pytest.approx([0.0021222083, 0.013687904, 0.03], abs=1e-9)
    assert [0.5 * p for p in found.p] == pytest.approx([0.0021222083, 0.012430015, 0.02421512], abs=1e-7)


@pytest.mark.parametrize(("looks", "phi", "ratio"), [(3, 1.0, 1.117), (10, 2.0, 1.081)])
def test_the_power_is_that_of_a_table(looks: int, phi: float, ratio: float) -> None:
    """Jennison and Turnbull (2000) print how many times the units of one look these need, at a power of 0.8."""
    stats, np = pytest.importorskip("scipy.stats"), pytest.importorskip("numpy")
    times = np.arange(1, looks + 1) / looks
    bound = np.array(planning.boundaries(times.tolist(), phi=phi).z)
    drift = (stats.norm.isf(0.025) + stats.norm.isf(0.2)) * np.sqrt(ratio * times)
    correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    law = stats.multivariate_normal(drift, correlation, abseps=1e-6)
    missed = law.cdf(bound, lower_limit=-bound, rng=np.random.default_rng(1))
    assert missed == pytest.approx(0.2, abs=4e-4)  # the ratios are rounded


def test_spending_is_a_power() -> None:
    assert [spent(t) for t in (0.5, 1.0)] == [0.0125, 0.05]
    assert spent(0.1, 0.01, 3.0) == pytest.approx(1e-5, rel=1e-14)


@pytest.mark.parametrize("fractions", [(0.5, 1.0), (0.05, 0.9), (0.9, 0.95)])
def test_two_looks_are_judged_by_scipy(fractions: tuple[float, float]) -> None:
    stats, integrate = pytest.importorskip("scipy.stats"), pytest.importorskip("scipy.integrate")
    first, second = boundaries(fractions).z
    rho = sqrt(fractions[0] / fractions[1])
    width = sqrt(1.0 - rho * rho)

    def crossed(x: float) -> float:
        both = stats.norm.sf((second - rho * x) / width) + stats.norm.sf((second + rho * x) / width)
        return float(stats.norm.pdf(x) * both)

    points = [-second / rho, second / rho] if second / rho < first else None
    later = integrate.quad(crossed, -first, first, epsabs=1e-13, epsrel=1e-11, limit=400, points=points)[0]
    assert 2.0 * stats.norm.sf(first) == pytest.approx(spent(fractions[0]), rel=1e-10)
    assert 2.0 * stats.norm.sf(first) + later == pytest.approx(spent(fractions[1]), rel=1e-10)


def test_four_looks_are_judged_by_scipy() -> None:
    stats, np = pytest.importorskip("scipy.stats"), pytest.importorskip("numpy")
    times = np.array([0.2, 0.5, 0.7, 1.0])
    found = boundaries(times.tolist(), 0.05, 2.0)
    covariance = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    for looks in (2, 3, 4):
        bound = np.array(found.z[:looks])
        law = stats.multivariate_normal(np.zeros(looks), covariance[:looks, :looks], abseps=1e-8, releps=1e-8)
        inside = law.cdf(bound, lower_limit=-bound, rng=np.random.default_rng(1))
        assert 1.0 - inside == pytest.approx(found.spent[looks - 1], abs=2e-6)


def test_a_hundred_looks_spend_alpha() -> None:
    found, rng, crossed = boundaries([look / 100 for look in range(1, 101)]), Random(2), 0
    for _ in range(3_000):
        walk = 0.0
        for look, z in enumerate(found.z, 1):
            walk += rng.gauss(0.0, 1.0)
            if abs(walk) > z * sqrt(look):
                crossed += 1
                break
    assert abs(crossed / 3_000 - 0.05) < 4.0 * sqrt(0.05 * 0.95 / 3_000)
    assert list(found.z) == sorted(found.z, reverse=True)
    assert found.to_dict()["spent"][-1] == 0.05


@pytest.mark.parametrize("fractions", [[], [0.0, 1.0], [0.5, 0.5], [0.6, 0.5], [0.5, 1.1], [nan], [-0.5]])
def test_bad_looks_are_refused(fractions: Any) -> None:
    with pytest.raises(InvalidInput):
        boundaries(fractions)


@pytest.mark.parametrize(("alpha", "phi"), [(0.0, 2.0), (1.0, 2.0), (nan, 2.0), (0.05, 0.0), (0.05, -1.0), (0.05, nan)])
def test_bad_spending_is_refused(alpha: float, phi: float) -> None:
    with pytest.raises(InvalidInput):
        boundaries([0.5, 1.0], alpha, phi)
