"""Packed rows: numbers and words of raw rows, equal to what a single read shows, at every clock of their window."""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence
from struct import pack, unpack
from typing import Any

import pytest

from ledger import ABSENT, ABSENT_FLOAT, NULL, NULL_FLOAT, ManualClock
from tests.vectordb.world import START
from vectordb import MISSING, Bool, Category, Float, Int, LiveView, Status, Text, VectorDB
from vectordb.batches.bulk import BULK, pack_bulk
from vectordb.batches.packing import ALWAYS, FOREVER, Packing
from vectordb.batches.packing import pack as pack_task
from vectordb.views.plan import Plan

KINDS = {"n": Int(default=7), "x": Float(), "on": Bool(), "city": Category(), "note": Text()}
NAMES = tuple(KINDS)
TTL = 20
SECOND = 1_000_000


def new_view(kinds: dict[str, Any] | None = None, ttl: int | None = TTL) -> tuple[ManualClock, LiveView]:
    clock = ManualClock(START)
    db = VectorDB(clock=clock, seed=1)
    return clock, db.create_view("v", entity="e", features=kinds or KINDS, ttl=ttl)


def packing_of(view: LiveView, names: Sequence[str] | None = None) -> Packing:
    """What a batch read of some features packs with."""
    view.get_many([], names)
    packing: Packing = list(view._reader.state._gathers.values())[-1].packing
    return packing


def raw_of(view: LiveView, entity: Any) -> bytes | None:
    found: bytes | None = view._reader.state.rows.tables["v"].rows.get(entity)
    return found


def bits(number: float) -> int:
    return int(unpack("=q", pack("=d", number))[0])


def words_of(row: bytes) -> list[int]:
    return list(memoryview(row).cast("q"))


def shown(view: LiveView, entity: Any, name: str) -> int:
    """The bits that a number of a packed row has, from a single read."""
    row = view.get(entity)
    if row.status[name] is Status.NULL:
        return NULL
    return ABSENT if row[name] is None else bits(float(row[name]))


def fill(view: LiveView, clock: ManualClock, rng: random.Random, ids: Sequence[Any]) -> None:
    """Complete, partial, null and late rows, and deletes."""
    values = {"n": [0, 2**53, None], "x": [-0.0, 1e300, None], "on": [True, False, None], "city": ["a", 1, None],
              "note": ["", "é", None]}  # fmt: skip
    for entity in ids:
        for _ in range(rng.randrange(4)):
            at = clock() / 1e6 - rng.choice([0, 0, 3, 25])
            names = rng.sample(NAMES, rng.choice([1, 3, 5, 5, 5]))
            view.put(entity, {name: rng.choice(values[name]) for name in names}, event_time=at)
        if rng.random() < 0.15:
            view.delete(entity)
        clock.advance(rng.choice([0, 1, 4]))


@pytest.mark.parametrize("seed", range(6))
def test_packed_numbers_have_the_bits_of_single_reads(seed: int) -> None:
    rng = random.Random(seed)
    clock, view = new_view(ttl=rng.choice([None, TTL]))
    ids = list(range(12))
    fill(view, clock, rng, ids)
    names = rng.sample(NAMES, rng.randrange(1, 6))
    packing, numbers = packing_of(view, names), [name for name in names if name in ("n", "x", "on")]
    for _ in range(6):
        for entity in [*ids, "nobody"]:
            packed = packing.row([raw_of(view, entity)], clock())
            assert words_of(packed) == [shown(view, entity, name) for name in numbers], (seed, entity, names)
        clock.advance(7)


@pytest.mark.parametrize("seed", range(6))
def test_a_row_stays_as_it_is_within_its_window(seed: int) -> None:
    rng = random.Random(seed)
    clock, view = new_view()
    fill(view, clock, rng, range(8))
    packing = packing_of(view)
    for entity in range(8):
        raws, now = [raw_of(view, entity)], clock()
        first, last = packing.window(raws, now)
        assert first <= now <= last, (seed, entity)
        row, words = packing.row(raws, now), packing.words(raws, now)
        ends = {first, first + 1, last - 1, last} - {ALWAYS, ALWAYS + 1, FOREVER - 1, FOREVER}
        for at in ends & set(range(first, last + 1)) if last - first < 9 else ends:
            assert (packing.row(raws, at), packing.words(raws, at)) == (row, words), (seed, entity, at)


def test_a_window_ends_with_the_next_value_that_expires() -> None:
    clock, view = new_view()
    view.put("a", {"n": 1})
    clock.advance(5)
    view.put("a", {"x": 2.0})
    packing, raws, now = packing_of(view), [raw_of(view, "a")], clock()
    assert packing.window(raws, now) == (now, now + 15 * SECOND)
    assert packing.window(raws, now + 16 * SECOND) == (now + 15 * SECOND + 1, now + 20 * SECOND)
    assert packing.window(raws, now + 21 * SECOND) == (now + 20 * SECOND + 1, FOREVER)
    assert packing.window([None], now) == (ALWAYS, FOREVER)


def test_both_ends_of_a_time_to_live_count() -> None:
    clock, view = new_view()
    view.put("a", {"n": 1, "x": 2.0, "on": True, "city": "r", "note": "t"})
    packing, raws, end = packing_of(view), [raw_of(view, "a")], clock() + TTL * SECOND
    assert words_of(packing.row(raws, end)) == [bits(1.0), bits(2.0), bits(1.0)]
    assert words_of(packing.row(raws, end + 1)) == [bits(7.0), ABSENT, ABSENT]
    assert words_of(packing.words(raws, end + 1)) == [ABSENT, ABSENT]


def test_gaps_keep_their_state_as_the_payload_of_nan() -> None:
    _, view = new_view()
    view.put("a", {"x": None, "n": None})
    row = packing_of(view, ["n", "x", "on"]).row([raw_of(view, "a")], START * SECOND)
    assert words_of(row) == [NULL, NULL, ABSENT] == [bits(NULL_FLOAT), bits(NULL_FLOAT), bits(ABSENT_FLOAT)]
    assert (
        words_of(view.get_many(["a", "nobody"]).numbers.raw.tobytes()) == [NULL, NULL, ABSENT, bits(7.0)] + [ABSENT] * 2
    )


@pytest.mark.parametrize("names", [["n", "x", "on"], ["on", "n"], ["x"], ["city", "on"], ["note"], []])
def test_a_packing_packs_the_same_after_a_journey(names: list[str]) -> None:
    clock, view = new_view()
    fill(view, clock, random.Random(5), range(9))
    packing = packing_of(view, names)
    columns = [[raw_of(view, entity) for entity in [*range(9), "nobody"]]]
    sent = pickle.loads(pickle.dumps(packing))
    assert pack_task((sent, columns, clock())) == pack_task((packing, columns, clock()))


@pytest.mark.parametrize("rows", [BULK - 1, BULK, BULK + 1])
@pytest.mark.parametrize("names", [["n", "x", "on"], ["on", "n"], ["x", "city"]])
def test_many_plain_rows_pack_as_they_do_one_by_one(rows: int, names: list[str]) -> None:
    clock, view = new_view({name: kind for name, kind in KINDS.items() if name != "note"})
    view.put_many({"e": list(range(rows)), "n": list(range(rows)), "x": [place / 3 for place in range(rows)],
                   "on": [place % 2 == 0 for place in range(rows)], "city": ["r"] * rows})  # fmt: skip
    packing, raws = packing_of(view, names), [raw_of(view, entity) for entity in range(rows)]
    one_by_one = b"".join(packing.row([raw], clock()) for raw in raws)
    assert packing.rows([raws], clock())[0] == one_by_one
    found = pack_bulk(packing.parts[0], raws, clock())
    assert found is not None and found[0] == [True] * rows and found[1][0] == one_by_one
    assert pack_bulk(packing.parts[0], raws, clock() + 10**9) is None  # all have expired


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("names", [["n", "x", "on", "city", "note"], ["note", "x"], ["city", "n"], ["on", "d"]])
def test_rows_of_every_kind_pack_as_they_do_one_by_one(seed: int, names: list[str]) -> None:
    """Nulls, gaps, defaults, merges, deletes, expiry, texts behind a row, rows of an older width, and nobody."""
    rng = random.Random(seed)
    clock, view = new_view({name: kind for name, kind in KINDS.items() if name != "d"})
    db = view._reader
    count = 3 * BULK
    for entity in range(count // 4):
        view.put(entity, {"n": entity, "note": "eight by"})
    db.create_view("v", entity="e", ttl=TTL, features={**KINDS, "d": Int(default=7)}, replace=True)
    for _ in range(4):
        ids = rng.sample(range(count), count // 3)
        view.put_many({"e": ids, "n": [rng.choice([None, MISSING, 5]) for _ in ids],
                       "x": [rng.choice([None, 0.5]) for _ in ids], "on": [True] * len(ids), "city": ["r"] * len(ids),
                       "note": [rng.choice([None, "text"]) for _ in ids],
                       "d": [rng.choice([MISSING, 3]) for _ in ids]})  # fmt: skip
        clock.advance(rng.choice([0, TTL / 3]))
    for entity in rng.sample(range(count), 9):
        view.delete(entity)
        view.put(entity + 1000, {"x": 1.0})
    packing, raws = packing_of(view, names), [raw_of(view, entity) for entity in range(count + 5)]
    for at in (clock(), clock() + int(TTL * 5e5)):
        numbers, words = packing.rows([raws], at)
        assert numbers == b"".join(packing.row([raw], at) for raw in raws)
        assert words == b"".join(packing.words([raw], at) for raw in raws)


def test_rows_with_gaps_are_packed_in_bulk_and_mixed_ones_are_not() -> None:
    clock, view = new_view({"n": Int(), "x": Float()})
    ids = list(range(BULK))
    view.put_many({"e": ids, "n": ids, "x": [None, *map(float, ids[1:])]})
    view.put(3, {"n": 4})
    part = packing_of(view).parts[0]
    raws = [raw_of(view, entity) for entity in ids]
    found = pack_bulk(part, raws, clock())
    assert found is not None and [place for place, pick in enumerate(found[0]) if not pick] == [3]
    assert pack_bulk(part, [raws[3]] * BULK, clock()) is None


@pytest.mark.parametrize("kind", [Int(default=4), Float(), Bool()])
@pytest.mark.parametrize("rows", [BULK - 1, BULK])
def test_a_text_beside_a_row_is_no_value_of_a_later_feature(rows: int, kind: Any) -> None:
    """Eight bytes of a text behind a row are as long as one more feature: they are not read as one."""
    _, view = new_view({"n": Int(), "note": Text()})
    for entity in range(rows):
        view.put(entity, {"n": entity, "note": "eight by"})
    db = view._reader
    db.create_view("v", entity="e", ttl=TTL, features={"n": Int(), "note": Text(), "late": kind}, replace=True)
    late = view.get_many(range(rows), ["n", "late"]).column("late")
    assert late == [view.get(entity)["late"] for entity in range(rows)]


def test_features_of_two_views_stand_in_the_order_asked() -> None:
    db = VectorDB(clock=ManualClock(START))
    for name in ("left", "right"):
        view = db.create_view(name, entity="e", features={f"{name}_a": Int(), f"{name}_b": Category()})
        view.put("d", {f"{name}_a": len(name), f"{name}_b": name})
    names = ["right:right_b", "left:left_a", "left:left_b", "right:right_a"]
    matrix = db.create_service("s", features=names).get_many(["d", "d"])
    assert matrix.to_rows() == [("right", 4, "left", 5)] * 2 and matrix.numeric == ("left_a", "right_a")


def test_a_wide_view_packs_only_what_is_asked() -> None:
    _, view = new_view({f"f{place}": Int() if place % 2 else Float() for place in range(300)})
    view.put_many({"e": ["a", "b"], **{f"f{place}": [place, -place] for place in range(300)}})
    names = ["f299", "f0", "f150", "f7"]
    assert view.get_many(["b", "a"], names).to_rows() == [(-299, 0.0, -150.0, -7), (299, 0.0, 150.0, 7)]
    assert isinstance(view._plan(), Plan) and len(packing_of(view, names).row([raw_of(view, "a")], 0)) == 32
