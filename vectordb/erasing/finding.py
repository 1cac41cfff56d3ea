"""Finding: every event that holds something of an entity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Entity,
    Event,
    ExposuresRecorded,
    FeatureRef,
    OutcomesRecorded,
    ServiceDefinition,
)
from vectordb.batches.batch import shown
from vectordb.state import State


@dataclass
class Found:
    """What an erasure takes. ``rows`` and ``predictions`` have the row numbers by offset."""

    view: str
    kind: str
    entities: frozenset[Entity]
    rows: dict[int, set[int]] = field(default_factory=dict)
    predictions: dict[int, set[int]] = field(default_factory=dict)
    rejections: set[int] = field(default_factory=set)
    records: dict[int, str] = field(default_factory=dict)  # exposures, outcomes, definitions: offset -> experiment

    @property
    def offsets(self) -> list[int]:
        """Offsets of all events that are touched."""
        return sorted({*self.rows, *self.predictions, *self.rejections, *self.records})

    @property
    def row_refs(self) -> list[int]:
        """References of the rows."""
        return [offset << ROW_BITS | row for offset in sorted(self.rows) for row in sorted(self.rows[offset])]

    @property
    def prediction_refs(self) -> list[int]:
        """References of the predictions."""
        found = self.predictions
        return [offset << ROW_BITS | row for offset in sorted(found) for row in sorted(found[offset])]


def find(state: State, view: str, entities: Iterable[Entity]) -> Found:
    """Look in rows, rejections, predictions of services that read the view, and experiments over its kind of entity.

    The rows of an entity are known; what else there is is looked through: a microsecond an event of an experiment in
    memory, 11 where the events stay in a file, and only if the unit is known there.
    """
    kind = state.log.layouts.entity_kind(view)
    found = Found(view, kind, frozenset(entities))
    for entity in found.entities:
        for ref in state.rows.tables[view].refs(entity):
            found.rows.setdefault(ref >> ROW_BITS, set()).add(ref & ROW_MASK)
    _find_rejections(state, found)
    _find_predictions(state, found)
    _find_experiments(state, found)
    return found


def _find_rejections(state: State, found: Found) -> None:
    texts = set(map(shown, found.entities))
    for offset in state.log.registry.rejections:
        fact: Any = state.log.event(offset).fact
        if found.view in fact.views and any(rejection.entity in texts for rejection in fact.rejected):
            found.rejections.add(offset)


def _find_predictions(state: State, found: Found) -> None:
    for name in state.catalog.services.names():
        places = {
            definition.label: place
            for _, definition in state.catalog.services.versions(name)
            if (place := _place_of(state, definition, found)) is not None
        }
        if not places:
            continue
        for ref in state.predictions.refs_of(name, found.entities, whole=_kinds(state, name) == 1):
            fact: Any = state.log.event(ref >> ROW_BITS).fact
            place, row = places.get(fact.service), fact.predictions[ref & ROW_MASK]
            if place is not None and row.entities[place] in found.entities:
                found.predictions.setdefault(ref >> ROW_BITS, set()).add(ref & ROW_MASK)


def _kind_order(state: State, definition: ServiceDefinition) -> list[str]:
    views = [item.view for item in definition.features if isinstance(item, FeatureRef)]
    return list(dict.fromkeys(map(state.log.layouts.entity_kind, views)))


def _kinds(state: State, service: str) -> int:
    """The most kinds of entity that a version of a service reads."""
    return max(len(_kind_order(state, definition)) for _, definition in state.catalog.services.versions(service))


def _place_of(state: State, definition: ServiceDefinition, found: Found) -> int | None:
    """Where predictions of a service name the kind of entity; None where it does not read the view."""
    reads = any(isinstance(item, FeatureRef) and item.view == found.view for item in definition.features)
    return _kind_order(state, definition).index(found.kind) if reads else None


def _find_experiments(state: State, found: Found) -> None:
    names = set()
    for offset, definition in state.catalog.experiments:
        if definition.unit == found.kind:
            names.add(definition.name)
            if any(unit in found.entities for unit, _ in definition.forced):
                found.records[offset] = definition.name
    known = {name for name in names if any(state.experiments.knows(name, unit) for unit in found.entities)}
    if not known:
        return
    for event in state.log.events_like((ExposuresRecorded, OutcomesRecorded)):
        if _experiment(event) in known and any(unit in found.entities for unit in _units(event)):
            found.records[event.offset] = _experiment(event)


def _experiment(event: Event) -> str:
    fact: Any = event.fact
    name: str = fact.experiment.partition("@")[0]
    return name


def _units(event: Event) -> Iterator[Entity]:
    fact: Any = event.fact
    for record in fact.exposures if isinstance(fact, ExposuresRecorded) else fact.outcomes:
        yield record.unit
