"""The table: current rows and versions, folded row by row or block by block."""

from __future__ import annotations

import gc
import random
from array import array
from collections import defaultdict

import pytest

from ledger import MISSING, ROW_BITS, Column, build_block, build_deletes, header_of
from projections import Table, Timeline
from projections.history import row_as_of
from tests.projections.packed import LAYOUT, WIDTH, Write, answer_of, naive, random_writes

FAR = 10**6


class Store:
    """Rows by reference, as the log gives them."""

    def __init__(self) -> None:
        self.rows: dict[int, bytes] = {}
        self.table = Table(lambda ref: int(header_of(self.rows[ref])[1]))

    def put(self, entity: str, write: Write) -> None:
        self.rows[write.ref] = write.row
        self.table.put(entity, write.row, write.ref >> ROW_BITS)


@pytest.mark.parametrize("seed", range(30))
def test_current_rows_and_every_past_are_the_naive_answers(seed: int) -> None:
    rng = random.Random(seed)
    store, known = Store(), defaultdict(list)
    for write in random_writes(rng, 40):
        entity = rng.choice("abc")
        store.put(entity, write)
        known[entity].append(write)
        store.table.check()
        assert answer_of(store.table.rows[entity]) == naive(known[entity], FAR << ROW_BITS, FAR), seed
    for entity, writes in known.items():
        assert list(store.table.refs(entity)) == [write.ref for write in writes]
        for limit in range(0, 42, 3):
            for at in range(-8, 50, 5):
                row = row_as_of(store.table, store.rows.__getitem__, entity, limit << ROW_BITS, at, range(WIDTH))
                assert answer_of(row) == naive(writes, limit << ROW_BITS, at), (seed, entity, limit, at)


def test_complete_writes_in_order_stay_straight() -> None:
    store = Store()
    for offset in (1, 2, 3):
        store.put("a", Write(offset << ROW_BITS, offset, (offset,) * WIDTH))
        assert ("a" in store.table.versions) is (offset > 1), "one write needs no versions"
    assert isinstance(store.table.versions["a"], bytes)
    assert not gc.is_tracked(store.table.versions), "the collector has nothing to look at"
    for offset in range(4, 40):
        store.put("a", Write(offset << ROW_BITS, offset, (offset,) * WIDTH))
        assert list(store.table.refs("a")) == [number << ROW_BITS for number in range(1, offset + 1)]
    assert isinstance(store.table.versions["a"], array)
    store.table.check()


@pytest.mark.parametrize(
    "bend",
    [(3, (9, MISSING, MISSING)), (1, (9, 9, 9)), (99, (9, 9, 9))],
    ids=["partial", "late", "ahead"],
)
def test_the_first_other_write_bends_the_line(bend: tuple[int, tuple[int, ...]]) -> None:
    store = Store()
    store.put("a", Write(1 << ROW_BITS, 1, (1, 1, 1)))
    store.put("a", Write(2 << ROW_BITS, 2, (2, 2, 2)))
    store.put("a", Write(3 << ROW_BITS, *bend))
    assert isinstance(store.table.versions["a"], Timeline)
    assert ("a" in store.table.ahead) is (bend[0] == 99)
    store.table.check()


def test_an_unknown_entity_has_no_references_and_no_row() -> None:
    store = Store()
    assert store.table.refs("x") == ()
    assert row_as_of(store.table, store.rows.__getitem__, "x", FAR, FAR, range(WIDTH)) is None


def test_the_dead_are_those_not_found() -> None:
    store = Store()
    store.put("a", Write(1 << ROW_BITS, 1, (1, 1, 1)))
    store.put("a", Write(2 << ROW_BITS, 2, None))
    assert store.table.dead == {"a"}
    store.put("a", Write(3 << ROW_BITS, 3, (MISSING, 1, MISSING)))
    assert store.table.dead == set()


def columns(rng: random.Random, rows: int) -> dict[int, Column]:
    found = {}
    for place in range(WIDTH):
        missing = tuple(row for row in range(rows) if place and rng.random() < 0.2)
        data = array("q", [0 if row in missing else rng.randrange(99) for row in range(rows)])
        found[place] = Column(data, (), missing)
    return found


@pytest.mark.parametrize("seed", range(25))
def test_a_block_folds_as_its_rows_one_by_one(seed: int) -> None:
    rng = random.Random(seed)
    blocks, singles = Store(), Store()
    for offset in range(1, 9):
        rows = rng.choice([1, 2, 6])
        entities = [rng.choice("abcdef") if rng.random() < 0.7 else f"{offset}-{row}" for row in range(rows)]
        times = array("q", [offset + (rng.randrange(-3, 3) if rng.random() < 0.4 else 0) for _ in range(rows)])
        ref = offset << ROW_BITS
        if rng.random() < 0.2:
            block = build_deletes(LAYOUT, entities, ref, list(times))
        else:
            block = build_block(LAYOUT, entities, columns(rng, rows), ref, times)
        for store in (blocks, singles):
            store.rows.update((header_of(row)[0], row) for row in block.rows)
        blocks.table.put_block(block, offset)
        for entity, row in zip(block.entities, block.rows, strict=True):
            singles.table.put(entity, row, offset)
        blocks.table.check()
        assert blocks.table.rows == singles.table.rows, seed
        assert {e: list(blocks.table.refs(e)) for e in blocks.table.rows} == {
            e: list(singles.table.refs(e)) for e in singles.table.rows
        }, seed
        assert (blocks.table.dead, blocks.table.ahead) == (singles.table.dead, singles.table.ahead), seed
        assert blocks.table.newest >= singles.table.newest, seed


def test_an_empty_block_changes_nothing() -> None:
    store = Store()
    store.put("a", Write(1 << ROW_BITS, 1, (1, 1, 1)))
    before = dict(store.table.rows), store.table.newest
    store.table.put_block(build_block(LAYOUT, [], {}, 2 << ROW_BITS, 5), 5)
    assert (store.table.rows, store.table.newest) == before
