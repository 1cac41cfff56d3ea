"""The stored form of columns: short ones can be read, long ones are packed, and each has one form."""

from __future__ import annotations

import math
from array import array
from base64 import b64decode, b64encode
from typing import Any

import pytest

from ledger import (
    MISSING,
    Bool,
    Category,
    Column,
    FeatureType,
    Float,
    Int,
    InvalidInput,
    Pool,
    Text,
    Vector,
    check_column,
)
from ledger.values.column_codec import LIST_ROWS, column_from_json, column_to_json
from tests.ledger.making import EVERY_TYPE

TYPES: list[FeatureType] = [
    *EVERY_TYPE.values(),
    Vector(3, dtype="float16"),
    Vector(3, dtype="int8"),
    Vector(11, dtype="binary", metric="hamming"),
]
SIZES = [0, 1, 15, 16, 17, 1000]


def values(kind: FeatureType, rows: int) -> list[Any]:
    made: dict[str, Any] = {
        "int": lambda row: row * 7 - 3,
        "float": lambda row: row / 3 or -0.0,
        "bool": lambda row: row % 3 == 0,
        "category": lambda row: ("Rome", "1", 1, "Oslo", "é")[row % 5],
        "text": lambda row: "é" * (row % 4),
        "timestamp": lambda row: row / 4,
        "vector": lambda row: [1, *(row % 2 for _ in range(getattr(kind, "dim", 1) - 1))],
    }
    return [made[kind.name](row) for row in range(rows)]


def gappy(kind: FeatureType, rows: int) -> list[Any]:
    return [
        None if row % 4 == 1 else MISSING if row % 7 == 3 else value for row, value in enumerate(values(kind, rows))
    ]


def column_of(kind: FeatureType, cells: list[Any], pool: Pool) -> Column:
    column, bad = check_column(kind, cells, pool)
    assert not bad
    return column


def plain(kind: FeatureType, column: Column, pool: Pool) -> Any:
    """A column with codes replaced by what they stand for."""
    data: Any = column.data
    if kind.coded:
        gaps = {*column.nulls, *column.missing}
        data = [None if row in gaps else pool.values_by_code[code] for row, code in enumerate(data)]
    return data.tobytes() if isinstance(data, array) else data, column.nulls, column.missing


@pytest.mark.parametrize("make", [values, gappy])
@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("kind", TYPES, ids=repr)
def test_a_column_comes_back_from_its_stored_form(kind: FeatureType, rows: int, make: Any) -> None:
    pool = Pool()
    column = column_of(kind, make(kind, rows), pool)
    stored = column_to_json(kind, column, rows, pool)
    for other in (pool, Pool()):
        again = column_from_json(kind, stored, rows, other)
        assert plain(kind, again, other) == plain(kind, column, pool)
        assert column_to_json(kind, again, rows, other) == stored


@pytest.mark.parametrize("gap", [None, MISSING])
@pytest.mark.parametrize("rows", [1, 16])
@pytest.mark.parametrize("kind", TYPES, ids=repr)
def test_a_column_of_gaps_alone_comes_back(kind: FeatureType, rows: int, gap: Any) -> None:
    pool = Pool()
    column = column_of(kind, [gap] * rows, pool)
    stored = column_to_json(kind, column, rows, pool)
    assert plain(kind, column_from_json(kind, stored, rows, Pool()), Pool()) == plain(kind, column, pool)


@pytest.mark.parametrize("rows", [15, 16])
def test_the_stored_form_depends_on_the_column_alone(rows: int) -> None:
    """Codes never reach an event: what the pool met before (a refused write, another view) leaves no trace."""
    cells = ["Rome", *[None] * (rows - 1)]
    fresh, used = Pool(), Pool()
    assert used["a value of another view"] == 0
    stored = column_to_json(Category(), column_of(Category(), cells, used), rows, used)
    assert "another view" not in str(stored)
    assert stored == column_to_json(Category(), column_of(Category(), cells, fresh), rows, fresh)


def test_short_columns_are_readable_and_long_ones_packed() -> None:
    pool = Pool()
    assert column_to_json(Float(), column_of(Float(), [0.5, None, MISSING], pool), 3, pool) == {
        "list": [0.5, None, None],
        "missing": [2],
    }
    packed = column_to_json(Float(), column_of(Float(), [0.5] * LIST_ROWS, pool), LIST_ROWS, pool)
    assert packed == {"f64": b64encode(array("d", [0.5] * LIST_ROWS).tobytes()).decode()}
    bits = column_to_json(Bool(), column_of(Bool(), [True, False] * 8, pool), 16, pool)
    assert bits == {"bool": b64encode(bytes([1, 0] * 8)).decode()}
    cities = column_to_json(Category(), column_of(Category(), ["b", "a"] * 8, pool), 16, pool)
    assert cities["dict"] == ["b", "a"]
    assert b64decode(cities["codes"]) == array("i", [0, 1] * 8).tobytes()
    texts = column_to_json(Text(), column_of(Text(), ["x"] * 20, pool), 20, pool)
    assert texts == {"list": ["x"] * 20}


def words(code: str, *items: Any) -> str:
    return b64encode(array(code, items).tobytes()).decode()


ZEROS = [0] * 16
GOOD_FLOATS = words("d", *[0.5] * 16)
GOOD_INTS = words("q", *range(16))


@pytest.mark.parametrize(
    ("kind", "rows", "data"),
    [
        *(
            (Float(), 2, data)
            for data in (None, [], [0.5, 1.0], {}, {"list": [0.5]}, {"list": [0.5] * 3}, {"list": "ab"})
        ),
        *((Float(), 2, {"list": [0.5, bad]}) for bad in (1, "1", True, math.inf, [])),
        (Float(), 2, {"list": [0.5, 1.0], "more": 1}),
        (Float(), 2, {"f64": words("d", 1, 2)}),
        (Float(), 2, {"list": [0.5, None], "null": [1]}),
        (Float(), 2, {"list": [0.5, 1.0], "missing": [1]}),
        *(
            (Float(), 2, {"list": [None, None], "missing": bad})
            for bad in ([], [2], [-1], [1, 0], [0, 0], [True], 1, [0.0], None)
        ),
        (Float(), 16, {"list": [0.5] * 16}),
        (Float(), 16, {"i64": GOOD_INTS}),
        (Float(), 16, {}),
        (Float(), 16, {"null": [0]}),
        (Float(), 16, {"f64": GOOD_FLOATS, "more": 1}),
        (Float(), 16, {"f64": GOOD_FLOATS[:-4]}),
        (Float(), 16, {"f64": 7}),
        (Float(), 16, {"f64": GOOD_FLOATS + "\n"}),
        (Float(), 16, {"f64": "é" + GOOD_FLOATS[1:]}),
        (Float(), 16, {"f64": words("d", *[0.5] * 15, math.nan)}),
        (Float(), 16, {"f64": words("d", *[0.5] * 15, -math.inf)}),
        *((Float(), 16, {"f64": GOOD_FLOATS, "null": bad}) for bad in ([], [16], [1, 1], [2, 1], "1", {})),
        (Int(), 16, {"i64": words("q", *[0] * 15, 2**53 + 1)}),
        (Int(), 16, {"i64": words("q", *[0] * 15, -(2**53) - 1)}),
        (Bool(), 16, {"bool": b64encode(bytes([2] * 16)).decode()}),
        (Bool(), 2, {"list": [0, 1]}),
        (Category(), 16, {"codes": words("i", *ZEROS)}),
        (Category(), 16, {"dict": ["x"]}),
        (Category(), 16, {"dict": ["x"], "codes": words("i", *[0] * 15, 1)}),
        (Category(), 16, {"dict": ["x"], "codes": words("i", *[0] * 15, -1)}),
        (Category(), 16, {"dict": [1.5], "codes": words("i", *ZEROS)}),
        (Category(), 16, {"dict": "x", "codes": words("i", *ZEROS)}),
        (Category(), 16, {"dict": [None], "codes": words("i", *ZEROS)}),
        (Category(), 16, {"dict": [["x"]], "codes": words("i", *ZEROS)}),
        (Category(), 16, {"dict": ["\ud800"], "codes": words("i", *ZEROS)}),
        (Text(max_bytes=1), 1, {"list": ["xx"]}),
        (Text(), 1, {"list": ["\ud800"]}),
        (Vector(1), 16, {"vec": words("f", *[1.0] * 15, math.inf)}),
        (Vector(1), 16, {"vec": words("f", *ZEROS)}),
        (Vector(1), 16, {"vec": words("f", *[1.0] * 15)}),
        (Vector(1), 1, {"list": [[1.0]]}),
        (Vector(4, dtype="binary", metric="hamming"), 16, {"vec": b64encode(b"\x0f" * 16).decode()}),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_any_other_stored_form_is_refused(kind: FeatureType, rows: int, data: Any) -> None:
    with pytest.raises(InvalidInput):
        column_from_json(kind, data, rows, Pool())


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Float(), {"f64": GOOD_FLOATS, "null": [3]}),
        (Float(), {"f64": GOOD_FLOATS, "null": [3], "missing": [3]}),
        (Category(), {"dict": ["x", "x"], "codes": words("i", *[0, 1] * 8)}),
        (Category(), {"dict": ["x", "unused"], "codes": words("i", *ZEROS)}),
        (Category(), {"dict": ["y", "x"], "codes": words("i", *[1, 0] * 8)}),
        (Vector(1, metric="dot"), {"vec": words("f", *[1.0] * 16), "null": [3]}),
        (Bool(), {"bool": "AAAAAAAAAAAAAAAAAAAAAB=="}),
    ],
    ids=[
        "value under a null",
        "null and missing",
        "dict repeats",
        "dict unused",
        "dict order",
        "vector under a null",
        "base64",
    ],
)
def test_a_stored_column_has_one_form(kind: FeatureType, data: dict[str, Any]) -> None:
    """A form that would be written otherwise is refused: lines are rendered again for snapshots and forks."""
    pool = Pool()
    try:
        column = column_from_json(kind, data, 16, pool)
    except InvalidInput:
        return
    assert column_to_json(kind, column, 16, pool) == data


def test_a_column_is_stored_little_endian_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger.values import column_codec

    column = column_of(Int(), list(range(16)), Pool())
    monkeypatch.setattr(column_codec.sys, "byteorder", "big")
    swapped = column_to_json(Int(), column, 16, Pool())
    assert b64decode(swapped["i64"])[:16] == bytes(15) + b"\1"
    assert column_from_json(Int(), swapped, 16, Pool()).data == column.data
