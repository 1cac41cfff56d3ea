"""Columns: a cell is judged as a single value is, whatever sequence it comes in."""

from __future__ import annotations

import math
from array import array
from decimal import Decimal
from typing import Any

import pytest

from ledger import (
    ABSENT,
    MISSING,
    NULL,
    Bool,
    Category,
    Column,
    FeatureType,
    Float,
    Int,
    Pool,
    Text,
    Timestamp,
    Vector,
    check_column,
    check_entities,
)
from ledger.values.columns import _check_cells, are_good_vectors
from tests.ledger.making import EVERY_TYPE, T0, Colour

GOOD: list[tuple[FeatureType, list[Any]]] = [
    (Float(), [0.5, -0.0, 1e300, 3]),
    (Float(), [1.7e308, 1.7e308]),
    (Int(), [1, -(2**53), 2**53]),
    (Bool(), [True, False, True]),
    (Category(), ["Rome", "Oslo", "Rome"]),
    (Category(), [1, "1", "Rome"]),
    (Text(), ["x", "", "é"]),
    (Text(max_bytes=2), ["é", "ab"]),
    (Timestamp(), ["2026-01-01T00:00:00Z", 0, 0.5]),
    (Vector(2, metric="dot"), [[1, 2], (3, 4)]),
]


def slowly(kind: FeatureType, values: Any, nan: str = "refuse") -> Any:
    return _check_cells(kind, values, Pool(), nan)


def same(a: Any, b: Any) -> bool:
    """Whether two checked columns are equal bit for bit, bad cells included."""
    (one, bad), (two, worse) = a, b
    data = [column.data.tobytes() if isinstance(column.data, array) else column.data for column in (one, two)]
    return type(one.data) is type(two.data) and data[0] == data[1] and one[1:] == two[1:] and repr(bad) == repr(worse)


@pytest.mark.parametrize("container", [list, tuple])
@pytest.mark.parametrize(("kind", "values"), GOOD, ids=repr)
def test_a_good_column_is_the_same_by_either_path(kind: FeatureType, values: list[Any], container: Any) -> None:
    fast = check_column(kind, container(values), Pool())
    assert same(fast, slowly(kind, values))
    assert fast[1] == []


@pytest.mark.parametrize("kind", EVERY_TYPE.values(), ids=lambda kind: kind.name)
def test_an_empty_column_is_good(kind: FeatureType) -> None:
    column, bad = check_column(kind, [], Pool())
    assert (len(column.data), column.nulls, column.missing, bad) == (0, (), (), [])


@pytest.mark.parametrize("kind", EVERY_TYPE.values(), ids=lambda kind: kind.name)
def test_gaps_hold_zeros_and_become_sentinels(kind: FeatureType) -> None:
    column, bad = check_column(kind, [None, MISSING, None], Pool())
    assert (column.nulls, column.missing, bad) == ((0, 2), (1,), [])
    assert column.words(3).tolist() == [NULL, ABSENT, NULL]
    zeros = {"text": ["", "", ""], "vector": b""}.get(kind.name)  # of vectors none at all: they may be wide
    assert column.data == (array(kind.word, [0, 0, 0]) if zeros is None else zeros)


def test_every_bad_cell_is_found_and_left_missing() -> None:
    column, bad = check_column(Int(), [1, "x", None, True, 2**53 + 1, MISSING, 5], Pool())
    assert [cell.row for cell in bad] == [1, 3, 4]
    assert [cell.value for cell in bad] == ["x", True, 2**53 + 1]
    assert all(cell.rule for cell in bad)
    assert (column.nulls, column.missing) == ((2,), (1, 3, 4, 5))
    assert column.data.tolist() == [1, 0, 0, 0, 0, 0, 5]


@pytest.mark.parametrize(
    ("kind", "values", "rows"),
    [
        (Float(), [1.0, math.nan], [1]),
        (Float(), [math.inf, -math.inf], [0, 1]),
        (Float(), [1.0, True], [1]),
        (Float(), [1, 10**400], [1]),
        (Int(), [1, 2**53 + 1], [1]),
        (Int(), [1, 2**80], [1]),
        (Int(), [1, True], [1]),
        (Int(), [1.0, 2], [0]),
        (Bool(), [True, 1], [1]),
        (Category(), ["x", True], [1]),
        (Category(), ["x", "\ud800"], [1]),
        (Category(), ["x" * 65_537], [0]),
        (Text(), ["x", b"x"], [1]),
        (Text(max_bytes=1), ["x", "é", "xx"], [1, 2]),
        (Text(), ["\ud800"], [0]),
        (Vector(2), [[1, 2], [0, 0], [1], [1, math.nan]], [1, 2, 3]),
        (Timestamp(), [0, "2026-01-01", True], [1, 2]),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_a_single_value_may_not_be_a_cell_may_not_be(kind: FeatureType, values: Any, rows: list[int]) -> None:
    assert [cell.row for cell in check_column(kind, values, Pool())[1]] == rows


def test_nan_is_null_only_where_the_caller_says_so() -> None:
    column, bad = check_column(Float(), [1.0, math.nan, None], Pool(), nan="null")
    assert (column.nulls, bad) == ((1, 2), [])
    assert [cell.row for cell in check_column(Float(), [1.0, math.nan], Pool())[1]] == [1]
    assert check_column(Text(), ["x", math.nan], Pool(), nan="null")[0].nulls == (1,)


def test_any_nan_is_null_where_the_caller_says_so() -> None:
    """A put takes each of these as null: so does a batch."""
    numpy = pytest.importorskip("numpy")
    column, bad = check_column(Float(), [numpy.float32("nan"), Decimal("NaN"), 1.0], Pool(), nan="null")
    assert (column.nulls, bad) == ((0, 1), [])


def test_buffers_are_taken_by_value() -> None:
    for code, kind in [
        ("d", Float()),
        ("f", Float()),
        ("q", Int()),
        ("i", Int()),
        ("b", Int()),
        ("H", Int()),
        ("L", Int()),
    ]:
        given = array(code, [1, 2, 3])
        for values in (given, memoryview(given), memoryview(given)[::-1][::-1]):
            column, bad = check_column(kind, values, Pool())
            assert column.data.tolist() == [1, 2, 3]
            assert bad == []
    given = array("d", [1, 2])
    column, _ = check_column(Float(), given, Pool())
    given[0] = 99
    assert column.data.tolist() == [1, 2]


def test_an_array_with_a_bad_value_names_it() -> None:
    assert [cell.row for cell in check_column(Float(), array("d", [1, math.nan]), Pool())[1]] == [1]
    assert [cell.row for cell in check_column(Int(), array("q", [1, 2**53 + 1]), Pool())[1]] == [1]
    assert [cell.row for cell in check_column(Int(), array("Q", [1, 2**64 - 1]), Pool())[1]] == [1]
    assert [cell.row for cell in check_column(Int(), array("L", [1, 2**64 - 1]), Pool())[1]] == [1]
    assert [cell.row for cell in check_column(Int(), array("d", [1]), Pool())[1]] == [0]


def test_a_range_is_a_column_of_ints() -> None:
    assert check_column(Int(), range(3), Pool())[0].data.tolist() == [0, 1, 2]
    assert check_column(Float(), range(3), Pool())[0].data.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("kind", "values"),
    [(Text(), "abc"), (Category(), "abc"), (Int(), b"abc"), (Int(), bytearray(b"abc")), (Float(), b"abc")],
    ids=repr,
)
def test_a_text_or_bytes_is_not_a_column(kind: FeatureType, values: Any) -> None:
    """A column of one text per character, or of one int per byte, is never what was meant."""
    try:
        _, bad = check_column(kind, values, Pool())
    except (ValueError, TypeError):
        return
    assert len(bad) == 3


def test_a_str_of_another_class_is_the_text_that_it_is() -> None:
    pool = Pool()
    assert check_column(Text(), [Colour.RED], pool)[0].data == ["red"]
    check_column(Category(), [Colour.RED], pool)
    assert pool.values_by_code == ["red"]


def test_vectors_of_the_stored_type_come_in_one_copy() -> None:
    kind = Vector(2, metric="dot")
    flat = array("f", [1, 2, 3, 4])
    matrix = memoryview(flat).cast("B").cast("f", (2, 2))
    assert same(check_column(kind, matrix, Pool()), slowly(kind, [[1, 2], [3, 4]]))
    assert [cell.row for cell in check_column(Vector(3), matrix, Pool())[1]] == [0, 1]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_stored_vectors_are_finite(dtype: str, bad: float) -> None:
    kind = Vector(2, dtype=dtype, metric="dot")
    good = kind.check([1, -2])
    assert are_good_vectors(kind, good * 5)
    assert not are_good_vectors(kind, good + kind.packer.pack(1, bad) + good)
    largest = {"float64": 1.7976931348623157e308, "float32": 3.4028234663852886e38, "float16": 65504.0}[dtype]
    assert are_good_vectors(kind, kind.check([largest, -largest]))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8", "uint8", "binary"])
def test_stored_vectors_are_not_zero_under_cosine(dtype: str) -> None:
    kind = Vector(8, dtype=dtype)
    good, zero = kind.check([1] + [0] * 7), bytes(kind.size)
    assert are_good_vectors(kind, good * 3)
    assert not are_good_vectors(kind, good + zero + good)
    assert are_good_vectors(Vector(8, dtype=dtype, metric="hamming"), zero)


def test_words_of_a_column_are_its_bits() -> None:
    assert Column(array("d", [-0.0])).words(1).tolist() == [-(2**63)]
    assert Column(["a", "b"], (1,)).words(2).tolist() == [0, NULL]
    assert Column(bytes(8), (), (0,)).words(2).tolist() == [ABSENT, 0]


def test_entities_of_a_batch_are_checked_one_by_one() -> None:
    assert check_entities(["a", "b"]) == (["a", "b"], [])
    assert check_entities(("a", 1, ("x", 2))) == (["a", 1, ("x", 2)], [])
    assert check_entities([]) == ([], [])
    ids, bad = check_entities(["a", "", None, True, "é", 1.0, "\ud800"])
    assert [cell.row for cell in bad] == [1, 2, 3, 5, 6]
    assert ids[4] == "é"
    assert len(ids) == 7
    assert check_entities(array("q", [1, 2])) == ([1, 2], [])


def test_numpy_columns_agree_with_lists() -> None:
    numpy = pytest.importorskip("numpy")
    for dtype in ("f8", "f4", "f2", ">f8", "i8", "i1", "u2", ">i4"):
        given = numpy.array([1, 0, 3, 4], dtype)
        assert same(check_column(Float(), given, Pool()), slowly(Float(), [1.0, 0.0, 3.0, 4.0]))
        assert same(check_column(Float(), given[::2], Pool()), slowly(Float(), [1.0, 3.0]))
        if given.dtype.kind != "f":
            assert same(check_column(Int(), given, Pool()), slowly(Int(), [1, 0, 3, 4]))
    assert same(check_column(Bool(), numpy.array([True, False]), Pool()), slowly(Bool(), [True, False]))
    assert same(check_column(Category(), numpy.array(["a", "b"]), Pool()), slowly(Category(), ["a", "b"]))
    assert same(check_column(Text(), numpy.array(["a", None], object), Pool()), slowly(Text(), ["a", None]))
    assert check_column(Float(), numpy.array([1.0, math.nan]), Pool(), nan="null")[0].nulls == (1,)
    assert check_entities(numpy.array(["a", "b"])) == (["a", "b"], [])
    assert [cell.row for cell in check_column(Float(), numpy.array([True]), Pool())[1]] == [0]


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i1", "u1", "i8"])
@pytest.mark.parametrize("stored", ["float64", "float32", "float16", "int8", "uint8"])
def test_numpy_matrices_agree_with_lists(stored: str, dtype: str) -> None:
    numpy = pytest.importorskip("numpy")
    kind = Vector(2, dtype=stored, metric="dot")
    matrix = numpy.array([[1, 2], [3, 4], [0, 0]], dtype)
    for given in (matrix, numpy.asfortranarray(matrix), matrix[::-1]):
        assert same(check_column(kind, given, Pool()), slowly(kind, given.tolist()))


def test_numpy_instants_without_an_offset_are_refused() -> None:
    numpy = pytest.importorskip("numpy")
    for unit in ("s", "us", "ns"):
        instants = numpy.array(["1970-01-01T00:00:00", "1970-01-01T00:00:01"], f"M8[{unit}]")
        assert [cell.row for cell in check_column(Timestamp(), instants, Pool())[1]] == [0, 1]
    assert check_column(Timestamp(), numpy.array([T0 / 1e6]), Pool())[0].data.tolist() == [T0]
