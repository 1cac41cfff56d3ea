"""The fold of vectors: structure under every write, heals, threads, neighbours, and many queries."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import vectordb.views.indexing as indexing
from projections.vectors.search import Ask, Found, entity_order, take
from tests.projections.vectors.world import START, World, shrink
from vectordb import Int, ManualClock, Vector, VectorDB


@pytest.mark.parametrize("seed", range(4))
def test_every_rule_holds_after_every_event(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    world = World(seed + 400)
    for number in range(60):
        world.step()
        if number == 20:
            world.view.index("v").build()
        world.db.check()
    fold = world.db.state.vectors
    counts = fold.counts()
    assert counts["vectors"] == sum(len(field) for field in fold.fields["v"].values()) == counts["indexed"]


def test_a_rebuild_gives_the_same_lanes_and_deaths() -> None:
    world = World(11)
    for _ in range(60):
        world.step()
    state = world.db.state

    def shape() -> Any:
        field = state.vectors.fields["v"][0]
        refs = [field.lanes.ref(lane) for lane in range(len(field))]
        return refs, list(field.death_lanes), list(field.death_offsets), sorted(set(field.restless))

    before = shape()
    state.fold.all_behind(RuntimeError("asked for"))
    world.db.check()
    assert shape() == before


def test_threads_read_while_others_write_and_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hit was alive at the offset of its search, whatever happens meanwhile."""
    shrink(monkeypatch)
    db = VectorDB(clock=ManualClock(START), seed=1, auto_index=False)
    view = db.create_view("v", entity="e", features={"v": Vector(3, metric="euclidean"), "n": Int()})
    rng = random.Random(0)
    view.put_many({"e": list(range(60)), "v": [[rng.random() for _ in range(3)] for _ in range(60)], "n": [0, 1] * 30})
    view.index("v").build()
    errors: list[BaseException] = []
    seen: list[Any] = []
    stop = threading.Event()

    def guard(work: Any) -> Any:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                errors.append(error)
                stop.set()

        return threading.Thread(target=run)

    def write() -> None:
        own = random.Random(1)
        for step in range(150):
            while len(seen) < step // 5 and not stop.is_set():
                time.sleep(0.001)  # a busy machine may run one thread for long: reads go on between writes
            entity = own.randrange(80)
            if own.random() < 0.25:
                view.delete(entity)
            else:
                view.put(entity, {"v": [own.random() for _ in range(3)], "n": own.randrange(2)})
        stop.set()

    def build() -> None:
        while not stop.is_set():
            view.index("v").build()

    def read(seed: int) -> Any:
        def run() -> None:
            own = random.Random(seed)
            while not stop.is_set():
                where = own.choice([None, {"n": 1}])
                seen.append(
                    (where, view.search("v", [own.random() for _ in range(3)], own.choice([1, 5, 90]), where=where))
                )

        return run

    threads = [guard(write), guard(build), guard(read(2)), guard(read(3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors, errors
    db.check()
    assert seen
    for where, hits in seen[:: max(1, len(seen) // 150)]:
        past = db.as_of(hits.as_of).view("v")
        assert len(set(hits.entities)) == len(hits)
        for hit in hits:
            row = past.get(hit.entity)
            assert row.found and row.versions["v"] == hit.version and (where is None or row["n"] == 1)


def test_a_lane_sealed_during_a_search_is_one_hit() -> None:
    """It stands in the tail and in the planes then."""
    ask = Ask(3, 10, None, lambda lane: lane)
    assert take([(1.0, 4), (1.0, 4), (2.0, 5), (2.0, 5), (3.0, 6)], ask) == [
        Found(1.0, 4, 4), Found(2.0, 5, 5), Found(3.0, 6, 6)
    ]  # fmt: skip


def test_entities_have_a_total_order() -> None:
    ids: list[Any] = [3, -1, "a", "B", ("a", 1), (1, "a"), ("a", 0), (2,), 10, ""]
    wanted = [-1, 3, 10, "", "B", "a", (1, "a"), (2,), ("a", 0), ("a", 1)]
    assert sorted(ids, key=entity_order) == wanted


def test_an_index_comes_by_itself_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr(indexing, "AUTOMATIC_FROM", 40)
    db = VectorDB(seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric="euclidean")})
    view.put_many({"e": list(range(39)), "v": [[number, 0] for number in range(39)]})
    view.search("v", [1, 1])
    assert view.index("v").wait(20) and view.index("v").stats()["state"] == "none"
    view.put(39, {"v": [39, 0]})
    assert view.search("v", [1, 1], 1).entities == [1]
    assert view.index("v").wait(30) and view.index("v").stats()["state"] == "ready"
    assert view.search("v", [38.9, 0], 1).entities == [39]
    db.check()


def test_a_failed_build_is_told_and_searches_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr(indexing, "AUTOMATIC_FROM", 5)
    db = VectorDB(seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric="euclidean")})
    view.put_many({"e": list(range(9)), "v": [[number, 0] for number in range(9)]})

    def fails(*_: Any, **__: Any) -> None:
        raise MemoryError("no room")

    field = db.state.vectors.fields["v"][0]
    monkeypatch.setattr(field, "build", fails)
    assert view.search("v", [3, 0], 1).entities == [3]
    assert view.index("v").wait(10)
    assert "no room" in view.index("v").stats()["error"]
    assert view.search("v", [4, 0], 1).entities == [4], "it is not tried at every search"


def test_search_many_reads_one_offset() -> None:
    world = World(5)
    for _ in range(25):
        world.step()
    queries = [[0.0, 0.0, number / 4] for number in range(12)]
    alone = [world.view.search("v", query, 4) for query in queries]
    assert world.view.search_many("v", queries, 4) == alone
    with ThreadPoolExecutor(3) as executor:
        assert world.view.search_many("v", queries, 4, executor=executor, where={}) == alone


def test_neighbours_are_the_nearest_others() -> None:
    clock = ManualClock(START)
    db = VectorDB(clock=clock, seed=1)
    features = {"v": Vector(2, metric="euclidean", default=[9.0, 9.0]), "n": Int()}
    view = db.create_view("v", entity="e", features=features)
    for entity in range(4):
        view.put(entity, {"v": [entity, 0]}, event_time=START - 10)
    view.put("none", {"n": 1})
    view.put("null", {"v": None})
    assert {entity: hits.entities for entity, hits in view.neighbours("v", 2)} == {
        0: [1, 2], 1: [0, 2], 2: [1, 3], 3: [2, 1]
    }  # fmt: skip
    view.put(0, {"v": [2.6, 0]})
    assert dict(view.neighbours("v", 1, entities=[0]))[0].entities == [3]
    assert dict(view.neighbours("v", 1, entities=[0], at=START - 5))[0].entities == [1]


def test_neighbours_of_bits() -> None:
    db = VectorDB(seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(12, metric="hamming", dtype="binary")})
    for entity in range(4):
        view.put(entity, {"v": [1] * (3 * entity) + [0] * (12 - 3 * entity)})
    assert {entity: hits.entities for entity, hits in view.neighbours("v", 1)} == {0: [1], 1: [0], 2: [1], 3: [2]}
