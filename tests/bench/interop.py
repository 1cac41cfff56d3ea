"""Exchange: a million rows of ten numbers out to pyarrow and NumPy, and a table of them in."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from random import Random
from typing import Any

from tests.bench.harness import Benchmark, Candidate
from tests.bench.report import main
from vectordb import Dense, FeatureMatrix, Float, VectorDB
from vectordb.interop import read_table

SIZE = 1_000_000
WIDTH = 10
LOADED = 200_000


def matrix_of(rows: int) -> FeatureMatrix:
    """What a batch read would give, without the read: a thousand random rows, repeated."""
    draw = Random(1).random
    numbers = array("d", [draw() for _ in range(1_000 * WIDTH)]) * (rows // 1_000 + 1)
    names = tuple(f"f{place}" for place in range(WIDTH))
    block = Dense(numbers[: rows * WIDTH].tobytes(), (rows, WIDTH), "float64")
    kinds: dict[str, Any] = dict.fromkeys(names, Float())
    return FeatureMatrix(names, list(map(str, range(rows))), kinds, block, {}, lambda row: None, 1, 0, "bench@1")


def exports(size: int) -> Iterator[Benchmark]:
    """The block as it is, and column by column; beside pyarrow's own way from Python values."""
    matrix, units = matrix_of(size), size * WIDTH
    block, ready = matrix.numbers, matrix.table()
    columns = ready.to_columns()
    yield Benchmark(
        "export a block",
        "values/s",
        [
            _exported("capsules alone", "the structs", units, lambda: bool(block.__arrow_c_array__())),
            *_where("pyarrow", "to pyarrow", "one column of vectors, the same memory", units, lambda: _array(block)),
            *_where("numpy", "to NumPy", "a DLPack tensor, the same memory", units, lambda: _tensor(block)),
        ],
    )
    yield Benchmark(
        "export columns",
        "values/s",
        [
            _exported("a matrix", "one copy, column by column; the ids encoded", units, lambda: bool(matrix.table())),
            *_where("pyarrow", "a table, to pyarrow", "columns that are held: no copy", units, lambda: _table(ready)),
            *_where("pyarrow", "a matrix, to pyarrow", "both", units, lambda: _table(matrix)),
            *_where("pyarrow", "lists, to pyarrow", "columns of Python values", units, lambda: _table(columns)),
        ],
    )


def _exported(name: str, does: str, units: int, run: Callable[[], bool]) -> Candidate:
    return Candidate(name, does, units, lambda _: run(), answer=lambda _, done: done)


def _where(package: str, *arguments: Any) -> list[Candidate]:
    return [_exported(*arguments)] if find_spec(package) else []


def _array(block: Dense) -> bool:
    import pyarrow

    return len(pyarrow.array(block)) == len(block)


def _tensor(block: Dense) -> bool:
    import numpy

    return len(numpy.from_dlpack(block)) == len(block)


def _table(source: Any) -> bool:
    import pyarrow

    return bool(pyarrow.table(source).num_columns == WIDTH + 1)


def imports(size: int) -> Iterator[Benchmark]:
    """A table of ids and ten floats: decoded, written, and written from lists."""
    rows = min(size, LOADED)
    table = matrix_of(rows).table()
    lists = table.to_columns()
    yield Benchmark(
        "import a table",
        "rows/s",
        [
            Candidate("load", "an Arrow stream", rows, lambda _: _loaded(table), answer=_rows),
            Candidate("load lists", "columns of Python values", rows, lambda _: _loaded(lists), answer=_rows),
            Candidate(
                "decode", "an Arrow stream, as columns", rows, lambda _: len(read_table(table)["f0"]), answer=_rows
            ),
        ],
        repeats=3,
    )


def _rows(prepared: None, rows: int) -> int:
    return rows


def _loaded(rows: Any) -> int:
    with VectorDB() as db:
        view = db.create_view("v", entity="entity", features={f"f{place}": Float() for place in range(WIDTH)})
        return view.load(rows).rows


BUILDS = [(exports, SIZE), (imports, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
