"""npz: a zip of npy arrays, one a column, all of them as long as the table; ``numpy.load`` opens it without pickles.

    int       int64                        bool    bool
    float     float64                      time    datetime64[us]
    vector    its element type, 2-D        text    fixed-width Unicode, as wide as the longest
    entity    int64 where all are ints, Unicode where all are texts, else Unicode of JSON; so are json and categories

A feature also has ``<name>__status``: 0 present, 1 null, 2 missing, 3 expired. Where nothing is present the array holds
NaN, NaT, 0, False or the empty text. NumPy takes trailing NUL characters of a text for padding.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from array import array
from collections.abc import Callable, Iterator
from math import nan
from typing import IO, Any, Final

from ledger import MISSING, InvalidInput, write_atomically
from vectordb.exporting.cells import compact, plain
from vectordb.exporting.npy_file import DTYPES, PIECE, header, little, spool_folder, vector_bytes, vector_shape
from vectordb.exporting.options import Options
from vectordb.exporting.table import BOOL, FLOAT, INT, STATUS, TIME, VECTOR, Field, Row, Table, Told, unique
from vectordb.views.plan import Status

NOT_A_TIME: Final = -(2**63)
MAX_TEXTS: Final = 4 << 30  # bytes of a column of texts, all as wide as the longest
CODES: Final = {status: place for place, status in enumerate(Status)}
NUMBERS: Final[dict[str, tuple[str, str, Any]]] = {  # numpy's type, array's code, what stands for nothing
    INT: ("<i8", "q", 0),
    FLOAT: ("<f8", "d", nan),
    BOOL: ("|b1", "b", False),
    TIME: ("<M8[us]", "q", NOT_A_TIME),
}


def write_npz(path: str, table: Table, told: Told, options: Options) -> int:
    """The bytes written. Columns wait in one temporary file until the table is through."""
    folder = spool_folder(path)
    with tempfile.TemporaryFile(dir=folder) as spool, tempfile.TemporaryFile(dir=folder) as whole:
        columns = _columns(table)
        for chunk in told:
            for column in columns:
                column.spool(chunk, spool)
        method = zipfile.ZIP_DEFLATED if options.compress else zipfile.ZIP_STORED
        with zipfile.ZipFile(whole, "w", method) as archive:
            for column in columns:
                with archive.open(f"{column.name}.npy", "w", force_zip64=True) as member:
                    for piece in column.finish(spool, told.rows):
                        member.write(piece)
        whole.seek(0)
        return write_atomically(path, iter(lambda: whole.read(PIECE), b""), files=told.files)


class _Column:
    """One array: its pieces in the spool, and how they become an array."""

    def __init__(self, name: str, dtype: str, shape: tuple[int, ...], make: Callable[[list[Row]], bytes]) -> None:
        self.name = name
        self._dtype = dtype
        self._shape = shape
        self._make = make
        self._pieces: list[tuple[int, int]] = []

    def spool(self, chunk: list[Row], spool: IO[bytes]) -> None:
        """Put the cells of some rows aside."""
        data = self._make(chunk)
        self._pieces.append((spool.tell(), len(data)))
        spool.write(data)

    def finish(self, spool: IO[bytes], rows: int) -> Iterator[bytes]:
        """The array."""
        yield header(self._dtype, (rows, *self._shape))
        yield from self._read(spool)

    def _read(self, spool: IO[bytes]) -> Iterator[bytes]:
        for start, size in self._pieces:
            spool.seek(start)
            yield spool.read(size)


class _Texts(_Column):
    """A column whose type is known at the end: how wide the texts are, and whether entities are all ints."""

    def __init__(self, place: int, field: Field) -> None:
        super().__init__(field.name, "", (), self._texts)
        self._place = place
        self._plain = plain(field.kind)
        self._types: set[type] = set()
        self._width = 1  # of the longest text

    def _texts(self, chunk: list[Row]) -> bytes:
        cells = [row[self._place] for row in chunk]
        shown = [None if cell is None or cell is MISSING else self._plain(cell) for cell in cells]
        self._types.update(_type(value) for value in shown if value is not None)
        self._width = max([self._width, *(len(value) for value in shown if type(value) is str)])
        return compact(shown).encode()

    def finish(self, spool: IO[bytes], rows: int) -> Iterator[bytes]:
        """See ``_Column``."""
        if self._types == {int}:
            yield header("<i8", (rows,))
            for piece in self._read(spool):
                yield little(array("q", [0 if value is None else value for value in json.loads(piece)]))
            return
        show = str if self._types <= {str} else compact
        width = self._width if show is str else max(len(text) for texts in self._shown(spool, show) for text in texts)
        if width * 4 * rows > MAX_TEXTS and rows:
            rule = "npz holds texts as wide as the longest: for long ones choose jsonl, csv or sqlite"
            raise InvalidInput(rule, column=self.name, width=width, rows=rows)
        yield header(f"<U{width}", (rows,))
        for texts in self._shown(spool, show):
            yield b"".join([text.encode("utf-32-le").ljust(4 * width, b"\0") for text in texts])

    def _shown(self, spool: IO[bytes], show: Callable[[Any], str]) -> Iterator[list[str]]:
        for piece in self._read(spool):
            yield ["" if value is None else show(value) for value in json.loads(piece)]


def _type(value: Any) -> type:
    """Its type; of an int beyond 64 bits none that an array has."""
    return object if type(value) is int and not -(2**63) <= value < 2**63 else type(value)


def _columns(table: Table) -> list[_Column]:
    fields = table.fields
    found = [_column(place, one) for place, one in enumerate(fields)]
    if not any(one.kind == STATUS for one in fields):
        told = [(place, one) for place, one in enumerate(fields) if one.is_feature]
        titles = unique([f"{one.name}__status" for _, one in told], table.names)
        found += [_Column(title, "|u1", (), _maker(place, _state)) for title, (place, _) in zip(titles, told)]
    return found


def _column(place: int, field: Field) -> _Column:
    if field.kind in NUMBERS:
        dtype, code, blank = NUMBERS[field.kind]

        def numbers(chunk: list[Row]) -> bytes:
            cells = [blank if row[place] is None or row[place] is MISSING else row[place] for row in chunk]
            try:
                return little(array(code, cells))
            except OverflowError as error:
                raise InvalidInput("npz holds ints of 64 bits", column=field.name, error=str(error)) from error

        return _Column(field.name, dtype, (), numbers)
    if field.kind == STATUS:
        return _Column(field.name, "|u1", (), _maker(place, CODES.__getitem__))
    if field.kind == VECTOR:
        return _vectors(place, field)
    return _Texts(place, field)


def _vectors(place: int, field: Field) -> _Column:
    kind = field.vector
    assert kind is not None
    blank = bytes(kind.packer.size) if kind.dtype in ("int8", "uint8", "binary") else None

    def blocks(chunk: list[Row]) -> bytes:
        return b"".join([vector_bytes(row[place], kind, field.name, blank) for row in chunk])

    return _Column(field.name, DTYPES[kind.dtype], vector_shape(kind), blocks)


def _maker(place: int, code: Callable[[Any], int]) -> Callable[[list[Row]], bytes]:
    return lambda chunk: bytes([code(row[place]) for row in chunk])


def _state(cell: Any) -> int:
    return CODES[Status.NULL if cell is None else Status.MISSING if cell is MISSING else Status.PRESENT]
