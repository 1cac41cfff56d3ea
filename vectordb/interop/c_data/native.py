"""Native twins: the same memory as an object of pyarrow or NumPy, where the caller has loaded them.

Their structs let go of memory by C alone, which works where a callback of ctypes does not (``lifetime``):
``pyarrow.table(view).column("nope")`` frees the table while its KeyError is on its way. Nothing is copied.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from vectordb.interop.c_data.column import Cells, Column, Shape, check_alike

NAMES: Final = {
    "g": "float64", "f": "float32", "e": "float16", "l": "int64", "i": "int32", "c": "int8", "C": "uint8",
    "b": "bool_", "u": "string", "U": "large_string", "n": "null",
}  # fmt: skip


def loaded_pyarrow() -> Any:
    """pyarrow where the process has imported it; None where it has not, or is still at it."""
    return _whole(sys.modules.get("pyarrow"))


def loaded_numpy() -> Any:
    """NumPy where the process has imported it; None where it has not, or is still at it."""
    return _whole(sys.modules.get("numpy"))


def _whole(module: Any) -> Any:
    return module if getattr(module, "__version__", None) else None


def arrow_field(arrow: Any, name: str, shape: Shape) -> Any:
    """The field of a column."""
    return arrow.field(name, arrow_type(arrow, shape), metadata=dict(shape.metadata) or None)


def arrow_type(arrow: Any, shape: Shape) -> Any:
    """The type of a column."""
    if shape.dictionary is not None:
        return arrow.dictionary(arrow.int32(), arrow_type(arrow, shape.dictionary))
    made: Callable[[Any, Shape, str], Any] | None = _TYPES.get(shape.format.partition(":")[0])
    if made is not None:
        return made(arrow, shape, shape.format.partition(":")[2])
    return getattr(arrow, NAMES[shape.format])()


_TYPES: Final[dict[str, Callable[[Any, Shape, str], Any]]] = {
    "tsu": lambda arrow, shape, zone: arrow.timestamp("us", tz=zone),
    "w": lambda arrow, shape, size: arrow.binary(int(size)),
    "+w": lambda arrow, shape, dim: arrow.list_(arrow_field(arrow, *shape.children[0]), int(dim)),
    "+l": lambda arrow, shape, _: arrow.list_(arrow_field(arrow, *shape.children[0])),
    "+s": lambda arrow, shape, _: arrow.struct([arrow_field(arrow, *child) for child in shape.children]),
}


def arrow_schema(arrow: Any, shape: Shape) -> Any:
    """The schema of a table."""
    return arrow.schema([arrow_field(arrow, *child) for child in shape.children])


def arrow_array(arrow: Any, shape: Shape, cells: Cells) -> Any:
    """The array of a column, over its own bytes."""
    if shape.format == "n":
        return arrow.nulls(cells.length)
    pieces = [None if piece is None else memoryview(piece.data)[piece.start :] for piece in cells.buffers]
    buffers = [None if piece is None else arrow.py_buffer(piece) for piece in pieces]
    if shape.dictionary is not None and cells.dictionary is not None:
        codes = arrow.Array.from_buffers(arrow.int32(), cells.length, buffers, cells.nulls)
        known = arrow_array(arrow, shape.dictionary, cells.dictionary)
        return arrow.DictionaryArray.from_arrays(codes, known, safe=False)
    children = [arrow_array(arrow, own, part) for (_, own), part in zip(shape.children, cells.children)]
    return arrow.Array.from_buffers(arrow_type(arrow, shape), cells.length, buffers, cells.nulls, children=children)


def arrow_reader(arrow: Any, shape: Shape, batches: Iterable[Column]) -> Any:
    """The stream of some tables, each made when it is asked for; an error of theirs is raised by whoever reads."""
    schema = arrow_schema(arrow, shape)

    def read() -> Iterator[Any]:
        for batch in batches:
            check_alike(shape, batch.shape)
            parts = zip(shape.children, batch.cells.children)
            arrays = [arrow_array(arrow, own, cells) for (_, own), cells in parts]
            yield arrow.RecordBatch.from_arrays(arrays, schema=schema)

    return arrow.RecordBatchReader.from_batches(schema, read())
