"""A call: one request on its way to its answer, with what answers need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ledger import Entity, Instant, InvalidVersion, check_entity, parse_version
from vectordb.database import VectorDB
from vectordb.reader import Reader
from vectordb.serving.http.fields import Fields
from vectordb.serving.http.refusal import BadRequest
from vectordb.serving.http.request import HttpRequest
from vectordb.serving.http.strict_json import parse_json
from vectordb.serving.limits import Limits

if TYPE_CHECKING:
    from vectordb.serving.application import Application

NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]*)?\Z")  # or what could be taken for one
WHOLE: Final = re.compile(r"[0-9]{1,15}\Z")
SECONDS: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?\Z")


class Call:
    """What a route's answer is given: the application, the request, the names in its path and its body."""

    def __init__(self, app: Application, request: HttpRequest, names: Mapping[str, str], body: bytes) -> None:
        self.app = app
        self.request = request
        self.names = names
        self.raw_body = body
        self.rows = 0  # how many entities, rows or units the answer is of; for the metrics

    @property
    def db(self) -> Reader:
        """The database as it is served."""
        return self.app.db

    @property
    def limits(self) -> Limits:
        """What a request may ask for."""
        return self.app.limits

    @property
    def writable(self) -> VectorDB:
        """The database to write to; the route was allowed to."""
        db = self.app.db
        assert isinstance(db, VectorDB)
        return db

    @cached_property
    def body(self) -> Fields:
        """The JSON body's fields."""
        return Fields(parse_json(self.raw_body, self.limits.depth))

    def count(self, rows: int, features: int) -> None:
        """Note how many rows are answered; refuse more values than one answer may have, before they are read."""
        self.rows, cells = rows, rows * features
        if cells > self.limits.cells:
            rule = f"an answer has at most {self.limits.cells} values"
            raise BadRequest(rule, status=413, rows=rows, features=features)

    # -- which reader ----------------------------------------------------------------------------------

    @property
    def reader(self) -> Reader:
        """The database, or the past that the query asks for."""
        return self.past_of(dict(self.request.query))

    def reader_of(self, fields: Fields) -> Reader:
        """The same where the body (or its parameters) may say it too; once, in one of the two."""
        asked: dict[str, Any] = dict(self.request.query)
        for name in ("as_of", "as_of_time", "as_of_mark", "as_of_prediction"):
            given = fields.take(name, None)
            if given is not None and name in asked:
                raise BadRequest("as_of is asked once, in the query or in the body", name=name)
            if given is not None:
                asked[name] = given
        return self.past_of(asked)

    def past_of(self, asked: Mapping[str, Any]) -> Reader:
        """The reader of the as_of parameters."""
        options: dict[str, Any] = {}
        if "as_of" in asked:
            options["offset"] = _whole(asked["as_of"])
        for name, key in (("as_of_time", "time"), ("as_of_mark", "mark"), ("as_of_prediction", "prediction")):
            if name in asked:
                options[key] = _instant(asked[name], name) if key == "time" else _text(asked[name], name)
        return self.db.as_of(**options) if options else self.db

    @property
    def at(self) -> Instant | None:
        """The clock that the query asks for."""
        given = self.request.query.get("at")
        return None if given is None else _instant(given, "at")

    def at_of(self, fields: Fields) -> Instant | None:
        """The same, where the body may say it too."""
        given: Instant | None = fields.instant("at")
        return self.at if given is None else given

    @property
    def idempotency_key(self) -> str | None:
        """The key of the Idempotency-Key header."""
        return self.request.headers.get("idempotency-key")

    # -- ids -------------------------------------------------------------------------------------------

    def entity(self, name: str) -> Entity:
        """An entity id of the path in the spelling of version ids: ``d-7``, ``7``, ``"7"``, ``["eu",7]``.

        Text that begins with a digit (``550e8400-e29b``) needs no quotes, unless all of it reads like a number.
        """
        given = self.names[name]
        if given[0] in "-0123456789" and not NUMBER.match(given):
            return check_entity(given)
        try:
            return parse_version(f"e/{given}@1").entity
        except InvalidVersion:
            rule = """an id of a path reads d-7, 7, "7" or ["eu",7]: text like a number, a list or JSON is quoted"""
            raise BadRequest(rule, given=given[:100]) from None


def _whole(given: Any) -> int:
    if type(given) is int and given.bit_length() < 60:
        return given
    if isinstance(given, str) and WHOLE.match(given):
        return int(given)
    raise BadRequest("as_of is an offset (as_of_time, as_of_mark, as_of_prediction name one)", given=str(given)[:40])


def _instant(given: Any, name: str) -> Instant:
    if isinstance(given, str):
        return float(given) if SECONDS.match(given) else given
    if type(given) in (int, float):
        return given  # type: ignore[no-any-return]
    raise BadRequest(f"{name} is RFC 3339 text, or seconds", type=type(given).__name__)


def _text(given: Any, name: str) -> str:
    if not isinstance(given, str) or not given:
        raise BadRequest(f"{name} is text", type=type(given).__name__)
    return given
