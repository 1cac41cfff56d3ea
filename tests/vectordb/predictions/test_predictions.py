"""Recorded predictions: what the read carried is pinned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.vectordb.world import FULL, START, World, when
from vectordb import (
    Float,
    Int,
    InvalidInput,
    InvalidVersion,
    Prediction,
    Request,
    Service,
    UnknownName,
    UnknownVersion,
    VectorDB,
)


@pytest.fixture
def service(world: World) -> Service:
    world.put("d", **FULL)
    return world.db.create_service("ranker", features=["drivers:trips", "drivers:rating", Request("km", Float())])


def test_a_prediction_pins_what_the_read_carried(world: World, service: Service) -> None:
    row = service.get("d", request={"km": 3})
    world.tick(5)
    world.put("d", trips=100)
    world.db.create_service("ranker", features=["drivers:city"], replace=True)
    made = world.db.record_prediction(row, model="gbm@3", output=0.81, assignment={"arm": "treatment"})
    assert (made.id, made.offset, made.recorded_time) == ("ranker/d@6", 6, when(5))
    assert (made.as_of, made.at, made.service, made.model) == (3, when(0), "ranker@1", "gbm@3")
    assert made.inputs == {"trips": 1, "rating": 4.5, "km": 3.0}
    assert made.versions == {"trips": "drivers/d@2", "rating": "drivers/d@2", "km": None}
    assert made.output == 0.81 and made.assignment == {"arm": "treatment"} and made.entity == "d"
    assert world.db.prediction(made.id) == made


def test_a_prediction_stands_for_its_id(world: World, service: Service) -> None:
    db = world.db
    made = db.record_prediction(service.get("d", request={"km": 3}), model="gbm@3", output=0.81)
    doors: list[Callable[[Any], Any]] = [
        *(db.prediction, db.reproduce, lambda one: db.as_of(prediction=one).head, db.lineage.upstream),
        *(db.audit.explain, db.audit.changes, db.audit.bundle, db.audit.kit, db.audit.unfounded),
        *(lambda one: db.audit.what_if(one, {"km": 9.0}, model=len), lambda one: bool(db.audit.diff(one, made))),
    ]
    for door in doors:
        assert door(made) == door(made.id)


def test_states_tell_what_each_input_was(world: World) -> None:
    view = world.db.create_view("v", entity="e", ttl=10, features={n: Int(default=1) for n in "pnmx"})
    view.put("e", {"x": 5}, event_time=START - 11)
    view.put("e", {"p": 5, "n": None})
    service = world.db.create_service("s", features=[f"v:{name}" for name in "pnmx"])
    made = world.db.record_prediction(service.get("e"), model="m@1", output=1)
    assert made.states == {"p": "p", "n": "n", "m": "m", "x": "x"}
    assert made.inputs == {"p": 5, "n": None, "m": 1, "x": 1}


def test_a_batch_is_one_event_with_numbered_ids(world: World, service: Service) -> None:
    matrix = service.get_many(["d", "e"], request={"km": [1, 2]})
    made = world.db.record_predictions(matrix, model="m@1", outputs=[0.1, 0.2], assignments=[None, {"arm": "a"}])
    assert [one.id for one in made] == ["ranker/d@4.0", "ranker/e@4.1"] and world.db.head == 4
    assert [one.assignment for one in made] == [None, {"arm": "a"}]
    rows = world.db.record_predictions(list(matrix), model="m@1", outputs=[0.1, 0.2])
    assert [one.output for one in rows] == [0.1, 0.2]
    assert world.db.record_predictions(matrix[1:], model="m@1", outputs=[3])[0].id == "ranker/e@6"


@pytest.mark.parametrize("output", [0.5, 1, True, "yes", [1, 2.5], {"a": [1, {"b": None}]}, [], 2**60])
def test_an_output_is_plain_data(world: World, service: Service, output: Any) -> None:
    made = world.db.record_prediction(service.get("d", request={"km": 1}), model="m@1", output=output)
    assert made.output == output and type(made.output) is type(output)


@pytest.mark.parametrize("output", [float("nan"), float("inf"), b"x", {1: 2}, object(), {"a"}, "\ud800", [1j]])
def test_an_output_that_is_no_plain_data_is_refused(world: World, service: Service, output: Any) -> None:
    head = world.db.head
    with pytest.raises(InvalidInput):
        world.db.record_prediction(service.get("d", request={"km": 1}), model="m@1", output=output)
    assert world.db.head == head


def test_a_model_that_is_data_computes_the_output(world: World, service: Service) -> None:
    world.db.create_model("risk", "linear", features=["trips", "km"], coefficients=[2.0, 1.0], intercept=0.5)
    row = service.get("d", request={"km": 3})
    made = world.db.record_prediction(row, model="risk")
    assert (made.model, made.output) == ("risk@1", 5.5)
    assert world.db.record_prediction(row, model="risk@1").output == 5.5
    matrix = service.get_many(["d", "d"], request={"km": [1, 2]})
    assert [one.output for one in world.db.record_predictions(matrix, model="risk")] == [3.5, 4.5]
    with pytest.raises(UnknownName):
        world.db.record_prediction(row, model="risk@2")
    with pytest.raises(UnknownName):
        world.db.record_prediction(row, model="other")


@pytest.mark.parametrize("model", ["", None, 7, "\ud800"])
def test_a_prediction_names_its_model(world: World, service: Service, model: Any) -> None:
    with pytest.raises(InvalidInput):
        world.db.record_prediction(service.get("d", request={"km": 1}), model=model, output=1)


@pytest.mark.parametrize("model", ["gbm", "gbm@7", "risk@²", "risk@x", "risk@", "risk@1@2", "another name"])
def test_any_text_names_a_model_elsewhere(world: World, service: Service, model: str) -> None:
    world.db.create_model("risk", "linear", features=["trips"], coefficients=[2.0])
    made = world.db.record_prediction(service.get("d", request={"km": 1}), model=model, output=1)
    assert world.db.prediction(made.id).model == model
    assert world.db.reproduce(made.id).output is None


def test_only_rows_that_a_service_of_this_database_read(world: World, service: Service) -> None:
    other = World()
    other.put("d", **FULL)
    foreign = other.db.create_service("ranker", features=["drivers:trips"]).get("d")
    for row in (world.drivers.get("d"), {"trips": 1}, None, foreign):
        with pytest.raises(InvalidInput):
            world.db.record_prediction(row, model="m@1", output=1)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        world.db.record_predictions(world.drivers.get_many(["d"]), model="m@1", outputs=[1])
    with pytest.raises(InvalidInput):
        world.db.record_predictions([], model="m@1", outputs=[])
    assert world.db.head == 3


def test_predictions_of_one_event_are_of_one_read(world: World, service: Service) -> None:
    first = service.get("d", request={"km": 1})
    world.put("d", trips=2)
    second = service.get("d", request={"km": 1})
    with pytest.raises(InvalidInput):
        world.db.record_predictions([first, second], model="m@1", outputs=[1, 2])


def test_outputs_and_assignments_are_as_many_as_the_rows(world: World, service: Service) -> None:
    matrix = service.get_many(["d"], request={"km": [1]})
    with pytest.raises(InvalidInput):
        world.db.record_predictions(matrix, model="m@1", outputs=[1, 2])
    with pytest.raises(InvalidInput):
        world.db.record_predictions(matrix, model="m@1", outputs=[1], assignments=[])
    with pytest.raises(InvalidInput):
        world.db.record_prediction(matrix[0], model="m@1", output=1, assignment=["arm"])


def test_a_row_of_the_past_may_be_recorded(world: World, service: Service) -> None:
    world.tick(5)
    world.put("d", trips=100)
    row = world.db.as_of(3).service("ranker").get("d", request={"km": 1})
    made = world.db.record_prediction(row, model="m@1", output=1)
    assert (made.as_of, made.at, made.inputs["trips"]) == (3, when(0), 1)
    assert world.db.reproduce(made.id).matches


def record(world: World, service: Service, entity: Any) -> Prediction:
    return world.db.record_prediction(service.get(entity, request={"km": 1}), model="m@1", output=1)


def test_predictions_are_listed_in_order_by_service_and_entity(world: World, service: Service) -> None:
    other = world.db.create_service("other", features=["drivers:city"])
    made = [record(world, service, entity) for entity in ("d", 1, "1", "d")]
    made.append(world.db.record_prediction(other.get("d"), model="m@1", output=2))
    assert world.db.predictions() == made
    assert world.db.predictions("ranker") == made[:4] and world.db.predictions("other") == made[4:]
    assert world.db.predictions("ranker", "d") == [made[0], made[3]]
    assert world.db.predictions("ranker", 1) == [made[1]] and world.db.predictions("ranker", "1") == [made[2]]
    assert world.db.predictions("ranker", "nobody") == []
    for ask in (lambda: world.db.predictions("nothing"), lambda: world.db.as_of(1).predictions("ranker")):
        with pytest.raises(UnknownName):
            ask()


def test_predictions_of_one_entity_of_all_services(world: World, service: Service) -> None:
    made = [record(world, service, entity) for entity in ("d", "e")]
    assert world.db.predictions(entity="e") == made[1:]


NOT_THERE = ["ranker/d@2", "ranker/e@4", "other/d@4", "ranker/d@9", "ranker/d@4.1", "drivers/d@2"]


@pytest.mark.parametrize("wrong", NOT_THERE)
def test_an_id_that_names_no_prediction_is_refused(world: World, service: Service, wrong: str) -> None:
    record(world, service, "d")
    with pytest.raises(UnknownVersion):
        world.db.prediction(wrong)


@pytest.mark.parametrize("wrong", ["", "ranker", "ranker/d", "ranker/d@x", "ranker/d@0", None, 7])
def test_text_that_is_no_id_is_refused(world: World, service: Service, wrong: Any) -> None:
    with pytest.raises(InvalidVersion):
        world.db.prediction(wrong)


def test_a_prediction_of_several_kinds_names_all_ids() -> None:
    db = VectorDB(seed=1)
    db.create_view("users", entity="user", features={"age": Int()}).put(("eu", 1), {"age": 3})
    db.create_view("items", entity="item", features={"price": Float()}).put(7, {"price": 2})
    service = db.create_service("pairs", features=["users:age", "items:price"])
    made = db.record_prediction(service.get({"user": ("eu", 1), "item": 7}), model="m@1", output=1)
    assert made.id == 'pairs/["eu",1,7]@6' and made.entities == (("eu", 1), 7)
    assert db.prediction(made.id) == made and db.predictions("pairs", ("eu", 1, 7)) == [made]
    assert db.reproduce(made.id).matches
