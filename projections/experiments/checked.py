"""Whether the tallies of an experiment are those of a recount from what was recorded."""

from __future__ import annotations

from ledger import ExperimentDefinition
from projections.experiments.course import Spec
from projections.experiments.recount import Values, recount, tallied
from projections.experiments.tallies import Tallies
from projections.experiments.trial import Trial
from projections.joint_moments import JointMoments, joint_moments
from projections.moments import moments


def check_tallies(trial: Trial, definition: ExperimentDefinition, offset: int) -> None:
    """Assert it, as of an offset. 3 us an outcome and 3 us a unit, for each metric."""
    tallies = Tallies(trial, definition, offset)
    arms = trial.arms(definition, offset)
    for name, metric in definition.metrics.items():
        spec = Spec.of(name, metric)
        counted = recount(trial, spec, offset)
        assert tallied(trial.courses[spec], offset) == counted, (spec, offset)
        found = tallies.moments(name)
        assert all(found[label] == moments(value for _, value in counted[arm]) for label, arm in arms.items())
        if metric.over:
            under = recount(trial, Spec.of(metric.over, definition.metrics[metric.over]), offset)
            joint = tallies.joint(name)
            assert all(joint[label] == _joint(counted[arm], under[arm]) for label, arm in arms.items())


def _joint(top: Values, bottom: Values) -> JointMoments:
    under = dict(bottom)
    return joint_moments((value, under[unit]) for unit, value in top if unit in under)
