"""The predictor where something goes wrong: models, outputs, arms and retries. Nothing half is ever written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectordb.serving.serving_world import WRITE, call_asgi, call_wsgi, make_world
from vectordb import IdempotencyConflict, InvalidInput, VectorDB
from vectordb.serving import Application, BearerToken, Predictor

IDS = [f"d-{number}" for number in range(30)]
KM = [1.0] * len(IDS)
INPUTS = [
    {"name": "driver", "datatype": "BYTES", "shape": [3], "data": ["d-0", "d-1", "d-5"]},
    {"name": "km", "datatype": "FP64", "shape": [3], "data": [1.0, 1.0, 1.0]},
]


def of_arms(db: VectorDB, **options: Any) -> Predictor:
    models = {"control": lambda row: 1.0, "treatment": lambda row: -1.0}
    return Predictor(db, "ranker", models, experiment="ranking", **options)


@pytest.mark.parametrize("label", [None, "sign"])
def test_callables_of_one_name_are_told_apart(label: str | None) -> None:
    db = make_world()
    predictor = of_arms(db, label=label)
    many = predictor.many(IDS, request={"km": KM})
    ones = [predictor(one, request={"km": 1.0}) for one in IDS]
    want = {"control": 1.0, "treatment": -1.0}
    assert {one.arm for one in many} == want.keys()
    for served in (many, ones):
        assert [one.output for one in served] == [want[one.arm or ""] for one in served]
        assert all(one.model == f"{label or '<lambda>'}-{one.arm}" for one in served)
        assert all(db.prediction(one.prediction or "").output == one.output for one in served)


def test_one_model_of_several_arms_is_one_event() -> None:
    db = make_world()

    def same(row: Any) -> float:
        return 1.0

    for model in ({"control": same, "treatment": same}, {"control": "risk", "treatment": "risk@1"}):
        predictor, head = Predictor(db, "ranker", model, experiment="ranking", expose=False), db.head
        predictor.many(IDS[9:], request={"km": KM[9:]})
        assert db.head == head + 1


def test_an_arm_that_was_added_has_no_model() -> None:
    db = make_world()
    predictor = of_arms(db)
    db.experiment("ranking").reweight({"control": 0.0, "treatment": 0.0, "third": 1.0})
    head = db.head
    for call in (lambda: predictor("d-7", request={"km": 1.0}), lambda: predictor.many(IDS, request={"km": KM})):
        with pytest.raises(InvalidInput, match="a model for every arm"):
            call()
    assert db.head == head
    assert Predictor(db, "ranker", "risk", experiment="ranking")("d-7", request={"km": 1.0}).arm == "third"


@pytest.mark.parametrize("output", [object(), float("nan"), {1: 2}, b"bytes", [float("inf")]])
@pytest.mark.parametrize("batched", [False, True])
def test_no_exposure_to_what_no_prediction_can_record(output: Any, batched: bool) -> None:
    db = make_world()

    def model(given: Any) -> Any:
        return [output] * len(given) if batched else output

    predictor, head = Predictor(db, "ranker", model, experiment="ranking", batched=batched), db.head
    for call in (lambda: predictor("d-7", request={"km": 1.0}), lambda: predictor.many(IDS, request={"km": KM})):
        with pytest.raises(InvalidInput, match="an output"):
            call()
    assert db.head == head and not db.experiment("ranking").exposures()


def test_no_answer_is_an_answer_too() -> None:
    db = make_world()
    predictor = Predictor(db, "ranker", lambda row: None, label="none@1")
    one, many = predictor("d-7", request={"km": 1.0}), predictor.many(["d-7"], request={"km": [1.0]})
    for served in (one, *many):
        found = db.prediction(served.prediction or "")
        assert served.output is None is found.output and found.model == "none@1"


@pytest.mark.parametrize("label", ["risk", "risk@1", "risk@7"])
def test_a_callable_does_not_go_by_the_name_of_a_model_that_is_data(label: str) -> None:
    with pytest.raises(InvalidInput, match="another name"):
        Predictor(make_world(), "ranker", lambda row: 1.0, label=label)


@pytest.mark.parametrize("found", [5, None, "ab", b"ab", {"a": 1}, [1.0], [1.0, 2.0, 3.0]])
def test_a_batched_model_gives_one_output_for_each_row(found: Any) -> None:
    db = make_world()
    predictor, head = Predictor(db, "ranker", lambda matrix: found, batched=True, label="m@1"), db.head
    with pytest.raises(InvalidInput, match="one output for each row"):
        predictor.many(["d-7", "d-8"], request={"km": [1.0, 2.0]})
    assert db.head == head


@pytest.mark.parametrize("experiment", [None, "ranking"])
def test_a_retry_writes_nothing(experiment: str | None) -> None:
    db = make_world()
    predictor = Predictor(db, "ranker", "risk", experiment=experiment) if experiment is None else of_arms(db)
    first = predictor("d-7", request={"km": 1.0}, idempotency_key="one", actor="web")
    many = predictor.many(["d-0", "d-1", "d-5"], request={"km": [1.0] * 3}, idempotency_key="many")
    head = db.head
    assert predictor("d-7", request={"km": 1.0}, idempotency_key="one").prediction == first.prediction
    again = predictor.many(["d-0", "d-1", "d-5"], request={"km": [1.0] * 3}, idempotency_key="many")
    assert [one.prediction for one in again] == [one.prediction for one in many] and db.head == head
    assert len({one.prediction for one in many}) == 3
    with pytest.raises(IdempotencyConflict):
        predictor("d-7", request={"km": 2.0}, idempotency_key="one")
    assert db.head == head


@pytest.mark.parametrize("call", [call_wsgi, call_asgi])
def test_a_retried_request_has_the_predictions_of_the_first(call: Any) -> None:
    db = make_world()
    predictors = {"signed": of_arms(db), "read": of_arms(db, record=False, expose=False)}
    app = Application(db, predictors=predictors, writes=["predict"], authorize=BearerToken(write="s3cret"))
    keyed = {**WRITE, "idempotency-key": "k-1"}
    first = call(app, "POST", "/v2/models/signed/infer", {"inputs": INPUTS}, keyed)
    head = db.head
    again = call(app, "POST", "/v2/models/signed/infer", {"inputs": INPUTS}, keyed)
    assert first.status == again.status == 200 and again.json["outputs"] == first.json["outputs"] and db.head == head
    other = [INPUTS[0], {**INPUTS[1], "data": [1.0, 2.0, 1.0]}]
    assert call(app, "POST", "/v2/models/signed/infer", {"inputs": other}, keyed).status == 409
    assert call(app, "POST", "/v2/models/read/infer", {"inputs": INPUTS}, keyed).status == 200
    assert call(app, "POST", "/v2/models/signed/infer", {"inputs": INPUTS}).status == 401
    assert db.head == head


def test_everything_that_is_recorded_reproduces() -> None:
    db = make_world()
    db.experiment("ranking").force("d-7", "treatment")
    predictor = Predictor(db, "ranker", "risk", experiment="ranking")
    ids = ["nobody", "d-7", 7, ("eu", 7), "a/b"]
    ones = [predictor(one, request={"km": 1.0}) for one in ids]
    db.experiment("ranking").stop(ship="control")
    ones += predictor.many([*ids, "d-7"], request={"km": [0.5] * 6})
    for served in ones:
        assert db.reproduce(served.prediction or "").matches and served.assignment is not None
    assert ones[1].arm == "treatment" and {one.arm for one in ones[5:]} == {"control"}
