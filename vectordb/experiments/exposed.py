"""Exposures as they were recorded: which arms a unit has met, and the first of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ledger import Entity, Event, ExperimentDefinition, Exposure, ExposuresRecorded, from_micros
from vectordb.experiments.assignment import FORCED, GIVEN, SPLIT, Assignment

if TYPE_CHECKING:
    from vectordb.reader import Reader
    from vectordb.state import State


class Exposed(NamedTuple):
    """One recorded exposure: the assignment as it was, when it happened, and the event that holds it."""

    assignment: Assignment
    event_time: datetime
    offset: int

    @property
    def unit(self) -> Entity:
        """The unit."""
        return self.assignment.unit

    @property
    def arm(self) -> str:
        """The arm that it met."""
        return self.assignment.arm or ""


def met(reader: Reader, definition: ExperimentDefinition, unit: Entity) -> tuple[str, float] | None:
    """The arm of a unit's first exposure under the bucket version of a definition, and the propensity then."""
    state, offset = reader.state, reader.as_of_offset
    known = state.catalog.experiments.get(definition.name, offset)
    if known.bucket_version != definition.bucket_version:
        return None
    first = state.experiments.arm_of(definition.name, unit, offset)
    return None if first is None else (first.arm, first.propensity)


def exposed_units(reader: Reader, name: str) -> list[Entity]:
    """The units that were exposed under the bucket version in force, forced ones aside."""
    return [found.unit for found in reader.state.experiments.units(name, reader.as_of_offset)]


def all_exposures(reader: Reader, name: str) -> list[Exposed]:
    """Every exposure of an experiment, in the order in which they were recorded."""
    start = reader.state.catalog.experiments.versions(name)[0][0]
    events = reader.events(start, type=ExposuresRecorded.type)
    return [found for event in events if _is_of(event, name) for found in _exposures(reader.state, event)]


def recorded(state: State, one: Assignment) -> Assignment | None:
    """The answer under which a unit met this arm, by the version that was in force; None: it has not met it. 2 us."""
    forced, experiments = one.reason == FORCED, state.experiments
    if one.arm is None or not experiments.seen(one.name, one.unit, one.arm, forced=forced):
        return None
    first = None if forced else experiments.arm_of(one.name, one.unit)
    if first is None or first.arm != one.arm:
        return one
    then = state.catalog.experiments.get(one.name, first.offset)
    reason = GIVEN if first.given else SPLIT
    return Assignment(then.label, one.unit, first.arm, reason, first.propensity, then.bucket_version, then.version)


def _is_of(event: Event, name: str) -> bool:
    return isinstance(event.fact, ExposuresRecorded) and event.fact.experiment.partition("@")[0] == name


def _exposures(state: State, event: Event) -> list[Exposed]:
    fact = event.fact
    assert isinstance(fact, ExposuresRecorded), fact
    name, _, version = fact.experiment.partition("@")
    bucket = state.catalog.experiments.get(name, event.offset).bucket_version
    time = from_micros(fact.event_time)

    def exposed(one: Exposure) -> Exposed:
        found = Assignment(fact.experiment, one.unit, one.arm, one.reason, one.propensity, bucket, int(version))
        return Exposed(found, time, event.offset)

    return [exposed(one) for one in fact.exposures]
