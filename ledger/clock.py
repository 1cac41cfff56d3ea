"""Clocks: callables that return microseconds since 1970 UTC. Time is always an argument."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from ledger.times import Duration, Instant, duration_micros, to_micros

Clock: TypeAlias = Callable[[], int]


def system_clock() -> int:
    """The machine's wall clock in microseconds. It may step back; the log's recorded time never does."""
    return time.time_ns() // 1000


class ManualClock:
    """A clock that moves only when told: for tests, replays and simulations.

    >>> clock = ManualClock("2026-01-01T00:00:00Z")
    >>> before = clock(); clock.advance(1.5); clock() - before
    1500000
    """

    def __init__(self, start: Instant = 1_767_225_600) -> None:
        self._now = to_micros(start)

    def __call__(self) -> int:
        return self._now

    def advance(self, duration: Duration) -> None:
        """Move forward by seconds or a ``timedelta``."""
        self._now += duration_micros(duration)

    def set(self, instant: Instant) -> None:
        """Jump to an instant, backwards too: as real clocks do."""
        self._now = to_micros(instant)
