"""npy, version 1.0: one array. A table of numbers is rows x columns of float64, a single vector feature its own block.

Source: numpy.lib.format: magic, version 1.0, a header of ASCII padded so that the data begins at a multiple of 64.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from math import nan
from struct import pack
from typing import IO, Any, Final

from ledger import MISSING, InvalidInput, Vector, write_atomically
from vectordb.exporting.options import Options
from vectordb.exporting.table import BOOL, FLOAT, INT, VECTOR, Table, Told

MAGIC: Final = b"\x93NUMPY\x01\x00"
DTYPES: Final = {
    "float64": "<f8", "float32": "<f4", "float16": "<f2", "int8": "|i1", "uint8": "|u1", "binary": "|u1",
}  # fmt: skip
PIECE: Final = 1 << 20  # bytes that are copied at a time


def header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """The header of an array in C order.

    >>> header("<f8", (2, 3))[:10], len(header("<f8", (2, 3))) % 64
    (b'\\x93NUMPY\\x01\\x00v\\x00', 0)
    """
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape!r}, }}".encode("ascii")
    padding = -(len(MAGIC) + 2 + len(text) + 1) % 64
    return MAGIC + pack("<H", len(text) + padding + 1) + text + b" " * padding + b"\n"


def write_npy(path: str, table: Table, told: Told, options: Options) -> int:
    """The bytes written. Null and missing are NaN; of a type without NaN they are refused."""
    fields = [one for one in table.fields if one.is_feature]
    vectors = [one for one in fields if one.kind == VECTOR]
    if len(fields) == 1 and vectors:
        kind = fields[0].vector
        assert kind is not None
        place = table.fields.index(fields[0])
        shape, dtype = vector_shape(kind), DTYPES[kind.dtype]
        pieces = (b"".join([vector_bytes(row[place], kind, fields[0].name) for row in chunk]) for chunk in told)
    else:
        wrong = {one.name: one.kind for one in fields if one.kind not in (INT, FLOAT, BOOL)}
        if wrong or not fields:
            rule = "npy holds numbers, or one vector feature: choose features, or the format npz"
            raise InvalidInput(rule, not_numbers=wrong, what=table.what)
        places = [place for place, one in enumerate(table.fields) if one.is_feature]
        shape, dtype = (len(fields),), "<f8"
        pieces = (_numbers(chunk, places) for chunk in told)
    with tempfile.TemporaryFile() as spool:
        for piece in pieces:
            spool.write(piece)
        return write_atomically(path, _whole(header(dtype, (told.rows, *shape)), spool), files=told.files)


def _whole(first: bytes, spool: IO[bytes]) -> Iterator[bytes]:
    """The header, whose number of rows is known last, and the data."""
    yield first
    spool.seek(0)
    while piece := spool.read(PIECE):
        yield piece


def _numbers(chunk: list[Any], places: list[int]) -> bytes:
    cells = [row[place] for row in chunk for place in places]
    return little(array("d", [nan if cell is None or cell is MISSING else cell for cell in cells]))


def vector_shape(kind: Vector) -> tuple[int, ...]:
    """Elements of a row: of a binary vector its packed bytes."""
    return ((kind.dim + 7) // 8,) if kind.dtype == "binary" else (kind.dim,)


def vector_bytes(cell: Any, kind: Vector, name: str, blank: bytes | None = None) -> bytes:
    """A vector as it is stored, little-endian; ``blank`` (else NaN) where there is none."""
    if cell is not None and cell is not MISSING:
        return kind.packer.pack(*cell)
    if blank is not None:
        return blank
    if kind.dtype in ("int8", "uint8", "binary"):
        raise InvalidInput("npy has a vector in every row, where its elements have no NaN", feature=name)
    return kind.packer.pack(*[nan] * kind.dim)


def little(numbers: array[Any]) -> bytes:
    """The bytes of an array, least significant first, as the file says."""
    if pack("=H", 1) != pack("<H", 1):
        numbers.byteswap()
    return numbers.tobytes()
