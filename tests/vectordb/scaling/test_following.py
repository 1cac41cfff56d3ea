"""Followers of a shared ledger and of a file: refresh, lag, the thread, and stores that do not answer."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ledger import (
    ClosedLedger,
    ConnectionLost,
    HeadMismatch,
    InvalidInput,
    LedgerReplaced,
    ManualClock,
    ReadOnlyLedger,
    SqlStore,
)
from tests.contracts.tally import Tally
from tests.ledger.fake_driver import FakeDriver
from tests.ledger.storage.samples import START, counter
from tests.vectordb.scaling.sharing import agree, connected, replayed, with_drivers
from vectordb import VectorDB


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shared.db"


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def test_the_lag_tells_events_and_seconds(path: Path) -> None:
    clock = ManualClock(START)
    with with_drivers(path, clock=clock) as db, connected(path, clock=clock, read_only=True) as reader:
        assert reader.lag()[:4] == (1, 1, 0, 0.0)
        for number in range(3):
            clock.advance(10)
            db.view("drivers").put(f"d-{number}", {"trips": number})
        clock.advance(5)
        lag = reader.lag()
        assert lag[:4] == (1, 4, 3, 25.0)  # the oldest of the three was recorded 25 seconds ago
        assert lag.checked >= 0
        assert lag.to_dict() == lag._asdict()
        assert (reader.head, reader.refresh(), reader.lag()[:4]) == (1, 4, (4, 4, 0, 0.0))
        assert db.lag()[:4] == (4, 4, 0, 0.0)
        before = reader.lag().checked
        assert eventually(lambda: reader.lag().checked > before)
        reader.refresh()
        assert reader.lag().checked < 20


def test_the_lag_behind_a_file(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with counter(tmp_path / "ledger.jsonl", 3) as db:
        reader = VectorDB.open(tmp_path / "ledger.jsonl", clock=clock, read_only=True)
        db.view("numbers").put("a", {"n": 1})
        db.view("numbers").put("b", {"n": 2})
        clock.advance(7)
        assert reader.lag()[:4] == (3, 5, 2, 7.0)
        assert (reader.refresh(), reader.lag()[:4]) == (5, (5, 5, 0, 0.0))
        assert reader.view("numbers").get("b")["n"] == 2
        assert db.lag() == (5, 5, 0, 0.0, 0.0)  # nobody else writes it
        reader.close()
    assert VectorDB().lag() == (0, 0, 0, 0.0, 0.0)


def test_a_follower_keeps_up_until_it_is_stopped(path: Path, tmp_path: Path) -> None:
    with with_drivers(path) as db, connected(path, read_only=True) as reader:
        with reader.follow(0.005) as follower:
            for number in range(5):
                db.view("drivers").put("d", {"trips": number})
                assert eventually(lambda: reader.head == db.head)
            assert (follower.running, follower.error) == (True, None)
            assert follower.refreshes > 0
            erased = db.erase("drivers", "d", reason="request 7").offset
            assert eventually(lambda: reader.head == erased)
        assert not follower.running
        follower.stop()
        db.view("drivers").put("d", {"trips": 9})
        time.sleep(0.02)
        assert reader.head == erased
        reader.refresh()
        agree(reader, replayed(path, tmp_path))


def test_a_follower_of_a_file(tmp_path: Path) -> None:
    with counter(tmp_path / "ledger.jsonl", 3) as db:
        reader = VectorDB.open(tmp_path / "ledger.jsonl", read_only=True)
        with reader.follow(0.005):
            db.view("numbers").put("a", {"n": 1})
            assert reader.wait(4, 20)
        reader.close()
        with pytest.raises(ReadOnlyLedger):
            db.follow()
        with pytest.raises(ReadOnlyLedger):
            db.refresh()
    with pytest.raises(ReadOnlyLedger):
        VectorDB().refresh()


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf"), "1", True, None])
def test_an_interval_is_a_number_of_seconds(path: Path, interval: Any) -> None:
    with connected(path) as db, pytest.raises(InvalidInput):
        db.follow(interval)


def test_reads_go_on_while_the_store_does_not_answer(tmp_path: Path) -> None:
    driver = FakeDriver(tmp_path / "shared.db", autocommit=True)
    with with_drivers(driver.path) as db:
        db.view("drivers").put("d", {"trips": 1})
        reader = VectorDB.connect(driver.connect, module=driver, read_only=True)
        state = reader.state.journal.store
        assert isinstance(state, SqlStore)
        with reader.follow(0.005) as follower:
            assert eventually(lambda: follower.refreshes > 1)
            steps = driver.counts["connect"]
            driver.faults.update({("connect", steps + number): "refuse" for number in range(1, 4)})
            driver.next("execute", "lost before", after=2)
            assert eventually(lambda: isinstance(follower.error, ConnectionLost))
            assert reader.view("drivers").get("d")["trips"] == 1
            db.view("drivers").put("d", {"trips": 2})
            assert eventually(lambda: follower.error is None and reader.head == 3)
            reader.close()
            assert eventually(lambda: not follower.running)
            assert isinstance(follower.error, ClosedLedger)
        assert reader.view("drivers").get("d")["trips"] == 2


def test_subscriptions_and_waits_follow(path: Path) -> None:
    with with_drivers(path) as db, connected(path) as other:
        subscription = other.subscribe()
        assert subscription.poll() is None
        db.view("drivers").put("d", {"trips": 1})
        event = subscription.poll(20)
        assert event is not None
        assert event.offset == 2
        assert other.wait(2, 20)
        assert not other.wait(3, 0.01)


def test_projections_of_ones_own_move_over(path: Path) -> None:
    with with_drivers(path) as db:
        db.view("drivers").put("d", {"trips": 1})
        tally = Tally()
        with connected(path, projections=[tally]) as other:
            assert tally.offsets == [1, 2]
            db.erase("drivers", "d", reason="request 7")
            other.refresh()
            assert other.projection(tally.name) is tally
            assert tally.offsets == [1, 2, 3]
            assert list(tally.types) == ["view_defined", "redacted", "entity_erased"]
            other.check()


def test_an_erasure_while_a_ledger_is_read_begins_it_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch, times = SqlStore.fetch, [0]
    with with_drivers(path) as db:
        for number in range(4):
            db.view("drivers").put(f"d-{number}", {"trips": 1})

        def meanwhile(self: SqlStore, position: int) -> tuple[list[bytes], bool]:
            found = fetch(self, position)
            if times[0] and position == 0:
                times[0] -= 1
                monkeypatch.setattr(SqlStore, "fetch", fetch)
                db.erase("drivers", f"d-{times[0]}", reason="request 7")
                monkeypatch.setattr(SqlStore, "fetch", meanwhile)
            return found

        times[0] = 2
        monkeypatch.setattr(SqlStore, "fetch", meanwhile)
        with connected(path, read_only=True) as other:
            assert (other.head, times) == (7, [0])
            assert other.digest() == db.digest()
        times[0] = 4
        monkeypatch.setattr("vectordb.persistence.connecting.LOADS", 1)
        with pytest.raises(LedgerReplaced):
            connected(path, read_only=True)


@pytest.mark.parametrize("lines", [1, 3])
def test_the_lag_behind_a_file_that_was_replaced(tmp_path: Path, lines: int) -> None:
    clock, path = ManualClock(START), tmp_path / "ledger.jsonl"
    with counter(path, 3) as db:
        reader = VectorDB.open(path, clock=clock, read_only=True)
        assert reader.lag()[:4] == (3, 3, 0, 0.0)  # nothing was written
        erased = db.erase("numbers", db.view("numbers").entities()[0], reason="request 7").offset
        for number in range(lines):
            db.view("numbers").put("late", {"n": number})
        clock.advance(7)
        assert reader.lag()[:3] == (3, erased + lines, 1 + lines)
        assert reader.lag().seconds == pytest.approx(clock() / 1e6 - db.event(4).time / 1e6)
        assert (reader.head, reader.refresh(), reader.lag()[:4]) == (3, db.head, (db.head, db.head, 0, 0.0))
        db.compact(below=db.head)
        assert reader.lag()[1:3] == (db.head, 1)
        reader.refresh()
        assert reader.digest() == db.digest()
        db.snapshot(tmp_path / "copy.jsonl")
        (tmp_path / "copy.jsonl").replace(path)
        assert reader.lag()[1:3] == (db.head, 0)
        assert reader.refresh() == db.head
        reader.close()


def test_a_follower_of_a_table_that_lost_lines_says_so(path: Path) -> None:
    with with_drivers(path) as db, connected(path, read_only=True) as reader:
        for number in range(3):
            db.view("drivers").put("d", {"trips": number})
        reader.refresh()
        _change(path, "DELETE FROM vectordb_lines WHERE position = 4")  # as after a backup that was brought back
        for call in (reader.refresh, db.refresh, lambda: db.view("drivers").put("d", {"trips": 9})):
            with pytest.raises(HeadMismatch) as caught:
                call()
            assert (caught.value.values["line"], caught.value.values["offset"]) == (5, 4)
        assert reader.view("drivers").get("d")["trips"] == 2  # reads go on
        with connected(path) as again:
            assert again.view("drivers").put("d", {"trips": 8}).offset == 4
        with pytest.raises(HeadMismatch):  # another line stands there now
            db.view("drivers").put("d", {"trips": 9})
        assert db.lag().store_head == 4


def test_a_ledger_that_is_gone_or_another_one_is_not_followed(path: Path, tmp_path: Path) -> None:
    with with_drivers(path) as db:
        _change(path, "DELETE FROM vectordb_lines; DELETE FROM vectordb_ledgers")
        for call in (db.refresh, lambda: db.view("drivers").put("d", {"trips": 9})):
            with pytest.raises(LedgerReplaced):
                call()
        with with_drivers(path) as another:
            with pytest.raises(HeadMismatch):
                db.refresh()
            another.view("drivers").put("d", {"trips": 1})
            another.erase("drivers", "d", reason="so that it is of another generation")
            with pytest.raises(LedgerReplaced) as caught:
                db.refresh()
            assert caught.value.values["connected_to"] == db.header.ledger_id != another.header.ledger_id
        assert db.views() == ["drivers"]


def test_threads_that_write_read_follow_and_close_do_not_wait_for_each_other(path: Path, tmp_path: Path) -> None:
    """One connection among them, beside another writer that erases."""
    failed: list[BaseException] = []
    with with_drivers(path) as db, connected(path) as other:

        def run(work: Callable[[int], Any]) -> None:
            try:
                for number in range(20):
                    work(number)
            except BaseException as error:
                failed.append(error)

        def erase(number: int) -> None:
            other.view("drivers").put(f"e-{number % 3}", {"trips": number})
            if number % 5 == 4:
                other.erase("drivers", f"e-{number % 3}", reason="request 7")

        works: list[Callable[[int], Any]] = [
            lambda number: db.view("drivers").put("a", {"trips": number}),
            lambda number: db.view("drivers").put_many({"driver": ["b", "c"], "trips": [number, number]}),
            lambda number: (db.lag(), db.refresh(), db.view("drivers").get_many(["a", "b"])),
            erase,
        ]
        threads = [Thread(target=run, args=(work,), daemon=True) for work in works]
        with db.follow(0.002):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        assert failed == []
        other.refresh()
        db.refresh()
        assert db.head == 1 + 3 * 20 + 4
        for one in (db, other):
            agree(one, replayed(path, tmp_path))


def _change(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements)
