"""Segments: runs of 4,096 consecutive events, held in columns.

A segment in memory keeps of an event its time, its shape (the layout of a single row, else the class of
the fact), and a payload: the packed row itself, the block of a batch, or JSON text. That is 8 + 8 + 8 + 8
bytes and the row, against 300 more for an event object. A full segment is **sealed**: its lists become
tuples, which the garbage collector stops tracking, and shapes numbers. A segment on file keeps times and byte
positions, and reads an event when it is asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ledger.codec import decode_stored, encode_event
from ledger.event import Event, Meta
from ledger.facts.event_omitted import EventOmitted
from ledger.facts.event_pruned import EventPruned
from ledger.facts.fact import Fact, Reading
from ledger.facts.rows_put import RowsPut
from ledger.facts.single_row import EntityDeleted, RowPut, SingleRow
from ledger.facts.transaction_committed import TransactionCommitted
from ledger.header import canonical
from ledger.identity import Entity
from ledger.storage.plain_rows import PlainRows
from ledger.values.layout import Layout
from ledger.values.rows import TOMBSTONE, header_of

SEGMENT_BITS = 12
SEGMENT_SIZE = 1 << SEGMENT_BITS
SEGMENT_MASK = SEGMENT_SIZE - 1


class MemorySegment:
    """Events in columns; ``extras`` holds the few origins and metas."""

    __slots__ = ("_layout_of", "entities", "extras", "first", "payloads", "shapes", "times")

    def __init__(self, first: int, layout_of: Callable[[str], Layout]) -> None:
        self.first = first
        self.times: array[int] = array("q")
        self.shapes: Any = []
        self.entities: Any = []
        self.payloads: Any = []
        self.extras: dict[int, tuple[Any, Meta | None]] = {}
        self._layout_of = layout_of

    def append(self, event: Event) -> None:
        """Add an event; ``times`` grows last, so an interrupted append is undone by ``cut``."""
        fact, meta = event.fact, event.meta
        if isinstance(fact, SingleRow):
            self.shapes.append(fact.layout)
            self.entities.append(fact.entity)
            self.payloads.append(fact.row)
            origin = fact.origin
        else:
            self.shapes.append(type(fact))
            self.entities.append(None)
            self.payloads.append(held_form(fact, event.time))
            origin = None
        if origin is not None or meta is not None:
            self.extras[len(self.times)] = (origin, meta)
        self.times.append(event.time)

    def extend(self, run: PlainRows, positions: Sequence[int] | None) -> None:
        """Add the events of a run of rows; see ``append``."""
        self.shapes.extend([run.layout] * len(run.rows))
        self.entities.extend(run.entities)
        self.payloads.extend(run.rows)
        self.times.extend(run.times)

    def rewritten(self, events: Iterable[Event]) -> MemorySegment:
        """A copy with other facts at the places of some events. None of them is a single row."""
        copy = self.head(len(self.times))
        for event in events:
            place = event.offset - self.first
            copy.shapes[place], copy.entities[place] = type(event.fact), None
            copy.payloads[place] = held_form(event.fact, event.time)
            copy.times[place] = event.time
            copy.extras.pop(place, None)
            if event.meta is not None:
                copy.extras[place] = (None, event.meta)
        if len(copy.times) == SEGMENT_SIZE:
            copy.seal()
        return copy

    def cut(self, size: int) -> None:
        """Drop what an interrupted append left behind. A segment that was sealed already holds no more."""
        for column in (self.shapes, self.entities, self.payloads):
            if len(column) > size:
                del column[size:]
        del self.times[size:]
        self.extras.pop(size, None)

    def seal(self) -> None:
        """Nothing is added any more."""
        self.shapes = _Shapes(self.shapes)
        self.entities = tuple(self.entities)
        self.payloads = tuple(self.payloads)

    def head(self, size: int) -> MemorySegment:
        """A copy of the first ``size`` events, to which a fork adds its own."""
        copy = MemorySegment(self.first, self._layout_of)
        copy.shapes = list(self.shapes[:size])
        copy.entities = list(self.entities[:size])
        copy.payloads = list(self.payloads[:size])
        copy.times = self.times[:size]
        copy.extras = {place: extra for place, extra in self.extras.items() if place < size}
        return copy

    def fact(self, place: int) -> tuple[Fact, Meta | None]:
        """Fact and meta of an event."""
        shape, payload = self.shapes[place], self.payloads[place]
        origin, meta = self.extras.get(place, (None, None))
        if isinstance(shape, Layout):
            single = EntityDeleted if header_of(payload)[2] & TOMBSTONE else RowPut
            return single(shape, self.entities[place], payload, origin), meta
        if isinstance(payload, str):
            reading = Reading(self.first + place, self.times[place], self._layout_of)
            return decode_stored(payload, reading, shape), meta
        return payload, meta

    def entity(self, place: int) -> Entity:
        """The entity of a single row."""
        found: Entity = self.entities[place]
        return found

    def body(self, place: int) -> bytes:
        """The body of an event's line, rendered."""
        fact, meta = self.fact(place)
        return encode_event(self.first + place, self.times[place], fact, meta)


def held_form(fact: Fact, time: int) -> Any:
    """What a segment in memory keeps of a fact that is no single row."""
    whole = isinstance(fact, (RowsPut, TransactionCommitted, EventPruned, EventOmitted))
    return fact if whole else canonical(fact.to_json(time)).decode()


class _Shapes(Sequence[Any]):
    """The shapes of a sealed segment: each one once, and its number an event.

    A tuple of them is looked at by every full collection (12 ms a million events), and takes 8 bytes an event.
    """

    __slots__ = ("_kinds", "_numbers")

    def __init__(self, shapes: Iterable[Any]) -> None:
        held = list(shapes)
        numbers = {shape: number for number, shape in enumerate(dict.fromkeys(held))}
        self._kinds = tuple(numbers)
        self._numbers: Sequence[int] = array("B" if len(numbers) <= 256 else "H", map(numbers.__getitem__, held))

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Any]:
        return map(self._kinds.__getitem__, self._numbers)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self._kinds[number] for number in self._numbers[place]]
        return self._kinds[self._numbers[place]]


class FileSegment:
    """Events that stay in a file: ``read(position, offset)`` gives body, fact and meta of the line there."""

    __slots__ = ("_batch", "_last", "_read", "first", "payloads", "positions", "times")

    def __init__(self, first: int, read: Callable[[int, int], tuple[bytes, Fact, Meta | None]]) -> None:
        self.first = first
        self.times: array[int] = array("q")
        self.positions: array[int] = array("q")
        self.payloads: Sequence[Any] = _LazyPayloads(self)
        self._read = read
        self._last: tuple[int, Fact, Meta | None] | None = None  # a row, its entity, its text
        self._batch: tuple[int, Fact, Meta | None] | None = None  # its rows are asked for with single puts between

    def append(self, time: int, position: int) -> None:
        """Add an event by the position of its line; ``times`` grows last."""
        self.positions.append(position)
        self.times.append(time)

    def extend(self, run: PlainRows, positions: Sequence[int] | None) -> None:
        """Add the events of a run of rows by the positions of their lines."""
        self.positions.extend(positions or [-1] * len(run.rows))
        self.times.extend(run.times)

    def moved(
        self, changed: Iterable[Event], positions: Sequence[int], read: Callable[[int, int], Any]
    ) -> FileSegment:
        """The same events in another file, whose lines stand at these positions; some with another time."""
        copy = FileSegment(self.first, read)
        start = self.first - 1
        copy.positions, copy.times = array("q", positions[start : start + len(self.times)]), self.times[:]
        for event in changed:
            copy.times[event.offset - self.first] = event.time
        return copy

    def cut(self, size: int) -> None:
        """Drop what an interrupted append left behind."""
        self._last = self._batch = None
        del self.positions[size:]
        del self.times[size:]

    def seal(self) -> None:
        """Nothing to do: arrays are compact."""

    def fact(self, place: int) -> tuple[Fact, Meta | None]:
        """Fact and meta, read from the file."""
        for last in (self._last, self._batch):
            if last is not None and last[0] == place:
                return last[1], last[2]
        _, fact, meta = self._read(self.positions[place], self.first + place)
        if isinstance(fact, SingleRow):
            self._last = place, fact, meta
        else:
            self._batch = place, fact, meta
        return fact, meta

    def entity(self, place: int) -> Entity:
        """The entity of a single row, read from the file."""
        fact: Any = self.fact(place)[0]
        found: Entity = fact.entity
        return found

    def body(self, place: int) -> bytes:
        """The body of the line, read from the file."""
        return self._read(self.positions[place], self.first + place)[0]


class _LazyPayloads(Sequence[Any]):
    """The payloads of a file segment, read one by one."""

    def __init__(self, segment: FileSegment) -> None:
        self._segment = segment

    def __len__(self) -> int:
        return len(self._segment.positions)

    def __getitem__(self, place: Any) -> Any:
        fact, _ = self._segment.fact(place)
        return fact.row if isinstance(fact, SingleRow) else fact
