"""Long snapshots and checkpoints, searches and lazy reads while something is written, erased or compacted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.reachable import find_bytes
from vectordb import Category, Erased, Int, Text, Vector, VectorDB

CITY = "Quixotic-Lane"


def people(path: Path | None, **options: Any) -> VectorDB:
    db = VectorDB() if path is None else VectorDB.open(path, **options)
    view = db.create_view("people", entity="person", features={"n": Int(), "city": Category(), "note": Text()})
    for number in range(60):
        view.put(f"p{number % 10}", {"n": number, "city": f"{CITY}-{number % 10}", "note": f"note {number}"})
    return db


def between(db: VectorDB, offset: int, action: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Something happens while a snapshot renders a line."""
    journal = db.state.journal
    line = journal.line

    def slow(at: int, *pinned: Any) -> bytes:
        if at == offset:
            monkeypatch.undo()
            thread = threading.Thread(target=action)
            thread.start()
            thread.join(30)
            assert not thread.is_alive(), "a writer waits for a snapshot"
        return line(at, *pinned)

    monkeypatch.setattr(journal, "line", slow)


@pytest.mark.parametrize("kind", ["memory", "file", "lazy"])
@pytest.mark.parametrize("action", ["erase", "compact", "both"])
def test_a_snapshot_is_of_its_beginning(
    kind: str, action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = None if kind == "memory" else tmp_path / "events.jsonl"
    db = people(path, lazy=kind == "lazy") if path else people(None)
    head, digest, row = db.head, db.digest(), db.view("people").get("p3").to_dict()

    def act() -> None:
        if action != "compact":
            db.erase("people", "p3", reason="asked")
        if action != "erase":
            db.compact(below=40)
        db.view("people").put("p3", {"n": 1})

    between(db, 30, act, monkeypatch)
    db.snapshot(tmp_path / "copy.jsonl")
    with VectorDB.open(tmp_path / "copy.jsonl", read_only=True) as copy:
        assert (copy.head, copy.digest(), copy.view("people").get("p3").to_dict()) == (head, digest, row)
        copy.check()
    assert db.head > head
    db.snapshot(tmp_path / "again.jsonl")
    with VectorDB.open(tmp_path / "again.jsonl", read_only=True) as copy:
        assert (copy.head, copy.digest()) == (db.head, db.digest())
    db.close()


def test_what_was_erased_during_a_snapshot_is_forgotten_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = people(None)
    between(db, 30, lambda: db.erase("people", "p3", reason="asked"), monkeypatch)
    db.snapshot(tmp_path / "copy.jsonl")
    assert find_bytes(db, [f"{CITY}-3"]) == []
    db.state.log.layouts.pool.check()


def test_a_snapshot_that_fails_forgets_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = people(None)

    def act() -> None:
        db.erase("people", "p3", reason="asked")
        monkeypatch.setattr(db.state.journal, "line", lambda *arguments: {}["a disk that fails"])

    between(db, 30, act, monkeypatch)
    with pytest.raises(KeyError):
        db.snapshot(tmp_path / "copy.jsonl")
    assert not list(tmp_path.iterdir()) and find_bytes(db, [f"{CITY}-3"]) == []


def test_a_row_that_was_erased_since_shows_no_other_value() -> None:
    db = people(None)
    service = db.create_service("all", features=["people:n", "people:city"])
    row, served, matrix = db.view("people").get("p3"), service.get("p3"), db.view("people").get_many(["p3"])
    assert row["n"] == 53
    db.erase("people", "p3", reason="asked")
    for read in (lambda: row["city"], row.to_dict, lambda: row["note"], lambda: served["city"]):
        with pytest.raises(Erased):
            read()
    assert matrix.column("city") == [f"{CITY}-3"], "a batch holds what it read"
    db.view("people").put("p4", {"city": ""})
    assert db.view("people").get("p4")["city"] == "", "an empty category is one like any other"


def test_reads_that_an_erasure_meets(tmp_path: Path) -> None:
    """Searches, held pasts and lazy reads go on beside a thread that erases and compacts."""
    db = VectorDB.open(tmp_path / "events.jsonl", lazy=True, auto_index=False)
    view = db.create_view("faces", entity="face", features={"look": Vector(2, metric="euclidean"), "note": Text()})
    for number in range(120):
        view.put(f"f{number % 40}", {"look": [number % 40, 0.0], "note": f"of {number % 40}"})
    past, over, wrong = db.as_of(db.head), threading.Event(), []

    def read() -> None:
        try:
            while not over.is_set():
                for reader in (db, past):
                    hits = reader.view("faces").search("look", [0.0, 0.0], k=50)
                    assert hits.distances == sorted(hits.distances)
                    assert [float(entity[1:]) for entity in hits.entities] == hits.distances
                row = past.view("faces").get("f39")
                assert row["note"] == "of 39"
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(30):
        db.erase("faces", f"f{number}", reason="asked")
        if number % 10 == 9:
            db.compact(below=40 + number)
    over.set()
    for thread in threads:
        thread.join(30)
    assert not wrong, wrong
    assert len(view.search("look", [0.0, 0.0], k=50)) == 10
    db.close()
