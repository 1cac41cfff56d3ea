"""Processes forked from one with an open ledger and threads (gunicorn's preload): they read, and never hang."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import ledger.locks
import vectordb.process_fork
from ledger.locks import free_in_children
from vectordb import Category, ForkedProcess, Int, LedgerLocked, Vector, VectorDB

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
IDS = [f"e{number}" for number in range(20)]


def opened(path: Path | None) -> VectorDB:
    db = VectorDB(auto_index=False) if path is None else VectorDB.open(path, auto_index=False)
    db.create_view("v", entity="e", features={"n": Int(), "city": Category(), "look": Vector(2, metric="euclidean")})
    write(db, 0)
    db.create_service("s", features=["v:n", "v:city"])
    return db


def write(db: VectorDB, number: int) -> None:
    same = {"n": number, "city": f"c{number % 5}"}
    db.view("v").put_many([{"e": one, **same, "look": [number % 7, place]} for place, one in enumerate(IDS)])


def child(work: Callable[[], Any], seconds: int = 20) -> int:
    """Run something in a forked process; its exit code: 0, 1 where it failed, -14 where it hung."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        signal.alarm(seconds)
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


@contextmanager
def beside(work: Callable[[int], Any]) -> Iterator[None]:
    """A thread of the parent at work meanwhile."""
    over = threading.Event()

    def repeat() -> None:
        number = 0
        while not over.is_set():
            number += 1
            work(number)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def reads(db: VectorDB) -> None:
    """Every kind of read, all of one generation."""
    numbers = {row["n"] for row in db.view("v").get_many(IDS)}
    assert len(numbers) == 1, numbers
    number = numbers.pop()
    row = db.service("s").get("e3")
    assert (row["n"], row["city"]) == (number, f"c{number % 5}")
    assert len(db.view("v").search("look", [number % 7, 0.0], k=3).entities) == 3
    assert db.as_of(2).view("v").get("e3")["n"] == 0
    assert len(db.view("v")) == 20 and len(db.view("v").history("e3")) >= 1
    assert len(db.digest()) == 64
    db.check()


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_workers_read_while_a_thread_of_the_parent_writes(kind: str, tmp_path: Path) -> None:
    db = opened(None if kind == "memory" else tmp_path / "events.jsonl")

    def work() -> None:
        reads(db)
        if kind == "file":
            head = db.head
            with pytest.raises(ForkedProcess):
                write(db, 1)
            assert db.head == head
            db.close()

    with beside(lambda number: write(db, number)):
        codes = [child(work) for _ in range(4)]
    assert codes == [0] * 4
    if kind == "file":
        with pytest.raises(LedgerLocked):
            VectorDB.open(tmp_path / "events.jsonl")
    write(db, 5)
    assert db.view("v").get("e3")["n"] == 5
    db.check()
    db.close()


def test_a_write_that_a_fork_does_not_wait_for_is_undone_in_the_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectordb.process_fork, "PATIENCE_S", 0.0)
    for step in ("journal", "fold", "held"):
        db = opened(tmp_path / f"{step}.jsonl")
        for number in (1, 2):
            write(db, number)
        reached, go_on, head = threading.Event(), threading.Event(), db.head

        def stopped(*arguments: Any, reached: Any = reached, go_on: Any = go_on, whole: Any = None) -> Any:
            reached.set()
            go_on.wait(20)
            return whole(*arguments)

        if step == "fold":  # the line stands, the views do not show it yet
            whole = db.state.fold.apply
            db.state.fold.apply = lambda event, whole=whole, stop=stopped: stop(event, whole=whole)  # type: ignore[method-assign]
        elif step == "journal":
            plain = db.writer._write
            db.writer._write = lambda *given, whole=plain, stop=stopped: stop(*given, whole=whole)
        at_work: Any = (_hold, (db, stopped)) if step == "held" else (write, (db, 3))
        thread = threading.Thread(target=at_work[0], args=at_work[1])
        thread.start()
        assert reached.wait(20)

        def work(db: VectorDB = db, step: str = step, head: int = head) -> None:
            reads(db)
            assert db.head == head + (step == "fold")
            assert db.view("v").get("e3")["n"] == (3 if step == "fold" else 2)

        assert child(work) == 0, step
        go_on.set()
        thread.join(20)
        db.check()
        db.close()


def _hold(db: VectorDB, stopped: Any) -> None:
    with db.state.lock:
        stopped(whole=lambda: None)


def test_a_child_finds_every_lock_free() -> None:
    db = opened(None)
    lock, held, over = free_in_children(threading.Lock()), threading.Event(), threading.Event()

    def hold() -> None:
        with lock, db.state.log.chain._lock, db.state.log._header._lock, db.state.indexing._lock, db.state.log._grown:
            held.set()
            over.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(20)

    def work() -> None:
        assert lock.acquire(timeout=5)
        db.fork().header, db.digest()
        write(db, 7)
        assert db.wait(db.head, 5) and not db.wait(db.head + 1, 0.01)
        db.view("v").index("look").build()

    assert child(work) == 0
    over.set()
    thread.join(20)


def test_a_build_that_a_thread_of_the_parent_began_does_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    db = opened(None)
    index = db.view("v").index("look")
    field = index._field
    db.state.indexing._threads[id(field)] = threading.current_thread()  # it looks as if it were at work
    assert index.stats()["state"] == "building"

    def work() -> None:
        assert index.stats()["state"] == "none" and index.wait(5)

    assert child(work) == 0
    assert index.stats()["state"] == "building"


def test_a_follower_forked_goes_on_by_refreshing(tmp_path: Path) -> None:
    db = opened(tmp_path / "events.jsonl")
    reader = VectorDB.open(tmp_path / "events.jsonl", read_only=True)
    with reader.follow(interval=0.001) as follower:
        write(db, 1)
        assert reader.wait(db.head, 10)

        def work() -> None:
            assert not follower.running
            head = reader.head
            assert head <= reader.refresh() <= reader.lag().store_head
            reads(reader)
            follower.stop()

        with beside(lambda number: write(db, number)):
            assert [child(work) for _ in range(4)] == [0] * 4
        assert follower.running
    reader.close()
    db.close()


def test_what_a_fork_does_on_either_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps one by one, in this process, for one state and one lock."""
    db, lock = opened(None), threading.Lock()
    monkeypatch.setattr(vectordb.process_fork, "_STATES", {db.state})
    monkeypatch.setattr(ledger.locks, "_LOCKS", {lock})
    vectordb.process_fork._before()
    assert db.state.lock._is_owned()  # type: ignore[attr-defined]
    vectordb.process_fork._after_in_parent()
    assert not db.state.lock._is_owned()  # type: ignore[attr-defined]
    vectordb.process_fork._before()
    lock.acquire()
    ledger.locks._let_go()
    assert lock.acquire(timeout=0)
    repairs = db.state.fold.repairs
    vectordb.process_fork._after_in_child()
    assert db.state.fold.repairs == repairs, "it was waited for: nothing is to be undone"
    db.state.lock.release()
    vectordb.process_fork._after_in_child()
    assert db.state.fold.repairs & 1, "it was not"
    reads(db)
