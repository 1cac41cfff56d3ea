"""Compacting: letting go what no later read can see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ledger import (
    ABSENT,
    PRUNED,
    ROW_BITS,
    ROW_MASK,
    TOMBSTONE,
    Event,
    EventPruned,
    LogCompacted,
    OffsetOutOfRange,
    blank_unused,
    codes_at,
    header_of,
    words_of,
)
from projections import Gone
from vectordb.erasing.redacting import is_all_pruned, pruned, redaction_of, without_rows
from vectordb.writer import make_meta

if TYPE_CHECKING:
    from vectordb.database import VectorDB
    from vectordb.state import State

DAWN = -(2**53)  # the recorded time of a first event that was pruned


@dataclass(frozen=True)
class Compaction:
    """What a compaction did: ``offset`` is the event that says so, ``below`` the lowest offset that can be read as of.

    ``rows`` were let go, with ``pruned`` events whole and ``redacted`` ones in part.
    """

    offset: int
    below: int
    rows: int
    pruned: int
    redacted: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def compact(db: VectorDB, below: int, meta: dict[str, Any]) -> Compaction:
    """See ``VectorDB.compact``."""
    state, made = db.state, make_meta(**meta)
    log = state.log
    with state.lock:
        state.heal()
        if type(below) is not int or not max(1, log.pruned + 1) <= below <= log.head:
            rule = "a log is compacted below an offset that it has, above the last such bound"
            raise OffsetOutOfRange(rule, below=below, first=max(1, log.pruned + 1), last=log.head)
        drop = _superseded(state, below)
        events = list(_left(state, drop))
        codes = codes_at(log, drop)
        leaves = sha256(log.chain.leaves(below)).hexdigest()
        gone = sum(isinstance(event.fact, EventPruned) for event in events)  # ints
        receipt = db.writer.rewrite(Gone(events), lambda now: LogCompacted(below, gone, leaves, now), made)
        blank_unused(log, codes)
    rows = sum(map(len, drop.values()))  # ints
    return Compaction(receipt.offset, below, rows, gone, len(events) - gone)


def _left(state: State, drop: dict[int, set[int]]) -> Iterator[Event]:
    """What is left of every event. One that is gone takes the recorded time of the event before it."""
    log, by = state.log, state.log.head + 1
    offset, time = 0, DAWN
    for at in sorted(drop):
        before = time if offset == at - 1 else log.time_of(at - 1) if at > 1 else DAWN
        offset = at
        if log.is_single(at):
            yield pruned(at, before)
            time = before
            continue
        event = log.event(at)
        left = without_rows(event.fact, drop[at], redaction_of(event.fact, by), PRUNED)
        left.origin = getattr(event.fact, "origin", None)
        left.rejected = getattr(event.fact, "rejected", ())
        changed = pruned(at, before) if is_all_pruned(left) else Event(at, event.time, left, event.meta)
        yield changed
        time = changed.time


def _superseded(state: State, below: int) -> dict[int, set[int]]:
    """By offset the rows before a bound that no read as of it, or later, at a clock from its recorded time on, sees."""
    log, at = state.log, state.log.time_of(below)
    limit, bound = below << ROW_BITS | ROW_MASK, below << ROW_BITS
    found: dict[int, set[int]] = {}
    for view, table in state.rows.tables.items():
        width = len(log.layouts.slots(view))
        for entity in table.versions:  # one that was written once has nothing to let go
            refs = [ref for ref in table.refs(entity) if ref <= limit]
            if len(refs) > 1:
                kept = _seen(refs, log.row, at, width)
                for ref in refs:
                    if ref < bound and ref not in kept:
                        found.setdefault(ref >> ROW_BITS, set()).add(ref & ROW_MASK)
    return found


def _seen(refs: Sequence[int], row_of: Callable[[int], bytes], at: int, width: int) -> set[int]:
    """Those of an entity's writes that some read from a clock on rests on.

    Dated ahead; or the newest value of a slot, or the newest delete, which also hides what comes later for a time
    before it; or the last write.
    """
    rows = [(header_of(row), row) for row in map(row_of, refs)]
    kept = {ref for (ref, event_time, _), _ in rows if event_time > at}
    visible = sorted(((event_time, ref, flags, row) for (ref, event_time, flags), row in rows if event_time <= at))
    kept.update(ref for ref in [max((ref for _, ref, _, _ in visible), default=0)] if ref)
    open_slots = set(range(width))
    for _, ref, flags, row in reversed(visible):
        if flags & TOMBSTONE:
            kept.add(ref)
            break
        fills = {slot for slot, word in enumerate(words_of(row)) if word != ABSENT} & open_slots
        if fills:
            kept.add(ref)
            open_slots -= fills
    return kept
