"""The timeline of one entity whose writes are partial, late or dated ahead."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator


class Timeline:
    """References in two orders: as learnt (``refs``), and as true (``times`` with ``by_time``).

    Learning in order appends in place; a late write replaces both arrays of the second order at once
    (3 us at a thousand versions, 1.3 ms at 200,000), so a reader holding the old ones never sees them move.
    """

    __slots__ = ("ordered", "refs")

    def __init__(self) -> None:
        self.refs = array("q")
        self.ordered = (array("q"), array("q"))

    def add(self, ref: int, event_time: int) -> None:
        """Add a version; references arrive in order, event times in any."""
        times, by_time = self.ordered
        if not times or event_time >= times[-1]:
            by_time.append(ref)
            times.append(event_time)
        else:
            place = bisect_right(times, event_time)
            late_time, late_ref = array("q", (event_time,)), array("q", (ref,))
            self.ordered = (times[:place] + late_time + times[place:], by_time[:place] + late_ref + by_time[place:])
        self.refs.append(ref)

    def back_from(self, limit: int, at: int) -> Iterator[int]:
        """References up to ``limit`` with event time up to ``at``, the greatest (event time, ref) first."""
        times, by_time = self.ordered
        for place in range(bisect_right(times, at) - 1, -1, -1):
            if by_time[place] <= limit:
                yield by_time[place]

    def check(self) -> None:
        """Both orders hold the same references; times ascend, and references within one time."""
        times, by_time = self.ordered
        assert sorted(by_time) == list(self.refs) == sorted(set(self.refs))
        pairs = list(zip(times, by_time, strict=True))
        assert pairs == sorted(pairs)
