"""Sharing a fit: what rests on sums is summed in pieces by an executor, and merged; the bits are those of one pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from vectordb.sharing import PIECE, WORTH, Sharing
from vectordb.transforms.table import Table

if TYPE_CHECKING:
    from vectordb.transforms.base import Transformer
    from vectordb.transforms.exact import Incremental

_SHARING: ContextVar[Sharing | None] = ContextVar("sharing", default=None)


class Piece(NamedTuple):
    """A piece of work: some rows, their labels, and the transformer that sums them. Plain data."""

    transformer: Incremental
    table: Table
    labels: Any


def fit_shared(transformer: Transformer, table: Table, y: Any, sharing: Sharing) -> Transformer:
    """Fit on a table, with an executor where one is given."""
    token = _SHARING.set(sharing)
    try:
        transformer._fit_table(table, y)
    finally:
        _SHARING.reset(token)
    sharing.tell(1, 1)
    return transformer


def sums_of(piece: Piece) -> Any:
    """The sums of a piece."""
    return tuple(piece.transformer._sums_of(piece.table, piece.labels))


def shared_sums(transformer: Incremental, table: Table, y: Any) -> Any:
    """The sums of a table: in pieces where an executor helps and there are rows enough."""
    sharing = _SHARING.get()
    if sharing is None or sharing.executor is None or table.rows < WORTH or not transformer._by_piece:
        return tuple(transformer._sums_of(table, y))
    found: Any = None
    for sums in sharing.each(sums_of, _pieces(transformer, table, y), table.rows):
        found = sums if found is None else tuple(held.merge(more) for held, more in zip(found, sums, strict=True))
    return found


def _pieces(transformer: Incremental, table: Table, y: Any) -> Iterator[Piece]:
    for start in range(0, table.rows, PIECE):
        columns = [column[start : start + PIECE] for column in table.columns]
        rows = min(PIECE, table.rows - start)
        labels = None if y is None else y[start : start + PIECE]
        yield Piece(transformer, table._replace(columns=columns, rows=rows), labels)
