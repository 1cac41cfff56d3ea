"""Two arms compared: the difference of their means, and the relative lift with two kinds of interval.

Where the data do not say (an arm without units or without spread) the fields are None and ``undefined`` says why:
p is 1 for equal means without spread, and None, not 0, for different ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import copysign, fsum, hypot, inf, isfinite, sqrt
from typing import Final, NamedTuple

from vectordb.experiments.stats.distributions import log_two_sided, p_value, t_isf
from vectordb.experiments.stats.inputs import check_share
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.samples import Sample, finite

NO_UNITS: Final = "an arm has no units"
NO_VARIANCE: Final = "an arm has fewer than two units or a variance beyond float64"
NO_SPREAD: Final = "no spread in either arm: the standard error is 0 and says nothing"
NO_BASELINE: Final = "the baseline mean is 0: no relative lift"
UNBOUNDED: Final = "the baseline mean is not distinguishable from 0: the interval has no bounds"
BEYOND: Final = "the estimate is beyond float64"

_WELCH: Final = (
    "units are independent",
    "the means are near normal: many units, or normal values",
    "variances may differ between the arms; their degrees of freedom after Welch and Satterthwaite",
)
_DELTA: Final = (*_WELCH, "the baseline mean is far from 0 (delta method)")


@dataclass(frozen=True)
class Effect(Result):
    """An effect of arm b over arm a with its two-sided test and its interval of confidence 1 - ``alpha``.

    ``dof`` is None where the reference is normal. ``p_value`` is never 0; ``log_p_value`` tells it below float64.
    """

    method: str
    assumptions: tuple[str, ...]
    alpha: float
    estimate: float | None
    standard_error: float | None = None
    statistic: float | None = None
    dof: float | None = None
    p_value: float | None = None
    log_p_value: float | None = None
    low: float | None = None
    high: float | None = None
    undefined: str | None = None


class _Arms(NamedTuple):
    """Both arms with what every comparison of them needs."""

    mean_a: float
    mean_b: float
    error_a: float
    error_b: float
    dof: float


def difference(a: Sample, b: Sample, alpha: float = 0.05) -> Effect:
    """The absolute difference of means b - a. Source: Welch, Biometrika 34 (1947) 28.

    >>> from vectordb.experiments.stats.samples import Sample
    >>> effect = difference(Sample(3407, 0.41, 15.21), Sample(3461, 0.7, 38.44))
    >>> round(effect.estimate, 5), round(effect.standard_error, 5), round(effect.p_value, 5)
    (0.29, 0.12478, 0.02016)
    """
    blank = blank_effect(_named("Welch t", a, b), _assumed(_WELCH, a, b), alpha, _gap(a, b))
    arms = _arms(a, b)
    if isinstance(arms, str):
        return without(blank, arms)
    return tested(blank, hypot(arms.error_a, arms.error_b), arms.dof)


def lift(a: Sample, b: Sample, alpha: float = 0.05) -> Effect:
    """The relative lift (b - a) / |a|, by the delta method, with Welch's degrees of freedom.

    Its variance is var(mb) / ma^2 + var(ma) mb^2 / ma^4. Source: Deng, Knoblich and Lu (2018).

    >>> from vectordb.experiments.stats.samples import proportion_sample
    >>> effect = lift(proportion_sample(14, 28), proportion_sample(16, 30))
    >>> round(effect.estimate, 5), round(effect.standard_error, 4), round(effect.p_value, 5)
    (0.06667, 0.2717, 0.80707)
    """
    blank = blank_effect(_named("delta method", a, b), _assumed(_DELTA, a, b), alpha, _relative(a, b))
    arms = _relative_arms(a, b)
    if isinstance(arms, str):
        return without(blank, arms)
    base = abs(arms.mean_a)
    error = hypot(arms.error_b / base, arms.error_a / base * (arms.mean_b / base))
    return tested(blank, error, arms.dof)


def fieller(a: Sample, b: Sample, alpha: float = 0.05) -> Effect:
    """The relative lift with Fieller's interval: the lifts that Welch's test of mb - (1 + lift) ma does not reject.

    Its p-value is that of equal means. Source: Fieller, Journal of the Royal Statistical Society B 16 (1954) 175.

    >>> effect = fieller(Sample(50, 10.0, 4.0), Sample(40, 11.0, 9.0))
    >>> round(effect.estimate, 6), round(effect.low, 6), round(effect.high, 6)
    (0.1, -0.010004, 0.217045)
    """
    blank = blank_effect(_named("Fieller", a, b), _assumed(_WELCH, a, b), alpha, _relative(a, b))
    arms = _relative_arms(a, b)
    if isinstance(arms, str):
        return without(blank, arms)
    return _bounded(blank, arms, difference(a, b, alpha))


def blank_effect(method: str, assumptions: tuple[str, ...], alpha: float, estimate: float | None) -> Effect:
    """An effect of which only the estimate is known."""
    return Effect(method, assumptions, check_share("alpha", alpha), finite(estimate))


def tested(blank: Effect, error: float, dof: float = inf) -> Effect:
    """The effect with its standard error, tested against 0 by t, or without ``dof`` by z."""
    if blank.estimate is None or not isfinite(error):
        return without(blank, BEYOND)
    if not error:  # of a lift to 0 from an arm without spread
        return without(blank, NO_SPREAD)
    statistic = blank.estimate / error
    log_p, reach = log_two_sided(statistic, dof), t_isf(0.5 * blank.alpha, dof) * error
    return replace(
        blank,
        standard_error=error,
        statistic=finite(statistic),
        dof=finite(dof),
        p_value=p_value(log_p),
        log_p_value=finite(log_p),
        low=finite(blank.estimate - reach),
        high=finite(blank.estimate + reach),
    )


def without(blank: Effect, why: str) -> Effect:
    """The effect without a test; no effect and no spread at all is p 1."""
    if why != NO_SPREAD:
        return replace(blank, undefined=why)
    if blank.estimate:
        return replace(blank, undefined=why, standard_error=0.0)
    return replace(blank, undefined=why, standard_error=0.0, p_value=1.0, log_p_value=0.0)


def _bounded(blank: Effect, arms: _Arms, equal: Effect) -> Effect:
    """In units of the baseline mean: the roots r - 1 of (mb - r ma)^2 = t^2 (vb + r^2 va)."""
    found = replace(blank, statistic=equal.statistic, dof=arms.dof, p_value=equal.p_value)
    found = replace(found, log_p_value=equal.log_p_value)
    t, base = t_isf(0.5 * blank.alpha, arms.dof), arms.mean_a
    share = t * arms.error_a / base
    g = share * share  # infinite, where a power would raise
    if g >= 1.0:
        return replace(found, undefined=UNBOUNDED)
    middle = (equal.estimate or 0.0) / base + g
    reach = t * hypot(sqrt(1.0 - g) * arms.error_b / base, arms.mean_b / base * (arms.error_a / base))
    ends = [(middle - reach) / (1.0 - g), (middle + reach) / (1.0 - g)]
    low, high = sorted(copysign(1.0, base) * end for end in ends)
    return replace(found, low=finite(low), high=finite(high))


def _arms(a: Sample, b: Sample) -> _Arms | str:
    """What a comparison needs, or why there is none."""
    if a.mean is None or b.mean is None:
        return NO_UNITS
    if a.variance is None or b.variance is None or min(a.size, b.size) < 2:
        return NO_VARIANCE
    error_a, error_b = sqrt(a.variance / a.size), sqrt(b.variance / b.size)
    whole = hypot(error_a, error_b)
    if not whole:
        return NO_SPREAD
    share_a, share_b = (error_a / whole) ** 2, (error_b / whole) ** 2
    dof = 1.0 / (share_a * share_a / (a.size - 1) + share_b * share_b / (b.size - 1))
    return _Arms(a.mean, b.mean, error_a, error_b, dof)


def _relative_arms(a: Sample, b: Sample) -> _Arms | str:
    if a.mean == 0.0 and b.size:
        return NO_BASELINE
    return _arms(a, b)


def _gap(a: Sample, b: Sample) -> float | None:
    """mb - ma with what rounding took from each, so that a common level does not cancel."""
    if a.mean is None or b.mean is None:
        return None
    return fsum((b.mean, b.rest, -a.mean, -a.rest))


def _relative(a: Sample, b: Sample) -> float | None:
    gap = _gap(a, b)
    return gap / abs(a.mean) if gap is not None and a.mean else None


def _named(method: str, a: Sample, b: Sample) -> str:
    kinds = sorted({a.kind, b.kind})
    return f"{method} of {' and '.join(kinds)}"


def _assumed(base: tuple[str, ...], a: Sample, b: Sample) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*base, *a.assumptions, *b.assumptions)))
