"""Taking: what callers may hand in besides lists and mappings: Arrow tables and arrays, array interfaces, buffers.

Nothing is imported for it: protocols are asked for by name. Plain Python values pass through untouched.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from struct import unpack
from sys import byteorder
from typing import Any, Final

from ledger import CannotExchange, InvalidInput
from vectordb.interop.c_data.decoding import MAX_ROWS
from vectordb.interop.c_data.foreign import memory_at
from vectordb.interop.reading import Columns, read_array, read_batches, read_table

PLAIN: Final = frozenset({list, tuple, range, array, str, bytes, int, float, dict, type(None)})
FORMATS: Final = {
    "f8": "d", "f4": "f", "f2": "e", "b1": "?",
    "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
}  # fmt: skip
KINDS: Final = {**dict.fromkeys("bhilqn", "i"), **dict.fromkeys("BHILQN", "u"), **dict.fromkeys("efd", "f"), "?": "b"}
NATIVE: Final = frozenset("bBhHiIlLqQfd?")  # what a memoryview reads itself
SWAPPED: Final = byteorder == "big"
ORDERS: Final = {  # whether bytes stand the other way round
    "": False, "@": False, "=": False, "|": False, "<": SWAPPED, ">": not SWAPPED, "!": not SWAPPED,
}  # fmt: skip


def is_table(rows: Any) -> bool:
    """Whether something is a table of another library: Arrow's protocol, a frame, or records with named fields."""
    if type(rows) in PLAIN or isinstance(rows, Mapping):
        return False
    if hasattr(rows, "__arrow_c_stream__") or hasattr(rows, "__arrow_c_array__"):
        return True
    return bool(_fields(rows))


def is_column(values: Any) -> bool:
    """Whether something of Arrow's protocol is one column: it has a type, and no columns or fields."""
    typed = hasattr(values, "dtype") or hasattr(values, "type")
    return typed and not hasattr(values, "columns") and not _fields(values)


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
    """A column as something that is read here; what is not foreign passes through.

    Where a library says itself that a value is missing (pandas' NA and NaT, NumPy's masks) it is None; NaN is NaN.
    """
    if type(column) in PLAIN:
        return column
    if type(column) is memoryview:
        return column if column.format in NATIVE else buffer_view(column)
    if hasattr(column, "tolist"):
        return column if _is_whole(column) else _with_nulls(column)
    if hasattr(column, "__array_interface__"):
        return interface_view(column.__array_interface__)
    if hasattr(column, "__arrow_c_array__") or hasattr(column, "__arrow_c_stream__"):
        return read_array(column)
    try:
        view = memoryview(column)
    except (TypeError, BufferError):
        return column
    return buffer_view(view)


def given_list(values: Any) -> list[Any]:
    """Ids or labels, in their order, as Python's own values."""
    held = given_column(values)
    return held.tolist() if hasattr(held, "tolist") else list(held)


def plain_values(name: str, column: Any) -> list[Any]:
    """A caller's column of any values as Python's own; what has a type of NumPy or the like is unpacked."""
    if not hasattr(column, "isna") and getattr(getattr(column, "dtype", None), "kind", "") == "M":
        raise InvalidInput("a column of times is of aware datetimes: NumPy's have no zone", column=name)
    return [value.item() if hasattr(value, "item") else value for value in given_list(column)]


def _is_whole(column: Any) -> bool:
    """Whether nothing but numbers and NaN can stand in something that has ``tolist``."""
    if hasattr(column, "isna"):  # pandas
        return not hasattr(column.dtype, "na_value") and getattr(column.dtype, "kind", "") in "biufc"
    return not (hasattr(column, "mask") and hasattr(column, "filled"))


def _with_nulls(column: Any) -> list[Any]:
    values: list[Any] = column.tolist()  # of a masked array: None where it is masked
    if not hasattr(column, "isna"):
        return values
    return [None if missing else value for value, missing in zip(values, column.isna().tolist())]


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


def interface_view(interface: Any) -> memoryview:
    """The numbers behind an array interface (version 3), copied: of one dimension or two, row after row.

    Source: https://numpy.org/doc/stable/reference/arrays.interface.html.
    """
    try:
        shape, kind, data = tuple(interface["shape"]), str(interface["typestr"]), interface["data"]
        strides, mask = interface.get("strides"), interface.get("mask")
    except (KeyError, TypeError, AttributeError) as error:
        raise CannotExchange("an array interface has a shape, a typestr and data", error=str(error)) from error
    sized = all(type(size) is int and 0 <= size <= MAX_ROWS for size in shape)
    placed = isinstance(data, tuple) and len(data) == 2 and type(data[0]) is int and data[0] >= 0
    if kind[1:] not in FORMATS or kind[0] not in ORDERS or len(shape) not in (1, 2) or not sized or not placed:
        raise CannotExchange("an array interface is of numbers, of one dimension or two", shape=shape, typestr=kind)
    size = int(kind[2:])
    packed = (shape[-1] * size, size)[-len(shape) :]
    if mask is not None or (strides is not None and tuple(strides) != packed):
        raise CannotExchange("an array interface has no mask and no gaps", shape=shape, strides=strides)
    return _numbers(memory_at(data[0], prod(shape) * size), kind[1:], ORDERS[kind[0]], shape)


def buffer_view(view: memoryview) -> memoryview:
    """The numbers of a buffer, copied: of one dimension or two, whatever its strides and the order of its bytes."""
    order, word = (view.format[:-1], view.format[-1:]) if view.format else ("", "B")
    kind = f"{KINDS.get(word, '')}{view.itemsize}"
    if kind not in FORMATS or order not in ORDERS or view.ndim not in (1, 2):
        raise CannotExchange("a buffer is of numbers, of one dimension or two", format=view.format, shape=view.shape)
    return _numbers(view.tobytes(), kind, ORDERS[order], view.shape or ())


def _numbers(raw: bytes | memoryview, kind: str, swapped: bool, shape: Sequence[int]) -> memoryview:
    code = FORMATS[kind]
    if code == "e":  # Python has no view of halves
        order = ">" if swapped is not SWAPPED else "<"
        flat = memoryview(array("f", unpack(f"{order}{prod(shape)}e", raw)))
    elif swapped and int(kind[1:]) > 1:
        numbers = array(code, bytes(raw))
        numbers.byteswap()
        flat = memoryview(numbers)
    else:
        flat = memoryview(bytes(raw))
    code = flat.format if code == "e" else code
    if len(shape) == 1 or 0 in shape:
        return flat.cast("B").cast(code)  # type: ignore[call-overload,no-any-return]
    return flat.cast("B").cast(code, tuple(shape))  # type: ignore[call-overload,no-any-return]
