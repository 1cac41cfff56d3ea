"""Methods that need the values of units: ranks, resampling, quantiles."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from math import hypot, sqrt
from typing import Final

from projections import moments
from vectordb.experiments.analysis import ArmEffect
from vectordb.experiments.estimating import Rules, Verdict, effect
from vectordb.experiments.stats.effects import (
    NO_SPREAD,
    NO_UNITS,
    NO_VARIANCE,
    blank_effect,
    difference,
    tested,
    without,
)
from vectordb.experiments.stats.ranks import mann_whitney, quantile_sample
from vectordb.experiments.stats.resampling import bootstrap, mean_difference
from vectordb.experiments.stats.samples import Sample, mean_sample
from vectordb.experiments.stats.special import normal_isf
from vectordb.views.quantiles import quantiles

MOST_BCA: Final = 2_000  # units of both arms up to which each is left out once
_RANKS: Final = ("units are independent",)

Values = Sequence[float]


def rank_effect(arm: str, control: str, treated: Values, base: Values, rules: Rules) -> ArmEffect:
    """The Mann-Whitney test, and how likely a unit of the arm is above one of the control, less 1/2.

    The error is that of the placements. Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837.
    """
    test = mann_whitney(base, treated)
    value = None if test.estimate is None else test.estimate - 0.5
    absolute = blank_effect("share of pairs above, less 1/2", _RANKS, rules.alpha, value)
    if value is None:
        absolute = without(absolute, NO_UNITS)
    elif min(len(treated), len(base)) < 2:
        absolute = without(absolute, NO_VARIANCE)
    else:
        error = hypot(_placed(treated, base), _placed(base, treated))
        absolute = tested(absolute, error) if error else without(absolute, NO_SPREAD)
    samples = mean_sample(moments(treated)), mean_sample(moments(base))
    return effect(arm, control, *samples, absolute, Verdict(test.statistic, test.p_value), rules)


def _placed(values: Values, others: Values) -> float:
    """The standard error of the mean share of ``others`` below each value, equal ones by half."""
    ordered = sorted(others)
    spread = moments([bisect_left(ordered, value) + bisect_right(ordered, value) for value in values]).std
    return (spread or 0.0) / (2.0 * len(others) * sqrt(len(values)))


def bootstrap_effect(arm: str, control: str, treated: Values, base: Values, rules: Rules, seed: int) -> ArmEffect:
    """The difference of means by 2,000 resamples; p by z with their deviation. 0.3 us a unit and resample."""
    samples = mean_sample(moments(treated)), mean_sample(moments(base))
    if min(len(treated), len(base)) < 2:
        absolute = difference(samples[1], samples[0], rules.alpha)
        return effect(arm, control, *samples, absolute, Verdict(None, absolute.p_value), rules)
    method = "BCa" if len(treated) + len(base) <= MOST_BCA else "percentile"
    found = bootstrap(mean_difference, base, treated, seed=seed, alpha=rules.alpha, method=method)
    blank = blank_effect(found.method, found.assumptions, rules.alpha, found.estimate)
    if found.standard_error:
        z = tested(blank, found.standard_error)
        absolute = replace(z, low=found.low, high=found.high, undefined=found.undefined)
    else:
        absolute = without(blank, NO_SPREAD)
    return effect(arm, control, *samples, absolute, Verdict(absolute.statistic, absolute.p_value), rules)


def quantile_of(values: Values, share: float, alpha: float) -> Sample:
    """A quantile with its variance; without one where too few units bound it."""
    size, z = len(values), normal_isf(0.5 * alpha)
    if not size:
        return Sample(0, None, None, "quantile")
    if size <= z * z * max(share / (1.0 - share), (1.0 - share) / share):
        return Sample(size, quantiles(sorted(values), (share,))[0], None, "quantile")
    return quantile_sample(values, share, alpha)
