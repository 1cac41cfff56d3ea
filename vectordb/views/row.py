"""A row: the features of one entity, read at one offset and clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ledger import (
    FOUND,
    HEADER_SIZE,
    PLAIN,
    ROW_BITS,
    WORD,
    Entity,
    from_micros,
    header_of,
    heavy_cell,
    light_cell,
    render_version,
    source_at,
)
from vectordb.views.plan import Plan, Slot, Status

if TYPE_CHECKING:
    from vectordb.state import State


class Row(Mapping[str, Any]):
    """A mapping of feature names to values, in the order of the view's definition.

    A present value is what was written; null is None; a missing or expired one is the feature's default,
    else None: ``status`` tells them apart. Values are decoded when they are asked for. An unknown or
    deleted entity gives a row of defaults with ``found`` False. ``row[name]`` raises ``UnknownName``, a ``KeyError``,
    for a feature that the view did not have then.
    """

    __slots__ = ("_at", "_packed", "_plan", "_state", "as_of", "entity")

    def __init__(self, state: State, plan: Plan, entity: Entity, packed: bytes | None, as_of: int, at: int) -> None:
        self._state = state
        self._plan = plan
        self._packed = packed
        self._at = at
        self.entity = entity
        self.as_of = as_of  # the offset that the read saw

    def __getitem__(self, name: str) -> Any:
        slot = self._plan.slot(name)
        status = self._plan.status(self._packed, slot.place, self._at)
        if status is Status.PRESENT:
            return slot.kind.show(self._cell(slot))
        return None if status is Status.NULL else slot.default

    def __iter__(self) -> Iterator[str]:
        return iter(self._plan.names)

    def __len__(self) -> int:
        return len(self._plan.names)

    def __contains__(self, name: object) -> bool:
        return name in self._plan.slots

    def __repr__(self) -> str:
        return f"Row({self._plan.label}, {self.entity!r}, {dict(self)!r}, as_of={self.as_of})"

    def to_dict(self) -> dict[str, Any]:
        """Names and values as a plain dict; all at once where every value is simply there."""
        packed, plan = self._packed, self._plan
        if packed is None or plan.ttl is not None or plan.layout.heavy:
            return dict(self)
        flags = header_of(packed)[2]
        if not flags & PLAIN or len(packed) != plan.layout.words.size:
            return dict(self)
        words = plan.layout.words.unpack(packed)
        pool = plan.layout.pool
        return {
            name: slot.kind.show(light_cell(slot.kind, words[3 + slot.place], pool))
            for name, slot in plan.slots.items()
        }

    @property
    def found(self) -> bool:
        """Whether the entity exists: written, and not deleted since."""
        return self._packed is not None and bool(header_of(self._packed)[2] & FOUND)

    @property
    def at(self) -> datetime:
        """The clock that the read used."""
        return from_micros(self._at)

    @property
    def at_micros(self) -> int:
        """The same in microseconds."""
        return self._at

    @property
    def view(self) -> str:
        """``name@version`` of the view that the read saw."""
        return self._plan.label

    @property
    def ref(self) -> int:
        """Reference of the entity's last visible write; 0 where the entity is not found."""
        return int(header_of(self._packed)[0]) if self._packed is not None and self.found else 0

    @property
    def version(self) -> str | None:
        """Version id of the entity's last visible write by offset; None where it is not found."""
        return self._render(self.ref) if self.ref else None

    @property
    def event_time(self) -> datetime | None:
        """When that write was true."""
        ref = self.ref
        return from_micros(header_of(self._state.log.row(ref))[1]) if ref else None

    @property
    def recorded_time(self) -> datetime | None:
        """When that write was learnt."""
        ref = self.ref
        return from_micros(self._state.log.time_of(ref >> ROW_BITS)) if ref else None

    @property
    def status(self) -> dict[str, Status]:
        """The status of every feature."""
        return {name: self._plan.status(self._packed, slot.place, self._at) for name, slot in self._plan.slots.items()}

    @property
    def versions(self) -> dict[str, str | None]:
        """The version id that every value comes from; None for a missing one."""
        return {name: self._render(ref) if ref else None for name, ref in self.sources().items()}

    @property
    def event_times(self) -> dict[str, datetime | None]:
        """When every value was true; None for a missing one."""
        found: dict[str, datetime | None] = {}
        for name, slot in self._plan.slots.items():
            missing = self._packed is None or self.status_of(name) is Status.MISSING
            found[name] = None if missing else from_micros(source_at(self._packed or b"", slot.place)[1])
        return found

    def status_of(self, name: str) -> Status:
        """The status of one feature; raises ``UnknownName``."""
        return self._plan.status(self._packed, self._plan.slot(name).place, self._at)

    def version_of(self, name: str) -> str | None:
        """The version id that one value comes from; None for a missing one. Raises ``UnknownName``."""
        ref = self.source(name)
        return self._render(ref) if ref else None

    def source(self, name: str) -> int:
        """The reference that a value comes from; 0 where it was never written."""
        if self._packed is None or self.status_of(name) is Status.MISSING:
            return 0
        return source_at(self._packed, self._plan.slot(name).place)[0]

    def sources(self) -> dict[str, int]:
        """The reference of every value."""
        return {name: self.source(name) for name in self._plan.names}

    def cell(self, name: str) -> Any:
        """The stored form of the value that the row shows; None for null, or without a default."""
        slot = self._plan.slot(name)
        status = self.status_of(name)
        if status is Status.PRESENT:
            return slot.kind.to_json(self._cell(slot))
        if status is Status.NULL or slot.kind.default is None:
            return None
        return slot.kind.to_json(slot.kind.check(slot.kind.default))

    def comparable(self, name: str) -> Any:
        """The value that the row shows as a cell: what a filter compares (an instant in microseconds)."""
        slot = self._plan.slot(name)
        status = self.status_of(name)
        if status is Status.PRESENT:
            return self._cell(slot)
        return None if status is Status.NULL or slot.kind.default is None else slot.kind.check(slot.kind.default)

    def _cell(self, slot: Slot) -> Any:
        packed = self._packed
        assert packed is not None
        if slot.kind.heavy:
            return heavy_cell(slot.kind, self._state.log.heavy(source_at(packed, slot.place)[0], slot.place))
        word = slot.kind.reader(packed, HEADER_SIZE + WORD * slot.place)[0]
        return light_cell(slot.kind, word, self._plan.layout.pool)

    def _render(self, ref: int) -> str:
        return render_version(self._plan.definition.name, self.entity, ref, self._state.log.rows_at(ref >> ROW_BITS))
