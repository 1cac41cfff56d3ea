"""Several processes that follow one file, while its writer puts, erases and compacts; a second writer is refused."""

from __future__ import annotations

import os
import signal
import traceback
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from vectordb import Int, LedgerLocked, Text, UnknownName, VectorDB

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
WRITES = 240


def started(work: Any, *arguments: Any) -> int:
    """A process that does something; its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.alarm(60)
        work(*arguments)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def follow(path: Path, lazy: bool, threaded: bool) -> None:
    """Read until the writer says that it is through: offsets never go back, and each row is that of its offset."""
    with VectorDB.open(path, read_only=True, lazy=lazy) as db:
        follower = db.follow(interval=0.001) if threaded else None
        seen = last = 0
        while True:
            try:
                end = db.as_of(mark="end").head
            except UnknownName:
                end = None
            if not threaded:
                db.refresh()
            row = db.view("v").get("hot")
            assert row.as_of >= last, (row.as_of, last)
            last = row.as_of
            if row.found:
                written = int(str(row.version).rpartition("@")[2])
                assert row["n"] == written <= row.as_of and row["note"] == f"note {written}"
                seen += 1
            if end is not None and db.head >= end:
                break
        if follower is not None:
            follower.stop()
            assert follower.error is None, follower.error
        db.refresh()
        db.check()
        with VectorDB.open(path, read_only=True) as fresh:
            assert (fresh.head, fresh.digest()) == (db.head, db.digest())
            assert db.view("v").entities() == fresh.view("v").entities()
        assert seen


def second_writer(path: Path) -> None:
    """Refused for as long as the first one is there, whatever it does to its file."""
    refused, end = 0, monotonic() + 30
    while refused < 40 and monotonic() < end:
        with pytest.raises(LedgerLocked):
            VectorDB.open(path)
        refused += 1
        sleep(0.002)


def test_processes_follow_a_file_that_is_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    db = VectorDB.open(path)
    view = db.create_view("v", entity="e", features={"n": Int(), "note": Text()})
    view.put("hot", {"n": 2, "note": "note 2"})
    ways = ((False, False), (True, False), (False, True), (True, True))
    processes = [started(follow, path, lazy, threaded) for lazy, threaded in ways]
    processes.append(started(second_writer, path))
    for number in range(WRITES):
        offset = db.head + 1
        view.put("hot" if number % 3 else f"e{number % 30}", {"n": offset, "note": f"note {offset}"})
        if number % 40 == 20:
            db.erase("v", f"e{number % 30 // 3 * 3}", reason="asked")
        if number % 80 == 79:
            db.compact(below=db.head - 20)
        sleep(0.001)
    view.put("hot", {"n": db.head + 1, "note": f"note {db.head + 1}"})
    db.mark("end")
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in processes]
    assert codes == [0] * len(processes)
    db.close()
