"""A bit-sliced column: one 64-bit key of every lane as planes; equality and order are one operation a plane.

O'Neil & Quass, "Improved query performance with variant indexes", SIGMOD 1997. Keys keep the order of their
values. High bits that are the same in every lane take no plane, so whole numbers below a thousand take ten.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from struct import Struct
from typing import Final

from projections.vectors.packed import plane

TOP: Final = 1 << 63
_AS_INT = Struct("=q")
_AS_FLOAT = Struct("=d")


def int_key(value: int) -> int:
    """The key of a whole number within int64."""
    return value + TOP


def float_key(value: float) -> int:
    """The key of a float; -0.0 has that of 0.0.

    >>> float_key(-1.5) < float_key(0.0) == float_key(-0.0) < float_key(1e-300)
    True
    """
    word: int = _AS_INT.unpack(_AS_FLOAT.pack(value + 0.0))[0]
    return word + TOP if word >= 0 else ~word & (TOP * 2 - 1) if word != -TOP else TOP


class Sliced:
    """The keys of lanes 0..count - 1, in ``planes``, the lowest bit first. Above them all keys agree on ``_high``."""

    __slots__ = ("_high", "count", "full", "planes")

    def __init__(self, keys: Sequence[int]) -> None:
        self.count = len(keys)
        self.full = (1 << self.count) - 1
        first = keys[0] if keys else 0
        differing = reduce(or_, map(first.__xor__, keys), 0).bit_length()
        self._high = first >> differing
        data = array("Q", keys).tobytes()
        self.planes = [plane(data[bit // 8 :: 8], bit % 8) for bit in range(differing)]

    def equal(self, key: int) -> int:
        """The lanes with this key."""
        if key >> len(self.planes) != self._high:
            return 0
        found = self.full
        for plane_ in self.planes:
            found = found & plane_ if key & 1 else found ^ (found & plane_)
            if not found:
                return 0
            key >>= 1
        return found

    def any_of(self, keys: Iterable[int]) -> int:
        """The lanes with one of some keys. They share the planes of the bits that they share: 0.3 us a key."""
        width = len(self.planes)
        own = sorted({key & ((1 << width) - 1) for key in keys if key >> width == self._high})
        return self._descend(self.full, own, 0, len(own), width) if own else 0

    def _descend(self, found: int, keys: list[int], start: int, stop: int, bits: int) -> int:
        """The lanes of ``found`` with one of keys[start:stop] in their lowest bits; the keys agree on the others."""
        if not found or stop - start == 1 << bits:
            return found
        bits -= 1
        middle = bisect_left(keys, (keys[start] >> bits | 1) << bits, start, stop)  # from here on the bit is set
        ones = found & self.planes[bits]
        kept = self._descend(ones, keys, middle, stop, bits) if middle < stop else 0
        return kept | self._descend(found ^ ones, keys, start, middle, bits) if start < middle else kept

    def at_least(self, key: int) -> int:
        """The lanes with this key or a greater one."""
        high = key >> len(self.planes)
        if high != self._high:
            return self.full if high < self._high else 0
        found = self.full
        for plane_ in self.planes:
            found = found & plane_ if key & 1 else found | plane_
            key >>= 1
        return found
