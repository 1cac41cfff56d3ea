"""Covariates: what was known of each unit just before its exposure, beside what it did afterwards."""

from __future__ import annotations

from projections import JointMoments, joint_moments, moments
from vectordb.experiments.at_exposure import check_feature, values_at_exposure
from vectordb.experiments.sources import Source, UnitSource


def covaried(source: Source, metric: str) -> tuple[dict[str, JointMoments], int]:
    """Of each arm the joint moments of the metric (y) and its covariate (x), and how many units have no covariate.

    Such a unit gets the mean of those that have one, so the covariate takes nothing from it.
    """
    assert isinstance(source, UnitSource)
    name = source.definition.metrics[metric].covariate
    check_feature(source.reader, source.definition.unit, name)
    units = source.counted
    shown = values_at_exposure(source.reader, units, name)
    before = {one.unit: float(value) for one, value in zip(units, shown) if value is not None}
    values = source.pairs(metric)
    known = [before[unit] for own in values.values() for unit, _ in own if unit in before]
    usual = moments(known).mean or 0.0
    found = {
        arm: joint_moments((value, before.get(unit, usual)) for unit, value in own) for arm, own in values.items()
    }
    return found, sum(map(len, values.values())) - len(known)  # ints
