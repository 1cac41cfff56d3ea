"""Merging rows: which write each slot's value comes from.

The rule is one: the greatest (event time, offset, row) wins a slot. A delete writes every slot, those
that the view gains later included; a put writes the slots it carries.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger import ABSENT, FOUND, NO_SOURCE, TOMBSTONE, header_of, mixed, sources_of, words_of


def merge(old: bytes, new: bytes) -> bytes:
    """The row after one more write, at any later clock.

    12 us for ten slots: only partial and late writes come here, a complete newest row simply replaces.
    """
    old_ref, old_newest, _ = header_of(old)
    ref, event_time, flags = header_of(new)
    words, sources, deleted = _open(old, new)
    fresh = list(words_of(new))
    fresh += [ABSENT] * (len(words) - len(fresh))
    rank, everything = (event_time, ref), flags & TOMBSTONE
    for slot, word in enumerate(fresh):
        if (everything or word != ABSENT) and rank >= sources[slot][::-1]:
            words[slot] = word
            sources[slot] = (ref, event_time)
    if everything and rank >= deleted[::-1]:
        deleted = (ref, event_time)
    found = any(word != ABSENT for word in words)
    return mixed(max(ref, old_ref), max(event_time, old_newest), found, words, [*sources, deleted])


def _open(old: bytes, new: bytes) -> tuple[list[int], list[tuple[int, int]], tuple[int, int]]:
    """Words and sources of the old row, widened to the slots of the new one; and its newest delete."""
    words, sources = list(words_of(old)), sources_of(old)
    deleted = sources.pop()
    missing = len(words_of(new)) - len(words)
    return words + [ABSENT] * missing, sources + [deleted] * missing, deleted


def resolve(
    versions: Iterable[bytes], last: int, slots: Iterable[int], width: int, *, all_found: bool = False
) -> bytes | None:
    """The row that visible versions make, given from the greatest (event time, reference) down.

    ``last`` is the greatest reference among them; ``slots`` are those asked for, and the walk ends when
    each has found its value; ``width`` is the number of slots of the answer. None where no version is, and, with
    ``all_found``, where the versions end before each slot has found its value.
    """
    words, sources = [ABSENT] * width, [NO_SOURCE] * (width + 1)
    open_slots = set(slots)
    newest: int | None = None
    found = False
    for row in versions:
        ref, event_time, flags = header_of(row)
        if newest is None:
            newest, found = event_time, bool(flags & FOUND)
        if flags & TOMBSTONE:
            for slot in open_slots:
                sources[slot] = (ref, event_time)
            sources[width] = (ref, event_time)
            break
        _take(row, (ref, event_time), open_slots, words, sources)
        if not open_slots:
            break
    else:
        if all_found and open_slots:
            return None
    return None if newest is None else mixed(last, newest, found, words, sources)


def _take(
    row: bytes, source: tuple[int, int], open_slots: set[int], words: list[int], sources: list[tuple[int, int]]
) -> None:
    held = words_of(row)
    for slot in [slot for slot in open_slots if slot < len(held) and held[slot] != ABSENT]:
        words[slot], sources[slot] = held[slot], source
        open_slots.discard(slot)
