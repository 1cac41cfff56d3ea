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
_SMALL: Final = 0.5
_NEAR: Final = 0.1
_FAR: Final = 650.0  # beyond, exp of a logit leaves float64
_MOST_STEPS: Final = 1_000_000


def normal_pdf(z: float) -> float:
    """The density of the standard normal distribution."""
    return exp(-0.5 * z * z) / sqrt(2.0 * pi)


def normal_cdf(z: float) -> float:
    """The probability below ``z``, by the complementary error function: accurate in the far lower tail."""
    return 0.5 * erfc(-z * sqrt(0.5))


def normal_sf(z: float) -> float:
    """The probability above ``z``, accurate in the far upper tail; below float64 see ``log_normal_sf``.

    >>> f"{normal_sf(37.0):.9e}"
    '5.725571223e-300'
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
    if x < (a + 1.0 if a >= _SMALL else _NEAR):
        low = front - log(a) + log(_gamma_series(a, x))
        return low, log_complement(low)
    high = front - log(_fraction(x + 1.0 - a, lambda m: (m * (a - m), x + 2.0 * m + 1.0 - a)))
    return log_complement(high), high


def log_gamma_front(a: float, x: float) -> float:
    """The logarithm of x^a e^-x / gamma(a): the slope of P(a, x) in log x."""
    return 0.5 * log(a) - _HALF_LOG_2PI - stirling_error(a) - deviance(a, x, x - a)


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

    ``y`` is 1 - x, where it is known better than 1 - x says it. Source: the even part of DLMF 8.17.22.

    >>> [round(exp(tail), 12) for tail in log_beta_tails(2.0, 3.0, 0.5)]
    [0.6875, 0.3125]
    """
    y = 1.0 - x if y is None else y
    if x <= 0.0 or y <= 0.0:
        return (-inf, 0.0) if x <= 0.0 else (0.0, -inf)
    if _low_first(a, b, x, y):
        low = _log_beta_tail(a, b, x, y)
        return low, log_complement(low)
    high = _log_beta_tail(b, a, y, x)
    return log_complement(high), high


def _low_first(a: float, b: float, x: float, y: float) -> bool:
    """Whether the lower tail is to be computed: of a parameter below a half the other tail is small almost anywhere."""
    wide = a + b + 2.0
    if min(a, b) >= _SMALL:
        return x * wide <= a + 1.0
    return x * wide <= _NEAR if a <= b else y * wide > _NEAR


def log_beta_front(a: float, b: float, x: float, y: float) -> float:
    """The logarithm of x^a y^b / B(a, b): the slope of I_x(a, b) in log(x / y)."""
    n, excess = a + b, _excess(a, b, x, y)
    errors = stirling_error(n) - stirling_error(a) - stirling_error(b)
    rate = 0.5 * (log(a) + log(b / n)) - _HALF_LOG_2PI
    return errors + rate - deviance(a, n * x, excess) - deviance(b, n * y, -excess)


def log_beta(a: float, b: float) -> float:
    """The logarithm of the complete beta function, without cancellation for large arguments.

    >>> round(exp(log_beta(2.0, 3.0)), 12)
    0.083333333333
    """
    n = a + b
    errors = stirling_error(a) + stirling_error(b) - stirling_error(n)
    return errors + a * _log_share(a, b) + b * _log_share(b, a) + _HALF_LOG_2PI - 0.5 * (log(a) + log(b / n))


def log_beta_logit(a: float, b: float, logit: float) -> tuple[float, float, float]:
    """``log_beta_tails`` and ``log_beta_front`` at x = 1 / (1 + exp(-logit)), also where x or 1 - x leaves float64."""
    if abs(logit) <= _FAR:
        x, y = 1.0 / (1.0 + exp(-logit)), 1.0 / (1.0 + exp(logit))
        return *log_beta_tails(a, b, x, y), log_beta_front(a, b, x, y)
    near = a if logit < 0.0 else b
    front = -near * abs(logit) - log_beta(a, b)
    small = front - log(near)
    return (small, log_complement(small), front) if logit < 0.0 else (log_complement(small), small, front)


def log_complement(low: float) -> float:
    """The logarithm of 1 - exp(low), for low at most 0 (rounding apart)."""
    if low >= 0.0:
        return -inf
    return log1p(-exp(low)) if low < -_LOG_2 else log(-expm1(low))


def stirling_error(z: float) -> float:
    """What Stirling's formula lacks of log gamma(z + 1). Source: Loader, "Fast and accurate computation" (2000)."""
    if z < _SERIES_FROM:
        return lgamma(z + 1.0) - (z + 0.5) * log(z) + z - _HALF_LOG_2PI
    total, square = 0.0, z * z
    for factor in reversed(_STIRLING):
        total = total / square + factor
    return total / z


def _log_beta_tail(a: float, b: float, x: float, y: float) -> float:
    excess = _excess(a, b, x, y)

    def pair(m: float) -> tuple[float, float]:
        k = a + 2.0 * m - 1.0
        top = (a + m - 1.0) * (a + b + m - 1.0) * m * (b - m) * x * x / (k * k)
        return top, m + m * (b - m) * x / k + (a + m) * (1.0 - excess + m * (1.0 + y)) / (k + 2.0)

    start = a * (1.0 - excess) / (a + 1.0)
    return log_beta_front(a, b, x, y) - log(_fraction(start, pair))


def _fraction(start: float, pair: Callable[[float], tuple[float, float]]) -> float:
    """A continued fraction start + top(1) / (below(1) + top(2) / ...). Source: Lentz, as modified by Thompson."""
    value = upper = start or _TINY
    lower = 0.0
    for m in range(1, _MOST_STEPS):
        top, below = pair(float(m))
        lower = 1.0 / (below + top * lower or _TINY)
        upper = below + top / upper or _TINY
        value *= upper * lower
        if not abs(upper * lower - 1.0) > 4.0 * _EPSILON:  # nan ends it too
            break
    return value


def _excess(a: float, b: float, x: float, y: float) -> float:
    """(a + b) x - a from the smaller of x and y, rounded once."""
    if x <= y:
        return fsum((*_product(a, x), *_product(b, x), -a))
    return -fsum((*_product(a, y), *_product(b, y), -b))


def _product(a: float, b: float) -> tuple[float, float]:
    """A product and its rounding error. Source: Dekker (1971)."""
    high, (a1, a2), (b1, b2) = a * b, _halves(a), _halves(b)
    return high, a2 * b2 - (((high - a1 * b1) - a2 * b1) - a1 * b2)


def _halves(value: float) -> tuple[float, float]:
    wide = 134217729.0 * value
    high = wide - (wide - value)
    return high, value - high


def deviance(a: float, expected: float, excess: float) -> float:
    """a log(a / expected) + expected - a, where ``excess`` is expected - a. Source: Loader (2000), ``bd0``."""
    u = excess / a
    if abs(u) > 0.5:
        return excess - a * log(expected / a)
    v = u / (2.0 + u)
    square, total, power, k = v * v, 0.0, 1.0, 3.0
    while power > _EPSILON:
        total += power / k
        power *= square
        k += 2.0
    return a * v * (u - 2.0 * square * total)


def _log_share(a: float, b: float) -> float:
    return log1p(-b / (a + b)) if b < a else log(a / (a + b))
