"""The point-in-time join: for every moment the row that was valid then, and known by a limit.

The rows of one entity are looked up together: its versions are found once, and a straight entity's event times are
laid out where many moments ask for them, so a moment costs one bisect (3 us with the row), not a fold of the log.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ledger import COMPLETE, ROW_BITS, SLOTS_SHIFT, TOMBSTONE, Entity, check_kept, header_of
from projections import Table, Timeline, resolve
from vectordb.packing import FOREVER, Raw

if TYPE_CHECKING:
    from vectordb.state import State

MANY = 4  # moments of one entity from which its event times are laid out
Lookup = Callable[[int, int], Raw]  # (time, limit) -> the packed row


def join(
    state: State,
    view: str,
    slots: Sequence[int],
    entities: Sequence[Entity],
    times: Sequence[int],
    limits: Sequence[int],
) -> list[Raw]:
    """The packed row of every moment; None where nothing is visible. ``slots`` are those that will be read."""
    state.rows.check_clock(min(times, default=state.rows.floor))
    check_kept(state.log, min(limits, default=FOREVER) >> ROW_BITS)
    table, row_of = state.rows.tables[view], state.log.row
    found: list[Raw] = [None] * len(entities)
    for entity, moments in _by_entity(entities).items():
        lookup = _lookup(table, row_of, entity, slots, len(moments))
        for place in moments:
            found[place] = lookup(times[place], limits[place])
    return found


def _by_entity(entities: Sequence[Entity]) -> dict[Entity, list[int]]:
    """The moments of every entity, in order."""
    places: dict[Entity, list[int]] = {}
    for place, entity in enumerate(entities):
        places.setdefault(entity, []).append(place)
    return places


def _lookup(
    table: Table, row_of: Callable[[int], bytes], entity: Entity, slots: Sequence[int], moments: int
) -> Lookup:
    held = table.versions.get(entity)
    if held is None:
        row = table.rows.get(entity)
        held = table.versions.get(entity)  # written before the row: see ``projections.table``
        if held is None:
            return _single(row)
    if isinstance(held, Timeline):
        return _bent(held, row_of, slots)
    held = array("q", held) if isinstance(held, bytes) else held
    return _straight(held, row_of, table.event_time_of, moments)


def _single(row: Raw) -> Lookup:
    """Of an entity that was written once, or never."""
    if row is None:
        return lambda time, limit: None
    ref, event_time, _ = header_of(row)
    return lambda time, limit: row if ref <= limit and event_time <= time else None


def _straight(
    refs: array[int], row_of: Callable[[int], bytes], event_time_of: Callable[[int], int], moments: int
) -> Lookup:
    """Of complete writes in the order of their event times."""
    laid_out = array("q", map(event_time_of, refs)) if moments >= MANY else None

    def lookup(time: int, limit: int) -> Raw:
        known = bisect_right(refs, limit)
        if laid_out is None:
            place = bisect_right(refs, time, hi=known, key=event_time_of)
        else:
            place = bisect_right(laid_out, time, hi=min(known, len(laid_out)))
        return row_of(refs[place - 1]) if place else None

    return lookup


def _bent(line: Timeline, row_of: Callable[[int], bytes], slots: Sequence[int]) -> Lookup:
    """Of writes that are partial, late or dated ahead. A complete one that is the newest then is the row."""
    width = max(slots, default=-1) + 1

    def lookup(time: int, limit: int) -> Raw:
        times, by_time = line.ordered
        place = bisect_right(times, time) - 1
        while place >= 0 and by_time[place] > limit:
            place -= 1
        if place < 0:
            return None
        row = row_of(by_time[place])
        flags = header_of(row)[2]
        if flags & TOMBSTONE or (flags & COMPLETE and flags >> SLOTS_SHIFT >= width):
            return row
        return resolve(map(row_of, line.back_from(limit, time)), 0, slots, width)

    return lookup
