"""reproduce: the inputs recomputed and compared bit for bit; drift is named, never hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger import ManualClock
from tests.vectordb.world import FEATURES, START, World, when
from vectordb import Event, Float, Int, Request, UnknownVersion, Vector, VectorDB

RISK = {"features": ["trips", "rating", "km"], "coefficients": [0.1, -0.7, 0.3], "intercept": 0.05}


def story(change: Callable[[World], None] | None = None, path: Any = None) -> tuple[World, str]:
    """A prediction at offset 6; ``change`` writes event 2 in place of the usual one."""
    world = World(ttl=100, path=path)
    if change is None:
        world.put("d", trips=1, rating=0.1 + 0.2)
    else:
        change(world)
    world.tick()
    world.put("d", city="Rome")
    inputs = ["drivers:trips", "drivers:rating", "drivers:city", Request("km", Float())]
    service = world.db.create_service("ranker", features=inputs)
    world.db.create_model("risk", "logistic", **RISK)
    if change is not None:
        return world, ""
    made = world.db.record_prediction(service.get("d", request={"km": 1 / 3}), model="risk")
    return world, made.id


def later_writes(world: World) -> None:
    for trips in range(5):
        world.tick()
        world.put("d", trips=trips)


def deletes(world: World) -> None:
    world.tick()
    world.drivers.delete("d")
    world.drivers.delete("d", event_time=START)


def late_arrivals(world: World) -> None:
    world.put("d", at=0.5, trips=77)
    world.put("d", at=1, rating=77.0, city="Oslo")


def redefined_view(world: World) -> None:
    features = {"trips": Int(default=99), "age": Int()}
    world.db.create_view("drivers", entity="driver", features=features, ttl=0.001, replace=True)
    world.put("d", trips=5)


def redefined_service(world: World) -> None:
    world.db.create_service("ranker", features=["drivers:trips"], replace=True)


def redefined_model(world: World) -> None:
    world.db.create_model("risk", "linear", features=["trips"], coefficients=[1.0], replace=True)


def stepped_clock(world: World) -> None:
    world.clock.set(START - 10**6)
    world.put("d", trips=3)


CHANGES = [later_writes, deletes, late_arrivals, redefined_view, redefined_service, redefined_model, stepped_clock]


@pytest.mark.parametrize("change", [lambda world: None, *CHANGES], ids=["nothing", *(c.__name__ for c in CHANGES)])
def test_a_prediction_matches_whatever_is_written_later(tmp_path: Any, change: Callable[[World], None]) -> None:
    world, made = story(path=tmp_path / "ledger.jsonl")
    change(world)
    copies = [world.db, world.db.fork(), world.db.as_of(world.db.head), VectorDB.replay(world.db.events())]
    world.db.close()
    with VectorDB.open(tmp_path / "ledger.jsonl", lazy=True) as again:
        for db in (*copies, VectorDB.replay(tmp_path / "ledger.jsonl"), again):
            result = db.reproduce(made)
            assert result.matches and result.inputs and result.output is True
            assert result.drifted == () == result.missing
            assert result.recomputed == db.prediction(made).output


def test_the_row_of_a_reproduction_is_the_row_that_was_read() -> None:
    world, made = story()
    late_arrivals(world)
    row = world.db.reproduce(made).row
    assert row is not None and dict(row) == {"trips": 1, "rating": 0.1 + 0.2, "city": "Rome", "km": 1 / 3}


def test_it_reads_at_the_clock_of_the_read_not_of_its_recording() -> None:
    """In between a value ages, a write that was dated ahead becomes visible, and others are written."""
    world, _ = story()
    world.put("d", at=50, rating=9.0)
    row = world.db.service("ranker").get("d", request={"km": 2})
    world.tick(200)
    world.put("d", trips=6)
    made = world.db.record_prediction(row, model="risk")
    assert (made.as_of, made.at, made.offset) == (row.as_of, when(1), row.as_of + 2)
    again = world.db.reproduce(made.id)
    assert again.matches and again.row == dict(row) and again.row["rating"] == 0.1 + 0.2
    assert world.db.as_of(prediction=made.id).view("drivers").get("d")["rating"] == 0.1 + 0.2


def test_a_callable_is_asked_with_the_row() -> None:
    world, _ = story()
    row = world.db.service("ranker").get("d", request={"km": 2})
    made = world.db.record_prediction(row, model="code@7", output=[2.0, "x"]).id
    assert world.db.reproduce(made).output is None and world.db.reproduce(made).matches
    good = world.db.reproduce(made, model=lambda row: (row["km"], "x"))
    assert good.output is True and good.matches
    bad = world.db.reproduce(made, model=lambda row: [2.0, "y"])
    assert bad.inputs and bad.output is False and not bad.matches
    (drift,) = bad.drifted
    assert (drift.name, drift.recorded, drift.recomputed) == ("output", [2.0, "x"], [2.0, "y"])


def test_an_output_that_the_model_does_not_give_is_drift() -> None:
    world, _ = story()
    row = world.db.service("ranker").get("d", request={"km": 2})
    made = world.db.record_prediction(row, model="risk", output=0.123)
    result = world.db.reproduce(made.id)
    assert result.inputs and result.output is False and [drift.name for drift in result.drifted] == ["output"]


def test_bits_are_compared_not_values() -> None:
    world, _ = story()
    row = world.db.service("ranker").get("d", request={"km": -0.0})
    made = world.db.record_prediction(row, model="code@1", output=0.0)
    assert world.db.reproduce(made.id).matches
    assert world.db.reproduce(made.id, model=lambda row: -0.0).output is False
    assert world.db.reproduce(made.id, model=lambda row: 0).output is False
    assert world.db.reproduce(made.id, model=lambda row: 5e-324).output is False


def tampered(change: Callable[[World], None]) -> tuple[VectorDB, str]:
    """The ledger of ``story`` with another event 2, as someone who rewrote the log would have it."""
    world, made = story()
    other, _ = story(change)
    events: list[Event] = [other.db.event(2) if event.offset == 2 else event for event in world.db.events()]
    return VectorDB.replay(events, clock=ManualClock(when(100))), made


def test_a_tampered_value_is_reported_as_drift() -> None:
    db, made = tampered(lambda world: world.put("d", trips=2, rating=0.1 + 0.2) and None)
    result = db.reproduce(made)
    assert not result.matches and not result.inputs
    by_name = {drift.name: drift for drift in result.drifted}
    assert by_name.keys() == {"trips", "output"}
    assert (by_name["trips"].recorded, by_name["trips"].recomputed) == (1, 2)
    assert "same write" in by_name["trips"].reason
    assert result.output is False


def test_one_bit_of_a_float_is_drift() -> None:
    db, made = tampered(lambda world: world.put("d", trips=1, rating=0.3) and None)
    result = db.reproduce(made)
    assert [drift.name for drift in result.drifted][:1] == ["rating"] and not result.inputs


def test_a_tampered_time_is_reported_as_another_write() -> None:
    """Dated after the read, the write was not what it saw."""
    db, made = tampered(lambda world: world.put("d", at=50, trips=1, rating=0.1 + 0.2) and None)
    result = db.reproduce(made)
    names = {drift.name for drift in result.drifted}
    assert not result.inputs and {"trips", "rating"} <= names
    assert all("another write" in drift.reason for drift in result.drifted if drift.name in {"trips", "rating"})
    assert result.output is None and result.unchecked and not result.missing, "a model cannot be asked without a number"


def test_a_tampered_status_is_drift_even_where_the_value_is_equal() -> None:
    plain = World()
    plain.put("d", trips=1)
    service = plain.db.create_service("s", features=["drivers:city"])
    made = plain.db.record_prediction(service.get("d"), model="m@1", output=1).id
    other = World()
    other.put("d", trips=1, city=None)
    events = [other.db.event(2) if event.offset == 2 else event for event in plain.db.events()]
    (drift,) = VectorDB.replay(events).reproduce(made).drifted
    assert drift.name == "city" and "status" in drift.reason


def test_the_same_event_again_is_no_drift() -> None:
    db, made = tampered(lambda world: world.put("d", trips=1, rating=0.1 + 0.2) and None)
    assert db.reproduce(made).matches


def test_a_tampered_entity_is_drift() -> None:
    db, made = tampered(lambda world: world.put("other", trips=1, rating=0.1 + 0.2) and None)
    result = db.reproduce(made)
    assert not result.matches and not result.inputs


def test_request_inputs_are_taken_from_the_prediction(world: World) -> None:
    features = ["drivers:trips", Request("km", Float()), Request("q", Vector(2)), Request("n", Int(default=4))]
    service = world.db.create_service("s", features=features)
    row = service.get("d", request={"km": None, "q": [0.1, 0.2]})
    made = world.db.record_prediction(row, model="m@1", output=1)
    result = world.db.reproduce(made.id)
    assert result.matches and result.row is not None
    assert result.row["km"] is None and result.row["n"] == 4
    assert result.row["q"].tolist() == pytest.approx([0.1, 0.2])


def test_an_unknown_prediction_is_refused() -> None:
    world, made = story()
    for wrong in ("ranker/d@2", "ranker/x@7", "ranker/d@99"):
        with pytest.raises(UnknownVersion):
            world.db.reproduce(wrong)
    assert world.db.reproduce(made).id == made


def test_a_batch_reproduces_row_by_row() -> None:
    world, _ = story()
    world.put("e", trips=None, rating=2.0)
    ids = ["d", "e", "nobody", "d"]
    matrix = world.db.service("ranker").get_many(ids, request={"km": [1, 2, 3, 4]})
    made = world.db.record_predictions(matrix, model="code@1", outputs=[1, 2, 3, 4])
    later_writes(world)
    assert all(world.db.reproduce(one.id).matches for one in made)


def test_a_model_defined_after_the_prediction_does_not_judge_it() -> None:
    world, _ = story()
    row = world.db.service("ranker").get("d", request={"km": 2})
    made = world.db.record_prediction(row, model="later@1", output=7)
    world.db.create_model("later", "linear", features=["trips"], coefficients=[1.0])
    assert world.db.reproduce(made.id).output is None


def test_a_fork_has_its_own_predictions() -> None:
    world, made = story()
    branch = world.db.fork(world.db.prediction(made).as_of)
    assert branch.predictions() == []
    with pytest.raises(UnknownVersion):
        branch.reproduce(made)
    branch.view("drivers").put("d", {"trips": 50}, event_time=START)
    row = branch.service("ranker").get("d", request={"km": 1 / 3})
    own = branch.record_prediction(row, model="risk")
    assert own.inputs["trips"] == 50 and branch.reproduce(own.id).matches
    assert world.db.reproduce(made).matches


def test_expired_values_reproduce_as_expired() -> None:
    world, _ = story()
    world.tick(200)
    row = world.db.service("ranker").get("d", request={"km": 2})
    made = world.db.record_prediction(row, model="code@1", output=1)
    assert set(made.states.values()) == {"x", "p"}
    world.db.create_view("drivers", entity="driver", features=FEATURES, replace=True)
    assert world.db.reproduce(made.id).matches, "the ttl of then"
