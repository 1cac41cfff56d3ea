"""Producers of Arrow columns, also of impossible ones."""

from __future__ import annotations

import struct
from typing import Any

from vectordb.interop.c_data.column import Cells, Column, Piece, Shape
from vectordb.interop.c_data.export import array_capsules


class Foreign:
    """A producer of one column of any layout."""

    def __init__(self, format: str, *buffers: bytes | None, rows: int = 1, nulls: int = 0, **parts: Any) -> None:
        inside: tuple[Column, ...] = parts.get("inside", ())
        known: Column | None = parts.get("known")
        pieces = tuple(None if data is None else Piece(data) for data in buffers)
        children = tuple((f"c{place}", column.shape) for place, column in enumerate(inside))
        self.shape = Shape(format, children, known.shape if known else None, parts.get("metadata", ()))
        self.cells = Cells(rows, nulls, pieces, tuple(one.cells for one in inside), known.cells if known else None)

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        return array_capsules(Column(self.shape, self.cells))


def ints(*values: int, code: str = "i") -> bytes:
    return struct.pack(f"<{len(values)}{code}", *values)
