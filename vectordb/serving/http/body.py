"""A body: what the head says of it, and its bytes as they arrive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from vectordb.serving.http.refusal import NO_HEADERS, BadRequest
from vectordb.serving.limits import Limits

LENGTH: Final = re.compile(r"[0-9]{1,15}\Z")
CHARSET: Final = re.compile(r"charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


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


def content_length(headers: Mapping[str, str], limits: Limits) -> int | None:
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
        raise _too_large(limits, content_length=length)
    return length


class Body:
    """The pieces of a body: never more of them than the limits allow, and in the end as long as the head says."""

    def __init__(self, limits: Limits, length: int | None) -> None:
        """``length`` is the content length, None where the server knows the end."""
        self.size = 0
        self._limits = limits
        self._length = length
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """One more piece."""
        self.size += len(piece)
        if self.size > self._limits.body_bytes:
            raise _too_large(self._limits)
        self._pieces.append(piece)

    def whole(self) -> bytes:
        """All of it."""
        if self._length is not None and self.size != self._length:
            rule = "a body is as long as its content length says"
            raise BadRequest(rule, content_length=self._length, given=self.size)
        return b"".join(self._pieces)


def _too_large(limits: Limits, **values: Any) -> BadRequest:
    return BadRequest(f"a body has at most {limits.body_bytes} bytes", status=413, **values)


def too_slow(limits: Limits, headers: Mapping[str, str] = NO_HEADERS) -> BadRequest:
    """The refusal of a body that has not arrived in time."""
    return BadRequest("a body arrives in time", status=408, headers=headers, seconds=limits.body_seconds)
