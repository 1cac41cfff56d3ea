"""A small world behind an application, and clients that need no server: direct WSGI and ASGI calls."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from wsgiref.validate import validator

from vectordb import Bool, Category, Float, Int, ManualClock, Request, Text, Timestamp, Vector, VectorDB
from vectordb.serving import Application, BearerToken
from vectordb.transforms import StandardScaler

START = 1_700_000_000
WRITE = {"authorization": "Bearer s3cret"}


def make_world() -> VectorDB:
    """Drivers with every type of feature, services with and without a pipeline, an experiment, a prediction."""
    db = VectorDB(clock=ManualClock(START), seed=7)
    drivers = db.create_view("drivers", entity="driver", ttl=86_400, features={
        "trips": Int(default=0), "rating": Float(), "city": Category(), "active": Bool(), "note": Text(),
        "joined": Timestamp(), "profile": Vector(2, metric="euclidean")})  # fmt: skip
    users = db.create_view("users", entity="user", features={"age": Int(), "trips": Int()})
    drivers.put("d-7", {"trips": 12, "rating": 4.5, "city": "Rome", "active": True, "note": "nö", "joined": START,
                        "profile": [1.0, 2.0]})  # fmt: skip
    drivers.put("d-8", {"trips": None, "rating": 3.0, "profile": [0.0, 0.5]})
    drivers.put("old", {"trips": 3}, event_time=START - 200_000)
    drivers.put(7, {"trips": 70})
    drivers.put(("eu", 7), {"trips": 77})
    drivers.put("a/b", {"trips": 5})
    users.put("u-1", {"age": 33, "trips": 2})
    db.create_service("ranker", features=["drivers:trips", "drivers:rating", Request("km", Float())])
    db.create_service("pairs", features=["users:age", "drivers:trips"])
    db.create_service("shown", features=["drivers:trips", "drivers:city", "drivers:joined", "drivers:profile"])
    db.create_service("scaled", features=["drivers:trips", "drivers:rating"], pipeline=StandardScaler())
    db.create_model("risk", "linear", features=["trips", "km"], coefficients=[1.0, 2.0], intercept=0.5)
    db.create_experiment("ranking", arms={"control": 0.5, "treatment": 0.5}, unit="driver")
    row = db.service("ranker").get("d-7", request={"km": 3.0})
    db.record_prediction(row, model="risk")
    return db


def a_file(path: Path) -> VectorDB:
    """A small ledger in a file."""
    db = VectorDB.open(path, clock=ManualClock(START))
    db.create_view("users", entity="user", features={"age": Int()}).put("u-1", {"age": 1})
    return db


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call_wsgi(
    app: Application, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None, **more: Any
) -> Answer:
    """One request, checked by the standard library's validator of WSGI."""
    path, _, query = target.partition("?")
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": query, "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(raw),
        "wsgi.errors": io.StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip
    if raw:
        environ |= {"CONTENT_LENGTH": str(len(raw)), "CONTENT_TYPE": "application/json"}
    for name, value in (headers or {}).items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    environ |= more
    started: list[Any] = []
    length = environ.get("CONTENT_LENGTH", "")
    checked = validator(app) if length == "" or length.isdecimal() else app  # the validator reads it as a number
    result = checked(environ, lambda status, fields, info=None: started.append((status, fields)))
    try:
        found = b"".join(result)
    finally:
        getattr(result, "close", list)()
    status, fields = started[0]
    return Answer(int(status[:3]), dict(fields), found)


def call_asgi(
    app: Application, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None, **more: Any
) -> Answer:
    """The same as ASGI, the body in pieces of 7 bytes."""
    path, _, query = target.partition("?")
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    fields = {"content-type": "application/json", **(headers or {})} if raw else dict(headers or {})
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": quote(path, safe="/%").encode(),
        "query_string": query.encode(), "headers": [(k.encode(), v.encode()) for k, v in fields.items()], **more,
    }  # fmt: skip
    pieces = [raw[start : start + 7] for start in range(0, len(raw), 7)] or [b""]
    messages = [{"type": "http.request", "body": one, "more_body": True} for one in pieces]
    messages[-1]["more_body"] = False
    return asyncio.run(exchange(app, scope, messages))


async def exchange(app: Application, scope: dict[str, Any], messages: list[dict[str, Any]]) -> Answer:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return Answer(0, {}, b"")
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(one["body"] for one in sent[1:]))


def make_application(**options: Any) -> Application:
    """An application over the world; writes need the token."""
    return Application(make_world(), authorize=BearerToken(write="s3cret"), **options)
