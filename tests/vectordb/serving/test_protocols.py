"""WSGI and ASGI: their corners, slow clients, and what is answered beside the loop."""

from __future__ import annotations

import asyncio
import threading
from time import sleep
from typing import Any

import pytest

from tests.vectordb.serving.serving_world import call_asgi, call_wsgi, exchange, make_application, make_world
from vectordb.serving import Application, Limits

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


@pytest.mark.parametrize(
    ("error", "status"), [(None, 408), (TimeoutError, 408), (ConnectionResetError, 400), (ValueError, 400)]
)  # the last: gunicorn, of a chunk that has no size
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
    assert call_wsgi(app, "GET", "/views", PATH_INFO="").body == call_wsgi(app, "GET", "/").body


@pytest.mark.parametrize(("rows", "aside"), [(3, False), (200, False), (300, True)])
def test_many_entities_are_read_beside_the_loop(rows: int, aside: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    db, seen = make_world(), set()
    plain = db.consistently

    def consistently(*arguments: Any) -> Any:
        seen.add(threading.get_ident())
        return plain(*arguments)

    monkeypatch.setattr(db, "consistently", consistently)
    body = {"feature_service": "shown", "entities": {"driver": [1] * rows}}
    assert call_asgi(Application(db), "POST", "/get-online-features", body).status == 200
    assert (threading.get_ident() not in seen) is aside
