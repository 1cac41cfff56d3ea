"""as_of: the database as it was, at an offset, a time, a mark, or as a prediction saw it."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest

from tests.vectordb.world import FEATURES, FULL, START, World, when
from vectordb import (
    Int,
    InvalidInput,
    InvalidTime,
    OffsetOutOfRange,
    Past,
    TimeOutOfRange,
    UnknownName,
    UnknownVersion,
    VectorDB,
)
from vectordb.testing import state_of


@pytest.fixture
def told() -> World:
    """Puts at offsets 2, 3, 4 recorded 10, 20 and 30 seconds after the start."""
    world = World()
    for trips in (1, 2, 3):
        world.tick(10)
        world.put("d", trips=trips)
    return world


def trips(past: Past) -> Any:
    return past.view("drivers").get("d")["trips"]


def test_as_of_an_offset_is_the_state_after_that_many_events(told: World) -> None:
    assert [trips(told.db.as_of(offset)) for offset in (1, 2, 3, 4)] == [0, 1, 2, 3]
    assert told.db.as_of(3).head == told.db.as_of(3).as_of_offset == 3


def test_as_of_zero_everything_is_empty(told: World) -> None:
    past = told.db.as_of(0)
    assert past.views() == past.services() == past.models() == past.predictions() == list(past.events()) == []
    assert past.marks() == {}
    with pytest.raises(UnknownName):
        past.view("drivers")


def test_the_clock_of_an_offset_is_its_recorded_time(told: World) -> None:
    assert [told.db.as_of(offset).at for offset in (1, 2, 4)] == [when(0), when(10), when(30)]


@pytest.mark.parametrize("offset", [5, -1, 10**9, True, 1.0, "1"])
def test_an_offset_outside_the_log_is_refused_naming_the_range(told: World, offset: object) -> None:
    with pytest.raises(OffsetOutOfRange) as caught:
        told.db.as_of(offset)  # type: ignore[arg-type]
    assert (caught.value.values["first"], caught.value.values["last"]) == (0, 4)
    assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize(
    ("seconds", "offset"), [(-1, 0), (0, 1), (9.999999, 1), (10, 2), (10.5, 2), (20, 3), (29, 3), (30, 4)]
)
def test_as_of_a_time_is_the_last_offset_recorded_by_then(told: World, seconds: float, offset: int) -> None:
    past = told.db.as_of(time=when(seconds))
    assert (past.head, past.at) == (offset, when(seconds))


def test_a_time_takes_every_form_of_an_instant(told: World) -> None:
    for time in (START + 15, START + 15.0, "2026-01-01T00:00:15Z", "2026-01-01T01:00:15+01:00", when(15)):
        assert told.db.as_of(time=time).head == 2
    with pytest.raises(InvalidTime):
        told.db.as_of(time="2026-01-01")


def test_a_time_after_the_clock_is_refused(told: World) -> None:
    told.tick(5)
    assert told.db.as_of(time=when(35)).head == 4
    with pytest.raises(TimeOutOfRange):
        told.db.as_of(time=when(35.000001))


def test_as_of_a_time_knows_nothing_that_was_learnt_later(told: World) -> None:
    told.put("d", at=5, rating=1.0)
    assert told.db.as_of(time=when(15)).view("drivers").get("d")["rating"] is None
    assert told.get("d", at=15)["rating"] == 1.0


def test_known_at_and_valid_at_in_one_call(told: World) -> None:
    told.put("d", at=15, trips=99)
    view = told.db.as_of(3).view("drivers")
    assert view.get("d", at=when(15))["trips"] == 1
    assert told.db.as_of(5).view("drivers").get("d", at=when(15))["trips"] == 99


def test_a_write_is_valid_from_its_own_instant_on(world: World) -> None:
    """Of an entity of complete writes in order, and of one whose writes are partial."""
    for entity, rest in (("whole", {"rating": 1.0, "city": "Rome"}), ("part", {})):
        for at in (0, 10, 20):
            world.put(entity, at=at - 30, trips=at, **rest)
    for entity in ("whole", "part"):
        for at, trips in ((-30.000001, 0), (-30, 0), (-20.000001, 0), (-20, 10), (-10.000001, 10), (-10, 20), (0, 20)):
            for reader in (world.db, world.db.as_of(world.db.head)):
                row = reader.view("drivers").get(entity, at=START + at)
                assert (row["trips"], row.found) == (trips, at >= -30), (entity, at)


def test_marks_name_offsets(told: World) -> None:
    offset = told.db.mark("release")
    told.put("d", trips=4)
    past = told.db.as_of(mark="release")
    assert offset == past.head == 5 and trips(past) == 3
    with pytest.raises(UnknownName):
        told.db.as_of(mark="other")


def test_marks_are_listed_in_order_as_of_the_offset(told: World) -> None:
    assert told.db.marks() == {}
    for name in ("release", "before"):
        told.db.mark(name)
    assert list(told.db.marks().items()) == [("release", 5), ("before", 6)]
    assert [told.db.as_of(offset).marks() for offset in (4, 5)] == [{}, {"release": 5}]
    told.db.marks().clear()
    assert told.db.as_of(6).marks() == told.db.marks() == {"release": 5, "before": 6}


def test_as_of_a_prediction_is_its_pinned_offset_and_clock(told: World) -> None:
    service = told.db.create_service("s", features=["drivers:trips"])
    told.tick(3)
    row = service.get("d")
    told.tick(3)
    told.put("d", trips=9)
    prediction = told.db.record_prediction(row, model="m@1", output=1)
    past = told.db.as_of(prediction=prediction.id)
    assert (past.head, past.at) == (row.as_of, row.at) == (5, when(33))
    assert past.service("s").get("d") == row
    with pytest.raises(UnknownVersion):
        told.db.as_of(prediction="s/d@3")


@pytest.mark.parametrize(
    "given", [{}, {"offset": 1, "mark": "m"}, {"time": START, "mark": "m"}, {"offset": 1, "prediction": "s/d@3"}]
)
def test_as_of_takes_exactly_one(told: World, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        told.db.as_of(**given)


def test_recorded_time_never_goes_back_when_the_clock_does(told: World) -> None:
    told.clock.set(START - 1000)
    told.put("d", trips=4)
    told.clock.set(START + 5)
    told.put("d", trips=5)
    assert [told.db.event(offset).recorded_time for offset in (4, 5, 6)] == [when(30)] * 3
    assert told.get("d")["trips"] == 5
    assert told.db.as_of(time=when(30)).head == 6
    assert told.db.as_of(time=when(29)).head == 3
    told.clock.set(START + 31)
    assert told.drivers.put("d", FULL).recorded_time == when(31)


def test_a_past_never_changes(told: World) -> None:
    past = told.db.as_of(3)
    before = state_of(past), past.views(), [event.digest for event in past.events()]
    told.put("d", at=1, trips=7)
    told.put("e", at=1, trips=7)
    told.drivers.delete("d", event_time=when(12))
    told.db.create_view("drivers", entity="driver", features={**FEATURES, "age": Int()}, ttl=1, replace=True)
    told.db.create_view("riders", entity="r", features=FEATURES)
    assert (state_of(past), past.views(), [event.digest for event in past.events()]) == before


def test_the_past_sees_the_definitions_of_its_time(told: World) -> None:
    db = told.db
    db.create_service("s", features=["drivers:trips"])
    db.create_model("m", "linear", features=["trips"], coefficients=[1.0])
    before = db.as_of(db.head)
    wider = {**FEATURES, "age": FEATURES["trips"]}
    db.create_view("drivers", entity="driver", features=wider, replace=True)
    db.create_service("s", features=["drivers:city"], replace=True)
    db.create_model("m", "linear", features=["trips"], coefficients=[2.0], replace=True)
    assert before.view("drivers").features == ("trips", "rating", "city")
    assert before.service("s").features == ("trips",) and db.service("s").features == ("city",)
    assert before.model("m").predict({"trips": 1}) == 1.0 and db.model("m").predict({"trips": 1}) == 2.0
    assert before.model("m@1").predict({"trips": 1}) == db.model("m@1").predict({"trips": 1}) == 1.0
    with pytest.raises(UnknownName):
        before.model("m@2")
    for name in ("services", "models"):
        assert getattr(db.as_of(1), name)() == []


def test_the_past_has_events_up_to_its_offset(told: World) -> None:
    past = told.db.as_of(2)
    assert [event.offset for event in past.events()] == [1, 2] == [event.offset for event in past.events(1, 99)]
    assert len(past.events()) == 2 and past.event(2).offset == 2
    for offset in (3, 0, -1):
        with pytest.raises(OffsetOutOfRange):
            past.event(offset)


def test_the_past_has_versions_and_predictions_up_to_its_offset(told: World) -> None:
    service = told.db.create_service("s", features=["drivers:trips"])
    prediction = told.db.record_prediction(service.get("d"), model="m@1", output=1)
    past = told.db.as_of(prediction.offset - 1)
    with pytest.raises(UnknownVersion):
        past.prediction(prediction.id)
    with pytest.raises(UnknownVersion):
        told.db.as_of(2).version("drivers/d@3")
    with pytest.raises(UnknownVersion):
        past.reproduce(prediction.id)
    assert past.predictions() == []
    assert told.db.as_of(prediction.offset).prediction(prediction.id) == prediction


# What belongs to the live instance alone: writes, and the file, threads and folds behind it.
WRITES = {
    "create_view", "create_service", "create_model", "mark", "transaction", "record_prediction",
    "record_predictions", "record_training_set", "erase", "compact", "create_experiment",
}  # fmt: skip
INSTANCE = {
    "open", "replay", "close", "refresh", "snapshot", "checkpoint", "subscribe", "wait", "fork", "projection",
    "check", "opened", "state", "writer", "what_if", "connect", "follow", "lag", "observe",
}  # fmt: skip


def public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}


def test_a_past_has_every_read() -> None:
    assert public(VectorDB) - WRITES - INSTANCE - public(Past) == set()


def test_a_past_has_no_write() -> None:
    assert public(Past) & WRITES == set()
    assert public(Past) - public(VectorDB) == {"state"}, "nor anything of its own but its slot"


def test_reads_of_a_past_have_the_same_parameters(told: World) -> None:
    for name in sorted(public(Past) & public(VectorDB)):
        live, past = getattr(VectorDB, name), getattr(Past, name)
        if callable(live) and name not in {"plan", "packed", "consistently", "pinned"}:
            assert list(inspect.signature(live).parameters) == list(inspect.signature(past).parameters), name


def test_a_past_of_a_past_sees_no_more_than_it(told: World) -> None:
    past: Any = told.db.as_of(3)
    assert trips(past.as_of(2)) == 1
    with pytest.raises(OffsetOutOfRange):
        past.as_of(4)


def test_repr_names_offset_and_clock(told: World) -> None:
    assert repr(told.db.as_of(2)) == "Past(as_of=2, at=2026-01-01T00:00:10+00:00)"


def test_equal_recorded_times_are_one_instant(world: World) -> None:
    for place in range(5):
        world.put("d", trips=place)
    assert world.db.as_of(time=when(0)).head == 6
    assert world.db.as_of(time=when(0) - timedelta(microseconds=1)).head == 0
