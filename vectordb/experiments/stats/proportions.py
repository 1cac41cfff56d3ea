"""Two proportions compared by z, from counts."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import Final

from vectordb.experiments.stats.effects import NO_SPREAD, NO_UNITS, Effect, blank_effect, tested, without
from vectordb.experiments.stats.samples import proportion_sample

_Z: Final = ("units are independent", "each unit is a success or not", "many successes and failures in each arm")
_POOLED: Final = (*_Z, "the standard error of the test is that under equal proportions, that of the interval is not")

Count = tuple[int, int]


def two_proportions(a: Count, b: Count, alpha: float = 0.05, *, pooled: bool = True) -> Effect:
    """The difference b - a of two proportions, each given as (successes, units).

    ``pooled``: the test's standard error is that under equal proportions. The stated one and the interval (Wald's) are
    unpooled. Source: Fleiss, Levin and Paik, "Statistical methods for rates and proportions" (2003).

    >>> effect = two_proportions((14, 28), (16, 30))
    >>> round(effect.estimate, 5), round(effect.p_value, 6)
    (0.03333, 0.799604)
    """
    (hits_a, size_a), (hits_b, size_b) = a, b
    one, other = proportion_sample(*a), proportion_sample(*b)
    named, said = ("pooled z of proportion", _POOLED) if pooled else ("unpooled z of proportion", _Z)
    if not size_a or not size_b:
        return without(blank_effect(named, said, alpha, None), NO_UNITS)
    blank = blank_effect(named, said, alpha, (hits_b * size_a - hits_a * size_b) / (size_a * size_b))
    wald = sqrt((one.variance or 0.0) / size_a + (other.variance or 0.0) / size_b)
    if not pooled:
        return tested(blank, wald) if wald else without(blank, NO_SPREAD)
    hits, size = hits_a + hits_b, size_a + size_b
    error = sqrt(hits * (size - hits) / (size * size_a * size_b))
    return _pooled(blank, error, wald)


def _pooled(blank: Effect, error: float, wald: float) -> Effect:
    if not error:
        return without(blank, NO_SPREAD)
    found = tested(blank, error)
    if not wald:  # all of one arm and none of the other: a test, and no interval
        return replace(found, standard_error=0.0, low=None, high=None, undefined=NO_SPREAD)
    interval = tested(blank, wald)
    return replace(found, standard_error=wald, low=interval.low, high=interval.high)
