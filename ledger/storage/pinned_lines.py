"""Pinned lines: those of a log as they are now, whatever is written, erased or compacted while somebody reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.segment import SEGMENT_BITS, SEGMENT_MASK
from ledger.values.pool_use import blank_unused

if TYPE_CHECKING:
    from ledger.log import Log


class PinnedLines:
    """Bodies up to the head. Made under the writers' lock, read without it, let go of under it.

    What takes something out of the log replaces whole segments, so these stay; and while it is held, no category is
    forgotten (``pool.holders``).
    """

    def __init__(self, log: Log) -> None:
        self._pool = log.layouts.pool
        self._segments = list(log._segments)
        self.redacted = dict(log.chain.redacted)
        self.head = log.head
        self._pool.holders.add(self)

    def body(self, offset: int) -> bytes:
        """The body of an event's line."""
        position = offset - 1
        return self._segments[position >> SEGMENT_BITS].body(position & SEGMENT_MASK)

    def release(self, log: Log) -> None:
        """Nothing is read any more: what was erased meanwhile may be forgotten."""
        self._pool.holders.discard(self)
        if self._pool.pending:
            blank_unused(log, set())
