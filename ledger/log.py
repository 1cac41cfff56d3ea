"""The log: all events in order, append-only, in memory.

    offsets 1..head    one event each; recorded times never go back
    state as of n      the state after n events; as of 0 everything is empty

The log stores and finds; it decides nothing. It is not a list of events: single rows are kept packed in
columns (``ledger.segment``), and an ``Event`` is made when it is asked for.
"""

from __future__ import annotations

import gc
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from threading import Condition, RLock
from typing import Any

from ledger.chain import Chain, parent_at
from ledger.errors import Erased, HeadConflict, IdempotencyConflict, OffsetOutOfRange, Pruned, UnknownVersion
from ledger.event import Event
from ledger.facts.event_pruned import EventPruned
from ledger.facts.fact import Fact
from ledger.facts.predictions_recorded import PredictionsRecorded
from ledger.facts.records_redacted import GONE
from ledger.facts.rows_redacted import RowsRedacted
from ledger.facts.single_row import SingleRow
from ledger.facts.vouched import Vouching
from ledger.header import Header, Parent, new_header
from ledger.identity import ROW_BITS, ROW_MASK, Entity
from ledger.lazy_header import LazyHeader
from ledger.locks import free_in_children
from ledger.registry import Registry
from ledger.segment import SEGMENT_BITS, SEGMENT_MASK, SEGMENT_SIZE, FileSegment, MemorySegment
from ledger.storage.deferred_segment import DeferredSegment
from ledger.storage.plain_rows import PlainRows
from ledger.times import MAX_MICROS
from ledger.values.block import Block
from ledger.values.layout import Layout, heavy_in_tail
from ledger.values.layouts import Layouts
from ledger.values.pool import Pool

RECENT_EVENTS = 16


class Log:
    """An append-only log. One writer at a time (the caller holds the lock); readers need none.

    >>> log = Log(new_header(0, seed=1))
    >>> log.head, list(log.events())
    (0, [])
    """

    # References of predictions that are not here whole: see ledger.proofs.kit_log.
    left_out: frozenset[int] = frozenset()

    def __init__(self, header: Header | Callable[[], Header], pool: Pool | None = None) -> None:
        self._header = LazyHeader(header)
        self.registry = Registry(pool)
        self.registry.layouts.pool.logs.add(self)
        self.head = 0
        self.last_time = -MAX_MICROS
        self._segments: list[MemorySegment | FileSegment] = []
        self._payloads: list[Any] = []  # the payload columns, for ``row``
        self._grown = Condition(free_in_children(RLock()))
        self.awaited = 0
        self._recent: dict[int, Event] = {}
        self.reader: Any = None  # how events left in a file are read: a function of a line's position and offset
        self.chain = Chain(lambda: self.header, self.body)

    @property
    def layouts(self) -> Layouts:
        """The layouts of the views."""
        return self.registry.layouts

    @property
    def header(self) -> Header:
        """Identity and ancestry. A fork's is made on first use: it needs its parent's digest."""
        return self._header()

    # -- append ------------------------------------------------------------------------------------

    def append(self, event: Event, position: int | None = None) -> None:
        """Add the next event: in memory, or by the position of its line in a file."""
        place = self.head & SEGMENT_MASK
        if place == 0:
            self._open_segment(lazy=position is not None)
        segment = self._segments[-1]
        if isinstance(segment, MemorySegment):
            segment.append(event)
        else:
            segment.append(event.time, -1 if position is None else position)
        fact = event.fact
        if isinstance(fact, SingleRow):
            origin = fact.origin
        else:
            origin = getattr(fact, "origin", None)
            self.registry.note(event.offset, fact)
        if origin is not None and origin.key is not None:
            self.registry.keys[origin.key] = event.offset
        self.last_time = event.time
        self.head = event.offset

    def append_rows(self, run: PlainRows, positions: Sequence[int] | None = None) -> None:
        """Add the events of a run of rows, as ``append`` does one by one."""
        start, count = 0, len(run.rows)
        while start < count:
            if self.head & SEGMENT_MASK == 0:
                self._open_segment(lazy=positions is not None)
            stop = min(count, start + SEGMENT_SIZE - (self.head & SEGMENT_MASK))
            self._segments[-1].extend(run.part(start, stop), None if positions is None else positions[start:stop])
            self.head, self.last_time = self.head + stop - start, run.times[stop - 1]
            start = stop

    def _open_segment(self, lazy: bool) -> None:
        if self._segments:
            self._segments[-1].seal()
            self._payloads[-1] = self._segments[-1].payloads
        first = self.head + 1
        segment = FileSegment(first, self.reader) if lazy and self.reader else MemorySegment(first, self.layout_of)
        self._segments.append(segment)
        self._payloads.append(segment.payloads)

    def repair(self) -> None:
        """Undo an append that an interrupt or a refusal cut short: what lies beyond the head goes."""
        wanted = (self.head + SEGMENT_SIZE - 1) >> SEGMENT_BITS
        del self._segments[wanted:], self._payloads[wanted:]
        if self._segments:
            last = self._segments[-1]
            last.cut(self.head - last.first + 1)
            self._payloads[-1] = last.payloads
        self.last_time = self.time_of(self.head) if self.head else -MAX_MICROS
        self.registry = self.registry.branch(self.head)
        self._recent = {}

    def take(self, segments: Sequence[MemorySegment | FileSegment], head: int) -> None:
        """Hold the events of these segments, which stand in a file, and nothing else; what they define is not noted."""
        self._segments, self._payloads = list(segments), [segment.payloads for segment in segments]
        self.head, self.last_time = head, segments[-1].times[-1] if segments else -MAX_MICROS
        self.registry, self._recent = Registry(self.layouts.pool), {}

    def times(self) -> Iterator[array[int]]:
        """The recorded times of all events, some thousands at a time."""
        return (segment.times for segment in self._segments)

    def layout_of(self, label: str) -> Layout:
        """The layout of ``view@version``."""
        return self.registry.layouts[label]

    def check_head(self, expected: int | None) -> None:
        """Refuse when the head is not the expected one."""
        if expected is not None and expected != self.head:
            raise HeadConflict("the head of the log is the expected one", expected=expected, actual=self.head)

    def find_key(self, key: str, args: str) -> Event | None:
        """The event that used an idempotency key with the same arguments; None when the key is new."""
        offset = self.registry.keys.get(key)
        if offset is None:
            return None
        event = self.event(offset)
        origin: Any = getattr(event.fact, "origin", None)
        if origin.args != args:
            raise IdempotencyConflict(
                "an idempotency key goes with one set of arguments", key=key, first_used_at=offset
            )
        return event

    # -- read --------------------------------------------------------------------------------------

    def row(self, ref: int) -> bytes:
        """The packed row of a reference. 0.25 us."""
        position = (ref >> ROW_BITS) - 1
        payload = self._payloads[position >> SEGMENT_BITS][position & SEGMENT_MASK]
        if type(payload) is bytes:
            return payload
        row: bytes = payload.row(ref & ROW_MASK)
        return row

    def entity(self, ref: int) -> Entity:
        """The entity that a row of a view was written to. 0.4 us."""
        position = (ref >> ROW_BITS) - 1
        segment = self._segments[position >> SEGMENT_BITS]
        place = position & SEGMENT_MASK
        payload = segment.payloads[place]
        if type(payload) is bytes:
            return segment.entity(place)
        found: Entity = payload.entity(ref & ROW_MASK)
        return found

    def is_single(self, offset: int) -> bool:
        """Whether the event at an offset is a single row of a view, and in memory: then nothing else stands in it."""
        position = offset - 1
        return type(self._payloads[position >> SEGMENT_BITS][position & SEGMENT_MASK]) is bytes

    def rows_at(self, offset: int) -> int:
        """How many rows the event at an offset wrote."""
        position = offset - 1
        payload = self._payloads[position >> SEGMENT_BITS][position & SEGMENT_MASK]
        if type(payload) is bytes:
            return 1
        fact = self.event(offset).fact
        if isinstance(fact, EventPruned):
            raise Pruned("a compaction kept only what later reads can see", offset=offset, first=self.pruned)
        return fact.rows

    def heavy(self, ref: int, slot: int) -> Any:
        """The Text (str or UTF-8) or Vector (bytes) that a write put into a slot."""
        position = (ref >> ROW_BITS) - 1
        payload = self._payloads[position >> SEGMENT_BITS][position & SEGMENT_MASK]
        if type(payload) is bytes:
            return heavy_in_tail(payload, slot)
        return payload.heavy_at(ref & ROW_MASK, slot)

    def time_of(self, offset: int) -> int:
        """The recorded time of an offset; offset 0 has the ledger's time of creation."""
        if offset == 0:
            return min(self.header.created, self.time_of(1)) if self.head else self.header.created
        position = offset - 1
        return self._segments[position >> SEGMENT_BITS].times[position & SEGMENT_MASK]

    def offset_at(self, time: int) -> int:
        """The last offset recorded at or before a time; 0 before the first event."""
        return bisect_right(range(1, self.head + 1), time, key=self.time_of)

    def owner(self, ref: int) -> tuple[str, Entity]:
        """Collection (view or service) and entity of a reference; ``UnknownVersion`` where it names no row.

        ``Erased`` and ``Pruned`` where it named one.
        """
        offset, number = ref >> ROW_BITS, ref & ROW_MASK
        fact = self.event(offset).fact if 1 <= offset <= self.head else None
        if isinstance(fact, RowsRedacted):
            fact.check_there(number)
        elif isinstance(fact, EventPruned):
            raise Pruned("a compaction kept only what later reads can see", offset=offset, first=self.pruned)
        if isinstance(fact, SingleRow) and number == 0:
            return fact.layout.view, fact.entity
        if isinstance(fact, PredictionsRecorded) and number < fact.rows:
            if fact.predictions[number] is GONE:
                by = None if fact.redaction is None else fact.redaction.by
                raise Erased("the values of this prediction were destroyed", offset=offset, row=number, by=by)
            return fact.service.partition("@")[0], fact.predictions[number].entity
        blocks = () if fact is None or isinstance(fact, SingleRow) else tuple(fact.blocks())
        last = bisect_right(blocks, number, key=_first_row)
        for block in blocks[max(0, last - 1) : last]:
            if block.first <= number < block.first + len(block):
                return block.layout.view, block.entities[number - block.first]
        raise UnknownVersion("a reference names a row of the log", offset=offset, row=number, head=self.head)

    def event(self, offset: int) -> Event:
        """The event at an offset, 1 to head."""
        if type(offset) is not int or not 1 <= offset <= self.head:
            raise OffsetOutOfRange("an event's offset lies in the log", offset=offset, first=1, last=self.head)
        recent = self._recent  # taken first: what is rewritten meanwhile gets a new one
        known = recent.get(offset)
        if known is not None:
            return known
        position = offset - 1
        segment = self._segments[position >> SEGMENT_BITS]
        place = position & SEGMENT_MASK
        fact, meta = segment.fact(place)
        event = Event(offset, segment.times[place], fact, meta, self)
        if not isinstance(fact, SingleRow):
            _remember(recent, event)
        return event

    def events(self, start: int = 1, stop: int | None = None) -> Iterator[Event]:
        """Events from ``start`` up to, not including, ``stop`` (None = the present head and it too)."""
        for offset in range(max(start, 1), min(self.head + 1, stop if stop is not None else self.head + 1)):
            yield self.event(offset)

    def events_like(self, kinds: tuple[type[Fact], ...]) -> Iterator[Event]:
        """Events of these facts, subclasses included. 50 ns an event of others, where it is in memory."""
        for segment in self._segments:
            if type(segment) is MemorySegment:
                places = [
                    at for at, shape in enumerate(segment.shapes) if type(shape) is type and issubclass(shape, kinds)
                ]
            else:
                places = list(range(len(segment.times)))
            for place in places:
                event = self.event(segment.first + place)
                if isinstance(event.fact, kinds):
                    yield event

    def body(self, offset: int) -> bytes:
        """The body of an event's line."""
        position = offset - 1
        return self._segments[position >> SEGMENT_BITS].body(position & SEGMENT_MASK)

    def digest(self, offset: int) -> bytes:
        """The digest of an event's line; offset 0 has the header's."""
        if not 0 <= offset <= self.head:
            raise OffsetOutOfRange("an event's offset lies in the log", offset=offset, first=0, last=self.head)
        return self.chain.digest(offset)

    # -- rewriting what is there ---------------------------------------------------------------------

    @property
    def pruned(self) -> int:
        """The lowest offset that can be read as of: that of the last compaction, 0 where there was none."""
        return self.registry.below

    def rewrite(self, events: Sequence[Event], positions: Sequence[int] | None = None) -> None:
        """Put what is left of some events in their places; ``positions`` are those of all lines of a new file.

        Segments are replaced, never changed: a fork goes on with those it shares. The digests stay.
        """
        by_segment: dict[int, list[Event]] = {}
        for event in events:
            by_segment.setdefault((event.offset - 1) >> SEGMENT_BITS, []).append(event)
        self.registry.rewrite({event.offset: event.fact for event in events})
        for number, segment in enumerate(self._segments):
            changed = by_segment.get(number, ())
            fresh = segment
            if positions is not None and isinstance(segment, (FileSegment, DeferredSegment)):
                fresh = segment.moved(changed, positions, self.reader)
            elif changed:  # events that a fork shares with a ledger in a file: the fork has no file to rewrite
                fresh = self._copy_start(segment, len(segment.times)).rewritten(changed)
            self._segments[number], self._payloads[number] = fresh, fresh.payloads
        self._recent = {}

    # -- followers of the log ------------------------------------------------------------------------

    def announce(self) -> None:
        """Wake those who wait for events; called after the views show them."""
        with self._grown:
            self._grown.notify_all()

    def wait(self, offset: int, timeout: float | None = None) -> bool:
        """Wait until the head reaches an offset; False when the time (in seconds) ran out."""
        if self.head >= offset:
            return True
        with self._grown:
            self.awaited += 1
            try:
                return self._grown.wait_for(lambda: self.head >= offset, timeout)
            finally:
                self.awaited -= 1

    # -- forks -------------------------------------------------------------------------------------

    def fork(self, offset: int, created: int, seed: int | None = None) -> Log:
        """A branch that shares the events up to an offset; at most one segment is copied."""
        alone = tuple((at, now.hex()) for at, now in self._unvouched(offset))
        branch = Log(lambda: new_header(created, seed, self._parent_at(offset, alone)), self.layouts.pool)
        branch.registry = self.registry.branch(offset)
        full, rest = offset >> SEGMENT_BITS, offset & SEGMENT_MASK
        branch._segments = self._segments[:full]
        if rest:
            branch._segments.append(self._copy_start(self._segments[full], rest))
        branch._payloads = [segment.payloads for segment in branch._segments]
        branch.head = offset
        branch.last_time = self.time_of(offset) if offset else branch.last_time
        branch.reader = self.reader
        branch.chain.share(self.chain, offset)
        return branch

    def _parent_at(self, offset: int, redacted: tuple[tuple[int, str], ...]) -> Parent:
        return parent_at(self.header, offset, self.digest(offset))._replace(redacted=redacted)

    def _unvouched(self, offset: int) -> Iterator[tuple[int, bytes]]:
        """Lines up to an offset that no event up to there vouches for, with the digest of what is left of each."""
        for at, now in sorted(self.chain.redacted.items()):
            redaction = self.event(at).fact.redaction if at <= offset else None
            if redaction is not None:
                by: Any = self.event(redaction.by).fact if redaction.by <= offset else None
                if not isinstance(by, Vouching) or at not in by.offsets:
                    yield at, now

    def relatives(self) -> list[Log]:
        """Forks of this log, and the log that it is a fork of, that are alive: they hold events of their own.

        One that nobody refers to any more is let go first, with its events.
        """
        if len(self.layouts.pool.logs) > 1:
            gc.collect()
        return [log for log in self.layouts.pool.logs if log is not self]

    def _copy_start(self, segment: MemorySegment | FileSegment, size: int) -> MemorySegment:
        """The first events of a segment in a new one in memory, to which a fork adds its own."""
        if isinstance(segment, MemorySegment):
            return segment.head(size)
        copy = MemorySegment(segment.first, self.layout_of)
        for event in self.events(segment.first, segment.first + size):
            copy.append(event)
        return copy


def _first_row(block: Block) -> int:
    return block.first


def _remember(recent: dict[int, Event], event: Event) -> None:
    """Keep the last few events that had to be parsed: a batch of predictions is read one by one."""
    if len(recent) >= RECENT_EVENTS:
        recent.clear()
    recent[event.offset] = event
