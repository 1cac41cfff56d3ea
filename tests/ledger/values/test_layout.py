"""Layouts: a row becomes cells, then bytes, and comes back."""

from __future__ import annotations

import math
from collections import UserDict
from types import MappingProxyType
from typing import Any

import pytest

from ledger import (
    COMPLETE,
    FOUND,
    MISSING,
    NULL,
    PLAIN,
    SLOTS_SHIFT,
    Category,
    FeatureType,
    Float,
    Int,
    InvalidCells,
    InvalidInput,
    Layout,
    Text,
    Timestamp,
    Vector,
    header_of,
    heavy_cell,
    light_cell,
    words_of,
)
from ledger.values.layout import heavy_in_tail
from ledger.values.layouts import Layouts
from tests.ledger.making import A_ROW, EVERY_TYPE, T0, definition, layout_of

EVERY = layout_of()
CELLS = (12, -0.0, True, "Rome", "caffè", T0, EVERY_TYPE["profile"].check([0.5, -1, 2]))


def flags(row: bytes) -> int:
    return int(header_of(row)[2])


def test_a_row_becomes_a_tuple_of_cells_by_position() -> None:
    assert EVERY.encode(A_ROW) == CELLS
    assert type(EVERY.encode(A_ROW)) is tuple
    assert EVERY.encode(dict(reversed(A_ROW.items()))) == CELLS


@pytest.mark.parametrize("kind", [MappingProxyType, UserDict, lambda row: row])
def test_any_mapping_is_a_row(kind: Any) -> None:
    assert EVERY.encode(kind(A_ROW)) == EVERY.encode_slowly(kind(A_ROW)) == CELLS


def test_gaps_make_a_list_of_cells() -> None:
    layout = layout_of(a=Int(), b=Float())
    assert layout.encode({"a": 1}) == [1, MISSING]
    assert layout.encode({"a": None, "b": 2}) == [None, 2.0]
    assert layout.encode({"a": MISSING, "b": None}) == [MISSING, None]


@pytest.mark.parametrize("row", [{}, {"a": MISSING}, {"a": MISSING, "b": MISSING}], ids=repr)
def test_a_put_writes_at_least_one_feature(row: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="at least one feature"):
        layout_of(a=Int(), b=Int()).encode(row)


@pytest.mark.parametrize("row", [None, [], "ab", 7, [("a", 1)]], ids=repr)
def test_a_row_is_a_mapping(row: Any) -> None:
    with pytest.raises(InvalidInput, match="mapping"):
        layout_of(a=Int()).encode(row)


def test_a_refusal_names_every_bad_cell() -> None:
    layout = layout_of(a=Int(), b=Float(), c=Category())
    with pytest.raises(InvalidCells) as caught:
        layout.encode_slowly({"a": True, "b": "x", "c": "ok", "d": 1}, "d-7")
    assert caught.value.count == 3
    assert {cell["feature"] for cell in caught.value.cells} == {"a", "b", "d"}
    for cell in caught.value.cells:
        assert (cell["view"], cell["entity"]) == ("drivers", "d-7")
        assert set(cell) == {"view", "feature", "entity", "value", "rule"}


def test_nan_is_null_only_where_the_caller_says_so() -> None:
    layout = layout_of(a=Float(), b=Int())
    with pytest.raises(InvalidCells):
        layout.encode({"a": math.nan, "b": 1})
    assert layout.encode_slowly({"a": math.nan, "b": 1}, nan="null") == [None, 1]


def test_nan_as_null_leaves_arrays_alone() -> None:
    numpy = pytest.importorskip("numpy")
    layout = layout_of(a=Vector(2), b=Float())
    cells = layout.encode_slowly({"a": numpy.array([1.0, 2.0]), "b": math.nan}, nan="null")
    assert cells == [layout.types[0].check([1, 2]), None]


def test_a_category_seen_before_needs_no_second_check() -> None:
    layout = layout_of(a=Category())
    cells = layout.encode({"a": "Rome"})
    assert not layout.pool
    layout.pack(1, 1, cells)
    assert layout.encode({"a": "Rome"}) == ("Rome",)
    with pytest.raises(InvalidCells):
        layout.encode({"a": "\ud800"})


@pytest.mark.parametrize(
    "cells", [CELLS, [*CELLS[:3], None, MISSING, T0, None], [None] * 7, [MISSING] * 6 + [CELLS[6]]]
)
def test_cells_come_back_from_their_packed_row(cells: Any) -> None:
    row = EVERY.pack(5 << 24 | 2, T0, cells)
    assert header_of(row)[:2] == (5 << 24 | 2, T0)
    found = EVERY.cells(row)
    assert found == list(cells)
    assert [type(cell) for cell in found] == [type(cell) for cell in cells]
    assert math.copysign(1, EVERY.cells(EVERY.pack(1, 1, CELLS))[1]) == -1


def test_flags_tell_complete_plain_and_found_rows() -> None:
    layout = layout_of(a=Int(), b=Float())
    slots = 2 << SLOTS_SHIFT
    assert flags(layout.pack(1, 1, (1, 0.5))) == FOUND | COMPLETE | PLAIN | slots
    assert flags(layout.pack(1, 1, [1, None])) == FOUND | COMPLETE | slots
    assert flags(layout.pack(1, 1, [1, MISSING])) == FOUND | slots


def test_both_packers_give_the_same_bytes() -> None:
    """The sparse packer is the judge of the generated one."""
    plain = EVERY.pack(1 << 24, T0, CELLS)
    words, tail = EVERY._sparse_words(list(CELLS))
    assert EVERY.words.pack(1 << 24, T0, EVERY.plain_flags, *words) + b"".join(tail) == plain


def test_heavy_values_stand_in_the_tail() -> None:
    layout = layout_of(a=Text(), b=Int(), c=Vector(2, metric="dot"), d=Text())
    row = layout.pack(1, 1, ("é", 7, bytes(8), ""))
    assert heavy_in_tail(row, 0) == "é".encode()
    assert heavy_in_tail(row, 2) == bytes(8)
    assert heavy_in_tail(row, 3) == b""
    assert heavy_cell(layout.types[0], b"\xc3\xa9") == heavy_cell(layout.types[0], "é") == "é"
    assert heavy_cell(layout.types[2], bytes(8)) == bytes(8)


def test_light_cells_come_from_words() -> None:
    assert light_cell(EVERY_TYPE["active"], 1, EVERY.pool) is True
    code = EVERY.pool["Oslo"]
    assert light_cell(EVERY_TYPE["city"], code, EVERY.pool) == "Oslo"
    assert light_cell(EVERY_TYPE["trips"], 5, EVERY.pool) == 5


def redefined() -> tuple[Layouts, Layout, Layout]:
    layouts = Layouts()
    first = layouts.define(definition(a=Int(), b=Float(), c=Text()))
    second = layouts.define(definition(version=2, c=Text(), a=Int(), d=Category()))
    return layouts, first, second


def test_a_feature_keeps_its_slot_in_every_version() -> None:
    layouts, first, second = redefined()
    assert layouts.slots("drivers") == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert (first.slots, second.slots) == ((0, 1, 2), (2, 0, 3))
    row = second.pack(1, 1, ("hello", 7, "x"))
    assert second.cells(row) == ["hello", 7, "x"]
    assert words_of(row)[0] == 7
    assert math.isnan(second.words.unpack_from(row)[4])


def test_a_version_without_a_removed_feature_never_replaces_a_row() -> None:
    _, first, second = redefined()
    assert flags(first.pack(1, 1, (1, 0.5, "x"))) & COMPLETE
    assert not flags(second.pack(1, 1, ("x", 1, "y"))) & (COMPLETE | PLAIN)


def test_stored_values_become_cells() -> None:
    stored = [kind.to_json(cell) for kind, cell in zip(EVERY.types, CELLS, strict=True)]
    assert EVERY.decode(stored) == EVERY.decode_slowly(stored) == CELLS
    assert EVERY.decode([None] * 7) == [None] * 7
    assert EVERY.decode([MISSING, *stored[1:]]) == [MISSING, *CELLS[1:]]


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Int(), 1.0), (Int(), True), (Int(), 2**53 + 1), (Float(), 1), (Float(), math.inf), (Category(), 1.5), (Text(), 1),
     (Timestamp(), "2026-01-01T00:00:00Z"), (Vector(2), [1, 2])],
    ids=repr,
)  # fmt: skip
def test_a_stored_value_of_another_form_is_refused(kind: FeatureType, value: object) -> None:
    for decode in (layout_of(a=kind).decode, layout_of(a=kind).decode_slowly):
        with pytest.raises(InvalidInput):
            decode([value])


@pytest.mark.parametrize("values", [[], [1, 2]])
def test_a_stored_row_has_a_value_for_each_feature(values: list[Any]) -> None:
    with pytest.raises(InvalidInput):
        layout_of(a=Int()).decode(values)


def test_a_null_heavy_value_takes_no_room() -> None:
    layout = layout_of(a=Text(), b=Vector(2))
    row = layout.pack(1, 1, [None, MISSING])
    assert len(row) == 40
    assert words_of(row)[0] == NULL


@pytest.mark.parametrize("kind", [Text(), Vector(1, metric="dot")], ids=lambda kind: kind.name)
def test_a_view_of_ten_thousand_features_packs(kind: FeatureType) -> None:
    """So many are allowed, whatever their type; generated code must not nest with their number."""
    layout = layout_of(**{f"f{place}": kind for place in range(10_000)})
    value = "x" if kind.name == "text" else b"\0\0\0\0"
    cells = layout.encode(dict.fromkeys(layout.names, value))
    assert layout.cells(layout.pack(1, 1, cells)) == [value] * 10_000
