"""Bits: bitmaps of Arrow, the first row in the lowest bit of the first byte."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = bytes([ord("0")]) + bytes([ord("1")]) * 255
_BITS: Final = bytes.maketrans(b"01", b"\0\1")


def pack_bits(flags: bytes) -> bytes:
    """The bitmap of a byte a row, in whole words. 4 ns a row: an int is read from its binary digits.

    >>> pack_bits(bytes([1, 0, 0, 1])).hex()
    '0900000000000000'
    """
    size = (len(flags) + 63) // 64 * 8
    return int(flags[::-1].translate(_DIGITS) or b"0", 2).to_bytes(size, "little")


def unpack_bits(bitmap: bytes, start: int, rows: int) -> bytes:
    """A byte (0 or 1) a row, from a bit on. 10 ns a row.

    >>> list(unpack_bits(bytes([9]), 0, 4))
    [1, 0, 0, 1]
    """
    if not rows:
        return b""
    digits = f"{int.from_bytes(bitmap, 'little') >> start:0{rows}b}".encode()
    return digits[::-1].translate(_BITS)[:rows]
