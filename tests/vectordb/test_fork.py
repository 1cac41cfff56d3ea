"""fork: a writable branch that shares the events and never touches the original."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger import ManualClock
from tests.vectordb.world import FEATURES, FULL, World, everything, when
from vectordb import Int, OffsetOutOfRange, UnknownName, VectorDB
from vectordb.testing import state_of


@pytest.fixture(params=["memory", "file", "lazy"])
def told(request: Any, tmp_path: Path) -> Any:
    path = None if request.param == "memory" else tmp_path / "ledger.jsonl"
    world = World(path=path)
    for trips in range(5):
        world.tick(10)
        world.put("d", trips=trips)
    world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2], "city": ["x", "y"]}, idempotency_key="batch")
    world.db.create_view("riders", entity="rider", features={"age": Int()})
    world.db.mark("m")
    if request.param == "lazy":
        world.db.close()
        world.db = VectorDB.open(path, lazy=True, clock=world.clock)
        world.drivers = world.db.view("drivers")
    yield world
    world.db.close()


@pytest.mark.parametrize("offset", [0, 1, 3, 6, 7, 9, None])
def test_a_fork_shows_what_the_original_shows_as_of_that_offset(told: World, offset: int | None) -> None:
    branch = told.db.fork(offset)
    at = told.db.head if offset is None else offset
    past = told.db.as_of(at)
    assert branch.head == at and state_of(branch.as_of(at)) == state_of(past)
    assert [event.digest for event in branch.events()] == [event.digest for event in past.events()]
    assert branch.views() == past.views()
    branch.check()


def test_writes_to_a_fork_leave_the_original_untouched(told: World) -> None:
    before = everything(told.db), [event.payload for event in told.db.events()]
    branch = told.db.fork(4)
    drivers = branch.view("drivers")
    drivers.put("d", {"trips": 100})
    drivers.put("d", {"rating": 1.0}, event_time=when(5))
    drivers.put_many({"driver": ["a", "new"], "city": ["z", "z"]})
    drivers.delete("d")
    branch.create_view("drivers", entity="driver", features={"other": Int()}, replace=True)
    branch.create_view("riders", entity="other_kind", features={"x": Int()})
    branch.mark("m")
    assert (everything(told.db), [event.payload for event in told.db.events()]) == before
    told.db.check()
    branch.check()


def test_writes_to_the_original_leave_the_fork_untouched(told: World) -> None:
    branch = told.db.fork(4)
    before = everything(branch)
    told.put("d", trips=77)
    told.put("d", at=1, trips=78)
    told.db.create_view("drivers", entity="driver", features={**FEATURES, "age": Int()}, replace=True)
    assert everything(branch) == before
    assert branch.view("drivers").features == tuple(FEATURES)


def test_names_of_later_events_are_unknown_to_the_fork(told: World) -> None:
    branch = told.db.fork(6)
    with pytest.raises(UnknownName):
        branch.view("riders")
    with pytest.raises(UnknownName):
        branch.as_of(mark="m")
    assert branch.mark("m") == 7


def test_a_fork_has_its_own_identity_and_its_parents_digests(told: World) -> None:
    branch = told.db.fork(6, seed=5)
    parent = branch.header.parent
    assert parent is not None and branch.header.ledger_id != told.db.header.ledger_id
    assert (parent.ledger_id, parent.offset) == (told.db.header.ledger_id, 6)
    assert parent.digest == told.db.digest(6) == branch.digest(6)
    branch.view("drivers").put("d", {"trips": 1})
    told_again = told.db.fork(6, seed=6)
    told_again.view("drivers").put("d", {"trips": 1})
    assert branch.digest(7) != told_again.digest(7), "a digest binds the ledger"


def test_a_fork_keeps_idempotency_keys_of_its_past(told: World) -> None:
    rows = {"driver": ["a", "b"], "trips": [1, 2], "city": ["x", "y"]}
    assert told.db.fork().view("drivers").put_many(rows, idempotency_key="batch").replayed
    assert not told.db.fork(6).view("drivers").put_many(rows, idempotency_key="batch").replayed


def test_a_fork_of_a_fork(told: World) -> None:
    first = told.db.fork(5)
    first.view("drivers").put("d", {"trips": 50})
    second = first.fork()
    second.view("drivers").put("d", {"trips": 60})
    third = second.fork(3)
    found = [db.view("drivers").get("d")["trips"] for db in (told.db, first, second, third)]
    assert found == [4, 50, 60, 1]
    parent = third.header.parent
    assert parent is not None and parent.ledger_id == told.db.header.ledger_id, "who wrote event 3"


def test_a_fork_can_be_saved_and_opened(told: World, tmp_path: Path) -> None:
    branch = told.db.fork(6)
    branch.view("drivers").put("d", {"trips": 50})
    branch.snapshot(tmp_path / "branch.jsonl")
    with VectorDB.open(tmp_path / "branch.jsonl", clock=told.clock) as again:
        assert everything(again) == everything(branch)
        again.view("drivers").put("d", {"trips": 51})
    assert branch.view("drivers").get("d")["trips"] == 50


@pytest.mark.parametrize("offset", [10, -1, True, "1"])
def test_a_fork_begins_inside_the_log(told: World, offset: Any) -> None:
    with pytest.raises(OffsetOutOfRange) as caught:
        told.db.fork(offset)
    assert caught.value.values["last"] == 9


def test_a_fork_may_have_its_own_clock(world: World) -> None:
    world.put("d", **FULL)
    branch = world.db.fork(clock=ManualClock(when(100)))
    assert branch.view("drivers").put("d", {"trips": 1}).recorded_time == when(100)
    assert world.drivers.get("d").at == when(0)
    early = world.db.fork(clock=ManualClock(when(-100)))
    assert early.view("drivers").put("d", {"trips": 1}).recorded_time == when(0), "time never goes back"


def test_a_fork_of_a_closed_database_reads_and_writes(world: World) -> None:
    world.put("d", **FULL)
    world.db.close()
    branch = world.db.fork()
    branch.view("drivers").put("d", {"trips": 9})
    assert branch.view("drivers").get("d")["trips"] == 9 and world.get("d")["trips"] == 1


def test_a_fork_has_its_parents_limit_of_an_event() -> None:
    world = World(max_event_bytes=500)
    with pytest.raises(ValueError):
        world.drivers.put_many({"driver": ["d" * 40] * 99, "trips": [1] * 99})
    with pytest.raises(ValueError):
        world.db.fork().view("drivers").put_many({"driver": ["d" * 40] * 99, "trips": [1] * 99})


def test_deep_forks_at_the_edges_of_a_segment() -> None:
    world = World()
    world.drivers.load({"driver": [f"d{place}" for place in range(4100)], "trips": list(range(4100))}, chunk_rows=1)
    for offset in (4095, 4096, 4097):
        branch = world.db.fork(offset)
        branch.view("drivers").put("new", {"trips": -1})
        assert len(branch.view("drivers")) == offset and branch.head == offset + 1
        assert world.db.as_of(offset).count("drivers") == offset - 1
    assert world.db.head == 4101 and len(world.drivers) == 4100
