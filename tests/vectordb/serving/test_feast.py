"""Feast's JSON, against single reads as the judge."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectordb.serving.serving_world import START, WRITE, call_asgi, call_wsgi, make_application, make_world
from vectordb import Float, Request, VectorDB
from vectordb.serving import Application, BearerToken
from vectordb.transforms import MinMaxScaler
from vectordb.views.plan import Status

SAID = {Status.PRESENT: "PRESENT", Status.NULL: "NULL_VALUE", Status.MISSING: "NOT_FOUND",
        Status.EXPIRED: "OUTSIDE_MAX_AGE"}  # fmt: skip
TARGET = "/get-online-features"


def ask(app: Application, body: dict[str, Any], target: str = TARGET) -> Any:
    answer = call_wsgi(app, "POST", target, body)
    assert answer.status == 200, answer
    assert call_asgi(app, "POST", target, body).body == answer.body
    return answer.json


@pytest.mark.parametrize("as_of", [None, 3, 5, 16])
def test_every_cell_is_that_of_a_single_read(as_of: int | None) -> None:
    db = make_world()
    reader: Any = db if as_of is None else db.as_of(as_of)
    ids = ["d-7", "d-8", "old", 7, ("eu", 7), "nobody", "d-7"]
    names = ["trips", "rating", "city", "active", "note", "profile"]
    body = {"features": [f"drivers:{name}" for name in names], "entities": {"driver": ids}}
    found = ask(Application(db), body if as_of is None else {**body, "as_of": as_of})
    assert found["metadata"] == {"feature_names": names} and len(found["results"]) == len(names)
    for name, result in zip(names, found["results"]):
        rows = [reader.view("drivers").get(one) for one in ids]
        values = [row[name].tolist() if hasattr(row[name], "tolist") else row[name] for row in rows]
        assert result["values"] == values
        assert result["statuses"] == [SAID[row.status_of(name)] for row in rows]
        times = [row.event_times[name] for row in rows]
        shown = ["1970-01-01T00:00:00Z" if one is None else f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in times]
        assert result["event_timestamps"] == shown


def test_as_of_in_the_query_is_the_same_as_in_the_body() -> None:
    app = make_application()
    body = {"features": ["drivers:trips"], "entities": {"driver": ["d-7", 7]}}
    assert ask(app, body, f"{TARGET}?as_of=3") == ask(app, {**body, "as_of": 3}) != ask(app, body)
    assert call_wsgi(app, "POST", f"{TARGET}?as_of=3", {**body, "as_of": 3}).status == 400
    late = ask(app, {**body, "at": START - 10})["results"][0]
    assert late["statuses"] == ["NOT_FOUND", "NOT_FOUND"]


def test_several_kinds_and_names_that_meet() -> None:
    app = make_application()
    body = {"features": ["drivers:trips", "users:trips"], "entities": {"driver": ["d-7"], "user": ["u-1"]}}
    assert call_wsgi(app, "POST", TARGET, body).status == 400
    found = ask(app, {**body, "full_feature_names": True})
    assert found["metadata"]["feature_names"] == ["drivers__trips", "users__trips"]
    assert [one["values"] for one in found["results"]] == [[12], [2]]
    for entities in ({"driver": ["d-7"]}, {"driver": ["d-7"], "user": ["u-1"], "item": [1]},
                     {"driver": ["d-7"], "user": ["u-1", "u-2"]}):  # fmt: skip
        assert call_wsgi(app, "POST", TARGET, {**body, "entities": entities}).status == 400


def test_a_service_with_request_inputs() -> None:
    app = make_application()
    body = {"feature_service": "ranker", "entities": {"driver": ["d-7", "nobody"], "km": [3.5, None]}}
    found = ask(app, body)
    assert found["metadata"]["feature_names"] == ["trips", "rating", "km"]
    assert [one["values"] for one in found["results"]] == [[12, 0], [4.5, None], [3.5, None]]
    assert found["results"][2]["statuses"] == ["PRESENT", "NULL_VALUE"]
    named = ask(app, {**body, "full_feature_names": True})["metadata"]["feature_names"]
    assert named == ["drivers__trips", "drivers__rating", "km"]
    assert call_wsgi(app, "POST", TARGET, {**body, "features": ["drivers:trips"]}).status == 400


def test_a_service_with_a_pipeline_gives_what_it_makes() -> None:
    db = make_world()
    made = db.create_service("made", features=["users:age", "users:trips"], pipeline=MinMaxScaler())
    db.view("users").put("u-2", {"age": 43, "trips": 4})
    app = Application(db)
    body = {"feature_service": "made", "entities": {"user": ["u-1", "u-2"]}}
    assert call_wsgi(app, "POST", TARGET, body).status == 400  # not fitted yet
    made.fit()
    found = ask(app, body)
    assert found["metadata"]["feature_names"] == list(made.get("u-1"))
    rows = [made.get("u-1"), made.get("u-2")]
    assert [one["values"] for one in found["results"]] == [[row[name] for row in rows] for name in rows[0]]
    assert found["results"][0]["event_timestamps"] == ["2023-11-14T22:13:20Z"] * 2


def test_join_keys_come_first_where_they_are_wanted() -> None:
    body = {"features": ["drivers:trips"], "entities": {"driver": ["d-7", 7]}}
    found = ask(Application(make_world(), join_keys=True), body)
    assert found["metadata"]["feature_names"] == ["driver", "trips"]
    assert [one["values"] for one in found["results"]] == [["d-7", 7], [12, 70]]


def test_push_writes_once_for_a_key() -> None:
    app = make_application(writes=["push"])
    frame = {"user": ["u-8", 9], "age": [30, None], "event_timestamp": ["2023-11-14T22:13:20Z", START - 5]}
    body = {"push_source_name": "users", "df": frame, "to": "online"}
    first = call_wsgi(app, "POST", "/push", body, {**WRITE, "idempotency-key": "k-1"})
    again = call_asgi(app, "POST", "/push", body, {**WRITE, "idempotency-key": "k-1"})
    assert first.status == again.status == 200 and again.json == {**first.json, "replayed": True}
    db = app.db
    assert isinstance(db, VectorDB)
    assert db.head == 17 and db.view("users").get("u-8")["age"] == 30 and db.view("users").get(9).found
    assert db.view("users").get(9).event_time.timestamp() == START - 5
    other = {**body, "df": {**frame, "age": [31, None]}}
    assert call_wsgi(app, "POST", "/push", other, {**WRITE, "idempotency-key": "k-1"}).status == 409
    for wrong in ({**body, "to": "offline"}, {**body, "df": {"age": [1]}}, {**body, "df": {"user": ["u"], "x": [1]}},
                  {**body, "df": {"user": ["u"], "age": ["old"]}}, {**body, "push_source_name": "nobody"}):  # fmt: skip
        assert call_wsgi(app, "POST", "/push", wrong, WRITE).status in (400, 404)
    assert call_wsgi(app, "POST", "/views/users/rows", {"rows": frame}, WRITE).status == 403
    assert db.head == 17


def test_push_is_refused_where_writes_are_off() -> None:
    body = {"push_source_name": "users", "df": {"user": ["u-8"], "age": [30]}}
    app = Application(make_world())
    assert call_wsgi(app, "POST", "/push", body, WRITE).status == 403
    closed = make_application(writes=True)
    assert call_wsgi(closed, "POST", "/push", body).status == 401
    assert call_wsgi(closed, "POST", "/push", body, {"authorization": "Bearer wrong"}).status == 403
    assert app.db.as_of_offset == closed.db.as_of_offset == 16


def test_a_request_input_with_a_default_may_be_left_out() -> None:
    db = make_world()
    db.create_service("near", features=["drivers:trips", Request("km", Float(default=1.5))])
    found = ask(Application(db, authorize=BearerToken()), {"feature_service": "near", "entities": {"driver": ["d-7"]}})
    assert [one["values"] for one in found["results"]] == [[12], [1.5]]
