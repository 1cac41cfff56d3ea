"""Who may ask for what: tokens, hooks, and writes that are off."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.vectordb.serving.serving_world import WRITE, call_asgi, call_wsgi, make_application, make_world
from vectordb import InvalidInput
from vectordb.serving import Application, BearerToken, HttpRequest, Predictor
from vectordb.serving.application import WRITES
from vectordb.serving.routes import ROUTES

ROWS = {"rows": [{"user": "u-1", "age": 7}]}
QUIET = [{"name": "driver", "datatype": "BYTES", "shape": [1], "data": ["d-7"]},
         {"name": "km", "datatype": "FP64", "shape": [1], "data": [1.0]}]  # fmt: skip


def test_tokens_for_reads_and_writes() -> None:
    authorize = BearerToken(read="r", write="w")
    app = Application(make_world(), writes=True, authorize=authorize)
    body = {"push_source_name": "users", "df": {"user": ["u"], "age": [1]}}
    for token, read, write in (("r", 200, 403), ("w", 200, 200), ("x", 403, 403), ("", 403, 403), ("ü", 403, 403)):
        headers = {"authorization": f"bearer {token}"}
        assert call_wsgi(app, "GET", "/views", None, headers).status == read
        assert call_wsgi(app, "POST", "/push", body, headers).status == write
    for target in ("/views", "/metrics", "/v2", "/"):
        answer = call_wsgi(app, "GET", target)
        assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    assert call_wsgi(app, "GET", "/views", None, {"authorization": "Basic r"}).status == 403
    assert call_wsgi(app, "GET", "/health").status == call_wsgi(app, "GET", "/v2/health/ready").status == 200
    for wrong in ({"read": ""}, {"write": 7}):
        with pytest.raises(InvalidInput):
            BearerToken(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"BearerToken\(read=\.\.\.\)") as caught:
        BearerToken("hush")  # type: ignore[arg-type]
    assert "hush" not in str(caught.value)


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


@pytest.mark.parametrize("route", [one for one in ROUTES if one.method == "POST"], ids=lambda one: one.pattern)
def test_without_writes_nothing_is_written(route: Any) -> None:
    db = make_world()
    quiet = Predictor(db, "ranker", "risk", experiment="ranking", record=False)
    app, before = Application(db, authorize=lambda request: True, predictors={"quiet": quiet}), db.digest()
    path = route.pattern.format(view="users", experiment="ranking", model="quiet", version="1")
    body = {"push_source_name": "users", "df": {"user": ["u"], "age": [1]}} if path == "/push" else dict(ROWS)
    body = {"units": ["u-1", "d-7"]} if path.startswith("/experiments") else body
    body = {"inputs": QUIET} if path.startswith("/v2") else body
    for call in (call_wsgi, call_asgi):
        answer = call(app, "POST", path, body, WRITE)
        assert answer.status == 403 if route.write not in ("", "predict") else answer.status in (200, 400), answer
    assert db.digest() == before


@pytest.mark.parametrize("kind", sorted(WRITES))
def test_one_kind_of_write_does_not_bring_the_others(kind: str) -> None:
    app = make_application(writes=[kind])
    for route in ROUTES:
        if route.write not in ("", "predict", kind):
            path = route.pattern.format(view="users", experiment="ranking")
            assert call_wsgi(app, "POST", path, ROWS, WRITE).status == 403
    assert app.db.as_of_offset == 16
