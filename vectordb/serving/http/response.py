"""A response: status, headers and body, the same for both protocols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from vectordb.serving.http.refusal import BadRequest, message_of, status_of
from vectordb.serving.http.strict_json import dump_json

JSON: Final = "application/json"


@dataclass(frozen=True)
class Response:
    """An answer, whole."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """Status code and reason, as WSGI takes them."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"

    def fields(self) -> list[tuple[str, str]]:
        """The header fields. What is served is data of a moment: never kept, never taken for something else."""
        return [
            ("content-type", self.content_type),
            ("content-length", str(len(self.body))),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            *self.headers.items(),
        ]


def json_response(value: Any, status: int = 200) -> Response:
    """Plain data as JSON."""
    return Response(status, dump_json(value))


def in_seconds(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A definition with a duration told in seconds, under a name that says so; the stored form has microseconds.

    >>> in_seconds({"aggregate": "sum", "window": 3_600_000_000}, "window")
    {'aggregate': 'sum', 'window_s': 3600.0}
    """
    told = dict(body)
    if name in told:
        told[f"{name}_s"] = told.pop(name) / 1e6
    return told


def error_response(error: BaseException, style: str) -> Response:
    """An error in a protocol's own form: all have ``error``; Feast's clients read ``detail``, ours a ``code``."""
    status = status_of(error)
    message = message_of(error, status)
    body: dict[str, Any] = {"error": message}
    if style == "feast":
        body["detail"] = message
    elif style != "inference" and status < 500:
        body["code"] = getattr(error, "code", "InvalidInput")
    headers = dict(error.headers) if isinstance(error, BadRequest) else {}
    return Response(status, dump_json(body), headers=headers)
