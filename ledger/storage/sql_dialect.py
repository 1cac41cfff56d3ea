"""What differs between drivers of the Python Database API (PEP 249): markers of parameters, types, transactions."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final, NamedTuple

from ledger.errors import InvalidInput

Connect = Callable[[], Any]
PARAMSTYLES: Final = ("qmark", "format", "numeric", "named", "pyformat")
MARKER: Final = re.compile(r":([a-z]+)")
POSTGRES: Final = ("psycopg", "psycopg2", "pg8000")
MYSQL: Final = ("pymysql", "MySQLdb", "mysql")
FRESH: Final = "ISOLATION LEVEL READ COMMITTED"  # each statement sees what was committed before it


def marked(statement: str, paramstyle: str, values: Mapping[str, Any]) -> tuple[str, Any]:
    """A statement with ``:name`` markers and its values, as a driver of some ``paramstyle`` takes them.

    >>> marked("SELECT line FROM lines WHERE position = :at", "format", {"at": 3})
    ('SELECT line FROM lines WHERE position = %s', (3,))
    """
    names = MARKER.findall(statement)
    if paramstyle == "named":
        return statement, {name: values[name] for name in names}
    if paramstyle == "pyformat":
        return MARKER.sub(r"%(\1)s", statement), {name: values[name] for name in names}
    ordered = tuple(values[name] for name in names)
    if paramstyle == "qmark":
        return MARKER.sub("?", statement), ordered
    if paramstyle == "format":
        return MARKER.sub("%s", statement), ordered
    numbers = iter(range(1, len(names) + 1))
    return MARKER.sub(lambda _: f":{next(numbers)}", statement), ordered  # numeric


def literal(statement: str, values: Mapping[str, Any]) -> str:
    """A statement with its values in it, as PostgreSQL reads them whatever its settings.

    >>> literal("SELECT :at, :name, :line", {"at": 3, "name": "it's", "line": bytes([0, 255])})
    "SELECT 3, 'it''s', decode('00ff', 'hex')"
    """
    return MARKER.sub(lambda found: _literal(values[found[1]]), statement)


def _literal(value: int | str | bytes) -> str:
    if isinstance(value, bytes):
        return f"decode('{value.hex()}', 'hex')"
    return "'{}'".format(value.replace("'", "''")) if isinstance(value, str) else str(int(value))


class Dialect(NamedTuple):
    """What one driver wants. ``module`` is the driver's: it has ``paramstyle`` and ``Error``.

    ``begin`` begins a transaction where each statement commits by itself, ``isolate`` stands first in one that the
    driver begins. ``wait`` has a transaction wait for the others that ask for the row of a ledger. ``skip`` ends an
    INSERT that writes nothing where the key is taken; without it the engine refuses that. ``joins``: statements
    without parameters may be sent together, which saves round trips; ``literal``: all are sent without. ``purge`` are
    statements that let go what the engine keeps of rows that were replaced.
    """

    module: ModuleType | Any
    binary: str = "BLOB"
    begin: str = "BEGIN"
    isolate: str = ""
    wait: str = "UPDATE {table} SET generation = generation WHERE ledger = :ledger"
    skip: str = ""
    joins: bool = False
    literal: bool = False
    purge: tuple[str, ...] = ()

    def marked(self, statement: str, values: Mapping[str, Any]) -> tuple[str, Any]:
        """A statement and its values, as the driver takes them."""
        if self.literal:
            return literal(statement, values), ()
        binary = getattr(self.module, "Binary", bytes)
        bound = {name: binary(value) if isinstance(value, bytes) else value for name, value in values.items()}
        return marked(statement, self.module.paramstyle, bound)


def dialect_of(connection: Any, module: Any = None) -> Dialect:
    """The dialect of a connection: that of the module that made it, or of the one that is given."""
    module = module or _module_of(type(connection))
    if module.paramstyle not in PARAMSTYLES:
        raise InvalidInput("a driver has a paramstyle of PEP 249", paramstyle=module.paramstyle)
    root = module.__name__.partition(".")[0]
    plain, skip = Dialect(module), " ON CONFLICT DO NOTHING"
    if root in ("sqlite3", "_sqlite3"):
        wait = "" if is_autocommit(connection) else plain.wait  # there BEGIN IMMEDIATE waits
        purge = ("PRAGMA wal_checkpoint(TRUNCATE)",)
        return plain._replace(begin="BEGIN IMMEDIATE", wait=wait, skip=skip, purge=purge)
    waiting = plain._replace(wait="SELECT generation FROM {table} WHERE ledger = :ledger FOR UPDATE")
    if root in POSTGRES:  # pg8000 takes three round trips to a statement with parameters
        own = waiting._replace(begin=f"BEGIN {FRESH}", isolate=f"SET TRANSACTION {FRESH}", binary="BYTEA")
        return own._replace(skip=skip, joins=True, literal=root == "pg8000")
    return waiting._replace(binary="LONGBLOB") if root in MYSQL else plain


def _module_of(kind: type) -> Any:
    """The module with a ``paramstyle`` that a type of connections, or a base of it, lives in."""
    for base in kind.__mro__:
        name = base.__module__
        while name:
            found = sys.modules.get(name)
            if hasattr(found, "paramstyle") and hasattr(found, "Error"):
                return found
            name = name.rpartition(".")[0]
    rule = "the driver of a connection is known by its module: give it as module="
    raise InvalidInput(rule, connection=f"{kind.__module__}.{kind.__qualname__}")


def is_autocommit(connection: Any) -> bool:
    """Whether each statement is a transaction of its own unless one is begun."""
    if hasattr(connection, "in_transaction") and getattr(connection, "isolation_level", "") is None:  # sqlite3
        return True
    asked = getattr(connection, "get_autocommit", None)  # pymysql, MySQLdb: there ``autocommit`` is a method
    return bool(asked()) if callable(asked) else getattr(connection, "autocommit", False) is True


def asks_again(error: BaseException) -> bool:
    """Whether PostgreSQL refused a transaction for what others did at the same time: a deadlock, or an order of reads.

    Each driver has the code (SQLSTATE) elsewhere.
    """
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}  # pg8000
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or told.get("C")
    return code in ("40001", "40P01")


def sqlite_file(path: str | os.PathLike[str], *, timeout: float = 30.0, synchronous: str = "FULL") -> Connect:
    """What makes connections to an sqlite3 file that several processes share.

    A write-ahead log, so that readers never wait; a writer waits up to ``timeout`` seconds for another one. Replaced
    rows are overwritten with zeros. ``synchronous`` FULL: a line survives a power cut; NORMAL: only a kill (and is
    some ten times faster). The file lies on a local disk: the write-ahead log needs shared memory.
    """
    if synchronous not in ("FULL", "NORMAL"):
        raise InvalidInput("synchronous is FULL or NORMAL", synchronous=synchronous)
    where = os.path.realpath(path)

    def connect() -> Any:
        import sqlite3

        connection = sqlite3.connect(where, timeout=timeout, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", f"synchronous = {synchronous}", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}").close()
        return connection

    return connect
