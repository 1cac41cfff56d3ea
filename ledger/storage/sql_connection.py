"""A connection of the caller's making: opened when it is needed, and anew once it is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from threading import RLock
from typing import Any, NamedTuple

from ledger.errors import ClosedLedger, ConnectionLost, ForkedProcess, StatementFailed, WriteFailed
from ledger.locks import free_in_children
from ledger.storage.sql_dialect import Connect, Dialect, dialect_of, is_autocommit, literal

Statement = tuple[str, Mapping[str, Any]]


class Failure(NamedTuple):
    """Why a transaction was not seen to be committed. ``is_sure``: the engine has surely written nothing."""

    error: BaseException
    is_sure: bool


class NothingChanged(Exception):
    """A statement that changes rows found none to change; its transaction was rolled back."""


class SqlConnection:
    """One connection, used under a lock by one thread at a time: the caller's ``connect`` makes it so that it may be.

    Every call is one transaction, ended before it returns, but for what is called within a ``turn``.
    """

    def __init__(self, connect: Connect, module: Any = None) -> None:
        self._connect = connect
        self._module = module
        self._held: Any = None
        self._dialect: Dialect | None = None
        self._pid = os.getpid()
        self._is_closed = False
        self._is_begun = False  # by a statement, where the connection commits each one by itself
        self.is_turn = False  # a transaction goes on after the call
        self._unsent: tuple[Statement, ...] = ()  # that go out with the next one
        self.lock = free_in_children(RLock())

    @property
    def dialect(self) -> Dialect:
        """What the driver wants."""
        if self._dialect is None:
            with self.lock:
                self._open()
        assert self._dialect is not None
        return self._dialect

    def check_open(self) -> None:
        """Refuse a closed one, and one that a forked child has of its parent."""
        if self._is_closed:
            raise ClosedLedger("a closed ledger is neither read nor written")
        if os.getpid() != self._pid:
            rule = "a forked child makes a connection of its own"
            raise ForkedProcess(rule, opened_by=self._pid, pid=os.getpid())

    def query(self, statement: str, values: Mapping[str, Any]) -> list[Any]:
        """The rows of one statement. A lost connection is made anew, once; a turn that has begun is lost with it."""
        self.check_open()  # before the lock: in a forked child nobody may be left to release it
        with self.lock:
            for is_last in (False, True):
                connection, unsent = self._open(), self._unsent
                try:
                    rows = self._execute(connection, (statement, values))
                    if not self.is_turn:
                        self._commit(connection)
                    return rows
                except Exception as error:
                    if self._roll_back(connection):
                        rule = "the engine carries out the statements of a ledger"
                        raise StatementFailed(rule, statement=statement, error=repr(error)) from error
                    if is_last:
                        raise ConnectionLost("a connection lasts for a query", error=repr(error)) from error
                    self.is_turn = self._is_begun = bool(unsent)
                    self._unsent = unsent
                except BaseException:
                    self._roll_back(connection)
                    raise
        raise AssertionError("the second try ends the loop")

    def write(self, statements: Sequence[Statement], must_change: int = 0) -> Failure | None:
        """Carry out statements in one transaction (that of the turn, which ends with it); None once it is committed.

        Each of the first ``must_change`` statements changes a row, or nothing is written: ``NothingChanged``.
        """
        self.check_open()
        with self.lock:
            connection = self._open()
            is_committing = False
            try:
                if len(statements) == 1 and self.is_turn and self.dialect.joins and self._is_begun:
                    is_committing = True
                    self._change(connection, statements[0], ("COMMIT", {}))
                    self.is_turn = self._is_begun = False
                    return None
                if len(statements) > 1:  # one alone may be committed by itself
                    self._begin(connection)
                changed = [self._must_change(connection, statement) for statement in statements[:must_change]]
                for statement in statements[must_change:]:
                    self._change(connection, statement)
                is_committing = True
                self._commit(connection)
                self.is_turn = False
                return None if all(changed) else Failure(NothingChanged("a driver does not tell"), False)
            except BaseException as error:
                is_told = isinstance(error, Exception) and not is_committing  # by the engine, if it still answers
                return Failure(error, (self._roll_back(connection) and is_told) or isinstance(error, NothingChanged))

    def _must_change(self, connection: Any, statement: Statement) -> bool:
        """Whether the driver tells that a statement changed a row; raises where it tells that it did not."""
        count = self._change(connection, statement)
        if count == 0:
            raise NothingChanged(statement[0])
        return count > 0

    @contextmanager
    def turn(self, wait: Statement | None) -> Iterator[None]:
        """A transaction that begins with a statement that waits for others; what is called within belongs to it.

        It ends with the first ``write``, or with nothing written. A connection that is lost while it waits is made
        anew once; where it is lost later, the calls that follow are transactions of their own.
        """
        with self.lock:
            self._wait(() if wait is None else (wait,))
            try:
                yield
            finally:
                if self.is_turn:
                    self._end_turn()

    def _wait(self, statements: tuple[Statement, ...]) -> None:
        for is_last in (False, True):
            connection = self._open()
            try:
                self._begin(connection, statements)
                self.is_turn = True
                return
            except Exception as error:
                if self._roll_back(connection):
                    raise WriteFailed("a writer comes to its turn in time", error=repr(error)) from error
                if is_last:
                    raise ConnectionLost("a connection lasts until a writer's turn", error=repr(error)) from error
            except BaseException:
                self._roll_back(connection)
                raise

    def _end_turn(self) -> None:
        """Nothing was written: let the others go on."""
        self.is_turn = False
        if self._unsent:
            self._unsent, self._is_begun = (), False
        elif self._held is not None:
            self._roll_back(self._held)

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        with self.lock:
            self._is_closed = True
            if os.getpid() == self._pid:
                self._drop()

    # -- the connection --------------------------------------------------------------------------------

    def _open(self) -> Any:
        self.check_open()
        if self._held is None:
            try:
                held = self._connect()
            except Exception as error:
                raise ConnectionLost("a connection can be made", error=repr(error)) from error
            self._dialect = dialect_of(held, self._module)
            with suppress(self._dialect.module.Error, OSError):  # one that was lent may be in a transaction that failed
                held.rollback()
            self._held = held
        return self._held

    def _drop(self) -> None:
        held, self._held = self._held, None
        self._is_begun = self.is_turn = False
        self._unsent = ()
        if held is not None and self._dialect is not None:
            with suppress(self._dialect.module.Error, OSError):  # of one that is gone already
                held.close()

    def _execute(self, connection: Any, statement: Statement) -> list[Any]:
        with closing(self._cursor(connection, statement)) as cursor:
            rows = list(cursor.fetchall())
        return [row for row in rows if len(row) == len(rows[-1])]  # pg8000 adds those of what was sent before

    def _change(self, connection: Any, statement: Statement, *more: Statement) -> int:
        """Carry out a statement without an answer; how many rows it changed (-1: the driver does not know)."""
        with closing(self._cursor(connection, statement, *more)) as cursor:
            return int(cursor.rowcount)

    def _cursor(self, connection: Any, *statements: Statement) -> Any:
        """A cursor that has carried out what waits to be sent, and these statements; the answer is the last one's."""
        sent, self._unsent = (*self._unsent, *statements), ()
        if len(sent) > 1:
            text, values = "; ".join(literal(*statement) for statement in sent), ()
        else:
            text, values = self.dialect.marked(*sent[0])
        cursor = connection.cursor()
        try:
            cursor.execute(text, values) if values else cursor.execute(text)
            while len(sent) > 1 and hasattr(cursor, "nextset") and cursor.nextset():
                pass
        except BaseException:
            cursor.close()
            raise
        return cursor

    # -- transactions ----------------------------------------------------------------------------------

    def _begin(self, connection: Any, wait: tuple[Statement, ...] = ()) -> None:
        """Begin a transaction, unless this one goes on, and wait by some statements."""
        if self.is_turn or self._is_begun:
            return
        commits = is_autocommit(connection)
        begin = self.dialect.begin if commits else self.dialect.isolate
        statements = (*([(begin, {})] if begin else ()), *wait)
        if self.dialect.joins:
            self._unsent = statements
        else:
            for statement in statements:
                self._change(connection, statement)
        self._is_begun = commits

    def _commit(self, connection: Any) -> None:
        if not is_autocommit(connection):
            connection.commit()
        elif self._is_begun:
            self._change(connection, ("COMMIT", {}))
            self._is_begun = False

    def _roll_back(self, connection: Any) -> bool:
        """End the transaction; False where the connection is gone, which is then dropped."""
        self.is_turn = False
        self._unsent = ()
        try:
            if not is_autocommit(connection):
                connection.rollback()
            elif self._is_begun:
                self._undo(connection)
            self._execute(connection, ("SELECT 1", {}))
            if not is_autocommit(connection):
                connection.rollback()
        except Exception:
            self._drop()
            return False
        return True

    def _undo(self, connection: Any) -> None:
        """Roll back what a statement began, unless the engine has ended it already."""
        self._is_begun = False
        if getattr(connection, "in_transaction", True):
            self._change(connection, ("ROLLBACK", {}))
