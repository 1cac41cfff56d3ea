"""A history: the versions of one entity, in order of offset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

from vectordb.interop import Table, Tabular, versions_table
from vectordb.views.plan import Plan
from vectordb.views.version import Version


class History(Tabular, Sequence[Version]):
    """A sequence of versions, equal to a list of the same ones; also a table."""

    __slots__ = ("_plan", "_versions")

    def __init__(self, plan: Plan, versions: Iterable[Version]) -> None:
        """``plan`` has the features and their types."""
        self._plan = plan
        self._versions = tuple(versions)

    def __len__(self) -> int:
        return len(self._versions)

    @overload
    def __getitem__(self, place: int) -> Version: ...
    @overload
    def __getitem__(self, place: slice) -> History: ...

    def __getitem__(self, place: int | slice) -> Version | History:
        if isinstance(place, slice):
            return History(self._plan, self._versions[place])
        return self._versions[place]

    def table(self) -> Table:
        """Ids, offsets, times, what was written, and every feature as Arrow columns; null is null or not written.

        Ids stand under the kind of entity, as in tables of a view and in exported files.
        """
        kinds = {name: slot.kind for name, slot in self._plan.slots.items()}
        return versions_table(self._plan.definition.entity, kinds, self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (History, list, tuple)) and self._versions == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"History({list(self._versions)!r})"
