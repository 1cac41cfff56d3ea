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
LENGTH: Final = re.compile(r"[0-9]{1,15}\Z")
CHARSET: Final = re.compile(r"charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


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


def check_media(headers: Mapping[str, str], writes: bool) -> None:
    """Refuse bodies that are not JSON in UTF-8, not compressed. Writes say so themselves, or say nothing.

    A form's content types are taken for reads (``curl -d`` sends them) and refused for writes: another site's page
    can send those.
    """
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise BadRequest("a body is not compressed", status=415, content_encoding=coding[:40])
    kind = headers.get("content-type", "")
    charset = CHARSET.search(kind)
    if charset is not None and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise BadRequest("a body is UTF-8", status=415, charset=charset[1][:40])
    media = kind.partition(";")[0].strip().lower()
    good = media in ("", "application/json", "application/octet-stream") or media.endswith("+json")
    if not good and (writes or media.startswith("multipart/")):
        raise BadRequest("a body is application/json", status=415, content_type=media[:80])


def check_length(headers: Mapping[str, str], limits: Limits) -> int | None:
    """The content length; None where there is none. Refuses other spellings, too much, and two ways to end a body."""
    text, coding = headers.get("content-length", ""), headers.get("transfer-encoding", "chunked")
    if coding.strip().lower() != "chunked":
        raise BadRequest("a body is whole or chunked, and not compressed", transfer_encoding=coding[:40])
    if text == "":
        return None
    if "transfer-encoding" in headers:  # proxies and servers differ in which of the two they take
        raise BadRequest("a body has a length or is chunked, not both")
    if not LENGTH.match(text):
        raise BadRequest("a content length is decimal digits", content_length=text[:40])
    length = int(text)
    if length > limits.body_bytes:
        raise BadRequest(f"a body has at most {limits.body_bytes} bytes", status=413, content_length=length)
    return length
