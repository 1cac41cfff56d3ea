"""Clocks: whole microseconds, of the machine or of a hand."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from ledger import InvalidTime, ManualClock, system_clock, to_micros


def test_the_system_clock_gives_whole_microseconds_of_now() -> None:
    before = time.time_ns() // 1000
    now = system_clock()
    assert type(now) is int
    assert before <= now <= time.time_ns() // 1000


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock()
    assert clock() == clock() == to_micros("2026-01-01T00:00:00Z")
    clock.advance(1.5)
    clock.advance(timedelta(microseconds=1))
    assert clock() == to_micros("2026-01-01T00:00:01.500001Z")


def test_a_manual_clock_may_jump_back_as_real_ones_do() -> None:
    clock = ManualClock("2026-01-01T00:00:00Z")
    clock.set(0)
    assert clock() == 0


def test_a_manual_clock_advances_forward_only() -> None:
    clock = ManualClock(0)
    with pytest.raises(InvalidTime):
        clock.advance(-1)
    assert clock() == 0
