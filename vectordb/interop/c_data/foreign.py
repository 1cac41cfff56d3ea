"""Foreign Arrow data: the structs behind another library's capsules, as plain shapes and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import (
    CFUNCTYPE,
    PYFUNCTYPE,
    addressof,
    c_char_p,
    c_int,
    c_ssize_t,
    c_void_p,
    py_object,
    pythonapi,
    string_at,
)
from struct import unpack
from typing import Any, Final

from ledger import CannotExchange
from vectordb.interop.c_data.column import Shape
from vectordb.interop.c_data.structs import ArrowArray, ArrowArrayStream, ArrowSchema

_pointer: Any = PYFUNCTYPE(c_void_p, py_object, c_char_p)(("PyCapsule_GetPointer", pythonapi))
_memory: Any = PYFUNCTYPE(py_object, c_void_p, c_ssize_t, c_int)(("PyMemoryView_FromMemory", pythonapi))
_OUT = CFUNCTYPE(c_int, c_void_p, c_void_p)
_MESSAGE = CFUNCTYPE(c_char_p, c_void_p)
_RELEASE = CFUNCTYPE(None, c_void_p)
MAX_DEPTH: Final = 16
MAX_CHILDREN: Final = 1 << 16
MAX_BYTES: Final = 1 << 48
MAX_METADATA: Final = 1 << 28  # bytes of it
READ: Final = 0x100  # PyBUF_READ


def memory_at(address: int | None, size: int) -> memoryview:
    """Some bytes of foreign memory, to be copied at once (``ctypes.string_at`` counts no more than 2 GiB)."""
    if not size:
        return memoryview(b"")
    if not address or not 0 < size <= MAX_BYTES:
        raise CannotExchange("memory has an address, and a size that can be", bytes=size)
    view: memoryview = _memory(address, size, READ)
    return view


def struct_in(capsule: Any, name: bytes, kind: Any) -> Any:
    """The struct of a capsule, not yet released."""
    try:
        struct = kind.from_address(_pointer(capsule, name))
    except (ValueError, TypeError) as error:
        raise CannotExchange("a capsule of the Arrow protocol has its name", expected=name.decode()) from error
    if not struct.release:
        raise CannotExchange("data is taken from a capsule once", capsule=name.decode())
    return struct


def release(struct: Any) -> None:
    """Tell the producer that a struct is no longer read."""
    if struct.release:
        _RELEASE(struct.release)(addressof(struct))


def shape_of(schema: Any, depth: int = 0) -> Shape:
    """The kind that a schema describes, its names included."""
    if depth > MAX_DEPTH or not 0 <= schema.n_children <= MAX_CHILDREN or not schema.format:
        rule = f"a schema has a format, at most {MAX_CHILDREN} children, and a depth of at most {MAX_DEPTH}"
        raise CannotExchange(rule, children=schema.n_children, depth=depth)
    children = [ArrowSchema.from_address(at) for at in addresses(schema.children, schema.n_children)]
    named = tuple((_text(child.name), shape_of(child, depth + 1)) for child in children)
    other = None if not schema.dictionary else shape_of(ArrowSchema.from_address(schema.dictionary), depth + 1)
    return Shape(_text(schema.format), named, other, _metadata(schema.metadata))


def addresses(pointers: int | None, count: int) -> list[int]:
    """Some pointers that stand one after the other; none of them is null."""
    if not count:
        return []
    found = list((c_void_p * count).from_address(pointers)) if pointers else [None]
    if None in found:
        raise CannotExchange("pointers to children are not null", count=count)
    return [at for at in found if at]


def _text(address: int | None) -> str:
    return string_at(address).decode("utf-8", "replace") if address else ""


def _metadata(address: int | None) -> tuple[tuple[bytes, bytes], ...]:
    """Pairs of keys and values, whose lengths are believed as far as ``MAX_METADATA``."""
    if not address:
        return ()
    first = place = address

    def number() -> int:
        nonlocal place
        place += 4
        found: int = unpack("=i", memory_at(place - 4, 4))[0]
        if found < 0 or place - first + found > MAX_METADATA:
            raise CannotExchange("lengths in metadata are not negative, and of some size", length=found)
        return found

    def word() -> bytes:
        nonlocal place
        size = number()
        place += size
        return bytes(memory_at(place - size, size))

    return tuple([(word(), word()) for _ in range(number())])


@contextmanager
def opened_array(source: Any) -> Iterator[tuple[Shape, Any]]:
    """Shape and array of what has ``__arrow_c_array__``; released afterwards."""
    schema, array = source.__arrow_c_array__()
    given = struct_in(schema, b"arrow_schema", ArrowSchema)
    held = struct_in(array, b"arrow_array", ArrowArray)
    try:
        yield shape_of(given), held
    finally:
        release(given)
        release(held)


class ForeignStream:
    """The batches of what has ``__arrow_c_stream__``, each released before the next one is asked for."""

    def __init__(self, source: Any) -> None:
        self._capsule = source.__arrow_c_stream__()
        self._stream = struct_in(self._capsule, b"arrow_array_stream", ArrowArrayStream)
        schema = self._asked(self._stream.get_schema, ArrowSchema())
        try:
            self.shape = shape_of(schema)
        finally:
            release(schema)

    def _asked(self, call: int, out: Any) -> Any:
        code = _OUT(call)(addressof(self._stream), addressof(out))
        if code:
            said = _MESSAGE(self._stream.get_last_error)(addressof(self._stream)) or b""
            raise CannotExchange("the stream gives its next part", code=code, error=said.decode("utf-8", "replace"))
        return out

    def __iter__(self) -> Iterator[Any]:
        try:
            while True:
                array = self._asked(self._stream.get_next, ArrowArray())
                if not array.release:
                    return
                try:
                    yield array
                finally:
                    release(array)
        finally:
            release(self._stream)
