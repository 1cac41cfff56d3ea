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
BINARY_TYPES: Final = {
    "psycopg": "BYTEA",
    "psycopg2": "BYTEA",
    "pg8000": "BYTEA",
    "pymysql": "LONGBLOB",
    "MySQLdb": "LONGBLOB",
    "mysql": "LONGBLOB",
}


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


class Dialect(NamedTuple):
    """What one driver wants. ``module`` is the driver's: it has ``paramstyle`` and ``Error``.

    ``purge`` are statements that let go what the engine keeps of rows that were replaced.
    """

    module: ModuleType | Any
    binary: str = "BLOB"
    begin: str = "BEGIN"
    purge: tuple[str, ...] = ()

    def wrap(self, line: bytes) -> Any:
        """A line as a value of the binary column."""
        binary = getattr(self.module, "Binary", bytes)
        return binary(line)


def dialect_of(connection: Any, module: Any = None) -> Dialect:
    """The dialect of a connection: that of the module that made it, or of the one that is given."""
    module = module or _module_of(type(connection))
    if module.paramstyle not in PARAMSTYLES:
        raise InvalidInput("a driver has a paramstyle of PEP 249", paramstyle=module.paramstyle)
    root = module.__name__.partition(".")[0]
    if root in ("sqlite3", "_sqlite3"):
        return Dialect(module, "BLOB", "BEGIN IMMEDIATE", ("PRAGMA wal_checkpoint(TRUNCATE)",))
    return Dialect(module, BINARY_TYPES.get(root, "BLOB"))


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
    if hasattr(connection, "in_transaction") and connection.isolation_level is None:  # sqlite3
        return True
    return getattr(connection, "autocommit", False) is True


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
