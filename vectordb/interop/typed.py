"""Typed columns: the values of a feature, by its type, as Arrow columns."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any, Final

from ledger import FeatureType, to_micros
from vectordb.interop.block import FORMATS
from vectordb.interop.column import (
    Cells,
    Column,
    Piece,
    Shape,
    bools,
    coded,
    instants,
    numbers,
    plain,
    texts,
    valid,
    vectors,
)


def cell_column(kind: Any, cells: Sequence[Any]) -> Column:
    """A column of stored cells (``FeatureType.check``) that are no numbers; None is null."""
    if kind.name == "vector":
        return _vectors(kind, cells)
    return {"category": coded, "text": texts, "timestamp": instants}[kind.name](cells)


def value_column(kind: FeatureType, values: Sequence[Any]) -> Column:
    """A column of values as reads give them; None is null."""
    make = _MAKERS.get(kind.name)
    if make is not None:
        return make(values)
    return cell_column(kind, [None if value is None else kind.check(value) for value in values])


def _vectors(kind: Any, cells: Sequence[bytes | None]) -> Column:
    gap = kind.gap()
    data = b"".join([gap if cell is None else cell for cell in cells])
    present = [cell is not None for cell in cells]
    if kind.dtype == "binary":
        nulls, bitmap = valid(present)
        return Column(Shape(f"w:{kind.size}"), Cells(len(cells), nulls, (bitmap, Piece(data))))
    return vectors(FORMATS[kind.dtype], kind.dim, Piece(data), len(cells), present)


def time_column(times: Sequence[Any]) -> Column:
    """Aware datetimes; None is null."""
    return instants([None if time is None else to_micros(time) for time in times])


def number_column(block: Any, place: int, name: str, nan_is_null: bool) -> Column:
    """A column of a block of numbers: the block itself where it has one column of floats, else a copy. 5 ns a number.

    Without ``nan_is_null`` it is of floats, and NaN stays NaN.
    """
    rows, width = block.shape
    flat = block.flat
    piece = Piece(block._bytes, block._start) if width == 1 else Piece(flat[place::width].tobytes())
    column = memoryview(piece.data)[piece.start : piece.start + rows * flat.itemsize].cast(flat.format)
    present = [number == number for number in column.tolist()] if nan_is_null and _may_hold_nan(column) else None
    if name == "float" or not nan_is_null:
        return plain(FORMATS[block.dtype], piece, rows, present)
    held = column.tolist()
    values = held if present is None else [number if there else None for number, there in zip(held, present)]
    if name == "bool":
        return bools(values)
    if present is not None:
        return numbers("l", "q", [None if value is None else int(value) for value in values])
    return plain("l", Piece(array("q", map(int, values)).tobytes()), rows)


def _may_hold_nan(column: memoryview) -> bool:
    """Whether the top byte of a number is that of NaN: two counts clear a column in 2 ns a number."""
    top = column.cast("B")[column.itemsize - 1 :: column.itemsize].tobytes()
    return bool(top.count(0x7F) or top.count(0xFF))


_MAKERS: Final[dict[str, Callable[[Sequence[Any]], Column]]] = {
    "float": lambda values: numbers("g", "d", values),
    "int": lambda values: numbers("l", "q", values),
    "bool": bools,
    "timestamp": time_column,
    "category": coded,
    "text": texts,
}
