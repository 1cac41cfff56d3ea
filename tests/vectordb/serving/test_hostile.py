"""Hostile requests: always a 4xx, never a 5xx or what is inside, and the next request is answered."""

from __future__ import annotations

import copy
import json
import logging
import os
import sys
from typing import Any

import pytest

from tests.vectordb.serving.serving_world import WRITE, Answer, call_asgi, call_wsgi, make_application, make_world
from vectordb import InvalidInput
from vectordb.observability import Family, Sample
from vectordb.serving import Application, BearerToken, Limits, Predictor

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

EXAMPLES = int(os.environ.get("VECTORDB_FUZZ", "60"))
APP = make_application(writes=True, limits=Limits(body_bytes=20_000, batch=50, queries=3, k=20, depth=8))
MODEL = "/v2/models/ranker/infer"
INPUTS = [
    {"name": "driver", "datatype": "BYTES", "shape": [2], "data": ["d-7", "d-8"]},
    {"name": "km", "datatype": "FP64", "shape": [2, 1], "data": [[1.0], [2]]},
]
GOOD: list[tuple[str, dict[str, Any]]] = [
    ("/get-online-features", {"features": ["drivers:trips", "drivers:city"], "entities": {"driver": ["d-7", 7]},
                              "full_feature_names": True, "as_of": 9, "at": 1_700_000_000}),
    ("/get-online-features", {"feature_service": "ranker", "entities": {"driver": ["d-7"], "km": [1.5]}}),
    (MODEL, {"id": "1", "parameters": {"as_of": 15}, "inputs": INPUTS, "outputs": [{"name": "trips"}]}),
    ("/views/drivers/search", {"feature": "profile", "query": [1.0, 2], "k": 2, "where": {"trips": {"$gte": 1}},
                               "exact": True, "recall": 0.9, "as_of_time": "2023-11-14T22:13:20Z"}),
    ("/views/drivers/search", {"feature": "profile", "queries": [[1.0, 2.0]], "k": 2, "at": "2023-11-14T22:13:20Z"}),
    ("/experiments/ranking/assign", {"units": ["d-7", 7, ["eu", 7]], "as_of": 15}),
    ("/experiments/ranking/expose", {"units": ["d-7", 7], "arms": ["control", "control"], "event_time": 1_700_000_000}),
    ("/push", {"push_source_name": "drivers", "df": {"driver": ["d-9"], "trips": [1], "profile": [[1, 2.0]],
               "event_timestamp": ["2023-11-14T22:13:20Z"]}, "to": "online", "allow_registry_cache": True}),
    ("/views/drivers/rows", {"rows": [{"driver": "d-9", "trips": 1, "city": "Rome"}], "on_error": "reject",
                             "event_time": [1_700_000_000], "idempotency_key": None}),
]  # fmt: skip


def post(target: str, body: Any, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    return call_wsgi(APP, "POST", target, body, {**WRITE, **(headers or {})}, **more)


def check_refused(answer: Answer, *statuses: int) -> None:
    assert 400 <= answer.status < 500 and (not statuses or answer.status in statuses), answer
    error = answer.json["error"]
    assert isinstance(error, str) and len(error) < 1_100
    for inside in ("Traceback", ".py", "line ", "vectordb.", "object at 0x"):
        assert inside not in error, error
    assert call_wsgi(APP, "GET", "/v2/health/live").json == {"live": True}


@pytest.mark.parametrize(("target", "body"), GOOD)
def test_what_is_well_formed_is_answered(target: str, body: dict[str, Any]) -> None:
    assert post(target, body).status in (200, 201)
    assert call_asgi(APP, "POST", target, body, WRITE).status in (200, 201)


@pytest.mark.parametrize("raw", [
    b"", b"{", b"nul", b"[1,2]", b'"text"', b"17", b"{}{}", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":Infinity}',
    b'{"a":1e999}', b'{"a":' + b"9" * 5000 + b"}", b'{"a":' + b"9" * 400 + b".0}", b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}", b'{"a":"\xed\xa0\x80"}', b'{"a":"\\ud800"}', b"[" * 9_000, b'{"a":' * 3_000, b"[[]]" * 2_000,
    b'{"a":"' + b"\\" * 501 + b'"}', b"\x00" * 100, b"--x\r\nContent-Disposition: form-data\r\n",
])  # fmt: skip
@pytest.mark.parametrize("target", dict.fromkeys(target for target, _ in GOOD))
def test_malformed_bodies(target: str, raw: bytes) -> None:
    check_refused(post(target, raw), 400)


def test_depth_is_counted_outside_of_strings_only() -> None:
    query = {"features": ["drivers:trips"], "entities": {"driver": ["[[[[[[[[[[[[{{{", '\\"[[[[[[[[[[[']}}
    assert post("/get-online-features", query).status == 200
    for levels, known in ((6, True), (12, False)):
        where: Any = {"trips": 1}
        for _ in range(levels):
            where = {"$not": where}
        answer = post("/views/drivers/search", {"feature": "profile", "query": [1, 2], "where": where})
        assert answer.status == (200 if known else 400), answer


@pytest.mark.parametrize(("target", "status"), [
    ("/nothing", 404), ("/views/nobody", 404), ("/views/nobody/d-7", 404), ("/v2/models/nobody", 404),
    ("/v2/models/nobody/ready", 404), ("/v2/models/ranker/versions/9", 404), ("/v2/models/ranker/versions/x", 404),
    ("/v2/models/ranker/versions/0/ready", 404), ("/experiments/nobody", 404), ("/experiments/nobody/assign/u", 404),
    ("/predictions/ranker/d-7@99", 404), ("/predictions/drivers/d-7@3", 404), ("/predictions/nothing", 400),
    ("/reproductions/ranker/d-8@16", 404), ("/explanations/ranker/x@1", 404), ("/services/nobody", 404),
    ("/views/../views", 400), ("/../etc/passwd", 400), ("/views/drivers/..", 400), ("/views/./drivers", 400),
    ("/views/drivers/\x00", 400), ("/views/drivers/\n", 400), ("//views", 404), ("/views//d-7", 404), ("/views/", 404),
    ("/views/drivers/", 404), ("/views/drivers/007", 400), ("/views/drivers/1.5", 400), ("/views/drivers/[[1]]", 400),
    ('/views/drivers/"d-7"', 400), ("/views/" + "x" * 9_000, 414),
    ("/views/drivers/d-7?as_of=99", 404), ("/views/drivers/d-7?as_of=-1", 400), ("/views/drivers/d-7?as_of=x", 400),
    ("/views/drivers/d-7?as_of=1&as_of=2", 400), ("/views/drivers/d-7?as_of=1&as_of_mark=m", 400),
    ("/views/drivers/d-7?as_of_mark=nothing", 404), ("/views/drivers/d-7?as_of_prediction=x", 400),
    ("/views/drivers/d-7?as_of_time=tomorrow", 400), ("/views/drivers/d-7?as_of_time=1999999999", 404),
    ("/views/drivers/d-7?at=2023-11-14", 400), ("/views/drivers/d-7?at=1e9", 400), ("/views/drivers/d-7?at=", 400),
    ("/views/drivers/d-7?colour=red", 400), ("/views/drivers/d-7?as_of", 400), ("/views/drivers/d-7?%zz=1", 400),
    ("/views/drivers/d-7?as_of=%ff", 400), ("/views?" + "&".join(f"a{n}=1" for n in range(40)), 400),
    ("/views?a=" + "x" * 9_000, 414), ("/views/drivers/d-7?as_of=" + "9" * 5_000, 400),
])  # fmt: skip
def test_unknown_names_and_malformed_paths(target: str, status: int) -> None:
    check_refused(call_wsgi(APP, "GET", target), status)
    check_refused(call_asgi(APP, "GET", target), status)


@pytest.mark.parametrize(("method", "target", "allow"), [
    ("DELETE", "/views/drivers/d-7", "GET, HEAD"), ("POST", "/health", "GET, HEAD"), ("GET", "/push", "POST"),
    ("OPTIONS", MODEL, "POST"), ("PUT", "/views/drivers/rows", "POST, GET, HEAD"), ("TRACE", "/v2", "GET, HEAD"),
    ("BREW", "/v2", "GET, HEAD"),
])  # fmt: skip
def test_other_methods(method: str, target: str, allow: str) -> None:
    answer = call_asgi(APP, method, target)
    check_refused(answer, 405)
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize(("headers", "status"), [
    ({"content-length": "-1"}, 400), ({"content-length": "1e3"}, 400), ({"content-length": "5, 5"}, 400),
    ({"content-length": "+5"}, 400), ({"content-length": "99999999999999999999"}, 400),
    ({"content-length": "20001"}, 413), ({"content-length": "19999"}, 400), ({"content-encoding": "gzip"}, 415),
    ({"content-type": "application/json; charset=utf-16"}, 415), ({"content-type": "multipart/form-data"}, 415),
    ({"content-type": "application/x-www-form-urlencoded"}, 415), ({"transfer-encoding": "chunked"}, 400),
    ({"transfer-encoding": "gzip, chunked"}, 400), ({"transfer-encoding": "identity"}, 400),
])  # fmt: skip
def test_headers_of_the_body(headers: dict[str, str], status: int) -> None:
    body = {"push_source_name": "users", "df": {"user": ["u-5"], "age": [1]}}
    check_refused(post("/push", body, headers), status)
    check_refused(call_asgi(APP, "POST", "/push", body, {"content-length": "55", **WRITE, **headers}), status)


def test_a_body_without_a_length_is_read_only_where_the_server_ends_it() -> None:
    target, body = GOOD[0]
    assert post(target, body, CONTENT_LENGTH="").status == 400  # no length: no body
    check_refused(post(target, body, {"transfer-encoding": "chunked"}, CONTENT_LENGTH=""), 411)
    ended = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    assert post(target, body, {"transfer-encoding": "chunked"}, **ended).status == 200
    check_refused(post(target, b"x" * 20_001, {"transfer-encoding": "chunked"}, **ended), 413)


def test_too_much_is_refused() -> None:
    check_refused(post("/push", b"x" * 20_001), 413)
    check_refused(call_asgi(APP, "POST", "/push", b"x" * 20_001, WRITE), 413)
    check_refused(post("/get-online-features", {"features": ["drivers:trips"], "entities": {"driver": [1] * 51}}), 413)
    check_refused(post("/experiments/ranking/assign", {"units": list(range(51))}), 413)
    check_refused(post("/push", {"push_source_name": "users", "df": {"user": list(range(51)), "age": [1] * 51}}), 413)
    check_refused(post("/views/users/rows", {"rows": [{"user": "u", "age": 1}] * 51}), 413)
    check_refused(post("/views/drivers/search", {"feature": "profile", "query": [1, 2], "k": 21}), 400)
    check_refused(post("/views/drivers/search", {"feature": "profile", "queries": [[1, 2]] * 4}), 413)
    many = [{"name": "driver", "datatype": "INT64", "shape": [51], "data": list(range(51))}]
    check_refused(post(MODEL, {"inputs": many}), 413)
    twice = {"features": ["drivers:trips"] * 40, "entities": {"driver": [1] * 50}, "full_feature_names": True}
    check_refused(post("/get-online-features", twice), 400)
    check_refused(post(MODEL, {"inputs": INPUTS, "outputs": [{"name": "trips"}] * 2}), 400)
    small = make_application(limits=Limits(cells=9))
    ids = ["d-7", "d-8", "old", "a/b"]
    driver = {"name": "driver", "datatype": "BYTES", "shape": [4], "data": ids}
    for target, body in (
        ("/get-online-features", {"features": ["drivers:trips", "drivers:city", "drivers:note"]}),
        ("/get-online-features", {"feature_service": "shown"}),
        ("/v2/models/shown/infer", {"inputs": [driver]}),
    ):
        named = body if "inputs" in body else {**body, "entities": {"driver": ids}}
        check_refused(call_wsgi(small, "POST", target, named), 413)
    assert call_wsgi(small, "POST", "/get-online-features", {"features": ["drivers:trips"],
                     "entities": {"driver": ids}}).status == 200  # fmt: skip
    huge = [{"name": "driver", "datatype": "INT64", "shape": [50, 2_000_000_000], "data": [1]}]
    check_refused(post(MODEL, {"inputs": huge}), 400)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), st.text(max_size=8),
    st.sampled_from(["d-7", "drivers", "drivers:trips", "profile", "trips", "BYTES", "INT64", "$gte", "\ud800",
                     "2023-11-14T22:13:20Z", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00Z", "[1]"]),
)  # fmt: skip
INNER = st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=6), SCALARS, max_size=3)
JUNK = SCALARS | INNER | st.lists(INNER, max_size=3)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every part of a body."""
    found = [way] if way else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*way, key))
    return found


def replaced(body: Any, way: tuple[Any, ...], value: Any, name: str | None) -> Any:
    """A body with one part replaced, dropped (name is None) or under another name."""
    body = copy.deepcopy(body)
    inner = body
    for key in way[:-1]:
        inner = inner[key]
    if name == "" or isinstance(inner, list):
        inner[way[-1]] = value
    else:
        del inner[way[-1]]
        if name is not None:
            inner[name] = value
    return body


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.data())
def test_wrong_types_anywhere(data: Any) -> None:
    target, body = data.draw(st.sampled_from(GOOD))
    for _ in range(data.draw(st.integers(1, 3))):
        ways = places(body)
        if ways:
            name = data.draw(st.sampled_from(["", "", "", None, "x", "driver", "as_of", "at"]))
            body = replaced(body, data.draw(st.sampled_from(ways)), data.draw(JUNK), name)
    raw = json.dumps(body).encode()
    for answer in (post(target, raw), call_asgi(APP, "POST", target, raw, WRITE)):
        assert answer.status in (200, 201) or (400 <= answer.status < 500 and answer.json["error"]), (body, answer)


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.data())
def test_any_bytes_in_paths_queries_and_headers(data: Any) -> None:
    part = st.one_of(st.sampled_from(["views", "drivers", "v2", "models", "ranker", "predictions", "..", "d-7@1", ""]),
                     st.text(st.characters(exclude_characters="?", exclude_categories=["Cs"]), max_size=8))  # fmt: skip
    path = "/" + "/".join(data.draw(st.lists(part, max_size=5)))
    query = data.draw(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12))
    method = data.draw(st.sampled_from(["GET", "HEAD", "POST", "DELETE"]))
    value = data.draw(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=12))
    name = data.draw(st.sampled_from(["authorization", "content-type", "content-encoding", "idempotency-key"]))
    body = data.draw(st.binary(max_size=20)) if method == "POST" else b""
    for call in (call_wsgi, call_asgi):
        headers = {name: value} if call is call_wsgi else {name: value.encode("ascii", "replace").decode()}
        answer = call(APP, method, f"{path}?{query}" if query else path, body, headers)
        assert 200 <= answer.status < 500, (path, query, answer)


def test_what_is_ours_is_a_500_without_what_is_inside(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_application()
    monkeypatch.setattr(app.db, "views", lambda: 1 / 0)
    with caplog.at_level(logging.ERROR, "vectordb.serving"):
        answer = call_wsgi(app, "GET", "/views")
    assert answer.status == 500 and answer.json == {"error": "internal error"}
    assert "ZeroDivisionError" in caplog.text
    assert call_wsgi(app, "GET", "/health").status == 200


def fail(*_: Any) -> Any:
    raise ZeroDivisionError("a secret")


def labelled(value: Any) -> list[Family]:
    return [Family("m", "gauge", "", [Sample("", {"a": value}, 1)])]


def circular(row: Any) -> Any:
    found: list[Any] = []
    found.append(found)
    return {"itself": found}


def unserializable(row: Any) -> Any:
    return object()


@pytest.mark.parametrize(("options", "target", "said"), [
    ({"authorize": fail}, "/views", "authorization"),
    ({"metrics": fail}, "/metrics", "the given metrics"),
    ({"metrics": lambda: labelled(7)}, "/metrics", "the given metrics"),
    ({"metrics": lambda: labelled("\ud800")}, "/metrics", "the given metrics"),
    ({"model": fail}, MODEL, "the model"),
    ({"model": unserializable}, MODEL, "the model"),
    ({"model": circular}, MODEL, "the model"),
    ({"model": lambda row: 10**5_000}, MODEL, "the model"),
    ({"model": lambda row: sys.exit(0)}, MODEL, "the model"),
    ({"clock": fail}, "/views/drivers/d-7", "the clock"),
])  # fmt: skip
@pytest.mark.parametrize("call", [call_wsgi, call_asgi])
def test_what_the_application_was_given_fails_with_a_503(
    call: Any, options: dict[str, Any], target: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    db, given = make_world(), dict(options)
    if "clock" in given:
        db.state.clock = given.pop("clock")
    if "model" in given:
        given["predictors"] = {"ranker": Predictor(db, "ranker", given.pop("model"), record=False)}
    app = Application(db, **given)
    body = {"inputs": INPUTS} if target == MODEL else None
    with caplog.at_level(logging.ERROR, "vectordb.serving"):
        answer = call(app, "POST" if body else "GET", target, body)
    assert answer.status == 503 and answer.json["error"] == f"{said} cannot answer now"
    assert b"secret" not in answer.body and said in caplog.text
    assert call(app, "GET", "/v2/health/live").status == 200


def test_a_hook_that_nobody_would_await_is_refused() -> None:
    async def later(request: Any) -> bool:
        return True

    class Later:
        async def __call__(self, request: Any) -> bool:
            return True

    for hook in (later, Later(), "s3cret"):
        with pytest.raises(InvalidInput, match="at once"):
            make_application_with(hook)


def make_application_with(hook: Any) -> Application:
    return Application(make_world(), authorize=hook)


@pytest.mark.parametrize("token", ["", "two words", " s3cret", "s\u00e9cret", "s\n", 7])
def test_tokens_that_no_header_carries_are_refused(token: Any) -> None:
    with pytest.raises(InvalidInput, match="ASCII"):
        BearerToken(write=token)


def test_errors_have_the_form_of_their_protocol() -> None:
    body = {"features": ["nobody:x"], "entities": {"driver": ["d"]}}
    feast = post("/get-online-features", body).json
    assert feast.keys() == {"error", "detail"} and "no view of that name" in feast["detail"]
    assert call_wsgi(APP, "GET", "/v2/models/nobody").json.keys() == {"error"}
    ours = call_wsgi(APP, "GET", "/views/nobody").json
    assert ours["code"] == "UnknownName" and ours["error"].startswith("no view")
