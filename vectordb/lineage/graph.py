"""The lineage graph of a database: ``db.lineage``, and of a past: ``db.as_of(n).lineage``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from vectordb.lineage.cone import Cone, find_cone
from vectordb.lineage.nodes import ref_of

if TYPE_CHECKING:
    from vectordb.reader import Reader

T = TypeVar("T")


class LineageGraph:
    """What was derived from what, as of the reader that it was asked of."""

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def cone(self, value: Any) -> Cone:
        """Everything that a version or prediction was derived from, itself included, in the order of the log.

        Values only: the inputs of a prediction, what they were derived from, and so on; a prediction that something was
        derived from counts with its own inputs. ``value`` is an id, a ``Version`` or a ``Prediction``; raises
        ``UnknownVersion``. 1 us a value.
        """
        return self._ask(lambda limit: find_cone(self._reader.state, ref_of(self._reader.state, value, limit)))

    def _ask(self, question: Callable[[int], T]) -> T:
        """The answer at the reader's offset: what is known up to it never changes."""
        limit = self._reader.consistently(lambda: self._reader.as_of_offset)
        return self._reader.state.read_past(question, limit)

    def __repr__(self) -> str:
        return f"LineageGraph(as_of={self._reader.as_of_offset})"
