"""An observation: one hook in place, what became of its errors, and the way to remove it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from threading import Lock
from types import SimpleNamespace, TracebackType
from typing import Any, TypeAlias

from ledger import free_in_children

Hook: TypeAlias = "Callable[[str, Mapping[str, Any], float, BaseException | None], object]"


class Observers:
    """The hooks of one database, or of all of the process; replaced whole, so that a call reads them without a lock."""

    __slots__ = ("__weakref__", "_lock", "hooks")

    def __init__(self) -> None:
        self.hooks: tuple[Observation, ...] = ()
        self._lock = free_in_children(Lock())

    def add(self, one: Observation) -> None:
        """From the next call on."""
        with self._lock:
            self.hooks = (*self.hooks, one)

    def remove(self, one: Observation) -> None:
        """The same."""
        with self._lock:
            self.hooks = tuple(other for other in self.hooks if other is not one)


class Observation:
    """What ``db.observe(hook)`` gives: ``close`` (or the end of a ``with`` block) removes the hook.

    ``errors`` counts what the hook raised: none of it reaches the operation. The first goes to ``sys.unraisablehook``,
    as it would from ``__del__``; a hook that always fails would else flood the log of its process.
    """

    def __init__(self, hook: Hook, remove: Callable[[Observation], None]) -> None:
        self.hook = hook
        self.errors = 0
        self.closed = False
        self._remove = remove
        self._lock = free_in_children(Lock())

    def tell(self, operation: str, attributes: Mapping[str, Any], duration: float, error: BaseException | None) -> None:
        """Call the hook, and keep what it raises (an interrupt aside) from the caller."""
        try:
            self.hook(operation, attributes, duration, error)
        except Exception as raised:
            self._count(raised)

    def _count(self, raised: Exception) -> None:
        with self._lock:
            self.errors += 1
            first = self.errors == 1
        if first:
            try:
                sys.unraisablehook(_unraisable(raised, self.hook))
            except Exception:  # the host's own handler failed too, and there is nobody left to tell
                with self._lock:
                    self.errors += 1

    def close(self) -> None:
        """Remove the hook; a second time does nothing. Calls that are under way may still reach it."""
        with self._lock:
            closed, self.closed = self.closed, True
        if not closed:
            self._remove(self)

    def __enter__(self) -> Observation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Observation({self.hook!r}, errors={self.errors}, closed={self.closed})"


def _unraisable(raised: Exception, hook: Hook) -> Any:
    said = "An observability hook raised (told once; later errors are counted)"
    return SimpleNamespace(
        exc_type=type(raised), exc_value=raised, exc_traceback=raised.__traceback__, err_msg=said, object=hook
    )
