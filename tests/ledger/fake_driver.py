"""A driver of PEP 249 over sqlite3: any paramstyle, taken strictly, and faults where they are asked for."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

MARKERS = {
    "qmark": r"\?",
    "format": r"%s",
    "numeric": r":\d+",
    "named": r":([a-z]+)",
    "pyformat": r"%\(([a-z]+)\)s",
}


class Error(Exception):
    """The driver's errors."""


class FakeDriver:
    """Stands for the driver's module. ``faults`` are of (step, number): what happens at the n-th such step.

    Steps: connect, execute, insert (each row), commit, rollback. Faults: "refuse" (an error, nothing done), "lost
    before", "lost after" (the connection is gone), or an exception to raise before or after, as (when, error).
    """

    __name__ = "fake"
    Error = Error

    def __init__(self, path: Path, paramstyle: str = "qmark", autocommit: bool = False) -> None:
        self.path = path
        self.paramstyle = paramstyle
        self.autocommit = autocommit
        self.counts_rows = True
        self.faults: dict[tuple[str, int], Any] = {}
        self.counts: Counter[str] = Counter()
        self.statements: list[str] = []

    @staticmethod
    def Binary(data: bytes) -> memoryview:
        return memoryview(data)

    def connect(self) -> FakeConnection:
        self.step("connect", None, lambda: None)
        return FakeConnection(self)

    def next(self, step: str, fault: Any, after: int = 1) -> None:
        """Ask for a fault at the next such step, or one further on."""
        self.faults[step, self.counts[step] + after] = fault

    def step(self, name: str, connection: FakeConnection | None, do: Any) -> Any:
        self.counts[name] += 1
        fault = self.faults.pop((name, self.counts[name]), None)
        if connection is not None and connection.is_lost:
            raise Error("the connection is gone")
        if fault is None:
            return do()
        if fault == "refuse":
            raise Error("refused")
        when, error = fault if isinstance(fault, tuple) else (fault.removeprefix("lost "), None)
        answer = do() if when == "after" else None
        if error is not None:
            raise error
        assert connection is not None
        connection.lose()
        raise Error(f"lost {when}, answered {answer}")


class FakeConnection:
    def __init__(self, driver: FakeDriver) -> None:
        self.driver = driver
        self.autocommit = driver.autocommit
        self.is_lost = False
        self.raw = sqlite3.connect(driver.path, timeout=5, isolation_level=None, check_same_thread=False)
        self.raw.execute("PRAGMA synchronous = OFF")

    def lose(self) -> None:
        self.is_lost = True
        self.raw.close()

    def cursor(self) -> FakeCursor:
        return FakeCursor(self)

    def commit(self) -> None:
        assert not self.autocommit, "an autocommit connection is told by statements"
        self.driver.step("commit", self, lambda: self.raw.in_transaction and self.raw.execute("COMMIT"))

    def rollback(self) -> None:
        self.driver.step("rollback", self, lambda: self.raw.in_transaction and self.raw.execute("ROLLBACK"))

    def close(self) -> None:
        self.raw.close()

    def __del__(self) -> None:
        self.raw.close()  # sqlite3 warns of connections that nobody closed


class FakeCursor:
    def __init__(self, connection: FakeConnection) -> None:
        self.connection = connection
        self.raw: Any = None

    @property
    def rowcount(self) -> int:
        return int(self.raw.rowcount) if self.raw is not None and self.connection.driver.counts_rows else -1

    def execute(self, statement: str, values: Any = ()) -> None:
        driver, raw = self.connection.driver, self.connection.raw
        driver.statements.append(statement)
        style = MARKERS[driver.paramstyle]
        names = re.findall(style, statement)
        if driver.paramstyle in ("named", "pyformat"):
            assert isinstance(values, dict) or not names
            assert set(names) == set(values)
            values = [values[name] for name in names]
        assert len(names) == len(values)
        if driver.paramstyle == "numeric":
            assert names == [f":{number}" for number in range(1, len(values) + 1)]
        plain = re.sub(style, "?", statement)
        assert not re.search(r"%|:", plain), plain
        is_insert = plain.startswith("INSERT")

        def do() -> None:
            if not self.connection.autocommit and not raw.in_transaction:
                raw.execute("BEGIN")
            self.raw = raw.execute(plain, tuple(values))

        driver.step("insert" if is_insert else "commit" if plain == "COMMIT" else "execute", self.connection, do)

    def fetchall(self) -> list[Any]:
        return [
            tuple(memoryview(cell) if isinstance(cell, bytes) else cell for cell in row) for row in self.raw.fetchall()
        ]

    def close(self) -> None: ...


class FakePostgres(FakeDriver):
    """The same, spoken to as to psycopg: statements may be sent together, and without parameters.

    Nobody waits for rows here: sqlite3 locks its file.
    """

    __name__ = "psycopg"

    def connect(self) -> FakeConnection:
        self.step("connect", None, lambda: None)
        return FakePostgresConnection(self)


class FakePostgresConnection(FakeConnection):
    def cursor(self) -> FakeCursor:
        return FakePostgresCursor(self)


class FakePostgresCursor(FakeCursor):
    """Stands at the first of several answers, as psycopg's does; ``nextset`` goes on."""

    def execute(self, statement: str, values: Any = ()) -> None:
        self.answers: list[Any] = []
        for part in statement.split("; "):
            self.raw = None
            plain = part.replace(" ISOLATION LEVEL READ COMMITTED", "").replace(" FOR UPDATE", "")
            plain = re.sub(r"decode\('([0-9a-f]*)', 'hex'\)", r"x'\1'", plain)
            if plain != "SET TRANSACTION":
                super().execute(plain, values)
            self.answers.append(self.raw)
        self.raw = self.answers.pop(0)

    def nextset(self) -> bool | None:
        if not self.answers:
            return None
        self.raw = self.answers.pop(0)
        return True
