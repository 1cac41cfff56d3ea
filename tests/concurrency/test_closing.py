"""Closing while others are at work: a named error or a right answer, never another one, and nobody waits for ever."""

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger import Files
from tests.concurrency.load import switching
from vectordb import ClosedLedger, Float, Int, Text, VectorDB


@pytest.mark.parametrize("lazy", [False, True])
def test_calls_under_way_end_by_name_or_answer(lazy: bool, tmp_path: Path) -> None:
    for number in range(8):
        path = tmp_path / f"{number}.jsonl"
        db = VectorDB.open(path, lazy=lazy)
        view = db.create_view("v", entity="e", features={"n": Int(), "note": Text()})
        for place in range(60):
            view.put(f"e{place % 6}", {"n": place, "note": f"note {place}"})
        follower = VectorDB.open(path, read_only=True, lazy=lazy)
        wrong: list[BaseException] = []
        started, done = threading.Barrier(6), threading.Event()

        def repeat(call: Any, wrong: Any = wrong, started: Any = started, done: Any = done) -> None:
            started.wait(10)
            try:
                while not done.is_set():
                    call()
            except ClosedLedger:
                return
            except BaseException as error:
                wrong.append(error)

        def read(of: VectorDB = db) -> None:
            row = of.view("v").get("e3")
            assert row["note"] == f"note {row['n']}"
            past = of.as_of(40).view("v").get("e3")
            assert (past["n"], past["note"]) == (33, "note 33")

        put = partial(view.put, "e3", {"n": 1, "note": "note 1"})
        calls = [read, read, put, partial(listed, db), partial(read, follower)]
        threads = [threading.Thread(target=repeat, args=(call,), daemon=True) for call in calls]
        with switching():
            for thread in threads:
                thread.start()
            started.wait(10)
            db.close()
            follower.close()
            noise = [os.open(os.devnull, os.O_RDONLY) for _ in range(8)]  # takes the descriptors that were given back
            done.set()
            for thread in threads:
                thread.join(30)
        for descriptor in noise:
            os.close(descriptor)
        assert not any(thread.is_alive() for thread in threads)
        assert not wrong, wrong
        with VectorDB.open(path, read_only=True) as again:
            again.check()


def listed(db: VectorDB) -> None:
    """The first events."""
    assert [event.offset for event in db.events(1, 20)] == list(range(1, 20))


def test_a_closed_database_tells_followers_and_subscribers() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Float()})
    subscription = db.subscribe()
    heard: list[Any] = []
    thread = threading.Thread(target=lambda: heard.extend(subscription))
    thread.start()
    view.put("a", {"x": 1.0})
    db.close()
    with pytest.raises(ClosedLedger):
        view.put("a", {"x": 2.0})
    assert view.get("a")["x"] == 1.0, "what is in memory still answers"
    subscription.close()
    thread.join(10)
    assert not thread.is_alive() and [event.offset for event in heard] == [2]


@pytest.mark.parametrize("given", ["an error", "bytes of another file"])
def test_a_descriptor_that_was_given_back_meanwhile_is_not_believed(given: str, tmp_path: Path) -> None:
    db = VectorDB.open(tmp_path / "events.jsonl", lazy=True)
    view = db.create_view("v", entity="e", features={"n": Int()})
    view.put("a", {"n": 1})

    class Late(Files):
        def pread(self, fd: int, size: int, position: int) -> bytes:
            db.close()
            if given == "an error":
                raise OSError(9, "bad file descriptor")
            return b"what another file holds\n"

    store: Any = db.state.journal.store
    store.files = Late()
    with pytest.raises(ClosedLedger):
        store.line(0)
