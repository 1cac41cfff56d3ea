"""A second, naive reader of Arrow capsules, straight from the specification, as the judge of the exported structs.

It shares nothing with the package: structs are words at addresses (64-bit), and every bit is looked up alone.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Any

POINTER = ctypes.pythonapi.PyCapsule_GetPointer
POINTER.restype, POINTER.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
SIZES = {"g": ("d", 8), "f": ("f", 4), "e": ("e", 2), "l": ("q", 8), "i": ("i", 4), "c": ("b", 1), "C": ("B", 1)}


def words(address: int, count: int) -> tuple[int, ...]:
    return struct.unpack(f"<{count}q", ctypes.string_at(address, 8 * count)) if count else ()


def text(address: int) -> str:
    return ctypes.string_at(address).decode()


class Schema:
    """Nine words: format, name, metadata, flags, n_children, children, dictionary, release, private_data."""

    def __init__(self, address: int) -> None:
        self.words = words(address, 9)
        self.format, self.name = text(self.words[0]), text(self.words[1])
        self.children = [Schema(child) for child in words(self.words[5], self.words[4])]
        self.dictionary = Schema(self.words[6]) if self.words[6] else None
        assert self.words[7] and self.words[8], "every part can be released"


class Array:
    """Ten words: length, null_count, offset, n_buffers, n_children, buffers, children, dictionary, release, private."""

    def __init__(self, address: int) -> None:
        self.words = words(address, 10)
        self.length, self.nulls, self.offset = self.words[:3]
        self.buffers = words(self.words[5], self.words[3])
        self.children = [Array(child) for child in words(self.words[6], self.words[4])]
        self.dictionary = Array(self.words[7]) if self.words[7] else None
        assert self.words[8] and self.words[9], "every part can be released"

    def is_valid(self, row: int) -> bool:
        if not self.buffers[0]:
            return True
        return bool(ctypes.string_at(self.buffers[0] + row // 8, 1)[0] >> row % 8 & 1)


def values(schema: Schema, array: Array) -> list[Any]:
    """The cells as plain Python values; the number of nulls is checked."""
    inside = values(schema.children[0], array.children[0]) if schema.children else []
    known = values(schema.dictionary, array.dictionary) if schema.dictionary and array.dictionary else None
    rows = range(array.length)
    found = [cell(schema.format, array, row, inside, known) if array.is_valid(row) else None for row in rows]
    assert array.nulls == found.count(None) and array.offset == 0
    return found


def cell(kind: str, array: Array, row: int, inside: list[Any], known: list[Any] | None) -> Any:
    if known is not None:
        return known[number("i", array.buffers[1], row)]
    if kind in SIZES:
        return number(kind, array.buffers[1], row)
    if kind == "tsu:UTC":
        return number("l", array.buffers[1], row)
    if kind == "b":
        return bool(ctypes.string_at(array.buffers[1] + row // 8, 1)[0] >> row % 8 & 1)
    if kind == "u":
        start, stop = number("i", array.buffers[1], row), number("i", array.buffers[1], row + 1)
        return ctypes.string_at(array.buffers[2] + start, stop - start).decode()
    if kind.startswith("w:"):
        size = int(kind[2:])
        return ctypes.string_at(array.buffers[1] + row * size, size)
    if kind == "+l":
        return inside[number("i", array.buffers[1], row) : number("i", array.buffers[1], row + 1)]
    assert kind.startswith("+w:"), kind
    size = int(kind[3:])
    return inside[row * size : (row + 1) * size]


def number(kind: str, address: int, row: int) -> Any:
    code, size = SIZES[kind]
    return struct.unpack(f"<{code}", ctypes.string_at(address + row * size, size))[0]


def columns(source: Any) -> dict[str, list[Any]]:
    """The columns of a stream, and that it ends, and that it can be released."""
    capsule = source.__arrow_c_stream__()
    stream = POINTER(capsule, b"arrow_array_stream")
    get_schema, get_next, get_last_error, release, _ = words(stream, 5)
    call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    let_go = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    schema_at = ctypes.create_string_buffer(72)
    assert call(get_schema)(stream, ctypes.addressof(schema_at)) == 0 and get_last_error
    schema = Schema(ctypes.addressof(schema_at))
    assert schema.format == "+s"
    found: dict[str, list[Any]] = {child.name: [] for child in schema.children}
    while True:
        array_at = ctypes.create_string_buffer(80)
        address = ctypes.addressof(array_at)
        assert call(get_next)(stream, address) == 0
        if not words(address, 10)[8]:
            break
        array = Array(address)
        for child, part in zip(schema.children, array.children, strict=True):
            assert part.length == array.length
            found[child.name] += values(child, part)
        let_go(array.words[8])(address)
        assert words(address, 10)[8] == 0, "a released array says so"
    let_go(schema.words[7])(ctypes.addressof(schema_at))
    let_go(release)(stream)
    assert words(stream, 5)[3] == 0
    return found


def column(source: Any) -> list[Any]:
    """The values of an array, its two capsules left to their destructors."""
    schema, array = source.__arrow_c_array__()
    return values(Schema(POINTER(schema, b"arrow_schema")), Array(POINTER(array, b"arrow_array")))
