"""Wrapping: an operation that tells the hooks what it did.

Only the outermost operation of a thread is told: what ``audit.verify`` or ``view.load`` do inside is a part of them.
So is what a caller's own function does that an operation calls (the predicate of a bisection, a hook).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from time import perf_counter
from types import MappingProxyType
from typing import Any

from vectordb.observability.attributes import attributes_of
from vectordb.observability.evaluations import evaluations
from vectordb.observability.forwarder import forwarder
from vectordb.observability.names import EVALUATION
from vectordb.observability.observation import Observation, Observers
from vectordb.observability.operations import Operation

EVERYWHERE = Observers()  # those of ``observe_everywhere``


class _Thread(threading.local):
    inside = False


_THREAD = _Thread()


@lru_cache(maxsize=1024)
def wrapped(operation: Operation, plain: Any) -> Any:
    """The method with its hooks; of a class method another class method. Made once, for every hook that comes."""
    if isinstance(plain, classmethod):
        return classmethod(_of_class(operation, plain.__func__))
    return _of_method(operation, plain)


def _of_method(operation: Operation, plain: Callable[..., Any]) -> Callable[..., Any]:
    reader_of = operation.reader

    def told(arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        own, every = reader_of(arguments[0]).state.observers, EVERYWHERE.hooks
        hooks = every if own is None else every + own.hooks
        if not hooks or _THREAD.inside:
            return plain(*arguments, **options)
        return _timed(operation, hooks, plain, arguments, options)

    return forwarder(plain, reader_of, EVERYWHERE, told)


def _of_class(operation: Operation, plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    def observed(cls: Any, *arguments: Any, **options: Any) -> Any:
        if not EVERYWHERE.hooks or _THREAD.inside:
            return plain(cls, *arguments, **options)
        return _timed(operation, EVERYWHERE.hooks, plain, (cls, *arguments), options)

    return observed


def _timed(
    operation: Operation,
    hooks: tuple[Observation, ...],
    plain: Callable[..., Any],
    arguments: tuple[Any, ...],
    options: Mapping[str, Any],
) -> Any:
    _THREAD.inside = True
    try:
        start = perf_counter()
        try:
            answer = plain(*arguments, **options)
        except BaseException as error:
            duration = perf_counter() - start
            _tell(hooks, operation.name, attributes_of(operation, arguments, options, None, error), duration, error)
            raise
        duration = perf_counter() - start
        _tell(hooks, operation.name, attributes_of(operation, arguments, options, answer, None), duration, None)
        if operation.evaluates:
            for attributes in evaluations(answer):
                _tell(hooks, EVALUATION, attributes, duration, None)
        return answer
    finally:
        _THREAD.inside = False


def _tell(
    hooks: tuple[Observation, ...],
    name: str,
    attributes: dict[str, Any],
    duration: float,
    error: BaseException | None,
) -> None:
    shown = MappingProxyType(attributes)  # one for all hooks: none of them changes what the next one sees
    for one in hooks:
        one.tell(name, shown, duration, error)
