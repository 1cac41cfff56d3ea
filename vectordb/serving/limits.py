"""Limits: how much one request may ask for."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ledger import InvalidInput


@dataclass(frozen=True)
class Limits:
    """What one request may take; more is refused with a 4xx, and the body is never held whole beyond ``body_bytes``.

    ``batch`` counts entities, units or rows, ``cells`` the values of one answer (rows times features), ``queries`` the
    queries of one search, ``depth`` levels of JSON, ``head_bytes`` the path and query. ``body_seconds`` bounds how long
    a body may take to arrive: under ASGI and where a WSGI server's input has ``read1`` exactly, else by the server's
    own timeout. Raises ``InvalidInput`` for what is no number above 0.

    >>> Limits(k=50).k
    50
    """

    body_bytes: int = 8 << 20
    batch: int = 10_000
    cells: int = 1_000_000
    queries: int = 100
    k: int = 1_000
    depth: int = 32
    head_bytes: int = 8_192
    body_seconds: float = 10.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            kinds = (int, float) if item.name == "body_seconds" else (int,)
            if type(value) not in kinds or not 0 < value < float("inf"):
                raise InvalidInput("a limit is a number above 0", limit=item.name, value=value)
