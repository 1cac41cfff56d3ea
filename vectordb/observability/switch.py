"""The switch: operations are wrapped while some hook is in place, and plain otherwise.

Wrapping on demand makes the cost without a hook none at all: the class has the plain method again, and quick ways into
it (``vectordb.services.quick_reads``) are untouched. While a hook is in place anywhere in the process, a database
without one pays for the question, 0.2 us a call (see tests/bench/observability.py). Put hooks in place for long: each
change of a class empties CPython's caches for it, and after a thousand of them CPython stops caching it.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any

from ledger import free_in_children
from vectordb.observability.operations import OPERATIONS, Operation
from vectordb.observability.wrapping import wrapped

_LOCK = free_in_children(RLock())  # a finalizer may come in between, on the same thread
_TOKENS: set[object] = set()  # one for each hook in place; sets take and give in one step
_WRAPPED: dict[Operation, tuple[Any, Any]] = {}  # plain and wrapped, while wrapped


def hold() -> Callable[[], None]:
    """Have the operations wrapped until the function that this gives is called; once is enough."""
    token = object()

    def release() -> None:
        with _LOCK:
            _TOKENS.discard(token)
            _settle()

    with _LOCK:
        _TOKENS.add(token)
        _settle()
    return release


def is_on() -> bool:
    """Whether operations are wrapped."""
    return bool(_WRAPPED)


def _settle() -> None:
    """What the tokens ask for; right also when a finalizer changed them in the middle of it."""
    if _TOKENS and not _WRAPPED:
        plain = {operation: vars(operation.owner)[operation.method] for operation in OPERATIONS}
        _WRAPPED.update({operation: (found, wrapped(operation, found)) for operation, found in plain.items()})
        for operation, (_, made) in list(_WRAPPED.items()):
            setattr(operation.owner, operation.method, made)
    elif _WRAPPED and not _TOKENS:
        pairs = list(_WRAPPED.items())
        _WRAPPED.clear()
        for operation, (found, made) in pairs:
            if vars(operation.owner).get(operation.method) is made:  # else somebody put another one there since
                setattr(operation.owner, operation.method, found)
