"""The reader: every read there is, of a database as it is now or as it was at an offset.

A read is (offset, at): what was known after ``offset`` events, and valid at the clock ``at``. Live reads
take the head and the clock, once a call; a past has both pinned. ``VectorDB`` and ``Past`` differ in
nothing else, so the past has no second API.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Entity,
    Event,
    Header,
    Instant,
    InvalidInput,
    OffsetOutOfRange,
    Parent,
    PredictionsRecorded,
    TimeOutOfRange,
    UnknownVersion,
    check_entity,
    check_kept,
    from_micros,
    header_of,
    to_micros,
)
from vectordb.audit import Audit
from vectordb.events import Events
from vectordb.experiments import Experiment
from vectordb.exporting import Export
from vectordb.lineage import LineageGraph
from vectordb.models import Model, build_model
from vectordb.predictions.prediction import Prediction, find_prediction, read_prediction
from vectordb.predictions.reproduction import Reproduction, reproduce
from vectordb.services.service import Service
from vectordb.source import Source
from vectordb.training.training_record import RecordedTrainingSet, find_training_set
from vectordb.views.row import Row
from vectordb.views.version import find_row
from vectordb.views.view import View

if TYPE_CHECKING:
    from vectordb.past import Past


class Reader(Source):
    """Base of ``VectorDB`` (live) and ``Past`` (pinned): what callers ask. ``Source`` is what answers."""

    __slots__ = ()

    # -- time travel ---------------------------------------------------------------------------------

    def as_of(
        self,
        offset: int | None = None,
        *,
        time: Instant | None = None,
        mark: str | None = None,
        prediction: str | Prediction | None = None,
    ) -> Past:
        """The database as it was: at an offset, a time, a mark, or as a prediction saw it; exactly one. 0.9 us.

        Its clock is the recorded time of the offset, the ``time`` asked for, or the clock that the prediction's read
        used. Raises ``InvalidInput`` unless exactly one is given, ``OffsetOutOfRange`` and ``TimeOutOfRange``,
        ``Pruned`` below a compaction, ``UnknownName`` for a mark, ``UnknownVersion`` for a prediction.

        >>> from vectordb import VectorDB
        >>> db = VectorDB()
        >>> offset = db.mark("release-7")
        >>> db.as_of(0).head, db.as_of(mark="release-7").head
        (0, 1)
        """
        if offset is not None and time is None and mark is None and prediction is None:
            return self._as_of_offset(offset)
        if [offset, time, mark, prediction].count(None) != 3:
            given = {"offset": offset, "time": time, "mark": mark, "prediction": prediction}
            raise InvalidInput("as_of takes exactly one of offset, time, mark and prediction", **given)
        if time is not None:
            return self._as_of_time(time)
        if mark is not None:
            return self._as_of_offset(self.consistently(self._mark, mark))
        found = self.prediction(prediction or "")  # not None: three of the four are
        return self.pinned(found.as_of, to_micros(found.at))

    def marks(self) -> dict[str, int]:
        """The offsets that ``mark`` named, by name, in order.

        >>> from vectordb import VectorDB
        >>> db = VectorDB()
        >>> db.mark("release-7"), db.mark("release-8"), db.as_of(1).marks()
        (1, 2, {'release-7': 1})
        """
        return self.consistently(self._marks)

    def _as_of_offset(self, offset: int) -> Past:
        head = self.as_of_offset
        if offset == head:
            self.consistently(lambda: None)  # the last event may still be being folded: no past until it is
        if type(offset) is not int or not 0 <= offset <= head:
            first = self.state.log.pruned
            hint = "" if type(offset) is int else ": a time goes in time=, a mark in mark="
            raise OffsetOutOfRange(f"as_of is an offset of the log{hint}", offset=offset, first=first, last=head)
        check_kept(self.state.log, offset)
        return self.pinned(offset, self.state.log.time_of(offset))

    def _marks(self) -> dict[str, int]:
        limit = self.as_of_offset
        return {name: offset for name, offset in list(self.state.catalog.marks.items()) if offset <= limit}

    def _mark(self, name: str) -> int:
        return self.state.catalog.mark(name, self.as_of_offset)

    def _as_of_time(self, instant: Instant) -> Past:
        micros, now = to_micros(instant), self.clock()
        if micros > now:
            raise TimeOutOfRange("as_of does not lie after the clock", time=from_micros(micros), clock=from_micros(now))
        head = self.consistently(lambda: self.as_of_offset)  # not an event that is still being folded
        offset = min(head, self.state.log.offset_at(micros))
        check_kept(self.state.log, offset)
        return self.pinned(offset, micros)

    # -- views ---------------------------------------------------------------------------------------

    def view(self, name: str) -> View:
        """A view by name; raises ``UnknownName``."""
        return View(self, name)

    def views(self) -> list[str]:
        """Names of the views, in order of their first definition."""
        return self._names("views")

    def _names(self, shelf: str) -> list[str]:
        return self.consistently(lambda: list(getattr(self.state.catalog, shelf).names(self.as_of_offset)))

    # -- services, models, predictions ---------------------------------------------------------------

    def service(self, name: str) -> Service:
        """A feature service by name; raises ``UnknownName``."""
        return Service(self, name)

    def services(self) -> list[str]:
        """Names of the services."""
        return self._names("services")

    def model(self, name: str) -> Model:
        """A model that is data, by ``name`` or ``name@version``."""
        return build_model(self.model_definition(name))

    def models(self) -> list[str]:
        """Names of the models that are data."""
        return self._names("models")

    def training_sets(self) -> list[str]:
        """Names of the training sets that were recorded."""
        return self._names("training_sets")

    def training_set_record(self, name: str) -> RecordedTrainingSet:
        """What was recorded of a training set; raises ``UnknownName``."""
        return self.consistently(find_training_set, self.state, name, self.as_of_offset)

    def experiment(self, name: str) -> Experiment:
        """An experiment by name; raises ``UnknownName``."""
        return Experiment(self, name)

    def experiments(self) -> list[str]:
        """Names of the experiments."""
        return self._names("experiments")

    def prediction(self, prediction: str | Prediction) -> Prediction:
        """A recorded prediction by its id ``service/entity@offset[.row]`` (or itself: it is read again).

        Raises ``UnknownVersion`` for an id that names none that is known here.
        """
        wanted = prediction.id if isinstance(prediction, Prediction) else prediction
        return find_prediction(self.state, wanted, self.as_of_offset)

    def predictions(self, service: str | None = None, entity: Entity | None = None) -> list[Prediction]:
        """Recorded predictions in order: all, or those of a service, of an entity, or of both.

        Raises ``UnknownName`` for the service.
        """
        entity = None if entity is None else check_entity(entity)
        return self.consistently(self._predictions, service, entity)

    def _predictions(self, service: str | None, entity: Entity | None) -> list[Prediction]:
        if service is not None:
            self.service_definition(service)
        limit = self.as_of_offset << ROW_BITS | ROW_MASK
        return [read_prediction(self.state, ref) for ref in self.state.predictions.refs(limit, service, entity)]

    def reproduce(self, prediction: str | Prediction, *, model: Callable[[Any], Any] | None = None) -> Reproduction:
        """Recompute a prediction's inputs and compare them bit for bit with what was recorded.

        ``prediction`` is an id or a ``Prediction``. The output is compared too when its model is data, or when
        ``model`` is given: a callable that takes the row of inputs. What cannot be read again is told in the answer;
        ``UnknownVersion`` is raised for an id that names no prediction. Cost: a past read of each view of its service.
        """
        return reproduce(self, self.prediction(prediction), model)

    # -- lineage and audit ---------------------------------------------------------------------------

    @property
    def lineage(self) -> LineageGraph:
        """What was derived from what."""
        return LineageGraph(self)

    @property
    def audit(self) -> Audit:
        """Explanations, differences, bisection, verification and proofs."""
        return Audit(self)

    @property
    def export(self) -> Export:
        """Files for offline analysis: ``db.export.view("drivers", "drivers.csv")``."""
        return Export(self)

    # -- versions and events -------------------------------------------------------------------------

    def version(self, version_id: str) -> Row:
        """The entity as of one write: what a read right after it, and at its event time, shows.

        Raises ``UnknownVersion``, ``Erased``, ``Pruned``.
        """
        log = self.state.log
        wanted = find_row(log, version_id, self.as_of_offset)
        if isinstance(log.event(wanted.offset).fact, PredictionsRecorded):
            raise UnknownVersion("a version id names a row of a view", id=version_id)
        at = max(log.time_of(wanted.offset), header_of(log.row(wanted.ref))[1])
        return self.state.read_past(self._version, wanted.collection, wanted.entity, wanted.ref, at)

    def _version(self, view: str, entity: Entity, ref: int, at: int) -> Row:
        offset = ref >> ROW_BITS
        check_kept(self.state.log, offset)
        plan = self.state.plan(view, offset)
        packed = self.state.rows.row(view, entity, ref, at, plan.wanted)
        return Row(self.state, plan, entity, packed, offset, at)

    def event(self, offset: int) -> Event:
        """The event at an offset; raises ``OffsetOutOfRange``."""
        if type(offset) is int and offset > self.as_of_offset:
            raise OffsetOutOfRange("an event's offset lies in the log", offset=offset, first=1, last=self.as_of_offset)
        return self.state.log.event(offset)

    def events(
        self, start: int = 1, stop: int | None = None, *, type: str | None = None, view: str | None = None
    ) -> Events:
        """Events from ``start`` up to, not including, ``stop`` (None: to the last), lazily.

        ``type`` and ``view`` keep only events of that type (also where something of it was erased since), and those
        that wrote to or defined that view. Raises ``OffsetOutOfRange`` for a bound that is no int.
        """
        for bound in (start, 1 if stop is None else stop):
            if not isinstance(bound, int):
                raise OffsetOutOfRange("a range of events is given by offsets", start=start, stop=stop)
        end = self.as_of_offset + 1
        return Events(self.state.log, start, end if stop is None else min(stop, end), type, view)

    @property
    def header(self) -> Header:
        """Identity of the ledger: its id, when it was created, and the parent of a fork."""
        return self.state.log.header

    @property
    def parent(self) -> Parent | None:
        """Where a fork left its parent: ledger id, offset and digest there; None for a ledger that is no fork."""
        return self.header.parent

    def digest(self, offset: int | None = None) -> str:
        """The digest of an event in hex (None: the last one); it binds every byte of the log before it.

        Raises ``OffsetOutOfRange``.
        """
        at = self.as_of_offset if offset is None else offset
        if type(at) is not int or not 0 <= at <= self.as_of_offset:
            raise OffsetOutOfRange("an event's offset lies in the log", offset=at, first=0, last=self.as_of_offset)
        return self.state.log.digest(at).hex()

    @property
    def at(self) -> datetime:
        """The clock that reads use."""
        return from_micros(self.clock())
