"""Estimating: the effect of an arm against the control, from a sample of each."""

from __future__ import annotations

from typing import NamedTuple

from vectordb.experiments.analysis import AlwaysValid, ArmEffect
from vectordb.experiments.stats.bayes import normal_effect
from vectordb.experiments.stats.effects import Effect, difference, fieller, lift
from vectordb.experiments.stats.samples import Sample
from vectordb.experiments.stats.sequential import confidence_sequence


class Rules(NamedTuple):
    """What every effect of an analysis shares."""

    alpha: float
    tuned: int | None  # None: no always-valid interval


class Verdict(NamedTuple):
    """What a method's own test says."""

    statistic: float | None
    p: float | None


def compare(arm: str, control: str, treated: Sample, base: Sample, rules: Rules) -> ArmEffect:
    """Welch's t for the difference, the delta method and Fieller for the lift."""
    found = difference(base, treated, rules.alpha)
    return effect(arm, control, treated, base, found, Verdict(found.statistic, found.p_value), rules)


def effect(
    arm: str, control: str, treated: Sample, base: Sample, absolute: Effect, test: Verdict, rules: Rules
) -> ArmEffect:
    """An effect with what follows from its difference: the always-valid interval and the posterior."""
    n, value, se = treated.size + base.size, absolute.estimate, absolute.standard_error
    valid: AlwaysValid | None = None
    bayes: tuple[float | None, float | None, float | None] = (None, None, None)
    if value is not None and se:
        valid = None if rules.tuned is None else _always_valid(n, value, se, rules.alpha, rules.tuned)
        posterior = normal_effect(value, se)
        bayes = posterior.chance_to_win, posterior.loss_control, posterior.loss_treatment
    lifts = lift(base, treated, rules.alpha), fieller(base, treated, rules.alpha)
    return ArmEffect(arm, control, n, treated.mean, base.mean, absolute, *lifts, *test, valid, *bayes)


def _always_valid(n: int, value: float, se: float, alpha: float, tuned: int) -> AlwaysValid:
    look = confidence_sequence([(n, value, se)], alpha, tuned).looks[0]
    return AlwaysValid(look.low, look.high, look.p, tuned)
