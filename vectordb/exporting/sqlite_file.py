"""SQLite: a table of a database file, written by the standard library's sqlite3.

Ints and bools are INTEGER, floats REAL, texts and times TEXT (ISO 8601), vectors BLOB (little-endian elements: what
``numpy.frombuffer`` reads), lists and tuples TEXT of JSON. Null and missing are both NULL: ``statuses=True`` tells them
apart. Entities and categories have a column without affinity, where 1 and "1" stay apart. SQLite itself stores a float
without a fraction as an integer: -0.0 comes back as 0.0; an int beyond 64 bits is kept as text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Final

from ledger import MISSING, Files, StoreError, replacing
from vectordb.exporting.cells import compact, plain
from vectordb.exporting.options import Options
from vectordb.exporting.table import BOOL, FLOAT, INT, JSON, STATUS, TIME, VECTOR, Field, Table, Told, unique

AFFINITIES: Final = {
    INT: "INTEGER", BOOL: "INTEGER", FLOAT: "REAL", TIME: "TEXT", STATUS: "TEXT", JSON: "TEXT", VECTOR: "BLOB",
}  # fmt: skip


def write_sqlite(path: str, table: Table, told: Told, options: Options) -> int:
    """The bytes written: a database of one table, named by what it holds."""
    return write_database(path, [(table, told)], told.files)


def write_database(path: str, tables: Sequence[tuple[Table, Told]], files: Files) -> int:
    """A database of several tables: whole or not at all, by a temporary file that is renamed."""
    with replacing(path, files) as temporary:
        try:
            _make(temporary, tables)
        except sqlite3.OperationalError as error:  # the disk is full, say
            raise StoreError("an export is written whole or not at all", path=path, error=str(error)) from error
        return files.sync_file(temporary)


def _make(path: str, tables: Sequence[tuple[Table, Told]]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # No journal and no syncs of SQLite's own: until it is whole, the file has another name.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        names = unique([table.what.replace(" ", "_") for table, _ in tables], (), str.lower)
        for name, (table, told) in zip(names, tables):
            _fill(connection, name, table, told)


def _fill(connection: sqlite3.Connection, name: str, table: Table, told: Told) -> None:
    columns = zip(unique(table.names, (), str.lower), table.fields)
    said = ", ".join(f"{_quoted(column)} {AFFINITIES.get(one.kind, '')}".rstrip() for column, one in columns)
    connection.execute("BEGIN")
    connection.execute(f"CREATE TABLE {_quoted(name)} ({said})")
    insert = f"INSERT INTO {_quoted(name)} VALUES ({', '.join('?' * len(table.fields))})"
    makers = [_maker(one) for one in table.fields]
    for chunk in told:
        rows = (
            tuple([None if cell is None or cell is MISSING else make(cell) for make, cell in zip(makers, row)])
            for row in chunk
        )
        connection.executemany(insert, rows)
    connection.execute("COMMIT")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _maker(field: Field) -> Callable[[Any], Any]:
    if field.vector is not None:
        return lambda cell: field.vector.packer.pack(*cell)  # type: ignore[union-attr]
    make = plain(field.kind)

    def cell_of(cell: Any) -> Any:
        value = make(cell)
        if isinstance(value, (list, dict)):
            return compact(value)
        if type(value) is int and not -(2**63) <= value < 2**63:
            return str(value)
        return value

    return cell_of
