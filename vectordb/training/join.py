"""The point-in-time join: for every moment the row that was valid then, and known by a limit.

The rows of one entity are looked up together: its versions are found once, and a straight entity's event times are
laid out where many moments ask for them, so a moment costs one bisect (1.5 us with the row), not a fold of the log.
Where writes are partial, late or dated ahead a row is made of several (15 us for ten features), once for all moments
between two versions. With an executor such entities are shared among its workers, each with its versions: 1.3x with
two processes for 100,000 moments, packing included. Rows that need no making cost less than sending them (0.7x).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import COMPLETE, ROW_BITS, SLOTS_SHIFT, TOMBSTONE, Entity, check_kept, header_of
from projections import Table, Timeline, resolve
from vectordb.batches.executors import PIECE, WORTH, Sharing
from vectordb.batches.packing import FOREVER, Raw

if TYPE_CHECKING:
    from vectordb.state import State

MANY: Final = 4  # moments of one entity from which its event times are laid out
DEAR: Final = 16  # versions a moment from which sending them costs more than a worker saves
ALONE: Final = Sharing()
Lookup = Callable[[int, int], Raw]  # (time, limit) -> the packed row


class Bent(NamedTuple):
    """One entity's part of a worker's task, plain data: its timeline, the rows of its versions, and the moments."""

    times: array[int]
    by_time: array[int]
    rows: list[bytes]
    moments: list[tuple[int, int]]  # time, limit


def join(
    state: State,
    view: str,
    slots: Sequence[int],
    entities: Sequence[Entity],
    times: Sequence[int],
    limits: Sequence[int],
    shared: Sharing = ALONE,
) -> list[Raw]:
    """The packed row of every moment; None where nothing is visible. ``slots`` are those that will be read."""
    state.rows.check_clock(min(times, default=state.rows.floor))
    check_kept(state.log, min(limits, default=FOREVER) >> ROW_BITS)
    table, row_of = state.rows.tables[view], state.log.row
    found: list[Raw] = [None] * len(entities)
    aside: list[tuple[Timeline, list[int]]] = []
    for entity, moments in _by_entity(entities).items():
        line = table.versions.get(entity) if shared.executor is not None and len(entities) >= WORTH else None
        if isinstance(line, Timeline) and _is_worth_sending(line, row_of, slots, len(moments)):
            aside.append((line, moments))
            continue
        lookup = _lookup(table, row_of, entity, slots, len(moments))
        for place in moments:
            found[place] = lookup(times[place], limits[place])
    if aside:
        _join_aside(found, aside, row_of, slots, times, limits, shared)
    return found


def _is_worth_sending(line: Timeline, row_of: Callable[[int], bytes], slots: Sequence[int], moments: int) -> bool:
    """Whether rows of an entity are likely made of several: its last write alone is none."""
    return len(line.refs) <= DEAR * moments and not _is_whole(row_of(line.refs[-1]), max(slots, default=-1) + 1)


def _is_whole(row: bytes, width: int) -> bool:
    flags = header_of(row)[2]
    return bool(flags & TOMBSTONE or (flags & COMPLETE and flags >> SLOTS_SHIFT >= width))


def _join_aside(
    found: list[Raw],
    aside: Sequence[tuple[Timeline, list[int]]],
    row_of: Callable[[int], bytes],
    slots: Sequence[int],
    times: Sequence[int],
    limits: Sequence[int],
    shared: Sharing,
) -> None:
    """The same for entities that workers join, a few thousand moments a task."""
    places: deque[list[int]] = deque()

    def tasks() -> Iterator[tuple[Sequence[int], list[Bent]]]:
        task: list[Bent] = []
        own: list[int] = []
        for line, moments in aside:
            own += moments
            task.append(_sent(line, row_of, [(times[place], limits[place]) for place in moments]))
            if len(own) >= PIECE:
                places.append(own)
                yield slots, task
                task, own = [], []
        places.append(own)
        yield slots, task

    rows = sum(len(moments) for _, moments in aside)  # ints
    for raws in shared.each(join_bent, tasks(), rows):
        for place, raw in zip(places.popleft(), raws, strict=True):
            found[place] = raw


def _sent(line: Timeline, row_of: Callable[[int], bytes], moments: list[tuple[int, int]]) -> Bent:
    times, by_time = line.ordered
    return Bent(times, by_time, list(map(row_of, by_time)), moments)


def join_bent(task: tuple[Sequence[int], list[Bent]]) -> list[Raw]:
    """One piece of work for an executor: the rows of the moments of some entities, one after the other."""
    slots, entities = task
    found: list[Raw] = []
    for times, by_time, rows, moments in entities:
        line = Timeline()
        line.ordered = (times, by_time)
        lookup = _bent(line, dict(zip(by_time, rows)).__getitem__, slots)
        found += [lookup(time, limit) for time, limit in moments]
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
    made: dict[tuple[int, int], Raw] = {}  # by the newest version seen, and the limit

    def lookup(time: int, limit: int) -> Raw:
        times, by_time = line.ordered
        place = bisect_right(times, time) - 1
        while place >= 0 and by_time[place] > limit:
            place -= 1
        if place < 0:
            return None
        key = by_time[place], limit
        row = made.get(key)
        if row is None:
            row = made[key] = make(by_time[place], time, limit)
        return row

    def make(ref: int, time: int, limit: int) -> Raw:
        row = row_of(ref)
        if _is_whole(row, width):
            return row
        return resolve(map(row_of, line.back_from(limit, time)), 0, slots, width)

    return lookup
