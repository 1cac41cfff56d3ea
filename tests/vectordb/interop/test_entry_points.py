"""``put_many``, ``search`` and ``training_set``, each with everything that they say they take."""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Callable
from typing import Any

import pytest

from ledger import CannotExchange, InvalidCells, InvalidInput, ManualClock
from tests.vectordb.interop.stories import START
from vectordb import Dense, Float, Int, Vector, VectorDB
from vectordb.interop import Table, TableStream, address_of
from vectordb.interop.c_data.column import bools, instants, mixed, numbers, texts
from vectordb.interop.c_data.export import stream_capsule

NUMBERS = [0.5, -2.0, 4.0]
VECTORS = [[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]]
FLAT = [number for vector in VECTORS for number in vector]


class Interface:
    """What has an array interface and nothing else."""

    def __init__(self, raw: bytes, shape: tuple[int, ...], typestr: str) -> None:
        self._raw = raw
        self.__array_interface__ = {
            "version": 3, "shape": shape, "typestr": typestr, "data": (address_of(raw), True), "strides": None,
        }  # fmt: skip


class Arrow:
    """What has a stream of Arrow's and nothing else: one column, or a table."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._source.__arrow_c_stream__(requested_schema)


class ArrowArray:
    """What has an array of Arrow's and nothing else."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        return self._source.__arrow_c_array__(requested_schema)


class OneColumn:
    """One column as a stream of Arrow's, and nothing else."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        column = numbers("g", "d", NUMBERS)
        return stream_capsule(column.shape, iter([column]))


def floats(values: list[float], code: str = "d") -> bytes:
    return struct.pack(f"<{len(values)}{code}", *values)


def block(raw: bytes = floats(FLAT)) -> Dense:
    return Dense(raw, (3, 2), "float64")


COLUMNS: dict[str, Callable[[], Any]] = {
    "list": lambda: NUMBERS,
    "tuple": lambda: tuple(NUMBERS),
    "array": lambda: array("d", NUMBERS),
    "interface": lambda: Interface(floats(NUMBERS), (3,), "<f8"),
    "interface, halves": lambda: Interface(floats(NUMBERS, "e"), (3,), "<f2"),
    "interface, other order": lambda: Interface(struct.pack(">3d", *NUMBERS), (3,), ">f8"),
    "buffer of C": lambda: (ctypes.c_double * 3)(*NUMBERS),
    "buffer, read-only": lambda: memoryview(floats(NUMBERS)).cast("d"),
    "buffer, gaps": lambda: memoryview(array("d", [n for one in NUMBERS for n in (one, 9.0)]))[::2],
    "buffer, backwards": lambda: memoryview(array("d", NUMBERS[::-1]))[::-1],
    "buffer of floats": lambda: (ctypes.c_float * 3)(*NUMBERS),
    "Arrow stream": OneColumn,
    "numpy": lambda: pytest.importorskip("numpy").array(NUMBERS),
    "numpy, other order": lambda: pytest.importorskip("numpy").array(NUMBERS, ">f4"),
    "numpy, backwards": lambda: pytest.importorskip("numpy").array(NUMBERS[::-1])[::-1],
    "numpy buffer, halves": lambda: memoryview(pytest.importorskip("numpy").array(NUMBERS, "f2")),
    "numpy buffer, other order": lambda: memoryview(pytest.importorskip("numpy").array(NUMBERS, ">f8")),
    "pyarrow": lambda: pytest.importorskip("pyarrow").array(NUMBERS),
    "pyarrow, chunks": lambda: pytest.importorskip("pyarrow").chunked_array([NUMBERS[:1], [], NUMBERS[1:]]),
    "pyarrow, slice": lambda: pytest.importorskip("pyarrow").array([None, *NUMBERS, None])[1:4],
    "polars": lambda: pytest.importorskip("polars").Series(NUMBERS),
    "pandas": lambda: pytest.importorskip("pandas").Series(NUMBERS, index=[7, 8, 9]),
}


MATRICES: dict[str, Callable[[], Any]] = {
    "lists": lambda: VECTORS,
    "arrays": lambda: [array("d", vector) for vector in VECTORS],
    "Dense": block,
    "interface": lambda: Interface(floats(FLAT), (3, 2), "<f8"),
    "buffer of C": lambda: ((ctypes.c_float * 2) * 3)(*(tuple(vector) for vector in VECTORS)),
    "buffer": lambda: memoryview(floats(FLAT)).cast("d", (3, 2)),
    "Arrow array": lambda: ArrowArray(block()),
    "numpy": lambda: pytest.importorskip("numpy").array(VECTORS),
    "numpy, columns first": lambda: pytest.importorskip("numpy").asfortranarray(VECTORS),
    "numpy buffer, columns first": lambda: memoryview(pytest.importorskip("numpy").asfortranarray(VECTORS)),
    "pyarrow": lambda: pytest.importorskip("pyarrow").array(VECTORS),
    "polars": lambda: pytest.importorskip("polars").Series(VECTORS),
    "pandas": lambda: pytest.importorskip("pandas").Series(VECTORS, index=[7, 8, 9]),
}


@pytest.fixture
def db() -> VectorDB:
    db = VectorDB(clock=ManualClock(START), auto_index=False)
    db.create_view("v", entity="e", features={"x": Float(), "n": Int(), "p": Vector(2, metric="euclidean")})
    db.view("v").put_many({"e": ["a", "b", "c"], "x": NUMBERS, "n": [1, 2, 3], "p": VECTORS})
    return db


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_numbers(db: VectorDB, kind: str) -> None:
    view, given = db.view("v"), COLUMNS[kind]()
    view.put_many({"e": ["k", "l", "m"], "x": given})
    assert view.get_many(["k", "l", "m"], ["x"]).column("x") == NUMBERS
    view.load({"e": ["q", "r", "s"], "x": COLUMNS[kind]()}, chunk_rows=2)
    assert view.get_many(["q", "r", "s"], ["x"]).column("x") == NUMBERS
    service = db.create_service("s", features=["v:n"])
    spine = service.training_set({"e": ["a", "b", "c"], "time": [START + 1] * 3, "label": COLUMNS[kind]()})
    assert spine.table().to_columns()["label"] == NUMBERS and spine.column("n") == [1, 2, 3]


@pytest.mark.parametrize("kind", MATRICES)
def test_vectors(db: VectorDB, kind: str) -> None:
    view = db.view("v")
    view.put_many({"e": ["k", "l", "m"], "p": MATRICES[kind]()})
    assert [list(row) for row in view.get_many(["k", "l", "m"]).vectors("p").to_rows()] == VECTORS
    found = view.search_many("p", MATRICES[kind](), k=1)
    assert [hits.distances for hits in found] == [[0.0]] * 3 and found[2].entities[0] in ("c", "m")


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_query(db: VectorDB, kind: str) -> None:
    """Of three numbers: one too many, which is told as such; so every kind is read."""
    with pytest.raises(InvalidInput, match="dimension"):
        db.view("v").search("p", COLUMNS[kind](), k=1)
    view = db.create_view("w", entity="e", features={"q": Vector(3, metric="euclidean")})
    view.put_many({"e": ["a", "b"], "q": [[9.0, 9.0, 9.0], NUMBERS]})
    assert view.search("q", COLUMNS[kind](), k=1).distances == [0.0]


def spine_of() -> Table:
    moments = instants([(START + 1) * 10**6] * 2)
    return Table({"e": texts(["a", "c"]), "time": moments, "label": bools([True, None])})


def from_arrow(table: Table) -> Any:
    pytest.importorskip("pyarrow")
    return pytest.importorskip("pandas").DataFrame.from_arrow(table)


def reader_of(table: Table) -> Any:
    return pytest.importorskip("pyarrow").RecordBatchReader.from_stream(table)


TABLES: dict[str, Callable[[Table], Any]] = {
    "a table": lambda table: table,
    "a stream": lambda table: TableStream(next(table.batches(1)), lambda: table.batches(1)),
    "Arrow stream": Arrow,
    "Arrow array": ArrowArray,
    "pyarrow": lambda table: pytest.importorskip("pyarrow").table(table),
    "pyarrow batch": lambda table: pytest.importorskip("pyarrow").table(table).to_batches()[0],
    "pyarrow reader": reader_of,
    "polars": lambda table: pytest.importorskip("polars").DataFrame(table),
    "pandas": from_arrow,
    "columns": Table.to_columns,
    "rows": lambda table: [dict(zip(table.names, row)) for row in zip(*table.to_columns().values())],
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table(db: VectorDB, kind: str) -> None:
    given = Table({"e": mixed(["k", "l"]), "x": numbers("g", "d", [0.5, None]), "n": numbers("l", "q", [2**53, 0])})
    db.view("v").put_many(TABLES[kind](given))
    assert db.view("v").get_many(["k", "l"], ["x", "n"]).to_rows() == [(0.5, 2**53), (None, 0)]
    service = db.create_service("s", features=["v:x"])
    spine = service.training_set(TABLES[kind](spine_of()))
    assert spine.column("x") == [0.5, 4.0] and list(spine.extra["label"]) == [True, None]


def test_what_other_libraries_hold_as_missing_is_null(db: VectorDB) -> None:
    """A masked value was written as if it were there."""
    numpy, view = pytest.importorskip("numpy"), db.view("v")
    view.put_many({"e": ["k", "l"], "x": numpy.ma.array([1.5, 2.5], mask=[0, 1])})
    assert view.get_many(["k", "l"]).column("x") == [1.5, None]
    with pytest.raises(InvalidCells, match="nan"):
        view.put_many({"e": ["k"], "x": numpy.array([numpy.nan])})
    pandas = pytest.importorskip("pandas")
    series = [pandas.Series([3, None], dtype="Int64"), pandas.Series([3, pandas.NA], dtype=object)]
    for one in series:
        view.put_many({"e": ["k", "l"], "n": one})
        assert view.get_many(["k", "l"]).column("n") == [3, None]
    with pytest.raises(InvalidCells, match="nan"):
        view.put_many({"e": ["k"], "x": pandas.Series([float("nan")])})


def test_what_is_no_column_is_refused(db: VectorDB) -> None:
    for wrong in ((ctypes.c_char * 2)(), memoryview(bytes(8)).cast("c", (2, 2, 2)), (Point * 2)()):
        with pytest.raises((CannotExchange, InvalidInput)):
            db.view("v").put_many({"e": ["k", "l"], "x": wrong})
    assert "k" not in db.view("v")


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]
