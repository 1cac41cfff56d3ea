"""Version ids, the entity as of one write, history, and where a value came from."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectordb.world import FEATURES, FULL, START, World, when
from vectordb import InvalidVersion, UnknownName, UnknownVersion, VectorDB


def test_an_id_names_view_entity_and_offset(world: World) -> None:
    assert world.put("d", **FULL) == "drivers/d@2"
    assert world.put(7, **FULL) == "drivers/7@3"
    assert world.put("7", **FULL) == 'drivers/"7"@4'
    assert world.put(("eu", 7), **FULL) == 'drivers/["eu",7]@5'
    assert world.put("a/b@9.1", **FULL) == "drivers/a/b@9.1@6"
    assert world.put("a\nb", **FULL) == 'drivers/"a\\nb"@7'


IDS = ["d", 7, "7", -7, ("eu", 7), ("7",), "a/b@9", "é", " x", "a b", '"q"', "[1]", "{}", "\n", 10**30]


@pytest.mark.parametrize("entity", IDS)
def test_every_id_leads_back_to_its_row(world: World, entity: Any) -> None:
    single = world.put(entity, trips=1)
    many = world.drivers.put_many({"driver": ["other", entity], "trips": [0, 2]}).versions[1]
    assert many.endswith("@3.1")
    assert (world.db.version(single)["trips"], world.db.version(single).entity) == (1, entity)
    assert (world.db.version(many)["trips"], world.db.version(many).version) == (2, many)


def test_a_version_is_the_entity_as_of_that_write(world: World) -> None:
    first = world.put("d", **FULL)
    world.tick()
    second = world.put("d", trips=2)
    world.tick()
    late = world.put("d", at=0.5, trips=7, city="Oslo")
    assert dict(world.db.version(first)) == FULL
    assert dict(world.db.version(second)) == {**FULL, "trips": 2}
    assert dict(world.db.version(late)) == {"trips": 2, "rating": 4.5, "city": "Oslo"}
    assert world.db.version(second).as_of == 3 and world.db.version(second).at == when(1)


def test_a_version_dated_ahead_shows_its_own_values(world: World) -> None:
    ahead = world.put("d", at=60, trips=9)
    row = world.db.version(ahead)
    assert row["trips"] == 9 and row.version == ahead and row.at == when(60)


def test_a_version_of_a_row_sees_the_rows_before_it_and_not_after(world: World) -> None:
    ids = world.drivers.put_many({"driver": ["d", "d", "d"], "trips": [1, 2, 3]}).versions
    assert [world.db.version(one)["trips"] for one in ids] == [1, 2, 3]


def test_a_version_of_a_delete_is_not_found(world: World) -> None:
    world.put("d", **FULL)
    gone = world.drivers.delete("d").versions[0]
    assert not world.db.version(gone).found


def test_a_version_has_the_definition_of_its_time(world: World) -> None:
    first = world.put("d", **FULL)
    world.db.create_view("drivers", entity="driver", features={"trips": FEATURES["trips"]}, replace=True)
    assert dict(world.db.version(first)) == FULL and world.db.version(first).view == "drivers@1"


@pytest.mark.parametrize(
    "wrong", ["drivers/x@2", "riders/d@2", "drivers/d@1", "drivers/d@4", "drivers/d@2.1", "drivers/d@3.2", "s/d@2"]
)
def test_an_id_that_names_no_row_is_refused(world: World, wrong: str) -> None:
    world.put("d", **FULL)
    world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2]})
    with pytest.raises(UnknownVersion):
        world.db.version(wrong)


def test_an_id_without_a_row_names_no_row_of_several(world: World) -> None:
    """``drivers/a@2`` would be one of two rows of one entity."""
    world.drivers.put_many({"driver": ["a", "a"], "trips": [1, 2]})
    with pytest.raises(UnknownVersion):
        world.db.version("drivers/a@2")


@pytest.mark.parametrize("wrong", ["", "d", "drivers/d", "drivers@2", "drivers/d@", "drivers/d@0", "drivers/d@-1",
                                   "drivers/d@1.x", "/d@2", "drivers/@2", "drivers/[]@2", "drivers/1.5@2",
                                   "drivers/[[1]]@2", None, 7, b"drivers/d@2"])  # fmt: skip
def test_text_that_is_no_version_id_is_refused(world: World, wrong: Any) -> None:
    with pytest.raises(InvalidVersion):
        world.db.version(wrong)


def test_the_id_of_a_prediction_is_no_version_of_a_view(world: World) -> None:
    world.put("d", **FULL)
    service = world.db.create_service("s", features=["drivers:trips"])
    made = world.db.record_prediction(service.get("d"), model="m@1", output=1)
    with pytest.raises(UnknownVersion):
        world.db.version(made.id)


def test_history_is_every_version_in_order_of_offset(world: World) -> None:
    world.put("d", **FULL)
    world.put("d", at=-50, trips=3)
    world.put("d", at=50, city=None)
    world.drivers.delete("d")
    world.put("other", **FULL)
    versions = world.drivers.history("d")
    assert [version.offset for version in versions] == [2, 3, 4, 5]
    assert [version.values for version in versions] == [FULL, {"trips": 3}, {"city": None}, {}]
    assert [version.event_time for version in versions] == [when(0), when(-50), when(50), when(0)]
    assert {version.recorded_time for version in versions} == {when(0)}
    assert world.drivers.history("nobody") == []


def test_history_of_a_feature_is_the_writes_of_it(world: World) -> None:
    world.put("d", trips=1)
    world.put("d", city="Rome")
    world.put("d", trips=None)
    world.drivers.delete("d")
    assert [version.offset for version in world.drivers.history("d", feature="trips")] == [2, 4, 5]
    with pytest.raises(UnknownName):
        world.drivers.history("d", feature="age")


def test_history_of_the_past_ends_there(world: World) -> None:
    for trips in range(4):
        world.put("d", trips=trips)
    assert len(world.db.as_of(3).view("drivers").history("d")) == 2


def test_derived_from_names_existing_versions_and_is_kept(world: World) -> None:
    first = world.put("a", **FULL)
    rows = world.drivers.put_many({"driver": ["b", "c"], "trips": [1, 2]}).versions
    receipt = world.drivers.put("d", FULL, derived_from=[first, rows[1], first], transformation="sum@1")
    (version,) = world.drivers.history("d")
    assert version.derived_from == (first, rows[1]) and version.transformation == "sum@1"
    assert world.drivers.put("e", FULL, derived_from=receipt.versions[0]).event.payload["derived_from"] == [[4, 0]]
    batch = world.drivers.put_many({"driver": ["x", "y"], "trips": [1, 2]}, derived_from=rows)
    assert [world.drivers.history(entity)[0].derived_from for entity in "xy"] == [rows, rows]
    assert batch.event.payload["derived_from"] == [[3, 0], [3, 1]]


def test_a_value_may_be_derived_from_a_prediction(world: World) -> None:
    world.put("d", **FULL)
    service = world.db.create_service("s", features=["drivers:trips"])
    made = world.db.record_prediction(service.get("d"), model="m@1", output=1)
    world.drivers.put("d", {"trips": 5}, derived_from=made.id)
    assert world.drivers.history("d")[-1].derived_from == (made.id,)


def test_lineage_cannot_be_cyclic_or_dangling(world: World) -> None:
    world.put("a", **FULL)
    for wrong in ("drivers/a@3", "drivers/a@1", "drivers/b@2", "drivers/a@2.1", "drivers/a@99"):
        with pytest.raises(UnknownVersion):
            world.drivers.put("a", FULL, derived_from=wrong)
    for wrong in ("a", "drivers/a", 7):
        with pytest.raises((InvalidVersion, TypeError)):
            world.drivers.put("a", FULL, derived_from=wrong)
    assert world.db.head == 2


def test_lineage_survives_a_reopened_file(tmp_path: Any) -> None:
    world = World(path=tmp_path / "ledger.jsonl")
    first = world.put("a", at=-3, **FULL)
    world.drivers.put("b", FULL, derived_from=first, transformation="t@1", event_time=START - 1)
    world.db.close()
    for lazy in (False, True):
        with VectorDB.open(tmp_path / "ledger.jsonl", lazy=lazy) as again:
            (version,) = again.view("drivers").history("b")
            assert (version.derived_from, version.transformation) == ((first,), "t@1")
            assert version.event_time == when(-1)
            again.check()
