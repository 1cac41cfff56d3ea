"""The Merkle tree over the digests of a log: RFC 6962 (section 2.1), also RFC 9162.

    leaf data      the 32 bytes of an event's digest, in order of offset
    leaf hash      SHA-256(0x00 || leaf data)
    node hash      SHA-256(0x01 || left || right)
    root of n      that of the empty string for 0; the leaf hash for 1; else the node of the roots of the first
                   k leaves and of the others, k the greatest power of two below n

Appending to the log does nothing here. The first question hashes the leaves that are new, in order, and keeps
the hashes of full subtrees of 16 leaves and more: 4 bytes a leaf. What lies below is hashed again when asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from threading import RLock
from typing import Final

from ledger.errors import OffsetOutOfRange
from ledger.locks import free_in_children
from ledger.proofs.verification import EMPTY_ROOT, leaf_hash, node_hash

TILE_BITS: Final = 4
TILE: Final = 1 << TILE_BITS
HASH: Final = 32
BATCH: Final = 1 << 12  # leaves asked for at once
Leaves = Callable[[int, int], bytes]


class MerkleTree:
    """The tree of a growing list of leaves; ``leaves(start, stop)`` gives the data of leaves from 0, joined.

    It serves every size that the list ever had. Thread safe. 1.5 us a new leaf.

    >>> tree = MerkleTree(lambda start, stop: bytes(32 * (stop - start)))
    >>> tree.root(0).hex()[:8], tree.root(2) == node_hash(leaf_hash(bytes(32)), leaf_hash(bytes(32)))
    ('e3b0c442', True)
    """

    def __init__(self, leaves: Leaves) -> None:
        self._leaves = leaves
        self._levels = [bytearray()]  # of full subtrees of 16 leaves, of 32, of 64, ...
        self._lock = free_in_children(RLock())

    @property
    def hashed(self) -> int:
        """The leaves that full subtrees of 16 cover by now."""
        return len(self._levels[0]) // HASH * TILE

    def root(self, size: int) -> bytes:
        """The root of the first ``size`` leaves. 10 to 50 us once they are hashed."""
        return self.hash_of(0, size)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The hashes that prove a leaf (from 0) to be in the tree of a size. RFC 9162, 2.1.3.1."""
        if not 0 <= index < size:
            raise OffsetOutOfRange("a leaf lies in its tree", index=index, size=size)
        path: list[bytes] = []
        start, stop = 0, size
        while stop - start > 1:
            middle = start + split_at(stop - start)
            if index < middle:
                path.append(self.hash_of(middle, stop))
                stop = middle
            else:
                path.append(self.hash_of(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, first: int, second: int) -> list[bytes]:
        """The hashes that prove the tree of ``second`` leaves to begin with that of ``first``. RFC 9162, 2.1.4.1."""
        if not 0 <= first <= second:
            raise OffsetOutOfRange("the first tree is no larger than the second", first=first, second=second)
        if first in (0, second):
            return []
        path: list[bytes] = []
        start, stop, whole = 0, second, True  # whole: the old tree was exactly this subtree, so its root is known
        while first < stop:
            middle = start + split_at(stop - start)
            if first <= middle:
                path.append(self.hash_of(middle, stop))
                stop = middle
            else:
                path.append(self.hash_of(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self.hash_of(start, stop))
        return path[::-1]

    def hash_of(self, start: int, stop: int) -> bytes:
        """The root of the leaves from ``start`` to ``stop``, where these are a subtree, or the right end of a tree."""
        return _joined(self.cover(start, stop))

    def cover(self, start: int, stop: int) -> list[bytes]:
        """The hashes of the largest subtrees that cover the leaves from ``start`` to ``stop``, left to right."""
        return [self._full(height, index) for height, index in blocks(start, stop)]

    def _full(self, height: int, index: int) -> bytes:
        """The root of the full subtree of ``2**height`` leaves of that number."""
        if height < TILE_BITS:
            start = index << height
            leaves = self._leaves(start, start + (1 << height))
            return _reduced([leaf_hash(leaves[place : place + HASH]) for place in range(0, len(leaves), HASH)])
        if (index + 1) << height > self.hashed or height - TILE_BITS >= len(self._levels):
            self._grow((index + 1) << height)
        level = self._levels[height - TILE_BITS]
        return bytes(level[index * HASH : (index + 1) * HASH])

    def _grow(self, size: int) -> None:
        with self._lock:
            while self.hashed < size:
                start = self.hashed
                leaves = self._leaves(start, start + min(BATCH, size - start) // TILE * TILE)
                hashes = [sha256(b"\0" + leaves[at : at + HASH]).digest() for at in range(0, len(leaves), HASH)]
                for _ in range(TILE_BITS):  # hashed in place: a function call for each would cost a third more
                    hashes = [sha256(b"\1" + left + right).digest() for left, right in zip(hashes[::2], hashes[1::2])]
                for tile in hashes:
                    self._push(tile)

    def _push(self, tile: bytes) -> None:
        """Add a full subtree of 16 leaves. The lowest level grows last: what it covers is there at every height."""
        found, level, index = tile, 0, len(self._levels[0]) // HASH
        while index & 1:
            left = self._levels[level][(index - 1) * HASH : index * HASH]
            found, level, index = node_hash(bytes(left), found), level + 1, index >> 1
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level][index * HASH :] = found
        self._levels[0] += tile


class CompactTree:
    """The root of leaves and subtrees that arrive in order: what is needed to check many leaves at once.

    >>> tree = CompactTree()
    >>> tree.add(leaf_hash(bytes(32))); tree.add(leaf_hash(bytes(32)))
    >>> tree.size, tree.root() == MerkleTree(lambda start, stop: bytes(32 * (stop - start))).root(2)
    (2, True)
    """

    def __init__(self) -> None:
        self.size = 0
        self._stack: list[tuple[int, bytes]] = []

    def add(self, found: bytes, height: int = 0) -> None:
        """Add a leaf's hash, or that of the full subtree of ``2**height`` leaves that comes next."""
        if self.size & ((1 << height) - 1):
            raise OffsetOutOfRange("a subtree begins at a multiple of its size", size=self.size, height=height)
        self.size += 1 << height
        while self._stack and self._stack[-1][0] == height:
            found, height = node_hash(self._stack.pop()[1], found), height + 1
        self._stack.append((height, found))

    def root(self) -> bytes:
        """The root of all that was added."""
        return _joined([found for _, found in self._stack])


def split_at(size: int) -> int:
    """The greatest power of two below a size of at least two.

    >>> [split_at(size) for size in (2, 3, 4, 5, 8, 9)]
    [1, 2, 2, 4, 4, 8]
    """
    return 1 << (size - 1).bit_length() - 1


def blocks(start: int, stop: int) -> list[tuple[int, int]]:
    """(height, number) of the largest full subtrees that cover leaves from ``start`` to ``stop``, left to right.

    >>> blocks(1, 7)
    [(0, 1), (1, 1), (1, 2), (0, 6)]
    """
    found = []
    while start < stop:
        height = (stop - start).bit_length() - 1
        if start:
            height = min(height, (start & -start).bit_length() - 1)
        found.append((height, start >> height))
        start += 1 << height
    return found


def _joined(hashes: list[bytes]) -> bytes:
    """The root of a tree, given those of its largest full subtrees, left to right."""
    if not hashes:
        return EMPTY_ROOT
    *others, found = hashes
    for left in reversed(others):
        found = node_hash(left, found)
    return found


def _reduced(hashes: list[bytes]) -> bytes:
    """The root of a full subtree, given the hashes of its leaves."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[place], hashes[place + 1]) for place in range(0, len(hashes), 2)]
    return hashes[0]
