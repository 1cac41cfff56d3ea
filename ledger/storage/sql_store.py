"""The SQL store: a table of lines, which writers and readers on several machines share.

    <table>_lines     ledger, position, line     one row a line; position 0 is the header's, n that of event n
    <table>_ledgers   ledger, generation         one row a ledger; the generation grows when lines are replaced

The primary key (ledger, position) decides between writers: a line goes to the position after the last one that its
writer has seen, and whoever comes second is told so (``HeadMoved``). Nobody writes position n unless n - 1 holds the
line that it has seen, so readers never see a gap, and an engine that lost lines (a backup, a standby that was behind)
is found out before anything is built on them. Writers that are overtaken wait for their ``turn``: for the ledger's row.
"""

from __future__ import annotations

import copy
import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from itertools import accumulate
from threading import RLock
from typing import Any, Final, NamedTuple

from ledger.errors import (
    ConnectionLost,
    DamagedLog,
    HeadMismatch,
    HeadMoved,
    InvalidName,
    LedgerReplaced,
    ReadOnlyLedger,
    StatementFailed,
    StoreError,
    WriteFailed,
)
from ledger.header import DIGEST_SIZE
from ledger.identity import check_name
from ledger.storage.sql_connection import Failure, NothingChanged, SqlConnection, Statement
from ledger.storage.sql_dialect import Connect, asks_again, sqlite_file

FEW_LINES: Final = 64
BATCH_LINES: Final = 512
BATCH_BYTES: Final = 32 << 20
DIGEST_TEXT: Final = slice(-3 - 2 * DIGEST_SIZE, -3)  # of a sealed line
TAIL: Final = 3 + 2 * DIGEST_SIZE  # bytes of a line that tell it from any other
SETTLED: Final = 5  # times that a write of unknown outcome is looked for, and made again where it does not stand
LONGEST_TABLE: Final = 54  # characters of a name: PostgreSQL cuts longer ones short at 63 bytes
LONGEST_LEDGER: Final = 128
BEHIND: Final = f"l.position = :before AND LENGTH(l.line) = :size AND SUBSTR(l.line, :start, {TAIL}) = :tail"


class Seen(NamedTuple):
    """The last line that was read or written: the position after it, its length, and its end."""

    end: int
    size: int
    tail: bytes


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
        self.ledger = _short(check_name(ledger, "ledger"), LONGEST_LEDGER)
        self._lines = f"{_short(check_name(table, 'table'), LONGEST_TABLE)}_lines"
        self._ledgers = f"{table}_ledgers"
        self._connection = SqlConnection(connect if callable(connect) else sqlite_file(connect), module)
        self._is_read_only = read_only
        self.generation: int | None = None  # that of the lines that were read
        self.written = 0  # lines, by this store
        self._seen = Seen(0, 0, b"")
        self._goes_on_at = -1  # where the last batch ended, if there was more
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

    @property
    def end(self) -> int:
        """The position after the last line that was read or appended."""
        return self._seen.end

    @end.setter
    def end(self, end: int) -> None:
        if end != self._seen.end:
            self._seen = Seen(end, 0, b"")

    def saw(self, end: int, line: bytes) -> None:
        """What stands before ``end``: the next line is appended there, and only behind this one."""
        self._seen = Seen(end, len(line), line[-TAIL:])

    # -- writing -----------------------------------------------------------------------------------------

    @property
    def lock(self) -> RLock:
        """Held by the thread that uses the connection; whoever holds a state's lock as well takes this one first."""
        return self._connection.lock

    def turn(self) -> AbstractContextManager[None]:
        """Wait until no other writer is at its turn, and keep them waiting until the next ``append``, or the end.

        A write then takes five round trips to an engine with a server, PostgreSQL two; one that does not wait, one.
        """
        self.check_writable()
        wait = self._connection.dialect.wait.format(table=self._ledgers)
        return self._connection.turn((wait, {"ledger": self.ledger}) if wait else None)

    def append(self, line: bytes, expected_head: int | None = None) -> int:
        """Write one line at the end that this store has seen; ``HeadMoved`` where that is not the ledger's end.

        A connection that is cut off within is made anew, and what stands then tells by its digest whether the line was
        written; where nothing stands it is written again. ``ConnectionLost``: nobody answers, so it is not known yet.
        """
        self.check_writable()
        position = self.end
        if position and expected_head not in (None, position - 1):  # somebody else read on through this store
            raise HeadMoved("a line follows the last one of its log", expected=expected_head, actual=position - 1)
        self._put(position, line, self._insert(position, line))
        return position

    def rewrite(self, lines: Mapping[int, bytes], last: bytes) -> None:
        """Put other lines at some positions and one more at the end, in one transaction, as the next generation."""
        self.check_writable()
        generation = 1 + (self.generation or 0)
        update = f"UPDATE {self._lines} SET line = :line WHERE ledger = :ledger AND position = :position"
        first = [self._next_generation(), *self._insert(self.end, last, generation)]
        self._put(self.end, last, [*first, *((update, self._values(at, line)) for at, line in lines.items())])
        self.generation = generation
        for statement in self._connection.dialect.purge:
            self._connection.query(statement, {})

    def truncate(self, position: int) -> None:
        """Delete everything from a position on, for everybody: the next generation."""
        self.check_writable()
        delete = f"DELETE FROM {self._lines} WHERE ledger = :ledger AND position >= :position"
        failure = self._connection.write([self._next_generation(), (delete, self._values(position))])
        if failure is not None:
            raise WriteFailed("lines are cut off whole or not at all", error=repr(failure.error)) from failure.error
        self.generation = (self.generation or 0) + 1
        self.saw(position, self.line(position - 1))

    def check_writable(self) -> None:
        """Refuse a write to a closed or read-only store, and one from a forked child."""
        self._connection.check_open()
        if self._is_read_only:
            raise ReadOnlyLedger("a ledger opened read_only takes no writes", store=self.path)

    def _put(self, position: int, line: bytes, statements: Sequence[Statement]) -> None:
        """A line at a position, by statements of one transaction; the first two change something."""
        with self._connection.lock:
            failure = self._connection.write(statements, must_change=2)
            try:
                if failure is not None:
                    self._settle(position, line, statements, failure)
            except ConnectionLost as error:
                values = {"offset": position, "digest": line[DIGEST_TEXT].decode("ascii", "replace")}
                raise ConnectionLost(error.rule, **error.values, **values) from error.__cause__
            self._stands(position, line)

    def _stands(self, position: int, line: bytes) -> None:
        self.saw(position + 1, line)
        self.written += 1
        if not position:
            self.generation = 0

    def _settle(self, position: int, line: bytes, statements: Sequence[Statement], failure: Failure) -> None:
        """Return where the line stands after all; raise where it does not."""
        may_stand = not failure.is_sure
        for _ in range(SETTLED):
            error = failure.error
            if not isinstance(error, Exception):
                self._settle_interrupt(position, line, may_stand)
                raise error
            has_changed = not isinstance(error, NothingChanged)
            found = self.line(position) if has_changed or may_stand else b""
            if may_stand and found == line:
                return
            if found or not has_changed or asks_again(error):
                rule = "a line follows the last one that its writer has seen"
                raise HeadMoved(rule, expected=position - 1, actual=position) from error
            if not may_stand:
                rule = "a line is written whole or not at all"
                raise WriteFailed(rule, store=self.path, error=repr(error)) from error
            again = self._connection.write(statements, must_change=2)  # waits for what was cut off, and may still come
            if again is None:
                return
            failure = again
        raise ConnectionLost("a connection lasts for a write", error=repr(failure.error)) from failure.error

    def _settle_interrupt(self, position: int, line: bytes, may_stand: bool) -> None:
        """Note a line that stands although its write was interrupted; where nobody answers, it is read later."""
        with suppress(ConnectionLost):
            if may_stand and self.line(position) == line:
                self._stands(position, line)

    def _insert(self, position: int, line: bytes, generation: int | None = None) -> list[Statement]:
        """A line behind the one that was seen; the first line makes the ledger too."""
        values, dialect = self._values(position, line), self._connection.dialect
        into = f"INSERT INTO {self._lines} (ledger, position, line)"
        if not position:
            return [self._new_ledger(), (f"{into} VALUES (:ledger, :position, :line){dialect.skip}", values)]
        if self._connection.is_turn and generation is None:  # the line before was looked at in this transaction
            return [(f"{into} VALUES (:ledger, :position, :line)", values)]
        behind = (
            f"{into} SELECT g.ledger, :position, :line FROM {self._ledgers} g, {self._lines} l WHERE g.ledger = :ledger"
            f" AND g.generation = :generation AND l.ledger = :ledger AND {BEHIND}{dialect.skip}"
        )
        now = self.generation if generation is None else generation
        return [(behind, {**values, **self._before(), "generation": now})]

    def _before(self) -> dict[str, Any]:
        """The last line that was seen, as ``BEHIND`` asks for it."""
        end, size, tail = self._seen
        start = 1 + size - len(tail)
        return {"before": end - 1, "size": size, "start": start, "tail": tail}

    def _new_ledger(self) -> Statement:
        skip = self._connection.dialect.skip
        return f"INSERT INTO {self._ledgers} (ledger, generation) VALUES (:ledger, 0){skip}", {"ledger": self.ledger}

    def _next_generation(self) -> Statement:
        text = f"UPDATE {self._ledgers} SET generation = generation + 1 WHERE ledger = :ledger"
        return text, {"ledger": self.ledger}

    def _values(self, position: int, line: bytes | None = None) -> dict[str, Any]:
        values: dict[str, Any] = {"ledger": self.ledger, "position": position}
        return values if line is None else {**values, "line": line}

    # -- reading -----------------------------------------------------------------------------------------

    def read(self, position: int = 0) -> Iterator[tuple[int, list[bytes]]]:
        """Lines from a position on; ``LedgerReplaced`` once they are of another generation than those before."""
        is_all = False
        while not is_all:
            lines, is_all = self.fetch(position)
            stop = position + len(lines)
            if stop > max(position, self.end):
                self.saw(stop, lines[-1])
            if lines:
                yield position, lines
            position = stop

    def fetch(self, position: int) -> tuple[list[bytes], bool]:
        """One batch of lines from a position on, and whether that is all there is, by one statement.

        A few lines; from where a full batch ended, by two statements, as many as 32 MiB hold (one at least, 512 at
        most). ``HeadMismatch`` where the line before is gone.
        """
        statement = (
            f"SELECT g.generation, (SELECT COUNT(*) FROM {self._lines} l WHERE l.ledger = :ledger AND {BEHIND}),"
            f" l.position, l.line FROM {self._ledgers} g LEFT JOIN {self._lines} l"
            " ON l.ledger = g.ledger AND l.position >= :position AND l.position < :stop"
            " WHERE g.ledger = :ledger ORDER BY l.position"
        )
        is_next = position == self.end > 0
        stop = position + (self._many(position) if position == self._goes_on_at else FEW_LINES)
        values = {"ledger": self.ledger, "position": position, "stop": stop}
        rows = self._connection.query(statement, {**values, **self._before()})
        generation = rows[0][0] if rows else None
        if self.generation not in (None, generation):
            rule = "lines that were read stay what they are"
            raise LedgerReplaced(rule, store=self.path, generation=generation, read=self.generation)
        if is_next and not rows[0][1]:
            rule = "the ledger holds the last line that was read or written"
            raise HeadMismatch(rule, line=position, offset=position - 1, store=self.path)
        self.generation = generation
        lines = self._checked(position, [(place, bytes(line)) for _, _, place, line in rows if line is not None])
        is_all = position + len(lines) < stop
        self._goes_on_at = -1 if is_all else stop
        return lines, is_all

    def _many(self, position: int) -> int:
        """How many lines from a position on make a batch."""
        statement = (
            f"SELECT LENGTH(line) FROM {self._lines} WHERE ledger = :ledger AND position >= :position"
            " AND position < :stop ORDER BY position"
        )
        values = {"ledger": self.ledger, "position": position, "stop": position + BATCH_LINES}
        ends = accumulate(size for (size,) in self._connection.query(statement, values))
        return max(1, bisect_right(list(ends), BATCH_BYTES))

    def _checked(self, position: int, rows: Sequence[tuple[int, bytes]]) -> list[bytes]:
        for at, (place, _) in enumerate(rows, position):
            if place != at:
                rule = "the lines of a ledger leave no gap" if place > at else "a ledger has one line a position"
                raise DamagedLog(rule, line=min(at, place) + 1, offset=min(at, place), store=self.path)
        return [line for _, line in rows]

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
        fresh.generation, fresh._seen = None, Seen(0, 0, b"")
        return fresh

    def sync(self) -> None:
        """Nothing to do: a commit is as lasting as the engine makes it."""
        self._connection.check_open()

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._connection.close()


def _short(name: str, longest: int) -> str:
    if len(name) > longest:
        raise InvalidName(f"a name in a table has at most {longest} characters", name=name)
    return name


def _failed(failure: Failure) -> BaseException:
    error = failure.error
    if not isinstance(error, Exception) or isinstance(error, StoreError):
        return error
    return StatementFailed("the tables of a ledger can be made", error=repr(error))
