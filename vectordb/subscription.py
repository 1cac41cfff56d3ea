"""A subscription: events from an offset on, first the old ones, then each as it is published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ledger import Event

if TYPE_CHECKING:
    from vectordb.database import VectorDB

SLICE_S = 0.2  # how long one wait may last before a close is noticed


class Subscription:
    """Iterate to follow the log; ``poll`` to take one event without blocking for long.

    Events arrive after the views show them. A slow subscriber never slows a write: it reads the log at
    its own pace, from its own position. On a read-only database it reads the file meanwhile, and so may
    raise what ``refresh`` raises.

    >>> from vectordb import VectorDB
    >>> db = VectorDB()
    >>> news = db.subscribe()
    >>> offset = db.mark("release-7")
    >>> news.poll().type, news.poll()
    ('log_marked', None)
    """

    def __init__(self, db: VectorDB, from_offset: int) -> None:
        self._db = db
        self.next_offset = from_offset
        self.closed = False

    def poll(self, timeout: float | None = 0.0) -> Event | None:
        """The next event, waiting at most ``timeout`` seconds for it (None: for ever)."""
        if self.closed or not self._db.wait(self.next_offset, timeout):
            return None
        event = self._db.state.log.event(self.next_offset)
        self.next_offset += 1
        return event

    def __iter__(self) -> Iterator[Event]:
        while not self.closed:
            event = self.poll(SLICE_S)
            if event is not None:
                yield event

    def __repr__(self) -> str:
        return f"Subscription(next_offset={self.next_offset}, closed={self.closed})"

    def close(self) -> None:
        """End the iteration, within a fraction of a second, from any thread."""
        self.closed = True
