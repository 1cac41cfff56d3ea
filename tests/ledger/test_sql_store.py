"""The SQL store: several writers of one table, drivers of every paramstyle, connections that break."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ledger import (
    ClosedLedger,
    ConnectionLost,
    DamagedLog,
    ForkedProcess,
    HeadMismatch,
    HeadMoved,
    InvalidInput,
    InvalidName,
    LedgerReplaced,
    ReadOnlyLedger,
    SqlStore,
    StatementFailed,
    StoreError,
    WriteFailed,
    sqlite_file,
)
from ledger.storage.sql_dialect import is_autocommit
from ledger.storage.sql_store import BATCH_LINES, LONGEST_LEDGER, LONGEST_TABLE, SETTLED
from tests.ledger.fake_driver import MARKERS, FakeDriver

LINES = [b"header\n", b"one\n", b"two\n"]


def held(store: Any) -> list[bytes]:
    return [line for _, lines in store.read(0) for line in lines]


def connected(driver: FakeDriver, **options: Any) -> SqlStore:
    return SqlStore(driver.connect, module=driver, **options)


def in_the_table(driver: FakeDriver) -> list[tuple[int, bytes]]:
    """What another program finds there."""
    with closing(sqlite3.connect(driver.path)) as connection:
        rows = connection.execute("SELECT position, line FROM vectordb_lines ORDER BY position")
        return [(position, bytes(line)) for position, line in rows]


def last_step(driver: FakeDriver) -> str:
    """What makes a line stand: the commit, or the statement that commits by itself."""
    return "insert" if driver.autocommit else "commit"


@pytest.fixture(params=[False, True], ids=["transactions", "autocommit"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> FakeDriver:
    return FakeDriver(tmp_path / "fake.db", autocommit=request.param)


@pytest.fixture
def store(driver: FakeDriver) -> Any:
    with closing(connected(driver)) as store:
        for line in LINES:
            store.append(line)
        yield store


@pytest.mark.parametrize("paramstyle", MARKERS)
def test_a_driver_of_any_paramstyle_keeps_the_lines(tmp_path: Path, paramstyle: str) -> None:
    driver = FakeDriver(tmp_path / "fake.db", paramstyle)
    with closing(connected(driver)) as store:
        assert [store.append(line) for line in LINES] == [0, 1, 2]
        store.rewrite({1: b"ONE\n"}, b"three\n")
    with closing(connected(driver, read_only=True)) as again:
        assert held(again) == [b"header\n", b"ONE\n", b"two\n", b"three\n"]
        assert (again.end, again.generation, again.line(1), again.line(9)) == (4, 1, b"ONE\n", b"")


def test_an_unknown_paramstyle_or_driver_is_refused(tmp_path: Path) -> None:
    driver = FakeDriver(tmp_path / "fake.db")
    with pytest.raises(InvalidInput, match="known by its module"):
        SqlStore(driver.connect)
    driver.paramstyle = "roman"
    with pytest.raises(InvalidInput, match="paramstyle of PEP 249"):
        connected(driver)


def test_names_are_names(tmp_path: Path) -> None:
    long = {"table": "t" * (LONGEST_TABLE + 1)}, {"ledger": "l" * (LONGEST_LEDGER + 1)}
    for options in ({"ledger": "a b"}, {"table": "lines; DROP TABLE x"}, {"table": 'x"'}, *long):
        with pytest.raises(InvalidName):
            SqlStore(tmp_path / "ledger.db", **options)
    assert list(tmp_path.iterdir()) == []


def test_ledgers_of_one_table_are_apart(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(SqlStore(path, "a")) as a, closing(SqlStore(path, "b")) as b, closing(SqlStore(path, table="x")) as x:
        a.append(b"of a\n")
        b.append(b"of b\n")
        x.append(b"of x\n")
        a.append(b"more of a\n")
        assert (held(a), held(b), held(x)) == ([b"of a\n", b"more of a\n"], [b"of b\n"], [b"of x\n"])


def test_of_two_writers_the_second_is_told(store: SqlStore, driver: FakeDriver) -> None:
    with closing(connected(driver)) as other:
        held(other)
        assert other.append(b"faster\n", 2) == 3
        for line in (b"slower\n", b"faster\n"):  # the same bytes are another's write too
            with pytest.raises(HeadMoved) as caught:
                store.append(line, 2)
            assert caught.value.values == {"expected": 2, "actual": 3}
        assert store.end == 3
        assert held(store)[3:] == [b"faster\n"]
        assert store.append(b"slower\n", 3) == 4


def test_of_two_creators_the_second_is_told(driver: FakeDriver) -> None:
    with closing(connected(driver)) as one, closing(connected(driver)) as other:
        assert (held(one), held(other)) == ([], [])
        one.append(b"header\n")
        with pytest.raises(HeadMoved):
            other.append(b"another header\n")
        assert held(other) == [b"header\n"]


def test_tables_may_be_made_by_another_at_the_same_time(driver: FakeDriver) -> None:
    with closing(connected(driver)):
        driver.next("execute", "refuse")  # as if the table were not there yet: it is made, and is found to be there
        with closing(connected(driver)) as late:
            assert held(late) == []
    driver.path.unlink()
    driver.next("execute", "refuse", after=3)
    with pytest.raises(StoreError):
        connected(driver)


def test_batches_join_without_a_seam(tmp_path: Path) -> None:
    lines = [b"%d\n" % number for number in range(2 * BATCH_LINES + 3)]
    with closing(SqlStore(sqlite_file(tmp_path / "ledger.db", synchronous="NORMAL"))) as store:
        store.append(lines[0])
        rows = [("main", place, line) for place, line in enumerate(lines[1:], 1)]
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
            connection.executemany("INSERT INTO vectordb_lines VALUES (?, ?, ?)", rows)
            connection.commit()
        assert held(store) == lines
        assert store.end == len(lines)


@pytest.mark.parametrize("most", [1, 40, 100])
def test_a_batch_is_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """A ledger of big batches is not read at once into memory."""
    monkeypatch.setattr("ledger.storage.sql_store.BATCH_BYTES", most)
    monkeypatch.setattr("ledger.storage.sql_store.FEW_LINES", 1)
    lines = [b"%d" % number * size + b"\n" for number, size in enumerate([9, 120, 1, 1, 1, 300, 20, 20, 20])]
    with closing(SqlStore(tmp_path / "ledger.db")) as store:
        for line in lines:
            store.append(line)
        batches = [found for _, found in store.reopened().read()]
        assert [line for found in batches for line in found] == lines
        assert all(len(found) == 1 or len(b"".join(found)) <= most for found in batches)
        assert len(batches) > 3
        assert store.fetch(len(lines)) == ([], True)
        assert store.fetch(1) == ([lines[1]], False)


# -- connections that break ------------------------------------------------------------------------------


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


# -- generations -----------------------------------------------------------------------------------------


def test_replaced_lines_are_noticed_by_whoever_read_the_old_ones(store: SqlStore, driver: FakeDriver) -> None:
    with closing(connected(driver)) as reader:
        assert held(reader) == LINES
        store.rewrite({1: b"ONE\n"}, b"three\n")
        with pytest.raises(LedgerReplaced) as caught:
            list(reader.read(reader.end))
        assert (caught.value.values["read"], caught.value.values["generation"]) == (0, 1)
        fresh = reader.reopened()
        assert held(fresh) == [b"header\n", b"ONE\n", b"two\n", b"three\n"]
        assert (store.end, fresh.end, store.append(b"four\n")) == (4, 4, 4)


def test_a_rewriting_is_whole_or_not_at_all(store: SqlStore, driver: FakeDriver) -> None:
    driver.next("execute", "refuse", after=2 if driver.autocommit else 1)  # the line goes in, its old one stays
    with pytest.raises(WriteFailed):
        store.rewrite({1: b"ONE\n"}, b"three\n")
    assert (in_the_table(driver), store.generation, store.end) == (list(enumerate(LINES)), 0, 3)
    driver.next("commit", "lost after")
    store.rewrite({1: b"ONE\n"}, b"three\n")
    assert held(store) == [b"header\n", b"ONE\n", b"two\n", b"three\n"]
    with closing(connected(driver)) as other:
        held(other)
        other.append(b"four\n")
    with pytest.raises(HeadMoved):
        store.rewrite({2: b"TWO\n"}, b"five\n")
    assert held(store) == [b"header\n", b"ONE\n", b"two\n", b"three\n", b"four\n"]


def test_what_was_cut_off_is_noticed_too(store: SqlStore, driver: FakeDriver) -> None:
    with closing(connected(driver)) as reader:
        held(reader)
        store.truncate(2)
        with pytest.raises(LedgerReplaced):
            held(reader)
    driver.next("execute", "refuse", after=2 if driver.autocommit else 1)
    with pytest.raises(WriteFailed):
        store.truncate(1)
    assert in_the_table(driver) == list(enumerate(LINES[:2]))


def test_a_gap_is_damage(store: SqlStore, driver: FakeDriver) -> None:
    with closing(sqlite3.connect(driver.path)) as connection:
        connection.execute("DELETE FROM vectordb_lines WHERE position = 1")
        connection.commit()
    with pytest.raises(DamagedLog) as caught:
        held(store)
    assert (caught.value.values["line"], caught.value.values["offset"]) == (2, 1)


def test_a_table_without_its_key_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(SqlStore(path)) as store:
        for line in LINES:
            store.append(line)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(
                "CREATE TABLE copy AS SELECT * FROM vectordb_lines; DROP TABLE vectordb_lines;"
                "ALTER TABLE copy RENAME TO vectordb_lines; INSERT INTO vectordb_lines VALUES ('main', 1, x'41')"
            )
        with pytest.raises(DamagedLog, match="one line a position") as caught:
            held(store.reopened())
        assert caught.value.values["offset"] == 1


def test_a_table_of_another_program_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as connection:
        for table in ("vectordb_lines", "vectordb_ledgers"):
            connection.execute(f"CREATE TABLE {table} (ledger TEXT)")
    with closing(SqlStore(path)) as store, pytest.raises(StatementFailed, match="generation"):
        held(store)


# -- who may write ----------------------------------------------------------------------------------------


def test_a_read_only_store_reads(store: SqlStore, driver: FakeDriver) -> None:
    with closing(connected(driver, read_only=True)) as reader:
        assert (held(reader), reader.writable, store.writable) == (LINES, False, True)
        for write in (lambda: reader.append(b"x\n"), lambda: reader.rewrite({}, b"x\n"), lambda: reader.truncate(0)):
            with pytest.raises(ReadOnlyLedger):
                write()
    assert in_the_table(driver) == list(enumerate(LINES))


def test_a_closed_store_says_so(store: SqlStore) -> None:
    store.close()
    for call in (lambda: store.append(b"x\n"), lambda: held(store), store.sync, store.tail, lambda: store.line(0)):
        with pytest.raises(ClosedLedger):
            call()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_is_refused(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getpid()
    monkeypatch.setattr("ledger.storage.sql_connection.os", SimpleNamespace(getpid=lambda: mine + 1))
    for call in (lambda: store.append(b"x\n"), lambda: held(store)):
        with pytest.raises(ForkedProcess) as caught:
            call()
        assert caught.value.values == {"opened_by": mine, "pid": mine + 1}


# -- sqlite3 ----------------------------------------------------------------------------------------------


def test_an_sqlite_file_takes_readers_beside_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(SqlStore(path)) as store:
        store.append(b"header\n")
        with closing(sqlite_file(path)()) as connection:
            pragmas = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
            assert pragmas == ["wal", 2]
            connection.execute("BEGIN IMMEDIATE")  # somebody writes
            assert held(store) == [b"header\n"]
            connection.execute("ROLLBACK")
    with pytest.raises(InvalidInput, match="FULL or NORMAL"):
        sqlite_file(path, synchronous="OFF")


def test_a_writer_that_waits_in_vain_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(SqlStore(sqlite_file(path, timeout=0.05))) as store, closing(sqlite_file(path)()) as other:
        store.append(b"header\n")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(WriteFailed, match="locked"):
            store.append(b"one\n")
        other.execute("ROLLBACK")
        assert store.append(b"one\n") == 1


def test_what_was_replaced_is_gone_from_the_files(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(SqlStore(path)) as store:
        for line in (b"header\n", b"a secret of some length\n", b"two\n"):
            store.append(line)
        store.rewrite({1: b"gone\n"}, b"three\n")
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"secret" not in left
        assert b"gone" in left
