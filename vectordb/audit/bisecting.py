"""Bisection: the first offset at which something turns true of the past, and the event there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledger import AlreadyTrue, Event, InvalidInput, OffsetOutOfRange, StillFalse

if TYPE_CHECKING:
    from vectordb.reader import Reader


@dataclass(frozen=True)
class Turn:
    """The ``event`` at ``offset`` after which a predicate held, and before which it did not.

    ``before`` and ``after`` are the pasts on either side of it; ``probes`` is how many pasts were asked.
    """

    offset: int
    event: Event = field(repr=False)
    before: Reader = field(repr=False, compare=False)
    after: Reader = field(repr=False, compare=False)
    probes: int

    def to_dict(self) -> dict[str, Any]:
        """As plain data: the offset, what the event is and when it was recorded, and the number of probes."""
        event = self.event
        recorded = event.recorded_time.isoformat()
        return {"offset": self.offset, "type": event.type, "recorded_time": recorded, "probes": self.probes}


def bisect_past(reader: Reader, predicate: Callable[[Any], Any], low: int | None, high: int | None) -> Turn:
    """Binary search for the turn between two offsets; see ``Audit.bisect``."""
    head, first = reader.as_of_offset, reader.state.log.pruned
    low = max(1, first) if low is None else low
    high = head if high is None else high
    for bound in (low, high):
        if type(bound) is not int or not 0 <= bound <= head:
            rule = "a bisection goes between offsets of the log"
            raise OffsetOutOfRange(rule, low=low, high=high, first=first, last=head)
    if low >= high:
        raise InvalidInput("a bisection has a low end below its high end", low=low, high=high)
    if predicate(reader.as_of(low)):
        raise AlreadyTrue("the predicate does not hold at the low end", low=low, high=high)
    if not predicate(reader.as_of(high)):
        raise StillFalse("the predicate holds at the high end", low=low, high=high)
    probes = 2
    while high - low > 1:  # false at low, true at high: so there is a turn between, whatever else there is
        middle = (low + high) // 2
        if predicate(reader.as_of(middle)):
            high = middle
        else:
            low = middle
        probes += 1
    return Turn(high, reader.event(high), reader.as_of(low), reader.as_of(high), probes)
