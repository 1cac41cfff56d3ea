"""A past: the database as it was known at an offset, read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ledger import Entity, check_kept
from vectordb.reader import Reader
from vectordb.state import State
from vectordb.views.plan import Plan

T = TypeVar("T")


class Past(Reader):
    """Every read of the database, pinned to an offset and a clock. Made by ``db.as_of``; costs 0.9 us.

    What it answers never changes, whatever is written later.
    """

    __slots__ = ("_at", "_offset", "state")

    def __init__(self, state: State, offset: int, at: int) -> None:
        self.state = state
        self._offset = offset
        self._at = at

    @property
    def as_of_offset(self) -> int:
        """The pinned offset."""
        return self._offset

    @property
    def head(self) -> int:
        """The last offset that this past knows: the pinned one."""
        return self._offset

    def clock(self) -> int:
        """The pinned clock."""
        return self._at

    def pinned(self, offset: int, at: int) -> Past:
        """Another past of the same database."""
        return Past(self.state, offset, at)

    def consistently(self, function: Callable[..., T], *arguments: Any) -> T:
        """The past does not move; only a rebuild of a view can come between. ``Pruned`` once a compaction took it."""
        if self._offset < self.state.log.pruned:
            check_kept(self.state.log, self._offset)
        return self.state.read_past(function, *arguments)

    def plan(self, view: str) -> Plan:
        """The definition of a view as of the offset."""
        return self.state.plan(view, self._offset)

    def packed(self, view: str, entity: Entity, at: int) -> bytes | None:
        """From the history."""
        return self.state.past_row(view, entity, self._offset, at)

    def __repr__(self) -> str:
        return f"Past(as_of={self._offset}, at={self.at.isoformat()})"
