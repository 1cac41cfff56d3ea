"""The application: one object that a WSGI or an ASGI server calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from ledger import InvalidInput, check_name
from vectordb.database import VectorDB
from vectordb.observability import Family, Metrics
from vectordb.reader import Reader
from vectordb.serving.asgi import serve_asgi
from vectordb.serving.authorization import Authorize, check_hook
from vectordb.serving.limits import Limits
from vectordb.serving.meters import Meters
from vectordb.serving.predictor import Predictor
from vectordb.serving.refresher import Refresher
from vectordb.serving.routes import ROUTES
from vectordb.serving.routes.route import Route, Router
from vectordb.serving.wsgi import serve_wsgi

WRITES: Final = frozenset({"push", "rows", "expose", "predict"})
NO_PREDICTORS: Final[Mapping[str, Predictor]] = {}
F = TypeVar("F", bound=Callable[..., Any])


def as_coroutine(function: F) -> F:
    """Marked so that servers which ask (uvicorn, hypercorn) take its object for ASGI; 3.11 has no such mark.

    There uvicorn takes it for ASGI 2, whose one-argument call is answered too.
    """
    mark = getattr(inspect, "markcoroutinefunction", None)
    return function if mark is None else mark(function)


class Application:
    """A database behind a server: ``app(environ, start_response)`` is WSGI, ``await app(scope, receive, send)`` ASGI.

    It mounts in wsgiref, gunicorn, uvicorn, Starlette, FastAPI and whatever else takes either. ``db`` is live, a
    follower (``refresh_seconds``: how often it reads its file or shared ledger again) or a past. It answers Feast's
    feature server, the Open Inference Protocol v2 (a model is a service, or one of ``predictors`` by name), views,
    search, experiments, predictions, ``/health`` and ``/metrics``: ``vectordb.serving`` and ``GET /`` list the paths.

    It is read-only until ``writes`` says otherwise: True, or some of ``push``, ``rows``, ``expose``, ``predict`` (a
    predictor that records). Writes need ``authorize``: a callable of the ``HttpRequest``, asked before the body is
    read (under ASGI on the event loop), whose True lets it in; ``BearerToken`` is one. ``metrics`` gives further metric
    families: a ``Metrics`` of ``vectordb.observability``, or a callable. What these and models raise is logged, and
    answered with 503. ``threads`` answers what may take long (searches, models, writes, large bodies, a follower's
    refresh) in threads under ASGI. ``join_keys`` puts the entities before the features in Feast's answers, as its own
    server does. Counters are those of this process.

    Raises ``InvalidInput`` for writes that are unknown or without ``authorize``, for a predictor that records where
    ``predict`` is no write, and for what is to be written to or refreshed and cannot be.

    >>> app = Application(VectorDB())
    >>> answer = app({"REQUEST_METHOD": "GET", "PATH_INFO": "/v2/health/live"}, lambda status, headers: None)
    >>> b"".join(answer)
    b'{"live":true}'
    """

    def __init__(
        self,
        db: Reader,
        *,
        writes: bool | Iterable[str] = False,
        authorize: Authorize | None = None,
        limits: Limits | None = None,
        predictors: Mapping[str, Predictor] = NO_PREDICTORS,
        refresh_seconds: float | None = None,
        metrics: Metrics | Callable[[], Iterable[Family]] | None = None,
        threads: bool = True,
        join_keys: bool = False,
    ) -> None:
        self.db = db
        self.writes = _kinds(writes)
        self.authorize = check_hook(authorize)
        self.limits = limits or Limits()
        self.predictors = {check_name(name): predictor for name, predictor in predictors.items()}
        self.metrics = metrics.families if isinstance(metrics, Metrics) else metrics
        self.threads = threads
        self.join_keys = join_keys
        self.meters = Meters()
        self.router = Router(ROUTES)
        self.refresher = None if refresh_seconds is None else Refresher(_database(db), refresh_seconds)
        self._check_writes()

    def _check_writes(self) -> None:
        if self.writes:
            _database(self.db)
            if self.authorize is None:
                rule = "writes need authorize: a BearerToken, or a callable of the request that gives True"
                raise InvalidInput(rule, writes=sorted(self.writes))
        recording = sorted(name for name, predictor in self.predictors.items() if predictor.records)
        if recording and "predict" not in self.writes:
            rule = "a predictor that records is served with writes: True, or 'predict' among them"
            raise InvalidInput(rule, predictors=recording, writes=sorted(self.writes))

    @as_coroutine
    def __call__(self, *arguments: Any) -> Any:
        """WSGI with two arguments, ASGI with three (and with one, as ASGI 2 did)."""
        if len(arguments) == 2:
            return serve_wsgi(self, *arguments)
        if len(arguments) == 1:
            return partial(serve_asgi, self, arguments[0])
        return serve_asgi(self, *arguments)

    @property
    def condition(self) -> str:
        """``ok``; ``behind``: a follower cannot refresh; ``closed``: the database takes no writes that are on."""
        if self.writes and _database(self.db).writer.closed is not None:
            return "closed"
        return "behind" if self.refresher is not None and self.refresher.failing else "ok"

    def refresh(self) -> None:
        """Let a follower catch up, if it is time."""
        if self.refresher is not None:
            self.refresher.touch()

    def write_of(self, route: Route, names: Mapping[str, str]) -> str:
        """The kind of write that a request is; inference is one where its predictor records."""
        if route.write != "predict":
            return route.write
        predictor = self.predictors.get(names.get("model", ""))
        return "predict" if predictor is not None and predictor.records else ""

    def __repr__(self) -> str:
        return f"Application({self.db!r}, writes={sorted(self.writes)}, predictors={sorted(self.predictors)})"


def _kinds(writes: bool | Iterable[str]) -> frozenset[str]:
    if isinstance(writes, bool):
        return WRITES if writes else frozenset()
    kinds = frozenset([writes] if isinstance(writes, str) else writes)
    if not kinds <= WRITES:
        raise InvalidInput("writes are True, False, or some of the kinds", known=sorted(WRITES), given=sorted(kinds))
    return kinds


def _database(db: Reader) -> VectorDB:
    if not isinstance(db, VectorDB):
        raise InvalidInput("a past takes no writes and follows nothing", db=type(db).__name__)
    return db
