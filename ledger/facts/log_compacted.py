"""The log was compacted: what later reads cannot see is gone from the events before an offset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.errors import InvalidInput
from ledger.facts.fact import Reading, take
from ledger.facts.vouched import Vouching, take_lines


class LogCompacted(Vouching):
    """Events before ``below`` keep only what reads as of ``below`` and later need; ``pruned`` lines keep nothing.

        {"below":41,"pruned":30,"leaves":"<64 hex>","lines":[12],"digests":"<base64>"}

    ``leaves`` is the SHA-256 of the digests of the events before ``below``, one after the other: those of pruned lines
    stand in the file and nothing else binds them.
    """

    __slots__ = ("below", "leaves", "pruned")
    type = "log_compacted"

    def __init__(self, below: int, pruned: int, leaves: str, lines: Mapping[int, bytes]) -> None:
        super().__init__(lines)
        self.below = below
        self.pruned = pruned
        self.leaves = leaves

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {"below": self.below, "pruned": self.pruned, "leaves": self.leaves, **self.lines_to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> LogCompacted:
        """See the class."""
        below, pruned, leaves = take(data, "below", int), take(data, "pruned", int), take(data, "leaves", str)
        if not 1 <= below <= reading.offset or not 0 <= pruned < below:
            raise InvalidInput("a log is compacted below an offset that it has", below=below, pruned=pruned)
        lines = take_lines(data, reading)
        if any(offset >= below for offset in lines):
            raise InvalidInput("a compaction rewrites only lines below its bound", below=below)
        return cls(below, pruned, leaves, lines)
