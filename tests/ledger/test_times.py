"""Instants and durations: every form that is taken, and what is refused."""

from __future__ import annotations

import decimal
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import pytest

from ledger import InvalidTime, duration_micros, from_micros, to_micros

NEW_YEAR = 1_767_225_600_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "micros"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), NEW_YEAR),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), NEW_YEAR),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        ("2026-01-01T00:00:00Z", NEW_YEAR),
        ("2026-01-01t00:00:00z", NEW_YEAR),
        ("2026-01-01 00:00:00Z", NEW_YEAR),
        ("2026-01-01T00:00:00+00:00", NEW_YEAR),
        ("2026-01-01T00:00:00-00:00", NEW_YEAR),
        ("2026-01-01T05:30:00+05:30", NEW_YEAR),
        ("2025-12-31T16:00:00-08:00", NEW_YEAR),
        ("2026-01-01T00:00:00.5Z", NEW_YEAR + 500_000),
        ("2026-01-01T00:00:00.000001Z", NEW_YEAR + 1),
        (0, 0),
        (-1, -1_000_000),
        (3, 3_000_000),
        (1.5, 1_500_000),
        (-0.0, 0),
    ],
)
def test_an_instant_is_whole_microseconds_utc(given: object, micros: int) -> None:
    found = to_micros(given)
    assert found == micros
    assert type(found) is int


@pytest.mark.parametrize(
    ("given", "micros"),
    [
        ("2026-01-01T00:00:00.0000019Z", NEW_YEAR + 1),
        ("1969-12-31T23:59:59.9999999Z", -1),
        (1.9e-6, 1),
        (-1e-7, -1),
        (5e-324, 0),
        (-5e-324, -1),
        (Decimal("0.0000019"), 1),
        (Fraction(1, 3), 333_333),
        (Fraction(-1, 3), -333_334),
        (Decimal("0.99999999999999999999"), 999_999),
        (Fraction(10**20 - 1, 10**20), 999_999),
    ],
)
def test_finer_than_a_microsecond_floors(given: object, micros: int) -> None:
    assert to_micros(given) == micros


@pytest.mark.parametrize("fraction", [0, 1, 7, 123_456, 499_999, 500_001, 999_999])
@pytest.mark.parametrize("seconds", [0, 1_700_000_000, 4_000_000_000, -1_000_000_001])
def test_float_seconds_keep_their_microsecond(seconds: int, fraction: int) -> None:
    exact = Decimal(seconds) + Decimal(fraction) / 1_000_000
    assert to_micros(float(exact)) == seconds * 1_000_000 + fraction
    assert to_micros(exact) == seconds * 1_000_000 + fraction


def test_the_hosts_decimal_context_changes_no_time() -> None:
    with decimal.localcontext() as context:
        context.prec = 6
        assert to_micros(1_700_000_000.123456) == 1_700_000_000_123_456
    with decimal.localcontext() as context:
        context.traps[decimal.Inexact] = True
        assert to_micros(1_700_000_000.123456) == 1_700_000_000_123_456
        assert to_micros(1.9e-6) == 1


@pytest.mark.parametrize(
    "given",
    [
        EPOCH.replace(tzinfo=None),
        "2026-01-01T00:00:00",
        "2026-01-01",
        "2026-01-01Z",
        "12:00:00Z",
        "yesterday",
        "",
        " ",
        "T",
        "2026-13-01T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
        "２０２６-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        True,
        False,
        None,
        b"2026-01-01T00:00:00Z",
        [],
        1j,
        timedelta(1),
        float("nan"),
        float("inf"),
        float("-inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Fraction(10**400),
    ],
    ids=lambda given: repr(given)[:40],
)
def test_what_is_not_one_instant_is_refused(given: object) -> None:
    with pytest.raises(InvalidTime) as caught:
        to_micros(given)
    assert "value" in caught.value.values


@pytest.mark.parametrize(
    "text",
    ["20260101T000000Z", "2026-W01-4T00:00:00Z", "2026-01-01T00Z", "2026-01-01T00:00Z", "2026-01-01T00:00:00,5Z"],
)
def test_other_iso_8601_forms_are_not_rfc_3339(text: str) -> None:
    with pytest.raises(InvalidTime):
        to_micros(text)


@pytest.mark.parametrize("micros", [-(2**53), -1, 0, 1, NEW_YEAR, 2**53])
def test_times_are_given_back_as_aware_utc_datetimes(micros: int) -> None:
    shown = from_micros(micros)
    assert shown.tzinfo is UTC
    assert to_micros(shown) == micros
    assert float(micros) == micros


@pytest.mark.parametrize("given", [2**53, -(2**53), 10**30, 9_007_199_254.740993, 1e300, "9999-01-01T00:00:00Z"])
def test_times_lie_between_the_years_1684_and_2255(given: object) -> None:
    with pytest.raises(InvalidTime):
        to_micros(given)


@pytest.mark.parametrize(
    ("given", "micros"),
    [
        (0, 0),
        (1.5, 1_500_000),
        (60, 60_000_000),
        (timedelta(days=1), 86_400_000_000),
        (timedelta(microseconds=1), 1),
        (Decimal("0.1"), 100_000),
        (1e-9, 0),
    ],
)
def test_a_duration_is_seconds_or_a_timedelta(given: object, micros: int) -> None:
    assert duration_micros(given) == micros


@pytest.mark.parametrize("given", [-1, -1e-9, timedelta(microseconds=-1), True, None, "60", float("nan"), 1e300, 2**53])
def test_a_duration_is_not_negative_and_in_range(given: object) -> None:
    with pytest.raises(InvalidTime):
        duration_micros(given)


def test_numpy_seconds_are_seconds() -> None:
    numpy = pytest.importorskip("numpy")
    assert to_micros(numpy.int64(3)) == to_micros(numpy.uint8(3)) == 3_000_000
    assert to_micros(numpy.float64(1_700_000_000.123456)) == 1_700_000_000_123_456
    assert to_micros(numpy.float32(0.5)) == 500_000
    for refused in (numpy.True_, numpy.datetime64("2026-01-01"), numpy.timedelta64(5, "s"), numpy.timedelta64(5, "ns")):
        with pytest.raises(InvalidTime):
            to_micros(refused)
        with pytest.raises(InvalidTime):
            duration_micros(refused)
