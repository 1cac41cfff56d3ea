"""The special functions against mpmath, in both tails and where float64 ends."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, log
from random import Random
from typing import Any

import pytest

from vectordb.experiments.stats.special import (
    log_beta,
    log_beta_logit,
    log_beta_tails,
    log_complement,
    log_gamma_tails,
    log_normal_sf,
    normal_cdf,
    normal_isf,
    normal_ppf,
    normal_sf,
    stirling_error,
)

mp: Any = pytest.importorskip("mpmath")

CLOSE = 1e-12


@pytest.fixture(autouse=True)
def precise() -> Any:
    with mp.workdps(60):
        yield


def off(log_value: float, exact: Any) -> float:
    """The relative error of a value given by its logarithm."""
    return abs(float(mp.exp(mp.mpf(log_value)) / exact - 1))


def exact_beta_tail(a: float, b: float, x: Any) -> Any:
    """I_x(a, b) by a series of positive terms."""
    a, b, x = mp.mpf(a), mp.mpf(b), mp.mpf(x)
    term = total = mp.mpf(1)
    k = 0
    while term > total * mp.mpf(10) ** -50:
        term *= (a + b + k) / (a + 1 + k) * x
        total += term
        k += 1
    front = a * mp.log(x) + b * mp.log1p(-x) + mp.loggamma(a + b) - mp.loggamma(a + 1) - mp.loggamma(b)
    return mp.exp(front) * total


@pytest.mark.parametrize("seed", range(4))
def test_beta_tails(seed: int) -> None:
    rng = Random(seed)
    for _ in range(15):
        a, b = 10 ** rng.uniform(-3, 3), 10 ** rng.uniform(-3, 3)
        logit = log(a / b) + 4 * rng.gauss(0, 1) * (1 / a + 1 / b) ** 0.5
        x = 1 / (1 + exp(-max(-500.0, min(4.0, logit))))
        low, high = log_beta_tails(a, b, x)
        assert off(low, exact_beta_tail(a, b, x)) < CLOSE, (a, b, x)
        assert abs(exp(low) + exp(high) - 1) < CLOSE


@pytest.mark.parametrize(
    ("a", "b", "x"),
    [
        (5e8, 0.5, 1 - 1e-8),
        (5e8, 0.5, 1 - 1e-6),
        (0.5, 5e8, 1e-9),
        (1e-3, 0.5, 1e-300),
        (5e-4, 0.5, 0.3),
        (1e6, 1e6, 0.49),
        (1e5, 3.0, 0.999),
        (3.0, 1e9, 1e-10),
    ],
)
def test_beta_tails_at_extremes(a: float, b: float, x: float) -> None:
    low, high = log_beta_tails(a, b, x)
    front = a * mp.log(x) + b * mp.log1p(-mp.mpf(x)) - log_beta_exact(a, b)
    with mp.workdps(30):
        y = 1 - mp.mpf(x)
        if x < 0.5:
            exact = mp.exp(front) / a * mp.hyp2f1(mp.mpf(a) + b, 1, mp.mpf(a) + 1, mp.mpf(x)) if a < 1e5 else None
        else:
            exact = mp.exp(front) * fraction_quad(a, b, y) if b < 10 else None
    if exact is None:
        exact = mp.exp(front) * fraction_quad(a, b, 1 - mp.mpf(x))
    assert off(low, exact) < CLOSE
    assert high <= 0.0


def log_beta_exact(a: float, b: float) -> Any:
    a, b = mp.mpf(a), mp.mpf(b)
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def fraction_quad(a: float, b: float, y: Any) -> Any:
    """I_x(a, b) over its front factor: the integral of the density from 0 to x, scaled to 1 / (x y) at x."""
    a, b, y = mp.mpf(a), mp.mpf(b), mp.mpf(y)
    x = 1 - y
    fall = max(abs(a / x - b / y), 1 / mp.sqrt(x * y / (a + b)))
    ends = [x - k / fall for k in (60, 30, 15, 7, 3, 1, 0)]
    ends = [end for end in ends if end > 0] if a > 100 else [mp.mpf(0), x]

    def part(t: Any) -> Any:
        return mp.exp((a - 1) * mp.log(t / x) + (b - 1) * mp.log((1 - t) / y))

    return mp.quad(part, ends) / (x * y)


def test_symmetric_beta_is_a_half_at_its_middle() -> None:
    for a in (1e-3, 0.5, 3.0, 1e3, 1e6, 1e9):
        low, high = log_beta_tails(a, a, 0.5)
        assert low == pytest.approx(-log(2), rel=CLOSE) and high == pytest.approx(-log(2), rel=CLOSE)


def test_beta_beyond_float64_goes_on_as_a_power() -> None:
    for a, b in ((0.3, 2.0), (5e-4, 0.5), (2.0, 7.0)):
        near, far = log_beta_logit(a, b, -640.0)[0], log_beta_logit(a, b, -660.0)[0]
        assert near - far == pytest.approx(20 * a, rel=1e-9)
        mirrored = log_beta_logit(b, a, 660.0)
        assert mirrored[1] == far and log_beta_logit(a, b, -660.0)[2] == mirrored[2]


def test_complete_beta() -> None:
    for a, b in ((2.0, 3.0), (1e-3, 1e-3), (5e8, 0.5), (0.5, 5e8), (1e9, 1e9), (12.5, 0.1)):
        assert off(log_beta(a, b), mp.exp(log_beta_exact(a, b))) < CLOSE * max(1.0, 1e-3 * abs(log_beta(a, b)))


@pytest.mark.parametrize("seed", range(4))
def test_gamma_tails(seed: int) -> None:
    rng = Random(seed)
    for _ in range(30):
        a = 10 ** rng.uniform(-3, 3)
        x = a * exp(3 * rng.gauss(0, 1) / a**0.5)
        if not 1e-280 < x < 1e5:
            continue
        found = log_gamma_tails(a, x)
        with mp.workdps(200):
            exact = mp.gammainc(a, 0, x, regularized=True), mp.gammainc(a, x, mp.inf, regularized=True)
        for tail, right in zip(found, exact):
            if tail > -690:
                assert off(tail, right) < CLOSE, (a, x)


def test_gamma_at_its_ends() -> None:
    assert log_gamma_tails(2.0, 0.0) == (-inf, 0.0)
    assert log_gamma_tails(2.0, inf) == (0.0, -inf)


@pytest.mark.parametrize("z", [-40.0, -8.0, -1.0, 0.0, 1e-3, 0.5, 1.96, 4.999, 5.0, 9.0, 20.0, 37.0])
def test_normal_tails(z: float) -> None:
    exact = mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2
    assert float(normal_sf(z) / exact - 1) == pytest.approx(0, abs=CLOSE)
    assert normal_cdf(-z) == normal_sf(z)
    assert off(log_normal_sf(z), exact) < CLOSE


def test_normal_tail_beyond_float64() -> None:
    exact = mp.log(mp.erfc(mp.mpf(1000) / mp.sqrt(2)) / 2)
    assert log_normal_sf(1000.0) == pytest.approx(float(exact), rel=1e-15)
    assert normal_sf(40.0) == 0.0


@pytest.mark.parametrize("p", [1e-300, 1e-16, 1e-3, 0.025, 0.3, 0.5, 0.9])
def test_normal_quantiles(p: float) -> None:
    exact = -mp.sqrt(2) * mp.erfinv(1 - 2 * mp.mpf(p)) if p > 1e-20 else None
    if exact is not None:
        assert normal_ppf(p) == pytest.approx(float(exact), rel=CLOSE, abs=1e-16)
    assert normal_isf(p) == -normal_ppf(p)
    assert log_normal_sf(normal_isf(p)) == pytest.approx(log(p), rel=1e-14)


def test_normal_quantiles_at_their_ends() -> None:
    assert (normal_ppf(0.0), normal_ppf(1.0), normal_isf(0.0)) == (-inf, inf, inf)


def test_stirling_error_is_smooth_where_its_series_begins() -> None:
    for z in (1e-3, 0.5, 1.0, 9.999, 10.0, 100.0, 1e9):
        exact = mp.loggamma(mp.mpf(z) + 1) - (mp.mpf(z) + 0.5) * mp.log(z) + z - mp.log(2 * mp.pi) / 2
        assert stirling_error(z) == pytest.approx(float(exact), abs=1e-14, rel=1e-13)


def test_log_complement() -> None:
    for low, right in ((-1e-20, log(1e-20)), (-50.0, -exp(-50.0)), (0.0, -inf), (-inf, -0.0), (-log(2), -log(2))):
        assert log_complement(low) == pytest.approx(right, rel=1e-15)


def test_tails_do_not_depend_on_how_a_call_is_mirrored() -> None:
    calls: list[Callable[[], float]] = [
        lambda: log_beta_tails(2.5, 7.0, 0.25, 0.75)[0],
        lambda: log_beta_tails(7.0, 2.5, 0.75, 0.25)[1],
    ]
    assert calls[0]() == calls[1]()
