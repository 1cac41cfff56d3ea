"""WSGI (PEP 3333): one call a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from vectordb.serving.exchange import Exchange, Head
from vectordb.serving.http.body import Body, too_slow
from vectordb.serving.http.refusal import BadRequest
from vectordb.serving.limits import Limits

if TYPE_CHECKING:
    from vectordb.serving.application import Application

CHUNK: Final = 65_536
StartResponse = Callable[..., Any]


def serve_wsgi(app: Application, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request."""
    headers = dict(_headers(environ))
    exchange = Exchange(app, _head(environ, headers))
    unread = exchange.response is not None
    if exchange.response is None:
        try:
            body = _read_body(environ, headers, exchange, app.limits)
        except Exception as error:
            exchange.refuse(error)
        else:
            exchange.answer(body)
    response = exchange.response
    assert response is not None
    start_response(response.line, response.fields())
    body = b"" if environ.get("REQUEST_METHOD") == "HEAD" else response.body
    length = _sent(headers) if unread or response.status == 413 else 0
    return Refused(body, environ["wsgi.input"], length, app.limits) if length else [body]


def _head(environ: Mapping[str, Any], headers: Mapping[str, str]) -> Head:
    path = environ.get("PATH_INFO", "") or "/"
    try:
        path = path.encode("latin-1").decode("utf-8")  # PEP 3333: bytes as Latin-1
    except UnicodeError:
        path = ""  # refused as a path that is not absolute
    query = environ.get("QUERY_STRING", "").encode("latin-1", "replace")
    method, client = environ.get("REQUEST_METHOD", "GET"), environ.get("REMOTE_ADDR", "")
    return Head(method, path, b"", query, headers, client)


def _headers(environ: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").lower(), value
        elif name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield name.replace("_", "-").lower(), value


def _read_body(environ: Mapping[str, Any], headers: Mapping[str, str], exchange: Exchange, limits: Limits) -> bytes:
    length, chunked = exchange.length, "transfer-encoding" in headers
    if not exchange.wants_body:
        return b""
    if length is None and not environ.get("wsgi.input_terminated"):
        if chunked:
            raise BadRequest("this server needs a content length", status=411)
        return b""
    return _read(environ["wsgi.input"], length, limits)


def _read(stream: Any, length: int | None, limits: Limits) -> bytes:
    """The body, in pieces, so that a slow one ends: ``read1`` gives what has arrived, ``read`` waits for a piece."""
    deadline = monotonic() + limits.body_seconds
    read, body = getattr(stream, "read1", None) or stream.read, Body(limits, length)
    while length is None or body.size < length:
        try:
            piece = read(CHUNK if length is None else min(CHUNK, length - body.size))
        except TimeoutError:
            raise too_slow(limits) from None
        except Exception:  # the client left, or the server cannot make out its chunks
            raise BadRequest("the body of a request can be read") from None
        if not piece:
            break
        body.add(piece)
        if monotonic() > deadline:
            raise too_slow(limits)
    return body.whole()


class Refused:
    """The body of an answer to a request whose own body was not read.

    It is read once the answer is sent, for as long as a body may take, and thrown away: a client that is still sending
    could otherwise be cut off before it sees the answer (a socket that closes on unread bytes resets the connection).
    """

    def __init__(self, body: bytes, stream: Any, length: int, limits: Limits) -> None:
        self._body = body
        self._stream = stream
        self._length = length
        self._limits = limits

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    def close(self) -> None:
        """Called by the server at the end (PEP 3333)."""
        deadline, left = monotonic() + self._limits.body_seconds, self._length
        read = getattr(self._stream, "read1", None) or self._stream.read
        while left > 0 and monotonic() < deadline:
            try:
                piece = read(min(CHUNK, left))
            except Exception:  # the client has left, sends nothing more, or what no server reads
                piece = b""
            left = left - len(piece) if piece else 0


def _sent(headers: Mapping[str, str]) -> int:
    """The length of a body as it was said; 0 where it is no number."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
