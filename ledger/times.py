"""Instants and durations: integer microseconds UTC inside, aware ``datetime`` outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import index
from typing import TypeAlias

from ledger.errors import InvalidTime

Instant: TypeAlias = "datetime | str | int | float"
Duration: TypeAlias = "timedelta | int | float"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_MICROS = 2**53  # exact in float64: the years 1684 to 2255
_SECOND = 1_000_000
_MICROSECOND = timedelta(microseconds=1)


def to_micros(value: Instant) -> int:
    """Microseconds since 1970 UTC of an aware datetime, RFC 3339 text, or seconds; finer floors.

    >>> to_micros("2026-01-01T00:00:00+01:00"), to_micros(1.9e-6), to_micros(3)
    (1767222000000000, 1, 3000000)
    """
    if isinstance(value, datetime):
        micros = _from_datetime(value)
    elif isinstance(value, str):
        micros = _from_text(value)
    else:
        micros = _from_seconds(value)
    if not -MAX_MICROS <= micros <= MAX_MICROS:
        raise InvalidTime("a time lies between the years 1684 and 2255", value=value)
    return micros


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime of a number of microseconds.

    >>> from_micros(1)
    datetime.datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=datetime.timezone.utc)
    """
    return EPOCH + timedelta(microseconds=micros)


def duration_micros(value: Duration) -> int:
    """Microseconds of a duration in seconds or a ``timedelta``; not negative.

    >>> duration_micros(1.5), duration_micros(timedelta(days=1))
    (1500000, 86400000000)
    """
    micros = value // _MICROSECOND if isinstance(value, timedelta) else _from_seconds(value)
    if not 0 <= micros <= MAX_MICROS:
        raise InvalidTime("a duration is not negative and at most 2**53 microseconds", value=value)
    return micros


def _from_datetime(value: datetime) -> int:
    if value.tzinfo is None or value.utcoffset() is None:
        raise InvalidTime("a datetime carries its offset from UTC", value=value)
    return (value - EPOCH) // _MICROSECOND


def _from_text(text: str) -> int:
    if "T" not in text and "t" not in text and " " not in text:
        raise InvalidTime("a time as text is RFC 3339 with an offset", value=text)
    try:
        return _from_datetime(datetime.fromisoformat(text.replace("t", "T").replace("z", "Z")))
    except ValueError as error:
        raise InvalidTime("a time as text is RFC 3339 with an offset", value=text) from error


def _from_seconds(value: object) -> int:
    if isinstance(value, bool):
        raise InvalidTime("a bool is not a time", value=value)
    if isinstance(value, float) or (hasattr(value, "as_integer_ratio") and not hasattr(value, "__index__")):
        # The shortest decimal text of the float, floored: 1700000000.123456 keeps its microsecond,
        # which the float itself (resolution 0.24 us there) would lose half of the time.
        number = Decimal(repr(float(value)))  # type: ignore[arg-type]
        if not number.is_finite() or abs(number) > MAX_MICROS:
            raise InvalidTime("a time is finite and in range", value=value)
        return int((number * _SECOND).to_integral_value(rounding="ROUND_FLOOR"))
    try:
        return index(value) * _SECOND  # type: ignore[arg-type]
    except TypeError:
        rule = "a time is an aware datetime, RFC 3339 text, or seconds"
        raise InvalidTime(rule, value=value, type=type(value).__name__) from None
