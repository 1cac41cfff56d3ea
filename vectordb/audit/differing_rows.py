"""Differing rows: the entities of a view that two states show differently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import FOUND, HEADER_SIZE, MIXED, WORD, Entity, Erased, UnknownName, header_of
from vectordb.audit.difference import ADDED, CHANGED, REMOVED, CellChange, RowChange, entity_order, same_bits
from vectordb.audit.ground import Entities, Touched, aged_between
from vectordb.audit.inputs import ERASED, UNDEFINED
from vectordb.views.plan import Plan, Status
from vectordb.views.row import Row

if TYPE_CHECKING:
    from vectordb.past import Past

NOTHING = (UNDEFINED, str(Status.MISSING))  # there is nothing to lose
Shown = tuple[Any, str]
ABSENT: Shown = (None, UNDEFINED)
FLAGS = 2 * WORD  # where the flags of a packed row begin


class Side(NamedTuple):
    """One of two states, and how it reads a view: ``plan`` is None where the view is not defined there."""

    past: Past
    plan: Plan | None

    @classmethod
    def of(cls, past: Past, view: str) -> Side:
        """A view of a past."""
        try:
            return cls(past, past.plan(view))
        except UnknownName:
            return cls(past, None)

    def packed(self, view: str, entity: Entity) -> bytes | None:
        """The packed row of an entity."""
        return None if self.plan is None else self.past.packed(view, entity, self.past.clock())

    def row(self, entity: Entity, packed: bytes | None) -> Row | None:
        """The same, to be read."""
        if self.plan is None:
            return None
        return Row(self.past.state, self.plan, entity, packed, self.past.as_of_offset, self.past.clock())

    def written(self, view: str) -> list[Entity]:
        """Every entity that was ever written."""
        return [] if self.plan is None else self.past.written_entities(view)


def row_changes(
    before: Past, after: Past, view: str, common: int | None, touched: Iterable[Touched]
) -> list[RowChange]:
    """The rows of a view that differ, in the order of their entities."""
    one, other = Side.of(before, view), Side.of(after, view)
    entities = _candidates(one, other, view, common, touched)
    quick = _alike(one, other)
    return [
        change for entity in sorted(entities, key=entity_order) if (change := _compare(one, other, view, entity, quick))
    ]


def _candidates(one: Side, other: Side, view: str, common: int | None, touched: Iterable[Touched]) -> Entities:
    """The entities that may differ: those written since the common ground, and those that the clocks tell apart."""
    written: Entities = {}
    for side in touched:
        written.update(side.rows.get(view, {}))
    timed = None if common is None or any(side.whole for side in touched) else _timed(one, other, view, common)
    if timed is None:
        return dict.fromkeys([*one.written(view), *other.written(view)])
    return {**written, **timed}


def _timed(one: Side, other: Side, view: str, common: int) -> Entities | None:
    """Entities that nobody wrote since, and that may differ all the same; None: any may."""
    before, after = one.plan, other.plan
    if before is None or after is None or before.slots != after.slots or before.ttl != after.ttl:
        return None
    first, last = sorted((one.past.clock(), other.past.clock()))
    if first == last:
        return {}
    if first < one.past.state.log.time_of(common):
        return None  # a clock before what was recorded hides any of it
    found: Entities = {}
    for side in (one, other):
        found.update(dict.fromkeys(list(side.past.state.rows.tables[view].ahead)))
    if before.ttl is not None:
        aged = aged_between(one.past, view, common, first - before.ttl, last - before.ttl)
        if aged is None:
            return None
        found.update(aged)
    return found


def _alike(one: Side, other: Side) -> bool:
    """Whether equal words of two packed rows are equal values."""
    before, after = one.plan, other.plan
    if before is None or after is None or before.ttl is not None or after.ttl is not None:
        return False
    layouts = before.layout, after.layout
    same = before.slots == after.slots and layouts[0].slot_words == layouts[1].slot_words
    coded = any(kind.coded for kind in layouts[0].types)
    return same and not layouts[0].heavy and (layouts[0].pool is layouts[1].pool or not coded)


def _compare(one: Side, other: Side, view: str, entity: Entity, quick: bool) -> RowChange | None:
    was, now = one.packed(view, entity), other.packed(view, entity)
    if quick and was is not None and now is not None and was[FLAGS:] == now[FLAGS:]:
        if not header_of(was)[2] & MIXED:
            return None
    elif was is None and now is None:
        return None
    found = _found(was), _found(now)
    cells = tuple(_cells(one.row(entity, was), other.row(entity, now)))
    if found == (False, True):
        return RowChange(view, entity, ADDED, cells)
    if found == (True, False):
        return RowChange(view, entity, REMOVED, cells)
    return RowChange(view, entity, CHANGED, cells) if cells else None


def _found(packed: bytes | None) -> bool:
    return packed is not None and len(packed) >= HEADER_SIZE and bool(header_of(packed)[2] & FOUND)


def _cells(was: Row | None, now: Row | None) -> Iterator[CellChange]:
    one, other = _shown(was), _shown(now)
    for name in one if one.keys() == other.keys() else {**one, **other}:
        (before, status_before), (after, status_after) = one.get(name, ABSENT), other.get(name, ABSENT)
        if status_before == status_after and same_bits(before, after):
            continue
        if status_before in NOTHING and status_after in NOTHING:
            continue  # never written is all the same, whether the definition has the feature or not
        versions = _version(was, name, status_before), _version(now, name, status_after)
        yield CellChange(name, before, after, str(status_before), str(status_after), *versions)


def _shown(row: Row | None) -> dict[str, Shown]:
    """Of every feature the stored form of a present value, and the status: a default is the definition's."""
    return {} if row is None else {name: _cell(row, name, status) for name, status in row.status.items()}


def _cell(row: Row, name: str, status: Status) -> Shown:
    try:
        return row.cell(name) if status is Status.PRESENT else None, status
    except Erased:
        return None, ERASED


def _version(row: Row | None, name: str, status: str) -> str | None:
    """The version that a value comes from; None where there is none."""
    return None if row is None or status in NOTHING else row.version_of(name)
