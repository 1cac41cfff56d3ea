"""Taking: what callers may hand in besides lists and mappings: Arrow tables and arrays, array interfaces, buffers.

Nothing is imported for it: protocols are asked for by name. Plain Python values pass through untouched.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from ctypes import string_at
from struct import unpack
from typing import Any, Final

from ledger import CannotExchange
from vectordb.interop.decoding import MAX_ROWS
from vectordb.interop.reading import Columns, read_array, read_batches, read_table

PLAIN: Final = frozenset({list, tuple, range, array, str, bytes, int, float, dict, type(None)})
FORMATS: Final = {
    "f8": "d", "f4": "f", "f2": "e",
    "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
}  # fmt: skip


def is_table(rows: Any) -> bool:
    """Whether something is a table of another library: Arrow's protocol, a frame, or records with named fields."""
    if type(rows) in PLAIN or isinstance(rows, Mapping):
        return False
    if hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__arrow_c_array__"):
        return True
    return bool(_fields(rows))


def _fields(rows: Any) -> Sequence[str]:
    """Names of the fields of a record array."""
    return getattr(getattr(rows, "dtype", None), "names", None) or ()


def given_columns(rows: Any) -> dict[str, Any] | None:
    """The columns of a mapping or table; None for other rows."""
    if isinstance(rows, Mapping):
        return {name: given_column(column) for name, column in rows.items()}
    if not is_table(rows):
        return None
    if _fields(rows):
        return {name: rows[name] for name in _fields(rows)}
    try:
        return dict(read_table(rows))
    except ImportError:  # a pandas frame without pyarrow has the method, and cannot keep its promise
        return {str(name): rows[name] for name in rows.keys()}  # noqa: SIM118


def given_chunks(rows: Any, size: int) -> Iterator[tuple[dict[str, Any], int]]:
    """The columns of a table and their length, at most so many rows at once; a stream is read batch by batch."""
    for columns in _batches(rows):
        count = max(map(len, columns.values()), default=0)
        for start in range(0, count, size):
            chunk = {name: column[start : start + size] for name, column in columns.items()}
            yield chunk, min(size, count - start)


def _batches(rows: Any) -> Iterator[Columns | dict[str, Any]]:
    if _fields(rows):
        yield given_columns(rows) or {}
        return
    try:
        batches = read_batches(rows)
        first = next(batches, None)
    except ImportError:
        yield given_columns(rows) or {}
        return
    if first is not None:
        yield first
        yield from batches


def given_column(column: Any) -> Any:
    """A column as something that is read here; what is not foreign passes through."""
    if type(column) in PLAIN or hasattr(column, "tolist"):
        return column
    if hasattr(column, "__array_interface__"):
        return interface_view(column.__array_interface__)
    if hasattr(column, "__arrow_c_array__") or hasattr(column, "__arrow_c_stream__"):
        return read_array(column)
    return column


def given_vector(vector: Any) -> Any:
    """A vector to search for."""
    if hasattr(vector, "as_py"):  # one value of a pyarrow array
        return vector.as_py()
    return given_column(vector)


def given_vectors(vectors: Any) -> Any:
    """Vectors to search for, to be iterated over: also a block of numbers of two dimensions."""
    held = given_column(vectors)
    if isinstance(held, memoryview) and held.ndim == 2:
        return held.tolist()
    return held


def interface_view(interface: Mapping[str, Any]) -> memoryview | list[list[float]]:
    """The numbers behind an array interface (version 3), copied: of one dimension or two, row after row.

    Source: https://numpy.org/doc/stable/reference/arrays.interface.html.
    """
    shape, kind = tuple(interface["shape"]), str(interface["typestr"])
    data, strides = interface.get("data"), interface.get("strides")
    code = FORMATS.get(kind[1:])
    sized = len(shape) in (1, 2) and all(0 <= size <= MAX_ROWS for size in shape)
    if code is None or kind[0] not in "<|" or not sized or not isinstance(data, tuple) or strides is not None:
        rule = "an array interface is of little-endian numbers, of one dimension or two, without gaps"
        raise CannotExchange(rule, shape=shape, typestr=kind, strides=strides)
    count = shape[0] * (shape[1] if len(shape) == 2 else 1)
    raw = string_at(data[0], count * int(kind[2:])) if count else b""
    if code == "e":  # Python has no view of halves
        raw, code = array("f", unpack(f"<{count}e", raw)).tobytes(), "f"
    flat = memoryview(raw)
    if len(shape) == 1 or not count:
        return flat.cast(code)  # type: ignore[call-overload,no-any-return]
    return flat.cast(code, shape)  # type: ignore[call-overload,no-any-return]
