"""A header that may be made on first use: a fork's needs its parent's digest, which is computed when asked for."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock

from ledger.header import Header
from ledger.locks import free_in_children


class LazyHeader:
    """A header, or what makes it: called once, by whoever comes first."""

    def __init__(self, header: Header | Callable[[], Header]) -> None:
        self._made: Header | None = header if isinstance(header, Header) else None
        self._make = header
        self._lock = free_in_children(RLock())

    def __call__(self) -> Header:
        """The header."""
        if self._made is None:
            with self._lock:
                if self._made is None and callable(self._make):
                    self._made = self._make()
        assert self._made is not None
        return self._made
