"""Locks and forks: a forked child finds every lock of ours free, as nobody is there who would let go of it."""

from __future__ import annotations

import os
from typing import Any, Final, TypeVar
from weakref import WeakSet

L = TypeVar("L")
_LOCKS: Final[WeakSet[Any]] = WeakSet()


def free_in_children(lock: L) -> L:
    """The same lock (``Lock``, ``RLock``), which ``os.fork`` lets go of in the child.

    A thread of the parent that held it does not go on there: what it guards must be right in the middle of a change,
    as after an interrupt, or be put right by its owner.
    """
    _LOCKS.add(lock)
    return lock


def _let_go() -> None:
    for lock in list(_LOCKS):
        lock._at_fork_reinit()  # what the standard library does with its own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
