"""Events: the log as it is read, and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.world import FEATURES, FULL, World, everything, when
from vectordb import Int, InvalidEvent, OffsetOutOfRange, VectorDB


@pytest.fixture
def told(world: World) -> World:
    world.put("d", **FULL)
    world.tick()
    world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2]}, actor="etl")
    world.db.create_view("riders", entity="rider", features={"age": Int()})
    with world.db.transaction() as tx:
        tx.view("riders").put("r", {"age": 1})
        tx.view("drivers").delete("d")
    service = world.db.create_service("s", features=["drivers:trips"])
    world.db.record_prediction(service.get("a"), model="m@1", output=1)
    world.db.mark("end")
    return world


TYPES = ["view_defined", "row_put", "rows_put", "view_defined", "transaction_committed", "service_defined",
         "predictions_recorded", "log_marked"]  # fmt: skip


def test_one_commit_is_one_event_is_one_offset(told: World) -> None:
    events = list(told.db.events())
    assert [event.offset for event in events] == list(range(1, 9)) and [event.type for event in events] == TYPES
    assert [event.rows for event in events] == [0, 1, 2, 0, 2, 0, 1, 0]
    assert told.db.head == 8


def test_an_event_says_what_when_and_who(told: World) -> None:
    event = told.db.event(3)
    assert (event.offset, event.type, event.recorded_time, event.views) == (3, "rows_put", when(1), ("drivers",))
    assert event.meta is not None and event.meta.actor == "etl" and told.db.event(2).meta is None
    assert event.payload["entities"] == ["a", "b"] and len(event.digest) == 64
    assert "rows_put" in repr(event)


@pytest.mark.parametrize("offset", [0, -1, 9, True, 1.0, "1"])
def test_an_offset_outside_the_log_is_refused(told: World, offset: Any) -> None:
    with pytest.raises(OffsetOutOfRange) as caught:
        told.db.event(offset)
    assert (caught.value.values["first"], caught.value.values["last"]) == (1, 8)


ALL = range(1, 9)
RANGES = [(1, None, ALL), (3, 5, [3, 4]), (0, 2, [1]), (-9, 99, ALL), (8, None, [8]), (9, None, []), (5, 3, [])]


@pytest.mark.parametrize(("start", "stop", "offsets"), RANGES)
def test_a_range_excludes_its_stop(told: World, start: int, stop: int | None, offsets: Any) -> None:
    events = told.db.events(start, stop)
    assert [event.offset for event in events] == list(offsets) and len(events) == len(list(offsets))


def test_events_of_a_type_or_view(told: World) -> None:
    assert [event.offset for event in told.db.events(type="view_defined")] == [1, 4]
    assert [event.offset for event in told.db.events(view="drivers")] == [1, 2, 3, 5]
    assert [event.offset for event in told.db.events(2, type="transaction_committed", view="riders")] == [5]
    assert len(told.db.events(view="drivers")) == 4 and list(told.db.events(type="nothing")) == []


def test_events_may_be_iterated_again_and_keep_their_range(told: World) -> None:
    events = told.db.events()
    first = [event.offset for event in events]
    told.put("x", trips=1)
    assert [event.offset for event in events] == first


def test_digests_chain_and_do_not_change(told: World) -> None:
    digests = [event.digest for event in told.db.events()]
    assert len(set(digests)) == 8 and told.db.digest() == digests[-1] and told.db.digest(3) == digests[2]
    told.put("x", trips=1)
    assert [told.db.digest(offset) for offset in range(1, 9)] == digests
    assert told.db.digest(0) == told.db.header.digest.hex()
    for offset in (-1, 99):
        with pytest.raises(OffsetOutOfRange):
            told.db.digest(offset)


ODD = ("user-seven", 777_777, ("odd", 777_777), "777777")


def lines_about(entity: Any) -> list[dict[str, Any]]:
    """The lines that every part of the database writes about one entity, after one about another."""
    world = World()
    first = world.put(entity, **FULL)
    many = world.drivers.put_many({"driver": ["other", entity], "trips": [1, 2]}).versions
    world.drivers.put("heir", FULL, derived_from=[first, many[1]], transformation="t")
    service = world.db.create_service("s", features=["drivers:trips"])
    world.db.record_prediction(service.get(entity), model="m", output=1.0)
    trial = world.db.create_experiment("t", arms={"a": 1.0}, unit="driver", metrics={"m": "sum"}, forced={entity: "a"})
    trial.expose(entity)
    trial.record(entity, "m", 1.0)
    world.drivers.delete(entity)
    assert world.drivers.history("heir")[0].derived_from == (first, many[1]), "the ids are made when it is read"
    journal = world.db.state.journal
    return [json.loads(journal.line(offset)) for offset in range(1, world.db.head + 1)]


def inside(data: Any) -> Iterator[Any]:
    """Everything in a line, keys of objects included."""
    yield data
    if isinstance(data, dict):
        yield from data
    if isinstance(data, dict | list):
        for item in data.values() if isinstance(data, dict) else data:
            yield from inside(item)


@pytest.mark.parametrize("entity", ODD)
def test_an_id_keeps_its_type_in_the_file_and_is_never_a_key(entity: Any) -> None:
    lines = lines_about(entity)
    stored = list(entity) if isinstance(entity, tuple) else entity
    assert sum(any(type(part) is type(stored) and part == stored for part in inside(line)) for line in lines) == 7
    keys = {key for line in lines for part in inside(line) if isinstance(part, dict) for key in part}
    assert all(key.replace("_", "").isalpha() for key in keys), "no key is data"


@pytest.mark.parametrize("entity", ODD)
def test_a_stored_reference_is_an_offset_and_a_row(entity: Any) -> None:
    lines = {line["offset"]: line for line in lines_about(entity)}
    assert lines[4]["derived_from"] == [[2, 0], [3, 1]]
    assert lines[6]["predictions"][0]["sources"] == [[3, 1]]


def test_two_ledgers_of_the_same_events_have_different_digests() -> None:
    first, second, twin = World(seed=1), World(seed=2), World(seed=1)
    assert first.db.digest() != second.db.digest() and first.db.digest() == twin.db.digest()
    assert VectorDB().header.ledger_id != VectorDB().header.ledger_id


@pytest.mark.parametrize("as_of", [None, 0, 1, 5, 8])
def test_a_replay_is_the_same_database(told: World, tmp_path: Path, as_of: int | None) -> None:
    told.db.snapshot(tmp_path / "copy.jsonl")
    expected = told.db if as_of is None else told.db.as_of(as_of)
    for source in (told.db.events(), list(told.db.events()), tmp_path / "copy.jsonl", str(tmp_path / "copy.jsonl")):
        again = VectorDB.replay(source, as_of=as_of, clock=told.clock)
        assert again.head == expected.head and again.views() == expected.views()
        for view in again.views():
            assert again.view(view).entities(at=expected.at) == expected.view(view).entities(at=expected.at)
        again.check()
        if not isinstance(source, list):
            assert again.digest() == told.db.digest(again.head)


def test_a_replay_is_apart_from_its_source(told: World) -> None:
    again = VectorDB.replay(told.db.events(), clock=told.clock)
    before = everything(told.db)
    again.view("drivers").put("new", {"trips": 1})
    again.create_view("drivers", entity="driver", features={**FEATURES, "x": Int()}, replace=True)
    assert everything(told.db) == before


@pytest.mark.parametrize("as_of", [-1, 9, 99])
def test_a_replay_ends_inside_the_log(told: World, tmp_path: Path, as_of: int) -> None:
    told.db.snapshot(tmp_path / "copy.jsonl")
    for source in (told.db.events(), tmp_path / "copy.jsonl"):
        with pytest.raises(OffsetOutOfRange):
            VectorDB.replay(source, as_of=as_of)


def test_events_with_a_gap_or_out_of_order_are_refused(told: World) -> None:
    events = list(told.db.events())
    for wrong in (events[1:], events[:2] + events[3:], [events[0], events[0]], events[::-1]):
        with pytest.raises(InvalidEvent):
            VectorDB.replay(wrong)


def test_events_of_the_past_make_that_past(told: World) -> None:
    again = VectorDB.replay(told.db.as_of(3).events())
    assert again.head == 3 and again.view("drivers").entities() == ["d", "a", "b"]


def test_your_own_projections_see_a_replay(told: World) -> None:
    from tests.contracts.tally import Tally

    again = VectorDB.replay(told.db.events(), projections=[Tally()])
    tally: Any = again.projection("tally")
    assert tally.events == 8 and sum(tally.rows.values()) == 5


def test_a_database_is_a_context_manager(tmp_path: Path) -> None:
    with VectorDB.open(tmp_path / "ledger.jsonl", seed=3) as db:
        db.create_view("v", entity="e", features={"x": Int()}).put("a", {"x": 1})
        assert repr(db) == "VectorDB(head=2, views=['v'])"
    with VectorDB.open(tmp_path / "ledger.jsonl") as db:
        assert db.head == 2 and db.opened.torn_bytes == 0
