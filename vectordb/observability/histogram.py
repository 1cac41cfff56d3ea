"""A histogram of durations: counts by fixed bounds, so that two of them add up exactly, in any order.

The bounds are Renard's series R10 (ISO 3), ten a decade, from 0.1 us to 100 s: a quantile is off by 28 % at most, and
the bounds 1, 2, 5 of each decade, which Prometheus is shown, are among them. 92 counts, some 3 kB.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from ledger import InvalidInput

_STEPS: Final = ("1", "1.25", "1.6", "2", "2.5", "3.15", "4", "5", "6.3", "8")
BOUNDS: Final = (*(float(f"{step}e{power}") for power in range(-7, 2) for step in _STEPS), 100.0)  # seconds
SHOWN: Final = tuple(float(f"{step}e{power}") for power in range(-7, 2) for step in ("1", "2", "5")) + (100.0,)
_NANOS: Final = 1_000_000_000


class Histogram:
    """How often which duration was seen; ``total_ns`` is their exact sum in nanoseconds, ``longest_ns`` the longest.

    >>> seen = Histogram()
    >>> for duration in (1e-6, 2e-6, 3e-6):
    ...     seen.add(duration)
    >>> seen.count, seen.total_ns, 1.6e-6 < seen.quantile(0.5) <= 2e-6
    (3, 6000, True)
    """

    __slots__ = ("counts", "longest_ns", "total_ns")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total_ns = 0
        self.longest_ns = 0

    @property
    def count(self) -> int:
        """How many."""
        return sum(self.counts)  # ints

    def add(self, duration: float) -> None:
        """One more, in seconds."""
        nanos = round(duration * _NANOS)
        self.counts[bisect_left(BOUNDS, duration)] += 1
        self.total_ns += nanos
        if nanos > self.longest_ns:
            self.longest_ns = nanos

    def merge(self, other: Histogram) -> None:
        """All that another one has seen too."""
        self.counts = [own + more for own, more in zip(self.counts, other.counts)]
        self.total_ns += other.total_ns
        self.longest_ns = max(self.longest_ns, other.longest_ns)

    def quantile(self, share: float) -> float | None:
        """The duration that a share of them does not exceed, interpolated between two bounds; None of none.

        Raises ``InvalidInput`` for a share outside 0 to 1.
        """
        if not 0.0 <= share <= 1.0:
            raise InvalidInput("a quantile is of a share between 0 and 1", share=share)
        size, longest = self.count, self.longest_ns / _NANOS
        if not size:
            return None
        before, wanted = 0, share * size
        for place, count in enumerate(self.counts):
            if count and before + count >= wanted:
                low = BOUNDS[place - 1] if place else 0.0
                high = min(longest, BOUNDS[place]) if place < len(BOUNDS) else longest
                return min(high, low + (high - low) * max(0.0, wanted - before) / count)
            before += count
        return longest

    def cumulative(self, bounds: Sequence[float] = SHOWN) -> Iterator[tuple[float, int]]:
        """Of each bound that is shown, some of ``BOUNDS``, how many did not exceed it."""
        running = list(accumulate(self.counts))
        for bound in bounds:
            yield bound, running[_PLACES[bound]]

    def to_dict(self) -> dict[str, Any]:
        """As plain data; counts of the bounds that have any, by place."""
        counts = [[place, count] for place, count in enumerate(self.counts) if count]
        return {"counts": counts, "total_ns": self.total_ns, "longest_ns": self.longest_ns}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Histogram:
        """What ``to_dict`` gave, of this process or another."""
        found = cls()
        for place, count in data["counts"]:
            found.counts[place] = count
        found.total_ns, found.longest_ns = data["total_ns"], data["longest_ns"]
        return found


_PLACES: Final = {bound: place for place, bound in enumerate(BOUNDS)}
