"""What a user would write instead with the standard library: sqlite3 in memory, and plain dicts."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

SQL_TYPES = {
    "int": "integer",
    "float": "real",
    "bool": "integer",
    "category": "text",
    "text": "text",
    "timestamp": "text",
}
SQLITE_DOES = "history table (offset key, index by entity) and a trigger that keeps the current table"
DICT_DOES = "a dict of dicts: no types, no history, no log: the floor"
EVENTS_DOES = "an aggregate an entity, held by the caller; events go as JSON into its in-memory recorder"


def event_store() -> Any:
    """The module of the ``eventsourcing`` candidate, or None where that package is absent."""
    return import_module("tests.bench.event_store") if find_spec("eventsourcing") else None


class Sqlite:
    """A history table with an index by entity, and a trigger that keeps the current table.

    Every statement is its own transaction, as every put is its own event. Rows are whole: no partial
    writes, no late ones, no types beyond SQLite's, no digests.
    """

    def __init__(self, features: Mapping[str, Any], path: str = ":memory:", create: bool = True) -> None:
        self.features = features
        self.names = tuple(features)
        self.times = {place for place, kind in enumerate(features.values()) if kind.name == "timestamp"}
        self.db = sqlite3.connect(path, isolation_level=None)
        if create:
            self._create(features)
        names = ", ".join(self.names)
        self._insert = (
            f"insert into history (entity, {names}) values ({', '.join('?' * (len(self.names) + 1))})"
        )
        self._get = f"select {names} from current where entity = ?"
        self._past = (
            f"select {names} from history where entity = ? and offset <= ? order by offset desc limit 1"
        )

    def _create(self, features: Mapping[str, Any]) -> None:
        columns = ", ".join(f"{name} {SQL_TYPES[kind.name]}" for name, kind in features.items())
        names = ", ".join(self.names)
        self.db.executescript(f"""
            pragma journal_mode = off; pragma synchronous = off;
            create table history (offset integer primary key, entity text not null, {columns});
            create index history_by_entity on history (entity, offset);
            create table current (entity text primary key, offset integer, {columns}) without rowid;
            create trigger keep after insert on history begin
                insert or replace into current (entity, offset, {names})
                values (new.entity, new.offset, {", ".join(f"new.{name}" for name in self.names)});
            end;
        """)

    @classmethod
    def load(cls, features: Mapping[str, Any], path: str) -> Sqlite:
        """A database file, copied into memory."""
        memory, disk = cls(features, create=False), sqlite3.connect(path)
        disk.backup(memory.db)
        disk.close()
        return memory

    def save(self, path: str) -> None:
        """A copy in a file."""
        disk = sqlite3.connect(path)
        self.db.backup(disk)
        disk.close()

    def fork(self) -> Sqlite:
        """A copy in memory."""
        copy = Sqlite(self.features, create=False)
        self.db.backup(copy.db)
        return copy

    def rebuild(self) -> None:
        """The current table anew from the history, in one statement."""
        names = ", ".join(self.names)
        self.db.execute("delete from current")
        self.db.execute(
            f"insert into current (entity, offset, {names}) select entity, offset, {names} from history "
            "where offset in (select max(offset) from history group by entity)"
        )

    def put(self, entity: str, values: Mapping[str, Any]) -> None:
        """One row."""
        if self.times:
            self.db.execute(self._insert, (entity, *map(_plain, values.values())))
        else:
            self.db.execute(self._insert, (entity, *values.values()))

    def put_all(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Many rows of (entity, values...) in one transaction."""
        self.db.execute("begin")
        self.db.executemany(self._insert, rows)
        self.db.execute("commit")

    def get(self, entity: str) -> tuple[Any, ...]:
        """The current row."""
        row: tuple[Any, ...] = self.db.execute(self._get, (entity,)).fetchone()
        return row

    def get_as_of(self, entity: str, offset: int) -> tuple[Any, ...]:
        """The row as of an offset."""
        row: tuple[Any, ...] = self.db.execute(self._past, (entity, offset)).fetchone()
        return row

    def shown(self, row: Sequence[Any]) -> dict[str, Any]:
        """A row by names, times as times."""
        return {
            name: datetime.fromisoformat(value) if place in self.times else value
            for place, (name, value) in enumerate(zip(self.names, row))
        }

    def outside_bytes(self) -> int:
        """Bytes of its pages, which Python's allocator does not see."""
        pages = self.db.execute("select page_count * page_size from pragma_page_count, pragma_page_size")
        return int(pages.fetchone()[0])

    def close(self) -> None:
        """Close the connection."""
        self.db.close()


def _plain(value: Any) -> Any:
    return value.isoformat() if type(value) is datetime else value


class VersionedDicts:
    """For each entity the offsets and the dicts of its versions: what the floor of time travel looks like."""

    def __init__(self) -> None:
        self.head = 0
        self.versions: dict[str, tuple[list[int], list[dict[str, Any]]]] = {}

    def put(self, entity: str, values: dict[str, Any]) -> None:
        """One version."""
        self.head += 1
        offsets, rows = self.versions.setdefault(entity, ([], []))
        offsets.append(self.head)
        rows.append(values)

    def get_as_of(self, entity: str, offset: int) -> dict[str, Any]:
        """The version as of an offset."""
        offsets, rows = self.versions[entity]
        return rows[bisect_right(offsets, offset) - 1]
