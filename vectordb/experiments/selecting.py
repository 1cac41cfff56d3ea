"""Selecting the entities of a view by arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ledger import Entity, ExperimentDefinition, InvalidInput
from vectordb.experiments.targeting import matcher

if TYPE_CHECKING:
    from vectordb.experiments.experiment import Experiment
    from vectordb.reader import Reader


def select(experiment: Experiment, view: str, arm: str | None, where: Mapping[str, Any] | None) -> list[Entity]:
    """The entities of a view that get an arm; ``experiment`` is pinned to an offset and clock."""
    reader, definition = experiment._reader, experiment.definition
    if arm is not None and arm not in definition.arms:
        known = list(definition.arms)
        raise InvalidInput("the experiment has no such arm", experiment=definition.label, arm=arm, known=known)
    units = units_of(reader, definition, view)
    if where is not None:
        matches = reader.consistently(matcher, reader, view, where)
        units = reader.consistently(lambda: list(filter(matches, units)))
    found = zip(units, experiment.assign_many(units))
    return [unit for unit, one in found if one.arm is not None and (arm is None or one.arm == arm)]


def units_of(reader: Reader, definition: ExperimentDefinition, view: str) -> list[Entity]:
    """The entities of a view, which are units of the experiment."""
    kind = reader.consistently(reader.plan, view).definition.entity
    if kind != definition.unit:
        rule = "the entities of the view are the units of the experiment"
        raise InvalidInput(rule, experiment=definition.label, unit=definition.unit, view=view, entity=kind)
    return reader.found_entities(view)
