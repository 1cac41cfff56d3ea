"""The SQL store: a table of lines, which writers and readers on several machines share.

    <table>_lines     ledger, position, line     one row a line; position 0 is the header's, n that of event n
    <table>_ledgers   ledger, generation         one row a ledger; the generation grows when lines are replaced

The primary key (ledger, position) decides between writers: a line goes to the position after the last one that its
writer has seen, and whoever comes second is told so (``HeadMoved``). Nobody writes position n without having seen
n - 1 committed, so readers never see a gap.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ledger.errors import (
    ConnectionLost,
    DamagedLog,
    HeadMoved,
    LedgerReplaced,
    ReadOnlyLedger,
    StatementFailed,
    StoreError,
    WriteFailed,
)
from ledger.header import DIGEST_SIZE
from ledger.identity import check_name
from ledger.sql_connection import Failure, SqlConnection, Statement
from ledger.sql_dialect import Connect, sqlite_file

BATCH_LINES: Final = 512
DIGEST_TEXT: Final = slice(-3 - 2 * DIGEST_SIZE, -3)  # of a sealed line
LINE_VALUES: Final = "VALUES (:ledger, :position, :line)"


class SqlStore:
    """Lines in a table of any engine that a driver of PEP 249 reaches.

    ``connect`` makes a connection (a path: ``sqlite_file``); it is called again once that is lost. ``module`` is the
    driver's, where the connection's type does not tell. Positions are numbers of lines.
    """

    follows = True

    def __init__(
        self,
        connect: Connect | str | os.PathLike[str],
        ledger: str = "main",
        *,
        module: Any = None,
        table: str = "vectordb",
        read_only: bool = False,
    ) -> None:
        self.ledger = check_name(ledger, "ledger")
        self._lines = f"{check_name(table, 'table')}_lines"
        self._ledgers = f"{table}_ledgers"
        self._connection = SqlConnection(connect if callable(connect) else sqlite_file(connect), module)
        self._is_read_only = read_only
        self.generation: int | None = None  # that of the lines that were read
        self.end = 0
        if not read_only:
            try:
                self._create_tables()
            except BaseException:
                self.close()
                raise

    @property
    def path(self) -> str:
        """How errors name it."""
        return f"{self._lines}: {self.ledger}"

    @property
    def writable(self) -> bool:
        """Whether lines can be appended."""
        return not self._is_read_only

    def after(self, position: int, line: bytes) -> int:
        """The next number."""
        return position + 1

    # -- writing -----------------------------------------------------------------------------------------

    def append(self, line: bytes, expected_head: int = 0) -> int:
        """Write one line at the end that this store has seen; ``HeadMoved`` where another one stands there.

        A connection that is cut off within is made anew, and what stands then tells by its digest whether the line was
        written; where nothing stands it is written again. ``ConnectionLost``: nobody answers, so it is not known yet.
        """
        self.check_writable()
        position = self.end
        self._put(position, line, [] if position else [self._new_ledger()])
        return position

    def rewrite(self, lines: Mapping[int, bytes], last: bytes) -> None:
        """Put other lines at some positions and one more at the end, in one transaction, as the next generation."""
        self.check_writable()
        update = f"UPDATE {self._lines} SET line = :line WHERE ledger = :ledger AND position = :position"
        statements = [(update, self._values(at, line)) for at, line in lines.items()]
        self._put(self.end, last, [*statements, self._next_generation()])
        self.generation = (self.generation or 0) + 1
        for statement in self._connection.dialect.purge:
            self._connection.query(statement, {})

    def truncate(self, position: int) -> None:
        """Delete everything from a position on, for everybody: the next generation."""
        self.check_writable()
        delete = f"DELETE FROM {self._lines} WHERE ledger = :ledger AND position >= :position"
        failure = self._connection.write([(delete, self._values(position)), self._next_generation()])
        if failure is not None:
            raise WriteFailed("lines are cut off whole or not at all", error=repr(failure.error)) from failure.error
        self.generation = (self.generation or 0) + 1
        self.end = position

    def check_writable(self) -> None:
        """Refuse a write to a closed or read-only store, and one from a forked child."""
        self._connection.check_open()
        if self._is_read_only:
            raise ReadOnlyLedger("a ledger opened read_only takes no writes", store=self.path)

    def _put(self, position: int, line: bytes, more: list[Statement]) -> None:
        """A line at a position, and other statements, in one transaction."""
        insert = f"INSERT INTO {self._lines} (ledger, position, line) {LINE_VALUES}"
        statements = [(insert, self._values(position, line)), *more]
        with self._connection.lock:
            failure = self._connection.write(statements)
            if failure is not None:
                self._settle(position, line, statements, failure)
            self.end = position + 1
            if not position:
                self.generation = 0

    def _settle(self, position: int, line: bytes, statements: list[Statement], failure: Failure) -> None:
        """Return where the line stands after all; raise where it does not."""
        try:
            found = self.line(position)
            if not found and not failure.is_sure and isinstance(failure.error, Exception):
                again = self._connection.write(statements)  # waits for what the lost connection may still do
                if again is None:
                    return
                found = self.line(position)
        except ConnectionLost as error:
            values = {"offset": position, "digest": line[DIGEST_TEXT].decode("ascii", "replace")}
            raise ConnectionLost(error.rule, **error.values, **values) from failure.error
        stands = found == line and not failure.is_sure
        if not isinstance(failure.error, Exception):
            self.end = position + 1 if stands else self.end
            raise failure.error
        if stands:
            return
        if found:
            rule = "a line follows the last one that its writer has seen"
            raise HeadMoved(rule, expected=position - 1, actual=position) from failure.error
        rule = "a line is written whole or not at all"
        raise WriteFailed(rule, store=self.path, error=repr(failure.error)) from failure.error

    def _new_ledger(self) -> Statement:
        return f"INSERT INTO {self._ledgers} (ledger, generation) VALUES (:ledger, 0)", {"ledger": self.ledger}

    def _next_generation(self) -> Statement:
        text = f"UPDATE {self._ledgers} SET generation = generation + 1 WHERE ledger = :ledger"
        return text, {"ledger": self.ledger}

    def _values(self, position: int, line: bytes | None = None) -> dict[str, Any]:
        values: dict[str, Any] = {"ledger": self.ledger, "position": position}
        return values if line is None else {**values, "line": self._connection.dialect.wrap(line)}

    # -- reading -----------------------------------------------------------------------------------------

    def read(self, position: int = 0) -> Iterator[tuple[int, list[bytes]]]:
        """Lines from a position on; ``LedgerReplaced`` once they are of another generation than those before."""
        while True:
            lines = self.fetch(position)
            if lines:
                yield position, lines
            position += len(lines)
            self.end = max(self.end, position if lines else 0)
            if len(lines) < BATCH_LINES:
                return

    def fetch(self, position: int) -> list[bytes]:
        """One batch of lines from a position on, by one statement."""
        statement = (
            f"SELECT g.generation, l.position, l.line FROM {self._ledgers} g LEFT JOIN {self._lines} l"
            " ON l.ledger = g.ledger AND l.position >= :position AND l.position < :stop"
            " WHERE g.ledger = :ledger ORDER BY l.position"
        )
        values = {"ledger": self.ledger, "position": position, "stop": position + BATCH_LINES}
        rows = self._connection.query(statement, values)
        generation = rows[0][0] if rows else None
        if self.generation not in (None, generation):
            rule = "lines that were read stay what they are"
            raise LedgerReplaced(rule, store=self.path, generation=generation, read=self.generation)
        self.generation = generation
        lines = [bytes(line) for _, _, line in rows if line is not None]
        places = [place for _, place, line in rows if line is not None]
        if places != list(range(position, position + len(lines))):
            gap = next(at for at, place in enumerate(places, position) if at != place)
            raise DamagedLog("the lines of a ledger leave no gap", line=gap + 1, offset=gap, store=self.path)
        return lines

    def line(self, position: int) -> bytes:
        """The line at a position; empty where there is none."""
        statement = f"SELECT line FROM {self._lines} WHERE ledger = :ledger AND position = :position"
        rows = self._connection.query(statement, self._values(position))
        return bytes(rows[0][0]) if rows else b""

    def ahead(self, position: int) -> tuple[int, bytes]:
        """How many lines stand from a position on, and the first of them."""
        statement = f"SELECT MAX(position) FROM {self._lines} WHERE ledger = :ledger"
        last = self._connection.query(statement, {"ledger": self.ledger})[0][0]
        count = 0 if last is None else max(0, last + 1 - position)
        return count, self.line(position) if count else b""

    def tail(self) -> bytes:
        """Nothing: a transaction leaves no half of a line."""
        self._connection.check_open()
        return b""

    # -- the whole -------------------------------------------------------------------------------------

    def _create_tables(self) -> None:
        binary = self._connection.dialect.binary
        lines = f"position BIGINT NOT NULL, line {binary} NOT NULL, PRIMARY KEY (ledger, position)"
        for table, columns in (
            (self._lines, f"ledger VARCHAR(128) NOT NULL, {lines}"),
            (self._ledgers, "ledger VARCHAR(128) NOT NULL PRIMARY KEY, generation BIGINT NOT NULL"),
        ):
            if not self._is_there(table):
                failure = self._connection.write([(f"CREATE TABLE {table} ({columns})", {})])
                if failure is not None and not self._is_there(table):  # else another one was faster
                    raise _failed(failure)

    def _is_there(self, table: str) -> bool:
        try:
            self._connection.query(f"SELECT ledger FROM {table} WHERE ledger = :ledger", {"ledger": self.ledger})
        except StatementFailed:
            return False
        return True

    def reopened(self) -> SqlStore:
        """The same table over the same connection, as one who has read nothing of it yet."""
        fresh = copy.copy(self)
        fresh.end, fresh.generation = 0, None
        return fresh

    def sync(self) -> None:
        """Nothing to do: a commit is as lasting as the engine makes it."""
        self._connection.check_open()

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._connection.close()


def _failed(failure: Failure) -> BaseException:
    error = failure.error
    if not isinstance(error, Exception) or isinstance(error, StoreError):
        return error
    return StatementFailed("the tables of a ledger can be made", error=repr(error))
