"""Time to live: both ends of the window count; the winner is chosen first, then aged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.vectordb.world import FEATURES, START, World, when
from vectordb import Int, InvalidTime, Status


@pytest.fixture
def world() -> World:
    return World(ttl=10)


def status(world: World, entity: str = "d", at: float | None = None) -> Status:
    return world.drivers.get(entity, at=None if at is None else START + at).status_of("trips")


def test_both_ends_of_the_window_count(world: World) -> None:
    world.put("d", trips=5)
    assert status(world, at=0) is Status.PRESENT
    assert status(world, at=10) is Status.PRESENT
    assert status(world, at=10.000001) is Status.EXPIRED
    assert status(world, at=-0.000001) is Status.MISSING


@pytest.mark.parametrize("rows", [1, 3, 64, 200])
@pytest.mark.parametrize("at, expected", [(10, Status.PRESENT), (10.000001, Status.EXPIRED)])
def test_both_ends_of_the_window_count_in_every_read(world: World, rows: int, at: float, expected: Status) -> None:
    """A row by itself, rows in bulk, those of a service, what a prediction pins, and a training set."""
    ids = [f"d{number}" for number in range(rows)]
    world.drivers.put_many({"driver": ids, "trips": [7] * rows, "rating": [0.5] * rows, "city": ["Rome"] * rows})
    service = world.db.create_service("s", features=["drivers:trips", "drivers:rating"])
    world.tick(at)
    trips = 7 if expected is Status.PRESENT else 0
    for matrix in (world.drivers.get_many(ids), service.get_many(ids), service.get_many(ids, executor=None)):
        assert matrix.column("trips") == [trips] * rows
        assert {row.status["trips"] for row in matrix} == {expected}
    row = service.get(ids[-1])
    told = world.db.record_prediction(row, model="m", output=1.0)
    assert row["trips"] == trips and told.row.inputs[0] == trips
    moments = service.training_set([(entity, START + at) for entity in ids])
    assert moments.column("trips") == [trips] * rows


def test_an_expired_value_reads_as_its_default_and_keeps_its_source(world: World) -> None:
    version = world.put("d", trips=5, rating=1.0)
    world.tick(11)
    row = world.drivers.get("d")
    assert (row["trips"], row["rating"]) == (0, None)
    assert row.versions["trips"] == version and row.event_times["trips"] == when(0)
    assert row.found and row.version == version, "expired is not deleted"


def test_an_older_value_never_resurfaces(world: World) -> None:
    """The newest is chosen first; when it has aged out there is nothing behind it."""
    world.put("d", at=-3, trips=1)
    world.put("d", at=-5, trips=2)
    for at in (7.000001, 8, 100):
        assert status(world, at=at) is Status.EXPIRED
    assert world.get("d", at=6)["trips"] == 1


def test_each_feature_ages_by_its_own_write(world: World) -> None:
    world.put("d", trips=1, rating=1.0)
    world.tick(6)
    world.put("d", rating=2.0)
    world.tick(6)
    row = world.drivers.get("d")
    assert row.status == {"trips": Status.EXPIRED, "rating": Status.PRESENT, "city": Status.MISSING}


def test_a_null_expires_too(world: World) -> None:
    world.put("d", trips=None)
    assert status(world) is Status.NULL
    world.tick(11)
    assert status(world) is Status.EXPIRED and world.get("d")["trips"] == 0


def test_a_write_may_be_expired_when_it_arrives(world: World) -> None:
    world.put("d", at=-11, trips=1)
    assert status(world) is Status.EXPIRED
    assert status(world, at=-5) is Status.PRESENT


def test_the_readers_version_of_the_view_sets_the_ttl(world: World) -> None:
    world.put("d", trips=1)
    world.tick(20)
    assert status(world) is Status.EXPIRED
    head = world.db.head
    world.db.create_view("drivers", entity="driver", features=FEATURES, ttl=30, replace=True)
    assert status(world) is Status.PRESENT, "a redefinition holds for old rows"
    assert world.db.as_of(head).view("drivers").get("d", at=when(20)).status_of("trips") is Status.EXPIRED


@pytest.mark.parametrize("ttl", [None, 0, 0.0, timedelta(0)])
def test_no_ttl_is_for_ever(ttl: object) -> None:
    world = World(ttl=ttl)
    world.put("d", trips=1)
    assert world.drivers.definition.ttl is None
    assert status(world, at=10**9) is Status.PRESENT


@pytest.mark.parametrize("ttl", [2.5, timedelta(seconds=2.5)])
def test_a_ttl_is_seconds_or_a_timedelta(ttl: object) -> None:
    world = World(ttl=ttl)
    world.put("d", trips=1)
    assert status(world, at=2.5) is Status.PRESENT and status(world, at=2.6) is Status.EXPIRED


@pytest.mark.parametrize("ttl", [-1, timedelta(seconds=-1), True, "10", float("nan"), 1e30])
def test_a_ttl_that_is_no_duration_is_refused(world: World, ttl: object) -> None:
    with pytest.raises(InvalidTime):
        world.db.create_view("v", entity="e", features={"x": Int()}, ttl=ttl)
    assert world.db.head == 1


def test_expiry_in_the_past_uses_the_clock_of_the_past(world: World) -> None:
    world.put("d", trips=1)
    world.tick(20)
    world.put("e", trips=1)
    assert world.db.as_of(2).view("drivers").get("d").status_of("trips") is Status.PRESENT
    assert world.db.as_of(3).view("drivers").get("d").status_of("trips") is Status.EXPIRED
    assert world.db.as_of(time=when(10)).view("drivers").get("d").status_of("trips") is Status.PRESENT
    assert world.db.as_of(time=when(11)).view("drivers").get("d").status_of("trips") is Status.EXPIRED


def test_views_of_one_service_age_by_their_own_ttl(world: World) -> None:
    slow = world.db.create_view("slow", entity="driver", features={"x": Int()})
    service = world.db.create_service("s", features=["drivers:trips", "slow:x"])
    world.put("d", trips=1)
    slow.put("d", {"x": 1})
    world.tick(11)
    assert service.get("d").status == {"trips": Status.EXPIRED, "x": Status.PRESENT}


def test_a_deleted_value_is_missing_not_expired(world: World) -> None:
    world.put("d", trips=1)
    world.drivers.delete("d")
    world.tick(11)
    assert status(world) is Status.MISSING
