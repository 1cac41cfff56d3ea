"""An exchange: one request from its head to its answer, the same under WSGI and ASGI.

The order: path, route, query, authorisation, media type and length (``__init__``); then the adapter reads the body
and asks for the ``answer``. Whatever goes wrong becomes a response here; nothing is raised into a server.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import VectorDBError
from vectordb.serving.authorization import check_allowed
from vectordb.serving.http.body import check_media, content_length
from vectordb.serving.http.refusal import BadRequest, PartFailed
from vectordb.serving.http.request import HttpRequest, check_path, check_raw, parse_query
from vectordb.serving.http.response import Response, error_response
from vectordb.serving.routes.call import Call
from vectordb.serving.routes.route import Found

if TYPE_CHECKING:
    from vectordb.serving.application import Application

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
LARGE: Final = 16_384  # bytes of a body
MANY: Final = 256  # commas in it: entities, however short their ids, each of which may be a hundred values
BODIES: Final = frozenset({"POST", "PUT", "PATCH"})
logger = logging.getLogger("vectordb.serving")


class Head(NamedTuple):
    """What an adapter read before the body; ``raw`` is the path as it was sent, where the server tells."""

    method: str
    path: str
    raw: bytes
    query: bytes
    headers: Mapping[str, str]
    client: str


class Exchange:
    """``response`` is there as soon as it is known; until then ``wants_body`` tells whether a body is to be read."""

    def __init__(self, app: Application, head: Head) -> None:
        self._app = app
        self._start = perf_counter()
        self._method = head.method if head.method in METHODS else "OTHER"
        self._found: Found | None = None
        self._style = app.router.style(head.path)
        self.response: Response | None = None
        self.length: int | None = None
        try:
            self._request = self._open(head)
        except Exception as error:
            self.refuse(error)

    def _open(self, head: Head) -> HttpRequest:
        limits = self._app.limits
        check_raw(head.raw)
        path = check_path(head.path, limits)
        self._found = found = self._app.router.find(head.method, path)
        route = found.route
        query = parse_query(head.query, limits)
        unknown = sorted(set(query) - route.query)
        if unknown:
            raise BadRequest("a query has only known parameters", unknown=unknown[:20], known=sorted(route.query))
        write = self._app.write_of(route, found.names)
        request = HttpRequest(
            head.method, path, query, head.headers, route=route.pattern, write=write, client=head.client
        )
        if not route.open:
            check_allowed(self._app.authorize, request)
        if write and write not in self._app.writes:
            raise BadRequest("the application takes no such writes", status=403, write=write)
        self.length = content_length(head.headers, limits)
        if head.method in BODIES:
            check_media(head.headers, bool(write))
        return request

    @property
    def wants_body(self) -> bool:
        """Whether an answer needs the body of the request."""
        return self.response is None and self._method in BODIES

    def is_slow(self, body: bytes) -> bool:
        """Whether the answer may take long enough to hold up others: by its route, its model, its size, its refresh."""
        if self._found is None:
            return False
        route, names = self._found
        app = self._app
        due = app.refresher is not None and app.refresher.is_due
        large = len(body) > LARGE or body.count(b",") > MANY
        return due or large or route.slow or names.get("model") in app.predictors

    def answer(self, body: bytes) -> Response:
        """The response to the whole request; takes as long as the read that it is."""
        if self.response is None and self._found is not None:
            call = Call(self._app, self._request, self._found.names, body)
            try:
                self._app.refresh()
                self.response = self._found.route.answer(call)
                self._app.meters.rows.add(self._found.route.pattern, amount=call.rows)
            except Exception as error:
                return self.refuse(error)
        return self._done()

    def refuse(self, error: Exception) -> Response:
        """The response to an error; what no request should meet is logged."""
        if not isinstance(error, (VectorDBError, PartFailed)):
            error = self._blame(error)
        response = error_response(error, self._style)
        if response.status >= 500:
            logger.error("%s %s failed", self._method, self._pattern, exc_info=error)
        self.response = response
        return self._done()

    def _blame(self, error: Exception) -> Exception:
        """The clock that was given to the database, where it fails; else the error itself, a fault of ours."""
        try:
            self._app.db.clock()
        except Exception:
            failed = PartFailed("the clock")
            failed.__cause__ = error
            return failed
        return error

    @property
    def _pattern(self) -> str:
        return "other" if self._found is None else self._found.route.pattern

    def _done(self) -> Response:
        response = self.response
        assert response is not None
        meters, pattern = self._app.meters, self._pattern
        meters.requests.add(pattern, self._method, str(response.status))
        meters.duration.add(perf_counter() - self._start, pattern, self._method)
        return response
