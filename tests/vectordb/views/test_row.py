"""A row: a mapping with what it was read from."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.vectordb.world import FEATURES, FULL, START, World, when
from vectordb import (
    Bool,
    Category,
    EntityNotFound,
    Float,
    Int,
    InvalidEntity,
    Status,
    Text,
    Timestamp,
    UnknownName,
    VectorDB,
)


def test_four_states(world: World) -> None:
    view = world.db.create_view("v", entity="e", ttl=10, features={n: Int() for n in ("p", "n", "m", "x")})
    view.put("e", {"x": 1}, event_time=when(-11))
    view.put("e", {"p": 1, "n": None})
    row = view.get("e")
    expected = {"p": Status.PRESENT, "n": Status.NULL, "m": Status.MISSING, "x": Status.EXPIRED}
    assert row.status == expected and {name: row.status_of(name) for name in row} == expected
    assert dict(row) == {"p": 1, "n": None, "m": None, "x": None}
    assert str(row.status["x"]) == "expired"


def test_get_gives_the_value_none_or_the_default(world: World) -> None:
    features = {name: Int(default=7) for name in ("p", "n", "m", "x")}
    view = world.db.create_view("v", entity="e", ttl=10, features=features)
    view.put("e", {"x": 1}, event_time=when(-11))
    view.put("e", {"p": 1, "n": None})
    assert dict(view.get("e")) == {"p": 1, "n": None, "m": 7, "x": 7}


def test_an_unknown_entity_does_not_raise(world: World) -> None:
    row = world.drivers.get("nobody")
    assert dict(row) == {"trips": 0, "rating": None, "city": None}
    assert not row.found and row.version is None and row.recorded_time is None
    assert row.version_of("trips") is None
    assert set(row.versions.values()) == {None} and set(row.event_times.values()) == {None}


def test_require_raises_with_the_values(world: World) -> None:
    with pytest.raises(EntityNotFound) as caught:
        world.drivers.get("nobody", require=True)
    assert isinstance(caught.value, LookupError)
    assert caught.value.values["entity"] == "nobody" and caught.value.values["view"] == "drivers"
    world.put("d", trips=1)
    assert world.drivers.get("d", require=True).found


def test_a_row_is_a_mapping_in_the_order_of_the_definition(world: World) -> None:
    world.put("d", city="Rome", trips=1)
    row = world.drivers.get("d")
    assert list(row) == ["trips", "rating", "city"] and len(row) == 3
    assert "trips" in row and "age" not in row
    assert row == {"trips": 1, "rating": None, "city": "Rome"} == row.to_dict()
    assert {**row} == dict(row.items())


def test_an_unknown_feature_of_a_row_is_refused(world: World) -> None:
    with pytest.raises(UnknownName):
        world.drivers.get("d")["age"]
    assert world.drivers.get("d").get("age") is None, "Mapping.get"


def test_version_is_the_last_write_and_versions_are_the_sources(world: World) -> None:
    first = world.put("d", **FULL)
    world.tick()
    second = world.put("d", trips=2)
    row = world.drivers.get("d")
    assert row.version == second and row.versions == {"trips": second, "rating": first, "city": first}
    assert [row.version_of(name) for name in row] == list(row.versions.values())
    assert row.event_times == {"trips": when(1), "rating": when(0), "city": when(0)}
    assert row.event_time == row.recorded_time == when(1)


def test_version_of_a_read_at_an_earlier_time_is_the_last_visible_write(world: World) -> None:
    first = world.put("d", at=-10, trips=1)
    world.put("d", at=-2, trips=2)
    row = world.drivers.get("d", at=when(-5))
    assert row.version == first and row["trips"] == 1


def test_a_row_carries_offset_and_clock(world: World) -> None:
    world.put("d", **FULL)
    world.tick(3)
    row = world.drivers.get("d")
    assert (row.as_of, row.at, row.entity, row.view) == (2, when(3), "d", "drivers@1")
    row = world.drivers.get("d", at=when(-1))
    assert (row.as_of, row.at) == (2, when(-1))
    row = world.db.as_of(2).view("drivers").get("d")
    assert (row.as_of, row.at) == (2, when(0))


def test_a_row_does_not_change_after_it_was_read(world: World) -> None:
    world.put("d", **FULL)
    row = world.drivers.get("d")
    world.put("d", trips=2)
    world.drivers.delete("d")
    assert dict(row) == FULL and row.version == "drivers/d@2"


def test_a_live_read_takes_the_clock_once() -> None:
    calls = []

    def clock() -> int:
        calls.append(1)
        return START * 10**6 + len(calls)

    db = VectorDB(clock=clock)
    view = db.create_view("v", entity="e", features=FEATURES, ttl=1)
    view.put_many({"e": ["a", "b", "c"], "trips": [1, 2, 3]})
    db.create_service("s", features=["v:trips", "v:city"])
    reads = [
        lambda: view.get("a"), lambda: view.get_many(["a", "b", "c"]), view.entities, lambda: len(view),
        lambda: db.service("s").get("a"), lambda: db.service("s").get_many(["a", "b"]),
    ]  # fmt: skip
    for read in reads:
        before = len(calls)
        read()
        assert len(calls) == before + 1


def test_the_clock_of_a_live_read_never_lies_before_a_write(world: World) -> None:
    world.tick(100)
    world.put("d", **FULL)
    world.clock.set(START)
    assert world.drivers.get("d").found and world.drivers.get("d").at == when(100)


@pytest.mark.parametrize("entity", [True, 1.5, None, [], {}, "", "\ud800", ()])
def test_get_and_get_many_refuse_the_same_entities(world: World, entity: object) -> None:
    with pytest.raises(InvalidEntity):
        world.drivers.get_many([entity])  # type: ignore[list-item]
    with pytest.raises(InvalidEntity):
        world.drivers.get(entity)  # type: ignore[arg-type]


def test_to_dict_agrees_with_the_mapping_for_every_shape_of_row() -> None:
    kinds = {"i": Int(default=3), "f": Float(), "b": Bool(), "c": Category(), "t": Timestamp()}
    full = {"i": 1, "f": -0.0, "b": True, "c": "x", "t": when(5)}
    for features, values in ((kinds, full), ({**kinds, "x": Text()}, {**full, "x": "é"})):
        db = VectorDB()
        view = db.create_view("v", entity="e", features=features)
        view.put("full", values)
        view.put("partial", {"f": 1.0})
        view.put("null", {**values, "b": None})
        view.put("mixed", values)
        view.put("mixed", {"c": 2})
        view.put("gone", values)
        view.delete("gone")
        for version in (1, 2):
            for entity in ("full", "partial", "null", "mixed", "gone", "unknown"):
                row = view.get(entity)
                assert row.to_dict() == dict(row), (version, entity)
                assert repr(row.to_dict()) == repr(dict(row))
            view = db.create_view("v", entity="e", features={"z": Int(default=1), **features}, replace=True)


def test_repr_names_view_entity_and_offset(world: World) -> None:
    world.put("d", **FULL)
    text = repr(world.drivers.get("d"))
    assert "drivers@1" in text and "'d'" in text and "as_of=2" in text


def test_at_takes_every_form_of_an_instant(world: World) -> None:
    world.put("d", at=-10, trips=1)
    world.put("d", at=-5, trips=2)
    for at in (START - 7, START - 7.0, "2025-12-31T23:59:53Z", when(-7), when(-7) + timedelta(microseconds=3)):
        assert world.drivers.get("d", at=at)["trips"] == 1
