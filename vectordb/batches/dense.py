"""A dense block: numbers row after row in one run of bytes, shared with whoever asks for them.

Nothing is copied on the way out: ``view`` and slices look at the bytes, and ``__array_interface__``
and (Python 3.12 and later) ``__buffer__`` give NumPy, and whatever takes NumPy's arrays, the same address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ledger import InvalidInput
from vectordb.interop import Block, address_of

CODES: Final = {
    "float64": ("d", "<f8", 8),
    "float32": ("f", "<f4", 4),
    "float16": ("e", "<f2", 2),
    "int8": ("b", "|i1", 1),
    "uint8": ("B", "|u1", 1),
}
SIZES: Final = {dtype: size for dtype, (_, _, size) in CODES.items()}


class Dense(Block):
    """An immutable, row-major matrix of ``shape`` (rows, columns) over bytes.

    >>> Dense(bytes(48), (3, 2), "float64").row(1)
    [0.0, 0.0]
    """

    __slots__ = ("_bytes", "_start", "dtype", "shape")

    def __init__(self, data: bytes, shape: tuple[int, int], dtype: str, start: int = 0) -> None:
        """``start`` is the first byte of ``data`` that counts; others read the memory, so all of the shape is there."""
        if start or type(data) is not bytes or len(data) != shape[0] * shape[1] * SIZES.get(dtype, -1) or shape[0] < 0:
            _check(data, shape, dtype, start)
        self._bytes = data
        self._start = start
        self.shape = shape
        self.dtype = dtype

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers."""
        return self.shape[0] * self.shape[1] * CODES[self.dtype][2]

    @property
    def raw(self) -> memoryview:
        """The bytes."""
        return memoryview(self._bytes)[self._start : self._start + self.nbytes]

    @property
    def flat(self) -> memoryview:
        """The numbers, one after the other. A view, not a copy; raises ``InvalidInput`` for float16."""
        code: Any = CODES[self.dtype][0]
        if code == "e":
            raise InvalidInput("Python has no view of float16: use raw or __array_interface__", dtype=self.dtype)
        numbers: memoryview = self.raw.cast(code)
        return numbers

    @property
    def view(self) -> memoryview:
        """The numbers as a view of two dimensions. Python has none without rows or columns: those give a flat one."""
        flat, code = self.flat, CODES[self.dtype][0]
        shaped: Any = flat.cast("B").cast
        return shaped(code, self.shape) if 0 not in self.shape else flat

    def __buffer__(self, flags: int, /) -> memoryview:
        if 0 in self.shape:
            raise BufferError("a view of two dimensions has rows and columns")  # who asks takes the array interface
        return self.view

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {
            "version": 3,
            "shape": self.shape,
            "typestr": CODES[self.dtype][1],
            "data": (address_of(self._bytes) + self._start, True),
        }

    def row(self, place: int) -> list[Any]:
        """The numbers of one row."""
        width, place = self.shape[1], range(self.shape[0])[place]
        return self.flat[place * width : (place + 1) * width].tolist()

    def column(self, place: int) -> list[Any]:
        """The numbers of one column. 12 ns a number."""
        return self.flat[place :: self.shape[1]].tolist()

    def rows(self, start: int, stop: int) -> Dense:
        """Some rows, of those that there are; the bytes are shared."""
        size = self.shape[1] * CODES[self.dtype][2]
        return Dense(self._bytes, (max(0, stop - start), self.shape[1]), self.dtype, self._start + start * size)

    def pick(self, places: Sequence[int]) -> Dense:
        """Rows at some places (from the end where they are negative), copied."""
        size, raw, rows = self.shape[1] * CODES[self.dtype][2], self.raw, self.shape[0]
        if places and not (min(places) >= 0 and max(places) < rows):
            wrong = [place for place in places if not -rows <= place < rows]
            if wrong:
                raise IndexError(f"a block of {rows} rows has no row {wrong[0]}")
            places = [place % rows for place in places]
        data = b"".join([raw[place * size : (place + 1) * size] for place in places])
        return Dense(data, (len(places), self.shape[1]), self.dtype)

    def to_rows(self) -> list[list[Any]]:
        """The numbers as lists."""
        return [self.row(place) for place in range(self.shape[0])]

    def __reduce__(self) -> tuple[Any, ...]:
        return Dense, (bytes(self.raw), self.shape, self.dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dense) and (self.shape, self.dtype) == (other.shape, other.dtype) and (
            self.raw == other.raw
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Dense(shape={self.shape}, dtype={self.dtype!r})"


def _check(data: object, shape: tuple[int, int], dtype: str, start: int) -> None:
    """Refuse a block that its bytes do not hold; one that fills them needs no second look."""
    size = SIZES.get(dtype)
    if size is None or not isinstance(data, bytes) or min(*shape, start) < 0:
        raise InvalidInput("a block is of bytes and a known type", shape=shape, dtype=dtype, start=start)
    if start + shape[0] * shape[1] * size > len(data):
        raise InvalidInput("bytes hold the whole block", shape=shape, dtype=dtype, start=start, nbytes=len(data))


def stack(blocks: Sequence[Dense]) -> Dense:
    """Blocks of one width and type, one below the other."""
    first = blocks[0]
    shape = (sum(map(len, blocks)), first.shape[1])  # ints
    return Dense(b"".join([block.raw for block in blocks]), shape, first.dtype)


def weave(parts: Sequence[tuple[memoryview, int, Sequence[int]]], rows: int, width: int) -> bytes:
    """One block from several of 8-byte words: (words, their width, the column of each in the whole). 4 ns a word."""
    out = bytearray(rows * width * 8)
    whole = memoryview(out).cast("q")
    for words, own, places in parts:
        for column, place in enumerate(places):
            whole[place::width] = words[column::own]
    return bytes(out)
