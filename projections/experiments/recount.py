"""The values of units counted anew from what was recorded: for other rules than the metric's, and to check tallies."""

from __future__ import annotations

from ledger import ExperimentDefinition
from projections.experiments.aggregates import RUNNING, Row, aggregated
from projections.experiments.course import Course, Spec
from projections.experiments.exposures import NEVER
from projections.experiments.tallies import Tallies
from projections.experiments.trial import Trial
from projections.joint_moments import JointMoments, joint_moments
from projections.moments import moments

Values = list[tuple[int, float]]  # of unit numbers


def recount(trial: Trial, spec: Spec, offset: int, until: int | None = None, first_arm: bool = False) -> list[Values]:
    """By arm the value of each unit as of an offset, from its rows. 1.5 us an outcome, 1 us a unit.

    ``until`` leaves out what happened after that time, exposures too; ``first_arm``: units that were seen in two arms
    count in their first.
    """
    last = NEVER if until is None else until
    held = trial.exposures
    absent = RUNNING[spec.aggregate].absent
    rows = _rows(trial, spec, offset, last)
    found: list[Values] = [[] for _ in held.labels]
    for unit in held.met(offset):
        if held.times[unit] > last or (held.until[unit] <= offset and not first_arm):
            continue
        if unit in rows:
            found[held.arms[unit]].append((unit, aggregated(spec.aggregate, rows[unit])))
        elif absent == 0.0:
            found[held.arms[unit]].append((unit, 0.0))
    return found


def _rows(trial: Trial, spec: Spec, offset: int, last: int) -> dict[int, list[Row]]:
    """By unit the rows in the window of its exposure."""
    outcomes = trial.outcomes.get(spec.metric)
    if outcomes is None:
        return {}
    rows: dict[int, list[Row]] = {}
    times = trial.exposures.times
    window = NEVER if spec.window is None else spec.window
    size = outcomes.size(offset)
    columns = zip(outcomes.units[:size], outcomes.times[:size], outcomes.values[:size])
    for unit, time, value in columns:
        if time <= last and 0 <= time - times[unit] <= window:
            rows.setdefault(unit, []).append((time, value))
    return rows


def tallied(course: Course, offset: int) -> list[Values]:
    """The same as ``recount`` by the metric's own rules, from the course. 0.3 us a step and a unit."""
    held = course.exposures
    changed = [course.values(arm, offset) for arm in range(len(held.labels))]
    found: list[Values] = [[] for _ in held.labels]
    columns = zip(held.since, held.until, held.arms)
    for unit, (since, until, arm) in enumerate(columns):
        if since <= offset < until:
            value = changed[arm].get(unit, course.absent)
            if value == value:
                found[arm].append((unit, value))
    return found


def check_tallies(trial: Trial, definition: ExperimentDefinition, offset: int) -> None:
    """Assert that tallies are those of a recount, as of an offset. 3 us an outcome and a unit, for each metric."""
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
