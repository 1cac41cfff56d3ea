"""The log and the journal of a database that was made from a kit: most of its offsets are filled, none is added."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from typing import NoReturn

from ledger.chain import Chain
from ledger.codec import decode_event, parse_bodies
from ledger.errors import DefinitionError, InvalidEvent, InvalidInput, ReadOnlyLedger, UnknownVersion
from ledger.event import Event
from ledger.facts.event_omitted import OMITTED, EventOmitted, refuse
from ledger.facts.fact import Fact
from ledger.facts.predictions_recorded import PredictionsRecorded
from ledger.identity import ROW_BITS, Entity
from ledger.log import Log
from ledger.proofs.kit_file import Kit, KitLine
from ledger.segment import SEGMENT_BITS, SEGMENT_MASK, SEGMENT_SIZE, MemorySegment
from ledger.storage.journal import Journal
from ledger.storage.pinned_lines import PinnedLines

_LEFT_OUT = ((EventOmitted,) * SEGMENT_SIZE, (None,) * SEGMENT_SIZE, (OMITTED,) * SEGMENT_SIZE)


class KitLog(Log):
    """The events of a kit at their own offsets; the others are there as ``EventOmitted``.

    What it cannot answer raises ``Omitted``: an event's bytes and digest that are not in the kit, rows of events
    that are not, predictions of an event of many that the kit does not hold whole.
    """

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit.header)
        self.kit = kit
        self.chain = KitChain(self, kit)
        self._whole = {offset << ROW_BITS | row for offset, row in kit.title.predictions}

    def events_of(self, stop: int | None = None) -> Iterator[Event]:
        """Add the events of the kit (up to an offset), those that are left out between them; those that are there.

        20 us a line; what is left out costs next to nothing.
        """
        lines = self.kit.lines
        parsed = [parse_bodies([line.body], line.offset, line.number)[0] for line in lines]
        for line, data in zip(lines, parsed):
            time, fact, meta = decode_event(data, self.layout_of, line.number)
            self._fill(line.offset if stop is None else min(line.offset, stop + 1), min(self.header.created, time))
            if stop is not None and line.offset > stop:
                return
            event = Event(line.offset, time, fact, meta, self)
            self._check(event, line)
            self._note_parts(event)
            self.append(event)
            yield event

    def _fill(self, offset: int, earliest: int) -> None:
        """Fill the offsets before one: they take the recorded time of the last event that is there."""
        time = self.last_time if self.head else earliest
        while self.head < offset - 1:
            whole = (offset - 1 - self.head) >> SEGMENT_BITS
            if self.head & SEGMENT_MASK == 0 and whole:
                self._fill_segments(time, whole)
            else:
                self.append(Event(self.head + 1, time, OMITTED, None, self))

    def _fill_segments(self, time: int, count: int) -> None:
        """Whole segments that are left out are one and the same: 16 bytes for 4,096 events, however many there are."""
        self._open_segment(lazy=False)
        segment = self._segments[-1]
        assert isinstance(segment, MemorySegment)
        segment.times = array("q", [time]) * SEGMENT_SIZE
        segment.shapes, segment.entities, segment.payloads = _LEFT_OUT
        self._segments += [segment] * (count - 1)
        self._payloads[-1:] = [segment.payloads] * count
        self.head, self.last_time = self.head + count * SEGMENT_SIZE, time

    def _check(self, event: Event, line: KitLine) -> None:
        if self.head and event.time < self.last_time:
            rule = "recorded times never go back"
            raise InvalidEvent(rule, line=line.number, offset=event.offset, time=event.time, before=self.last_time)
        try:
            self.registry.check(self._whole_part(event.offset, event.fact), self)
        except (InvalidInput, UnknownVersion, DefinitionError) as error:
            rule = f"an event fits those before it: {error}"
            raise InvalidEvent(rule, line=line.number, offset=line.offset) from error

    def _whole_part(self, offset: int, fact: Fact) -> Fact:
        """Of predictions, those that the kit holds whole: the others read rows that are left out."""
        if not isinstance(fact, PredictionsRecorded):
            return fact
        rows = tuple(row for place, row in enumerate(fact.predictions) if offset << ROW_BITS | place in self._whole)
        return PredictionsRecorded(fact.service, fact.as_of, fact.at, fact.model, rows, fact.origin, fact.pipeline)

    def _note_parts(self, event: Event) -> None:
        if isinstance(event.fact, PredictionsRecorded):
            refs = {event.offset << ROW_BITS | row for row in range(event.fact.rows)}
            self.left_out |= refs - self._whole

    def owner(self, ref: int) -> tuple[str, Entity]:
        """As of any log; ``Omitted`` where the kit does not hold the row."""
        offset = ref >> ROW_BITS
        if ref in self.left_out or (1 <= offset <= self.head and self.is_omitted(offset)):
            refuse(offset=offset)
        return super().owner(ref)

    def is_omitted(self, offset: int) -> bool:
        """Whether the event at an offset is left out."""
        return isinstance(self.event(offset).fact, EventOmitted)

    def body(self, offset: int) -> bytes:
        """As of any log; ``Omitted`` where the event is left out."""
        if self.is_omitted(offset):
            refuse(offset=offset)
        return super().body(offset)

    def fork(self, offset: int, created: int, seed: int | None = None) -> NoReturn:
        """Refused: a fork binds every digest of its parent."""
        raise ReadOnlyLedger("a kit is a part of a ledger: nothing can be added to it", offset=offset)


class KitChain(Chain):
    """The digests that a kit holds."""

    def __init__(self, log: KitLog, kit: Kit) -> None:
        super().__init__(lambda: log.header, log.body)
        self._held = {**kit.edges, **{line.offset: line.digest for line in kit.lines}}

    def digest(self, offset: int) -> bytes:
        """The digest at an offset; ``Omitted`` where it is not in the kit."""
        found = self._held.get(offset)
        if found is None:
            return super().digest(0) if offset == 0 else refuse(offset=offset)
        return found

    def digests(self, start: int, stop: int) -> bytes:
        """The same, joined."""
        return b"".join(self.digest(offset) for offset in range(start + 1, stop + 1))


class KitJournal(Journal):
    """Takes no event."""

    def write(self, event: Event, bound: int | None = None) -> NoReturn:
        """Refused."""
        raise ReadOnlyLedger("a kit is a part of a ledger: nothing can be added to it", offset=event.offset)

    def check_wording(self) -> None:
        """Of the lines that are there."""
        log = self.log
        assert isinstance(log, KitLog)
        for line in log.kit.lines:
            if line.offset <= log.head:
                self.line(line.offset)

    def snapshot(
        self, path: str | os.PathLike[str], stop: int | None = None, pinned: PinnedLines | None = None
    ) -> NoReturn:
        """Refused: copy the kit's file instead."""
        refuse(path=os.fspath(path))
