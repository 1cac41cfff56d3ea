"""Packed rows: sentinels, flags and sources."""

from __future__ import annotations

import math
import struct
import sys

import pytest

from ledger import (
    ABSENT,
    COMPLETE,
    FOUND,
    MISSING,
    MIXED,
    NO_SOURCE,
    NULL,
    SLOTS_SHIFT,
    TOMBSTONE,
    Category,
    Float,
    Int,
    header_of,
    mixed,
    source_at,
    sources_of,
    word_at,
    words_of,
)
from ledger.values.rows import ABSENT_FLOAT, NULL_FLOAT, recode, slots_of, tail_start, tombstone
from tests.ledger.making import layout_of


def bits(value: float) -> int:
    return int(struct.unpack("=q", struct.pack("=d", value))[0])


EDGES = [0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, sys.float_info.max, -sys.float_info.max, 1.0, -1.0]


@pytest.mark.parametrize("value", EDGES)
def test_no_finite_float_has_the_bits_of_a_sentinel(value: float) -> None:
    assert bits(value) not in (ABSENT, NULL)


def test_the_sentinels_are_nan_and_no_legal_int() -> None:
    for word, shown in [(ABSENT, ABSENT_FLOAT), (NULL, NULL_FLOAT)]:
        assert math.isnan(shown)
        assert bits(shown) == word
        assert word > 2**53
    assert len({ABSENT, NULL, bits(float("nan"))}) == 3


def test_missing_is_one_thing_and_false() -> None:
    assert repr(MISSING) == "MISSING"
    assert not MISSING
    assert type(MISSING)("MISSING") is MISSING


def test_a_tombstone_covers_every_slot_and_later_ones() -> None:
    row = tombstone(5 << 24, 70, 3)
    assert header_of(row) == (5 << 24, 70, TOMBSTONE | COMPLETE | 3 << SLOTS_SHIFT)
    assert words_of(row) == (ABSENT,) * 3
    assert sources_of(row) == [(5 << 24, 70)] * 4
    assert source_at(row, 0) == source_at(row, 99) == (5 << 24, 70)
    assert not header_of(row)[2] & FOUND


def test_a_word_beyond_a_rows_own_slots_was_never_written() -> None:
    row = layout_of(a=Int(), b=Int()).pack(1 << 24, 9, (4, 5))
    assert [word_at(row, slot) for slot in range(4)] == [4, 5, ABSENT, ABSENT]
    assert slots_of(row) == 2
    assert tail_start(row) == len(row) == 40
    assert source_at(row, 2) == NO_SOURCE


def test_a_plain_row_is_its_own_source_of_what_it_wrote() -> None:
    layout = layout_of(a=Int(), b=Int(), c=Int())
    row = layout.pack(1 << 24, 9, [4, MISSING, None])
    own = (1 << 24, 9)
    assert sources_of(row) == [own, NO_SOURCE, own, NO_SOURCE]


def test_source_at_says_what_sources_of_says() -> None:
    layout = layout_of(a=Int(), b=Int(), c=Int())
    rows = [layout.pack(1 << 24, 9, [4, MISSING, None]), layout.pack(1 << 24, 9, (1, 2, 3)), tombstone(1 << 24, 9, 3)]
    rows.append(mixed(7 << 24, 9, True, [4, ABSENT, NULL], [(1 << 24, 5), NO_SOURCE, (7 << 24, 9), NO_SOURCE]))
    for row in rows:
        assert [source_at(row, slot) for slot in range(3)] == sources_of(row)[:3]


def test_a_mixed_row_carries_a_source_for_each_slot_and_for_the_newest_delete() -> None:
    sources = [(1 << 24, 5), (3 << 24 | 2, 8), (2 << 24, 7)]
    row = mixed(3 << 24 | 2, 8, True, [11, NULL], sources)
    assert header_of(row) == (3 << 24 | 2, 8, MIXED | FOUND | 2 << SLOTS_SHIFT)
    assert words_of(row) == (11, NULL)
    assert sources_of(row) == sources
    assert [source_at(row, slot) for slot in (0, 1, 2, 7)] == [*sources, (2 << 24, 7)]
    assert not header_of(mixed(1, 8, False, [11, NULL], sources))[2] & FOUND


def test_recoding_replaces_category_codes_and_nothing_else() -> None:
    layout = layout_of(city=Category(), trips=Int(), rating=Float(), land=Category())
    row = layout.pack(1 << 24, 9, ("Rome", 1, 0.5, "Italy")) + b"tail"
    swapped = recode(row, (0, 3), [7, 9])
    assert words_of(swapped) == (7, 1, bits(0.5), 9)
    assert swapped[:24] == row[:24]
    assert swapped.endswith(b"tail")
    gaps = layout.pack(1 << 24, 9, [None, 1, MISSING, MISSING])
    assert recode(gaps, (0, 3, 8), [7, 9]) == gaps
