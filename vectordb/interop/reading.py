"""Reading: columns of whatever another library gives through the Arrow PyCapsule interface.

Source: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html. Values are copied, and the
producer's memory is released at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

from ledger import CannotExchange
from vectordb.interop.c_data.column import Shape
from vectordb.interop.c_data.decoding import Span, child, decode, rows_of
from vectordb.interop.c_data.foreign import ForeignStream, opened_array

Columns = dict[str, Sequence[Any]]
UNNAMED_INDEX = "__index_level_"  # of a pandas frame: row numbers that nobody named


def read_batches(source: Any) -> Iterator[Columns]:
    """The columns of every batch of a table; 1 ns a number, 0.1 us a text.

    Raises ``CannotExchange`` as ``read_table`` does, when the first batch is asked for or a later one.
    """
    _check_exported(source)
    if not hasattr(source, "__arrow_c_stream__"):
        with opened_array(source) as (shape, struct):
            yield _columns(shape, struct)
        return
    stream = ForeignStream(source)
    _check_table(stream.shape)
    for struct in stream:
        yield _columns(stream.shape, struct)


def read_table(source: Any) -> Columns:
    """The columns of a table, its batches joined. A table without batches has empty ones.

    Raises ``CannotExchange`` for what has no Arrow protocol, for a format that is not understood (structs, decimals,
    dates) and for data that contradicts its own description.

    >>> from vectordb.interop import Table
    >>> from vectordb.interop.c_data.column import texts
    >>> read_table(Table({"city": texts(["Rome", None])}))
    {'city': ['Rome', None]}
    """
    if not hasattr(source, "__arrow_c_stream__"):
        return next(read_batches(source))
    stream = ForeignStream(source)
    _check_table(stream.shape)
    batches = [_columns(stream.shape, struct) for struct in stream]
    names = [name for name, _ in stream.shape.children if not name.startswith(UNNAMED_INDEX)]
    return {name: joined([batch[name] for batch in batches]) for name in names}


def read_array(source: Any) -> Sequence[Any]:
    """The values of one column; raises ``CannotExchange`` as ``read_table`` does."""
    _check_exported(source)
    if hasattr(source, "__arrow_c_array__"):
        with opened_array(source) as (shape, struct):
            return decode(shape, struct)
    stream = ForeignStream(source)
    return joined([decode(stream.shape, struct) for struct in stream])


def _check_exported(source: Any) -> None:
    if not hasattr(source, "__arrow_c_stream__") and not hasattr(source, "__arrow_c_array__"):
        rule = "what is read has __arrow_c_stream__ or __arrow_c_array__"
        if isinstance(source, (str, PathLike)):
            rule += ": a file is read with its own library first (csv, pyarrow.csv, pyarrow.parquet)"
        raise CannotExchange(rule, type=type(source).__name__)


def _check_table(shape: Shape) -> None:
    names = [name for name, _ in shape.children]
    if shape.format != "+s" or len(set(names)) != len(names):
        rule = "a table is a struct of columns, each with a name of its own"
        raise CannotExchange(rule, format=shape.format, names=names)


def _columns(shape: Shape, struct: Any) -> Columns:
    _check_table(shape)
    if struct.n_children != len(shape.children) or struct.null_count > 0:
        said = {"columns": len(shape.children), "children": struct.n_children, "nulls": struct.null_count}
        raise CannotExchange("a table has its columns, and no row that is null as a whole", **said)
    span = Span(struct, [], struct.offset, struct.length)
    return {
        name: decode(own, child(span, place), struct.offset, struct.length)
        for place, (name, own) in enumerate(shape.children)
        if not name.startswith(UNNAMED_INDEX)
    }


def joined(parts: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Columns one below the other."""
    held = [part for part in parts if len(part)]
    if len(held) <= 1:
        return held[0] if held else []
    first: Any = held[0]
    if all(isinstance(part, array) and part.typecode == first.typecode for part in held):
        whole = array(first.typecode)
        for part in held:
            whole.extend(part)
        return whole
    blocks: list[Any] = [part for part in held if isinstance(part, memoryview)]
    if len(blocks) == len(held) and len({(block.format, block.shape[1]) for block in blocks}) == 1:
        flat = array(first.format, b"".join(block.tobytes() for block in blocks))
        return rows_of(flat, first.shape[1], sum(map(len, blocks)))  # type: ignore[no-any-return]  # ints
    lists = [part.tolist() if isinstance(part, (memoryview, array)) else part for part in held]
    return [value for part in lists for value in part]
