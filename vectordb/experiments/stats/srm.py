"""Sample ratio mismatch: whether the arms have the sizes that their weights plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import fsum, log1p
from typing import Final

from ledger import InvalidInput
from vectordb.experiments.stats.distributions import log_chi_square_sf, p_value
from vectordb.experiments.stats.inputs import check_count, check_positive, check_share, check_weights
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.special import stirling_error

ALARM: Final = 0.001
CONCENTRATION: Final = 10_000.0
_PLANNED: Final = "units were assigned independently by these weights, which did not change"


@dataclass(frozen=True)
class SampleRatio(Result):
    """Counts against the plan. Arms of weight 0 take no part; what they hold is ``unplanned``.

    ``log_p`` is the logarithm of ``p``, which is never 0: below float64 it is the smallest number above 0.
    """

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    unplanned: int
    statistic: float
    dof: int
    p: float
    log_p: float
    alpha: float
    alarm: bool
    method: str = "chi-square goodness of fit"
    assumptions: tuple[str, ...] = (_PLANNED, "one look, at least five units expected of every arm")


@dataclass(frozen=True)
class RatioLook(Result):
    """One look at counts so far: the logarithm of the Bayes factor against the plan, 1/BF, and its least so far."""

    observed: tuple[int, ...]
    log_bayes_factor: float
    p: float
    running_p: float


@dataclass(frozen=True)
class SequentialRatio(Result):
    """Looks in their order; ``alarm_at`` counts them from 0. The alarms of a sound split are at most ``alpha``."""

    looks: tuple[RatioLook, ...]
    weights: tuple[float, ...]
    concentration: float
    p: float
    alpha: float
    alarm: bool
    alarm_at: int | None
    method: str = "Dirichlet-multinomial Bayes factor, running minimum"
    assumptions: tuple[str, ...] = (_PLANNED, "counts only grow from look to look")


def sample_ratio(counts: Iterable[int], weights: Iterable[float], alpha: float = ALARM) -> SampleRatio:
    """The chi-square test with one degree of freedom fewer than there are arms of positive weight.

    >>> found = sample_ratio([1_000, 1_200], [0.5, 0.5])
    >>> float(f"{found.p:.5g}"), found.dof, found.alarm
    (2.0079e-05, 1, True)
    """
    held, plan = _check_arms(counts, weights)
    arms = [(count, Fraction(weight)) for count, weight in zip(held, plan) if weight]
    size, whole = sum(count for count, _ in arms), sum(weight for _, weight in arms)  # ints and fractions: exact
    expected = [size * weight / whole for _, weight in arms]
    gaps = ((count - mean) ** 2 / mean for (count, _), mean in zip(arms, expected))
    statistic = float(sum(gaps)) if size else 0.0  # ints over ints: exact
    log_p = log_chi_square_sf(statistic, len(arms) - 1)
    p = p_value(log_p)
    shown = [float(size * Fraction(weight) / whole) for weight in plan]
    alarm = p < check_share("alpha", alpha)
    return SampleRatio(
        held, tuple(shown), sum(held) - size, statistic, len(arms) - 1, p, log_p, alpha, alarm  # ints
    )


def log_bayes_factor(
    counts: Iterable[int], weights: Iterable[float], concentration: float = CONCENTRATION
) -> float:
    """The logarithm of the Bayes factor of a Dirichlet prior around the plan against the plan itself.

    Equal to lgamma(A) - lgamma(A+n) + sum(lgamma(a+n_i) - lgamma(a) - n_i ln w), a = A w, with the parts that cancel
    taken out beforehand, so that a billion units cost no digits. Source: Lindon and Malek, arXiv 2011.03567.

    >>> round(log_bayes_factor([1_000, 1_200], [0.5, 0.5]), 6)
    1.540122
    """
    held, plan = _check_arms(counts, weights)
    return _log_factor(held, plan, check_positive("concentration", concentration))


def _log_factor(counts: Sequence[int], weights: Sequence[float], prior: float) -> float:
    total = fsum(weights)
    arms = [(count, weight / total) for count, weight in zip(counts, weights) if weight]
    size = sum(count for count, _ in arms)  # ints
    parts = [0.5 * (1 - len(arms)) * log1p(size / prior), stirling_error(prior), -stirling_error(prior + size)]
    for count, weight in arms:
        usual, found = (prior + size) * weight, prior * weight + count
        gap = (count - size * weight) / usual
        # usual * ((1 + gap) ln(1 + gap) - gap): the gaps of all arms sum to 0
        parts += [usual * _entropy(gap), -0.5 * log1p(gap), stirling_error(found), -stirling_error(prior * weight)]
    return fsum(parts)


def _entropy(gap: float) -> float:
    """(1 + x) ln(1 + x) - x without cancellation: x^2/2 - x^3/6 + x^4/12 - ... near 0."""
    if abs(gap) > 0.05:
        return (1.0 + gap) * log1p(gap) - gap
    total, power = 0.0, gap
    for degree in range(2, 16):
        power *= -gap
        total -= power / (degree * (degree - 1))
    return total


def sequential_ratio(
    looks: Iterable[Iterable[int]],
    weights: Iterable[float],
    alpha: float = ALARM,
    concentration: float = CONCENTRATION,
) -> SequentialRatio:
    """Counts so far at each look, against the plan: p = min(p before, 1 / Bayes factor). 5 us a look and arm.

    >>> found = sequential_ratio([(100, 120), (1_000, 1_200), (10_000, 12_000)], [0.5, 0.5])
    >>> found.alarm_at, [round(look.running_p, 6) for look in found.looks]
    (2, [0.991348, 0.214355, 0.0])
    """
    plan, level = check_weights(weights), check_share("alpha", alpha)
    prior = check_positive("concentration", concentration)
    found: list[RatioLook] = []
    running, before = 1.0, (0,) * len(plan)
    for counts in looks:
        held, _ = _check_arms(counts, plan)
        if any(now < then for now, then in zip(held, before)):
            raise InvalidInput("counts so far only grow from look to look", counts=held, before=before)
        factor, before = _log_factor(held, plan, prior), held
        p = p_value(min(0.0, -factor))
        running = min(running, p)
        found.append(RatioLook(held, factor, p, running))
    at = next((number for number, look in enumerate(found) if look.running_p < level), None)
    return SequentialRatio(tuple(found), plan, prior, running, level, at is not None, at)


def _check_arms(counts: Iterable[int], weights: Iterable[float]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    held = tuple(check_count("count", count) for count in counts)
    plan = check_weights(weights)
    if len(held) != len(plan):
        raise InvalidInput("there is one count for each weight", counts=len(held), weights=len(plan))
    if sum(weight > 0.0 for weight in plan) < 2:  # ints
        raise InvalidInput("a split has at least two arms of positive weight", weights=plan)
    return held, plan
