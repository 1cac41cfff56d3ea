"""Merging forwards and resolving backwards are one rule."""

from __future__ import annotations

import random

import pytest

from ledger import ABSENT, MISSING, ROW_BITS, header_of, words_of
from projections.merge import merge, resolve
from tests.projections.packed import LAYOUT, WIDTH, Write, answer_of, layout_of, naive, random_writes

FAR = 10**6


@pytest.mark.parametrize("seed", range(40))
def test_merge_and_resolve_give_the_naive_answer(seed: int) -> None:
    rng = random.Random(seed)
    writes = random_writes(rng, rng.randrange(1, 14))
    forward = writes[0].row
    for write in writes[1:]:
        forward = merge(forward, write.row)
    backward = sorted(writes, key=lambda write: (write.event_time, write.ref), reverse=True)
    resolved = resolve((write.row for write in backward), writes[-1].ref, range(WIDTH), WIDTH)
    expected = naive(writes, FAR << ROW_BITS, FAR)
    assert answer_of(forward) == expected, seed
    assert answer_of(resolved) == expected, seed
    assert header_of(forward)[1] == max(write.event_time for write in writes)


def test_nothing_visible_is_no_row() -> None:
    assert resolve([], 0, range(WIDTH), WIDTH) is None


def test_only_the_slots_asked_for_are_resolved() -> None:
    rows = [Write(2 << ROW_BITS, 2, (MISSING, 2, MISSING)).row, Write(1 << ROW_BITS, 1, (1, 1, 1)).row]
    row = resolve(iter(rows), 2 << ROW_BITS, [1], 2)
    assert row is not None and words_of(row) == (ABSENT, 2)


def test_the_walk_ends_when_every_slot_has_its_value() -> None:
    rows = iter([Write(2 << ROW_BITS, 2, (1, 2, 3)).row, b"never looked at"])
    row = resolve(rows, 2 << ROW_BITS, range(WIDTH), WIDTH)
    assert row is not None and words_of(row) == (1, 2, 3) and next(rows) == b"never looked at"


def test_a_wider_row_widens_the_old_one_and_keeps_its_delete() -> None:
    wide = layout_of(5)
    old = merge(Write(1 << ROW_BITS, 1, (1, 1, 1)).row, Write(2 << ROW_BITS, 5, None).row)
    late = wide.pack(3 << ROW_BITS, 4, [MISSING, MISSING, MISSING, 7, MISSING])
    assert words_of(merge(old, late)) == (ABSENT,) * 5, "the delete also covers slots that came later"
    newer = wide.pack(3 << ROW_BITS, 6, [MISSING, MISSING, MISSING, 7, MISSING])
    assert words_of(merge(old, newer)) == (ABSENT, ABSENT, ABSENT, 7, ABSENT)


def test_a_row_of_an_older_version_leaves_newer_slots_alone() -> None:
    wide = layout_of(5)
    old = wide.pack(1 << ROW_BITS, 1, (1, 2, 3, 4, 5))
    merged = merge(old, LAYOUT.pack(2 << ROW_BITS, 2, (9, 9, 9)))
    assert words_of(merged) == (9, 9, 9, 4, 5)
