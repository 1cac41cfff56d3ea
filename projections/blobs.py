"""Blobs: plain data and runs of bytes as one run of bytes, and back. The form of the dumps of large projections.

    dump = 8 bytes (length of the head) | head, JSON | blobs, one after the other
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any


def join_blobs(head: dict[str, Any], blobs: Sequence[bytes]) -> bytes:
    """One run of bytes of plain data and some blobs."""
    text = json.dumps({**head, "sizes": list(map(len, blobs))}, ensure_ascii=False).encode()
    return b"".join([len(text).to_bytes(8, "little"), text, *blobs])


def split_blobs(state: bytes) -> tuple[dict[str, Any], Iterator[bytes]]:
    """The plain data, and the blobs in their order; ``ValueError`` where the sizes are not those of the bytes."""
    start = 8 + int.from_bytes(state[:8], "little")
    head = json.loads(state[8:start])
    sizes = head["sizes"]
    if not all(type(size) is int and size >= 0 for size in sizes) or start + sum(sizes) != len(state):  # ints
        raise ValueError("a dump is its head and its blobs, each of a size")
    return head, _cut(state, start, sizes)


def _cut(state: bytes, start: int, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        yield state[start : start + size]
        start += size
