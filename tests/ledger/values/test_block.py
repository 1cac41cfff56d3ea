"""Blocks: a batch packed at once is what its rows packed one by one are."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from ledger import (
    COMPLETE,
    MISSING,
    NULL,
    TOMBSTONE,
    Float,
    Int,
    Layout,
    Text,
    Vector,
    build_block,
    build_deletes,
    header_of,
    words_of,
)
from ledger.values.layouts import Layouts
from tests.ledger.making import A_ROW, T0, columns_of, definition, layout_of

LAYOUT = layout_of()
REF = 9 << 24


def block_of(layout: Layout, columns: dict[str, Any], times: Any = T0, ref: int = REF) -> Any:
    rows = len(next(iter(columns.values())))
    return build_block(layout, [f"d-{row}" for row in range(rows)], columns_of(layout, columns), ref, times)


@pytest.mark.parametrize("rows", [1, 2, 16, 33])
def test_a_batch_packs_to_the_same_rows_as_single_puts(rows: int) -> None:
    """Words and flags; only the tail differs, for Text and Vector stay beside the rows of a batch."""
    given = [{**A_ROW, "trips": row, "city": f"c{row % 3}"} for row in range(rows)]
    block = block_of(LAYOUT, {name: [row[name] for row in given] for name in A_ROW})
    for place, values in enumerate(given):
        single = LAYOUT.pack(REF + place, T0, LAYOUT.encode(values))
        packed = block.rows[place]
        assert packed[:24] == single[:24]
        for slot, (mine, other) in enumerate(zip(words_of(packed), words_of(single), strict=True)):
            assert mine == (0 if LAYOUT.types[slot].heavy else other)
        assert block.cells(place) == LAYOUT.cells(single)
        assert block.heavy_at(place, 4) == A_ROW["note"]


def test_flags_of_a_batch_are_those_of_single_puts() -> None:
    layout = layout_of(a=Int(), b=Float())
    given = [(1, 2.0), (None, 2.0), (MISSING, 2.0), (1, MISSING), (None, None)]
    block = block_of(layout, {"a": [a for a, _ in given], "b": [b for _, b in given]})
    for place, (a, b) in enumerate(given):
        assert block.rows[place] == layout.pack(REF + place, T0, layout.encode({"a": a, "b": b}))
    assert not block.is_complete
    partial = block_of(layout, {"a": [1, 2]})
    assert [partial.rows[place] for place in (0, 1)] == [layout.pack(REF + p, T0, [p + 1, MISSING]) for p in (0, 1)]


def test_a_block_knows_its_rows() -> None:
    block = block_of(layout_of(a=Int()), {"a": [5, 6, 7]}, array("q", [30, 10, 20]), REF | 40)
    assert len(block) == 3
    assert block.first == 40
    assert [header_of(row)[0] for row in block.rows] == [REF | 40, REF | 41, REF | 42]
    assert block.event_times().tolist() == [30, 10, 20]
    assert [entity for entity, _ in block] == ["d-0", "d-1", "d-2"]
    assert block.is_complete
    assert not block.is_delete


def test_columns_come_back_from_packed_rows() -> None:
    columns = {
        "trips": [1, None, MISSING],
        "rating": [-0.0, MISSING, None],
        "note": ["x", None, "é"],
        "profile": [[1, 2, 3], MISSING, [4, 5, 6]],
    }
    given = columns_of(LAYOUT, columns)
    found = block_of(LAYOUT, columns).columns()
    assert set(found) == set(given)
    for place, column in given.items():
        assert found[place][1:] == column[1:]
        assert bytes(memoryview(found[place].data)) == bytes(memoryview(column.data)) if place < 4 else True
        assert found[place].data == column.data


def test_a_column_that_was_not_written_does_not_come_back() -> None:
    assert set(block_of(LAYOUT, {"trips": [1, 2], "city": [None, None]}).columns()) == {0, 3}
    assert set(block_of(LAYOUT, {"trips": [1, 2], "city": [MISSING, MISSING]}).columns()) == {0}


def test_a_block_without_rows_is_empty() -> None:
    block = build_block(LAYOUT, [], columns_of(LAYOUT, {name: [] for name in A_ROW}), REF, T0)
    assert len(block) == 0
    assert not block.is_delete
    assert block.event_times().tolist() == []


def test_slots_of_a_removed_feature_stay_absent() -> None:
    layouts = Layouts()
    layouts.define(definition(a=Int(), b=Text()))
    second = layouts.define(definition(version=2, c=Vector(1, metric="dot"), a=Int()))
    block = block_of(second, {"c": [[1], None], "a": [3, 4]})
    assert block.cells(0) == [second.types[0].check([1]), 3]
    assert block.cells(1) == [None, 4]
    assert words_of(block.rows[1])[2] == NULL
    assert not block.is_complete


def test_deletes_are_tombstones() -> None:
    block = build_deletes(LAYOUT, ["a", "b"], REF | 2, [5, 3])
    assert block.is_delete
    assert block.first == 2
    assert [header_of(row)[:2] for row in block.rows] == [(REF | 2, 5), (REF | 3, 3)]
    assert all(header_of(row)[2] & (TOMBSTONE | COMPLETE) == TOMBSTONE | COMPLETE for row in block.rows)
    assert list(block.rows) == [LAYOUT.tombstone(REF | 2, 5), LAYOUT.tombstone(REF | 3, 3)]
    assert block.event_times().tolist() == [5, 3]


def test_a_block_of_deletes_states_its_own_event_times() -> None:
    block = build_deletes(LAYOUT, ["a", "b"], REF, [T0 + 5, T0 - 3])
    assert (block.oldest, block.newest, block.is_ordered) == (T0 - 3, T0 + 5, False)


@pytest.mark.parametrize(
    ("times", "expected"),
    [(7, (7, 7, True)), ([3, 5, 5], (3, 5, True)), ([5, 3, 4], (3, 5, False)), ([-1, -5, -3], (-5, -1, False))],
)
def test_a_block_states_the_extremes_of_its_event_times(times: Any, expected: tuple[int, int, bool]) -> None:
    block = block_of(layout_of(a=Int()), {"a": [1, 2, 3]}, times if isinstance(times, int) else array("q", times))
    assert (block.oldest, block.newest, block.is_ordered) == expected
