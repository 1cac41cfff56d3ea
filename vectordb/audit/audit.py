"""The audit of a database: ``db.audit``, and of a past: ``db.as_of(n).audit``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vectordb.audit.difference import Difference

if TYPE_CHECKING:
    from vectordb.reader import Reader
    from vectordb.what_if import PredictionWhatIf


class Audit:
    """Questions about the past of a database; each answers as of the reader that it was asked of.

    >>> from vectordb import VectorDB
    >>> VectorDB().audit
    Audit(as_of=0)
    """

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    # -- one prediction --------------------------------------------------------------------------------

    # -- two states ------------------------------------------------------------------------------------

    def diff(
        self,
        a: Any,
        b: Any,
        neighbours: Iterable[Sequence[Any]] | None = None,
        views: Iterable[str] | None = None,
        limit: int | None = None,
    ) -> Difference:
        """What differs from ``a`` to ``b``: two offsets, two readers (past, fork, other database), or one of each.

        Definitions, rows of all views (or of ``views``), predictions, the exact hits of ``neighbours`` as (view,
        feature, vector, k), and tallies of experiments; or of two predictions (or their ids) every input, transformed
        value and output. Each state is read at its own clock. At most ``limit`` changes a section, and rows a view, are
        listed. Cost: 2 us an event since the common ground (of two ledgers without one, 5 us a row), 20 us a change.
        """
        from vectordb.audit.differing import diff

        return diff(self._reader, a, b, neighbours, views, limit)

    def what_if(
        self, prediction: Any, values: Mapping[str, Any], *, model: Callable[[Any], Any] | None = None
    ) -> PredictionWhatIf:
        """What a prediction (or its id) would have been with other inputs: the pinned ones, some of them changed.

        They go through the pipeline that it went through, and to its model where that is data, or to ``model``: a
        callable of the row. Nothing is replayed and nothing else is read. 60 us.
        """
        from vectordb.what_if import what_if_prediction

        found = self._reader.prediction(prediction) if isinstance(prediction, str) else prediction
        return what_if_prediction(self._reader, found, values, model)

    # -- the whole -------------------------------------------------------------------------------------

    # -- proofs ----------------------------------------------------------------------------------------

    # -- erasure ---------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"Audit(as_of={self._reader.as_of_offset})"
