"""Events of a log as a lazy sequence."""

from __future__ import annotations

from collections.abc import Iterator

from ledger import Event, Header, Log
from vectordb.interop import TableStream, Tabular, events_table


class Events(Tabular):
    """Iterates over a range of offsets, again each time; ``len`` counts the events that match.

    An event is made when the iteration reaches it. With neither ``type`` nor ``view`` the length is free.
    """

    def __init__(self, log: Log, start: int, stop: int, type: str | None, view: str | None) -> None:
        self._log = log
        self.start = max(1, start)
        self.stop = max(self.start, stop)
        self._type = type
        self._view = view

    @property
    def header(self) -> Header:
        """The header of the log that they come from."""
        return self._log.header

    def __iter__(self) -> Iterator[Event]:
        for event in self._log.events(self.start, self.stop):
            if self._is_typed(event) and (self._view is None or self._view in event.views):
                yield event

    def _is_typed(self, event: Event) -> bool:
        """Whether it is of the type asked for, or was before something was erased from it."""
        redaction = event.fact.redaction
        was = "" if redaction is None else redaction.was.partition("@")[0]
        return self._type in (None, event.type, was)

    def __len__(self) -> int:
        if self._type is None and self._view is None:
            return self.stop - self.start
        return sum(1 for _ in self)  # ints

    def table(self) -> TableStream:
        """The events as Arrow columns, their payloads as JSON; some thousand at a time. 10 us an event."""
        return events_table(self)

    def __repr__(self) -> str:
        return f"Events({self.start}, {self.stop}, type={self._type!r}, view={self._view!r})"
