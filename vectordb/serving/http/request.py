"""A request: its head as the protocol adapters read it, checked before anything is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from vectordb.serving.http.refusal import BadRequest
from vectordb.serving.limits import Limits

CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
MALFORMED: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class HttpRequest:
    """What ``authorize`` is given: method, decoded path, query, and headers with names in lower case.

    ``route`` is the pattern that the path matches, ``/views/{view}``; ``write`` the kind of write that it is, one of
    ``push``, ``rows``, ``expose``, ``predict``, or empty for a read. The body has not been read yet.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    route: str = ""
    write: str = ""
    client: str = ""

    @property
    def bearer(self) -> str:
        """The bearer token of the request (RFC 6750), or empty."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


def check_path(path: str, limits: Limits) -> str:
    """A decoded path: absolute, without control characters and without ``.`` and ``..``."""
    if len(path) > limits.head_bytes:
        raise BadRequest("a path is not too long", status=414, limit=limits.head_bytes)
    if not path.startswith("/") or CONTROL.search(path):
        raise BadRequest("a path is absolute and has no control characters")
    if not {".", ".."}.isdisjoint(path.split("/")):
        raise BadRequest("a path has no segments . and ..")
    return path


def check_raw(raw: bytes) -> None:
    """Percent encoding that means one thing: whole escapes, of UTF-8."""
    if MALFORMED.search(raw):
        raise BadRequest("a percent sign begins an escape of two hex digits")
    try:
        unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("a path and a query are UTF-8") from None


def parse_query(raw: bytes, limits: Limits) -> dict[str, str]:
    """The parameters of a query string; each at most once.

    >>> parse_query(b"as_of=12&at=2026-01-01T00:00:00Z", Limits())
    {'as_of': '12', 'at': '2026-01-01T00:00:00Z'}
    """
    if not raw:
        return {}
    if len(raw) > limits.head_bytes:
        raise BadRequest("a query is not too long", status=414, limit=limits.head_bytes)
    check_raw(raw)
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=32)
    except ValueError:
        raise BadRequest("a query is at most 32 parameters name=value in ASCII") from None
    if len(dict(pairs)) != len(pairs):
        raise BadRequest("a query parameter occurs once", names=sorted({name for name, _ in pairs})[:20])
    return dict(pairs)
