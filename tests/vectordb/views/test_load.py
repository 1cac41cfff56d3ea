"""load: any amount, as many atomic events."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from tests.vectordb.world import START, World, when
from vectordb import InvalidCells, InvalidInput, VectorDBError

ROWS = 7
COLUMNS = {"driver": [f"d{place}" for place in range(ROWS)], "trips": list(range(ROWS))}


def as_rows() -> Any:
    return ({"driver": entity, "trips": trips} for entity, trips in zip(*COLUMNS.values(), strict=True))


MAKERS = {"columns": lambda: COLUMNS, "iterator": as_rows, "list": lambda: list(as_rows())}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100])
def test_rows_arrive_in_events_of_a_chunk(world: World, make: Any, chunk: int) -> None:
    loaded = world.drivers.load(make(), chunk_rows=chunk)
    events = -(-ROWS // chunk)
    assert loaded == (ROWS, 2, 1 + events, 0) and world.db.head == 1 + events
    assert world.drivers.get_many(COLUMNS["driver"]).column("trips") == COLUMNS["trips"]


def test_progress_counts_rows(world: World) -> None:
    seen: list[Any] = []
    world.drivers.load(COLUMNS, chunk_rows=3, progress=lambda *counts: seen.append(counts))
    world.drivers.load(as_rows(), chunk_rows=5, progress=lambda *counts: seen.append(counts))
    assert seen == [(3, 7), (6, 7), (7, 7), (5, None), (7, None)]


@pytest.mark.parametrize("make", [lambda: COLUMNS, as_rows], ids=["columns", "rows"])
@pytest.mark.parametrize("times", [list, lambda times: array("d", times), tuple], ids=["list", "array", "tuple"])
def test_event_times_are_cut_with_the_rows(world: World, make: Any, times: Any) -> None:
    world.drivers.load(make(), chunk_rows=3, event_time=times([START - place for place in range(ROWS)]))
    assert [world.drivers.get(entity).event_time for entity in COLUMNS["driver"]] == [when(-p) for p in range(ROWS)]


def test_one_event_time_holds_for_all(world: World) -> None:
    world.drivers.load(COLUMNS, chunk_rows=3, event_time="2025-12-31T23:59:51Z")
    assert {world.drivers.get(entity).event_time for entity in COLUMNS["driver"]} == {when(-9)}


def test_nothing_to_load_writes_nothing(world: World) -> None:
    assert world.drivers.load([]) == world.drivers.load({"driver": [], "trips": []}) == (0, 0, 0, 0)
    assert world.db.head == 1


def test_a_refusal_stops_the_load_and_the_chunks_before_it_stand(world: World) -> None:
    with pytest.raises(InvalidCells):
        world.drivers.load({**COLUMNS, "trips": [0, 1, 2, 3, "x", 5, 6]}, chunk_rows=2)
    assert world.db.head == 3 and world.drivers.entities() == ["d0", "d1", "d2", "d3"]


def test_rejected_rows_are_counted(world: World) -> None:
    rows = {**COLUMNS, "trips": [0, "x", 2, 3, 4, "y", 6], "rating": [1.0, "z", 1, 1, 1, 1, 1]}
    loaded = world.drivers.load(rows, chunk_rows=4, on_error="reject")
    assert (loaded.rows, loaded.rejected) == (5, 2)


@pytest.mark.parametrize("chunk", [0, -1])
def test_a_chunk_has_rows(world: World, chunk: int) -> None:
    with pytest.raises(InvalidInput):
        world.drivers.load(COLUMNS, chunk_rows=chunk)


@pytest.mark.parametrize("option", [{"idempotency_key": "k"}, {"expected_head": 1}])
def test_an_option_of_one_event_holds_for_all_chunks_or_is_refused_at_once(world: World, option: Any) -> None:
    """Half a load must not be what a key or an expected head leads to."""
    try:
        world.drivers.load(COLUMNS, chunk_rows=3, **option)
    except VectorDBError:
        assert world.db.head == 1
    else:
        assert len(world.drivers) == ROWS
        if "idempotency_key" in option:
            head = world.db.head
            world.drivers.load(COLUMNS, chunk_rows=3, **option)
            assert world.db.head == head
