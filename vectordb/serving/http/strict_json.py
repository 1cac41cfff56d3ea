"""Strict JSON: RFC 8259 without what parsers disagree about."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from math import isfinite
from typing import Any, Final

from vectordb.serving.http.refusal import BadRequest, PartFailed

ESCAPED: Final = re.compile(rb"\\.", re.DOTALL)
QUOTED: Final = re.compile(rb'"[^"]*"')
NO_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b'[]{}"')))
SQUARE: Final = bytes.maketrans(b"{}", b"[]")
MAY_OVERFLOW: Final = re.compile(rb"[eE]|[0-9]{300}")


def parse_json(body: bytes, depth: int = 32) -> Any:
    """The value of a JSON text in UTF-8.

    Refused, with status 400: other encodings, a byte order mark, duplicate keys, NaN and Infinity, numbers beyond
    float64, lone surrogates, more than ``depth`` levels. Depth is found without recursion before anything is built:
    strings are cut out, and each pass over the brackets alone takes off the innermost level (2 ns a byte).

    >>> parse_json(b'{"k": [1, 2.5, null]}')
    {'k': [1, 2.5, None]}
    """
    _check_depth(body, depth)
    try:
        text = body.decode("utf-8")
        real: Callable[[str], float] = _finite if MAY_OVERFLOW.search(body) else float
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=real)
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise BadRequest("a body is UTF-8, without lone surrogates") from None
    except RecursionError:
        raise BadRequest(f"JSON is at most {depth} levels deep", limit=depth) from None
    except json.JSONDecodeError as error:
        raise BadRequest("a body is JSON", problem=error.msg, position=error.pos) from None
    except BadRequest:
        raise
    except ValueError:  # an int of more digits than the interpreter reads
        raise BadRequest("a number of JSON has at most 4300 digits") from None
    return value


def _check_depth(body: bytes, depth: int) -> None:
    if body.count(b"[") + body.count(b"{") <= depth:
        return
    if b"\\" in body:
        body = ESCAPED.sub(b"", body)
    brackets = QUOTED.sub(b"", body.translate(None, NO_BRACKETS)).translate(SQUARE, b'"')
    for _ in range(depth):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise BadRequest(f"JSON is balanced, and at most {depth} levels deep", limit=depth)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise BadRequest("a key of a JSON object occurs once", key=twice)
    return found


def _constant(name: str) -> Any:
    raise BadRequest("JSON has no NaN and no Infinity", value=name)


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise BadRequest("a number fits in float64", value=text[:40])
    return number


def dump_json(value: Any) -> bytes:
    """JSON of what reads give: instants as RFC 3339, vectors as lists, and null for a NaN that a pipeline let through.

    >>> dump_json({"at": datetime.fromisoformat("2026-01-01T00:00:00+00:00"), "x": float("nan")})
    b'{"at":"2026-01-01T00:00:00Z","x":null}'
    """
    try:
        return _dumps(value)
    except ValueError:
        return _dumps(_without_nan(value))


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_plain).encode("ascii")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc_3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "tolist"):  # memoryviews, and arrays of other libraries that a model answers with
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise PartFailed("the model")  # an object that no JSON has


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return _without_nan(value.tolist()) if hasattr(value, "tolist") else value


def rfc_3339(instant: datetime) -> str:
    """An aware UTC datetime as RFC 3339 with Z."""
    return instant.isoformat().replace("+00:00", "Z")
