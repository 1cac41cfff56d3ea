"""Refusals: the errors of requests, and the HTTP status of every error.

    400 malformed, wrong types, a broken rule        401, 403 not authorised, writes that are off
    404 unknown names, ids, offsets; no such path    405 another method        408 too slow a body
    409 an expectation does not hold                 410 pruned or erased      411, 413, 414, 415 of the body and path
    503 what the application was given failed (the hook, a model, metrics), or the ledger takes no writes now
    500 never by what was asked; both are logged, and told without what is inside
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ledger import (
    Conflict,
    DefinitionConflict,
    DefinitionError,
    EntityNotFound,
    Erased,
    InvalidInput,
    MarkConflict,
    NotInLog,
    Pruned,
    ReadOnlyLedger,
    StoreError,
    UnknownName,
    VectorDBError,
)

LONGEST: Final = 1_000  # characters of a message
NO_HEADERS: Final[Mapping[str, str]] = {}


class BadRequest(InvalidInput):
    """A request that breaks a rule of HTTP, of its protocol or of the limits; ``status`` is its 4xx."""

    def __init__(
        self, rule: str, *, status: int = 400, headers: Mapping[str, str] = NO_HEADERS, **values: Any
    ) -> None:
        super().__init__(rule, **values)
        self.status = status
        self.headers = headers

    @property
    def code(self) -> str:
        """As every invalid input."""
        return "InvalidInput"


class PartFailed(Exception):
    """Something that the application was given (``authorize``, a model, ``metrics``, a clock) raised no refusal."""


STATUSES: Final[tuple[tuple[type[VectorDBError], int], ...]] = (  # the first that fits
    (Pruned, 410),
    (Erased, 410),
    (EntityNotFound, 404),
    (NotInLog, 404),
    (UnknownName, 404),
    (DefinitionConflict, 409),
    (MarkConflict, 409),
    (Conflict, 409),
    (InvalidInput, 400),
    (DefinitionError, 400),
    (ReadOnlyLedger, 403),
    (StoreError, 503),
)


def status_of(error: BaseException) -> int:
    """The status of an error; 500 for what no request should meet.

    >>> status_of(UnknownName("no view of that name", view="x")), status_of(ZeroDivisionError())
    (404, 500)
    """
    if isinstance(error, BadRequest):
        return error.status
    if isinstance(error, PartFailed):
        return 503
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def message_of(error: BaseException, status: int) -> str:
    """What the client is told: the broken rule and the values that broke it; of a 5xx nothing but that it is one."""
    if isinstance(error, PartFailed):
        return f"{error} cannot answer now"
    if status >= 500:
        return "the database cannot answer now" if status == 503 else "internal error"
    if isinstance(error, StoreError):
        return "the database takes no writes"  # its values name a file
    text = str(error)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
