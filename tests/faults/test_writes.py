"""Every public write with every call of it failing once: refused, memory and file agree, and the next one goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import ReadOnlyLedger, WriteFailed
from tests.faults.agreement import assert_agrees, beside, fresh, shown
from tests.faults.faulty_files import BROKEN_DISK, NO_ACCESS, NO_SPACE, SIGNAL, FaultyFiles
from tests.faults.writes import WRITES, Write, world
from vectordb import VectorDB

ERRORS = (NO_SPACE, NO_ACCESS, SIGNAL, BROKEN_DISK, KeyboardInterrupt("by hand"))
LOOK = ["stat", "fstat", "fstat", "stat"]  # at the ledger, then at the lock
CALLS = {"never": [*LOOK, "write"], "always": [*LOOK, "write", "fsync"]}


@pytest.fixture(autouse=True)
def look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the file before every line, not once in a second."""
    monkeypatch.setattr("ledger.storage.jsonl_store.CHECK_INTERVAL_S", 0.0)


def assert_refused(db: VectorDB, files: FaultyFiles, write: Write, number: int, error: BaseException) -> None:
    """The write that a fault is set for is refused, and leaves nothing."""
    path = Path(db.state.journal.store.path)
    before, whole = (db.head, db.digest()), path.read_bytes()
    with pytest.raises(WriteFailed if isinstance(error, OSError) else type(error)) as caught:
        write(db, number)
    files.heal()
    assert caught.value is error or caught.value.__cause__ is error
    assert path.read_bytes() == whole
    assert (db.head, db.digest()) == before


@pytest.mark.parametrize("fsync", CALLS)
def test_any_call_of_any_write_may_fail_once(tmp_path: Path, fsync: str) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    db = world(path, files, fsync=fsync, lazy=fsync == "always")
    number = 0
    for name, write in WRITES.items():
        before = shown(db)
        for place, kind in enumerate(CALLS[fsync]):
            for error in ERRORS if kind == "write" else ERRORS[-2:]:
                number += 1
                files.fail(kind, error, CALLS[fsync][: place + 1].count(kind), kept=number % 90)
                assert_refused(db, files, write, number, error)
        assert shown(db) == before, name
        files.calls.clear()
        write(db, number + 1)
        assert [call for call in files.calls if call != "pread"] == CALLS[fsync], name
        assert db.head == before["head"] + 1, name
        number += 1
        assert_agrees(db, path)
    assert files.failed == number - len(WRITES)
    db.check()
    db.close()
    assert beside(path) == []


@pytest.mark.parametrize("name", ["put", "transaction", "fit"])
@pytest.mark.parametrize("second", [BROKEN_DISK, KeyboardInterrupt("again")], ids=repr)
@pytest.mark.parametrize("first", [NO_SPACE, KeyboardInterrupt("first")], ids=repr)
def test_a_line_that_cannot_be_cut_off_again_ends_all_writing(
    tmp_path: Path, name: str, first: BaseException, second: BaseException
) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    db = world(path, files)
    before, whole = shown(db), path.read_bytes()
    files.fail("write", first, kept=40)
    files.fail("ftruncate", second)
    with pytest.raises((WriteFailed, KeyboardInterrupt)):
        WRITES[name](db, 1)
    assert path.read_bytes()[: len(whole)] == whole and len(path.read_bytes()) == len(whole) + 40
    for write in WRITES.values():
        with pytest.raises(ReadOnlyLedger, match="could not be cut off"):
            write(db, 2)
    assert shown(db) == before
    assert db.snapshot(tmp_path / "copy.jsonl") == len(whole)
    db.close()
    with VectorDB.open(path) as again:
        assert (again.head, again.opened.torn_bytes) == (before["head"], 40)


@pytest.mark.parametrize("most", [1, 7, 100])
def test_short_writes_are_gone_on_with(tmp_path: Path, most: int) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    with world(path, files) as db:
        files.most = most
        for name in ("put", "put_many", "mark"):
            WRITES[name](db, most)
        assert files.calls.count("write") > 20
        assert_agrees(db, path)


def test_a_load_that_fails_keeps_the_chunks_before(tmp_path: Path) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    with world(path, files) as db:
        head, rows = db.head, {"user": [f"l{number}" for number in range(10)], "age": list(range(10))}
        for call in (1, 2, 5):
            files.fail("write", NO_SPACE, call, kept=10)
            with pytest.raises(WriteFailed):
                db.view("users").load(rows, chunk_rows=2)
            head += call - 1
            assert db.head == head
            assert_agrees(db, path)


def test_a_failure_at_every_byte_of_a_line(tmp_path: Path) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    with world(path, files, fsync="always") as db:
        whole = path.read_bytes()
        for kept in range(1, 140):
            files.fail("write", NO_SPACE, kept=kept)
            with pytest.raises(WriteFailed):
                db.mark("x" * 80)
            assert path.read_bytes() == whole
        db.mark("x" * 80)
        with fresh(path) as other:
            assert other.digest() == db.digest()
