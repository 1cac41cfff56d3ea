"""Streams have batches of bounded size, which share the memory of their table."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

import pytest

from ledger import InvalidInput
from tests.vectordb.interop.capsules import POINTER, Array
from tests.vectordb.interop.stories import make
from vectordb.interop import Table, read_batches
from vectordb.interop.c_data import column
from vectordb.interop.c_data.column import Cells, Column, Piece, Shape

ROWS = 200


def every_kind(rows: int = ROWS) -> Table:
    """A column of every layout, with nulls spread over it."""
    random = Random(7)

    def gaps(values: Any) -> list[Any]:
        return [None if random.random() < 0.2 else value for value in values]

    floats = Piece(struct.pack(f"<{2 * rows}d", *range(2 * rows)))
    return Table(
        {
            "float": column.numbers("g", "d", gaps(n / 7 for n in range(rows))),
            "whole": column.numbers("l", "q", range(rows)),
            "bool": column.bools(gaps(random.random() < 0.5 for _ in range(rows))),
            "text": column.texts(gaps("é北"[: n % 3] * n for n in range(rows))),
            "code": column.coded(gaps(random.choice(["a", 1, "x"]) for _ in range(rows))),
            "list": column.lists([["q", "r"][: n % 3] for n in range(rows)]),
            "vector": column.vectors("g", 2, floats, rows, [n % 5 > 0 for n in range(rows)]),
            "time": column.instants(gaps(range(rows))),
            "bytes": Column(Shape("w:2"), Cells(rows, 0, (None, Piece(bytes(n % 256 for n in range(2 * rows)))))),
            "null": Column(Shape("n"), Cells(rows, rows, ())),
        }
    )


def shown(table: Any) -> dict[str, list[Any]]:
    return {name: [listed(cell) for cell in cells] for name, cells in table.to_columns().items()}


def listed(cell: Any) -> Any:
    return list(cell) if hasattr(cell, "__len__") and not isinstance(cell, (str, bytes)) else cell


@pytest.mark.parametrize("size", [7, 8, 64, 100, 199, 200, 1_000])
def test_batches_are_the_rows_in_order(size: int) -> None:
    table = every_kind()
    whole, parts = shown(table), list(table.batches(size))
    assert [len(part) for part in parts] == [min(size, ROWS - start) for start in range(0, ROWS, size)]
    cut = [shown(part) for part in parts]
    for name, cells in whole.items():
        assert [cell for part in cut for cell in part[name]] == cells, name
        assert [part.column(name).cells.nulls for part in parts] == [part[name].count(None) for part in cut], name
    with pytest.raises(InvalidInput, match="at least one row"):
        list(table.batches(0))


def test_batches_share_memory(own_structs: None) -> None:
    table = every_kind(192)
    own = {name: address(table, name) for name in ("whole", "float", "text", "bool")}
    for place, part in enumerate(table.batches(64)):
        assert address(part, "whole") == own["whole"] + 8 * 64 * place
        assert address(part, "text") == own["text"] + 4 * 64 * place
        assert address(part, "bool") == own["bool"] + 8 * place


def address(table: Table, name: str) -> int:
    schema, array = table.__arrow_c_array__()
    found: int = Array(POINTER(array, b"arrow_array")).children[table.names.index(name)].buffers[1]
    del schema
    return found


@pytest.mark.parametrize("own", [True, False])
def test_a_stream_gives_them(own: bool, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if own:
        request.getfixturevalue("own_structs")
    monkeypatch.setattr("vectordb.interop.table.BATCH", 3)
    _, view = make()
    assert [len(batch["driver"]) for batch in read_batches(view)] == [3, 1]
    assert [len(batch["trips"]) for batch in read_batches(view.table(["d-1"] * 6, ["trips"]))] == [3, 3]
    assert [len(batch["trips"]) for batch in read_batches(view.table([], ["trips"]))] == [0]
    pyarrow = pytest.importorskip("pyarrow")
    table = every_kind()
    found = pyarrow.table(table)
    found.validate(full=True)
    assert found.column("whole").num_chunks == 67
    first, last = found.column("whole").chunks[0].buffers()[1], found.column("whole").chunks[-1].buffers()[1]
    assert last.address - first.address == 8 * 198, "all of them in the table's own memory"
    assert found.column("text").to_pylist() == shown(table)["text"]
    assert found.column("vector").to_pylist() == shown(table)["vector"]
    assert found.column("bool").to_pylist() == shown(table)["bool"]
