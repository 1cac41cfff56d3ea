"""What threads may see while an event is on its way: the state before it or after it, and one identity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from typing import Any

import pytest

from vectordb import Float, Int, ManualClock, VectorDB

ROWS = 500


def beside(work: Callable[[], None], look: Callable[[], None]) -> list[BaseException]:
    """Run ``work`` in a thread and ``look`` again and again until it is through; what either raised."""
    done, errors = Signal(), []

    def worker() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    thread = Thread(target=worker)
    thread.start()
    try:
        while not done.is_set():
            look()
    except BaseException as error:
        errors.append(error)
    thread.join()
    return errors


def test_a_past_at_the_head_is_whole() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    ids = [f"k{place}" for place in range(ROWS)]

    def work() -> None:
        for number in range(40):
            view.put_many({"e": ids, "x": [number] * ROWS})

    def look() -> None:
        past = db.as_of(db.head).view("v")
        first, last = past.get("k0")["x"], past.get(ids[-1])["x"]
        assert first == last == (None if past.get("k0").as_of == 1 else past.get("k0").as_of - 2)

    assert beside(work, look) == []


def test_a_subscriber_reads_what_it_was_told_of() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    told = db.subscribe()

    def look() -> None:
        event = told.poll(0.01)
        if event is not None:
            assert db.as_of(event.offset).view("v").get("a")["x"] == event.offset

    assert beside(lambda: [view.put("a", {"x": number}) for number in range(2, 500)] and None, look) == []


@pytest.mark.parametrize("lazy", [False, True])
def test_digests_asked_for_during_writes_are_those_of_the_file(tmp_path: Path, lazy: bool) -> None:
    path = tmp_path / "ledger.jsonl"
    with VectorDB.open(path, lazy=lazy) as db:
        view = db.create_view("v", entity="e", features={"x": Float()})
        assert beside(lambda: [view.put("a", {"x": 0.5}) for _ in range(800)] and None, lambda: len(db.digest())) == []
        digest = db.digest()
    with VectorDB.open(path) as again:
        assert (again.digest(), again.head) == (digest, 801)


def test_a_fork_has_one_header_for_all_threads(tmp_path: Path) -> None:
    db = VectorDB()
    db.create_view("v", entity="e", features={"x": Float()}).put("a", {"x": 1.0})
    for number in range(30):
        fork = db.fork()
        path = tmp_path / f"{number}.jsonl"
        assert beside(lambda fork=fork, path=path: fork.snapshot(path) and None, lambda fork=fork: fork.header) == []
        with VectorDB.open(path, read_only=True) as again:
            assert again.header == fork.header


def test_a_past_reads_on_while_views_are_defined() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Float()})
    view.put("a", {"x": 1.0})
    past = db.as_of(2)

    def work() -> None:
        for number in range(60):
            db.create_view(f"w{number}", entity="e", features={"x": Float()})

    def look() -> None:
        assert past.views() == ["v"]
        assert past.version("v/a@2")["x"] == 1.0

    assert beside(work, look) == []


def test_a_follower_never_shows_the_new_head_with_the_old_rows(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    clock = ManualClock()
    with VectorDB.open(path, clock=clock) as db:
        view = db.create_view("v", entity="e", features={"x": Int()})
        view.put("a", {"x": 2})
        with VectorDB.open(path, clock=clock, read_only=True) as reader:
            seen = reader.view("v")

            def look() -> None:
                row: Any = seen.get("a")
                assert row["x"] == row.as_of

            def work() -> None:
                for number in range(3, 400):
                    view.put("a", {"x": number})
                    if number % 50 == 0:
                        reader.refresh()

            assert beside(work, look) == []
