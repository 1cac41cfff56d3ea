"""Instants: microseconds of the model in the forms that the public calls take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

SECOND = 1_000_000


def given(micros: int | None) -> Any:
    """An instant, exact to the microsecond; None stays."""
    if micros is None:
        return None
    return micros // SECOND if micros % SECOND == 0 else iso(micros)


def iso(micros: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).isoformat()


def given_all(times: list[int | None], now: int) -> Any:
    """Those of a batch; None where every row is of now."""
    if all(time is None for time in times):
        return None
    return [given(now if time is None else time) for time in times]
