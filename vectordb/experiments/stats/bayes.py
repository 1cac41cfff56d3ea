"""Posteriors of two arms: the chance to win, and what choosing either is expected to lose."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Final

from ledger import InvalidInput
from vectordb.experiments.stats.beta import Beta, integrate, logistic, within
from vectordb.experiments.stats.inputs import check_count, check_number, check_positive
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.special import normal_cdf, normal_pdf

BETA: Final = "chance to win and losses: beta-binomial, prior beta(1, 1) on each rate"
NORMAL: Final = "chance to win and losses: a normal posterior of the effect, flat prior"
_MILLS_STEPS: Final = 120


@dataclass(frozen=True)
class Comparison(Result):
    """Treatment less control. ``chance_to_win`` is that treatment is better (higher).

    ``loss_control`` is what is expected to be lost by keeping control where treatment is better, ``loss_treatment``
    the reverse.
    """

    chance_to_win: float
    loss_control: float
    loss_treatment: float
    method: str
    assumptions: tuple[str, ...]


def beta_binomial(control: tuple[int, int], treatment: tuple[int, int]) -> Comparison:
    """Conversions and units of both arms, by integration: errors below 1e-10 up to a billion units. 5 ms.

    >>> found = beta_binomial((14, 28), (16, 30))
    >>> round(found.chance_to_win, 6), round(found.loss_control, 4), round(found.loss_treatment, 4)
    (0.598548, 0.0672, 0.036)
    """
    first, second = _beta(*control), _beta(*treatment)
    gap = second.mean - first.mean
    least = expected_excess(second, first) if gap > 0.0 else expected_excess(first, second)
    losses = (least + gap, least) if gap > 0.0 else (least, least - gap)  # their difference is that of the means
    said = ("units convert independently at one rate an arm", BETA)
    return Comparison(chance_above(first, second), *losses, "beta-binomial", said)


def normal_effect(effect: float, se: float) -> Comparison:
    """An effect, treatment less control, and its standard error.

    >>> found = normal_effect(0.29, 0.12478)
    >>> round(found.chance_to_win, 5), round(found.loss_control, 5), round(found.loss_treatment, 5)
    (0.98994, 0.29043, 0.00043)
    """
    z = check_number("effect", effect) / check_positive("se", se)
    said = ("the estimate is near normal, its standard error known", NORMAL)
    return Comparison(normal_cdf(z), se * excess(z), se * excess(-z), "normal", said)


def excess(z: float) -> float:
    """z F(z) + f(z): the expected positive part of a normal number of mean ``z`` and deviation 1.

    Far below 0 by the continued fraction of Mills' ratio, without cancellation. Source: DLMF 7.9.3.

    >>> round(excess(0.0), 12), float(f"{excess(-10.0):.12g}")
    (0.398942280401, 7.47456025459e-25)
    """
    if z > -2.0:
        return z * normal_cdf(z) + normal_pdf(z)
    below = 0.0
    for step in range(_MILLS_STEPS, 0, -1):
        below = step / (below - z)
    return normal_pdf(z) * (below / (below - z))  # 1 - x M(x), with M = 1 / (x + below) at x = -z


def chance_above(first: Beta, second: Beta) -> float:
    """The probability that the second proportion is above the first.

    >>> chance_above(Beta(1.0, 1.0), Beta(2.0, 1.0))
    0.6666666666666...
    """
    chance = integrate(lambda t: first.density(t) * second.sf(t), within(second.edges, first))
    return min(1.0, chance)


def expected_excess(first: Beta, second: Beta) -> float:
    """The expected positive part of second less first: the integral of P(first < x) P(second > x).

    >>> round(expected_excess(Beta(1.0, 1.0), Beta(1.0, 1.0)), 12)
    0.166666666667
    """
    low, high = first.edges[0], second.edges[-1]
    if low >= high:
        return 0.0
    whole = range(floor(low) + 1, ceil(high))
    edges = (edge for edge in (*first.edges, *second.edges, *whole) if low <= edge <= high)
    return integrate(lambda t: first.cdf(t) * second.sf(t) * logistic(t) * logistic(-t), edges)


def _beta(conversions: int, units: int) -> Beta:
    won, size = check_count("conversions", conversions), check_count("units", units)
    if won > size:
        raise InvalidInput("there are at most as many conversions as units", conversions=won, units=size)
    return Beta(1.0 + won, 1.0 + size - won)
