"""The events of a kit: all that a prediction rests on.

Rows: the writes that its inputs come from, the other writes that the same read of its entities shows (a delete too,
and the last write), and everything that these declare to be derived from, predictions included, all the way up.
Definitions: every version up to the prediction of each view, service, pipeline, model and experiment that is named on
the way, because versions count up. And the first exposure of the unit, where it was served under an experiment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Entity,
    Erased,
    Event,
    InvalidInput,
    PredictionRow,
    PredictionsRecorded,
    Pruned,
    ServiceDefinition,
    entity_from_json,
    header_of,
    parse_label,
    sources_of,
)

if TYPE_CHECKING:
    from vectordb.state import State

KINDS = ("views", "services", "pipelines", "models", "experiments")


class KitEvents(NamedTuple):
    """Offsets of the events in order, and the references of the predictions that are whole."""

    offsets: tuple[int, ...]
    predictions: tuple[int, ...]


def kit_events(state: State, ref: int) -> KitEvents:
    """What the prediction of a reference rests on. 20 us an event.

    Raises ``Erased`` (or ``Pruned``) where something that it rests on was destroyed.
    """
    walk = _Walk(state, ref >> ROW_BITS)
    walk.go(ref)
    walk.take_definitions()
    return KitEvents(tuple(sorted(walk.offsets)), tuple(sorted(walk.predictions)))


def whole_event(state: State, offset: int) -> Event:
    """The event at an offset, refused where values of its line were destroyed: then no line proves it."""
    event = state.log.event(offset)
    if event.type == "redacted":
        raise Erased("a line with values that were destroyed proves no value", offset=offset)
    if event.type == "pruned":
        raise Pruned("a compaction let a line go that is needed here", offset=offset)
    return event


class _Walk:
    def __init__(self, state: State, limit: int) -> None:
        self._state = state
        self._limit = limit
        self._catalog = state.catalog
        self.offsets: set[int] = set()
        self.predictions: set[int] = set()
        self._names: dict[str, set[str]] = {kind: set() for kind in KINDS}

    def go(self, ref: int) -> None:
        """Take in a row or a prediction, and all that it rests on."""
        waiting, seen = [ref], {ref}
        while waiting:
            for source in self._take(waiting.pop()):
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)

    def _take(self, ref: int) -> Iterator[int]:
        """Take in one row; what it rests on."""
        offset = ref >> ROW_BITS
        event = whole_event(self._state, offset)
        self._state.log.owner(ref)  # the row itself may be gone
        self.offsets.add(offset)
        fact = event.fact
        if isinstance(fact, PredictionsRecorded):
            self.predictions.add(ref)
            yield from self._prediction(event, fact, fact.predictions[ref & ROW_MASK])
        else:
            self._names["views"].update(fact.views)
        origin = getattr(fact, "origin", None)
        yield from () if origin is None else origin.derived_from

    def _prediction(self, event: Event, fact: PredictionsRecorded, row: PredictionRow) -> Iterator[int]:
        name, version = parse_label(fact.service)
        self._names["services"].add(name)
        model, _ = parse_label(fact.model)
        if self._catalog.models.find(model, event.offset) is not None:
            self._names["models"].add(model)
        if row.assignment is not None:
            self._exposure(row.assignment, event.offset)
        yield from filter(None, row.sources)
        definition = self._catalog.services.version(name, version or 0)
        for view, entity in self._entities(definition, row):
            yield from self._shown(view, entity, fact.as_of, fact.at)

    def _entities(self, definition: ServiceDefinition, row: PredictionRow) -> list[tuple[str, Entity]]:
        """The views of a service with the entity that each was read for."""
        kinds = {view: self._state.log.registry.layouts.entity_kind(view) for view in definition.views}
        entities = dict(zip(dict.fromkeys(kinds.values()), row.entities, strict=True))
        return [(view, entities[kind]) for view, kind in kinds.items()]

    def _shown(self, view: str, entity: Entity, as_of: int, at: int) -> Iterator[int]:
        """The writes that a read of an entity shows: each value's, the newest delete's, and the last one."""
        packed = self._state.read_past(self._state.past_row, view, entity, as_of, at)
        if packed is not None:
            yield from {header_of(packed)[0], *(ref for ref, _ in sources_of(packed) if ref)}

    def _exposure(self, assignment: dict[str, Any], offset: int) -> None:
        """The first exposure of the unit that an assignment names, where it is one of ours."""
        name = str(assignment.get("experiment", "")).partition("@")[0]
        if self._catalog.experiments.find(name, offset) is None:
            return
        self._names["experiments"].add(name)
        try:
            unit = entity_from_json(assignment.get("unit"))
        except InvalidInput:
            return
        found = self._state.experiments.arm_of(name, unit, offset)
        if found is not None:
            self.offsets.add(whole_event(self._state, found.offset).offset)

    def take_definitions(self) -> None:
        """Every version of all that was named, and of the views that these name in turn."""
        names, views = self._names, self._names["views"]
        names["pipelines"] = names["services"]
        for definition in self._versions("services"):
            views.update(definition.views)
        for fitted in self._versions("pipelines"):
            views.update(label.partition("@")[0] for label in fitted.views)
        for experiment in self._versions("experiments"):
            views.update([experiment.view] if experiment.view else [])
        for kind in ("models", "views"):
            list(self._versions(kind))

    def _versions(self, kind: str) -> Iterable[Any]:
        shelf = getattr(self._catalog, kind)
        for name in sorted(self._names[kind]):
            for offset, definition in shelf.versions(name, self._limit):
                self.offsets.add(whole_event(self._state, offset).offset)
                yield definition
