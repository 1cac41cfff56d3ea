"""The row cache: what is held, for how long, within what bounds, and what a write or the clock drops."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import pytest

from tests.vectordb.world import START, World
from vectordb import Category, Float, Int
from vectordb.batches.gather import Gather
from vectordb.batches.packing import ALWAYS, FOREVER
from vectordb.batches.row_cache import BUCKETS, ENTRY, Lasting, RowCache
from vectordb.state import GATHERS

ROW = 8
SECOND = 1_000_000
COMPLETE = {"trips": 1, "rating": 0.5, "city": "x"}


def held_rows(capacity: int = 100, ttl: int | None = None) -> RowCache:
    return RowCache(ROW, ttl, capacity * (ROW + ENTRY))


def add(held: RowCache, ends: dict[Any, int], first: int = ALWAYS) -> None:
    """Hold rows of some entities, each up to its end."""
    held.add(Lasting(list(ends), first, list(ends.values())), {entity: repr(entity).encode() for entity in ends}, {})


def lasting(*entities: Any) -> dict[Any, int]:
    return dict.fromkeys(entities, FOREVER)


def gathers(world: World) -> list[Gather]:
    return list(world.db.state._gathers.values())


@pytest.fixture
def filled() -> World:
    """Two entities, read and held: numbers and words."""
    world = World(ttl=20)
    world.drivers.put_many({"driver": ["a", "b", "c"], "trips": [1, 2, 3], "rating": [0.5] * 3, "city": ["x"] * 3})
    world.drivers.get_many(["a", "b", "c"])
    return world


# -- how much ------------------------------------------------------------------------------------------


def test_without_room_nothing_is_held_and_reads_are_right() -> None:
    world = World(ttl=20)
    world.db.state.served_bytes = 0
    for trips in range(3):
        world.drivers.put_many({"driver": ["a", "b"], "trips": [trips, -trips]})
        assert world.drivers.get_many(["b", "a"]).column("trips") == [-trips, trips]
    (gather,) = gathers(world)
    assert gather.held.capacity == 0 and not gather.held.rows
    assert world.db.state.rows.tables["drivers"].copies == ()


def test_more_than_there_is_room_for_is_not_held() -> None:
    held = held_rows(4)
    add(held, lasting(*range(5)))
    assert not held.rows
    add(held, lasting(*range(4)))
    assert list(held.rows) == [0, 1, 2, 3]


def test_the_oldest_half_leaves_first() -> None:
    held = held_rows(10)
    for entity in range(11):
        add(held, lasting(entity))
        held.check()
    assert list(held.rows) == [6, 7, 8, 9, 10]


@pytest.mark.parametrize("batch", [1, 4, 5, 6, 8, 10])
def test_there_are_never_more_rows_than_there_is_room_for(batch: int) -> None:
    """Half of what is there may be too little for a batch that fits."""
    held = held_rows(10)
    for start in range(0, 5 * batch, batch):
        add(held, lasting(*range(start, start + batch)))
        assert len(held.rows) <= held.capacity == 10, start
        assert held.rows.keys() >= set(range(start, start + batch)), start


def test_only_so_many_lists_of_features_are_told_of_writes() -> None:
    world = World()
    wide = world.db.create_view("wide", entity="e", features={f"f{place}": Int(default=0) for place in range(5)})
    wide.put_many({"e": ["a", "b"], "f0": [1, 2]})
    for names in permutations(wide.features):
        assert wide.get_many(["b", "a"], names).column("f0") == [2, 1]
    assert len(world.db.state.rows.tables["wide"].copies) == 2 * GATHERS
    wide.put("a", {"f0": 5})
    assert {tuple(wide.get_many(["a", "b"], names).column("f0")) for names in permutations(wide.features)} == {(5, 2)}


# -- how long ------------------------------------------------------------------------------------------


def test_rows_leave_with_their_bucket() -> None:
    held = held_rows(ttl=10 * BUCKETS)
    add(held, {"a": 105, "b": 109, "c": 110, "d": FOREVER})
    assert held.last == 105 and held.holds(105) and not held.holds(106)
    held.settle(105)
    assert list(held.rows) == ["a", "b", "c", "d"]
    held.settle(106)
    assert list(held.rows) == ["c", "d"] and held.holds(106) and not held.holds(111)
    held.settle(10_000)
    assert list(held.rows) == ["d"] and held.last == FOREVER
    held.check()


def test_a_clock_before_the_first_drops_everything() -> None:
    held = held_rows(ttl=10 * BUCKETS)
    add(held, {"a": 900}, first=50)
    assert held.holds(50) and not held.holds(49)
    held.settle(49)
    assert not held.rows and held.holds(0) and held.holds(10_000)
    held.check()


@pytest.mark.parametrize("seed", range(8))
def test_what_is_held_at_a_clock_is_right_there(seed: int) -> None:
    rng = random.Random(seed)
    held, now = held_rows(40, ttl=BUCKETS * rng.choice([1, 7])), 0
    windows: dict[int, tuple[int, int]] = {}
    for _ in range(400):
        now = max(0, now + rng.choice([0, 1, 5, 300, -40]))
        held.settle(now)
        assert held.holds(now), seed
        ends = {entity: rng.choice([now, now + 9, now + 700, FOREVER]) for entity in rng.sample(range(60), 5)}
        first = now - rng.choice([0, 3, 50])
        missing = {entity: end for entity, end in ends.items() if entity not in held.rows}
        add(held, missing, first)
        windows |= {entity: (first, end) for entity, end in missing.items()}
        for clock in (now, now + 1, now + 10, now - 2):
            inside = [windows[entity][0] <= clock <= windows[entity][1] for entity in held.rows]
            assert all(inside) or not held.holds(clock), (seed, now, clock)
        held.check()


def test_rows_written_again_and_again_leave_no_names_behind() -> None:
    held = held_rows(4, ttl=10 * BUCKETS)
    for turn in range(100):
        held.rows.pop("a", None)
        add(held, {"a": 10**6 + turn})
        held.check()
    assert held.rows and held._listed <= 4 * held.capacity + 1


# -- the epoch: a gather that met narrower clocks is taken again -----------------------------------------


def test_the_epoch_grows_with_what_comes_later() -> None:
    held = held_rows(ttl=10 * BUCKETS)
    before = held.epoch
    add(held, lasting("a"), first=50)
    assert held.first == 50 and held.epoch > before


def test_the_epoch_grows_with_what_ends_sooner() -> None:
    held = held_rows(ttl=10 * BUCKETS)
    before = held.epoch
    add(held, {"a": 500})
    assert held.last == 500 and held.epoch > before


def test_the_epoch_grows_with_what_is_dropped() -> None:
    held = held_rows(ttl=10 * BUCKETS)
    add(held, {"a": 500})
    for drop in (lambda: held.settle(501), held.clear):
        before = held.epoch
        drop()
        assert held.epoch > before


def test_a_row_that_a_slower_reader_adds_is_not_read_after_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """One reader has looked at the clocks; then another, whose clock was read earlier, adds rows that end before."""
    world = World(ttl=10)
    world.drivers.put_many({"driver": ["a", "b", "c", "d"], "trips": [1] * 4, "rating": [0.5] * 4, "city": ["x"] * 4})
    early, late = START * SECOND + 5 * SECOND, START * SECOND + 30 * SECOND
    names = ("trips", "rating")
    world.drivers.get_many(["c", "d"], names)
    (gather,) = gathers(world)
    gather.live(["nobody", "none"], late)
    is_attached, turns = Gather._is_attached, iter([early])

    def attached(self: Gather) -> bool:
        for clock in turns:
            assert self.live(["a", "b"], clock)[0]
        return is_attached(self)

    monkeypatch.setattr(Gather, "_is_attached", attached)
    world.clock.advance(30)
    expected = [(row["trips"], row["rating"]) for row in map(world.drivers.get, ["a", "b"])]
    assert expected == [(0, None)] * 2
    assert world.drivers.get_many(["a", "b"], names).to_rows() == expected


# -- writes --------------------------------------------------------------------------------------------


WRITES: dict[str, Any] = {
    "put": lambda view, db: view.put("b", COMPLETE),
    "partial": lambda view, db: view.put("b", {"trips": 9}),
    "late": lambda view, db: view.put("b", COMPLETE, event_time=START - 5),
    "ahead": lambda view, db: view.put("b", COMPLETE, event_time=START + 5),
    "delete": lambda view, db: view.delete("b"),
    "many": lambda view, db: view.put_many({"driver": ["b", "new"], **{n: [v] * 2 for n, v in COMPLETE.items()}}),
    "many partial": lambda view, db: view.put_many({"driver": ["b", "new"], "trips": [1, 2]}),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_drops_its_entity_and_no_other(filled: World, write: str) -> None:
    (gather,) = gathers(filled)
    assert gather.held.rows.keys() == gather.held.words.keys() == {"a", "b", "c"}
    WRITES[write](filled.drivers, filled.db)
    assert gather.held.rows.keys() == gather.held.words.keys() == {"a", "c"}
    assert filled.drivers.get_many(["b", "a"]).to_rows()[0] == tuple(filled.drivers.get("b").values())


def test_an_entity_with_a_write_ahead_is_not_held(filled: World) -> None:
    filled.put("b", at=5, trips=50)
    (gather,) = gathers(filled)
    for seconds, trips in ((0, 2), (4, 2), (1, 50)):
        filled.tick(seconds)
        assert filled.drivers.get_many(["b", "a"]).column("trips") == [trips, 1]
    assert gather.held.rows.keys() == {"a", "b", "c"}
    filled.clock.set(START + 2)
    assert filled.drivers.get_many(["b", "a"]).column("trips") == [2, 1]


def test_a_new_version_of_a_view_has_rows_of_its_own(filled: World) -> None:
    kinds = {"trips": Int(default=0), "city": Category(), "speed": Float(default=4.0)}
    filled.db.create_view("drivers", entity="driver", features=kinds, ttl=2, replace=True)
    assert filled.drivers.get_many(["b", "a"]).to_rows() == [(2, "x", 4.0), (1, "x", 4.0)]
    filled.tick(3)
    assert filled.drivers.get_many(["b", "a"]).to_rows() == [(0, None, 4.0)] * 2
