"""Failing writes: a line is written whole or not at all, and memory and file always agree."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import InvalidInput, ReadOnlyLedger, WriteFailed
from tests.ledger.storage.samples import counter, reopened, told
from vectordb import Int, Text, Vector, VectorDB


class Disk:
    """Writes and cuts that fail as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: int | None = None  # bytes that still fit
        self.most = 1 << 30  # bytes that one call takes
        self.error: BaseException = OSError(errno.ENOSPC, "no space left on device")
        self.cut_error: OSError | None = None
        self._write, self._cut = os.write, os.ftruncate
        monkeypatch.setattr("ledger.storage.files.Files.write", staticmethod(self.write))
        monkeypatch.setattr("os.ftruncate", self.ftruncate)

    def write(self, fd: int, data: Any) -> int:
        part = bytes(data[: self.most])
        if self.room is not None:
            part = part[: self.room]
            self.room -= len(part)
            if not part:
                raise self.error
        return self._write(fd, part)

    def ftruncate(self, fd: int, size: int) -> None:
        if self.cut_error is not None:
            raise self.cut_error
        self._cut(fd, size)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture(params=[False, True], ids=["eager", "lazy"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorDB]:
    with counter(tmp_path / "ledger.jsonl", 4, lazy=request.param) as db:
        yield db


def assert_agreed(db: VectorDB, path: Path) -> None:
    """Memory and file hold the same; a fresh replay shows the same state at every offset."""
    data = path.read_bytes()
    assert data == b"".join(db.state.journal.line(offset) for offset in range(db.head + 1))
    with VectorDB.replay(path, clock=db.state.clock) as fresh:
        assert told(fresh) == told(db)
    db.check()


WRITES: dict[str, Callable[[VectorDB], Any]] = {
    "put": lambda db: db.view("numbers").put("x", {"n": 1}),
    "put_many": lambda db: db.view("numbers").put_many({"number": ["x", "y"], "n": [1, 2]}),
    "delete": lambda db: db.view("numbers").delete("e2"),
    "create_view": lambda db: db.create_view("more", entity="number", features={"m": Int()}),
    "replace_view": lambda db: db.create_view("numbers", entity="number", features={"o": Int()}, replace=True),
    "mark": lambda db: db.mark("here"),
    "key": lambda db: db.view("numbers").put("x", {"n": 1}, idempotency_key="k"),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("room", [0, 1, 50])
def test_a_full_disk_leaves_nothing_of_the_line(db: VectorDB, tmp_path: Path, disk: Disk, name: str, room: int) -> None:
    path = tmp_path / "ledger.jsonl"
    before, data = told(db), path.read_bytes()
    disk.room = room
    with pytest.raises(WriteFailed) as caught:
        WRITES[name](db)
    assert caught.value.values == {"path": str(path), "error": str(disk.error)}
    assert isinstance(caught.value.__cause__, OSError)
    assert path.read_bytes() == data
    assert told(db) == before
    disk.room = None
    WRITES[name](db)
    assert db.head == 5
    assert_agreed(db, path)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG])
def test_the_cause_is_named(db: VectorDB, disk: Disk, code: int) -> None:
    disk.room, disk.error = 10, OSError(code, os.strerror(code))
    with pytest.raises(WriteFailed, match=os.strerror(code)):
        db.mark("x")
    assert db.head == 4


def test_short_writes_are_gone_on_with(db: VectorDB, tmp_path: Path, disk: Disk) -> None:
    for disk.most in (1, 7, 64):
        db.mark(f"mark {disk.most}")
    assert db.head == 7
    assert_agreed(db, tmp_path / "ledger.jsonl")


def test_a_failure_at_every_byte_of_a_line(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 3) as db:
        data = path.read_bytes()
        room = 0
        while db.head == 3:
            disk.room = room
            try:
                db.mark("x")
            except WriteFailed:
                assert path.read_bytes() == data, room
            room += 1
        assert room - 1 == len(path.read_bytes()) - len(data)


@pytest.mark.parametrize("room", [0, 1, 50])
def test_when_the_cut_fails_too_the_database_turns_read_only(
    db: VectorDB, tmp_path: Path, disk: Disk, room: int
) -> None:
    path = tmp_path / "ledger.jsonl"
    before, data = told(db), path.read_bytes()
    disk.room, disk.cut_error = room, OSError(errno.EIO, "cannot cut")
    with pytest.raises(WriteFailed):
        db.mark("x")
    disk.room = disk.cut_error = None
    for write in WRITES.values():
        with pytest.raises(ReadOnlyLedger) as caught:
            write(db)
        assert caught.value.values["error"] == "[Errno 5] cannot cut"
    assert told(db) == before
    db.snapshot(tmp_path / "copy")
    db.close()
    assert (tmp_path / "copy").read_bytes() == data
    with reopened(path) as again:
        assert (again.head, again.opened.torn_bytes) == (4, room)
        again.mark("x")
    assert path.read_bytes().startswith(data)


def test_waiting_on_a_broken_database_ends(db: VectorDB, disk: Disk) -> None:
    disk.room, disk.cut_error = 9, OSError(errno.EIO, "cannot cut")
    with pytest.raises(WriteFailed):
        db.mark("x")
    assert db.wait(5, timeout=0.01) is False
    assert db.head == 4


@pytest.mark.parametrize("room", [0, 1, 50, 1 << 20])
def test_an_interrupt_while_a_line_is_written_leaves_it_whole_or_not_at_all(
    db: VectorDB, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """A signal may arrive when some bytes, or all, are in the file and nothing else knows of them."""
    path = tmp_path / "ledger.jsonl"
    real, rest = disk._write, [room]

    def write(fd: int, data: Any) -> int:
        part = bytes(data[: rest[0]])
        if part:
            real(fd, part)
        raise KeyboardInterrupt

    monkeypatch.setattr("ledger.storage.files.Files.write", staticmethod(write))
    with pytest.raises(KeyboardInterrupt):
        db.mark("x")
    monkeypatch.setattr("ledger.storage.files.Files.write", staticmethod(real))
    assert path.read_bytes().endswith(b"\n")
    assert path.read_bytes().count(b"\n") == db.head + 1
    db.mark("y")
    db.view("numbers").put("z", {"n": 3})
    assert_agreed(db, path)
    db.close()
    reopened(path).close()


def test_an_event_in_a_transaction_that_fails_leaves_nothing(db: VectorDB, tmp_path: Path, disk: Disk) -> None:
    disk.room = 20
    with pytest.raises(WriteFailed), db.transaction() as tx:
        tx.view("numbers").put("x", {"n": 1})
        tx.view("numbers").put("y", {"n": 1})
    disk.room = None
    assert (db.head, tx.receipt, db.view("numbers").get("x").found) == (4, None, False)
    assert_agreed(db, tmp_path / "ledger.jsonl")


def test_the_first_line_of_a_new_ledger_may_fail(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "new.jsonl"
    disk.room = 10
    with pytest.raises(WriteFailed):
        VectorDB.open(path)
    disk.room = None
    with VectorDB.open(path) as db:
        assert db.head == 0


# -- events that are too big -------------------------------------------------------------------------


def too_big(db: VectorDB) -> dict[str, Callable[[], Any]]:
    words = db.create_view("w", entity="e", features={"t": Text(), "v": Vector(200)})
    names = {f"f{number}": Int() for number in range(200)}
    return {
        "text": lambda: words.put("a", {"t": "x" * 3000}),
        "vector": lambda: words.put("a", {"v": [1.0] * 200, "t": "x" * 1500}),
        "batch": lambda: words.put_many({"e": list(range(900)), "t": ["x"] * 900}),
        "entity": lambda: words.put("x" * 3000, {"t": "x"}),
        "definition": lambda: db.create_view("wide", entity="e", features=names),
        "model": lambda: db.create_model("m", "linear", features=list(names), coefficients=[1.5] * 200),
        "mark": lambda: db.mark("x" * 3000),
        "meta": lambda: words.put("a", {"t": "x"}, actor="x" * 3000),
    }


@pytest.mark.parametrize("kept", ["in memory", "in a file"])
@pytest.mark.parametrize("name", ["text", "vector", "batch", "entity", "definition", "model", "mark", "meta"])
def test_an_event_over_the_limit_is_refused_wherever_it_is_kept(tmp_path: Path, kept: str, name: str) -> None:
    path = tmp_path / "ledger.jsonl"
    db = VectorDB(max_event_bytes=2048) if kept == "in memory" else VectorDB.open(path, max_event_bytes=2048)
    with db:
        write = too_big(db)[name]
        size = path.stat().st_size if path.exists() else 0
        with pytest.raises(InvalidInput, match="load") as caught:
            write()
        assert caught.value.values["bytes"] > 2048
        assert db.head == 1
        assert size == (path.stat().st_size if path.exists() else 0)
        db.view("w").put("small", {"t": "x"})
        assert db.head == 2


def test_a_limit_beyond_what_a_reader_takes_is_refused(tmp_path: Path) -> None:
    """Else a line could be written that no opening reads again."""
    with pytest.raises(ValueError, match="max_event_bytes"):
        VectorDB.open(tmp_path / "ledger.jsonl", max_event_bytes=1 << 30)
