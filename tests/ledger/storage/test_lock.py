"""One process writes a ledger: a lock on a sidecar file, gone with its process; forked children refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ledger import DamagedLog, HeadMismatch, LedgerLocked
from tests.house.source import ROOT
from tests.ledger.storage.samples import counter, reopened

HOLD = """
import sys
from vectordb import VectorDB
db = VectorDB.open(sys.argv[1])
db.mark(sys.argv[2])
print("open", flush=True)
sys.stdin.read()
db.close()
"""

TRY = """
import sys
from ledger import LedgerLocked
from vectordb import VectorDB
try:
    VectorDB.open(sys.argv[1])
except LedgerLocked as error:
    print(error.code, error.values["path"])
"""

FORK = """
import os, sys
from ledger import ForkedProcess, WriteFailed
from vectordb import Int, VectorDB
db = VectorDB.open(sys.argv[1])
numbers = db.create_view("numbers", entity="number", features={"n": Int()})
numbers.put("a", {"n": 1})
before = os.path.getsize(sys.argv[1])
child = os.fork()
if child == 0:
    code = 9
    try:
        assert numbers.get("a")["n"] == 1
        for write in (lambda: numbers.put("b", {"n": 2}), lambda: db.mark("child")):
            try:
                write()
            except ForkedProcess as error:
                assert error.values["pid"] == os.getpid() != error.values["opened_by"]
            else:
                raise SystemExit(3)
        assert db.head == 2 and not numbers.get("b").found
        assert os.path.getsize(sys.argv[1]) == before
        db.close()
        code = 0
    finally:
        os._exit(code)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
try:
    VectorDB.open(sys.argv[1])
except OSError as error:
    assert type(error).__name__ == "LedgerLocked", error
else:
    raise SystemExit("the child's close let go of the parent's lock")
numbers.put("c", {"n": 3})
db.close()
with VectorDB.open(sys.argv[1]) as again:
    assert again.head == 3 and again.view("numbers").get("c")["n"] == 3
print("fine")
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_second_writer_in_another_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 2) as db:
        assert run(TRY, path) == f"LedgerLocked {path}"
        db.mark("still mine")
    assert run(TRY, path) == ""


def test_a_second_writer_in_this_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 2) as db:
        before = path.read_bytes()
        for options in ({}, {"recover": True}, {"lazy": True}):
            with pytest.raises(LedgerLocked) as caught:
                reopened(path, **options)
        assert caught.value.values["lock"] == f"{path}.lock"
        assert path.read_bytes() == before
        db.mark("still mine")
    reopened(path).close()


def test_a_refused_opening_leaves_no_open_file(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("open files are counted under /proc")
    path = tmp_path / "ledger.jsonl"
    with counter(path, 2):
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            with pytest.raises(LedgerLocked):
                reopened(path)
        assert len(os.listdir("/proc/self/fd")) == before
    path.write_bytes(b"damage\n")
    for options in ({}, {"read_only": True}, {"recover": True}):
        with pytest.raises(DamagedLog):
            reopened(path, **options)
    with pytest.raises(OSError):
        reopened(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before - 2


def test_the_lock_goes_with_a_killed_process_and_its_events_stay(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with start(HOLD, path, "before the kill") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(LedgerLocked):
            reopened(path)
        holder.send_signal(signal.SIGKILL)
        holder.wait(30)
    assert (tmp_path / "ledger.jsonl.lock").exists()
    with reopened(path) as db:
        assert (db.head, db.opened.torn_bytes) == (1, 0)
        assert db.as_of(mark="before the kill").head == 1


def test_a_lock_file_left_behind_locks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    (tmp_path / "ledger.jsonl.lock").write_bytes(b"4711")
    with counter(path, 2) as db:
        assert db.head == 2
    assert (tmp_path / "ledger.jsonl.lock").read_bytes() == b"4711"


def test_closing_lets_the_next_writer_in(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for number in range(3):
        with start(HOLD, path, f"m{number}") as holder:
            holder.communicate("", timeout=60)
            assert holder.returncode == 0
    with reopened(path) as db:
        assert db.head == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_may_read_but_not_write(tmp_path: Path) -> None:
    assert run(FORK, tmp_path / "ledger.jsonl") == "fine"


def test_readers_open_beside_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 3) as db, reopened(path, read_only=True) as one, reopened(path, read_only=True) as two:
        db.view("numbers").put("later", {"n": 9})
        assert (one.head, two.refresh()) == (3, 4)
        assert two.view("numbers").get("later")["n"] == 9
        assert run(TRY, path).startswith("LedgerLocked")


def test_a_failed_opening_lets_go_of_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 3).close()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"n"', b'"m"'))
    for _ in range(2):
        with pytest.raises(DamagedLog):
            reopened(path)
    path.write_bytes(whole)
    with pytest.raises(HeadMismatch):
        reopened(path, expect=7)
    reopened(path).close()


def test_two_ledgers_are_written_side_by_side(tmp_path: Path) -> None:
    with counter(tmp_path / "a", 2) as one, counter(tmp_path / "b", 2) as two:
        one.mark("x")
        two.mark("x")
        assert (one.head, two.head) == (3, 3)
