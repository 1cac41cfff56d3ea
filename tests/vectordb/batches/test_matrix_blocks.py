"""What a matrix shows NumPy and buffers: shapes without rows or columns, defaults of vectors, gaps and types."""

from __future__ import annotations

import sys
from math import isnan
from typing import Any

import pytest

from ledger import ABSENT, NULL, ManualClock
from tests.vectordb.world import START
from vectordb import Bool, Category, Float, Int, InvalidInput, LiveView, Text, Timestamp, Vector, VectorDB

KINDS = {"n": Int(), "x": Float(), "on": Bool(), "city": Category(default="none"), "note": Text(), "seen": Timestamp()}
FULL = {"n": 2**53, "x": -0.0, "on": False, "city": 1, "note": "é", "seen": START}


def new_view(**kinds: Any) -> LiveView:
    db = VectorDB(clock=ManualClock(START), seed=1)
    return db.create_view("v", entity="e", features=kinds or KINDS)


@pytest.fixture
def view() -> LiveView:
    view = new_view()
    view.put("a", FULL)
    view.put("b", {**dict.fromkeys(KINDS), "x": 1e38})
    view.put(0, {"n": 0, "x": 0.5})
    view.put(1, {"n": 1, "on": True})
    return view


def test_values_have_their_types(view: LiveView) -> None:
    matrix = view.get_many(["a", "b", 0, 1, "nobody"])
    assert list(map(type, matrix.column("n"))) == [int, type(None), int, int, type(None)]
    assert list(map(type, matrix.column("on"))) == [bool, type(None), type(None), bool, type(None)]
    assert str(matrix.column("x")) == "[-0.0, 1e+38, 0.5, None, None]"
    assert matrix.column("city") == [1, None, "none", "none", "none"] and matrix.column("n")[0] == 2**53
    assert matrix.to_rows() == [tuple(row[name] for name in matrix.names) for row in matrix]


def test_gaps_of_a_block_tell_null_from_missing(view: LiveView) -> None:
    matrix = view.get_many(["b", 1, "nobody"], ["on", "x"])
    words = matrix.numbers.raw.cast("q").tolist()
    assert words[0] == NULL and words[3] == ABSENT and words[4:] == [ABSENT] * 2
    assert all(isnan(matrix.numbers.flat[place]) for place in (0, 3, 4, 5))
    assert [row.status["on"] for row in matrix] == ["null", "present", "missing"]


def test_ids_of_all_sorts_find_their_rows(view: LiveView) -> None:
    numpy = pytest.importorskip("numpy")
    for ids in (
        iter([1, 0]),
        (1, 0),
        range(1, -1, -1),
        numpy.array([1, 0]),
        numpy.array([1, 0], "u1"),
        {1: 0, 0: 0}.keys(),
    ):
        matrix = view.get_many(ids)
        assert matrix.column("n") == [1, 0] and list(map(type, matrix.entities)) == [int, int]
    for _ in range(2):
        assert view.get_many(numpy.array(["b", "a"]), ["x"]).column("x") == [1e38, -0.0]
        assert view.get_many([numpy.str_("b"), "a"], ["x"]).column("x") == [1e38, -0.0]


SHAPES: list[tuple[list[Any], list[str], tuple[int, int]]] = [
    ([], ["n", "x"], (0, 2)), (["a", "b"], ["city"], (2, 0)), ([], [], (0, 0)), (["a"], ["n"], (1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("ids", "names", "shape"), SHAPES)
def test_a_block_keeps_its_shape_without_rows_or_columns(
    view: LiveView, ids: list[Any], names: list[str], shape: tuple[int, int]
) -> None:
    numpy = pytest.importorskip("numpy")
    for matrix in (view.get_many(ids, names), view.get_many([*ids, "a"], names)[: len(ids)]):
        assert matrix.numbers.shape == shape and numpy.asarray(matrix).shape == shape
        assert numpy.asarray(matrix.numbers).shape == shape and numpy.asarray(matrix.astype("float32")).shape == shape


def test_slices_and_chunks_look_at_the_same_memory(view: LiveView) -> None:
    numpy = pytest.importorskip("numpy")
    matrix = view.get_many(["a", "b", 0, 1] * 3, ["x", "n"])
    whole, start = numpy.asarray(matrix), matrix.numbers.__array_interface__["data"][0]
    assert whole.__array_interface__["data"] == (start, True) and not whole.flags.writeable
    for place, chunk in enumerate(matrix.chunks(5)):
        block = numpy.asarray(chunk)
        assert block.__array_interface__["data"][0] == start + place * 5 * 16 and numpy.shares_memory(block, whole)
    nested = matrix[2:][3:7][1:2]
    assert numpy.shares_memory(numpy.asarray(nested), whole) and nested.to_rows() == matrix.to_rows()[6:7]
    assert nested[0].entity == matrix[6].entity and nested.entities == matrix.entities[6:7]
    kept = numpy.asarray(view.get_many(["a", 0], ["n"]))
    assert kept.tolist() == [[2**53], [0]], "the memory lives as long as what looks at it"


def test_a_buffer_has_two_dimensions_and_takes_no_write(view: LiveView) -> None:
    matrix = view.get_many(["a", 0], ["n", "x"])
    seen = memoryview(matrix) if sys.version_info >= (3, 12) else matrix.numbers.view
    assert (seen.shape, seen.format, seen.readonly, seen.ndim) == ((2, 2), "d", True, 2)
    assert seen.tolist() == [[2.0**53, -0.0], [0.0, 0.5]]
    with pytest.raises(TypeError):
        seen[0, 0] = 1.0  # type: ignore[index]


def test_narrow_numbers_keep_gaps_and_refuse_what_is_too_big(view: LiveView) -> None:
    ids = ["a", "b", 0, "nobody"]
    narrow = view.get_many(ids, dtype="float32")
    assert (narrow.dtype, narrow.nbytes) == ("float32", 48) and narrow.column("on") == [False, None, None, None]
    assert narrow.column("n") == [2**53, None, 0, None] and narrow.status == view.get_many(ids).status
    view.put("b", {"x": 3.5e38})
    with pytest.raises(InvalidInput, match="float32"):
        view.get_many(ids, dtype="float32")
    with pytest.raises(InvalidInput):
        view.get_many(ids, dtype="float16")
    assert view.get_many(ids, ["n", "on"], dtype="float32").column("n") == [2**53, None, 0, None]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8", "uint8"])
def test_a_default_vector_fills_missing_rows_of_a_block(dtype: str) -> None:
    numpy = pytest.importorskip("numpy")
    view = new_view(
        v=Vector(2, dtype=dtype, metric="euclidean", default=[1, 2]), w=Vector(1, dtype=dtype, metric="dot")
    )
    view.put("a", {"v": [3, 4], "w": [5]})
    matrix = view.get_many(["nobody", "a", "none"])
    block = matrix.vectors("v")
    assert block.raw.nbytes == block.nbytes == len(block._bytes) and block.dtype == dtype
    assert numpy.asarray(block).tolist() == [[1, 2], [3, 4], [1, 2]] == [list(cell) for cell in matrix.column("v")]
    assert numpy.asarray(matrix[1:].vectors("v")).tolist() == [[3, 4], [1, 2]]
    if dtype.startswith("float"):
        assert numpy.isnan(numpy.asarray(matrix.vectors("w"))).tolist() == [[True], [False], [True]]


def test_a_null_vector_is_nan_even_with_a_default() -> None:
    view = new_view(v=Vector(2, default=[1, 2]))
    view.put("a", {"v": None})
    first, second = view.get_many(["a", "nobody"]).vectors("v").to_rows()
    assert all(map(isnan, first)) and second == [1.0, 2.0]
