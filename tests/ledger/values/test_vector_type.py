"""The vector type: elements, metrics, queries, and the bytes that are stored."""

from __future__ import annotations

import struct
import sys
from array import array
from base64 import b64encode
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from ledger import DefinitionError, InvalidInput, Vector, canonical
from ledger.values import vector_type

CODES = {"float64": "d", "float32": "f", "float16": "e", "int8": "b", "uint8": "B"}
INF, NAN = float("inf"), float("nan")


def vector(dim: int = 3, dtype: str = "float32", metric: str = "euclidean", **rest: Any) -> Vector:
    return Vector(dim, dtype=dtype, metric=metric, **rest)


def test_a_vector_is_of_float32_and_cosine_unless_its_type_says_otherwise() -> None:
    assert (Vector(3).dtype, Vector(3).metric, Vector(3).size) == ("float32", "cosine", 12)
    assert Vector(1).check([0.1]) == struct.pack("<f", 0.1)


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize(
    "source", [list, tuple, lambda v: array("b", v), lambda v: memoryview(array("b", v)), lambda _: range(1, 4)]
)
def test_a_vector_is_stored_as_little_endian_bytes(dtype: str, source: Any) -> None:
    cell = vector(dtype=dtype).check(source([1, 2, 3]))
    assert type(cell) is bytes
    assert cell == struct.pack(f"<3{CODES[dtype]}", 1, 2, 3)


@pytest.mark.parametrize("dtype", CODES)
def test_bytes_of_the_stored_length_are_taken_as_they_are(dtype: str) -> None:
    kind = vector(dtype=dtype)
    raw = struct.pack(f"<3{CODES[dtype]}", 1, 2, 3)
    assert kind.check(raw) == raw
    assert kind.size == len(raw)
    for wrong in (b"", raw[:-1], raw + b"\0"):
        with pytest.raises(InvalidInput):
            kind.check(wrong)


@pytest.mark.parametrize("dtype", CODES)
def test_a_read_gives_a_read_only_memoryview(dtype: str) -> None:
    kind = vector(dtype=dtype)
    shown = kind.show(kind.check([1, 2, 3]))
    assert shown.tolist() == [1, 2, 3]
    assert shown.readonly
    assert shown.format == ("f" if dtype == "float16" else CODES[dtype])


def test_other_byte_orders_show_the_same_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = vector()
    cell = kind.check([0.5, -1, 2])
    monkeypatch.setattr(sys, "byteorder", "big")
    assert kind.show(cell).tolist() == [0.5, -1, 2]


def test_elements_may_be_any_real_numbers() -> None:
    cell = vector().check([1, Decimal("0.5"), Fraction(1, 4)])
    assert struct.unpack("<3f", cell) == (1, 0.5, 0.25)


def test_float32_rounds_to_nearest_and_keeps_the_sign_of_zero() -> None:
    assert vector(1).check([-0.0]) == struct.pack("<f", -0.0)
    assert vector(1).check([0.1]) == struct.pack("<f", 0.1)


@pytest.mark.parametrize(
    ("dtype", "elements"),
    [
        ("float32", [1, 2]),
        ("float32", [1, 2, 3, 4]),
        ("float32", []),
        ("float32", [1, 2, 1e39]),
        ("float32", [1, 2, 3.4028235677973366e38]),
        ("float32", [1, 2, -1e300]),
        ("float32", [1, 2, 10**400]),
        ("float64", [1, 2, 10**400]),
        ("float16", [1, 2, 65520]),
        ("float16", [1, 2, 1e300]),
        ("int8", [1, 2, 128]),
        ("int8", [1, 2, -129]),
        ("int8", [1, 2, 1.0]),
        ("int8", [1, 2, Decimal(1)]),
        ("uint8", [1, 2, -1]),
        ("uint8", [1, 2, 256]),
        ("uint8", [1, 2, 0.5]),
        *((dtype, [1, bad, 2]) for dtype in ("float64", "float32", "float16") for bad in (NAN, INF, -INF)),
        *(
            (dtype, [1, bad, 2])
            for dtype in ("float32", "int8", "binary")
            for bad in (None, "1", b"1", [1], 1j, object())
        ),
        *((dtype, [1, True, 2]) for dtype in ("float32", "float64", "float16", "int8", "uint8")),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value)[:30].split(" at ")[0],
)
def test_what_does_not_fit_is_refused(dtype: str, elements: list[Any]) -> None:
    with pytest.raises(InvalidInput):
        vector(dtype=dtype).check(elements)


@pytest.mark.parametrize(
    "given", ["abc", bytearray(12), 7, None, iter([1, 2, 3]), object(), 1.0], ids=lambda g: type(g).__name__
)
def test_what_is_no_sequence_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput):
        vector().check(given)


@pytest.mark.parametrize(
    "given", [{1, 2, 3}, frozenset({1, 2, 3}), {1: "a", 2: "b", 3: "c"}], ids=lambda g: type(g).__name__
)
def test_what_has_no_order_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput):
        vector().check(given)


def test_a_float64_vector_takes_the_largest_floats_though_their_sum_overflows() -> None:
    assert vector(2, "float64").check([1.7e308, 1.7e308]) == struct.pack("<2d", 1.7e308, 1.7e308)


@pytest.mark.parametrize("dtype", [*CODES, "binary"])
def test_the_zero_vector_is_refused_under_cosine_alone(dtype: str) -> None:
    zero = [0] * 9
    with pytest.raises(InvalidInput, match="zero vector"):
        vector(9, dtype, "cosine").check(zero)
    with pytest.raises(InvalidInput):
        vector(9, dtype, "cosine").from_json(b64encode(vector(9, dtype).check(zero)).decode())
    for metric in ("euclidean", "dot", "hamming"):
        assert not any(vector(9, dtype, metric).check(zero))
    last = [0] * 8 + [1]
    assert any(vector(9, dtype, "cosine").check(last))


def test_zeros_of_either_sign_are_a_zero_vector() -> None:
    with pytest.raises(InvalidInput):
        vector(3, "float32", "cosine").check([-0.0, 0.0, -0.0])
    assert vector(2, "int8", "cosine").check([-128, 0]) == b"\x80\0"


@pytest.mark.parametrize(
    ("bits", "stored"),
    [([1], b"\x80"), ([0, 1], b"\x40"), ([1] * 8, b"\xff"), ([0] * 7 + [1, 1], b"\x01\x80"), ([True, False], b"\x80")],
)
def test_bits_are_stored_eight_to_a_byte_the_first_highest(bits: list[int], stored: bytes) -> None:
    kind = vector(len(bits), "binary", "hamming")
    assert kind.check(bits) == stored
    assert kind.size == len(stored)
    assert kind.show(stored).tolist() == list(stored)


@pytest.mark.parametrize("bits", [[2], [-1], [1.0], ["1"], [None]])
def test_bits_are_zero_or_one(bits: list[Any]) -> None:
    with pytest.raises(InvalidInput):
        vector(1, "binary", "hamming").check(bits)


@pytest.mark.parametrize("metric", ["hamming", "cosine"])
def test_the_unused_bits_of_the_last_byte_are_zero(metric: str) -> None:
    """Else two equal vectors have two stored forms, and a zero vector passes for another."""
    kind = vector(4, "binary", metric)
    with pytest.raises(InvalidInput):
        kind.check(b"\x0f")
    with pytest.raises(InvalidInput):
        kind.from_json(b64encode(b"\x8f").decode())
    assert kind.check(b"\xf0") == b"\xf0"


@pytest.mark.parametrize("dtype", [*CODES, "binary"])
def test_a_vector_comes_back_from_its_stored_form(dtype: str) -> None:
    kind = vector(3, dtype)
    cell = kind.check([1, 0, 1])
    assert kind.from_json(kind.to_json(cell)) == cell


@pytest.mark.parametrize(
    "stored",
    [None, 7, [1, 2, 3], "", "AAAA", "A" * 17, "AAAAAAAAAAAAAAAA ", "AAAAAAAAAAAA\nAAAA", "é" * 16, "AAAAAAAAAAAAAAA="],
    ids=repr,
)
def test_a_stored_vector_is_base64_of_exactly_its_bytes(stored: object) -> None:
    with pytest.raises(InvalidInput):
        vector(3).from_json(stored)


def test_a_stored_vector_has_one_spelling() -> None:
    assert vector(1, "uint8").from_json("AQ==") == b"\x01"
    with pytest.raises(InvalidInput):
        vector(1, "uint8").from_json("AR==")


def test_a_stored_vector_is_finite() -> None:
    with pytest.raises(InvalidInput):
        vector(1).from_json(b64encode(struct.pack("<f", INF)).decode())


@pytest.mark.parametrize("dim", [1, 65_536])
def test_a_dimension_is_from_1_to_65536(dim: int) -> None:
    assert vector(dim, "int8").check([1] * dim) == b"\x01" * dim
    assert vector(dim, "binary", "hamming").size == (dim + 7) // 8


@pytest.mark.parametrize(
    "arguments",
    [
        {"dim": 0},
        {"dim": 65_537},
        {"dim": True},
        {"dim": 2.0},
        {"dim": "2"},
        {"dim": None},
        {"dtype": "float"},
        {"metric": "near"},
        {"p": 2},
        {"metric": "minkowski"},
        {"metric": "minkowski", "p": 0.5},
        {"metric": "minkowski", "p": NAN},
        {"default": [1]},
        {"default": "x"},
    ],
    ids=repr,
)
def test_a_definition_states_what_is_wrong(arguments: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError):
        vector(**arguments)


@pytest.mark.parametrize("p", [INF, True, "3", Decimal(3), Fraction(3), 1j, [3]], ids=repr)
def test_the_power_of_minkowski_is_a_finite_number_that_a_line_can_hold(p: Any) -> None:
    try:
        kind = vector(metric="minkowski", p=p)
    except DefinitionError:
        return
    assert type(kind.p) in (int, float)
    assert canonical(kind.definition())


def test_the_shape_names_what_can_never_change() -> None:
    assert vector().shape() == {"type": "vector", "dim": 3, "metric": "euclidean", "dtype": "float32"}
    assert vector(metric="minkowski", p=3).shape()["p"] == 3
    assert vector().gap() == bytes(12)
    assert vector(default=[1, 2, 3]).shown_default.tolist() == [1, 2, 3]
    assert vector(default=[1, 2, 3]) == vector(default=(1.0, 2.0, 3.0))


def test_the_element_types_are_those_documented() -> None:
    assert set(vector_type.ELEMENTS) == {*CODES, "binary"}


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("source", ["float64", "float32", "float16", "int8", "uint8", "int64", ">f4", ">i2"])
def test_numpy_arrays_are_taken_by_value(dtype: str, source: str) -> None:
    numpy = pytest.importorskip("numpy")
    kind = vector(dtype=dtype)
    given = numpy.array([1, 2, 3], source)
    if dtype in ("int8", "uint8") and given.dtype.kind == "f":
        with pytest.raises(InvalidInput):
            kind.check(given)
        return
    assert kind.check(given) == kind.check([1, 2, 3])
    assert kind.check(numpy.repeat(given, 2)[::2]) == kind.check([1, 2, 3])


def test_numpy_arrays_of_other_shapes_or_kinds_are_refused() -> None:
    numpy = pytest.importorskip("numpy")
    for given in (
        numpy.ones((3, 1)),
        numpy.ones((1, 3)),
        numpy.array(1.0),
        numpy.array(["a", "b", "c"]),
        numpy.ones(3, bool),
    ):
        with pytest.raises(InvalidInput):
            vector().check(given)


@pytest.mark.filterwarnings("ignore")
def test_numpy_bools_and_complex_numbers_are_no_elements() -> None:
    numpy = pytest.importorskip("numpy")
    for element in (numpy.True_, numpy.complex128(1 + 2j), numpy.datetime64("2026-01-01", "ns")):
        with pytest.raises(InvalidInput):
            vector().check([element, 1, 2])
    with pytest.raises(InvalidInput):
        vector(3, "binary", "hamming").check([numpy.True_, 0, 1])
