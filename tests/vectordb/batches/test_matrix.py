"""get_many: the rows of many entities at one offset and clock, equal to single reads."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.vectordb.world import START, World, when
from vectordb import InvalidEntity, Status, UnknownName

IDS = ["b", "nobody", "a", "b"]


@pytest.fixture
def filled(world: World) -> World:
    world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2], "city": ["x", None]})
    return world


def test_rows_come_in_the_order_asked_with_repeats(filled: World) -> None:
    matrix = filled.drivers.get_many(IDS)
    assert matrix.entities == IDS and matrix.shape == (4, 3) and len(matrix) == 4
    assert matrix.column("trips") == [2, 0, 1, 2]
    assert matrix.found == [True, False, True, True]
    assert matrix.names == ("trips", "rating", "city") and matrix.label == "drivers@1"


def test_features_are_those_asked_for_in_that_order(filled: World) -> None:
    matrix = filled.drivers.get_many(["a", "b"], features=["city", "trips"])
    assert matrix.names == ("city", "trips") and matrix.shape == (2, 2)
    assert matrix.to_rows() == [("x", 1), (None, 2)]
    assert matrix.to_columns() == {"city": ["x", None], "trips": [1, 2]}
    assert matrix.to_dict() == {"a": {"city": "x", "trips": 1}, "b": {"city": None, "trips": 2}}
    assert matrix.status[1] == {"city": Status.NULL, "trips": Status.PRESENT}
    assert matrix.versions[0] == {"city": "drivers/a@2.0", "trips": "drivers/a@2.0"}


def test_an_unknown_feature_or_entity_form_is_refused(filled: World) -> None:
    with pytest.raises(UnknownName):
        filled.drivers.get_many(["a"], features=["age"])
    with pytest.raises(InvalidEntity):
        filled.drivers.get_many(["a", None])  # type: ignore[list-item]


def test_no_entities_give_no_rows(filled: World) -> None:
    matrix = filled.drivers.get_many([])
    assert matrix.shape == (0, 3) and list(matrix) == [] and matrix.to_columns()["trips"] == []


def test_every_row_has_one_offset_and_clock(filled: World) -> None:
    matrix = filled.drivers.get_many(IDS, at=START + 2)
    assert {row.as_of for row in matrix} == {2} == {matrix.as_of}
    assert {row.at for row in matrix} == {when(2)} == {matrix.at}


def test_a_slice_is_a_matrix(filled: World) -> None:
    part = filled.drivers.get_many(IDS)[2:]
    assert part.shape == (2, 3) and part.entities == ["a", "b"] and part[0]["trips"] == 1
    assert "shape=(2, 3)" in repr(part)


def test_ids_may_be_any_iterable(filled: World) -> None:
    assert filled.drivers.get_many(entity for entity in "ab").column("trips") == [1, 2]
    assert filled.drivers.get_many({"a": 0, "b": 0}.keys()).column("trips") == [1, 2]


@pytest.mark.parametrize("seed", range(8))
def test_get_many_equals_single_gets_now_and_in_the_past(seed: int) -> None:
    rng = random.Random(seed)
    world = World(ttl=8)
    for _ in range(60):
        world.tick(rng.choice([0, 1]))
        entity, at = rng.choice("abcd"), rng.choice([None, None, rng.randrange(-10, 30)])
        if rng.random() < 0.15:
            world.drivers.delete(entity, event_time=None if at is None else when(at))
            continue
        values: dict[str, Any] = {"trips": rng.randrange(99), "rating": rng.random(), "city": rng.choice(["x", None])}
        kept = rng.sample(sorted(values), rng.randrange(1, 4))
        world.put(entity, at=at, **{name: values[name] for name in kept})
    ids = [rng.choice(["a", "b", "c", "d", "nobody"]) for _ in range(9)]
    for reader in (world.db, *map(world.db.as_of, range(1, world.db.head + 1, 7))):
        for at in (None, START - 3, START + 5):
            view = reader.view("drivers")
            matrix = view.get_many(ids, at=at)
            for row, one in zip(matrix, (view.get(entity, at=at) for entity in ids), strict=True):
                assert dict(row) == dict(one) and row.status == one.status, seed
                assert row.versions == one.versions and row.version == one.version, seed


def test_a_matrix_is_of_one_version_of_its_view(filled: World) -> None:
    """A redefinition between taking the names and reading the rows must not mix two versions."""
    from tests.vectordb.world import FEATURES

    db, now = filled.db, filled.clock()

    def redefining_clock() -> int:
        db.state.clock = lambda: now
        features = {name: kind for name, kind in FEATURES.items() if name != "rating"}
        db.create_view("drivers", entity="driver", features=features, replace=True)
        return now

    db.state.clock = redefining_clock
    matrix = filled.drivers.get_many(["a", "b"])
    assert {row.view for row in matrix} == {matrix.label}
    assert matrix.to_rows() == [tuple(row[name] for name in matrix.names) for row in matrix]
