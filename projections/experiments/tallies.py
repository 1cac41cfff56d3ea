"""Tallies: how many units each arm of an experiment has, and the exact moments of its metrics, as of one offset."""

from __future__ import annotations

from ledger import ExperimentDefinition, Metric, UnknownName
from projections.experiments.course import Course, Spec
from projections.experiments.pair import Pair
from projections.experiments.trial import Trial
from projections.joint_moments import JointMoments
from projections.moments import Moments


class Tallies:
    """What was known of an experiment after ``offset`` events, by the definition that was then in force.

    Arms come in the order of the definition, those without units too; after them arms that units were seen in and
    that it has no longer. A unit counts in the arm of its exposure; ``conflicted`` units were seen in two arms and
    count in none; ``forced`` units had an arm set for them, which counts nowhere.
    """

    __slots__ = ("_arms", "_trial", "conflicted", "definition", "exposed", "forced", "offset")

    def __init__(self, trial: Trial, definition: ExperimentDefinition, offset: int) -> None:
        self._trial = trial
        self._arms = trial.arms(definition, offset)
        self.definition = definition
        self.offset = offset
        self.exposed = {label: trial.exposures.exposed(arm, offset) for label, arm in self._arms.items()}
        self.conflicted = trial.exposures.conflicted(offset)
        self.forced = trial.exposures.forced_units(offset)

    def moments(self, metric: str) -> dict[str, Moments]:
        """Of each arm the moments over its units. 0.2 ms an arm, whatever the offset and the number of units.

        A metric that is any, sum or count is 0 for a unit without outcomes; one that is mean, last or max is not over
        such units.
        """
        return self.along(metric, [self.offset])[0]

    def joint(self, metric: str) -> dict[str, JointMoments]:
        """Of each arm the joint moments of a ratio's two metrics, over the units that both count. 0.3 ms an arm."""
        return self.joint_along(metric, [self.offset])[0]

    def along(self, metric: str, offsets: list[int]) -> list[dict[str, Moments]]:
        """The same as of many offsets, at all of which this definition of the metric and these arms hold."""
        course = course_of(self._trial, self.definition, metric)
        columns = [course.along(arm, offsets) for arm in self._arms.values()]
        return [dict(zip(self._arms, sums)) for sums in zip(*columns)]

    def joint_along(self, metric: str, offsets: list[int]) -> list[dict[str, JointMoments]]:
        """The same of a ratio."""
        pair = pair_of(self._trial, self.definition, metric)
        columns = [pair.along(arm, offsets) for arm in self._arms.values()]
        return [dict(zip(self._arms, sums)) for sums in zip(*columns)]

    def __repr__(self) -> str:
        return f"Tallies({self.definition.label}, offset={self.offset}, exposed={self.exposed})"


def metric_of(definition: ExperimentDefinition, name: str) -> Metric:
    """A metric of an experiment; raises ``UnknownName``."""
    found = definition.metrics.get(name) if isinstance(name, str) else None
    if found is None:
        known = list(definition.metrics)[:20]
        raise UnknownName("the experiment has no such metric", experiment=definition.label, metric=name, known=known)
    return found


def course_of(trial: Trial, definition: ExperimentDefinition, name: str) -> Course:
    """The course of a metric as an experiment defines it."""
    return trial.courses[Spec.of(name, metric_of(definition, name))]


def pair_of(trial: Trial, definition: ExperimentDefinition, name: str) -> Pair:
    """The pair of a ratio; raises ``UnknownName`` for a metric that is over no other."""
    metric = metric_of(definition, name)
    if not metric.over:
        raise UnknownName("the metric is over no other: it is no ratio", experiment=definition.label, metric=name)
    under = definition.metrics[metric.over]
    return trial.pairs[Spec.of(name, metric), Spec.of(metric.over, under)]
