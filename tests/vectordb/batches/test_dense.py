"""Dense blocks and matrices share their memory with whoever asks, and refuse what they cannot hold."""

from __future__ import annotations

import sys
from array import array

import pytest

from tests.vectordb.world import START
from vectordb import FeatureMatrix, Float, Int, InvalidEntity, InvalidInput, ManualClock, UnknownName, Vector, VectorDB
from vectordb.batches.dense import Dense, weave
from vectordb.batches.row_cache import Lasting, RowCache

NUMBERS = array("d", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])


@pytest.fixture
def matrix() -> FeatureMatrix:
    db = VectorDB(clock=ManualClock(START))
    kinds = {"a": Float(), "n": Int(), "v": Vector(2), "w": Vector(2, dtype="int8", metric="dot")}
    view = db.create_view("v", entity="e", features=kinds)
    view.put_many(
        {"e": [f"e{n}" for n in range(6)], "a": [n / 2 for n in range(6)], "n": list(range(6)),
         "v": [[n, 1] for n in range(6)], "w": [[n, 1] for n in range(6)]}
    )  # fmt: skip
    return view.get_many([*(f"e{n}" for n in range(6)), "nobody"])


def test_rows_columns_and_slices_of_a_block() -> None:
    block = Dense(NUMBERS.tobytes(), (3, 2), "float64")
    assert len(block) == 3 and block.nbytes == 48 and block.to_rows() == [[1, 2], [3, 4], [5, 6]]
    assert block.row(2) == [5, 6] and block.column(1) == [2, 4, 6]
    assert block.view.shape == (3, 2) and block.view.readonly and block.view.tolist() == block.to_rows()
    assert block.rows(1, 3).to_rows() == [[3, 4], [5, 6]] and block.rows(2, 1).shape == (0, 2)
    assert block.pick([2, 0]).to_rows() == [[5, 6], [1, 2]]
    assert block.rows(1, 2) == Dense(NUMBERS[2:4].tobytes(), (1, 2), "float64") != block
    assert repr(block) == "Dense(shape=(3, 2), dtype='float64')"
    assert Dense(b"", (0, 2), "float64").view.tolist() == []
    with pytest.raises(InvalidInput):
        _ = Dense(bytes(4), (1, 2), "float16").flat


def test_blocks_are_woven_column_by_column() -> None:
    left, right = array("q", [1, 2, 3, 4]), array("q", [7, 8])
    woven = weave([(memoryview(left), 2, [2, 0]), (memoryview(right), 1, [1])], 2, 3)
    assert memoryview(woven).cast("q").tolist() == [2, 7, 1, 4, 8, 3]


def test_numpy_reads_the_same_memory(matrix: FeatureMatrix) -> None:
    numpy = pytest.importorskip("numpy")
    seen = numpy.asarray(matrix)
    address = matrix.numbers.__array_interface__["data"][0]
    assert seen.shape == (7, 2) and seen.dtype == "<f8" and not seen.flags.writeable
    assert seen.__array_interface__["data"][0] == address
    part = numpy.asarray(matrix[2:5])
    assert part.__array_interface__["data"][0] == address + 2 * 16 and part.tolist() == seen[2:5].tolist()
    assert numpy.asarray(matrix.vectors("v")).dtype == "<f4"
    assert numpy.asarray(matrix[:6].vectors("w")).tolist() == [[n, 1] for n in range(6)]
    assert numpy.asarray(matrix.astype("float32")).dtype == "<f4"
    if sys.version_info >= (3, 12):
        assert numpy.asarray(memoryview(matrix)).__array_interface__["data"][0] == address  # type: ignore[arg-type]


def test_chunks_share_the_memory_and_cover_all_rows(matrix: FeatureMatrix) -> None:
    chunks = list(matrix.chunks(3))
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert [row for chunk in chunks for row in chunk.to_rows()] == matrix.to_rows()
    assert chunks[1].numbers.raw.obj is matrix.numbers.raw.obj
    with pytest.raises(InvalidInput):
        next(matrix.chunks(0))


def test_other_steps_pick_rows(matrix: FeatureMatrix) -> None:
    part = matrix[::-2]
    assert part.entities == ["nobody", "e4", "e2", "e0"] and part.column("n") == [None, 4, 2, 0]
    assert [row["n"] for row in part] == part.column("n") and part[1]["a"] == matrix[-3]["a"] == 2.0
    with pytest.raises(IndexError):
        _ = matrix[7]


def test_types_and_gaps(matrix: FeatureMatrix) -> None:
    assert matrix.numeric == ("a", "n") and matrix.shape == (7, 4) and matrix.nbytes == 112
    assert matrix.dtype == "float64" and matrix.at_micros == START * 1_000_000
    assert [type(value) for value in matrix.column("n")] == [int] * 6 + [type(None)]
    vectors = matrix.vectors("v").to_rows()
    assert vectors[5] == [5.0, 1.0] and all(number != number for number in vectors[6])
    with pytest.raises(InvalidInput, match="no NaN"):
        matrix.vectors("w")
    for name in ("a", "none"):
        with pytest.raises(InvalidInput):
            matrix.vectors(name)
    with pytest.raises(UnknownName):
        matrix.column("none")


def test_narrow_numbers_refuse_what_does_not_fit() -> None:
    view = VectorDB(clock=ManualClock(START)).create_view("v", entity="e", features={"a": Float(), "b": Float()})
    view.put_many({"e": ["x", "y"], "a": [1.5, 2.5], "b": [0.1, 1e300]})
    assert view.get_many(["x"], dtype="float32").numbers.row(0) == pytest.approx([1.5, 0.1], rel=1e-6)
    wide = view.get_many(["x", "y"])
    assert wide.astype("float64") is wide and wide[:1].astype("float32").astype("float64").dtype == "float64"
    with pytest.raises(InvalidInput, match="float32") as caught:
        view.get_many(["x", "y"], dtype="float32")
    assert "'b'" in str(caught.value) and "'y'" in str(caught.value)
    with pytest.raises(InvalidInput):
        wide.astype("int8")


def test_what_is_no_sequence_of_ids_is_refused(matrix: FeatureMatrix) -> None:
    db = VectorDB(clock=ManualClock(START))
    view = db.create_view("v", entity="e", features={"a": Float(), "b": Float()})
    service = db.create_service("s", features=["v:a"])
    view.put_many({"e": [1, 2, "x"], "a": [1.0, 2.0, 3.0]})
    for read in (view.get_many, service.get_many):
        assert read(iter([1, 2])).column("a") == read([1, 2]).column("a") == [1.0, 2.0]
        for bad in ("x", b"x", 7, [1, True], [1.0, 2], [1, None], [[1], 2], ["", "x"], ["x", "\ud800"], {1: 2}):
            with pytest.raises((InvalidEntity, InvalidInput)):
                read(bad)  # type: ignore[arg-type]
    for names in (["a", "a"], "a"):
        with pytest.raises(InvalidInput):
            view.get_many([1], features=names)


# -- what is held ----------------------------------------------------------------------------------


def rows_of(*entities: str) -> dict[str, bytes]:
    return {entity: entity.encode() for entity in entities}


def test_held_rows_leave_with_their_bucket() -> None:
    held = RowCache(8, ttl=2_560, limit=10**6)
    held.add(Lasting(["a", "b", "c"], 50, [100, 5_000, 2**62]), rows_of("a", "b", "c"), {})
    assert held.holds(50) and held.holds(100) and not held.holds(101) and not held.holds(49)
    held.settle(101)
    assert set(held.rows) == {"b", "c"} and held.holds(101) and not held.holds(5_001)
    held.settle(6_000)
    assert set(held.rows) == {"c"} and held.holds(10**9)
    held.check()
    held.settle(49)
    assert not held.rows and held.holds(0)


def test_the_oldest_half_leaves_where_there_are_too_many() -> None:
    held = RowCache(0, ttl=None, limit=4 * 200)
    assert held.capacity == 4
    for entity in "abcdef":
        held.add(Lasting([entity], 0, [2**62]), rows_of(entity), rows_of(entity))
        held.check()
    assert set(held.rows) == set(held.words) == {"d", "e", "f"}
    held.add(Lasting(list("ghijk"), 0, [2**62] * 5), rows_of(*"ghijk"), {})
    assert set(held.rows) == {"d", "e", "f"}, "more than may be held at all are not held"
    assert RowCache(8, ttl=None, limit=0).capacity == 0


def test_all_lists_of_features_share_one_bound() -> None:
    db = VectorDB(clock=ManualClock(START), served_bytes=3_000 * 216)
    view = db.create_view("v", entity="e", features={"a": Float(), "b": Float()})
    ids = [f"e{number}" for number in range(2_000)]
    view.put_many({"e": ids, "a": [1.0] * 2_000, "b": [2.0] * 2_000})
    for names in (["a", "b"], ["b"], ["a"], ["b", "a"]):
        for _ in range(2):
            assert view.get_many(ids, features=names).column("b" if "b" in names else "a")[7] in (1.0, 2.0)
        gathers = list(db.state._gathers.values())
        assert sum(gather.held.nbytes for gather in gathers) <= db.state.served_bytes
        assert len(gathers[-1].held.rows) == 2_000, "the one that is read is held"


def test_names_of_rewritten_rows_do_not_pile_up() -> None:
    held = RowCache(0, ttl=2_560, limit=4 * 200)
    for turn in range(60):
        held.rows.pop("a", None)
        held.add(Lasting(["a"], turn, [10**6 + turn]), rows_of("a"), {})
        held.check()
    assert held._listed <= 4 * held.capacity + 1 and held.rows


def test_a_look_at_types_is_needed_once_an_id_is_no_text() -> None:
    held = RowCache(8, ttl=None, limit=10**6)
    held.add(Lasting(["a"], 0, [2**62]), rows_of("a"), {})
    assert held.only_text
    held.add(Lasting([1], 0, [2**62]), {1: b"1"}, {})
    assert not held.only_text
    held.clear()
    assert held.only_text
