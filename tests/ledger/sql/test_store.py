"""The SQL store: drivers of every paramstyle, several writers of one table, replaced lines, sqlite3."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from ledger import (
    ClosedLedger,
    DamagedLog,
    ForkedProcess,
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
from ledger.storage.sql_store import BATCH_LINES, LONGEST_LEDGER, LONGEST_TABLE
from tests.ledger.fake_driver import MARKERS, FakeDriver
from tests.ledger.sql.stores import LINES, connected, held, in_the_table


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
