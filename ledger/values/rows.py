"""The packed row: what one write left of one entity, as a run of 8-byte words.

    word 0      reference of the write (offset << 24 | row)
    word 1      event time, microseconds
    word 2      flags, and above them the number of slots m
    m words     one a slot: float64, int64, or a code of the category pool; or one of two sentinels
    (m + 1) x 2 words only in a MIXED row: the source (reference, event time) of every slot, and of
                the newest delete, which also covers features that the view gained later
    bytes       only in a row put alone: the tail, its Text and Vector values

A feature has one **slot** of its view for ever, so rows of different versions of a view need no
translation: a slot beyond a row's m was never written. One bytes object of 104 bytes holds ten
features, the garbage collector does not track it, and a batch of rows is one ``b"".join``. Rows live
in memory only (native byte order); the stored form is in ``ledger.codec``.

The sentinels are NaN payloads: no finite float has those bits, and as an int64 they lie outside
+-2**53. So a word tells its own state, and a float block shows NaN where there is no value.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from struct import Struct
from typing import Final, TypeAlias

ABSENT: Final = 0x7FF8_0000_0000_0001  # never written by this row
NULL: Final = 0x7FF8_0000_0000_0002  # written as None
ABSENT_FLOAT: Final[float] = Struct("=d").unpack(Struct("=q").pack(ABSENT))[0]
NULL_FLOAT: Final[float] = Struct("=d").unpack(Struct("=q").pack(NULL))[0]

COMPLETE: Final = 1  # every slot of the view so far was written: when newest, it replaces all before it
PLAIN: Final = 2  # COMPLETE, and nothing is null: every word is a value
TOMBSTONE: Final = 4  # a delete: every slot absent
MIXED: Final = 8  # merged from several writes; carries sources
FOUND: Final = 16  # the entity exists in this row
SLOTS_SHIFT: Final = 8

HEADER: Final = Struct("=qqq")
HEADER_SIZE: Final = HEADER.size
WORD: Final = 8
header_of = HEADER.unpack_from
word_of = Struct("=q").unpack_from
float_of = Struct("=d").unpack_from
pair_of = Struct("=qq").unpack_from


Source: TypeAlias = "tuple[int, int]"  # (reference, event time) of a write
NO_SOURCE: Final = (0, -(2**63))  # earlier than any event time


class Missing(Enum):
    """The type of ``MISSING``: a cell of a batch that is not written."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING


def slots_of(row: bytes) -> int:
    """The number of slots of a row."""
    return int(header_of(row)[2]) >> SLOTS_SHIFT


def tail_start(row: bytes) -> int:
    """Where the tail of a row begins."""
    return HEADER_SIZE + WORD * slots_of(row)


def word_at(row: bytes, slot: int) -> int:
    """The word of a slot as int64; ``ABSENT`` beyond the row's own slots."""
    if slot >= slots_of(row):
        return ABSENT
    return int(word_of(row, HEADER_SIZE + WORD * slot)[0])


def words_of(row: bytes) -> tuple[int, ...]:
    """All words as int64."""
    return Struct(f"={slots_of(row)}q").unpack_from(row, HEADER_SIZE)


def sources_of(row: bytes) -> list[Source]:
    """The source of every slot, and last the newest delete's; ``NO_SOURCE`` where nothing wrote."""
    ref, event_time, flags = header_of(row)
    count = flags >> SLOTS_SHIFT
    if not flags & MIXED:
        own = (ref, event_time)
        if flags & TOMBSTONE:
            return [own] * (count + 1)
        return [NO_SOURCE if word == ABSENT else own for word in words_of(row)] + [NO_SOURCE]
    flat = Struct(f"={2 * count + 2}q").unpack_from(row, HEADER_SIZE + WORD * count)
    return list(zip(flat[::2], flat[1::2], strict=True))


def source_at(row: bytes, slot: int) -> Source:
    """The write that a slot's value comes from; ``NO_SOURCE`` where there is none."""
    ref, event_time, flags = header_of(row)
    count = flags >> SLOTS_SHIFT
    if flags & MIXED:
        return pair_of(row, HEADER_SIZE + WORD * (count + 2 * min(slot, count)))
    return (ref, event_time) if flags & TOMBSTONE or word_at(row, slot) != ABSENT else NO_SOURCE


def tombstone(ref: int, event_time: int, slots: int) -> bytes:
    """The row of a delete."""
    flags = TOMBSTONE | COMPLETE | slots << SLOTS_SHIFT
    return HEADER.pack(ref, event_time, flags) + Struct(f"={slots}q").pack(*[ABSENT] * slots)


def mixed(ref: int, newest: int, found: bool, words: list[int], sources: list[Source]) -> bytes:
    """A merged row. ``ref`` is the last write by offset, ``newest`` the greatest event time in it."""
    count = len(words)
    flags = MIXED | (FOUND if found else 0) | count << SLOTS_SHIFT
    flat = [number for source in sources for number in source]
    return Struct(f"={5 + 3 * count}q").pack(ref, newest, flags, *words, *flat)


def recode(row: bytes, slots: Sequence[int], codes: Sequence[int]) -> bytes:
    """The row with the category code of each of these slots replaced: ``codes[old]`` is the new one."""
    words = list(words_of(row))
    for slot in slots:
        if slot < len(words) and 0 <= words[slot] < len(codes):
            words[slot] = codes[words[slot]]
    end = HEADER_SIZE + WORD * len(words)
    return row[:HEADER_SIZE] + Struct(f"={len(words)}q").pack(*words) + row[end:]
