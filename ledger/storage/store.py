"""The store contract: where the lines of a log are kept, so that they outlive the process.

A store keeps complete lines in order. It knows positions, not events: ``position`` is whatever it gave
for a line, and ``end`` the position after the last one. Stores hold no state of the log; the database
decides, digests and encodes before it appends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Store(Protocol):
    """What a store of lines does. ``jsonl_store`` keeps them in a file, ``sql_store`` in a table."""

    end: int  # the position after the last complete line that was read or appended

    @property
    def writable(self) -> bool:
        """Whether lines can be appended."""

    @property
    def follows(self) -> bool:
        """Whether others may append too, so that there is something to catch up with."""

    def after(self, position: int, line: bytes) -> int:
        """The position after a line that stands at a position."""

    def append(self, line: bytes, expected_head: int) -> int:
        """Append one whole line after ``expected_head`` events; the position of the line.

        All or nothing: a line that could not be written is cut off again before the error is raised.
        """

    def read(self, position: int = 0) -> Iterator[tuple[int, list[bytes]]]:
        """Complete lines from a position on: (position of the first, lines) in batches."""

    def line(self, position: int) -> bytes:
        """The one line at a position."""

    def ahead(self, position: int) -> tuple[int, bytes]:
        """How many lines stand from a position on, and the first of them."""

    def tail(self) -> bytes:
        """The bytes after the last complete line: of a write that a crash cut short."""

    def truncate(self, position: int) -> None:
        """Cut everything from a position on: a torn tail, or a line that must not stay."""

    def sync(self) -> None:
        """Hand everything to the disk."""

    def close(self) -> None:
        """Release the store and its lock."""
