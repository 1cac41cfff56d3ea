"""Planning: power of a two-sided z test, the effect it can detect, the units it needs."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final

from ledger import InvalidInput
from vectordb.experiments.stats.inputs import check_count, check_number, check_positive, check_share
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.roots import solve
from vectordb.experiments.stats.special import normal_cdf, normal_isf, normal_ppf, normal_sf

_MEANS: Final = ("both arms have the same standard deviation, known beforehand", "means are near normal")
_PROPORTIONS: Final = ("the variance of each arm is that of its own proportion", "proportions are near normal")


@dataclass(frozen=True)
class Plan(Result):
    """A test as planned: arms' sizes, the absolute effect, and the chance to find it at alpha.

    ``baseline`` is the proportion without treatment, None of means; ``sd`` a unit's deviation, None of proportions.
    """

    control: int
    treatment: int
    total: int
    effect: float
    power: float
    alpha: float
    sd: float | None
    baseline: float | None
    method: str
    assumptions: tuple[str, ...]


def power_at(distance: float, alpha: float = 0.05) -> float:
    """F(d - z) + F(-d - z): the power of a two-sided z test at an effect of ``d`` standard errors.

    >>> round(power_at(2.8015852), 5)
    0.8
    """
    z, d = normal_isf(0.5 * check_share("alpha", alpha)), abs(check_number("distance", distance))
    return normal_cdf(d - z) + normal_cdf(-d - z)


def distance_for(power: float = 0.8, alpha: float = 0.05) -> float:
    """The effect in standard errors at which a two-sided z test has this power.

    >>> round(distance_for(0.8), 6)
    2.801582
    """
    power, alpha = check_share("power", power), check_share("alpha", alpha)
    if power <= alpha:
        raise InvalidInput("the power is above alpha, which a test has without an effect", power=power, alpha=alpha)
    z = normal_isf(0.5 * alpha)

    def missed(d: float) -> float:  # of the chance to miss: exact near a power of 1
        return normal_sf(d - z) - normal_cdf(-d - z) - (1.0 - power)

    return solve(missed, 0.0, z + normal_ppf(power) + 1e-9)


def power_of_means(effect: float, sd: float, control: int, treatment: int, alpha: float = 0.05) -> Plan:
    """The power to see a difference of means, d = |effect| / sd sqrt(n1 n2 / (n1 + n2)).

    >>> round(power_of_means(0.1, 1.0, 1_570, 1_570).power, 4)
    0.8001
    """
    deviation, sizes = check_positive("sd", sd), _check_sizes(control, treatment)
    distance = abs(check_number("effect", effect)) / (deviation * _width(*sizes))
    return _plan(sizes, effect, power_at(distance, alpha), alpha, sd=deviation)


def power_of_proportions(
    baseline: float, effect: float, control: int, treatment: int, alpha: float = 0.05
) -> Plan:
    """The power to see a difference of proportions, each with its own variance.

    >>> round(power_of_proportions(0.10, 0.02, 3_839, 3_839).power, 4)
    0.8001
    """
    sizes = _check_sizes(control, treatment)
    first, second = _variances(baseline, effect)
    distance = abs(effect) / sqrt(first / sizes[0] + second / sizes[1])
    return _plan(sizes, effect, power_at(distance, alpha), alpha, baseline=baseline)


def detectable_mean(sd: float, control: int, treatment: int, power: float = 0.8, alpha: float = 0.05) -> Plan:
    """The smallest difference of means found with this power.

    >>> round(detectable_mean(1.0, 1_570, 1_570).effect, 5)
    0.09999
    """
    deviation, sizes = check_positive("sd", sd), _check_sizes(control, treatment)
    effect = distance_for(power, alpha) * deviation * _width(*sizes)
    return _plan(sizes, effect, power, alpha, sd=deviation)


def detectable_proportion(
    baseline: float, control: int, treatment: int, power: float = 0.8, alpha: float = 0.05, *, decrease: bool = False
) -> Plan:
    """The smallest rise (or decrease, a negative effect) of a proportion found with this power.

    >>> round(detectable_proportion(0.10, 3_839, 3_839).effect, 5)
    0.02
    """
    sizes, d = _check_sizes(control, treatment), distance_for(power, alpha)
    base = check_share("baseline", baseline)
    sign, most = (-1.0, base) if decrease else (1.0, 1.0 - base)

    def excess(effect: float) -> float:
        other = base + sign * effect
        return effect - d * sqrt(base * (1.0 - base) / sizes[0] + max(0.0, other * (1.0 - other)) / sizes[1])

    if excess(most) < 0.0:
        raise InvalidInput("arms of these sizes find some effect", baseline=base, control=control, treatment=treatment)
    return _plan(sizes, sign * solve(excess, 0.0, most), power, alpha, baseline=base)


def size_of_means(effect: float, sd: float, power: float = 0.8, alpha: float = 0.05, share: float = 0.5) -> Plan:
    """The units needed to find a difference of means, ``share`` of them under treatment.

    >>> plan = size_of_means(0.1, 1.0)
    >>> plan.control, plan.treatment, round(plan.power, 4)
    (1570, 1570, 0.8001)
    """
    deviation = check_positive("sd", sd)
    sizes = _sizes(effect, deviation * deviation, deviation * deviation, power, alpha, share)
    return power_of_means(effect, deviation, *sizes, alpha)


def size_of_proportions(
    baseline: float, effect: float, power: float = 0.8, alpha: float = 0.05, share: float = 0.5
) -> Plan:
    """The units needed to find a difference of proportions, ``share`` of them under treatment.

    >>> plan = size_of_proportions(0.10, 0.02)
    >>> plan.control, plan.treatment
    (3839, 3839)
    """
    first, second = _variances(baseline, effect)
    sizes = _sizes(effect, first, second, power, alpha, share)
    return power_of_proportions(baseline, effect, *sizes, alpha)


def _sizes(
    effect: float, first: float, second: float, power: float, alpha: float, share: float
) -> tuple[int, int]:
    if not check_number("effect", effect):
        raise InvalidInput("an effect of 0 is never found", effect=effect)
    part = check_share("share", share)
    distance = distance_for(power, alpha) / effect
    total = distance * distance * (first / (1.0 - part) + second / part)
    return max(1, ceil(total * (1.0 - part))), max(1, ceil(total * part))


def _width(control: int, treatment: int) -> float:
    """The standard error of a difference of means of deviation 1."""
    return sqrt(1.0 / control + 1.0 / treatment)


def _variances(baseline: float, effect: float) -> tuple[float, float]:
    base = check_share("baseline", baseline)
    other = base + check_number("effect", effect)
    if not 0.0 <= other <= 1.0:
        raise InvalidInput("baseline and effect together are a proportion", baseline=baseline, effect=effect)
    return base * (1.0 - base), other * (1.0 - other)


def _check_sizes(control: int, treatment: int) -> tuple[int, int]:
    return check_count("control", control, 1), check_count("treatment", treatment, 1)


def _plan(
    sizes: tuple[int, int],
    effect: float,
    power: float,
    alpha: float,
    sd: float | None = None,
    baseline: float | None = None,
) -> Plan:
    kind, assumptions = ("means", _MEANS) if baseline is None else ("proportions", _PROPORTIONS)
    method = f"two-sided z test of {kind}"
    control, treatment = sizes
    return Plan(control, treatment, control + treatment, effect, power, alpha, sd, baseline, method, assumptions)
