"""Decoding: cells of foreign Arrow arrays as Python columns.

The C data interface carries no sizes of buffers, so a producer's lengths are believed; what can be checked against
each other (counts of buffers and children, offsets, codes, views, UTF-8) is, before anything is read through it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from ctypes import c_void_p
from itertools import pairwise
from json import loads
from struct import unpack
from typing import Any, Final, NamedTuple

from ledger import CannotExchange, from_micros
from vectordb.interop.c_data.bits import unpack_bits
from vectordb.interop.c_data.column import FORM, Shape
from vectordb.interop.c_data.foreign import addresses, memory_at
from vectordb.interop.c_data.structs import ArrowArray

CODES: Final = {
    "c": "b", "C": "B", "s": "h", "S": "H", "i": "i", "I": "I", "l": "q", "L": "Q", "f": "f", "g": "d",
}  # fmt: skip
INTS: Final = frozenset("cCsSiIlL")
UNITS: Final = {"tss:": (1_000_000, 1), "tsm:": (1_000, 1), "tsu:": (1, 1), "tsn:": (1, 1_000)}  # ns are cut to us
MAX_ROWS: Final = 1 << 40
MAX_BUFFERS: Final = 1 << 16
MAX_MICROS: Final = 1 << 53  # the years 1684 to 2255
VIEW, INLINE = 16, 12  # bytes of a view, and of a text that stands in it


class Span(NamedTuple):
    """Rows of an array: its buffers, and where they begin counted from the start of the buffers."""

    array: Any
    buffers: list[int | None]
    start: int
    rows: int

    @property
    def present(self) -> bytes | None:
        """A byte a row, zero where it is null; None where no row is."""
        bitmap = self.buffers[0] if self.buffers else None
        if not self.array.null_count or not self.rows:
            return None
        if not bitmap:
            if self.array.null_count > 0:
                raise CannotExchange("an array with nulls says which they are", nulls=self.array.null_count)
            return None
        first = self.start // 8
        bits = bytes(memory_at(bitmap + first, (self.start + self.rows + 7) // 8 - first))
        flags = unpack_bits(bits, self.start % 8, self.rows)
        return None if flags.count(1) == self.rows else flags

    def raw(self, place: int, size: int, extra: int = 0) -> memoryview:
        """The bytes of the rows in a buffer of so many bytes a row, and of some rows behind them; not copied."""
        if not self.rows:
            return memoryview(b"")
        address = self.buffers[place]
        if not address:
            raise CannotExchange("a buffer of rows has an address", buffer=place, rows=self.rows)
        return memory_at(address + self.start * size, (self.rows + extra) * size)


def decode(shape: Shape, struct: Any, start: int = 0, rows: int | None = None) -> Sequence[Any]:
    """The values of some rows: an ``array`` of numbers, a view of two dimensions of vectors, else a list."""
    rows = struct.length if rows is None else rows
    made, buffers = (_coded, 2) if shape.dictionary is not None else _decoder(shape.format)
    _check(shape, struct, start, rows, buffers)
    span = Span(struct, _pointers(struct.buffers, struct.n_buffers), struct.offset + start, rows)
    try:
        values = made(shape, span)
    except MemoryError as error:
        raise CannotExchange("an array fits in memory", format=shape.format, rows=rows) from error
    return _from_json(values) if (FORM, b"json") in shape.metadata and shape.dictionary is None else values


def _check(shape: Shape, struct: Any, start: int, rows: int, buffers: int | None) -> None:
    """Refuse an array that contradicts its format, before anything is read through its pointers."""
    sound = struct.length >= 0 and struct.offset >= 0 and struct.offset + struct.length <= MAX_ROWS
    if not sound or start < 0 or rows < 0 or start + rows > struct.length:
        said = {"length": struct.length, "offset": struct.offset}
        raise CannotExchange("an array holds the rows that are asked of it", **said, start=start, rows=rows)
    count = struct.n_buffers
    enough = 3 <= count <= MAX_BUFFERS if buffers is None else count == buffers
    if not enough or struct.n_children != len(shape.children):
        given = {"format": shape.format, "buffers": count, "children": struct.n_children}
        raise CannotExchange("an array has the buffers and children of its format", **given)


def _pointers(address: int | None, count: int) -> list[int | None]:
    return list((c_void_p * count).from_address(address)) if count and address else [None] * count


def child(span: Span, place: int = 0) -> Any:
    """The struct of a child."""
    return ArrowArray.from_address(addresses(span.array.children, span.array.n_children)[place])


def _decoder(format: str) -> tuple[Callable[[Shape, Span], Sequence[Any]], int | None]:
    """What reads a format, and how many buffers that has (None: any number from three on)."""
    word, colon, _ = format.partition(":")
    found = _DECODERS.get(word + colon)
    if found is None:
        raise CannotExchange("a column has a format that is understood", format=format, known=list(_DECODERS))
    return found


def _holed(values: Sequence[Any], span: Span) -> Sequence[Any]:
    """With None where a row is null."""
    present = span.present
    return values if present is None else [value if there else None for value, there in zip(values, present)]


def _nulls(shape: Shape, span: Span) -> Sequence[Any]:
    return [None] * span.rows


def _numbers(shape: Shape, span: Span) -> Sequence[Any]:
    values = array(CODES[shape.format])
    values.frombytes(span.raw(1, values.itemsize))
    return _holed(values, span)


def _halves(shape: Shape, span: Span) -> Sequence[Any]:
    return _holed(array("f", unpack(f"={span.rows}e", span.raw(1, 2))), span)


def _bools(shape: Shape, span: Span) -> Sequence[Any]:
    if not span.rows:
        return []
    bits = span._replace(start=span.start // 8, rows=(span.start % 8 + span.rows + 7) // 8)
    return _holed(list(map(bool, unpack_bits(bytes(bits.raw(1, 1)), span.start % 8, span.rows))), span)


def _instants(shape: Shape, span: Span) -> Sequence[Any]:
    unit, _, zone = shape.format.partition(":")
    if not zone:
        raise CannotExchange("a timestamp has a time zone (UTC)", format=shape.format)
    times, parts = UNITS[f"{unit}:"]
    ticks = span.raw(1, 8).cast("q").tolist()
    present = span.present
    micros = [tick * times // parts if there else 0 for tick, there in zip(ticks, present or b"\1" * span.rows)]
    if micros and not -MAX_MICROS <= min(micros) <= max(micros) <= MAX_MICROS:
        raise CannotExchange("a time lies between the years 1684 and 2255", format=shape.format)
    return _holed(list(map(from_micros, micros)), span)


def _coded(shape: Shape, span: Span) -> Sequence[Any]:
    """Values by their codes in a dictionary."""
    assert shape.dictionary is not None
    if shape.format not in INTS or not span.array.dictionary:
        raise CannotExchange("a dictionary is told by ints", format=shape.format)
    values: Sequence[Any] = decode(shape.dictionary, ArrowArray.from_address(span.array.dictionary))
    if isinstance(values, memoryview):
        values = values.tolist()
    if (FORM, b"json") in shape.metadata and (FORM, b"json") not in shape.dictionary.metadata:
        values = _from_json(values)
    codes = _numbers(shape._replace(dictionary=None), span)
    used = {code for code in codes if code is not None}
    if used and not 0 <= min(used) <= max(used) < len(values):
        raise CannotExchange("a code is one of its dictionary", lowest=min(used), highest=max(used), size=len(values))
    return [None if code is None else values[code] for code in codes]


def _offsets(span: Span, size: int) -> list[int]:
    """Where each row begins, and where the last one ends: rising, from 0 on."""
    found = span.raw(1, size, 1).cast("i" if size == 4 else "q").tolist() or [0]
    if found[0] < 0 or found != sorted(found):  # of a sorted list one look, 10 ns an offset
        raise CannotExchange("offsets rise", first=found[:10])
    return found


def _texts(shape: Shape, span: Span) -> Sequence[Any]:
    ends = _offsets(span, 4 if shape.format in "uz" else 8)
    first = ends[0]
    address = span.buffers[2]
    if ends[-1] > first and not address:
        raise CannotExchange("a buffer of text has an address", bytes=ends[-1] - first)
    data = bytes(memory_at((address or 0) + first, ends[-1] - first))
    pairs = pairwise(ends)
    if shape.format in "zZ":
        return _holed([data[start - first : end - first] for start, end in pairs], span)
    if data.isascii():
        text = data.decode("ascii")
        return _holed([text[start - first : end - first] for start, end in pairs], span)
    return _decoded([data[start - first : end - first] for start, end in pairs], span)


def _decoded(values: Sequence[bytes], span: Span) -> list[str | None]:
    present = span.present or b"\1" * len(values)
    try:
        return [value.decode() if there else None for value, there in zip(values, present)]
    except UnicodeDecodeError as error:
        raise CannotExchange("text is UTF-8", error=str(error)) from error


def _views(shape: Shape, span: Span) -> Sequence[Any]:
    """Texts of at most 12 bytes stand in their view; of others it has the buffer and the place in it."""
    blocks = span.buffers[2:-1]
    sizes = unpack(f"={len(blocks)}q", memory_at(span.buffers[-1], 8 * len(blocks)))
    views, values = bytes(span.raw(1, VIEW)), []
    for place, there in zip(range(0, len(views), VIEW), span.present or b"\1" * span.rows):
        size, _, block, start = unpack("=iiii", views[place : place + VIEW])
        if not there:
            values.append(b"")
        elif 0 <= size <= INLINE:
            values.append(views[place + 4 : place + 4 + size])
        elif 0 <= block < len(blocks) and 0 <= start <= start + size <= sizes[block]:
            address = blocks[block]
            values.append(bytes(memory_at(address and address + start, size)))
        else:
            raise CannotExchange("a view lies in its buffer", size=size, buffer=block, start=start)
    return _decoded(values, span) if shape.format == "vu" else _holed(values, span)


def _fixed_bytes(shape: Shape, span: Span) -> Sequence[Any]:
    size = _size(shape)
    data = bytes(span.raw(1, size))
    return _holed([data[row * size : (row + 1) * size] for row in range(span.rows)], span)


def _size(shape: Shape) -> int:
    digits = shape.format.partition(":")[2]
    if not digits.isascii() or not digits.isdecimal() or not 0 < int(digits[:10]) <= 1 << 24:
        raise CannotExchange("a fixed size is from 1 to 2**24", format=shape.format)
    return int(digits)


def _vectors(shape: Shape, span: Span) -> Sequence[Any]:
    """Fixed-size lists."""
    dim = _size(shape)
    inside = decode(_inside(shape), child(span), span.start * dim, span.rows * dim)
    return _holed(rows_of(inside, dim, span.rows, span.present is None), span)


def _lists(shape: Shape, span: Span) -> Sequence[Any]:
    """Lists of any length; where all have one, as vectors."""
    ends = _offsets(span, 4 if shape.format == "+l" else 8)
    first, dim = ends[0], ends[1] - ends[0] if span.rows else 0
    inside = decode(_inside(shape), child(span), first, ends[-1] - first)
    if dim and ends == list(range(first, ends[-1] + 1, dim)):
        return _holed(rows_of(inside, dim, span.rows, span.present is None), span)
    return _holed([inside[start - first : end - first] for start, end in pairwise(ends)], span)


def _inside(shape: Shape) -> Shape:
    if len(shape.children) != 1:
        raise CannotExchange("a list has one child", format=shape.format, children=len(shape.children))
    return shape.children[0][1]


def rows_of(flat: Sequence[Any], dim: int, rows: int, whole: bool = True) -> Any:
    """Numbers cut into rows: a view of two dimensions where that can be."""
    if isinstance(flat, array) and whole and rows:
        shaped: Any = memoryview(flat).cast("B").cast
        return shaped(flat.typecode, (rows, dim))
    return [flat[row * dim : (row + 1) * dim] for row in range(rows)]


def _from_json(values: Sequence[Any]) -> list[Any]:
    """Ids or categories of several types (``vectordb.interop.c_data.column.mixed``)."""
    try:
        found = [None if value is None else loads(value) for value in values]
    except (ValueError, TypeError, RecursionError) as error:
        raise CannotExchange("a column of JSON holds JSON", error=str(error)) from error
    return [tuple(value) if isinstance(value, list) else value for value in found]


_DECODERS: Final[dict[str, tuple[Callable[[Shape, Span], Sequence[Any]], int | None]]] = {
    **dict.fromkeys(CODES, (_numbers, 2)),
    "n": (_nulls, 0),
    "e": (_halves, 2),
    "b": (_bools, 2),
    **dict.fromkeys(UNITS, (_instants, 2)),
    **dict.fromkeys("uUzZ", (_texts, 3)),
    "vu": (_views, None),
    "vz": (_views, None),
    "w:": (_fixed_bytes, 2),
    "+w:": (_vectors, 1),
    "+l": (_lists, 2),
    "+L": (_lists, 2),
}
