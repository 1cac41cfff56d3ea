"""Instants and durations: integer microseconds UTC inside, aware ``datetime`` outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from operator import index
from typing import Any, TypeAlias

from ledger.errors import InvalidTime

Instant: TypeAlias = "datetime | str | int | float"
Duration: TypeAlias = "timedelta | int | float"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_MICROS = 2**53  # exact in float64: the years 1684 to 2255
_SECOND = 1_000_000
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
)
_TEXT_RULE = "a time as text is RFC 3339 with an offset, like 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00"
_EXPONENT = 400  # beyond it, the ratio of integers that a decimal is may fill the memory
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
        raise InvalidTime("a datetime carries its offset from UTC, like datetime.now(UTC)", value=value)
    return (value - EPOCH) // _MICROSECOND


def _from_text(text: str) -> int:
    if not _RFC_3339.match(text):
        raise InvalidTime(_TEXT_RULE, value=text)
    try:
        return _from_datetime(datetime.fromisoformat(text.upper()))
    except ValueError as error:
        raise InvalidTime(_TEXT_RULE, value=text) from error


def _from_seconds(value: object) -> int:
    if isinstance(value, bool):
        raise InvalidTime("a bool is not a time", value=value)
    if isinstance(value, (int, float)) or hasattr(value, "as_integer_ratio"):
        return _floor_micros(value)
    try:
        return index(value) * _SECOND  # type: ignore[arg-type]
    except TypeError:
        rule = "a time is an aware datetime, RFC 3339 text like 2026-01-31T12:00:00Z, or seconds since 1970"
        raise InvalidTime(rule, value=value, type=type(value).__name__) from None


def _floor_micros(value: Any) -> int:
    """Floored exactly, as a ratio of integers: no decimal context of the host takes part.

    A float stands for its shortest decimal text: 1700000000.123456 keeps its microsecond, which the float
    itself (resolution 0.24 us there) would lose half of the time.
    """
    try:
        if isinstance(value, int):
            return index(value) * _SECOND
        if not isinstance(value, (Decimal, Fraction)):
            value = Decimal(repr(float(value)))
        if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > _EXPONENT:
            value = Decimal(value and (1e30 if value.adjusted() > 0 else 1e-30)).copy_sign(value)  # floors alike
        above, below = value.as_integer_ratio()
        return int(above * _SECOND // below)
    except (ValueError, OverflowError) as error:  # NaN and infinity
        raise InvalidTime("a time is finite and in range", value=value) from error
