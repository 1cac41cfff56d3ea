"""The special functions behind the tests: normal, incomplete gamma and incomplete beta, both tails, in logarithms.

Each tail is computed by itself where it is the smaller one, so none is 1 less the other, and its logarithm is what is
computed, so nothing underflows early. Relative error below 1e-12 for parameters from 1e-3 to 1e9.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, exp, expm1, fsum, inf, isinf, lgamma, log, log1p, pi, sqrt
from statistics import NormalDist
from typing import Final

_STANDARD: Final = NormalDist()
_HALF_LOG_2PI: Final = 0.5 * log(2.0 * pi)
_LOG_2: Final = log(2.0)
_TINY: Final = 1e-300
_EPSILON: Final = 2.0**-54
_STIRLING: Final = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
_SERIES_FROM: Final = 10.0
_FAR: Final = 650.0  # beyond, exp of a logit leaves float64
_MOST_STEPS: Final = 1_000_000


def normal_pdf(z: float) -> float:
    """The density of the standard normal distribution.

    >>> normal_pdf(0.0)
    0.3989422804014327
    """
    return exp(-0.5 * z * z) / sqrt(2.0 * pi)


def normal_cdf(z: float) -> float:
    """The probability below ``z``, by the complementary error function: accurate in the far lower tail."""
    return 0.5 * erfc(-z * sqrt(0.5))


def normal_sf(z: float) -> float:
    """The probability above ``z``, accurate in the far upper tail; below float64 see ``log_normal_sf``.

    >>> normal_sf(37.0)
    5.725571222524602e-300
    """
    return 0.5 * erfc(z * sqrt(0.5))


def log_normal_sf(z: float) -> float:
    """The logarithm of the probability above ``z``.

    >>> log_normal_sf(100.0)
    -5005.524208694205
    """
    if z <= 0.0:
        return log1p(-normal_cdf(z))
    return log(normal_sf(z)) if z < 5.0 else log_gamma_tails(0.5, 0.5 * z * z)[1] - _LOG_2


def normal_ppf(p: float) -> float:
    """What lies above a share ``p`` of the standard normal distribution.

    Source: Wichura, algorithm AS 241 (1988), as ``statistics.NormalDist`` has it.
    """
    return _STANDARD.inv_cdf(p) if 0.0 < p < 1.0 else inf * (2.0 * p - 1.0)


def normal_isf(p: float) -> float:
    """What lies below a share ``p``: exact for small ``p``, unlike ``normal_ppf(1 - p)``.

    >>> round(normal_isf(0.025), 6)
    1.959964
    """
    return -normal_ppf(p)


def log_gamma_tails(a: float, x: float) -> tuple[float, float]:
    """The logarithms of the regularised incomplete gamma functions P(a, x) and Q(a, x).

    Source: DLMF 8.7.1 (series) and 8.9.2 (continued fraction); front factor after Loader (2000).

    >>> [round(exp(tail), 12) for tail in log_gamma_tails(1.0, 2.0)]
    [0.864664716763, 0.135335283237]
    """
    if x <= 0.0 or isinf(x):
        return (-inf, 0.0) if x <= 0.0 else (0.0, -inf)
    front = log_gamma_front(a, x)
    if x < a + 1.0:
        low = front - log(a) + log(_gamma_series(a, x))
        return low, log_complement(low)
    high = front - log(_fraction(x + 1.0 - a, lambda m: (m * (a - m), x + 2.0 * m + 1.0 - a)))
    return log_complement(high), high


def log_gamma_front(a: float, x: float) -> float:
    """The logarithm of x^a e^-x / gamma(a): the slope of P(a, x) in log x."""
    return 0.5 * log(a) - _HALF_LOG_2PI - stirling_error(a) - _deviance(a, x, x - a)


def _gamma_series(a: float, x: float) -> float:
    total = term = 1.0
    step = a
    while term > total * _EPSILON:
        step += 1.0
        term *= x / step
        total += term
    return total


def log_beta_tails(a: float, b: float, x: float, y: float | None = None) -> tuple[float, float]:
    """The logarithms of the regularised incomplete beta function I_x(a, b) and of its complement I_y(b, a).

    ``y`` is 1 - x, where it is known better than 1 - x says it. Source: DLMF 8.17.22 (continued fraction).

    >>> [round(exp(tail), 12) for tail in log_beta_tails(2.0, 3.0, 0.5)]
    [0.6875, 0.3125]
    """
    y = 1.0 - x if y is None else y
    if x <= 0.0 or y <= 0.0:
        return (-inf, 0.0) if x <= 0.0 else (0.0, -inf)
    if x * (a + b + 2.0) > a + 1.0:
        high, low = log_beta_tails(b, a, y, x) if y * (a + b + 2.0) <= b + 1.0 else _beta_tail(b, a, y, x)
        return low, high
    return _beta_tail(a, b, x, y)
