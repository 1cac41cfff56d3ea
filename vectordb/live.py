"""The live reader: the database as it is now, and the way to its pasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ledger import Entity, Instant, InvalidInput, OffsetOutOfRange, TimeOutOfRange, from_micros, to_micros
from vectordb.past import Past
from vectordb.plan import Plan
from vectordb.reader import Reader

T = TypeVar("T")


class Live(Reader):
    """Every read at (head, clock), both taken once a call; ``as_of`` pins them. ``VectorDB`` adds the writes."""

    @property
    def as_of_offset(self) -> int:
        """The head: live reads see everything."""
        return self.state.log.head

    @property
    def head(self) -> int:
        """The last offset; 0 when nothing has happened."""
        return self.state.log.head

    def clock(self) -> int:
        """The clock, but never before the last recorded time, in microseconds."""
        return self.state.now()

    def pinned(self, offset: int, at: int) -> Past:
        """A past at an offset and clock, unchecked."""
        return Past(self.state, offset, at)

    def consistently(self, function: Callable[..., T], *arguments: Any) -> T:
        """Lock-free, tried again when a write came between."""
        return self.state.read(function, *arguments)

    def plan(self, view: str) -> Plan:
        """The newest definition of a view."""
        return self.state.plan(view)

    def packed(self, view: str, entity: Entity, at: int) -> bytes | None:
        """From the current rows."""
        return self.state.live_row(view, entity, at)

    def as_of(
        self,
        offset: int | None = None,
        *,
        time: Instant | None = None,
        mark: str | None = None,
        prediction: str | None = None,
    ) -> Past:
        """The database as it was: at an offset, a time, a mark, or as a prediction saw it; exactly one.

        The clock of the past is the recorded time of the offset, the ``time`` asked for, or the clock
        that the prediction's read used.
        """
        if offset is not None and time is None and mark is None and prediction is None:
            return self._as_of_offset(offset)
        if [offset, time, mark, prediction].count(None) != 3:
            given = {"offset": offset, "time": time, "mark": mark, "prediction": prediction}
            raise InvalidInput("as_of takes exactly one of offset, time, mark and prediction", **given)
        if time is not None:
            return self._as_of_time(time)
        if mark is not None:
            return self._as_of_offset(self.state.catalog.mark(mark))
        found = self.prediction(prediction or "")
        return Past(self.state, found.as_of, to_micros(found.at))

    def _as_of_offset(self, offset: int) -> Past:
        log = self.state.log
        if type(offset) is not int or not 0 <= offset <= log.head:
            raise OffsetOutOfRange("as_of is an offset of the log", offset=offset, first=0, last=log.head)
        return Past(self.state, offset, log.time_of(offset))

    def _as_of_time(self, instant: Instant) -> Past:
        micros, now = to_micros(instant), self.clock()
        if micros > now:
            raise TimeOutOfRange("as_of does not lie after the clock", time=from_micros(micros), clock=from_micros(now))
        return Past(self.state, self.state.log.offset_at(micros), micros)
