"""Forks of the process (``os.fork``): what a child reads is whole, also where a thread of the parent was writing then.

A server that loads a ledger and then forks its workers (gunicorn's preload) forks a process with threads: a follower,
a writer, the build of an index. None of them goes on in the child.
"""

from __future__ import annotations

import os
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from ledger import ForkedProcess

if TYPE_CHECKING:
    from vectordb.state import State

PATIENCE_S: Final = 1.0  # how long a fork waits for writes under way; one that goes on is as if cut short in the child
_STATES: Final[WeakSet[State]] = WeakSet()
_HELD: Final[dict[int, list[State]]] = {}  # by the thread that forks


def note_state(state: State) -> None:
    """Have a child that is forked find this state whole."""
    _STATES.add(state)


def _before() -> None:
    """Wait for the writes under way, and let none begin."""
    end = monotonic() + PATIENCE_S
    _HELD[get_ident()] = [
        state for state in list(_STATES) if state.lock.acquire(timeout=max(0.0, end - monotonic()))
    ]


def _after_in_parent() -> None:
    for state in _HELD.pop(get_ident(), []):
        state.lock.release()


def _after_in_child() -> None:
    """The locks are free by now. What was being written is undone, and the views are folded anew once asked."""
    held = _HELD.pop(get_ident(), [])
    _HELD.clear()
    for state in list(_STATES):
        if state not in held:
            state.cut_short(ForkedProcess("a write of the parent's does not go on in a forked child", pid=os.getpid()))
        state.indexing.end_threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
