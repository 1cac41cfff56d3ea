"""Connections that break, and drivers and engines that do not do as they should: what was written stands once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from ledger import (
    ConnectionLost,
    HeadMismatch,
    HeadMoved,
    SqlStore,
    StatementFailed,
    WriteFailed,
)
from ledger.storage.sql_dialect import is_autocommit
from ledger.storage.sql_store import SETTLED
from tests.ledger.fake_driver import FakeDriver
from tests.ledger.sql.stores import LINES, connected, held, in_the_table


def last_step(driver: FakeDriver) -> str:
    """What makes a line stand: the commit, or the statement that commits by itself."""
    return "insert" if driver.autocommit else "commit"


@pytest.mark.parametrize("where", ["insert", "commit"])
@pytest.mark.parametrize("when", ["lost before", "lost after"])
def test_a_write_that_was_cut_off_stands_once(store: SqlStore, driver: FakeDriver, where: str, when: str) -> None:
    if where == "commit" and driver.autocommit:
        where = last_step(driver)
    driver.next(where, when)
    assert store.append(b"three\n") == 3
    assert driver.counts["connect"] == 2
    assert in_the_table(driver) == list(enumerate([*LINES, b"three\n"]))
    assert store.append(b"four\n") == 4


@pytest.mark.parametrize("when", ["lost before", "lost after"])
def test_where_nobody_answers_the_digest_tells_later(store: SqlStore, driver: FakeDriver, when: str) -> None:
    line = b'{"offset":3,"digest":"' + b"7f" * 32 + b'"}\n'
    driver.next(last_step(driver), when)
    driver.next("connect", "refuse")
    with pytest.raises(ConnectionLost) as caught:
        store.append(line)
    assert caught.value.values["offset"] == 3
    assert caught.value.values["digest"] == "7f" * 32
    assert store.end == 3
    stands = store.line(3) == line  # the next call connects again
    assert stands is (when == "lost after")
    if stands:
        with pytest.raises(HeadMoved):
            store.append(line)


def test_a_cut_off_write_that_another_one_overtook_is_decided_again(store: SqlStore, driver: FakeDriver) -> None:
    with closing(connected(driver)) as other:
        held(other)
        other.append(b"theirs\n")
    driver.next("insert", "lost before")
    with pytest.raises(HeadMoved):
        store.append(b"mine\n")
    assert in_the_table(driver)[-1] == (3, b"theirs\n")


def test_a_statement_that_the_engine_refuses_writes_nothing(store: SqlStore, driver: FakeDriver) -> None:
    driver.next("insert", "refuse")
    with pytest.raises(WriteFailed, match="refused"):
        store.append(b"three\n")
    assert in_the_table(driver) == list(enumerate(LINES))
    driver.next("commit", "refuse")  # in autocommit mode there is none
    assert store.append(b"three\n") == 3  # a refused commit tells nothing: nothing stands, so it is written again
    assert in_the_table(driver)[3:] == [(3, b"three\n")]
    assert driver.counts["connect"] == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupt_of_a_commit_is_passed_on(store: SqlStore, driver: FakeDriver, when: str) -> None:
    driver.next(last_step(driver), (when, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        store.append(b"three\n")
    stands = len(in_the_table(driver)) == 4
    assert stands is (when == "after")
    assert store.end == (4 if stands else 3)  # what the journal goes by
    assert store.append(b"next\n") == (4 if stands else 3)


def test_a_query_is_asked_again_on_a_new_connection(store: SqlStore, driver: FakeDriver) -> None:
    driver.next("execute", "lost before")
    assert held(store) == LINES
    driver.next("execute", "lost before")
    driver.next("execute", "lost before", after=3 if driver.autocommit else 2)
    with pytest.raises(ConnectionLost):
        held(store)
    driver.next("execute", "refuse")
    with pytest.raises(StatementFailed) as caught:
        held(store)
    assert "SELECT" in caught.value.values["statement"]
    driver.next("execute", ("before", KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        held(store)
    assert held(store) == LINES


def test_no_connection_no_store(driver: FakeDriver) -> None:
    driver.next("connect", "refuse")
    with pytest.raises(ConnectionLost, match="can be made"):
        connected(driver)


@pytest.mark.parametrize("when", ["lost before", "lost after"])
def test_a_write_that_is_cut_off_time_and_again_stands_once_or_is_named(
    store: SqlStore, driver: FakeDriver, when: str
) -> None:
    """What came of it is not known while every try is cut off; that nothing was written would be a lie."""
    line = b'{"offset":3,"digest":"' + b"7f" * 32 + b'"}\n'
    now = driver.counts["insert"]
    driver.faults.update({("insert", now + number): "lost before" for number in range(1, SETTLED + 2)})
    with pytest.raises(ConnectionLost) as caught:
        store.append(line)
    assert (caught.value.values["offset"], caught.value.values["digest"]) == (3, "7f" * 32)
    assert in_the_table(driver) == list(enumerate(LINES))
    driver.faults.clear()
    now = driver.counts["insert"]
    driver.faults.update({("insert", now + 1): "lost before", ("insert", now + 2): when})
    assert store.append(line) == 3
    assert in_the_table(driver) == [*enumerate(LINES), (3, line)]


def test_a_line_follows_the_one_that_was_seen(store: SqlStore, driver: FakeDriver) -> None:
    """An engine that lost lines, or had others put in their places, gets nothing on top."""
    assert store.append(b"three\n", 2) == 3
    for change in ("DELETE FROM vectordb_lines WHERE position = 3", "UPDATE vectordb_lines SET line = x'5858'"):
        with closing(sqlite3.connect(driver.path)) as connection:
            connection.execute(change)
            connection.commit()
        before = in_the_table(driver)
        with pytest.raises(HeadMoved):
            store.append(b"four\n", 3)
        with pytest.raises(HeadMismatch) as caught:
            store.fetch(4)
        assert (caught.value.values["line"], caught.value.values["offset"]) == (4, 3)
        assert in_the_table(driver) == before


def test_a_driver_that_counts_no_rows_is_looked_after(store: SqlStore, driver: FakeDriver) -> None:
    driver.counts_rows = False
    assert store.append(b"three\n", 2) == 3
    store.rewrite({1: b"ONE\n"}, b"four\n")
    with closing(connected(driver)) as other:
        held(other)
        other.append(b"five\n")
        with closing(sqlite3.connect(driver.path)) as connection:
            connection.execute("UPDATE vectordb_lines SET line = x'5858' WHERE position = 5")
            connection.commit()
        for late in (store, other):
            with pytest.raises(HeadMoved):
                late.append(b"six\n")
    stands = [line for _, line in in_the_table(driver)]
    assert stands == [b"header\n", b"ONE\n", *LINES[2:], b"three\n", b"four\n", b"XX"]


def test_a_reader_of_a_writers_store_moves_no_line(store: SqlStore, driver: FakeDriver) -> None:
    with closing(connected(driver)) as other:
        held(other)
        other.append(b"theirs\n")
    held(store)  # an audit, say: the log of the writer does not have that line yet
    with pytest.raises(HeadMoved) as caught:
        store.append(b"mine\n", 2)
    assert caught.value.values == {"expected": 2, "actual": 3}
    assert in_the_table(driver)[3:] == [(3, b"theirs\n")]


def test_a_connection_that_is_lent_in_a_failed_transaction_is_rolled_back(driver: FakeDriver) -> None:
    class Pool(FakeDriver):
        def connect(self) -> Any:
            lent = super().connect()
            lent.raw.execute("BEGIN")  # by whoever had it before
            return lent

    pool = Pool(driver.path, autocommit=driver.autocommit)
    with closing(connected(pool)) as store, closing(connected(driver)) as other:
        store.append(b"header\n")
        assert held(other) == [b"header\n"]


def test_autocommit_is_asked_for_where_it_is_a_method() -> None:
    for mode in (True, False):
        connection = SimpleNamespace(autocommit=lambda value: None, get_autocommit=lambda mode=mode: mode)
        assert is_autocommit(connection) is mode
    assert not is_autocommit(SimpleNamespace(autocommit=lambda value: None))
    assert is_autocommit(SimpleNamespace(autocommit=True))
