"""Tails and quantiles against SciPy, and against mpmath where SciPy ends."""

from __future__ import annotations

from math import exp, inf, isinf, isnan, log, nan
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.distributions import (
    log_chi_square_sf,
    log_hypergeometric,
    log_t_sf,
    log_two_sided,
    p_value,
    t_isf,
)

stats: Any = pytest.importorskip("scipy.stats")

CLOSE = 1e-11


@pytest.mark.parametrize("seed", range(5))
def test_t_against_scipy(seed: int) -> None:
    rng = Random(seed)
    for _ in range(100):
        dof, t = 10 ** rng.uniform(-1, 7), rng.gauss(0, 1) * 10 ** rng.uniform(-3, 1)
        assert exp(log_t_sf(t, dof)) == pytest.approx(stats.t.sf(t, dof), rel=1e-10), (t, dof)
        p = rng.choice([rng.random(), 10 ** rng.uniform(-100, -1)])
        if dof > 2:
            assert t_isf(p, dof) == pytest.approx(stats.t.isf(p, dof), rel=1e-10, abs=1e-14), (p, dof)


@pytest.mark.parametrize("dof", [1e-3, 0.1, 1.0, 2.5, 30.0, 1e4, 1e9])
def test_t_quantiles_return(dof: float) -> None:
    for p in (1e-300, 1e-30, 1e-4, 0.025, 0.2499, 0.25, 0.4, 0.4999999, 0.5):
        t = t_isf(p, dof)
        if not isinf(t):
            assert log_t_sf(t, dof) == pytest.approx(log(p), rel=1e-13), p
    assert t_isf(0.5, dof) == 0.0 and t_isf(0.7, dof) == -t_isf(1.0 - 0.7, dof)
    assert t_isf(0.0, dof) == inf and t_isf(1.0, dof) == -inf


@pytest.mark.parametrize("dof", [0.5, 3.0, 12.5, 400.0, 1e5, 1e9])
@pytest.mark.parametrize("t", [1e-9, 0.3, 2.0, 35.0, 1e4, 1e160])
def test_t_tail_in_logarithms_against_mpmath(dof: float, t: float) -> None:
    mp = pytest.importorskip("mpmath")
    with mp.workdps(50):
        a, square = mp.mpf(dof) / 2, mp.mpf(t) ** 2
        x, y = dof / (dof + square), square / (dof + square)
        front = a * mp.log(x) + mp.log(y) / 2 + mp.loggamma(a + 0.5) - mp.loggamma(a) - mp.loggamma(0.5)
        if x < 0.9:
            exact = mp.log(mp.hyp2f1(a + 0.5, 1, a + 1, x) / (2 * a)) + front
        elif square < 5:
            exact = mp.log(0.5 - mp.exp(front) * mp.hyp2f1(a + 0.5, 1, 1.5, y))
        else:
            ends = [t, t + 1 / mp.mpf(t), t + 5 / mp.mpf(t), t + 20 / mp.mpf(t), t + 200 / mp.mpf(t)]
            ratio = mp.quad(lambda u: mp.exp((a + 0.5) * (mp.log1p(square / dof) - mp.log1p(u * u / dof))), ends)
            near = (mp.log(square / dof) - mp.log(y) - mp.log1p(square / dof)) / 2
            exact = mp.log(ratio / t) + front + near
        assert log_t_sf(t, dof) == pytest.approx(float(exact), rel=1e-12)


def test_infinite_dof_is_the_normal() -> None:
    assert exp(log_t_sf(2.0, inf)) == pytest.approx(stats.norm.sf(2.0), rel=CLOSE)
    assert t_isf(0.025, inf) == pytest.approx(stats.norm.isf(0.025), rel=CLOSE)
    assert t_isf(0.025, 1e9) == pytest.approx(t_isf(0.025, inf), rel=1e-8)


def test_no_p_value_is_zero() -> None:
    assert 0.0 < p_value(log_two_sided(37.5)) < 1e-300
    assert p_value(log_two_sided(60.0, 1e6)) == 5e-324
    assert log_two_sided(60.0) == pytest.approx(stats.norm.logsf(60.0) + log(2), rel=1e-12)
    assert p_value(log_two_sided(0.0)) == 1.0 and p_value(-inf) == 5e-324


@pytest.mark.parametrize("seed", range(3))
def test_chi_square_against_scipy(seed: int) -> None:
    rng = Random(seed)
    for _ in range(100):
        dof = rng.choice([1, 2, 3, 10 ** rng.uniform(-0.5, 5)])
        x = dof * 10 ** rng.uniform(-1.5, 1.2) if dof < 1e3 else dof * rng.uniform(0.9, 1.2)
        if stats.chi2.sf(x, dof) > 1e-290:
            assert exp(log_chi_square_sf(x, dof)) == pytest.approx(stats.chi2.sf(x, dof), rel=1e-10), (x, dof)


def test_chi_square_beyond_float64() -> None:
    assert log_chi_square_sf(3000.0, 1) == pytest.approx(stats.norm.logsf(3000.0**0.5) + log(2), rel=1e-12)
    assert log_chi_square_sf(0.0, 3) == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_hypergeometric_against_exact_counts(seed: int) -> None:
    from fractions import Fraction
    from math import comb

    rng = Random(seed)
    for _ in range(60):
        total = rng.choice([5, 40, 3000])
        marked, drawn = rng.randrange(total + 1), rng.randrange(total + 1)
        k = rng.randrange(max(0, marked + drawn - total), min(marked, drawn) + 1)
        exact = Fraction(comb(marked, k) * comb(total - marked, drawn - k), comb(total, drawn))
        if exact > Fraction(1, 10**250):
            assert exp(log_hypergeometric(k, drawn, marked, total)) == pytest.approx(float(exact), rel=1e-11)


@pytest.mark.parametrize("dof", [0.0, -1.0, nan])
def test_degrees_of_freedom_are_positive(dof: float) -> None:
    with pytest.raises(InvalidInput, match=r"above 0|finite"):
        log_t_sf(1.0, dof)
    with pytest.raises(InvalidInput, match=r"above 0|finite"):
        log_chi_square_sf(1.0, dof)


@pytest.mark.parametrize("p", [-0.1, 1.1, nan, inf])
def test_probabilities_are_from_0_to_1(p: float) -> None:
    with pytest.raises(InvalidInput):
        t_isf(p, 3)


def test_what_is_no_number_stays_none() -> None:
    assert isnan(log_t_sf(nan, 3.0)) and isnan(log_chi_square_sf(nan, 3.0))
