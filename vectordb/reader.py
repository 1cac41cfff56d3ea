"""The reader: every read there is, of a database as it is now or as it was at an offset.

A read is (offset, at): what was known after ``offset`` events, and valid at the clock ``at``. Live reads
take the head and the clock, once a call; a past has both pinned. ``VectorDB`` and ``Past`` differ in
nothing else, so the past has no second API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from ledger import (
    FOUND,
    ROW_BITS,
    ROW_MASK,
    Entity,
    Event,
    Instant,
    ModelDefinition,
    OffsetOutOfRange,
    ServiceDefinition,
    UnknownVersion,
    check_entity,
    from_micros,
    header_of,
    parse_version,
    to_micros,
)
from vectordb.events import Events
from vectordb.models import Model, build_model
from vectordb.plan import Plan
from vectordb.prediction import Prediction, read_prediction
from vectordb.reproduction import Reproduction, reproduce
from vectordb.row import Row
from vectordb.service import Service
from vectordb.state import State
from vectordb.version import entity_at
from vectordb.view import View

T = TypeVar("T")


class Reader:
    """Base of ``VectorDB`` (live) and ``Past`` (pinned)."""

    __slots__ = ()
    state: State

    # -- what differs between now and the past -----------------------------------------------------

    @property
    def as_of_offset(self) -> int:
        """The offset that reads see: the head, or the one that is pinned."""
        raise NotImplementedError

    def clock(self) -> int:
        """The clock that reads use, in microseconds."""
        raise NotImplementedError

    def pinned(self, offset: int, at: int) -> Reader:
        """A past of the same database at another offset and clock."""
        raise NotImplementedError

    def consistently(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function of the views answers, all at one offset."""
        raise NotImplementedError

    def plan(self, view: str) -> Plan:
        """How rows of a view are read."""
        raise NotImplementedError

    def packed(self, view: str, entity: Entity, at: int) -> bytes | None:
        """The packed row of an entity; to be called through ``consistently``."""
        raise NotImplementedError

    # -- views ---------------------------------------------------------------------------------------

    def view(self, name: str) -> View:
        """A view by name; raises ``UnknownName``."""
        return View(self, name)

    def views(self) -> list[str]:
        """Names of the views, in order of their first definition."""
        return self.state.catalog.views.names(self.as_of_offset)

    def row(self, view: str, entity: Entity, at: Instant | None = None) -> Row:
        """The row of one entity of a view."""
        return self.consistently(self._row, view, entity, self._clock_of(at))

    def _row(self, view: str, entity: Entity, at: int) -> Row:
        return Row(self.state, self.plan(view), entity, self.packed(view, entity, at), self.as_of_offset, at)

    def rows(self, view: str, entities: Sequence[Entity], at: Instant | None = None) -> tuple[list[Row], int, int]:
        """Rows of many entities, with the offset and clock that all of them share."""
        clock = self._clock_of(at)
        rows, offset = self.consistently(self._rows, view, entities, clock)
        return rows, offset, clock

    def _rows(self, view: str, entities: Sequence[Entity], at: int) -> tuple[list[Row], int]:
        state, plan, offset = self.state, self.plan(view), self.as_of_offset
        return [Row(state, plan, entity, self.packed(view, entity, at), offset, at) for entity in entities], offset

    def _clock_of(self, at: Instant | None) -> int:
        return self.clock() if at is None else to_micros(at)

    def written_entities(self, view: str) -> list[Entity]:
        """Entities of a view that were ever written, deleted ones included, in order of their first write."""
        self.plan(view)
        return self.state.rows.entities(view, self.as_of_offset << ROW_BITS | ROW_MASK)

    def found_entities(self, view: str, at: Instant | None = None) -> list[Entity]:
        """Entities of a view that exist."""
        return self.consistently(self._found, view, self._clock_of(at))

    def _found(self, view: str, at: int) -> list[Entity]:
        self.plan(view)
        written = self.state.rows.entities(view, self.as_of_offset << ROW_BITS | ROW_MASK)
        return [entity for entity in written if _exists(self.packed(view, entity, at))]

    def count(self, view: str) -> int:
        """How many entities of a view exist."""
        return len(self.found_entities(view))

    # -- services, models, predictions ---------------------------------------------------------------

    def service(self, name: str) -> Service:
        """A feature service by name; raises ``UnknownName``."""
        return Service(self, name)

    def services(self) -> list[str]:
        """Names of the services."""
        return self.state.catalog.services.names(self.as_of_offset)

    def service_definition(self, name: str) -> ServiceDefinition:
        """The definition of a service that reads use."""
        return self.state.catalog.services.get(name, self.as_of_offset)

    def model(self, name: str) -> Model:
        """A model that is data, by ``name`` or ``name@version``."""
        return build_model(self.model_definition(name))

    def models(self) -> list[str]:
        """Names of the models that are data."""
        return self.state.catalog.models.names(self.as_of_offset)

    def model_definition(self, label: str) -> ModelDefinition:
        """The definition of a model, by ``name`` (its version here) or ``name@version``."""
        name, at, version = label.partition("@")
        models = self.state.catalog.models
        return models.version(name, int(version)) if at and version.isdigit() else models.get(name, self.as_of_offset)

    def prediction(self, prediction_id: str) -> Prediction:
        """A recorded prediction by its id ``service/entity@offset[.row]``."""
        found = parse_version(prediction_id)
        if found.offset > self.as_of_offset:
            rule = "a prediction's id names one recorded by this offset"
            raise UnknownVersion(rule, id=prediction_id, as_of=self.as_of_offset)
        return read_prediction(self.state, found.ref, prediction_id)

    def predictions(self, service: str | None = None, entity: Entity | None = None) -> list[Prediction]:
        """Recorded predictions in order: all, of a service, or of one entity of a service."""
        entity = None if entity is None else check_entity(entity)
        limit = self.as_of_offset << ROW_BITS | ROW_MASK
        refs = self.consistently(lambda: list(self.state.predictions.refs(limit, service, entity)))
        return [read_prediction(self.state, ref) for ref in refs]

    def reproduce(self, prediction_id: str, *, model: Callable[[Any], Any] | None = None) -> Reproduction:
        """Recompute a prediction's inputs and compare them bit for bit with what was recorded.

        The output is compared too when its model is data, or when ``model`` is given: a callable that
        takes the row of inputs. Cost: one past read for each view of its service.
        """
        return reproduce(self, self.prediction(prediction_id), model)

    # -- versions and events -------------------------------------------------------------------------

    def version(self, version_id: str) -> Row:
        """The entity as of one write: what a read right after it, and at its event time, shows."""
        wanted = parse_version(version_id)
        log = self.state.log
        known = 1 <= wanted.offset <= self.as_of_offset and (wanted.row or 0) < log.rows_at(wanted.offset)
        if not known or entity_or_none(self.state, wanted.ref) != (wanted.collection, wanted.entity):
            raise UnknownVersion("a version id names a row of the log", id=version_id, as_of=self.as_of_offset)
        at = max(log.time_of(wanted.offset), header_of(log.row(wanted.ref))[1])
        return self.state.read_past(self._version, wanted.collection, wanted.entity, wanted.ref, at)

    def _version(self, view: str, entity: Entity, ref: int, at: int) -> Row:
        offset = ref >> ROW_BITS
        plan = self.state.plan(view, offset)
        packed = self.state.rows.row(view, entity, ref, at, plan.wanted)
        return Row(self.state, plan, entity, packed, offset, at)

    def event(self, offset: int) -> Event:
        """The event at an offset."""
        if type(offset) is int and offset > self.as_of_offset:
            raise OffsetOutOfRange("an event's offset lies in the log", offset=offset, first=1, last=self.as_of_offset)
        return self.state.log.event(offset)

    def events(
        self, start: int = 1, stop: int | None = None, *, type: str | None = None, view: str | None = None
    ) -> Events:
        """Events from ``start`` up to, not including, ``stop`` (None: to the last), lazily.

        ``type`` and ``view`` keep only events of that type, and those that wrote to or defined that view.
        """
        end = self.as_of_offset + 1
        return Events(self.state.log, start, end if stop is None else min(stop, end), type, view)

    @property
    def at(self) -> datetime:
        """The clock that reads use."""
        return from_micros(self.clock())


def entity_or_none(state: State, ref: int) -> tuple[str, Entity] | None:
    """View and entity of a reference, None where it names no row of a view."""
    try:
        return entity_at(state.log, ref)
    except LookupError:
        return None


def _exists(packed: bytes | None) -> bool:
    return packed is not None and bool(header_of(packed)[2] & FOUND)
