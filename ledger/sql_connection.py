"""A connection of the caller's making: opened when it is needed, and anew once it is lost."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import RLock
from typing import Any, NamedTuple

from ledger.errors import ClosedLedger, ConnectionLost, ForkedProcess, StatementFailed
from ledger.locks import free_in_children
from ledger.sql_dialect import Connect, Dialect, dialect_of, is_autocommit, marked

Statement = tuple[str, Mapping[str, Any]]


class Failure(NamedTuple):
    """Why a transaction was not seen to be committed. ``is_sure``: the engine has surely written nothing."""

    error: BaseException
    is_sure: bool


class SqlConnection:
    """One connection, used under a lock by one thread at a time: the caller's ``connect`` makes it so that it may be.

    Every call is one transaction, ended before it returns.
    """

    def __init__(self, connect: Connect, module: Any = None) -> None:
        self._connect = connect
        self._module = module
        self._held: Any = None
        self._dialect: Dialect | None = None
        self._pid = os.getpid()
        self._is_closed = False
        self._is_begun = False  # by a statement, where the connection commits each one by itself
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
        """The rows of one statement. A lost connection is made anew, once."""
        with self.lock:
            for is_last in (False, True):
                connection = self._open()
                try:
                    rows = self._execute(connection, (statement, values))
                    self._commit(connection)
                    return rows
                except Exception as error:
                    if self._roll_back(connection):
                        rule = "the engine carries out the statements of a ledger"
                        raise StatementFailed(rule, statement=statement, error=repr(error)) from error
                    if is_last:
                        raise ConnectionLost("a connection lasts for a query", error=repr(error)) from error
                except BaseException:
                    self._roll_back(connection)
                    raise
        raise AssertionError("the second try ends the loop")

    def write(self, statements: Sequence[Statement]) -> Failure | None:
        """Carry out statements in one transaction; None once it is committed."""
        with self.lock:
            connection = self._open()
            is_committing = False
            try:
                if len(statements) > 1:  # one alone may be committed by itself
                    self._begin(connection)
                for statement in statements:
                    self._execute(connection, statement, fetch=False)
                is_committing = True
                self._commit(connection)
            except BaseException as error:
                is_told = isinstance(error, Exception) and not is_committing  # by the engine, if it still answers
                return Failure(error, self._roll_back(connection) and is_told)
        return None

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
            self._held = held
        return self._held

    def _drop(self) -> None:
        held, self._held = self._held, None
        self._is_begun = False
        if held is not None and self._dialect is not None:
            with suppress(self._dialect.module.Error, OSError):  # of one that is gone already
                held.close()

    def _execute(self, connection: Any, statement: Statement, fetch: bool = True) -> list[Any]:
        assert self._dialect is not None
        text, values = marked(statement[0], self._dialect.module.paramstyle, statement[1])
        cursor = connection.cursor()
        try:
            cursor.execute(text, values) if values else cursor.execute(text)
            return list(cursor.fetchall()) if fetch else []
        finally:
            cursor.close()

    # -- transactions ----------------------------------------------------------------------------------

    def _begin(self, connection: Any) -> None:
        if is_autocommit(connection):
            assert self._dialect is not None
            self._execute(connection, (self._dialect.begin, {}), fetch=False)
            self._is_begun = True

    def _commit(self, connection: Any) -> None:
        if not is_autocommit(connection):
            connection.commit()
        elif self._is_begun:
            self._execute(connection, ("COMMIT", {}), fetch=False)
            self._is_begun = False

    def _roll_back(self, connection: Any) -> bool:
        """End the transaction; False where the connection is gone, which is then dropped."""
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
            self._execute(connection, ("ROLLBACK", {}), fetch=False)
