"""Offsets: where the events of the parent stand in the branch."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from ledger import ROW_BITS, ROW_MASK, UnknownVersion


class Offsets:
    """Filled event by event: ``before`` has the branch's head before each event of the parent, ``new`` its offset.

    Up to the fork at ``start`` both logs are the same.
    """

    __slots__ = ("before", "new", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.before = array("q")
        self.new = array("q")

    def of(self, offset: int) -> int | None:
        """The offset in the branch of an event; None where it was dropped or not replayed."""
        if offset <= self.start:
            return offset
        return self.new[offset - self.start - 1] or None

    def seen_at(self, offset: int, head: int) -> int:
        """What a read at an offset of the parent sees in the branch: all up to there, what was added after it too."""
        if offset < self.start:
            return offset
        place = offset - self.start
        return self.before[place] if place < len(self.before) else head

    def ref(self, ref: int) -> int:
        """A reference in the branch; ``UnknownVersion`` where its event is not there."""
        offset = self.of(ref >> ROW_BITS)
        if offset is None:
            rule = "an event refers to versions that the branch has"
            raise UnknownVersion(rule, offset=ref >> ROW_BITS, row=ref & ROW_MASK)
        return offset << ROW_BITS | ref & ROW_MASK

    def refs(self, refs: Iterable[int]) -> tuple[int, ...]:
        """Several of them."""
        return tuple(map(self.ref, refs))
