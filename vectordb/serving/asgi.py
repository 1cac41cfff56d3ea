"""ASGI 3: HTTP and lifespan, under asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from vectordb.serving.exchange import Exchange, Head
from vectordb.serving.http.body import Body, too_slow
from vectordb.serving.http.refusal import BadRequest
from vectordb.serving.http.response import Response
from vectordb.serving.limits import Limits

if TYPE_CHECKING:
    from vectordb.serving.application import Application

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Disconnected(Exception):
    """The client left before its body was whole: nobody is there to be answered."""


async def serve_asgi(app: Application, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one connection scope."""
    kind = scope["type"]
    if kind == "lifespan":
        await _live(receive, send)
    elif kind == "http":
        await _answer(app, scope, receive, send)
    elif kind == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1003})  # RFC 6455: what it cannot accept
    else:
        raise ValueError(f"unsupported scope type: {kind}")  # as the specification asks


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _answer(app: Application, scope: Scope, receive: Receive, send: Send) -> None:
    exchange = Exchange(app, _head(scope))
    if exchange.response is None:
        try:
            body = await _read_body(receive, exchange, app.limits) if exchange.wants_body else b""
        except Disconnected:
            return
        except BadRequest as error:
            exchange.refuse(error)
        else:
            await _answer_call(app, exchange, body)
    response = exchange.response
    assert response is not None
    await _send(send, response, scope["method"] == "HEAD")


async def _answer_call(app: Application, exchange: Exchange, body: bytes) -> None:
    """Short reads are answered at once: a thread for each would fight the loop for the interpreter (5 ms a turn).

    A search, a model or a disk may take long, and the loop goes on meanwhile.
    """
    if app.threads and exchange.is_slow(body):
        await asyncio.get_running_loop().run_in_executor(None, exchange.answer, body)
    else:
        exchange.answer(body)


async def _read_body(receive: Receive, exchange: Exchange, limits: Limits) -> bytes:
    body = Body(limits, exchange.length)
    try:
        async with asyncio.timeout(limits.body_seconds):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                body.add(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        raise too_slow(limits, {"connection": "close"}) from None
    return body.whole()


def _head(scope: Scope) -> Head:
    headers: dict[str, str] = {}
    for key, value in scope.get("headers", ()):
        name, text = key.decode("latin-1").lower(), value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    path, root = scope["path"], scope.get("root_path", "")
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :] or "/"
    client = scope.get("client") or ("", 0)
    raw = scope.get("raw_path") or b""
    return Head(scope["method"], path, raw, scope.get("query_string", b""), headers, str(client[0]))


async def _send(send: Send, response: Response, head: bool) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.fields()]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})
