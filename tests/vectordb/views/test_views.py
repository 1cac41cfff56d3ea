"""Views: names, definitions, entities, and how a view follows its database."""

from __future__ import annotations

import pytest

from tests.vectordb.world import FEATURES, World
from vectordb import DefinitionError, Float, Int, InvalidName, LiveView, UnknownName, VectorDB, View


def test_a_view_is_found_by_name(world: World) -> None:
    view = world.db.view("drivers")
    assert (view.name, view.version, view.features) == ("drivers", 1, ("trips", "rating", "city"))
    assert world.db.views() == ["drivers"]


def test_an_unknown_view_is_refused(world: World) -> None:
    with pytest.raises(UnknownName) as caught:
        world.db.view("riders")
    assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "a\n", "é", None, 7])
def test_names_match_the_pattern(world: World, name: object) -> None:
    with pytest.raises(InvalidName):
        world.db.create_view(name, entity="driver", features={"x": Int()})  # type: ignore[arg-type]
    with pytest.raises(InvalidName):
        world.db.create_view("v", entity=name, features={"x": Int()})  # type: ignore[arg-type]
    with pytest.raises(InvalidName):
        world.db.create_view("v", entity="e", features={name: Int()})  # type: ignore[dict-item]
    assert world.db.head == 1


@pytest.mark.parametrize("features", [{}, {"x": int}, {"x": "int"}])
def test_a_view_has_features_with_types(world: World, features: object) -> None:
    with pytest.raises(DefinitionError):
        world.db.create_view("v", entity="e", features=features)  # type: ignore[arg-type]
    assert world.db.head == 1


def test_views_are_listed_in_order_of_first_definition(world: World) -> None:
    world.db.create_view("b", entity="e", features={"x": Int()})
    world.db.create_view("a", entity="e", features={"x": Int()})
    world.db.create_view("b", entity="e", features={"x": Int(), "y": Int()}, replace=True)
    assert world.db.views() == ["drivers", "b", "a"]


def test_labels_are_kept(world: World) -> None:
    labels = {"owner": "ml", "tags": ["eu", "core"], "description": "of a driver"}
    definition = world.db.create_view("v", entity="e", features={"x": Int()}, ttl=60, **labels).definition
    assert (definition.owner, definition.tags, definition.description) == ("ml", ("eu", "core"), "of a driver")
    assert definition.ttl == 60_000_000


def test_length_membership_and_entities_follow_the_writes(world: World) -> None:
    for entity in ("b", 7, ("eu", 1), "a"):
        world.put(entity, trips=1)
    world.drivers.delete(7)
    assert len(world.drivers) == 3
    assert world.drivers.entities() == ["b", ("eu", 1), "a"]
    assert "b" in world.drivers and ("eu", 1) in world.drivers
    assert 7 not in world.drivers and "7" not in world.drivers


@pytest.mark.parametrize("entity", [True, 1.0, None, "", (), [1], ("a", ("b",)), b"a", "\ud800"])
def test_what_cannot_be_an_entity_is_in_no_view(world: World, entity: object) -> None:
    world.put(1, trips=1)
    assert entity not in world.drivers


def test_entities_that_exist_depend_on_the_time_asked_for(world: World) -> None:
    world.put("early", at=-10, trips=1)
    world.put("late", at=-5, trips=1)
    assert world.drivers.entities(at=world.db.at) == ["early", "late"]
    assert world.drivers.entities(at="2025-12-31T23:59:52Z") == ["early"]
    assert world.db.written_entities("drivers") == ["early", "late"]


def test_one_and_its_text_are_two_entities(world: World) -> None:
    world.put(1, trips=1)
    world.put("1", trips=2)
    assert world.get(1)["trips"] == 1 and world.get("1")["trips"] == 2
    assert world.db.version("drivers/1@2")["trips"] == 1
    assert world.db.version('drivers/"1"@3')["trips"] == 2


def test_a_live_view_follows_redefinitions_and_a_past_one_does_not(world: World) -> None:
    past = world.db.as_of(1).view("drivers")
    world.db.create_view("drivers", entity="driver", features={**FEATURES, "age": Int(default=9)}, replace=True)
    assert world.drivers.version == 2 and world.drivers.get("x")["age"] == 9
    assert past.version == 1 and past.features == ("trips", "rating", "city")


def test_live_and_past_views_are_one_class_and_only_the_live_one_writes(world: World) -> None:
    past = world.db.as_of(1).view("drivers")
    assert type(past) is View and isinstance(world.drivers, LiveView) and isinstance(world.drivers, View)
    writes = {name for name in vars(LiveView) if not name.startswith("_")}
    assert writes == {"put", "delete", "put_many", "load"}
    assert not any(hasattr(past, name) for name in writes)


def test_views_are_apart(world: World) -> None:
    riders = world.db.create_view("riders", entity="rider", features={"trips": Int(), "fare": Float()})
    riders.put("d-7", {"trips": 3})
    assert not world.drivers.get("d-7").found
    assert riders.get("d-7")["trips"] == 3


def test_a_feature_is_not_named_as_the_views_kind_of_entity() -> None:
    """A batch names its ids under that word, so the feature could be written by some calls and not by others."""
    db = VectorDB()
    with pytest.raises(DefinitionError):
        db.create_view("v", entity="driver", features={"driver": Int(), "x": Int()})
    assert db.head == 0


def test_a_held_view_follows_a_file_that_was_replaced(tmp_path) -> None:
    other = World()
    other.put("d", trips=2, rating=1.0, city="Oslo")
    other.put("d", trips=3, rating=1.0, city="Oslo")
    path = tmp_path / "ledger.jsonl"
    world = World(path=path)
    world.put("d", trips=1)
    with VectorDB.open(path, read_only=True, clock=world.clock) as follower:
        view = follower.view("drivers")
        assert [version.values["trips"] for version in view.history("d")] == [1]
        world.db.close()
        other.db.snapshot(path)
        assert follower.refresh() == 3
        assert view.get("d")["trips"] == 3
        assert [version.values["trips"] for version in view.history("d")] == [2, 3]
