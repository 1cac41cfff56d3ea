"""Transactions: several writes, one event, all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectordb.world import FEATURES, FULL, START, World, everything, when
from vectordb import (
    MISSING,
    Category,
    DefinitionConflict,
    DefinitionError,
    HeadConflict,
    Int,
    InvalidCells,
    InvalidEntity,
    InvalidInput,
    Text,
    UnknownName,
    Vector,
    VectorDB,
)


@pytest.fixture
def world() -> World:
    world = World()
    world.db.create_view("riders", entity="rider", features={"age": Int(), "note": Text(), "p": Vector(2)})
    return world


def test_several_puts_are_one_event(world: World) -> None:
    with world.db.transaction(actor="etl", correlation="run-9", tags=["x"]) as tx:
        tx.view("drivers").put("d", {"trips": 1})
        tx.view("riders").put("r", {"age": 5, "note": "é", "p": [1, 2]})
        tx.view("drivers").put("e", {"city": "Rome"})
    receipt = tx.receipt
    assert receipt is not None and world.db.head == 3 == receipt.offset
    assert receipt.versions == ("drivers/d@3.0", "riders/r@3.1", "drivers/e@3.2")
    assert world.get("d")["trips"] == 1 and world.get("e")["city"] == "Rome"
    row = world.db.view("riders").get("r")
    assert (row["age"], row["note"], row["p"].tolist()) == (5, "é", [1.0, 2.0])
    event = receipt.event
    assert event.views == ("drivers", "riders") and event.meta is not None and event.meta.actor == "etl"


def test_reads_inside_do_not_see_the_writes(world: World) -> None:
    with world.db.transaction() as tx:
        tx.view("drivers").put("d", FULL)
        assert not world.drivers.get("d").found and world.db.head == 2
    assert world.drivers.get("d").found


def test_an_error_in_the_block_commits_nothing(world: World) -> None:
    before = everything(world.db)
    with pytest.raises(ZeroDivisionError), world.db.transaction() as tx:
        tx.view("drivers").put("d", FULL)
        _ = 1 / 0
    assert tx.receipt is None and everything(world.db) == before


def test_an_empty_transaction_writes_nothing(world: World) -> None:
    with world.db.transaction() as tx:
        pass
    assert tx.receipt is None and world.db.head == 2


def test_values_are_checked_when_they_are_put(world: World) -> None:
    before = everything(world.db)
    with world.db.transaction() as tx:
        drivers = tx.view("drivers")
        for refused in (
            lambda: drivers.put("d", {"trips": "x"}),
            lambda: drivers.put("d", {"age": 1}),
            lambda: drivers.put("d", {}),
            lambda: drivers.put("d", {"rating": float("nan")}),
            lambda: drivers.put_many({"driver": ["d"], "trips": ["x"]}),
        ):
            with pytest.raises((InvalidCells, InvalidInput)):
                refused()
        for refused in (lambda: drivers.put(None, FULL), lambda: drivers.delete(1.5)):
            with pytest.raises(InvalidEntity):
                refused()
        with pytest.raises(UnknownName):
            tx.view("nothing")
    assert everything(world.db) == before


def test_the_later_write_of_an_entity_wins_ties(world: World) -> None:
    with world.db.transaction() as tx:
        tx.view("drivers").put("d", {"trips": 1, "rating": 1.0})
        tx.view("drivers").put("d", {"trips": 2})
    row = world.drivers.get("d")
    assert (row["trips"], row["rating"], row.versions["trips"]) == (2, 1.0, "drivers/d@3.1")


def test_puts_and_deletes_together(world: World) -> None:
    world.put("old", **FULL)
    with world.db.transaction() as tx:
        tx.view("drivers").delete("old")
        tx.view("drivers").put("new", FULL)
        tx.view("drivers").put_many({"driver": ["a", "b"], "trips": [1, 2]}, event_time=[START - 1, START - 2])
        tx.view("drivers").delete("late", event_time=when(-3))
    assert world.drivers.entities() == ["new", "a", "b"]
    assert world.drivers.get("b").event_time == when(-2)
    assert [version.deleted for version in world.drivers.history("late")] == [True]
    assert world.get("old", at=-1)["trips"] == 0 and world.db.as_of(3).view("drivers").get("old").found


def test_delete_then_put_again_in_one_transaction_revives(world: World) -> None:
    world.put("d", **FULL)
    with world.db.transaction() as tx:
        tx.view("drivers").delete("d")
        tx.view("drivers").put("d", {"city": "Oslo"})
    assert world.get("d") == {"trips": 0, "rating": None, "city": "Oslo"}


def test_missing_and_nan_in_a_transaction(world: World) -> None:
    with world.db.transaction() as tx:
        tx.view("drivers").put("d", {"trips": 1, "city": MISSING})
        tx.view("drivers").put("e", {"rating": float("nan")}, nan="null")
    assert world.drivers.get("d").status["city"] == "missing"
    assert world.drivers.get("e").status["rating"] == "null"


def test_writes_belong_inside_the_block(world: World) -> None:
    with world.db.transaction() as tx:
        view = tx.view("drivers")
        view.put("d", FULL)
    with pytest.raises(InvalidInput):
        view.put("e", FULL)
    assert world.db.head == 3


def test_a_view_keeps_its_definition_while_a_transaction_writes_to_it(world: World) -> None:
    with pytest.raises(DefinitionConflict), world.db.transaction() as tx:
        tx.view("drivers").put("d", FULL)
        world.db.create_view("drivers", entity="driver", features={**FEATURES, "x": Int()}, replace=True)
    assert not world.drivers.get("d").found and world.db.head == 3


def test_the_head_may_be_expected(world: World) -> None:
    with world.db.transaction(expected_head=2) as tx:
        tx.view("drivers").put("d", FULL)
    with pytest.raises(HeadConflict), world.db.transaction(expected_head=2) as tx:
        tx.view("drivers").put("e", FULL)
    assert world.db.head == 3


@pytest.mark.parametrize("options", [{"actor": ""}, {"tags": [1]}, {"correlation": 7}])
def test_bad_options_are_refused_before_the_block(world: World, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        world.db.transaction(**options)


def test_an_entity_is_never_taken_from_a_feature() -> None:
    """A feature that is called like the kind of entity must not redirect the write."""
    db = VectorDB()
    try:
        db.create_view("v", entity="driver", features={"driver": Category(), "x": Int()})
    except DefinitionError:
        return  # as good an answer
    with db.transaction() as tx:
        tx.view("v").put("d-7", {"driver": "bob", "x": 1})
    assert db.view("v").entities() == ["d-7"]


def test_a_transaction_survives_reopening(tmp_path: Any) -> None:
    world = World(path=tmp_path / "ledger.jsonl")
    with world.db.transaction(idempotency_key="k") as tx:
        tx.view("drivers").put("d", FULL)
        tx.view("drivers").delete("e")
        tx.view("drivers").put_many({"driver": [f"x{place}" for place in range(20)], "city": ["Rome"] * 20})
    before = everything(world.db)
    world.db.close()
    for lazy in (False, True):
        with VectorDB.open(tmp_path / "ledger.jsonl", lazy=lazy, clock=world.clock) as again:
            assert everything(again) == before
            again.check()
