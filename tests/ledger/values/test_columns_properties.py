"""Random columns: the fast path against the slow one, the stored form, batches against single rows."""

from __future__ import annotations

import json
from array import array
from typing import Any

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st

from ledger import MISSING, Pool, build_block, canonical, check_column
from ledger.errors import InvalidEntity
from ledger.identity import check_entity, parse_version, render_entity, render_version
from ledger.values.column_codec import column_from_json, column_to_json
from ledger.values.columns import _check_cells, check_entities
from tests.ledger.drawn import TYPES, anything, entities, few, layouts, maybe, values_of
from tests.ledger.making import columns_of

kinds = st.sampled_from(TYPES)


def shown(kind: Any, checked: Any, pool: Pool) -> Any:
    """A checked column, comparable: bits of numbers, categories for codes, bad cells as text."""
    column, bad = checked
    gaps = {*column.nulls, *column.missing}
    data: Any = column.data
    if kind.coded:
        data = [None if row in gaps else (type(v := pool.values_by_code[code]), v) for row, code in enumerate(data)]
    return data.tobytes() if isinstance(data, array) else data, column.nulls, column.missing, repr(bad)


@few
@given(kinds, st.data(), st.sampled_from(["refuse", "null"]), st.sampled_from([list, tuple]))
def test_the_fast_path_of_a_column_agrees_with_the_slow_one(
    kind: Any, data: st.DataObject, nan: str, make: Any
) -> None:
    cell = data.draw(st.sampled_from([values_of(kind), maybe(values_of(kind)), anything]))
    values = data.draw(st.lists(cell, max_size=20).map(make))
    one, two = Pool(), Pool()
    assert shown(kind, check_column(kind, values, one, nan), one) == shown(
        kind, _check_cells(kind, values, two, nan), two
    )


@few
@given(st.sampled_from("bBhHiIlLqQfd"), st.data())
def test_the_fast_path_of_an_array_agrees_with_the_slow_one(code: str, data: st.DataObject) -> None:
    size = array(code).itemsize * 8
    if code in "fd":
        item: Any = st.floats(width=size)
    else:
        item = st.integers(-(2 ** (size - 1)), 2 ** (size - 1) - 1) if code.islower() else st.integers(0, 2**size - 1)
    values = array(code, data.draw(st.lists(item, max_size=8)))
    for kind in TYPES[:6]:
        one, two = Pool(), Pool()
        for given_ in (values, memoryview(values)):
            fast = shown(kind, check_column(kind, given_, one), one)
            assert fast == shown(kind, _check_cells(kind, values.tolist(), two, "refuse"), two)


@few
@given(kinds, st.data())
def test_a_column_comes_back_from_its_json(kind: Any, data: st.DataObject) -> None:
    rows = data.draw(st.sampled_from([0, 1, 15, 16, 17, 40]))
    cells = data.draw(st.lists(maybe(values_of(kind)), min_size=rows, max_size=rows))
    pool, other = Pool(), Pool()
    column, bad = check_column(kind, cells, pool)
    assert not bad
    text = canonical(column_to_json(kind, column, rows, pool))
    again = column_from_json(kind, json.loads(text), rows, other)
    assert shown(kind, (again, []), other) == shown(kind, (column, []), pool)
    assert canonical(column_to_json(kind, again, rows, other)) == text


@few
@given(layouts, st.data())
def test_a_batch_packs_as_single_puts_do(layout: Any, data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 20))
    columns: dict[str, Any] = {
        name: data.draw(st.lists(maybe(values_of(kind)), min_size=rows, max_size=rows))
        for name, kind in layout.features.items()
    }
    written = {name: cells for name, cells in columns.items() if any(cell is not MISSING for cell in cells)}
    times = array("q", data.draw(st.lists(st.integers(-(2**53), 2**53), min_size=rows, max_size=rows)))
    block = build_block(layout, list(range(rows)), columns_of(layout, written), 5 << 24, times)
    for row in range(rows):
        cells = [layout.check_cell(place, columns[name][row]) for place, name in enumerate(layout.names)]
        gaps = any(cell is None or cell is MISSING for cell in cells)
        single = layout.pack(5 << 24 | row, times[row], cells if gaps else tuple(cells))
        assert block.rows[row][:24] == single[:24]
        assert repr(block.cells(row)) == repr(layout.cells(single)) == repr(cells)


@few
@given(st.lists(entities | anything, max_size=8))
def test_a_batch_of_entities_agrees_with_each_of_them(ids: list[Any]) -> None:
    checked, bad = check_entities(ids)
    refused = {cell.row for cell in bad}
    for row, entity in enumerate(ids):
        try:
            expected = check_entity(entity)
        except InvalidEntity:
            assert row in refused
        else:
            assert row not in refused
            assert (type(checked[row]), checked[row]) == (type(expected), expected)


@few
@given(entities, st.integers(1, 10**12 - 1), st.integers(0, 2**24 - 1), st.booleans())
def test_a_version_id_comes_back(entity: Any, offset: int, row: int, batch: bool) -> None:
    text = render_version("v", entity, offset << 24 | (row if batch else 0), 2 if batch else 1)
    found = parse_version(text)
    assert (found.entity, found.offset, found.row) == (entity, offset, row if batch else None)
    assert type(found.entity) is type(entity)


@few
@given(entities, entities)
def test_renderings_are_injective(a: Any, b: Any) -> None:
    assert (render_entity(a) == render_entity(b)) == (a == b)
