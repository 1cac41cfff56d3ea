"""Ledgers that several databases share, and what all of them have to show."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from ledger import sqlite_file
from vectordb import Category, Float, Int, VectorDB
from vectordb.testing import state_of

FEATURES = {"trips": Int(default=0), "rating": Float(), "city": Category()}


def connected(path: Path, **options: Any) -> VectorDB:
    return VectorDB.connect(sqlite_file(path, synchronous="NORMAL"), **options)


def with_drivers(path: Path, **options: Any) -> VectorDB:
    db = connected(path, **options)
    db.create_view("drivers", entity="driver", features=FEATURES)
    return db


def lines_of(path: Path, ledger: str = "main") -> list[bytes]:
    """The lines in the table, read past the store; their positions leave no gap."""
    query = "SELECT position, line FROM vectordb_lines WHERE ledger = ? ORDER BY position"
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(query, (ledger,)).fetchall()
    assert [position for position, _ in rows] == list(range(len(rows)))
    return [bytes(line) for _, line in rows]


def replayed(path: Path, folder: Path) -> VectorDB:
    """A fresh replay of the table's lines as a file: the judge of every database that shares them."""
    file = folder / "judge.jsonl"
    file.write_bytes(b"".join(lines_of(path)))
    return VectorDB.replay(file)


def agree(db: VectorDB, judge: VectorDB) -> None:
    """Both hold the same events, and show the same now and at every tenth offset."""
    assert (db.head, db.digest()) == (judge.head, judge.digest())
    for offset in range(0, db.head + 1, max(1, db.head // 10)):
        assert state_of(db.as_of(offset)) == state_of(judge.as_of(offset))
    at = max(db.clock(), judge.clock())
    head = db.head
    assert state_of(db.pinned(head, at)) == state_of(judge.pinned(head, at))
    db.check()
