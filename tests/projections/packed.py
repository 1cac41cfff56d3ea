"""Packed rows of a small view, random histories of them, and the naive answer to a read."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from ledger import (
    ABSENT,
    FOUND,
    MISSING,
    ROW_BITS,
    Int,
    Layout,
    Log,
    ViewDefinition,
    header_of,
    new_header,
    sources_of,
    words_of,
)

WIDTH = 3


def layout_of(width: int = WIDTH) -> Layout:
    """A view of int features a, b, c, ..."""
    features = {chr(ord("a") + place): Int() for place in range(width)}
    return Log(new_header(0, 1)).layouts.define(ViewDefinition("v", 1, "entity", features))


LAYOUT = layout_of()


class Write(NamedTuple):
    """``values`` None is a delete; a value MISSING was not written."""

    ref: int
    event_time: int
    values: tuple[Any, ...] | None

    @property
    def row(self) -> bytes:
        if self.values is None:
            return LAYOUT.tombstone(self.ref, self.event_time)
        partial = any(value is MISSING or value is None for value in self.values)
        return LAYOUT.pack(self.ref, self.event_time, list(self.values) if partial else self.values)


def random_writes(rng: random.Random, count: int, spread: int = 6) -> list[Write]:
    """Complete and partial, late, tied and dated ahead; the row of offset n has recorded time n."""
    writes: list[Write] = []
    for offset in range(1, count + 1):
        event_time = offset + rng.choice([0, 0, -spread, rng.randrange(-spread, spread)])
        values: tuple[Any, ...] | None = tuple(rng.choice([offset, offset, MISSING]) for _ in range(WIDTH))
        kind = rng.random()
        if kind < 0.15:
            values = None
        elif kind < 0.5 or all(value is MISSING for value in values or ()):
            values = (offset,) * WIDTH
        writes.append(Write(offset << ROW_BITS, event_time, values))
    return writes


class Answer(NamedTuple):
    """What a row says: words, sources (of slots that are present), last write, whether the entity exists."""

    words: tuple[int, ...]
    sources: tuple[tuple[int, int] | None, ...]
    last: int
    found: bool


def answer_of(row: bytes | None) -> Answer | None:
    if row is None:
        return None
    words = words_of(row)
    sources = [None if word == ABSENT else source for word, source in zip(words, sources_of(row), strict=False)]
    ref, _, flags = header_of(row)
    return Answer(words, tuple(sources), ref, bool(flags & FOUND))


def naive(writes: list[Write], limit: int, at: int) -> Answer | None:
    """The rule itself: of the visible writes of a slot the greatest (event time, reference)."""
    visible = [write for write in writes if write.ref <= limit and write.event_time <= at]
    if not visible:
        return None
    words, sources = [], []
    for slot in range(WIDTH):
        said = [w for w in visible if w.values is None or w.values[slot] is not MISSING]
        best = max(said, key=lambda write: (write.event_time, write.ref), default=None)
        present = best is not None and best.values is not None
        words.append(best.values[slot] if present else ABSENT)  # type: ignore[union-attr,index]
        sources.append((best.ref, best.event_time) if present and best is not None else None)
    found = any(word != ABSENT for word in words)
    return Answer(tuple(words), tuple(sources), max(write.ref for write in visible), found)
