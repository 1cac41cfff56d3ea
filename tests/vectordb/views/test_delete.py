"""delete: a tombstone on every feature, with its own time."""

from __future__ import annotations

import pytest

from tests.vectordb.world import FEATURES, FULL, World, when
from vectordb import EntityNotFound, Int, Status


def test_a_deleted_entity_reads_as_an_unknown_one(world: World) -> None:
    world.put("d", **FULL)
    world.tick()
    world.drivers.delete("d")
    row = world.drivers.get("d")
    assert dict(row) == {"trips": 0, "rating": None, "city": None}
    assert not row.found and row.version is None and row.event_time is None
    assert set(row.status.values()) == {Status.MISSING} and set(row.versions.values()) == {None}
    assert "d" not in world.drivers and len(world.drivers) == 0 and world.drivers.entities() == []
    with pytest.raises(EntityNotFound):
        world.drivers.get("d", require=True)


def test_a_late_put_dated_before_the_delete_stays_hidden(world: World) -> None:
    world.put("d", at=-20, **FULL)
    world.drivers.delete("d", event_time=when(-10))
    world.put("d", at=-15, trips=7)
    assert not world.drivers.get("d").found
    assert world.get("d", at=-12) == {"trips": 7, "rating": 4.5, "city": "Rome"}


def test_a_newer_partial_put_revives_only_what_it_carries(world: World) -> None:
    world.put("d", at=-20, **FULL)
    world.drivers.delete("d", event_time=when(-10))
    revived = world.put("d", at=-5, rating=1.0)
    row = world.drivers.get("d")
    assert row.found and dict(row) == {"trips": 0, "rating": 1.0, "city": None}
    assert row.versions == {"trips": None, "rating": revived, "city": None}
    assert row.status["trips"] is Status.MISSING


def test_at_before_the_delete_still_sees_the_value(world: World) -> None:
    world.put("d", at=-20, **FULL)
    world.drivers.delete("d", event_time=when(-10))
    assert world.get("d", at=-11) == FULL
    assert world.drivers.get("d", at=when(-11)).found
    assert not world.drivers.get("d", at=when(-10)).found


def test_a_delete_ties_by_offset(world: World) -> None:
    world.put("a", at=-10, **FULL)
    world.drivers.delete("a", event_time=when(-10))
    world.drivers.delete("b", event_time=when(-10))
    world.put("b", at=-10, **FULL)
    assert not world.drivers.get("a").found and world.drivers.get("b").found


def test_a_late_delete_removes_only_what_is_older(world: World) -> None:
    world.put("d", at=-30, **FULL)
    world.put("d", at=-10, trips=9)
    world.drivers.delete("d", event_time=when(-20))
    row = world.drivers.get("d")
    assert row.found and dict(row) == {"trips": 9, "rating": None, "city": None}
    assert row.version == "drivers/d@4", "the last write by offset is the delete, and the entity exists"


def test_a_delete_dated_ahead_is_not_yet_visible(world: World) -> None:
    world.put("d", **FULL)
    world.drivers.delete("d", event_time=when(10))
    assert world.drivers.get("d").found
    world.tick(10)
    assert not world.drivers.get("d").found


def test_an_unknown_entity_may_be_deleted_and_hides_late_rows(world: World) -> None:
    world.drivers.delete("d", event_time=when(-5))
    world.put("d", at=-6, trips=1)
    assert not world.drivers.get("d").found
    world.put("d", at=-4, trips=2)
    assert world.get("d")["trips"] == 2


def test_a_delete_covers_features_that_the_view_gains_later(world: World) -> None:
    world.drivers.delete("d", event_time=when(-5))
    world.db.create_view("drivers", entity="driver", features={**FEATURES, "age": Int()}, replace=True)
    world.put("d", at=-6, age=3)
    assert world.get("d")["age"] is None and not world.drivers.get("d").found
    world.put("d", at=-4, age=4)
    assert world.get("d")["age"] == 4


def test_a_delete_stands_in_history(world: World) -> None:
    world.put("d", **FULL)
    receipt = world.drivers.delete("d")
    last = world.drivers.history("d")[-1]
    assert last.deleted and last.values == {} and last.id == receipt.versions[0] == "drivers/d@3"
    assert [version.deleted for version in world.drivers.history("d", feature="city")] == [False, True]


def test_a_delete_carries_who_and_why(world: World) -> None:
    event = world.drivers.delete("d", actor="ops", tags="gdpr").event
    assert event.type == "entity_deleted" and event.meta is not None
    assert (event.meta.actor, event.meta.tags) == ("ops", ("gdpr",))


def test_delete_and_return_again_and_again(world: World) -> None:
    for round_ in range(5):
        world.tick()
        world.put("d", trips=round_)
        world.tick()
        world.drivers.delete("d")
    assert not world.drivers.get("d").found
    shown = [world.db.as_of(offset).view("drivers").get("d").found for offset in range(1, world.db.head + 1)]
    assert shown == [False] + [True, False] * 5
    world.db.check()


def test_the_past_before_a_delete_still_has_the_entity(world: World) -> None:
    world.put("d", **FULL)
    world.drivers.delete("d")
    assert dict(world.db.as_of(2).view("drivers").get("d")) == FULL
    assert world.db.as_of(2).view("drivers").entities() == ["d"]
    assert world.db.as_of(3).view("drivers").entities() == []
