"""Snapshots: the whole log as a ledger file, there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import ManualClock
from tests.ledger.storage.samples import SEED, START, Once, counter, fill, reopened, sample, told
from vectordb import Category, Float, Int, VectorDB


@pytest.mark.parametrize("options", [{}, {"lazy": True}, {"read_only": True}], ids=str)
def test_a_snapshot_of_a_file_is_its_bytes(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "ledger.jsonl"
    data = b"".join(sample(path))
    with reopened(path, **options) as db:
        assert db.snapshot(tmp_path / "copy.jsonl") == len(data)
    assert (tmp_path / "copy.jsonl").read_bytes() == data
    with VectorDB.replay(path) as replayed:
        replayed.snapshot(tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == data


def test_a_snapshot_of_memory_is_the_file_that_a_file_database_would_have(tmp_path: Path) -> None:
    data = b"".join(sample(tmp_path / "ledger.jsonl"))
    clock = ManualClock(START)
    fill(VectorDB(clock=clock, seed=SEED), clock).snapshot(tmp_path / "copy.jsonl")
    assert (tmp_path / "copy.jsonl").read_bytes() == data


def test_a_snapshot_opens_and_takes_events(tmp_path: Path) -> None:
    clock = ManualClock(START)
    db = fill(VectorDB(clock=clock, seed=SEED), clock)
    db.snapshot(tmp_path / "copy.jsonl")
    with VectorDB.open(tmp_path / "copy.jsonl", clock=clock) as copy:
        assert told(copy) == told(db)
        copy.mark("mine")
        assert copy.head == db.head + 1


def test_a_snapshot_of_an_empty_log_is_a_header(tmp_path: Path) -> None:
    db = VectorDB(seed=SEED)
    db.snapshot(tmp_path / "copy.jsonl")
    assert (tmp_path / "copy.jsonl").read_bytes() == db.header.line()
    assert db.snapshot(tmp_path / "copy.jsonl") == len(db.header.line())


STEPS: list[tuple[str, str]] = [
    ("os.fsync", "file"),
    ("os.replace", "rename"),
    ("ledger.storage.journal.Journal.line", "line"),
]


@pytest.mark.parametrize("error", [OSError(28, "no space"), KeyboardInterrupt(), MemoryError()], ids=repr)
@pytest.mark.parametrize(("target", "step"), STEPS)
@pytest.mark.parametrize("call", [1, 2])
def test_an_interrupted_snapshot_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, step: str, call: int, error: BaseException
) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(b"what was there")
    with counter(tmp_path / "ledger.jsonl", 5) as db:
        fault = Once(resolve(target), error, call=1 if step != "line" else 2 * call)
        monkeypatch.setattr(target, fault)
        with pytest.raises(type(error)):
            db.snapshot(copy)
        monkeypatch.undo()
        assert copy.read_bytes() == b"what was there"
        assert sorted(found.name for found in tmp_path.iterdir()) == ["copy.jsonl", "ledger.jsonl", "ledger.jsonl.lock"]
        size = db.snapshot(copy)
    assert copy.stat().st_size == size == (tmp_path / "ledger.jsonl").stat().st_size


def resolve(target: str) -> Callable[..., Any]:
    from ledger import Journal

    return {"os.fsync": os.fsync, "os.replace": os.replace}.get(target, Journal.line)


def test_a_snapshot_into_a_missing_folder_makes_nothing(tmp_path: Path) -> None:
    with counter(tmp_path / "ledger.jsonl", 2) as db:
        with pytest.raises(FileNotFoundError):
            db.snapshot(tmp_path / "missing" / "copy.jsonl")
        with pytest.raises(OSError):
            db.snapshot(tmp_path)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["ledger.jsonl", "ledger.jsonl.lock"]


def test_a_file_that_has_the_temporary_name_is_not_lost(tmp_path: Path) -> None:
    """It may belong to another thread that is writing its own snapshot, or to somebody else."""
    theirs = tmp_path / f"copy.jsonl.{os.getpid()}.tmp"
    theirs.write_bytes(b"theirs")
    with counter(tmp_path / "ledger.jsonl", 2) as db:
        try:
            db.snapshot(tmp_path / "copy.jsonl")
        except FileExistsError:
            assert not (tmp_path / "copy.jsonl").exists()
    assert theirs.read_bytes() == b"theirs"


def test_writes_after_a_snapshot_onto_the_ledger_itself_are_not_lost(tmp_path: Path) -> None:
    """The writer would go on with a file that no name leads to."""
    path = tmp_path / "ledger.jsonl"
    with counter(path, 3) as db:
        try:
            db.snapshot(path)
        except (ValueError, OSError):
            pass  # refused: as good
        db.mark("later")
    with reopened(path) as again:
        assert again.head == 4


def test_categories_of_refused_and_other_rows_leave_no_trace_in_a_copy(tmp_path: Path) -> None:
    """Codes of categories depend on what was seen before; lines must not."""
    path = tmp_path / "ledger.jsonl"
    ids = [f"e{number}" for number in range(20)]
    with VectorDB.open(path, clock=ManualClock(START), seed=SEED) as db:
        view = db.create_view("v", entity="e", features={"n": Int(), "c": Category(), "d": Category()})
        with pytest.raises(ValueError, match="cell"):
            view.put_many({"e": ids, "c": ["refused"] * 20, "n": ["text"] * 20})
        view.put("a", {"n": 1, "c": "one"})
        view.put_many({"e": ids, "d": ["d"] * 20, "c": [None, "c"] * 10})
        view.put_many({"e": ids, "c": [None] * 20})
        assert b"refused" not in path.read_bytes()
        db.snapshot(tmp_path / "live.jsonl")
    with reopened(path) as again:
        again.snapshot(tmp_path / "copy.jsonl")
        again.fork().snapshot(tmp_path / "fork.jsonl")
    assert (tmp_path / "live.jsonl").read_bytes() == path.read_bytes()
    assert (tmp_path / "copy.jsonl").read_bytes() == path.read_bytes()
    reopened(tmp_path / "fork.jsonl").close()


@pytest.mark.parametrize("rows", [1, 15, 16, 20])
def test_a_batch_of_nulls_alone_is_kept(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "ledger.jsonl"
    with VectorDB.open(path, clock=ManualClock(START), seed=SEED) as db:
        view = db.create_view("v", entity="e", features={"c": Category(), "f": Float()})
        view.put_many({"e": list(range(rows)), "c": [None] * rows, "f": [None] * rows})
        db.snapshot(tmp_path / "copy.jsonl")
        before = told(db)
    with VectorDB.open(path, clock=ManualClock(START)) as again:
        assert told(again) == before
    assert (tmp_path / "copy.jsonl").read_bytes() == path.read_bytes()
