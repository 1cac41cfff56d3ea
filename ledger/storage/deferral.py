"""Deferral: the events that a checkpoint covers are hashed and left in their file, to be parsed when asked for.

What the log has to know of them without reading them is in the checkpoint: recorded times, which events define
something, idempotency keys. Their rules were checked by whoever read or wrote them before. Every line is hashed, and
what is left of rewritten ones has to be vouched for, as always; 2 us a line of ten floats.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final, NamedTuple

from ledger.facts.event_pruned import EventPruned
from ledger.facts.vouched import Vouching
from ledger.header import TAIL_SIZE, pruned_body
from ledger.log import Log
from ledger.segment import SEGMENT_SIZE, FileSegment, MemorySegment
from ledger.settlement import Settlement
from ledger.storage.deferred_segment import DeferredSegment
from ledger.storage.journal import Journal
from ledger.storage.plain_rows import PARSE_LINES

SHORT_LINE: Final = TAIL_SIZE + 40  # no event is as short; a line of which nothing is left is


class Covered(NamedTuple):
    """What a checkpoint says of the events up to its offset."""

    times: array[int]
    noted: list[int]
    rejections: list[int]
    keys: dict[str, int]


class Lines(NamedTuple):
    """The lines of these events in a file."""

    positions: array[int]
    end: int
    pruned: list[int]


def dump_covered(log: Log) -> bytes:
    """What a log has to know of its events, as bytes; 8 bytes an event."""
    registry = log.registry
    head = {"noted": registry.noted, "rejections": registry.rejections, "keys": registry.keys}
    text = json.dumps(head, ensure_ascii=False).encode()
    return b"".join([len(text).to_bytes(8, "little"), text, *(part.tobytes() for part in log.times())])


def load_covered(state: bytes) -> Covered:
    """The inverse of ``dump_covered``."""
    start = 8 + int.from_bytes(state[:8], "little")
    head: dict[str, Any] = json.loads(state[8:start])
    return Covered(array("q", state[start:]), head["noted"], head["rejections"], head["keys"])


def defer(journal: Journal, position: int, covered: Covered, digest: str) -> bool:
    """Take the covered events of a journal that has none yet; it stands after them then.

    False where the file has other events than these; it may have been read in part: ``restart``.
    """
    log, head = journal.log, len(covered.times)
    lines = _scan(journal, position, head)
    if lines is None or log.chain.digest(head).hex() != digest:
        return False
    log.take(list(_segments(journal, covered, lines)), head)
    for offset in covered.noted:
        log.registry.note(offset, log.event(offset).fact)
    log.registry.rejections, log.registry.keys = covered.rejections, covered.keys
    for offset in sorted({*log.chain.redacted, *lines.pruned, *covered.noted}):
        event = log.event(offset)
        if event.fact.redaction is not None or isinstance(event.fact, (EventPruned, Vouching)):
            journal.settlement.note(event, offset + 1)
    journal.lines, journal.position = head + 1, lines.end
    assert journal.store is not None
    journal.store.end = max(journal.store.end, lines.end)
    return True


def restart(journal: Journal) -> None:
    """Forget everything that was loaded: the journal stands before its first event again."""
    journal.log.take((), 0)
    journal.log.chain.cut(0)
    journal.settlement = Settlement(journal.log.chain)
    journal.lines = 1


def _scan(journal: Journal, position: int, count: int) -> Lines | None:
    """Hash the first lines of a file; None where it has fewer."""
    assert journal.store is not None
    chain, positions, pruned, end = journal.log.chain, array("q"), [], position
    for begin, batch in journal.store.read(position):
        lines = batch[: count - len(positions)]
        ends = list(accumulate(map(len, lines), initial=begin))
        for start in range(0, len(lines), PARSE_LINES):
            chain.verify(lines[start : start + PARSE_LINES], len(positions) + start + 2)
        if min(map(len, lines)) < SHORT_LINE:
            first = len(positions) + 1
            pruned += [first + place for place, line in enumerate(lines) if _is_pruned(line, first + place)]
        end = ends.pop()
        positions.extend(ends)
        if len(positions) == count:
            return Lines(positions, end, pruned)
    return None


def _is_pruned(line: bytes, offset: int) -> bool:
    return line[: -TAIL_SIZE - 1] == pruned_body(offset)


def _segments(journal: Journal, covered: Covered, lines: Lines) -> Iterator[MemorySegment | FileSegment]:
    log, read = journal.log, journal.log.reader
    for start in range(0, len(covered.times), SEGMENT_SIZE):
        times = covered.times[start : start + SEGMENT_SIZE]
        positions = lines.positions[start : start + SEGMENT_SIZE]
        if journal.lazy:
            segment = FileSegment(start + 1, read)
            segment.times, segment.positions = times, positions
            yield segment
        else:
            yield DeferredSegment(start + 1, log.layout_of, read, times, positions)
