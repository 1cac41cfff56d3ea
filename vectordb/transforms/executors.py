"""Executors: a fit is shared with one; the bits are those of one pass.

What learns each column of numbers by itself is sent it once, as bytes, with all steps that take it; other things that
rest on sums are summed in pieces of rows, and merged. 100,000 rows of 18 numbers through imputer and scaler: the caller
has 0.4 s of work left of 1.2.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from vectordb.batches.executors import PIECE, WORTH, Sharing
from vectordb.transforms.copying import unfitted
from vectordb.transforms.program import FLOAT
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
    return tuple(piece.transformer._sums_of(piece.table.unpacked(), piece.labels))


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
    columns: list[Any]
    for start in range(0, table.rows, PIECE):
        columns = [column[start : start + PIECE] for column in table.columns]
        pairs = zip(columns, table.kinds)  # floats are sent as an array: 2 ns each, in a list 25
        columns = [array("d", column) if kind == FLOAT else column for column, kind in pairs]
        rows = min(PIECE, table.rows - start)
        labels = None if y is None else y[start : start + PIECE]
        yield Piece(transformer, table._replace(columns=columns, rows=rows), labels)


# -- column by column ------------------------------------------------------------------------------------


class Column(NamedTuple):
    """A piece of work: a column of numbers, and the transformer that learns it. Plain data."""

    transformer: Transformer
    table: Table


def learn(transformer: Transformer, table: Table, y: Any) -> None:
    """Have a transformer learn from a table: column by column where an executor helps, else as it does."""
    if not learnt_by_column(transformer, table):
        transformer._learn(table if transformer._hands_on else table.unpacked(), y)


def learnt_by_column(transformer: Transformer, table: Table) -> bool:
    """Whether an executor has fitted a transformer, column by column: one that learns each of them by itself.

    A column is sent once, as bytes, and taken through all steps; what comes back is what they learnt.
    """
    sharing, leaves, width = _SHARING.get(), transformer._columnwise(), len(table.columns)
    if sharing is None or sharing.executor is None or not leaves or width < 2 or table.rows < WORTH:
        return False
    if any(kind != FLOAT for kind in table.kinds):
        return False
    found = list(sharing.each(learn_column, _columns(transformer, table), table.rows))
    for leaf, parts in zip(leaves, zip(*found, strict=True), strict=True):
        leaf._forget()
        vars(leaf).update(_joined(parts, leaf._by_column))
    return True


def learn_column(column: Column) -> list[dict[str, Any]]:
    """What each step of a transformer has learnt of a column."""
    own, token = unfitted(column.transformer), _SHARING.set(None)
    try:
        own._fit_table(column.table.unpacked(), None)
    finally:
        _SHARING.reset(token)
    return [
        {name: value for name, value in vars(leaf).items() if name.endswith("_") and name[0] != "_"}
        for leaf in own._columnwise()
    ]


def _columns(transformer: Transformer, table: Table) -> Iterator[Column]:
    for place in range(len(table.columns)):
        own = table.pick([place])
        (numbers,) = own.columns
        packed = numbers if isinstance(numbers, array) else array("d", numbers)
        yield Column(transformer, own._replace(columns=[packed]))


def _joined(parts: Sequence[dict[str, Any]], by_column: Sequence[str]) -> dict[str, Any]:
    """What was learnt of columns, put together; what is not of a column is the same for all of them."""
    made: dict[str, Any] = {}
    for name, first in parts[0].items():
        held = [part[name] for part in parts]
        if name == "n_features_in_":
            made[name] = sum(held)  # ints
        elif first is not None and (name in by_column or name == "feature_names_in_"):
            made[name] = tuple(item for own in held for item in own)
        else:
            made[name] = first
    return made
