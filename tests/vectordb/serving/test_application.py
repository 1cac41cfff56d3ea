"""The application: our own paths, authorisation, metrics, followers, and the corners of WSGI and ASGI."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import quote

import pytest

from tests.vectordb.serving.serving_world import WRITE, call_asgi, call_wsgi, exchange, make_application, make_world
from vectordb import Int, InvalidInput, VectorDB
from vectordb.serving import Application, BearerToken, Family, HttpRequest, Limits, Sample, render_metrics
from vectordb.serving.meters import BUCKETS_S

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


# -- authorisation -----------------------------------------------------------------------------------------------


def test_tokens_for_reads_and_writes() -> None:
    authorize = BearerToken(read="r", write="w")
    app = Application(make_world(), writes=True, authorize=authorize)
    body = {"push_source_name": "users", "df": {"user": ["u"], "age": [1]}}
    for token, read, write in (("r", 200, 403), ("w", 200, 200), ("x", 403, 403), ("", 403, 403), ("ü", 403, 403)):
        headers = {"authorization": f"bearer {token}"}
        assert call_wsgi(app, "GET", "/views", None, headers).status == read
        assert call_wsgi(app, "POST", "/push", body, headers).status == write
    for target in ("/views", "/metrics", "/v2"):
        answer = call_wsgi(app, "GET", target)
        assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    assert call_wsgi(app, "GET", "/views", None, {"authorization": "Basic r"}).status == 403
    assert call_wsgi(app, "GET", "/health").status == call_wsgi(app, "GET", "/v2/health/ready").status == 200
    for wrong in ({"read": ""}, {"write": 7}):
        with pytest.raises(InvalidInput):
            BearerToken(**wrong)  # type: ignore[arg-type]


def test_the_hook_sees_the_request_before_its_body() -> None:
    seen: list[HttpRequest] = []

    def authorize(request: HttpRequest) -> bool:
        seen.append(request)
        return False

    app = Application(make_world(), writes=True, authorize=authorize)
    stream = io.BytesIO(b"never parsed")
    more = {"wsgi.input": stream, "CONTENT_LENGTH": "12", "REMOTE_ADDR": "10.0.0.9"}
    assert call_wsgi(app, "POST", "/views/users/rows", None, WRITE, **more).status == 403
    (request,) = seen
    assert (request.method, request.path, request.route) == ("POST", "/views/users/rows", "/views/{view}/rows")
    assert (request.write, request.bearer, request.client) == ("rows", "s3cret", "10.0.0.9")
    truthy = Application(make_world(), authorize=lambda request: 1)  # type: ignore[arg-type,return-value]
    assert call_wsgi(truthy, "GET", "/views").status == 401  # only True lets in: a coroutine would be true


# -- metrics -----------------------------------------------------------------------------------------------------


def test_metrics_count_every_request() -> None:
    app = make_application(metrics=lambda: [Family("mine", "gauge", "Mine\\\n", [Sample("", {"a": 'q"\\\n'}, 1.5)])])
    for _ in range(3):
        call_wsgi(app, "GET", "/views/drivers/d-7")
    call_wsgi(app, "GET", "/nothing/at/all")
    call_wsgi(app, "POST", "/get-online-features", {"features": ["users:age"], "entities": {"user": ["a", "b"]}})
    answer = call_wsgi(app, "GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.body.decode()
    route = 'route="/views/{view}/{entity...}",method="GET"'
    assert f'vectordb_http_requests_total{{{route},status="200"}} 3\n' in text
    assert 'vectordb_http_requests_total{route="other",method="GET",status="404"} 1\n' in text
    assert f'vectordb_http_request_duration_seconds_bucket{{{route},le="+Inf"}} 3\n' in text
    assert f"vectordb_http_request_duration_seconds_count{{{route}}} 3\n" in text
    assert 'vectordb_http_rows_total{route="/get-online-features"} 2\n' in text and "vectordb_offset 16\n" in text
    assert '# HELP mine Mine\\\\\\n\n# TYPE mine gauge\nmine{a="q\\"\\\\\\n"} 1.5\n' in text and text.endswith("\n")


def test_prometheus_reads_what_we_write() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    app = make_application()
    for target in ("/views", "/views/nobody", "/views"):
        call_wsgi(app, "GET", target)
    families = {one.name: one for one in parser.text_string_to_metric_families(
        call_wsgi(app, "GET", "/metrics").body.decode())}  # fmt: skip
    buckets = [one for one in families["vectordb_http_request_duration_seconds"].samples
               if one.name.endswith("_bucket") and one.labels["route"] == "/views"]  # fmt: skip
    counts = [one.value for one in buckets]
    assert counts == sorted(counts) and counts[-1] == 2
    assert [one.labels["le"] for one in buckets] == [*map(repr, BUCKETS_S), "+Inf"]  # 1.0, as in all other families
    assert {one.labels["status"] for one in families["vectordb_http_requests"].samples} == {"200", "404"}


def test_names_and_numbers_of_the_text_format() -> None:
    values = [float("nan"), float("inf"), float("-inf"), 1e300, 0.1, 2.0, -3]
    lines = render_metrics([Family("m", "untyped", "", [Sample("", {}, value) for value in values])]).splitlines()[2:]
    assert lines == ["m NaN", "m +Inf", "m -Inf", "m 1e+300", "m 0.1", "m 2", "m -3"]
    for family in (Family("1m", "gauge", "", []), Family("m", "thing", "", []),
                   Family("m", "gauge", "", [Sample("", {"__x": ""}, 1)]),
                   Family("m", "gauge", "", [Sample(" 1\nn", {}, 1)])):  # fmt: skip
        with pytest.raises(InvalidInput):
            render_metrics([family])
    with pytest.raises(InvalidInput):
        Limits(k=0)


# -- followers ---------------------------------------------------------------------------------------------------


def test_a_follower_catches_up_and_says_when_it_cannot(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with VectorDB.open(path) as writer:
        users = writer.create_view("users", entity="user", features={"age": Int()})
        with VectorDB.open(path, read_only=True) as db:
            app = Application(db, refresh_seconds=1e-9)
            users.put("u-1", {"age": 1})
            assert call_wsgi(app, "GET", "/views/users/u-1").json["as_of"] == 2
            assert "vectordb_refresh_failures_total 0\n" in call_wsgi(app, "GET", "/metrics").body.decode()
            assert call_wsgi(app, "GET", "/health").json["status"] == "ok"
            with path.open("ab") as file:
                file.write(b"{}\n")
            assert call_wsgi(app, "GET", "/views/users/u-1").json["values"] == {"age": 1}
            assert call_wsgi(app, "GET", "/health").status == 503
            assert call_wsgi(app, "GET", "/v2/health/ready").status == 400
            for seconds in (-1, True, "5", float("nan"), float("inf")):
                with pytest.raises(InvalidInput, match="seconds apart"):
                    Application(db, refresh_seconds=seconds)  # type: ignore[arg-type]


# -- protocols ---------------------------------------------------------------------------------------------------

SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "path": "/v2/health/live", "headers": [], "query_string": b""}


def test_the_lifespan_and_other_scopes() -> None:
    app = make_application()
    sent: list[str] = []

    async def live(messages: list[str], kind: str) -> None:
        async def receive() -> dict[str, str]:
            return {"type": messages.pop(0)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message["type"])

        await app({"type": kind}, receive, send)

    asyncio.run(live(["lifespan.startup", "lifespan.shutdown"], "lifespan"))
    asyncio.run(live(["websocket.connect"], "websocket"))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]
    with pytest.raises(ValueError, match="unsupported scope"):
        asyncio.run(live([], "other"))


def test_asgi_two_mounts_and_threads() -> None:
    for threads in (True, False):
        app = make_application(threads=threads)
        end = [{"type": "http.request", "body": b"", "more_body": False}]
        assert asyncio.run(exchange(app, {**SCOPE}, list(end))).json == {"live": True}

        async def of_two(scope: Any, receive: Any, send: Any, app: Application = app) -> None:
            await app(scope)(receive, send)

        two = asyncio.run(exchange(of_two, {**SCOPE}, list(end)))  # type: ignore[arg-type]
        assert two.json == {"live": True}
        mounted = {**SCOPE, "root_path": "/db", "path": "/db/v2/health/live", "raw_path": b"/db/v2/health/live"}
        assert asyncio.run(exchange(app, mounted, list(end))).json == {"live": True}
        stripped = {**SCOPE, "root_path": "/db"}  # as older servers do
        assert asyncio.run(exchange(app, stripped, list(end))).json == {"live": True}
        assert asyncio.run(exchange(app, {**SCOPE, "raw_path": b"/v2/%ff"}, list(end))).status == 400
        assert asyncio.run(exchange(app, {**SCOPE, "raw_path": b"/v2/%f"}, list(end))).status == 400


def test_repeated_headers_are_one_list() -> None:
    app = make_application()
    scope = {**SCOPE, "method": "POST", "path": "/get-online-features",
             "headers": [(b"content-length", b"2"), (b"content-length", b"2")]}  # fmt: skip
    assert asyncio.run(exchange(app, scope, [{"type": "http.request", "body": b"{}"}])).status == 400


def test_a_slow_body_ends_under_asgi() -> None:
    app = make_application(limits=Limits(body_seconds=0.05))
    sent: list[dict[str, Any]] = []

    async def run() -> None:
        pieces = 0

        async def receive() -> dict[str, Any]:
            nonlocal pieces
            pieces += 1
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b" ", "more_body": True}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await app({**SCOPE, "method": "POST", "path": "/get-online-features"}, receive, send)
        assert pieces < 10

    asyncio.run(run())
    assert sent[0]["status"] == 408 and (b"connection", b"close") in sent[0]["headers"]


def test_a_client_that_leaves_is_not_answered() -> None:
    app = make_application()
    scope = {**SCOPE, "method": "POST", "path": "/get-online-features"}
    messages = [{"type": "http.request", "body": b"{", "more_body": True}]
    assert asyncio.run(exchange(app, scope, messages)).status == 0


class Trickle:
    """An input that gives a byte at a time, or raises."""

    def __init__(self, error: type[Exception] | None = None) -> None:
        self._error = error

    def read1(self, size: int) -> bytes:
        if self._error is not None:
            raise self._error
        sleep(0.01)
        return b" "


@pytest.mark.parametrize(("error", "status"), [(None, 408), (TimeoutError, 408), (ConnectionResetError, 400),
                                             (ValueError, 400)])  # the last: gunicorn, of a chunk that has no size
def test_a_slow_body_ends_under_wsgi(error: Any, status: int) -> None:
    app = make_application(limits=Limits(body_seconds=0.05))
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/get-online-features", "wsgi.input": Trickle(error),
               "CONTENT_LENGTH": "100"}  # fmt: skip
    seen: list[str] = []
    for target in ("/get-online-features", "/nothing"):
        b"".join(app({**environ, "PATH_INFO": target}, lambda line, headers: seen.append(line)))
    assert seen[0].startswith(str(status)) and seen[1].startswith("404")


def test_a_path_that_is_no_utf_8_under_wsgi() -> None:
    app = make_application()
    assert call_wsgi(app, "GET", "/views", PATH_INFO="/views/\xff").status == 400
    assert call_wsgi(app, "GET", "/views", PATH_INFO="").status == 404
