"""One PostgreSQL ledger: Debian's server, started here; skipped where it or a driver is absent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

pytest.importorskip("pwd")

from ledger import ConnectionLost, HeadMoved, SqlStore, StatementFailed
from tests.bench.scaling import measure
from tests.vectordb.scaling.postgres import DRIVERS, lines_at, place_of, restart, run_sql, server, why_not
from tests.vectordb.scaling.sharing import agree
from tests.vectordb.scaling.worker import connector, create
from vectordb import VectorDB

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with server() as port:
        yield port


@pytest.fixture(params=DRIVERS)
def place(request: pytest.FixtureRequest, port: int) -> Iterator[str]:
    """An empty database of a driver."""
    place = place_of(request.param, port)
    yield place
    for table in ("vectordb_lines", "vectordb_ledgers"):
        run_sql(place, f"DROP TABLE IF EXISTS {table}")


def test_four_writers_and_four_followers_agree_with_a_replay(place: str, tmp_path: Path) -> None:
    figures = measure(place, lambda: lines_at(place), tmp_path, writers=4, followers=4, events=600)
    assert figures.events == 600


@pytest.mark.parametrize("autocommit", [True, False])
def test_writes_conflicts_and_erasures(place: str, tmp_path: Path, autocommit: bool) -> None:
    def connect() -> Any:
        connection = connector(place)()
        connection.autocommit = autocommit
        return connection

    with VectorDB.connect(connect) as one, VectorDB.connect(connect) as other:
        create(place).close()
        assert one.view("counters").put("a", {"n": 1}).offset == 2
        assert other.view("counters").put("b", {"n": 2}).offset == 3
        store = one.state.journal.store
        assert isinstance(store, SqlStore)
        with pytest.raises(HeadMoved):
            store.append(b"late\n", 2)
        assert one.view("counters").put("c", {"n": 3}, expected_head=3).offset == 4
        one.erase("counters", "b", reason="request 7")
        assert other.refresh() == 5
        assert not other.view("counters").get("b").found
        (tmp_path / "judge.jsonl").write_bytes(b"".join(lines_at(place)))
        for db in (one, other):
            agree(db, VectorDB.replay(tmp_path / "judge.jsonl"))


def test_connections_that_the_server_ends_are_made_anew(place: str) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with create(place) as db:
        run_sql(place, end)
        assert db.view("counters").put("a", {"n": 1}).offset == 2
        run_sql(place, end)
        assert db.lag().events == 0
        assert len(lines_at(place)) == 3


@pytest.mark.parametrize(
    ("level", "autocommit"), [("READ COMMITTED", True), ("REPEATABLE READ", False), ("SERIALIZABLE", True)]
)
def test_writers_of_any_isolation_take_turns(place: str, tmp_path: Path, level: str, autocommit: bool) -> None:
    """Threads with connections of their own, each bound to be overtaken; every line goes in once."""

    def connect() -> Any:
        connection = connector(place)()
        cursor = connection.cursor()
        cursor.execute(f"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {level}")
        connection.autocommit = autocommit
        return connection

    def write(name: str) -> None:
        with VectorDB.connect(connect) as db:
            for number in range(12):
                db.view("counters").put(f"{name}-{number % 3}", {"n": number})

    create(place).close()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, "abc"))
    with VectorDB.connect(connect, read_only=True) as db:
        (tmp_path / "judge.jsonl").write_bytes(b"".join(lines_at(place)))
        agree(db, VectorDB.replay(tmp_path / "judge.jsonl"))
        assert db.head == 1 + 3 * 12
        assert [db.view("counters").get(f"{name}-2")["n"] for name in "abc"] == [11] * 3


def test_a_writer_at_its_turn_keeps_the_others_waiting(place: str) -> None:
    with create(place) as one, VectorDB.connect(connector(place)) as other:
        mine, theirs = one.state.journal.store, other.state.journal.store
        assert isinstance(mine, SqlStore)
        assert isinstance(theirs, SqlStore)
        order: list[str] = []

        def wait() -> None:
            with theirs.turn():
                order.append("theirs" if theirs.fetch(other.head + 1)[0] else "too early")

        with mine.turn():
            assert mine.fetch(2) == ([], True)
            thread = Thread(target=wait)
            thread.start()
            thread.join(0.1)
            assert thread.is_alive()
            order.append("mine")
            one.view("counters").put("a", {"n": 1})
        thread.join(20)
        assert order == ["mine", "theirs"]


def test_a_connection_in_a_failed_transaction_is_rolled_back(place: str) -> None:
    def connect() -> Any:
        connection = connector(place)()
        connection.autocommit = False
        with suppress(Exception):
            connection.cursor().execute("SELECT no_such_thing")
        return connection

    create(place).close()
    with VectorDB.connect(connect) as db:
        assert db.view("counters").put("a", {"n": 1}).offset == 2


def test_a_server_that_is_started_again_is_written_to_on(port: int, place: str) -> None:
    with create(place) as db, VectorDB.connect(connector(place), read_only=True) as reader:
        db.view("counters").put("a", {"n": 1})
        for number in range(2):
            restart(port)
            store = db.state.journal.store
            assert isinstance(store, SqlStore)
            if number:
                with store.turn():
                    assert store.fetch(db.head + 1) == ([], True)
            assert db.view("counters").put("a", {"n": 2 + number}).offset == 3 + number
        assert reader.refresh() == 4


@pytest.mark.parametrize("driver", DRIVERS)
def test_what_is_not_there_is_told(port: int, driver: str) -> None:
    place = place_of(driver, port)
    with pytest.raises(StatementFailed):
        VectorDB.connect(connector(place), read_only=True, table="absent")
    with pytest.raises(ConnectionLost):
        VectorDB.connect(connector(place.replace("postgres", "absent")))
