"""Turns of writers of one table, and statements that go out together."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from ledger import ConnectionLost, HeadMoved, SqlStore, WriteFailed, sqlite_file
from tests.ledger.fake_driver import FakeDriver, FakePostgres
from tests.ledger.sql.stores import LINES, connected, held, in_the_table


@pytest.fixture(params=[False, True], ids=["transactions", "autocommit"])
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> FakePostgres:
    return FakePostgres(tmp_path / "fake.db", "pyformat", request.param)


def test_nobody_writes_while_another_one_is_at_its_turn(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(SqlStore(sqlite_file(path, timeout=0.05))) as store, closing(SqlStore(path)) as other:
        store.append(b"header\n")
        held(other)
        with other.turn():
            assert other.fetch(1) == ([], True)
            with pytest.raises(WriteFailed, match="in time"), store.turn():
                pass
            assert other.append(b"one\n", 0) == 1
        with store.turn():
            assert store.fetch(1) == ([b"one\n"], True)  # nothing written: the others go on
        assert other.append(b"two\n", 1) == 2


def test_a_turn_ends_with_its_connection(store: SqlStore, driver: FakeDriver) -> None:
    driver.next("execute", "lost before")  # while it waits: it waits again
    with store.turn():
        assert driver.counts["connect"] == 2
        driver.next("execute", "lost before")  # when it has come: what follows stands for itself
        assert store.fetch(3) == ([], True)
        assert store.append(b"three\n", 2) == 3
    driver.next("execute", "refuse")
    with pytest.raises(WriteFailed, match="turn"), store.turn():
        pass
    for step in (1, 3 if driver.autocommit else 2):
        driver.next("execute", "lost before", after=step)
    with pytest.raises(ConnectionLost, match="turn"), store.turn():
        pass
    driver.next("execute", ("before", KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt), store.turn():
        pass
    with store.turn():
        driver.next("insert", "lost after")
        assert store.append(b"four\n", 3) == 4
    assert in_the_table(driver) == list(enumerate([*LINES, b"three\n", b"four\n"]))


# -- statements that go out together ---------------------------------------------------------------------


def test_a_turn_takes_two_messages(postgres: FakePostgres) -> None:
    with closing(connected(postgres)) as store:
        for line in LINES:
            store.append(line)
        sent = len(postgres.statements)
        with store.turn():
            assert store.fetch(3) == ([], True)
            assert store.append(b"it's; three\n", 2) == 3
        own = postgres.statements[sent:]
        words = [statement.split()[0] for statement in own if statement != "COMMIT"]
        assert words == (["BEGIN"] if postgres.autocommit else []) + ["SELECT", "SELECT", "INSERT"]
        assert in_the_table(postgres) == list(enumerate([*LINES, b"it's; three\n"]))
        store.rewrite({1: b"ONE\n"}, b"four\n")
        assert held(store)[1::3] == [b"ONE\n", b"four\n"]


def test_a_turn_that_sent_nothing_ends_in_silence(postgres: FakePostgres) -> None:
    with closing(connected(postgres)) as store:
        store.append(b"header\n")
        sent = len(postgres.statements)
        with store.turn():
            pass
        assert len(postgres.statements) == sent
        with store.turn():
            assert store.fetch(1) == ([], True)
        with closing(connected(postgres)) as other:
            assert held(other) == [b"header\n"]  # nobody is kept waiting
            assert other.append(b"one\n", 0) == 1
        with store.turn(), pytest.raises(HeadMoved):
            store.append(b"late\n", 0)
        assert store.fetch(1) == ([b"one\n"], True)


@pytest.mark.parametrize("step", ["execute", "insert", "commit"])
@pytest.mark.parametrize("when", ["lost before", "lost after"])
def test_a_turn_that_is_cut_off_leaves_one_line(postgres: FakePostgres, step: str, when: str) -> None:
    with closing(connected(postgres)) as store:
        for line in LINES:
            store.append(line)
        if step == "execute":
            postgres.next(step, when)
        with store.turn():
            assert store.fetch(3) == ([], True)
            if step != "execute":
                postgres.next(step, when)
            assert store.append(b"three\n", 2) == 3
        assert in_the_table(postgres) == list(enumerate([*LINES, b"three\n"]))
        assert postgres.counts["connect"] == 2
