"""Files are there whole or not at all, rows stream, and memory is bounded."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from tests.vectordb.exporting.shop import shop
from vectordb import Float, InvalidInput, VectorDB
from vectordb.exporting.cells import compact
from vectordb.exporting.table import chunked, unique

FORMATS = ["jsonl", "csv", "npy", "npz", "sqlite"]


def numbers(size: int) -> VectorDB:
    db = VectorDB(auto_index=False)
    view = db.create_view("v", entity="e", features={"x": Float(), "y": Float()})
    view.put_many({"e": list(range(size)), "x": [place / 7 for place in range(size)]})
    return db


@pytest.mark.parametrize("ending", FORMATS)
def test_progress_and_what_it_raises(tmp_path: Path, ending: str) -> None:
    db, path, told = numbers(2_300), tmp_path / f"v.{ending}", []
    path.write_bytes(b"what was there before")

    def stop(done: int, total: int | None) -> None:
        told.append((done, total))
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        db.export.view("v", path, progress=stop)
    assert path.read_bytes() == b"what was there before" and list(tmp_path.iterdir()) == [path]
    told.append((0, 0))
    db.export.view("v", path, progress=stop)
    assert told[-3:] == [(1_000, 2_300), (2_000, 2_300), (2_300, 2_300)]
    assert path.stat().st_size > 2_300


@pytest.mark.parametrize("ending", FORMATS)
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, ending: str) -> None:
    peaks = []
    for size in (2_100, 5_100):
        db = numbers(size)
        tracemalloc.start()
        db.export.view("v", tmp_path / f"v.{ending}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 3_000 * 60  # the ids that are asked for are a list


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    for ending in FORMATS:
        with pytest.raises(OSError):
            numbers(1).export.view("v", tmp_path / "no" / f"v.{ending}")


def test_the_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    for ending in ("jsonl", "csv"):
        files = [tmp_path / f"{name}.{ending}" for name in "ab"]
        for file in files:
            shop().export.history("goods", file)
        assert files[0].read_bytes() == files[1].read_bytes()


def test_json_holds_finite_numbers() -> None:
    with pytest.raises(InvalidInput):
        compact(float("inf"))
    assert compact(["é", 0.1]) == '["é",0.1]'


def test_chunks_and_names() -> None:
    assert list(chunked(((n,) for n in range(5)), 2)) == [[(0,), (1,)], [(2,), (3,)], [(4,)]]
    assert list(chunked([])) == []
    assert unique(["a", "a", "b"], ["b"]) == ["a", "a_", "b_"]
