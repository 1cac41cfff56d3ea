"""A deferred segment: events that a checkpoint covers, left in their file until somebody asks for them.

Their lines were hashed at the start, not parsed. One that is asked for is read, hashed again and parsed, as a lazy
ledger does it, and stays in memory then; once the ledger is closed it cannot be read any more. What is appended later
is in memory at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ledger.event import Event, Meta
from ledger.facts.fact import Fact
from ledger.facts.single_row import SingleRow
from ledger.segment import MemorySegment, held_form
from ledger.values.layout import Layout

ReadLine = Callable[[int, int], "tuple[bytes, Fact, Meta | None]"]


class DeferredSegment(MemorySegment):
    """Events by the positions of their lines; ``read(position, offset)`` gives body, fact and meta of one."""

    __slots__ = ("_positions", "_read")

    def __init__(
        self,
        first: int,
        layout_of: Callable[[str], Layout],
        read: ReadLine,
        times: array[int],
        positions: Sequence[int],
    ) -> None:
        super().__init__(first, layout_of)
        self._read = read
        self._positions = array("q", positions)
        self.times = times
        self.shapes = [None] * len(times)
        self.entities = [None] * len(times)
        self.payloads = _Payloads(self, [None] * len(times))

    def load(self, place: int) -> Any:
        """Read the event at a place from the file, and keep it; its payload."""
        _, fact, meta = self._read(self._positions[place], self.first + place)
        if isinstance(fact, SingleRow):
            self.shapes[place], self.entities[place], payload, origin = fact.layout, fact.entity, fact.row, fact.origin
        else:
            self.shapes[place], payload, origin = type(fact), held_form(fact, self.times[place]), None
        if origin is not None or meta is not None:
            self.extras[place] = (origin, meta)
        self.payloads[place] = payload  # last: readers go by it
        return payload

    def fact(self, place: int) -> tuple[Fact, Meta | None]:
        """Fact and meta of an event."""
        self.payloads[place]
        return super().fact(place)

    def head(self, size: int) -> DeferredSegment:
        """A copy of the first ``size`` events, to which a fork adds its own; what is unread is read from the file."""
        return self._copy(size, self._positions[:size], self._read)

    def moved(self, changed: Iterable[Event], positions: Sequence[int], read: ReadLine) -> MemorySegment:
        """The same events in another file, whose lines stand at these positions; other facts at the places of some."""
        start = self.first - 1
        own = positions[start : start + len(self._positions)]
        return self._copy(len(self.times), own, read).rewritten(changed)

    def _copy(self, size: int, positions: Sequence[int], read: ReadLine) -> DeferredSegment:
        copy = DeferredSegment(self.first, self._layout_of, read, self.times[:size], positions)
        copy.payloads[:] = list.__getitem__(self.payloads, slice(0, size))  # first: what it has, the others have
        copy.shapes = list(self.shapes[:size])
        copy.entities = list(self.entities[:size])
        copy.extras = {place: extra for place, extra in list(self.extras.items()) if place < size}
        return copy

    def seal(self) -> None:
        """Nothing to do: unread places are filled later."""


class _Payloads(list[Any]):
    """The payloads of a segment; one that is not there yet is read."""

    def __init__(self, segment: DeferredSegment, payloads: list[Any]) -> None:
        super().__init__(payloads)
        self._segment = segment

    def __getitem__(self, place: Any) -> Any:
        payload = super().__getitem__(place)
        return self._segment.load(place) if payload is None else payload
