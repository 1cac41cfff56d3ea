"""Idempotency keys: the same call again gives the first receipt; another call is an error."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from datetime import timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.vectordb.world import FEATURES, FULL, START, World, everything, when
from vectordb import IdempotencyConflict, Int, VectorDB

COLUMNS = {"driver": ["a", "b"], "trips": [1, 2]}
Call = Callable[[VectorDB, str], Any]


def put(db: VectorDB, key: str, **changes: Any) -> Any:
    return db.view("drivers").put("d", {**FULL, **changes}, idempotency_key=key)


def put_many(db: VectorDB, key: str, **changes: Any) -> Any:
    return db.view("drivers").put_many({**COLUMNS, **changes}, idempotency_key=key)


def delete(db: VectorDB, key: str, entity: str = "d") -> Any:
    return db.view("drivers").delete(entity, idempotency_key=key)


def transaction(db: VectorDB, key: str, trips: int = 3) -> Any:
    with db.transaction(idempotency_key=key) as tx:
        tx.view("drivers").put("d", {"trips": trips})
        tx.view("drivers").delete("e")
    return tx.receipt


CALLS: dict[str, tuple[Call, Call]] = {
    "put": (put, lambda db, key: put(db, key, trips=9)),
    "put_many": (put_many, lambda db, key: put_many(db, key, trips=[1, 3])),
    "delete": (delete, lambda db, key: delete(db, key, "other")),
    "transaction": (transaction, lambda db, key: transaction(db, key, 4)),
}


@pytest.fixture(params=CALLS)
def calls(request: Any) -> tuple[Call, Call]:
    return CALLS[request.param]


def test_the_same_call_again_gives_the_first_receipt(world: World, calls: tuple[Call, Call]) -> None:
    first = calls[0](world.db, "k")
    world.tick()
    world.put("d", trips=50)
    before = everything(world.db)
    again = calls[0](world.db, "k")
    assert not first.replayed and again.replayed
    assert again == first and again.versions == first.versions and again.recorded_time == first.recorded_time
    assert everything(world.db) == before


def test_another_call_with_the_key_is_an_error(world: World, calls: tuple[Call, Call]) -> None:
    first = calls[0](world.db, "k")
    before = everything(world.db)
    with pytest.raises(IdempotencyConflict) as caught:
        calls[1](world.db, "k")
    assert caught.value.values["first_used_at"] == first.offset
    assert everything(world.db) == before
    assert not calls[1](world.db, "other").replayed


@pytest.mark.parametrize("lazy", [False, True])
def test_a_key_is_remembered_by_the_file(tmp_path: Path, calls: tuple[Call, Call], lazy: bool) -> None:
    world = World(path=tmp_path / "ledger.jsonl")
    first = calls[0](world.db, "k")
    world.db.close()
    with VectorDB.open(tmp_path / "ledger.jsonl", lazy=lazy, clock=world.clock) as again:
        assert calls[0](again, "k") == first and again.head == 2
        with pytest.raises(IdempotencyConflict):
            calls[1](again, "k")


def test_a_key_is_remembered_by_replays_and_forks(world: World, calls: tuple[Call, Call]) -> None:
    first = calls[0](world.db, "k")
    for db in (world.db.fork(), VectorDB.replay(world.db.events())):
        assert calls[0](db, "k").versions == first.versions and db.head == 2
    assert not calls[0](world.db.fork(1), "k").replayed


def test_a_retry_after_a_redefinition_is_still_a_retry(world: World, calls: tuple[Call, Call]) -> None:
    """The arguments as given are compared, not what a later definition makes of them."""
    first = calls[0](world.db, "k")
    world.db.create_view("drivers", entity="driver", features={"x": Int(), **FEATURES}, replace=True)
    again = calls[0](world.db, "k")
    assert again.replayed and again.offset == first.offset


def test_a_key_is_the_ledgers_whatever_the_call(world: World) -> None:
    put(world.db, "k")
    for name in ("put_many", "delete", "transaction"):
        with pytest.raises(IdempotencyConflict):
            CALLS[name][0](world.db, "k")
    other = world.db.create_view("other", entity="driver", features=FEATURES)
    with pytest.raises(IdempotencyConflict):
        other.put("d", FULL, idempotency_key="k")


@pytest.mark.parametrize(
    "changes",
    [{"event_time": START}, {"transformation": "t@1"}, {"derived_from": ["drivers/d@2"]}],
    ids=["event_time", "transformation", "derived_from"],
)
def test_every_argument_of_a_put_is_compared(world: World, changes: dict[str, Any]) -> None:
    """``event_time`` given as what it would have been is another argument: before defaults."""
    world.put("d", trips=1)
    world.drivers.put("d", FULL, idempotency_key="k")
    with pytest.raises(IdempotencyConflict):
        world.drivers.put("d", FULL, idempotency_key="k", **changes)
    assert world.drivers.put("d", FULL, idempotency_key="k").replayed


def test_equal_arguments_are_equal_whatever_holds_them(world: World) -> None:
    cet = timezone(timedelta(hours=1))
    world.drivers.put("d", {"trips": 1, "rating": 2.0}, event_time=when(0), idempotency_key="k")
    values = MappingProxyType({"rating": 2.0, "trips": 1})
    assert world.drivers.put("d", values, event_time=when(0).astimezone(cet), idempotency_key="k").replayed
    put_many(world.db, "m")
    assert put_many(world.db, "m", driver=("a", "b"), trips=array("q", [1, 2])).replayed


def test_rows_from_an_iterator_are_compared_by_what_they_hold(world: World) -> None:
    rows = [{"driver": "a", "trips": 1}, {"driver": "b", "trips": 2}]
    world.drivers.put_many(iter(rows), idempotency_key="k")
    assert world.drivers.put_many((row for row in rows), idempotency_key="k").replayed
    assert world.drivers.put_many(rows, idempotency_key="k").replayed
    with pytest.raises(IdempotencyConflict):
        world.drivers.put_many(iter(rows[:1]), idempotency_key="k")
    with world.db.transaction(idempotency_key="t") as tx:
        tx.view("drivers").put_many(iter(rows))
    with world.db.transaction(idempotency_key="t") as tx:
        tx.view("drivers").put_many(iter(rows))
    assert tx.receipt is not None and tx.receipt.replayed


def test_a_retry_comes_before_expectations(world: World) -> None:
    """They held the first time; the retry must not be refused for its own success."""
    world.drivers.put("d", FULL, idempotency_key="k", expected_offset=0, expected_head=1)
    assert world.drivers.put("d", FULL, idempotency_key="k", expected_offset=0, expected_head=1).replayed
    world.drivers.delete("d", idempotency_key="x", expected_offset=2)
    assert world.drivers.delete("d", idempotency_key="x", expected_offset=2).replayed


def test_a_refused_call_leaves_its_key_free(world: World) -> None:
    with pytest.raises(ValueError):
        put(world.db, "k", trips="bad")
    assert not put(world.db, "k").replayed


def test_rejected_rows_are_arguments_too(world: World) -> None:
    rows = {"driver": ["a", "b"], "trips": [1, "bad"]}
    world.drivers.put_many(rows, on_error="reject", idempotency_key="k")
    again = world.drivers.put_many(rows, on_error="reject", idempotency_key="k")
    assert again.replayed and [item.row for item in again.rejected] == [1]
    with pytest.raises(IdempotencyConflict):
        world.drivers.put_many({**rows, "trips": [1, "worse"]}, on_error="reject", idempotency_key="k")


@pytest.mark.parametrize("key", ["", 7, b"k", "\ud800"])
def test_a_key_is_text(world: World, key: Any, calls: tuple[Call, Call]) -> None:
    with pytest.raises(ValueError):
        calls[0](world.db, key)
    assert world.db.head == 1


def test_predictions_are_retried_by_key(world: World) -> None:
    world.put("d", **FULL)
    service = world.db.create_service("s", features=["drivers:trips"])
    first = world.db.record_prediction(service.get("d"), model="m@1", output=1, idempotency_key="k")
    world.tick()
    again = world.db.record_prediction(service.get("d"), model="m@1", output=1, idempotency_key="k")
    assert again == first and world.db.head == 4
    for changes in ({"output": 2}, {"model": "m@2"}, {"assignment": {"arm": "a"}}):
        with pytest.raises(IdempotencyConflict):
            arguments = {"model": "m@1", "output": 1, **changes}
            world.db.record_prediction(service.get("d"), idempotency_key="k", **arguments)  # type: ignore[arg-type]


def test_receipts_of_one_write_are_equal_and_say_which_was_the_retry(world: World, calls: tuple[Call, Call]) -> None:
    first, again = (calls[0](world.db, "k") for _ in range(2))
    assert first == again and hash(first) == hash(again) and len({first, again}) == 1
    assert repr(again) == repr(first).replace(")", ", replayed=True)")
    assert first != calls[1](world.db, "other") and first != "a receipt"
