"""The event: one immutable fact at one offset of the log.

A slotted class: 0.27 us to make on 3.11, a named tuple 0.29, a frozen slotted dataclass 0.5; a plain
tuple 0.05, but every reader would have to know positions. The log does not keep events, it makes them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.facts.fact import Fact
from ledger.times import from_micros

if TYPE_CHECKING:
    from ledger.log import Log


class Meta(NamedTuple):
    """Who and why: free text that the log keeps and never interprets."""

    actor: str | None = None
    correlation: str | None = None
    causation: str | None = None
    tags: tuple[str, ...] = ()


class Event:
    """``offset`` counts from 1; ``time`` is the recorded time in microseconds, never going back.

    ``fact`` is what happened, ``meta`` who and why (None where nothing was said). Treat it as
    immutable: it may be shared.
    """

    __slots__ = ("_log", "fact", "meta", "offset", "time")

    def __init__(self, offset: int, time: int, fact: Fact, meta: Meta | None, log: Log | None = None) -> None:
        self.offset = offset
        self.time = time
        self.fact = fact
        self.meta = meta
        self._log = log

    @property
    def type(self) -> str:
        """The past-tense name of what happened, such as ``row_put``."""
        return self.fact.type

    @property
    def recorded_time(self) -> datetime:
        """When it was learnt, as an aware UTC datetime."""
        return from_micros(self.time)

    @property
    def rows(self) -> int:
        """How many rows it wrote."""
        return self.fact.rows

    @property
    def views(self) -> tuple[str, ...]:
        """The views it wrote to or defined."""
        return self.fact.views

    @property
    def payload(self) -> dict[str, Any]:
        """The fact in its stored form, as plain data."""
        return self.fact.to_json(self.time)

    @property
    def digest(self) -> str:
        """SHA-256 over the ledger id, the previous digest and the event's line, in hex.

        An in-memory log computes digests in order on first use: some 25 us (rendering
        ten floats) for each event not digested yet.
        """
        if self._log is None:
            raise ValueError("an event outside a log has no digest")
        return self._log.digest(self.offset).hex()

    def __repr__(self) -> str:
        shown = f"{self.offset}, {self.type}, {self.recorded_time.isoformat()}"
        return f"Event({shown}, views={list(self.views)}, rows={self.rows})"
