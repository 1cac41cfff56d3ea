"""Definitions: the same is a no-op, another is refused with the difference, or becomes the next version."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectordb.world import FEATURES, FULL, World, everything
from vectordb import (
    Category,
    DefinitionConflict,
    DefinitionError,
    Float,
    Int,
    InvalidCells,
    InvalidName,
    MarkConflict,
    Request,
    Status,
    UnknownName,
    Vector,
    VectorDB,
)

LINEAR = {"features": ["trips"], "coefficients": [1.0], "intercept": 0.5}


def define(db: VectorDB, what: str, **changes: Any) -> Any:
    if what == "view":
        return db.create_view("drivers", **{"entity": "driver", "features": FEATURES, **changes})
    if what == "service":
        features = ["drivers:trips", Request("km", Float())]
        return db.create_service("s", **{"features": features, **changes})
    return db.create_model("m", **{"kind": "linear", **LINEAR, **changes})


ANOTHER: dict[str, dict[str, Any]] = {
    "view": {"features": {**FEATURES, "age": Int()}},
    "service": {"features": ["drivers:city"]},
    "model": {"coefficients": [2.0]},
}
KINDS = list(ANOTHER)


@pytest.mark.parametrize("what", KINDS)
def test_the_same_definition_again_is_a_no_op(world: World, what: str) -> None:
    define(world.db, what)
    before = everything(world.db)
    define(world.db, what)
    define(world.db, what, replace=True)
    assert everything(world.db) == before


@pytest.mark.parametrize("what", KINDS)
def test_another_definition_is_refused_with_the_difference(world: World, what: str) -> None:
    define(world.db, what)
    before = everything(world.db)
    with pytest.raises(DefinitionConflict) as caught:
        define(world.db, what, **ANOTHER[what])
    difference = caught.value.values["difference"]
    (field,) = difference
    assert field == ("parameters" if what == "model" else "features")
    assert everything(world.db) == before


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("label", [{"owner": "x"}, {"tags": ["x"]}, {"description": "x"}])
def test_a_label_is_part_of_the_definition(world: World, what: str, label: dict[str, Any]) -> None:
    define(world.db, what)
    with pytest.raises(DefinitionConflict) as caught:
        define(world.db, what, **label)
    assert list(caught.value.values["difference"]) == list(label)


@pytest.mark.parametrize("what", KINDS)
def test_replace_records_the_next_version(world: World, what: str) -> None:
    define(world.db, what)
    head = world.db.head
    found = define(world.db, what, **ANOTHER[what], replace=True)
    version = found.definition.version
    assert version == 2 and world.db.head == head + 1
    assert world.db.event(head + 1).type == f"{what}_defined"


def test_the_difference_names_what_was_and_what_is(world: World) -> None:
    with pytest.raises(DefinitionConflict) as caught:
        features = {"trips": Int(default=1), "rating": Float(), "city": Category()}
        world.db.create_view("drivers", entity="driver", features=features, ttl=5)
    difference = caught.value.values["difference"]
    assert difference["ttl"] == {"was": None, "now": 5_000_000}
    assert difference["features"]["removed"] == [{"name": "trips", "type": "int", "default": 0}]
    assert difference["features"]["added"] == [{"name": "trips", "type": "int", "default": 1}]


def test_the_order_of_features_is_part_of_a_definition(world: World) -> None:
    with pytest.raises(DefinitionConflict):
        world.db.create_view("drivers", entity="driver", features=dict(reversed(FEATURES.items())))


def test_a_feature_added_is_missing_in_old_rows(world: World) -> None:
    world.put("d", **FULL)
    world.db.create_view("drivers", entity="driver", features={**FEATURES, "age": Int(default=30)}, replace=True)
    row = world.drivers.get("d")
    assert row["age"] == 30 and row.status["age"] is Status.MISSING and row.versions["age"] is None
    assert {name: row[name] for name in FULL} == FULL
    world.put("d", age=31)
    assert dict(world.drivers.get("d")) == {**FULL, "age": 31}


def without_city(world: World) -> None:
    features = {name: kind for name, kind in FEATURES.items() if name != "city"}
    world.db.create_view("drivers", entity="driver", features=features, replace=True)


def test_a_feature_removed_is_refused_by_new_reads_and_writes_and_kept_by_the_past(world: World) -> None:
    world.put("d", **FULL)
    service = world.db.create_service("s", features=["drivers:city"])
    past = world.db.as_of(3)
    without_city(world)
    for refused in (
        lambda: world.drivers.get("d")["city"],
        lambda: world.drivers.get_many(["d"], features=["city"]),
        lambda: world.drivers.history("d", feature="city"),
        lambda: service.get("d"),
        lambda: service.get_many(["d"]),
        lambda: world.db.create_service("t", features=["drivers:city"]),
    ):
        with pytest.raises(UnknownName):
            refused()
    with pytest.raises(InvalidCells):
        world.put("d", city="Oslo")
    assert past.view("drivers").get("d")["city"] == "Rome" == past.service("s").get("d")["city"]
    assert list(world.drivers.get("d")) == ["trips", "rating"]


def test_a_feature_added_again_with_the_same_type_resumes(world: World) -> None:
    first = world.put("d", **FULL)
    without_city(world)
    world.tick()
    world.put("d", trips=2, rating=2.0)
    world.put("new", trips=3, rating=3.0)
    world.db.create_view("drivers", entity="driver", features=FEATURES, replace=True)
    row = world.drivers.get("d")
    assert row["city"] == "Rome" and row.versions["city"] == first, "complete rows in between did not erase it"
    assert world.drivers.get("new").status["city"] is Status.MISSING
    assert world.db.as_of(4).view("drivers").version == 2
    world.db.check()


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (Int(), Float()),
        (Category(), Int()),
        (Vector(2), Vector(3)),
        (Vector(2, metric="cosine"), Vector(2, metric="dot")),
        (Vector(2, metric="dot"), Vector(2, metric="dot", dtype="float64")),
    ],
)
@pytest.mark.parametrize("removed_between", [False, True])
def test_type_dimension_and_metric_never_change(was: Any, now: Any, removed_between: bool) -> None:
    db = VectorDB(seed=1)
    db.create_view("v", entity="e", features={"x": was, "y": Int()})
    if removed_between:
        db.create_view("v", entity="e", features={"y": Int()}, replace=True)
    before = everything(db)
    with pytest.raises(DefinitionConflict, match="new name"):
        db.create_view("v", entity="e", features={"x": now, "y": Int()}, replace=True)
    assert everything(db) == before
    db.create_view("v", entity="e", features={"x2": now, "y": Int()}, replace=True)


@pytest.mark.parametrize("other", ["rider", "Driver"])
def test_a_view_keeps_its_kind_of_entity(world: World, other: str) -> None:
    before = everything(world.db)
    with pytest.raises(DefinitionConflict, match="new name"):
        world.db.create_view("drivers", entity=other, features=FEATURES, replace=True)
    assert everything(world.db) == before


def test_a_default_may_change_and_the_past_keeps_its_own(world: World) -> None:
    features = {**FEATURES, "trips": Int(default=5)}
    world.db.create_view("drivers", entity="driver", features=features, replace=True)
    assert world.get("nobody")["trips"] == 5
    assert world.db.as_of(1).view("drivers").get("nobody")["trips"] == 0


def test_a_redefinition_never_rewrites_rows(world: World) -> None:
    world.put("d", **FULL)
    digest, payload = world.db.digest(2), world.db.event(2).payload
    without_city(world)
    assert world.db.digest(2) == digest and world.db.event(2).payload == payload
    assert world.db.version("drivers/d@2")["city"] == "Rome"


@pytest.mark.parametrize("default", ["x", 1.5, True])
def test_a_default_is_a_value_of_its_type(default: object) -> None:
    with pytest.raises(DefinitionError):
        Int(default=default)


@pytest.mark.parametrize("features", [[], [Request("km", Float())], ["drivers"], ["drivers:age"], ["riders:x"],
                                      ["drivers:trips", "drivers:trips"], [7]])  # fmt: skip
def test_a_service_names_existing_features_each_once(world: World, features: Any) -> None:
    before = everything(world.db)
    with pytest.raises((DefinitionError, ValueError)):
        world.db.create_service("s", features=features)
    assert everything(world.db) == before


def test_a_mark_is_set_once(world: World) -> None:
    assert world.db.mark("m", actor="ci") == 2
    with pytest.raises(MarkConflict) as caught:
        world.db.mark("m")
    assert caught.value.values["offset"] == 2 and world.db.head == 2
    meta = world.db.event(2).meta
    assert meta is not None and meta.actor == "ci"


@pytest.mark.parametrize("name", ["", None, 7, "\ud800"])
def test_a_mark_has_a_name(world: World, name: Any) -> None:
    with pytest.raises(ValueError):
        world.db.mark(name)
    assert world.db.head == 1


def test_definitions_carry_who_and_why(world: World) -> None:
    world.db.create_view("v", entity="e", features={"x": Int()}, actor="ml", tags=("t",), correlation="c")
    meta = world.db.event(2).meta
    assert meta is not None and (meta.actor, meta.correlation) == ("ml", "c")


def test_models_of_an_unknown_kind_or_name_are_refused(world: World) -> None:
    with pytest.raises(DefinitionError):
        world.db.create_model("m", "forest", features=["x"])
    with pytest.raises(InvalidName):
        world.db.create_model("m-1", "linear", **LINEAR)
    define(world.db, "model")
    for label in ("n", "m@2", "m@0", "m@", "m@x", "m@²", "m@-1"):
        with pytest.raises(UnknownName):
            world.db.model(label)
