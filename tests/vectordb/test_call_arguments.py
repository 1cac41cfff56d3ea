"""Arguments as given: equal for equal arguments in any form, different for different ones."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from vectordb import MISSING
from vectordb.call_arguments import said, said_time

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
EQUAL: list[tuple[Any, Any]] = [
    (2, 2.0),
    ({"a": 1, "b": None}, {"b": None, "a": 1}),
    ([1, 2], (1.0, 2)),
    (array("d", [0.5, 1.0]), [0.5, 1]),
    (memoryview(b"ab"), [97, 98]),
    (b"ab", bytearray(b"ab")),
]
DIFFERENT: list[tuple[Any, Any]] = [
    (1, "1"),
    (0.0, -0.0),
    (0.1, 0.2),
    (None, MISSING),
    (None, 0),
    ("a", b"a"),
    ("\ud800", "\ud801"),
    ("é", "e"),
    (NEW_YEAR, NEW_YEAR.replace(tzinfo=None)),
    (Decimal("1.0"), Decimal("1.00")),
    ([1], [[1]]),
    ({"a": 1}, {"a": 2}),
    ([["map", 1]], {"map": 1}),
]


@pytest.mark.parametrize(("one", "other"), EQUAL, ids=repr)
def test_equal_arguments_are_told_alike(one: Any, other: Any) -> None:
    assert said(one) == said(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=ascii)
def test_different_arguments_are_told_apart(one: Any, other: Any) -> None:
    assert said(one) != said(other)


def test_event_times_are_told_by_their_instant() -> None:
    micros = 1_767_225_600_000_000
    assert said_time(NEW_YEAR) == said_time("2026-01-01T01:00:00+01:00") == said_time(1_767_225_600) == micros
    assert said_time([NEW_YEAR, None]) == [micros, None]
    assert said_time("yesterday") == said("yesterday"), "refused later; until then it is what was said"


def test_numpy_values_are_told_by_what_they_hold() -> None:
    numpy = pytest.importorskip("numpy")
    assert said(numpy.array([[1.5, 2.0]])) == said([[1.5, 2]])
    assert said(numpy.float32(0.5)) == said(0.5)
