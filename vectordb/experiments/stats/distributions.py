"""Tails of the t, chi-square and hypergeometric distributions, and quantiles of the t.

Every tail is a logarithm first, so that none is 0 before its exponential is.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, expm1, inf, isinf, log, log1p, pi, sqrt
from typing import Final

from ledger import InvalidInput
from vectordb.experiments.stats.inputs import check_positive, check_probability
from vectordb.experiments.stats.sequential import LEAST_P
from vectordb.experiments.stats.special import (
    deviance,
    log_beta_logit,
    log_beta_tails,
    log_complement,
    log_gamma_tails,
    log_normal_sf,
    normal_isf,
    stirling_error,
)

_LOG_2: Final = log(2.0)
_HALF_SHARE: Final = -0.693
_WIDE: Final = 1e150
_STOP: Final = 1e-11  # the step after one so short is below float64
_MOST_STEPS: Final = 1000


def p_value(log_p: float) -> float:
    """A probability from its logarithm, never 0: below float64 it is the least number above 0, which it is at most.

    >>> p_value(-1000.0)
    5e-324
    """
    return min(1.0, max(exp(log_p), LEAST_P))


def log_two_sided(statistic: float, dof: float = inf) -> float:
    """The logarithm of the probability of a t (without ``dof``: of a normal) at least so far from 0."""
    return min(0.0, _LOG_2 + log_t_sf(abs(statistic), dof))


def log_t_sf(t: float, dof: float) -> float:
    """The logarithm of the probability above ``t`` of Student's t: half of I_x(dof / 2, 1 / 2), x = dof / (dof + t^2).

    Any real degrees of freedom; infinitely many are the normal.

    >>> round(exp(log_t_sf(2.0, 10)), 12)
    0.036694017385
    """
    if isinf(_check_dof(dof)):
        return log_normal_sf(t)
    if t < 0.0:
        return log_complement(log_t_sf(-t, dof))
    if t > _WIDE:
        return log_beta_logit(0.5 * dof, 0.5, log(dof) - 2.0 * log(t))[0] - _LOG_2
    ratio = t * t / dof
    if isinf(ratio):
        return log_beta_logit(0.5 * dof, 0.5, log(dof) - 2.0 * log(t))[0] - _LOG_2
    return log_beta_tails(0.5 * dof, 0.5, 1.0 / (1.0 + ratio), ratio / (1.0 + ratio))[0] - _LOG_2


def t_isf(p: float, dof: float) -> float:
    """The t with the probability ``p`` above it; infinite where it is beyond float64.

    >>> round(t_isf(0.025, 10), 10)
    2.228138852
    """
    if isinf(_check_dof(dof)):
        return normal_isf(check_probability("p", p))
    if check_probability("p", p) > 0.5:
        return -t_isf(1.0 - p, dof)
    if p in (0.0, 0.5):
        return 0.0 if p else inf
    if p < 0.25:
        logit = _beta_logit(log(2.0 * p), 0.5 * dof, 0.5)
    else:
        logit = -_beta_logit(log(1.0 - 2.0 * p), 0.5, 0.5 * dof)
    half = -0.5 * logit
    return sqrt(dof) * exp(half) if half < 700.0 else inf


def log_chi_square_sf(x: float, dof: float) -> float:
    """The logarithm of the probability above ``x`` of chi-square: Q(dof / 2, x / 2).

    >>> round(exp(log_chi_square_sf(3.841458820694124, 1)), 12)
    0.05
    """
    return log_gamma_tails(0.5 * check_positive("dof", dof), 0.5 * x)[1]


def log_hypergeometric(k: int, drawn: int, marked: int, total: int) -> float:
    """The logarithm of the probability that ``drawn`` of ``total``, of which some are marked, hold ``k`` marked.

    Source: Loader (2000), with deviances from exact integers.

    >>> round(exp(log_hypergeometric(1, 2, 2, 4)), 12)
    0.666666666667
    """
    held = _log_binomial(k, marked, drawn, total) + _log_binomial(drawn - k, total - marked, drawn, total)
    return held - _log_binomial(drawn, total, drawn, total)


def _log_binomial(k: int, n: int, part: int, whole: int) -> float:
    """``k`` of ``n`` at the share ``part / whole``."""
    if k in (0, n):
        other = part if not k else whole - part
        return n * log1p(-other / whole) if n and other < whole else (-inf if n else 0.0)
    rest, excess = n - k, (n * part - k * whole) / whole
    errors = stirling_error(n) - stirling_error(k) - stirling_error(rest)
    far = deviance(k, n * part / whole, excess) + deviance(rest, n * (whole - part) / whole, -excess)
    return errors - far - 0.5 * log(2.0 * pi * k * (rest / n))


def _check_dof(dof: float) -> float:
    if not dof > 0.0:
        raise InvalidInput("degrees of freedom are above 0", dof=dof)
    return dof


def _beta_logit(goal: float, a: float, b: float) -> float:
    """The logit below which a share exp(goal) of Beta(a, b) lies."""
    if goal > _HALF_SHARE:
        return -_beta_logit(log(-expm1(goal)), b, a)

    def at(point: float) -> tuple[float, float]:
        low, _high, front = log_beta_logit(a, b, point)
        return low, front

    return _climb(at, goal, log(a / b))


def _climb(at: Callable[[float], tuple[float, float]], goal: float, point: float) -> float:
    """Where the logarithm of a tail that grows with the point is ``goal``: Newton's method.

    It converges from any start, since the logarithm is concave: after the first step from the left alone. ``at`` gives
    the logarithms of the tail and of its slope.
    """
    for _ in range(_MOST_STEPS):
        tail, slope = at(point)
        step = (goal - tail) * exp(tail - slope)
        point += step
        if abs(step) <= _STOP * max(1.0, abs(point)):
            break
    return point
