"""A column in Arrow's layout: what its kind is, and the bytes that hold it.

Formats (https://arrow.apache.org/docs/format/CDataInterface.html#data-type-description-format-strings): ``g f e l i c
C b`` numbers, ``u U`` text, ``tsu:UTC`` instants, ``+w:d`` vectors, ``w:n`` packed bits, ``+l`` lists, ``+s`` a table.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

from ledger import InvalidInput
from vectordb.interop.c_data.bits import pack_bits

NULLABLE: Final = 2
FORMATS: Final = {"float64": "g", "float32": "f", "float16": "e", "int8": "c", "uint8": "C"}  # of element types
WORDS: Final = {  # bytes a row of the second buffer: numbers, codes, or offsets of texts and lists
    "g": 8, "l": 8, "tsu": 8, "U": 8, "f": 4, "i": 4, "u": 4, "+l": 4, "e": 2, "c": 1, "C": 1,
}  # fmt: skip
FORM: Final = b"vectordb:form"  # metadata: how cells of several types are written in a column of text


class Shape(NamedTuple):
    """The kind of a column: format, names and kinds of its children, the kind of its dictionary, metadata."""

    format: str
    children: tuple[tuple[str, Shape], ...] = ()
    dictionary: Shape | None = None
    metadata: tuple[tuple[bytes, bytes], ...] = ()


class Piece(NamedTuple):
    """Bytes from a place on. Bytes never change and never move, so holding them holds the memory."""

    data: bytes
    start: int = 0


class Cells(NamedTuple):
    """The cells of a column: ``buffers`` as its format lays them out, the first one the bitmap of validity."""

    length: int
    nulls: int
    buffers: tuple[Piece | None, ...]
    children: tuple[Cells, ...] = ()
    dictionary: Cells | None = None


class Column(NamedTuple):
    """A kind and its cells."""

    shape: Shape
    cells: Cells


def check_alike(expected: Shape, given: Shape) -> None:
    """Refuse a table that is not of its stream's columns: read by another layout, its buffers would be overrun."""
    if given == expected:
        return
    said = [{name: shape.format for name, shape in one.children} for one in (expected, given)]
    raise InvalidInput("every table of a stream has the columns of the stream", expected=said[0], given=said[1])


def valid(present: Sequence[bool]) -> tuple[int, Piece | None]:
    """How many are null, and the bitmap of the others; None where all are there."""
    nulls = len(present) - present.count(True)
    return nulls, Piece(pack_bits(bytes(present))) if nulls else None


def plain(format: str, data: Piece, rows: int, present: Sequence[bool] | None = None) -> Column:
    """A column of words of one size."""
    nulls, bitmap = (0, None) if present is None else valid(present)
    return Column(Shape(format), Cells(rows, nulls, (bitmap, data)))


def bools(values: Sequence[Any]) -> Column:
    """A column of bits; None is null."""
    nulls, bitmap = valid([value is not None for value in values])
    return Column(Shape("b"), Cells(len(values), nulls, (bitmap, Piece(pack_bits(bytes(map(bool, values)))))))


def numbers(format: str, code: str, values: Sequence[Any]) -> Column:
    """A column of numbers; None is null."""
    if None not in values:
        return plain(format, Piece(array(code, values).tobytes()), len(values))
    data = array(code, [0 if value is None else value for value in values]).tobytes()
    return plain(format, Piece(data), len(values), [value is not None for value in values])


def instants(micros: Sequence[int | None]) -> Column:
    """A column of instants in UTC."""
    return numbers("tsu:UTC", "q", micros)


def texts(values: Sequence[str | None]) -> Column:
    """A column of text; None is null. 0.1 us a text where all of it is ASCII, else 0.3 us."""
    held = None in values
    given: Sequence[Any] = ["" if value is None else value for value in values] if held else values
    text = "".join(given)
    if not text.isascii():
        given = [value.encode() for value in given]
    data = text.encode()
    wide = len(data) >= 2**31
    offsets = Piece(array("q" if wide else "i", accumulate(map(len, given), initial=0)).tobytes())
    nulls, bitmap = valid([value is not None for value in values]) if held else (0, None)
    return Column(Shape("U" if wide else "u"), Cells(len(values), nulls, (bitmap, offsets, Piece(data))))


def coded(values: Sequence[Any]) -> Column:
    """A column of a few different texts or ints, as a dictionary; None is null. 0.15 us a value."""
    codes = {value: code for code, value in enumerate(dict.fromkeys(value for value in values if value is not None))}
    known = mixed(list(codes))
    codes[None] = 0
    places = Piece(array("i", map(codes.__getitem__, values)).tobytes())
    index = plain("i", places, len(values), [value is not None for value in values] if None in values else None)
    shape = Shape("i", dictionary=known.shape, metadata=known.shape.metadata)  # pyarrow keeps none of a dictionary
    return Column(shape, index.cells._replace(dictionary=known.cells))


def lists(values: Sequence[Sequence[str]]) -> Column:
    """A column of lists of text."""
    inside = texts([item for value in values for item in value])
    offsets = Piece(array("i", accumulate(map(len, values), initial=0)).tobytes())
    return Column(Shape("+l", (("item", inside.shape),)), Cells(len(values), 0, (None, offsets), (inside.cells,)))


def mixed(values: Sequence[Any]) -> Column:
    """A column of ids or categories: text, int64, or where there are several types their JSON as text.

    So ``1`` and ``"1"`` stay apart; the field's metadata says so (``vectordb:form`` is ``json``), and an import here
    gives back what was there.
    """
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return texts(values)
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in values if value is not None):
        return numbers("l", "q", values)
    return as_json(values)


def as_json(values: Sequence[Any]) -> Column:
    """A column of JSON as text; None is null."""
    from json import dumps

    written = texts([None if value is None else dumps(value, separators=(",", ":")) for value in values])
    return written._replace(shape=written.shape._replace(metadata=((FORM, b"json"),)))


def vectors(format: str, dim: int, data: Piece, rows: int, present: Sequence[bool] | None = None) -> Column:
    """A column of vectors: one run of numbers, ``dim`` a row."""
    nulls, bitmap = (0, None) if present is None else valid(present)
    shape = Shape(f"+w:{dim}", (("item", Shape(format)),))
    return Column(shape, Cells(rows, nulls, (bitmap,), (Cells(rows * dim, 0, (None, data)),)))


def table(names: Sequence[str], columns: Sequence[Column], rows: int) -> Column:
    """Columns under names."""
    shape = Shape("+s", tuple(zip(names, (column.shape for column in columns))))
    return Column(shape, Cells(rows, 0, (None,), tuple(column.cells for column in columns)))


def cut(shape: Shape, cells: Cells, start: int, rows: int) -> Cells:
    """Some rows of a column: its memory is shared, but for bits that do not begin at a byte."""
    if not cells.buffers:
        return cells._replace(length=rows, nulls=rows)  # the null type
    word = shape.format.partition(":")[0]
    size = int(shape.format[2:]) if word == "w" else WORDS.get(word, 0)
    bitmap = None if cells.buffers[0] is None else _cut_bits(cells.buffers[0], start, rows)
    nulls = 0 if bitmap is None else rows - int.from_bytes(_bytes_of(bitmap, rows), "little").bit_count()
    buffers = [bitmap if nulls else None, *cells.buffers[1:]]
    if len(buffers) > 1 and buffers[1] is not None:
        piece = buffers[1]
        buffers[1] = _cut_bits(piece, start, rows) if word == "b" else Piece(piece.data, piece.start + start * size)
    every = {"+s": 1, "+w": int(shape.format[3:] or 0) if word == "+w" else 0}.get(word)
    children = cells.children
    if every is not None:
        pairs = zip(shape.children, cells.children)
        children = tuple(cut(own, child, start * every, rows * every) for (_, own), child in pairs)
    return Cells(rows, nulls, tuple(buffers), children, cells.dictionary)


def _cut_bits(piece: Piece, start: int, rows: int) -> Piece:
    first, shift = piece.start + start // 8, start % 8
    if not shift:
        return Piece(piece.data, first)
    bits = int.from_bytes(piece.data[first : first + (shift + rows + 7) // 8], "little") >> shift
    return Piece(bits.to_bytes((rows + 63) // 64 * 8 + 1, "little"))


def _bytes_of(bitmap: Piece, rows: int) -> bytes:
    """The bytes of a bitmap, its last one without the bits of later rows."""
    held = bitmap.data[bitmap.start : bitmap.start + (rows + 7) // 8]
    return held[:-1] + bytes([held[-1] & (1 << rows % 8) - 1]) if rows % 8 else held
