"""put_many: one atomic event of many rows, equal to the single puts it stands for."""

from __future__ import annotations

import math
import random
from array import array
from typing import Any

import pytest

from tests.vectordb.world import FULL, START, World, when
from vectordb import MISSING, InvalidCells, InvalidInput, Status, Text, Vector, VectorDB

IDS = ["a", "b", "c"]


def test_a_batch_is_one_event_with_numbered_versions(world: World) -> None:
    receipt = world.drivers.put_many({"driver": IDS, "trips": [1, 2, 3]})
    assert (receipt.offset, world.db.head) == (2, 2)
    assert receipt.versions == ("drivers/a@2.0", "drivers/b@2.1", "drivers/c@2.2")
    assert world.drivers.get("b").versions["trips"] == "drivers/b@2.1"


def test_a_batch_of_one_row_has_an_id_without_a_row(world: World) -> None:
    assert world.drivers.put_many({"driver": ["a"], "trips": [1]}).versions == ("drivers/a@2",)


def test_rows_as_columns_and_as_mappings_are_the_same_event(world: World) -> None:
    columns = {"driver": IDS, "trips": [1, MISSING, 3], "city": ["x", None, MISSING]}
    rows = [{"driver": "a", "trips": 1, "city": "x"}, {"driver": "b", "city": None}, {"driver": "c", "trips": 3}]
    first = world.drivers.put_many(columns).event.payload
    assert world.drivers.put_many(iter(rows)).event.payload == first


def test_absent_column_and_missing_cell_are_not_written_and_none_is_null(world: World) -> None:
    world.drivers.put_many({"driver": IDS, "trips": [1, MISSING, None], "city": ["x", "y", "z"]})
    statuses = [world.drivers.get(entity).status_of("trips") for entity in IDS]
    assert statuses == [Status.PRESENT, Status.MISSING, Status.NULL]
    assert world.drivers.get("a").status_of("rating") is Status.MISSING


def test_a_row_that_writes_nothing_is_refused(world: World) -> None:
    with pytest.raises(InvalidCells) as caught:
        world.drivers.put_many({"driver": IDS, "trips": [1, MISSING, 3], "rating": [MISSING, MISSING, 1.0]})
    assert [cell["row"] for cell in caught.value.cells] == [1]
    with pytest.raises(InvalidInput):
        world.drivers.put_many({"driver": IDS})
    assert world.db.head == 1


@pytest.mark.parametrize("rows", [{"driver": []}, {"driver": [], "trips": []}, [], {}, {"rider": ["a"], "trips": [1]}])
def test_a_batch_has_rows_under_its_kind_of_entity(world: World, rows: Any) -> None:
    with pytest.raises(InvalidInput):
        world.drivers.put_many(rows)
    assert world.db.head == 1


def test_columns_are_equally_long(world: World) -> None:
    with pytest.raises(InvalidInput):
        world.drivers.put_many({"driver": IDS, "trips": [1, 2]})
    with pytest.raises(InvalidInput):
        world.drivers.put_many({"driver": IDS, "trips": [1, 2, 3]}, event_time=[START])
    assert world.db.head == 1


@pytest.mark.parametrize("rows", [{"driver": "abc", "trips": [1, 2, 3]}, {"driver": IDS, "city": "xyz"}])
def test_a_text_is_not_a_column(world: World, rows: Any) -> None:
    """Its letters would be taken for rows."""
    with pytest.raises(InvalidInput):
        world.drivers.put_many(rows)
    assert world.db.head == 1


def test_an_entity_twice_in_a_batch_the_later_row_wins_ties(world: World) -> None:
    world.drivers.put_many({"driver": ["a", "b", "a"], "trips": [1, 2, 3], "rating": [1.0, 2.0, MISSING]})
    row = world.drivers.get("a")
    assert (row["trips"], row["rating"]) == (3, 1.0)
    assert row.versions["trips"] == "drivers/a@2.2" and row.versions["rating"] == "drivers/a@2.0"
    assert [version.row for version in world.drivers.history("a")] == [0, 2]


def test_an_entity_twice_with_times_the_newest_wins_whatever_the_row(world: World) -> None:
    times = [START - 1, START - 2]
    world.drivers.put_many({"driver": ["a", "a"], "trips": [1, 2]}, event_time=times)
    assert world.get("a")["trips"] == 1
    assert world.get("a", at=-1.5)["trips"] == 2
    assert world.drivers.get("a").version == "drivers/a@2.1", "the last write by offset and row"


def test_event_times_one_for_all_one_a_row_or_a_column(world: World) -> None:
    world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2]}, event_time=START - 9)
    assert world.drivers.get("a").event_time == world.drivers.get("b").event_time == when(-9)
    world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2]}, event_time=[START - 3, START - 4])
    assert world.drivers.get("b").event_time == when(-4)
    world.drivers.put_many([{"driver": "a", "trips": 7, "event_time": when(-1)}])
    assert world.drivers.get("a").event_time == when(-1)
    with pytest.raises(InvalidInput):
        world.drivers.put_many([{"driver": "a", "trips": 7, "event_time": when(-1)}], event_time=START)


def test_a_bad_cell_refuses_the_whole_batch_and_is_named(world: World) -> None:
    with pytest.raises(InvalidCells) as caught:
        world.drivers.put_many({"driver": IDS, "trips": [1, "two", 3]})
    (cell,) = caught.value.cells
    assert (cell["view"], cell["feature"], cell["entity"], cell["value"]) == ("drivers", "trips", "b", "two")
    assert world.db.head == 1


def test_a_refusal_lists_up_to_ten_of_many_bad_cells(world: World) -> None:
    ids = [f"d{place}" for place in range(25)]
    with pytest.raises(InvalidCells) as caught:
        world.drivers.put_many({"driver": ids, "trips": ["x"] * 25})
    assert len(caught.value.cells) == 10 and caught.value.count == 25


def test_reject_writes_the_good_rows_and_returns_and_records_the_others(tmp_path) -> None:
    world = World(path=tmp_path / "ledger.jsonl")
    rows = {"driver": ["a", "", "c", "d"], "trips": [1, 2, "x", 4], "rating": [1.0, 1.0, math.nan, 1.0]}
    receipt = world.drivers.put_many(rows, on_error="reject")
    assert receipt.versions == ("drivers/a@2.0", "drivers/d@2.1")
    assert [(item.row, item.feature) for item in receipt.rejected] == [(1, None), (2, "trips"), (2, "rating")]
    assert all(item.rule for item in receipt.rejected)
    world.db.close()
    with VectorDB.open(tmp_path / "ledger.jsonl") as again:
        assert again.view("drivers").entities() == ["a", "d"]
        fact: Any = again.event(2).fact
        assert tuple(fact.rejected) == tuple(receipt.rejected)


def test_reject_of_every_row_is_recorded_too(tmp_path) -> None:
    world = World(path=tmp_path / "ledger.jsonl")
    receipt = world.drivers.put_many({"driver": ["a"], "trips": ["x"]}, on_error="reject")
    assert receipt.versions == () and len(receipt.rejected) == 1 and world.db.head == 2
    world.put("a", trips=1)
    world.db.close()
    with VectorDB.open(tmp_path / "ledger.jsonl") as again:
        assert again.view("drivers").get("a")["trips"] == 1
        again.check()


def test_reject_refuses_what_is_no_row_at_all(world: World) -> None:
    with pytest.raises(InvalidCells):
        world.drivers.put_many({"driver": ["a"], "age": [1]}, on_error="reject")
    with pytest.raises(InvalidInput):
        world.drivers.put_many({"driver": ["a"], "trips": [1]}, on_error="skip")
    assert world.db.head == 1


def test_nan_as_null_holds_for_every_cell_a_put_takes(world: World) -> None:
    numpy = pytest.importorskip("numpy")
    for nan in (math.nan, numpy.float32("nan"), numpy.float64("nan")):
        world.drivers.put("one", {"rating": nan}, nan="null")
        world.drivers.put_many({"driver": ["many"], "rating": [nan]}, nan="null")
        assert world.drivers.get("many").status["rating"] is world.drivers.get("one").status["rating"] is Status.NULL
    world.drivers.put_many({"driver": IDS, "rating": numpy.array([1.0, math.nan, 3.0])}, nan="null")
    assert world.drivers.get_many(IDS).column("rating") == [1.0, None, 3.0]


def test_arrays_memoryviews_and_numpy_columns(world: World) -> None:
    world.drivers.put_many({"driver": IDS, "trips": array("q", [1, 2, 3]), "rating": memoryview(array("d", [1, 2, 3]))})
    assert world.drivers.get_many(IDS).column("rating") == [1.0, 2.0, 3.0]
    numpy = pytest.importorskip("numpy")
    columns = {"driver": numpy.array(IDS), "trips": numpy.array([4, 5, 6]), "rating": numpy.array([4, 5, 6], "f")}
    world.drivers.put_many(columns)
    assert world.drivers.get_many(IDS).column("trips") == [4, 5, 6]


def test_vectors_and_texts_of_a_batch_with_gaps() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"t": Text(), "p": Vector(2, metric="dot")})
    view.put_many({"e": IDS, "t": ["x", None, "z"], "p": [[1, 2], [3, 4], MISSING]})
    assert [view.get(entity)["t"] for entity in IDS] == ["x", None, "z"]
    assert view.get("b")["p"].tolist() == [3.0, 4.0] and view.get("c")["p"] is None


@pytest.mark.parametrize("rows", [1, 15, 16, 40])
def test_a_column_of_nulls_only_can_be_stored(tmp_path, rows: int) -> None:
    world = World(path=tmp_path / "ledger.jsonl")
    ids = [f"d{place}" for place in range(rows)]
    world.drivers.put_many({"driver": ids, "city": [None] * rows, "trips": list(range(rows))})
    digest = world.db.digest()
    world.db.close()
    with VectorDB.open(tmp_path / "ledger.jsonl") as again:
        assert again.digest() == digest
        assert again.view("drivers").get_many(ids).column("city") == [None] * rows


def test_a_stored_column_holds_no_value_of_elsewhere(world: World) -> None:
    """The stored form says what was written, whatever else the process has seen: refused cells, other views."""
    with pytest.raises(InvalidCells):
        world.drivers.put_many({"driver": ["a"], "trips": ["bad"], "city": ["refused"]})
    world.put("b", city="elsewhere")
    ids = [f"d{place}" for place in range(20)]
    payload = world.drivers.put_many({"driver": ids, "city": ["Rome"] * 19 + [None]}).event.payload
    assert "refused" not in str(payload) and "elsewhere" not in str(payload)


def random_rows(rng: random.Random, count: int) -> tuple[list[dict[str, Any]], list[float]]:
    rows: list[dict[str, Any]] = []
    for _ in range(count):
        values = {"trips": rng.choice([None, rng.randrange(9)]), "rating": rng.random(), "city": rng.choice("xyz")}
        kept = rng.sample(sorted(values), rng.randrange(1, 4))
        rows.append({"driver": rng.choice("abcdef"), **{name: values[name] for name in kept}})
    return rows, [START + rng.randrange(-5, 5) for _ in rows]


@pytest.mark.parametrize("seed", range(12))
def test_a_batch_reads_as_the_equal_single_puts(seed: int) -> None:
    rng = random.Random(seed)
    batch, single = World(ttl=6), World(ttl=6)
    for _ in range(4):
        rows, times = random_rows(rng, rng.choice([1, 5, 30]))
        batch.drivers.put_many(rows, event_time=times)
        for row, time in zip(rows, times, strict=True):
            values = {name: value for name, value in row.items() if name != "driver"}
            single.drivers.put(row["driver"], values, event_time=time)
    for at in [None, *range(-6, 12)]:
        for entity in "abcdef":
            one = batch.drivers.get(entity, at=None if at is None else START + at)
            other = single.drivers.get(entity, at=None if at is None else START + at)
            assert dict(one) == dict(other) and one.status == other.status, (seed, at, entity)
            assert one.event_times == other.event_times and one.found == other.found, (seed, at, entity)
    assert sorted(batch.drivers.entities()) == sorted(single.drivers.entities())
    batch.db.check()


def test_a_batch_is_all_or_nothing_for_complete_rows(world: World) -> None:
    world.drivers.put("a", FULL)
    with pytest.raises(InvalidCells):
        world.drivers.put_many([{"driver": "a", **FULL, "trips": 2}, {"driver": "b", **FULL, "trips": 2.5}])
    assert world.get("a")["trips"] == 1 and "b" not in world.drivers
