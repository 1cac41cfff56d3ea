"""The lineage graph of a database: ``db.lineage``, and of a past: ``db.as_of(n).lineage``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectordb.reader import Reader


class LineageGraph:
    """What was derived from what, as of the reader that it was asked of."""

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __repr__(self) -> str:
        return f"LineageGraph(as_of={self._reader.as_of_offset})"
