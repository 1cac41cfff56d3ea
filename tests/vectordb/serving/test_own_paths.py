"""Our own paths: views, search, services, experiments, predictions, and writes of rows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import vectordb.serving
from tests.vectordb.serving.serving_world import WRITE, call_asgi, call_wsgi, make_application, make_world
from vectordb import VectorDB
from vectordb.serving import Application
from vectordb.serving.application import WRITES
from vectordb.serving.routes import ROUTES

PREDICTION = "ranker/d-7@16"


def get(app: Application, target: str) -> Any:
    answer = call_wsgi(app, "GET", target)
    assert answer.status == 200, answer
    assert call_asgi(app, "GET", target).body == answer.body
    assert answer.headers["cache-control"] == "no-store" and answer.headers["x-content-type-options"] == "nosniff"
    return answer.json


def test_views_and_services() -> None:
    app = make_application()
    assert get(app, "/views") == {"views": ["drivers", "users"]}
    assert get(app, "/views?as_of=1") == {"views": ["drivers"]}
    assert [one["name"] for one in get(app, "/views/users")["features"]] == ["age", "trips"]
    assert get(app, "/services")["services"][0] == "ranker"
    found = get(app, "/services/ranker")
    assert found["entities"] == ["driver"] and not found["pipeline"]
    assert found["inputs"][1:] == [{"name": "rating", "of": "drivers:rating"},
                                   {"name": "km", "request": {"type": "float"}}]  # fmt: skip
    assert get(app, "/experiments") == {"experiments": ["ranking"]}
    assert get(app, "/experiments/ranking")["arms"]


def test_the_paths_are_listed() -> None:
    app = make_application()
    listed = get(app, "/")["paths"]
    assert [(one["method"], one["path"], one["does"]) for one in listed] == [route[:3] for route in ROUTES]
    assert listed[0] == {"method": "GET", "path": "/", "does": "this list", "query": [], "write": None}
    assert {one["write"] for one in listed} == {*WRITES, None} and all(one["does"] for one in listed)
    assert call_wsgi(app, "GET", "").json["paths"] == listed  # mounted below a path of its own
    assert call_wsgi(app, "POST", "/").status == 405 and call_wsgi(app, "GET", "/?at=1").status == 400
    assert "GET / lists them" in call_wsgi(app, "GET", "/no/such").json["error"]
    told = re.findall(r"^    (GET|POST) +(/\S*) +(.+)$", vectordb.serving.__doc__ or "", re.MULTILINE)
    assert told == [route[:3] for route in ROUTES]


def test_durations_are_told_in_seconds() -> None:
    app = make_application()
    metrics = {"spent": {"aggregate": "sum", "window": 3_600.5}, "bought": "any"}
    app.db.create_experiment("timed", arms={"a": 1.0}, unit="driver", metrics=metrics)  # type: ignore[attr-defined]
    assert get(app, "/experiments/timed")["metrics"] == [
        ["spent", {"aggregate": "sum", "window_s": 3_600.5}], ["bought", {"aggregate": "any"}]]  # fmt: skip
    assert "metrics" not in get(app, "/experiments/ranking")
    assert get(app, "/views/drivers")["ttl_s"] == 86_400 and "ttl" not in get(app, "/views/drivers")
    assert app.db.view("drivers").definition.to_json()["ttl"] == 86_400_000_000
    assert "ttl_s" not in get(app, "/views/users")


@pytest.mark.parametrize("entity", ["d-7", "d-8", "old", 7, "7", ("eu", 7), "a/b", "nobody", "ö%2F"])
def test_a_row_by_every_kind_of_id(entity: Any) -> None:
    db = make_world()
    db.view("drivers").put("ö%2F", {"trips": 1})
    db.view("drivers").put("7", {"trips": 8})
    row = db.view("drivers").get(entity)
    text = row.version.partition("/")[2].rpartition("@")[0] if row.version else entity
    found = get(Application(db), f"/views/drivers/{text}")
    assert found["entity"] == (list(entity) if isinstance(entity, tuple) else entity)
    assert (found["found"], found["version"], found["as_of"]) == (row.found, row.version, db.head)
    assert found["values"]["trips"] == row["trips"] and found["status"] == row.status


@pytest.mark.parametrize("entity", ["550e8400-e29b-41d4-a716-446655440000", "7x", "-", "1.2.3", "9e", "a@1", "x@1.0"])
def test_ids_that_begin_like_numbers_need_no_quotes(entity: str) -> None:
    db = make_world()
    db.view("drivers").put(entity, {"trips": 4})
    quoted = json.dumps(entity)
    app, known = Application(db), {entity, quoted} if entity[0] in "-0123456789" else {entity}
    for text in known - {"9e"}:
        found = get(app, f"/views/drivers/{text}")
        assert (found["entity"], found["found"]) == (entity, True)
    answer = call_wsgi(app, "GET", "/views/drivers/9e")
    assert answer.status == 400 and "is quoted" in answer.json["error"]  # it may be a number


def test_a_row_of_the_past() -> None:
    app = make_application()
    assert get(app, "/views/drivers/d-7?as_of=2")["found"] is False
    assert get(app, "/views/drivers/d-7?as_of_prediction=" + quote(PREDICTION, safe=""))["as_of"] == 15
    assert get(app, "/views/drivers/d-7?as_of_time=2023-11-14T22:13:20Z")["found"]
    assert get(app, "/views/drivers/d-7?at=1600000000")["status"]["trips"] == "missing"
    app.db.mark("here")  # type: ignore[attr-defined]
    assert get(app, "/views/drivers/d-7?as_of_mark=here")["as_of"] == 17


def test_search_is_that_of_the_view() -> None:
    app = make_application()
    hits = app.db.view("drivers").search("profile", [1.0, 1.0], k=2)
    body = {"feature": "profile", "query": [1.0, 1], "k": 2, "exact": True}
    found = call_wsgi(app, "POST", "/views/drivers/search", body).json
    assert found["hits"] == hits.to_rows() and found["exact"]
    many = call_wsgi(app, "POST", "/views/drivers/search", {"feature": "profile", "queries": [[1, 1], [0, 0]], "k": 2})
    assert many.json["searches"][0]["hits"] == hits.to_rows()
    rome = {**body, "where": {"city": "Rome"}}
    assert [one["entity"] for one in call_wsgi(app, "POST", "/views/drivers/search", rome).json["hits"]] == ["d-7"]
    then = call_wsgi(app, "POST", "/views/drivers/search?as_of=3", body).json
    assert [one["entity"] for one in then["hits"]] == ["d-7"] and then["as_of"] == 3
    for wrong in ({"feature": "profile"}, {**body, "queries": [[1, 2]]}, {**body, "query": ["1", 2]},
                  {**body, "query": [1]}, {**body, "where": {"$no": 1}}, {**body, "feature": "trips"}):  # fmt: skip
        assert call_wsgi(app, "POST", "/views/drivers/search", wrong).status == 400


def test_assignment_and_exposure() -> None:
    app = make_application(writes="expose")
    experiment = app.db.experiment("ranking")
    assert get(app, "/experiments/ranking/assign/d-7") == experiment.assign("d-7").to_dict()
    units = ["d-1", 2, ["eu", 7]]
    found = call_wsgi(app, "POST", "/experiments/ranking/assign", {"units": units}).json["assignments"]
    assert found == [one.to_dict() for one in experiment.assign_many(["d-1", 2, ("eu", 7)])] and app.db.head == 16  # type: ignore[attr-defined]
    body = {"units": units, "event_time": "2023-11-14T22:13:20Z"}
    assert call_wsgi(app, "POST", "/experiments/ranking/expose", body, WRITE).status == 201
    assert [one.unit for one in experiment.exposures()] == ["d-1", 2, ("eu", 7)]


def test_exposures_to_arms_that_were_given() -> None:
    app = make_application(writes="expose")
    experiment = app.db.experiment("ranking")
    body: dict[str, Any] = {"units": ["g-1", ["eu", 8]], "arms": ["treatment", "control"]}
    found = call_wsgi(app, "POST", "/experiments/ranking/expose", body, WRITE)
    assert found.status == 201
    told = [(one["unit"], one["arm"], one["reason"]) for one in found.json["assignments"]]
    assert told == [("g-1", "treatment", "given"), (["eu", 8], "control", "given")]
    assert [(one.unit, one.arm) for one in experiment.exposures()] == [("g-1", "treatment"), (("eu", 8), "control")]
    for arms in (["treatment"], ["none", "control"], [1, 2], "treatment", []):
        answer = call_wsgi(app, "POST", "/experiments/ranking/expose", {**body, "arms": arms}, WRITE)
        assert answer.status == 400 and len(experiment.exposures()) == 2


def test_predictions_reproductions_and_explanations() -> None:
    app = make_application()
    found = get(app, f"/predictions/{PREDICTION}")
    assert found["output"] == 18.5 and found["versions"]["trips"] == "drivers/d-7@3" and found["entities"] == ["d-7"]
    again = get(app, f"/reproductions/{PREDICTION}")
    assert again["matches"] and again["recomputed"] == 18.5 and again["drifted"] == []
    assert get(app, f"/explanations/{PREDICTION}")["reproduction"]["matches"]
    assert call_wsgi(app, "GET", f"/predictions/{PREDICTION}?as_of=15").status == 404


def test_rows_are_written_as_columns_and_as_objects() -> None:
    app = make_application(writes=True)
    columns = {"user": ["u-5", ["eu", 1]], "age": [1, None]}
    first = call_wsgi(app, "POST", "/views/users/rows", {"rows": columns, "idempotency_key": "k"}, WRITE)
    rows = [{"user": "u-6", "age": 6}, {"user": "u-7", "age": "old"}]
    second = call_asgi(app, "POST", "/views/users/rows", {"rows": rows, "on_error": "reject"}, WRITE)
    assert first.status == second.status == 201 and first.json["offset"] == 17
    assert first.json["versions"] == ["users/u-5@17.0", 'users/["eu",1]@17.1']
    assert second.json["versions"] == ["users/u-6@18"] and second.json["rejected"][0]["row"] == 1
    view = app.db.view("users")
    assert view.get(("eu", 1)).found and view.get("u-6")["age"] == 6 and not view.get("u-7").found
    for wrong in (rows, [], 7, [{"user": "u", "age": 1}, {"user": "v"}], {"user": "u"}, [{"age": 1}]):
        assert call_wsgi(app, "POST", "/views/users/rows", {"rows": wrong}, WRITE).status == 400


def test_a_read_only_database_takes_no_writes(tmp_path: Path) -> None:
    make_world().snapshot(tmp_path / "secret.jsonl")
    with VectorDB.open(tmp_path / "secret.jsonl", read_only=True) as db:
        app = Application(db, writes=True, authorize=lambda request: True)
        answer = call_wsgi(app, "POST", "/views/users/rows", {"rows": [{"user": "u", "age": 1}]})
        assert answer.status == 403 and b"secret" not in answer.body
