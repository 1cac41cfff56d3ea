"""Reallocating: the weights of a bandit's arms, from what is known of one metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Final

from ledger import InvalidInput
from projections import Tallies
from vectordb.experiments.analyzing import metric_of
from vectordb.experiments.methods import conversions, ratio_of
from vectordb.experiments.stats.bandit import Allocation, conversion_arms, mean_arms, thompson, top_two
from vectordb.experiments.stats.beta import Beta
from vectordb.experiments.stats.normal import Normal
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.samples import Sample, mean_sample

if TYPE_CHECKING:
    from vectordb.reader import Reader

METHODS: Final = ("thompson", "top_two")


@dataclass(frozen=True)
class Reallocation(Result):
    """New weights of an experiment's arms, from what was known ``as_of`` an offset.

    ``recorded`` is the offset of the definition that has them; it gives ``reason``, which names method, metric, seed
    and offset, so that the same weights can be computed again from the past.
    """

    experiment: str
    metric: str
    as_of: int
    arms: Mapping[str, float]
    allocation: Allocation
    reason: str
    recorded: int | None = None


def reallocation(
    reader: Reader,
    name: str,
    metric: str,
    method: str = "thompson",
    floor: float = 0.01,
    draws: int | None = None,
    seed: int = 0,
    leader: float = 0.5,
) -> Reallocation:
    """The weights that a method gives as of a pinned reader's offset. Arms of weight 0 keep it."""
    if method not in METHODS:
        raise InvalidInput("a method of reallocation is one of these", method=method, known=list(METHODS))
    tallies = reader.state.experiments.tallies(name, reader.as_of_offset)
    definition = tallies.definition
    live = [arm for arm, weight in definition.arms.items() if weight > 0.0]
    arms = _posteriors(tallies, metric, live)
    if method == "thompson":
        found = thompson(arms, floor, draws, seed)
    else:
        found = top_two(arms, leader, floor, draws, seed)
    drawn = "exactly" if draws is None else f"{draws} draws, seed {seed}"
    more = f", leader {leader:g}" if method == "top_two" else ""
    reason = f"{method} on {metric} as of offset {tallies.offset}: {drawn}, floor {floor:g}{more}"
    weights = {**dict.fromkeys(definition.arms, 0.0), **dict(zip(live, found.weights))}
    return Reallocation(definition.label, metric, tallies.offset, weights, found, reason)


def _posteriors(tallies: Tallies, metric: str, arms: list[str]) -> list[Beta] | list[Normal]:
    """Of each arm what is believed of its conversion rate, or of its mean."""
    defined = metric_of(tallies, metric)
    if defined.over:
        joint = tallies.joint(metric)
        return mean_arms([_believed(metric, arm, ratio_of(joint[arm])) for arm in arms])
    sums = tallies.moments(metric)
    if defined.aggregate == "any":
        return conversion_arms([conversions(sums[arm]) for arm in arms])
    return mean_arms([_believed(metric, arm, mean_sample(sums[arm])) for arm in arms])


def _believed(metric: str, arm: str, sample: Sample) -> tuple[float, float]:
    if sample.mean is None or not sample.variance:
        rule = "a mean is believed in with at least two units that differ, in every arm"
        raise InvalidInput(rule, metric=metric, arm=arm, units=sample.size)
    return sample.mean, sqrt(sample.variance / sample.size)
