"""The Open Inference Protocol v2, against the services themselves."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

import vectordb
from tests.vectordb.serving.serving_world import WRITE, call_asgi, call_wsgi, make_application, make_world
from vectordb import VectorDB
from vectordb.serving import Application, Predictor
from vectordb.transforms import MinMaxScaler

DRIVER = {"name": "driver", "datatype": "BYTES", "shape": [2], "data": ["d-7", "d-8"]}
KM = {"name": "km", "datatype": "FP64", "shape": [2, 1], "data": [[1.0], [2]]}


def infer(app: Application, model: str, inputs: list[Any], **more: Any) -> Any:
    answer = call_wsgi(app, "POST", f"/v2/models/{model}/infer", {"inputs": inputs, **more}, WRITE)
    assert answer.status == 200, answer
    return answer.json


def column(answer: Any, name: str) -> list[Any]:
    return next(one["data"] for one in answer["outputs"] if one["name"] == name)


def test_the_server_and_its_health() -> None:
    app = make_application()
    for call in (call_wsgi, call_asgi):
        assert call(app, "GET", "/v2").json["extensions"] == ["binary_tensor_data"]
        assert call(app, "GET", "/v2/health/live").json == {"live": True}
        assert call(app, "GET", "/v2/health/ready").json == {"ready": True}
        head = call(app, "HEAD", "/v2/health/live")
        assert head.status == 200 and head.body == b"" and head.headers["content-length"] == "13"


def test_the_release_is_that_of_the_package() -> None:
    assert call_wsgi(make_application(), "GET", "/v2").json["version"] == vectordb.__version__


def test_a_model_says_what_it_takes_and_gives() -> None:
    app = make_application()
    found = call_wsgi(app, "GET", "/v2/models/shown").json
    assert found["inputs"] == [{"name": "driver", "datatype": "BYTES", "shape": [-1]}]
    assert [(one["name"], one["datatype"], one["shape"]) for one in found["outputs"]] == [
        ("trips", "INT64", [-1]), ("city", "BYTES", [-1]), ("joined", "BYTES", [-1]), ("profile", "FP32", [-1, 2]),
    ]  # fmt: skip
    assert call_wsgi(app, "GET", "/v2/models/ranker/versions/1").json["inputs"][1]["name"] == "km"
    assert call_wsgi(app, "GET", "/v2/models/ranker?as_of=9").status == 404  # not defined then


def test_features_are_those_of_the_service() -> None:
    db = make_world()
    found = infer(Application(db), "shown", [DRIVER], id="q-1")
    assert found["id"] == "q-1" and found["model_name"] == "shown" and found["model_version"] == "1"
    assert found["parameters"]["as_of"] == db.head
    rows = [db.service("shown").get(one) for one in ("d-7", "d-8")]
    assert column(found, "trips") == [row["trips"] for row in rows]
    assert column(found, "city") == [row["city"] for row in rows]
    assert column(found, "profile") == [one for row in rows for one in row["profile"].tolist()]
    assert column(found, "joined") == ["2023-11-14T22:13:20Z", None]
    assert [one["shape"] for one in found["outputs"]] == [[2], [2], [2], [2, 2]]


def test_ids_of_every_kind() -> None:
    app = make_application()
    for item, trips in (
        ({"datatype": "INT64", "shape": [1, 1], "data": [7]}, 70.0),
        ({"datatype": "BYTES", "shape": [1, 1], "data": [["7"]]}, 0.0),
        ({"datatype": "BYTES", "shape": [1], "data": ["a/b"]}, 5.0),
    ):
        assert column(infer(app, "shown", [{"name": "driver", **item}]), "trips") == [trips]
    pairs = [{"name": "driver", "datatype": "INT64", "shape": [1], "data": [7]},
             {"name": "user", "datatype": "BYTES", "shape": [1], "data": ["u-1"]}]  # fmt: skip
    found = infer(app, "pairs", pairs)
    assert (column(found, "age"), column(found, "trips")) == ([33], [70])
    tuples = {"name": "driver", "datatype": "INT64", "shape": [1, 2], "data": [1, 2]}
    app.db.view("drivers").put((1, 2), {"trips": 12_000})  # type: ignore[attr-defined]
    assert column(infer(app, "shown", [tuples]), "trips") == [12_000]


def test_the_past_and_picked_outputs() -> None:
    app = make_application()
    now = infer(app, "ranker", [DRIVER, KM], outputs=[{"name": "km"}, {"name": "trips"}])
    assert [one["name"] for one in now["outputs"]] == ["km", "trips"] and column(now, "km") == [1.0, 2.0]
    app.db.view("drivers").put("d-7", {"trips": 99})  # type: ignore[attr-defined]
    then = infer(app, "ranker", [DRIVER, KM], parameters={"as_of": 16})
    assert column(then, "trips") == [12.0, None] and then["parameters"]["as_of"] == 16
    assert column(infer(app, "ranker", [DRIVER, KM]), "trips") == [99.0, None]


def test_a_pipeline_is_ready_once_it_is_fitted() -> None:
    db = make_world()
    made = db.create_service("made", features=["users:age", "users:trips"], pipeline=MinMaxScaler())
    db.view("users").put("u-2", {"age": 43, "trips": 4})
    app = Application(db)
    assert call_wsgi(app, "GET", "/v2/models/made/ready").status == 400
    assert call_wsgi(app, "GET", "/v2/models/made").json["outputs"] == []
    made.fit()
    assert call_wsgi(app, "GET", "/v2/models/made/ready").json == {"name": "made", "ready": True}
    names = [one["name"] for one in call_wsgi(app, "GET", "/v2/models/made").json["outputs"]]
    found = infer(app, "made", [{"name": "user", "datatype": "BYTES", "shape": [2], "data": ["u-1", "u-2"]}])
    assert names == list(made.get("u-1"))
    assert [column(found, name) for name in names] == [made.get_many(["u-1", "u-2"]).column(name) for name in names]


def test_a_predictor_answers_and_records() -> None:
    db = make_world()
    predictor = Predictor(db, "ranker", {"control": "risk", "treatment": lambda row: [row["km"], 2.0]},
                          experiment="ranking", label="mine")  # fmt: skip
    app = Application(db, predictors={"scores": predictor}, writes=["predict"], authorize=lambda request: True)
    inputs = [{**DRIVER, "data": ["d-7", "d-7"]}, KM]
    found = infer(app, "scores", inputs)
    assert column(found, "arm") == ["treatment"] * 2
    output = next(one for one in found["outputs"] if one["name"] == "output")
    assert (output["shape"], output["datatype"], output["data"]) == ([2, 2], "FP64", [1.0, 2.0, 2.0, 2.0])
    for place, name in enumerate(column(found, "prediction")):
        assert db.prediction(name).output == [float(place + 1), 2.0]
    assert len(db.experiment("ranking").exposures()) == 1
    assert {one["name"] for one in call_wsgi(app, "GET", "/v2/models/scores").json["outputs"]} == {
        "output", "arm", "prediction"}  # fmt: skip
    past = infer(app, "scores", inputs, parameters={"as_of": 16})
    assert [one["name"] for one in past["outputs"]] == ["output", "arm"]
    assert call_wsgi(app, "POST", "/v2/models/scores/infer", {"inputs": inputs, "parameters": {"at": 5}}).status == 400
    assert call_wsgi(app, "GET", "/v2/models/scores/versions/2").status == 404


def test_inference_that_records_is_a_write() -> None:
    db = make_world()
    app = Application(db, predictors={"scores": Predictor(db, "ranker", "risk")}, writes=["predict"],
                      authorize=lambda request: not request.write)  # fmt: skip
    body = {"inputs": [{**DRIVER, "data": ["d-7", "d-7"]}, KM]}
    assert call_wsgi(app, "POST", "/v2/models/scores/infer", body).status == 401
    assert call_wsgi(app, "POST", "/v2/models/ranker/infer", body).status == 200
    still = Application(db, predictors={"scores": Predictor(db, "ranker", "risk", record=False)})
    assert column(infer(still, "scores", body["inputs"]), "output") == [14.5, 16.5]
    assert db.head == 16


@pytest.mark.parametrize(("outputs", "datatype", "data"), [
    ([1, 2], "INT64", [1, 2]), ([1, 2.5], "FP64", [1.0, 2.5]), ([True, False], "BOOL", [True, False]),
    (["a", "b"], "BYTES", ["a", "b"]), ([{"a": 1}, None], "BYTES", ['{"a":1}', "null"]),
    ([[1], [1, 2]], "BYTES", ["[1]", "[1,2]"]),
])  # fmt: skip
def test_outputs_of_every_type(outputs: list[Any], datatype: str, data: list[Any]) -> None:
    db = make_world()
    left = list(outputs)
    predictor = Predictor(db, "ranker", lambda row: left.pop(0), record=False)
    found = infer(Application(db, predictors={"p": predictor}), "p", [DRIVER, KM])["outputs"][0]
    assert (found["datatype"], found["data"], found["shape"]) == (datatype, data, [2])


def binary(inputs: list[tuple[str, str, list[int], bytes]]) -> tuple[bytes, dict[str, str]]:
    """A request of the binary tensor extension, written from its description."""
    header = json.dumps({"inputs": [
        {"name": name, "datatype": kind, "shape": shape, "parameters": {"binary_data_size": len(data)}}
        for name, kind, shape, data in inputs]}).encode()  # fmt: skip
    headers = {"inference-header-content-length": str(len(header)), "content-type": "application/octet-stream"}
    return header + b"".join(data for *_, data in inputs), headers


def test_binary_inputs() -> None:
    app = make_application()
    texts = b"".join(struct.pack("<I", len(one)) + one for one in (b"d-7", b"d-8"))
    target = "/v2/models/ranker/infer"
    raw, headers = binary([("driver", "BYTES", [2, 1], texts), ("km", "FP32", [2], struct.pack("<2f", 1.5, 2.5))])
    for call in (call_wsgi, call_asgi):
        found = call(app, "POST", target, raw, headers)
        assert found.status == 200 and column(found.json, "km") == [1.5, 2.5], found
    for broken in (raw[:-1], raw + b"x", raw[:-9] + b"\xff" * 9):
        status = call_wsgi(app, "POST", target, broken, headers).status
        assert status == 400 or broken.endswith(b"\xff")
    wrong = struct.pack("<I", 400) + b"d-7"
    for data in (wrong, b"\x01", struct.pack("<I", 2) + b"\xff\xff" + struct.pack("<I", 0)):
        raw, headers = binary([("driver", "BYTES", [2], data), ("km", "FP32", [2], struct.pack("<2f", 1.5, 2.5))])
        assert call_wsgi(app, "POST", target, raw, headers).status == 400
    for length in ("x", "-1", "999999", "9" * 30):
        assert call_wsgi(app, "POST", target, raw, {**headers, "inference-header-content-length": length}).status == 400


@pytest.mark.parametrize("item", [
    {"datatype": "INT8", "shape": [2], "data": [1, 128]}, {"datatype": "UINT8", "shape": [2], "data": [1, -1]},
    {"datatype": "BYTES", "shape": [2], "data": ["a", 1]}, {"datatype": "BYTES", "shape": [3], "data": ["a", "b"]},
    {"datatype": "BYTES", "shape": [], "data": []}, {"datatype": "BYTES", "shape": [0], "data": []},
    {"datatype": "TEXT", "shape": [2], "data": ["a", "b"]}, {"datatype": "FP64", "shape": [2], "data": [1.0, 2.0]},
    {"datatype": "BYTES", "shape": [2], "data": "ab"}, {"datatype": "BYTES", "shape": [2]},
    {"datatype": "BYTES", "shape": [2, 1, 1, 1], "data": ["a", "b"]}, {"datatype": "BYTES", "shape": 2, "data": ["a"]},
    {"datatype": "BOOL", "shape": [2], "data": [0, 1]}, {"datatype": "BYTES", "shape": [2], "data": [["a"], "b"]},
    {"datatype": "BYTES", "shape": [2], "data": ["a", "b"], "extra": 1},
])  # fmt: skip
def test_inputs_that_are_refused(item: dict[str, Any]) -> None:
    app = make_application()
    body = {"inputs": [{"name": "driver", **item}, KM]}
    assert call_wsgi(app, "POST", "/v2/models/ranker/infer", body).status == 400


def test_inputs_are_the_models() -> None:
    app = make_application()
    three = {**KM, "shape": [3], "data": [1, 2, 3]}
    for inputs in ([DRIVER], [KM], [DRIVER, KM, KM], [DRIVER, three], [DRIVER, KM, {**KM, "name": "x"}], []):
        assert call_wsgi(app, "POST", "/v2/models/ranker/infer", {"inputs": inputs}).status == 400
    unknown = {"inputs": [DRIVER, KM], "outputs": [{"name": "nobody"}]}
    assert call_wsgi(app, "POST", "/v2/models/ranker/infer", unknown).status == 400


def test_the_database_as_a_past() -> None:
    db = make_world()
    app = Application(db.as_of(16))
    db.view("drivers").put("d-7", {"trips": 99})
    assert isinstance(db, VectorDB) and column(infer(app, "ranker", [DRIVER, KM]), "trips") == [12.0, None]
    assert call_wsgi(app, "GET", "/health").json == {"status": "ok", "as_of": 16, "live": False}
