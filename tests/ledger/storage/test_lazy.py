"""Lazy ledgers: the events stay in the file and are read when they are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import DamagedLog, ManualClock
from tests.ledger.storage.samples import SEED, START, counter, fill, reopened, sample, told
from vectordb import VectorDB


@pytest.fixture
def path(tmp_path: Path) -> Path:
    sample(tmp_path / "ledger.jsonl")
    return tmp_path / "ledger.jsonl"


def test_events_are_the_same_as_those_in_memory(path: Path) -> None:
    with reopened(path) as eager, reopened(path, lazy=True, read_only=True) as lazy:
        for offset in range(1, eager.head + 1):
            one, other = eager.event(offset), lazy.event(offset)
            assert (one.type, one.time, one.payload, one.meta) == (other.type, other.time, other.payload, other.meta)
            assert (one.digest, one.rows, one.views) == (other.digest, other.rows, other.views)


def test_written_events_stay_in_the_file_too(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with VectorDB.open(tmp_path / "a", clock=clock, seed=SEED, lazy=True) as db:
        fill(db, clock)
        before = told(db)
        db.check()
    with VectorDB.open(tmp_path / "a", clock=clock) as eager:
        assert told(eager) == before
    assert (tmp_path / "a").read_bytes() == b"".join(sample(tmp_path / "b"))


def test_idempotency_holds_over_a_lazy_reopening(path: Path) -> None:
    with reopened(path, lazy=True) as db:
        users = db.view("users")
        first = db.event(2)
        again = users.put("u1", {"rate": 4.0}, event_time=20, derived_from=["users/u1@2"], idempotency_key="k")
        assert (again.replayed, again.offset, first.offset) == (True, 4, 2)


def test_long_lines_are_read_whole(tmp_path: Path) -> None:
    from vectordb import Text

    with VectorDB.open(tmp_path / "a", clock=ManualClock(START), lazy=True) as db:
        view = db.create_view("v", entity="e", features={"t": Text()})
        for size in (10, 4000, 4096, 33_000, 300_000):
            view.put(size, {"t": "é" * size})
        for size in (10, 4000, 4096, 33_000, 300_000):
            assert view.get(size)["t"] == "é" * size
        assert [len(event.payload["values"][0]) for event in db.events(2)] == [10, 4000, 4096, 33_000, 300_000]


def test_a_line_that_changes_under_a_lazy_reader_is_found(tmp_path: Path) -> None:
    """Its digest was checked at the opening; what is read later is checked again, or it proves nothing."""
    path = tmp_path / "ledger.jsonl"
    counter(path, 5).close()
    with reopened(path, lazy=True) as db:
        data = path.read_bytes()
        path.write_bytes(data.replace(b'"values":[3]', b'"values":[8]'))
        assert db.event(2).payload["values"] == [2]
        with pytest.raises(DamagedLog) as caught:
            db.event(3).payload  # noqa: B018 - reading it is the test
        assert caught.value.values["offset"] == 3


def test_a_line_that_vanishes_under_a_lazy_reader_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 5).close()
    with reopened(path, lazy=True) as db:
        for damaged in (b"", b"x" * path.stat().st_size, b"\n" * path.stat().st_size, b'"}\n' * path.stat().st_size):
            path.write_bytes(damaged)
            with pytest.raises(DamagedLog) as caught:
                db.event(3).payload  # noqa: B018 - reading it is the test
            assert caught.value.values["offset"] == 3


def test_a_closed_lazy_database_answers_what_is_in_memory(path: Path) -> None:
    with reopened(path, lazy=True) as db:
        age = db.view("users").get("u1")["age"]
    assert db.view("users").get("u1")["age"] == age
    assert (db.head, len(db.digest())) == (16, 64)
