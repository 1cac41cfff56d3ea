"""Authorisation: who may ask for what."""

from __future__ import annotations

import re
from collections.abc import Callable
from hmac import compare_digest
from inspect import iscoroutinefunction
from typing import Final, Never, TypeAlias

from ledger import InvalidInput, VectorDBError
from vectordb.serving.http.refusal import BadRequest, PartFailed
from vectordb.serving.http.request import HttpRequest

TOKEN: Final = re.compile(r"[!-~]+\Z")  # what a header can carry as it is
Authorize: TypeAlias = Callable[[HttpRequest], bool]


class BearerToken:
    """Lets requests in by a bearer token: one for reads, one for writes (which may read too).

    None for ``read`` leaves reads open; None for ``write`` shuts writes. Tokens are compared in constant time.
    Raises ``InvalidInput`` for a token that is empty, not what a header can carry, or given without its name.

    >>> readers = BearerToken(read="r3ad", write="s3cret")
    >>> readers(HttpRequest("GET", "/views", {}, {"authorization": "Bearer r3ad"}))
    True
    >>> authorize = BearerToken(write="s3cret")
    >>> authorize(HttpRequest("GET", "/views", {}, {}))
    True
    >>> authorize(HttpRequest("POST", "/push", {}, {"authorization": "Bearer s3cre"}, write="push"))
    False
    """

    def __init__(self, *given: Never, read: str | None = None, write: str | None = None) -> None:
        if given:
            raise InvalidInput("a token is given by what it allows: BearerToken(read=...), BearerToken(write=...)")
        for token in (read, write):
            if token is not None and (not isinstance(token, str) or not TOKEN.match(token)):
                raise InvalidInput("a token is ASCII text without spaces, not empty", type=type(token).__name__)
        self._read = None if read is None else read.encode()
        self._write = None if write is None else write.encode()

    def __call__(self, request: HttpRequest) -> bool:
        """Whether a request carries the token for what it asks."""
        if not request.write and self._read is None:
            return True
        given = request.bearer.encode("utf-8", "surrogatepass")
        writes = self._write is not None and compare_digest(given, self._write)
        if request.write:
            return writes
        return writes or (self._read is not None and compare_digest(given, self._read))


def check_allowed(authorize: Authorize | None, request: HttpRequest) -> None:
    """Refuse what the hook does not let in: 401 without credentials, 403 with others; 503 where it fails."""
    try:
        if authorize is None or authorize(request) is True:
            return
    except VectorDBError:
        raise
    except Exception as error:
        raise PartFailed("authorization") from error
    if "authorization" in request.headers:
        raise BadRequest("the credentials do not allow this", status=403)
    raise BadRequest("this needs credentials", status=401, headers={"www-authenticate": 'Bearer realm="vectordb"'})


def check_hook(authorize: Authorize | None) -> Authorize | None:
    """The hook; refuses a coroutine function, whose answer nobody would await."""
    asks = getattr(authorize, "__call__", authorize)  # noqa: B004
    if authorize is not None and (not callable(authorize) or any(map(iscoroutinefunction, (authorize, asks)))):
        raise InvalidInput("authorize is called with a request and gives True at once", type=type(authorize).__name__)
    return authorize
