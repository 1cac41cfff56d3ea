"""What others do to the files of a running database: replace, remove, cut, write to them, or take permissions away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import ClosedLedger, DamagedLog, LedgerLocked, LedgerReplaced, ManualClock, StoreError, WriteFailed
from tests.faults.agreement import LATE, assert_agrees, beside, descriptors, shown
from tests.faults.faulty_files import NO_ACCESS, NO_SPACE, FaultyFiles, opened
from tests.faults.writes import WRITES, world
from tests.house.source import ROOT
from tests.ledger.storage.samples import counter, reopened
from vectordb import VectorDB


def replaced(path: Path) -> None:
    """Another file takes its place."""
    shutil.copy(path, f"{path}.other")
    os.replace(f"{path}.other", path)


def cut(path: Path) -> None:
    """The last lines are gone."""
    os.truncate(path, path.stat().st_size - 300)


def written_to(path: Path) -> None:
    """Somebody else appends."""
    with path.open("ab") as file:
        file.write(b"hello\n")


BENEATH: dict[str, Callable[[Path], None]] = {
    "replaced": replaced,
    "removed": Path.unlink,
    "moved": lambda path: path.rename(path.with_name("elsewhere")),  # type: ignore[dict-item]
    "cut": cut,
    "written to": written_to,
}


@pytest.mark.parametrize("what", BENEATH)
def test_a_writer_notices_within_a_second_and_writes_no_more(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.jsonl"
    db = world(path, FaultyFiles())
    before, whole = shown(db), path.read_bytes()
    BENEATH[what](path)
    left = path.read_bytes() if path.exists() else None
    db.state.journal.store._checked_at -= 1.0  # a second later
    for write in WRITES.values():
        with pytest.raises(LedgerReplaced) as caught:
            write(db, 1)
        assert caught.value.values["path"] == str(path)
    assert shown(db) == before
    assert (path.read_bytes() if path.exists() else None) == left
    assert db.snapshot(tmp_path / "saved.jsonl") == len(whole)
    db.close()
    assert (tmp_path / "saved.jsonl").read_bytes() == whole


@pytest.mark.parametrize("what", BENEATH)
@pytest.mark.parametrize("rewrite", ["erase", "compact"])
def test_an_erasure_looks_first(tmp_path: Path, what: str, rewrite: str) -> None:
    path = tmp_path / "ledger.jsonl"
    with world(path, FaultyFiles()) as db:
        before = shown(db)
        BENEATH[what](path)
        left = path.read_bytes() if path.exists() else None
        with pytest.raises(LedgerReplaced):
            db.erase("users", "u1", reason="asked") if rewrite == "erase" else db.compact(below=db.head)
        assert shown(db) == before
        assert (path.read_bytes() if path.exists() else None) == left


def test_a_file_that_comes_back_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with world(path, FaultyFiles()) as db:
        path.rename(tmp_path / "away")
        db.state.journal.store._checked_at -= 1.0
        with pytest.raises(LedgerReplaced):
            WRITES["put"](db, 1)
        (tmp_path / "away").rename(path)
        WRITES["put"](db, 1)
        assert_agrees(db, path)


def test_permission_lost_refuses_the_write_and_nothing_more(tmp_path: Path) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    with world(path, files) as db:
        for kind in ("write", "stat"):
            db.state.journal.store._checked_at -= 1.0
            files.fail(kind, NO_ACCESS)
            with pytest.raises(WriteFailed, match="Permission denied"):
                WRITES["put"](db, 1)
            WRITES["put"](db, 1)
            assert_agrees(db, path)


@pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])
@pytest.mark.parametrize("what", ["removed", "moved", "cut", "permission"])
def test_a_follower_says_so_and_goes_on_when_the_file_is_back(tmp_path: Path, what: str, lazy: bool) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    world(path, FaultyFiles()).close()
    whole = path.read_bytes()
    with opened(path, files, read_only=True, lazy=lazy, clock=ManualClock(LATE)) as follower:
        before = shown(follower)
        if what == "permission":
            files.fail("stat", NO_ACCESS)
            with pytest.raises(PermissionError):
                follower.refresh()
        elif what == "cut":
            cut(path)
            assert follower.refresh() < before["head"]
        else:
            BENEATH[what](path)
            with pytest.raises(FileNotFoundError):
                follower.refresh()
            assert shown(follower) == before
        path.write_bytes(whole)
        follower.refresh()
        assert shown(follower) == before


def test_a_lock_whose_file_was_removed_is_taken_again(tmp_path: Path) -> None:
    path, lock = tmp_path / "ledger.jsonl", tmp_path / "ledger.jsonl.lock"
    with world(path, FaultyFiles()) as db:
        for _ in range(2):
            lock.unlink()
            db.state.journal.store._checked_at -= 1.0
            WRITES["put"](db, 1)
            with pytest.raises(LedgerLocked):
                reopened(path)
        lock.unlink()
        with reopened(path) as second:  # nothing kept it out
            db.state.journal.store._checked_at -= 1.0
            with pytest.raises(LedgerLocked):
                WRITES["put"](db, 2)
            second.mark("mine")
        db.state.journal.store._checked_at -= 1.0
        with pytest.raises(LedgerReplaced, match="nobody else writes"):
            WRITES["put"](db, 2)
    with reopened(path, read_only=True) as again:
        assert again.head == db.head + 1


@pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])
@pytest.mark.parametrize("later", [0, 1, 5])
def test_a_follower_forgets_a_line_that_was_cut_off_after_it_was_read(tmp_path: Path, lazy: bool, later: int) -> None:
    """Its sync failed, so the writer was refused; another line stands in its place, as long as it or longer."""
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    with world(path, files, fsync="always") as db, reopened(path, read_only=True, lazy=lazy) as follower:
        # the line is whole, and not yet synced
        files.watch = lambda kind: kind == "fsync" and not files.failed and follower.refresh()
        files.fail("fsync", NO_SPACE)
        with pytest.raises(WriteFailed):
            db.mark("aaaa")
        files.heal()
        assert follower.head == db.head + 1
        db.mark("bbbb")
        for number in range(later):
            WRITES["put"](db, number)
        follower.refresh()
        assert shown(follower) == shown(db)
        assert follower.as_of(mark="bbbb").head == db.head - later


# -- what is at the path --------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null")):
        for options in ({}, {"read_only": True}, {"recover": True}):
            with pytest.raises(StoreError, match="regular file"):
                VectorDB.open(path, **options)
        with pytest.raises(StoreError, match="regular file"):
            VectorDB.replay(path)
        assert not Path(f"{path}.lock").exists()
    for path in (tmp_path, tmp_path / "pipe" / "ledger.jsonl"):
        with pytest.raises((IsADirectoryError, NotADirectoryError)):
            VectorDB.open(path)
    assert [found.name for found in tmp_path.iterdir()] == ["pipe"]


def test_a_link_stays_a_link_through_recovery_and_erasure(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    path, link = tmp_path / "far" / "ledger.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(path)
    with counter(link, 6) as db:
        db.erase("numbers", "e2", reason="asked")
        db.mark("release")
    path.write_bytes(path.read_bytes().replace(b'"release"', b'"revenge"'))
    with pytest.raises(DamagedLog):
        reopened(link)
    with reopened(link, recover=True) as db:
        assert Path(db.opened.kept) == tmp_path / "far" / "ledger.jsonl.damaged-1"
        assert db.head == 7
    assert link.is_symlink() and [found.name for found in tmp_path.iterdir() if found.is_file()] == ["link.jsonl"]
    link.unlink()
    link.symlink_to(tmp_path / "loop.jsonl")
    (tmp_path / "loop.jsonl").symlink_to(link)
    with pytest.raises(OSError):
        VectorDB.open(link)


@pytest.mark.parametrize("error", [NO_SPACE, NO_ACCESS], ids=repr)
@pytest.mark.parametrize("call", [1, 2], ids=["lock file", "ledger"])
def test_no_room_for_the_lock_or_the_file(tmp_path: Path, error: OSError, call: int) -> None:
    files, before = FaultyFiles(), descriptors()
    files.fail("open", error, call)
    with pytest.raises(type(error)) as caught:
        opened(tmp_path / "ledger.jsonl", files)
    assert caught.value is error
    assert not (tmp_path / "ledger.jsonl").exists() and descriptors() == before
    opened(tmp_path / "ledger.jsonl", files).close()


def test_a_lock_that_cannot_be_had_is_not_said_to_be_taken(tmp_path: Path) -> None:
    files, before = FaultyFiles(), descriptors()
    no_locks = OSError(37, "No locks available")
    files.fail("lock", no_locks)
    with pytest.raises(OSError, match="No locks") as caught:
        opened(tmp_path / "ledger.jsonl", files)
    assert caught.value is no_locks and descriptors() == before
    with counter(tmp_path / "ledger.jsonl", 2), pytest.raises(LedgerLocked):
        opened(tmp_path / "ledger.jsonl", files)


# -- processes --------------------------------------------------------------------------------------------

FULL = """
import resource, sys
from ledger import StoreError, WriteFailed
from vectordb import Int, VectorDB
from tests.faults.agreement import assert_agrees
from pathlib import Path
path = Path(sys.argv[1])
db = VectorDB.open(path)
numbers = db.create_view("numbers", entity="number", features={"n": Int()})
numbers.put("a", {"n": 1})
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
size = path.stat().st_size
for room in (0, 1, 60, 250):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, most))
    refused = 0
    for write in (lambda: numbers.put("b" * 300, {"n": 2}), lambda: db.mark("x" * 300)):
        try:
            write()
        except WriteFailed as error:
            assert error.__cause__.errno == 27, error
            refused += 1
    assert refused == 2 and path.stat().st_size == size, (refused, room)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, most))
    try:
        db.erase("numbers", "a", reason="asked")
        raise SystemExit("erased")
    except OSError as error:
        assert error.errno == 27
    try:
        db.export.everything(f"{path}.db")
        raise SystemExit("exported")
    except StoreError as error:
        assert error.values["path"] == f"{path}.db", error
    assert sorted(found.name for found in path.parent.iterdir()) == [path.name, f"{path.name}.lock"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert_agrees(db, path)
numbers.put("b", {"n": 2})
assert_agrees(db, path)
db.close()
print("fine")
"""

TOGETHER = """
import os, sys, time
from ledger import LedgerLocked
from vectordb import VectorDB
for number in range(20):
    path = f"{sys.argv[1]}.{number}"
    at, children = time.monotonic() + 0.01, []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            code = 9
            try:
                while time.monotonic() < at:
                    pass
                try:
                    with VectorDB.open(path, auto_index=False) as db:
                        db.mark(f"m{os.getpid()}")
                    code = 1
                except LedgerLocked:
                    code = 2
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert set(codes) <= {1, 2} and 1 in codes, codes
    with VectorDB.open(path) as db:
        assert db.head == codes.count(1), (db.head, codes)
print("fine")
"""

ORPHAN = """
import os, signal, sys, time
from vectordb import VectorDB
path = sys.argv[1]
started, start = os.pipe()
parent = os.fork()
if parent == 0:
    db = VectorDB.open(path)
    db.mark("parent")
    worker = os.fork()
    if worker == 0:
        os.write(start, b"%d" % os.getpid())
        os.close(start)
        time.sleep(5)
        os._exit(0)
    os._exit(0)
os.waitpid(parent, 0)
worker = int(os.read(started, 20))
with VectorDB.open(path) as db:
    db.mark("after the parent, with its worker alive")
    assert db.head == 2
os.kill(worker, signal.SIGKILL)
print("fine")
"""


def run(program: str, path: Path) -> str:
    """What a process prints."""
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("program", [FULL, TOGETHER, ORPHAN], ids=["file size limit", "opening together", "orphan"])
def test_processes(tmp_path: Path, program: str) -> None:
    """A disk that is full for real; openings at one moment; a worker that outlives its parent's lock."""
    assert run(program, tmp_path / "ledger.jsonl") == "fine"


def test_a_closed_database_reads_on_and_says_why_it_does_not_write(tmp_path: Path) -> None:
    db = world(tmp_path / "ledger.jsonl", FaultyFiles())
    before: dict[str, Any] = shown(db)
    db.close()
    assert shown(db) == before and beside(tmp_path / "ledger.jsonl") == []
    with pytest.raises(ClosedLedger):
        WRITES["put"](db, 1)
