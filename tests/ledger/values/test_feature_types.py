"""Feature types: which values each takes, and what is stored and shown of them."""

from __future__ import annotations

import math
import struct
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any

import pytest

from ledger import (
    Bool,
    Category,
    DefinitionError,
    FeatureType,
    Float,
    Int,
    InvalidInput,
    Text,
    Timestamp,
    Vector,
    canonical,
)
from ledger.facts.view_defined import type_from_json
from tests.ledger.making import EVERY_TYPE, T0, Colour

LIMIT = 2**53


class Level(IntEnum):
    HIGH = 3


class Reading:
    def __float__(self) -> float:
        return 0.25


ACCEPTED = [
    (Int(), 12, 12),
    (Int(), LIMIT, LIMIT),
    (Int(), -LIMIT, -LIMIT),
    (Int(), Level.HIGH, 3),
    (Float(), 4.5, 4.5),
    (Float(), 3, 3.0),
    (Float(), 5e-324, 5e-324),
    (Float(), 1.7976931348623157e308, 1.7976931348623157e308),
    (Float(), Decimal("0.1"), 0.1),
    (Float(), Fraction(1, 3), 1 / 3),
    (Float(), Reading(), 0.25),
    (Float(), LIMIT * 4, float(LIMIT * 4)),
    (Bool(), True, True),
    (Bool(), False, False),
    (Category(), "Rome", "Rome"),
    (Category(), "", ""),
    (Category(), "1", "1"),
    (Category(), 1, 1),
    (Category(), -LIMIT, -LIMIT),
    (Category(), "é" * 32_768, "é" * 32_768),
    (Text(), "", ""),
    (Text(), "x\ny\0z", "x\ny\0z"),
    (Text(max_bytes=4), "éé", "éé"),
    (Text(), "x" * (1 << 20), "x" * (1 << 20)),
    (Timestamp(), "2026-01-01T00:00:00Z", T0),
    (Timestamp(), datetime(2026, 1, 1, tzinfo=UTC), T0),
    (Timestamp(), 1_767_225_600, T0),
    (Timestamp(), 0.5, 500_000),
]
REFUSED: list[tuple[FeatureType, Any]] = [
    *(
        (Int(), given)
        for given in (True, False, 1.0, "1", b"1", None, LIMIT + 1, -LIMIT - 1, 10**40, Decimal(1), 1j, [])
    ),
    *((Int(), given) for given in (Fraction(2), float("nan"), bytearray(b"1"))),
    *((Float(), given) for given in (True, False, "1", b"1", bytearray(b"1"), None, 1j, [1.0], object(), 10**400)),
    *((Float(), float(given)) for given in ("nan", "inf", "-inf")),
    *((Float(), Decimal(given)) for given in ("NaN", "sNaN", "Infinity", "1e400")),
    (Float(), Fraction(10**400)),
    *((Bool(), given) for given in (0, 1, "True", None, 1.0, b"", [])),
    *((Category(), given) for given in (True, False, 1.5, None, b"Rome", "\ud800", "x" * 65_537, "é" * 32_769)),
    *((Category(), given) for given in (LIMIT + 1, ("Rome",), Decimal(1), bytearray(b"x"))),
    *((Text(), given) for given in (b"x", bytearray(b"x"), 1, None, "\udfff", ["x"], "x" * ((1 << 20) + 1))),
    (Text(max_bytes=3), "éé"),
    *((Timestamp(), given) for given in (True, None, "2026-01-01", float("nan"), b"2026", LIMIT, timedelta(1))),
]


def _name(value: object) -> str:
    return value.name if isinstance(value, FeatureType) else ascii(value)[:24]


@pytest.mark.parametrize(("kind", "value", "cell"), ACCEPTED, ids=_name)
def test_a_value_becomes_its_cell(kind: FeatureType, value: object, cell: object) -> None:
    found = kind.check(value)
    assert found == cell
    assert type(found) is type(cell)


@pytest.mark.parametrize(("kind", "value", "cell"), ACCEPTED, ids=_name)
def test_a_cell_comes_back_from_its_stored_form(kind: FeatureType, value: object, cell: object) -> None:
    stored = kind.to_json(kind.check(value))
    again = kind.from_json(stored)
    assert again == cell
    assert type(again) is type(cell)


@pytest.mark.parametrize(("kind", "value"), REFUSED, ids=_name)
def test_a_value_that_breaks_its_types_rule_is_refused(kind: FeatureType, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        kind.check(value)
    assert caught.value.rule


@pytest.mark.parametrize("value", [-0.0, 0.0, 5e-324, -5e-324, 0.1, 1e308], ids=repr)
def test_a_float_keeps_its_bits(value: float) -> None:
    assert struct.pack("d", Float().check(value)) == struct.pack("d", value)
    assert math.copysign(1, Float().from_json(value)) == math.copysign(1, value)


@pytest.mark.parametrize("kind", [Category(), Text()], ids=_name)
def test_a_str_of_another_class_is_the_text_that_it_is(kind: FeatureType) -> None:
    assert kind.check(Colour.RED) == "red"
    assert type(kind.check(Colour.RED)) is str


def test_one_and_the_text_one_are_two_categories() -> None:
    assert Category().check(1) != Category().check("1")


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        (Int(), 1.0), (Int(), "1"), (Int(), True), (Int(), None), (Int(), LIMIT + 1),
        (Float(), 1), (Float(), True), (Float(), "1.0"), (Float(), float("inf")), (Float(), float("nan")),
        (Bool(), 1), (Bool(), 0), (Bool(), "true"),
        (Category(), 1.0), (Category(), True), (Category(), ["Rome"]), (Category(), "\ud800"),
        (Text(), 1), (Text(), None), (Text(), "\ud800"), (Text(max_bytes=1), "xx"),
        (Timestamp(), "2026-01-01T00:00:00Z"), (Timestamp(), 0.5), (Timestamp(), True), (Timestamp(), LIMIT + 1),
    ],
    ids=_name,
)  # fmt: skip
def test_a_stored_value_has_its_types_own_json_form(kind: FeatureType, stored: object) -> None:
    with pytest.raises(InvalidInput):
        kind.from_json(stored)


def test_a_timestamp_is_given_back_as_an_aware_utc_datetime() -> None:
    assert Timestamp().show(T0) == datetime(2026, 1, 1, tzinfo=UTC)
    assert Timestamp().show(T0).tzinfo is UTC
    assert Timestamp(default=T0 // 10**6).shown_default == datetime(2026, 1, 1, tzinfo=UTC)


WITH_DEFAULTS = [
    *EVERY_TYPE.values(),
    Int(default=0),
    Float(default=1, description="an average"),
    Float(default=-0.0),
    Bool(default=False),
    Category(default=""),
    Category(default=7),
    Text(default="none", max_bytes=10),
    Timestamp(default=5),
    Timestamp(default="2026-01-01T00:00:00Z"),
    Timestamp(default=datetime(2026, 1, 1, tzinfo=UTC)),
    Vector(2, default=[1.0, 0.5]),
    Vector(9, dtype="binary", metric="hamming", default=[1] * 9),
    Vector(2, metric="minkowski", p=3, dtype="float16"),
]


@pytest.mark.parametrize("kind", WITH_DEFAULTS, ids=lambda kind: repr(kind)[:60])
def test_a_type_comes_back_from_its_definition(kind: FeatureType) -> None:
    data = kind.definition()
    again = type_from_json(data)
    assert canonical(again.definition()) == canonical(data)
    assert again.shown_default == kind.shown_default
    assert again.shape() == kind.shape()


@pytest.mark.parametrize("kind", WITH_DEFAULTS, ids=lambda kind: repr(kind)[:60])
def test_types_are_equal_when_their_arguments_are(kind: FeatureType) -> None:
    same = replace(kind) if not isinstance(kind, Vector) else kind
    assert same == kind
    assert hash(same) == hash(kind)
    with pytest.raises(FrozenInstanceError):
        kind.default = 3  # type: ignore[misc]


def test_a_default_is_a_value_of_its_type() -> None:
    for wrong in (lambda: Int(default="x"), lambda: Int(default=True), lambda: Float(default=float("nan"))):
        with pytest.raises(DefinitionError):
            wrong()
    assert Int().shown_default is None
    assert Float(default=3).shown_default == 3.0


@pytest.mark.parametrize("description", [7, None, "\ud800"], ids=ascii)
def test_a_description_is_text_that_a_line_can_hold(description: Any) -> None:
    with pytest.raises(DefinitionError):
        Int(description=description)
    with pytest.raises(DefinitionError):
        Vector(2, description=description)


@pytest.mark.parametrize("max_bytes", [0, -1, True, 1.5, None, (1 << 26) + 1])
def test_the_limit_of_a_text_is_an_int_in_range(max_bytes: Any) -> None:
    with pytest.raises(DefinitionError):
        Text(max_bytes=max_bytes)


def test_numpy_scalars_are_taken_as_their_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    assert Int().check(numpy.int64(12)) == Int().check(numpy.uint8(12)) == 12
    assert type(Int().check(numpy.int64(12))) is int
    assert type(Float().check(numpy.float64(0.1))) is float
    assert Float().check(numpy.float32(0.1)) == float(numpy.float32(0.1))
    assert Float().check(numpy.int8(3)) == 3.0
    assert Bool().check(numpy.True_) is True
    assert Category().check(numpy.str_("Rome")) == "Rome"
    assert type(Category().check(numpy.str_("Rome"))) is str
    assert Timestamp().check(numpy.int64(1)) == 1_000_000


def test_numpy_scalars_that_are_no_numbers_are_refused() -> None:
    numpy = pytest.importorskip("numpy")
    refused = [
        (Int(), (numpy.True_, numpy.float64(1), numpy.timedelta64(5, "s"), numpy.datetime64("2026-01-01", "ns"))),
        (Float(), (numpy.float64("nan"), numpy.float32("inf"), numpy.str_("1"), numpy.bytes_(b"1"))),
        (Bool(), (numpy.int8(1), numpy.str_("True"))),
        (Category(), (numpy.True_, numpy.float64(1), numpy.bytes_(b"x"))),
        (Timestamp(), (numpy.True_, numpy.datetime64("2026-01-01", "us"), numpy.timedelta64(5, "ns"))),
    ]
    for kind, values in refused:
        for value in values:
            with pytest.raises(InvalidInput):
                kind.check(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda numpy: numpy.True_,
        lambda numpy: numpy.array(True),
        lambda numpy: numpy.datetime64("2026-01-01", "ns"),
        lambda numpy: numpy.timedelta64(5, "ns"),
    ],
    ids=["bool", "bool array", "datetime64", "timedelta64"],
)
def test_a_numpy_bool_or_time_is_not_a_float(make: Any) -> None:
    with pytest.raises(InvalidInput):
        Float().check(make(pytest.importorskip("numpy")))


@pytest.mark.filterwarnings("ignore")
def test_a_complex_number_is_not_a_float() -> None:
    numpy = pytest.importorskip("numpy")
    with pytest.raises(InvalidInput):
        Float().check(numpy.complex128(1 + 2j))


@pytest.mark.parametrize(
    "data",
    [
        {}, {"type": "number"}, {"type": None}, {"type": ["int"]}, {"type": "int", "dim": 2}, {"type": "vector"},
        {"type": "int", "default": 1.5}, {"type": "int", "default": "x"}, {"type": "float", "default": 1},
        {"type": "text", "max_bytes": 0}, {"type": "text", "max_bytes": "9"}, {"type": "vector", "dim": 0},
        {"type": "vector", "dim": 2, "metric": "cosine", "dtype": "float32", "default": [1, 2]},
        {"type": "vector", "dim": 2, "metric": "near", "dtype": "float32"},
        {"type": "vector", "dim": 2, "metric": "minkowski", "dtype": "float32", "p": "3"},
        {"type": "vector", "dim": 2, "metric": "minkowski", "dtype": "float32", "p": float("inf")},
        {"type": "int", "description": 7}, {"type": "int", "description": "\ud800"},
    ],
    ids=ascii,
)  # fmt: skip
def test_an_unknown_stored_type_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises((InvalidInput, DefinitionError)):
        type_from_json(data)


def test_the_base_decides_nothing_itself() -> None:
    with pytest.raises(NotImplementedError):
        FeatureType().check(1)
