"""erase and compact: what leaves a ledger of single rows and batches, beside a database that deletes and vacuums."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.data import FLOATS, entities_of, make_puts
from tests.bench.harness import Benchmark, Candidate
from tests.bench.report import main
from vectordb import Float, VectorDB

SIZE = 100_000
VERSIONS = 5  # of an entity, all but the last superseded


def benchmarks(size: int) -> Iterator[Benchmark]:
    """One entity out of many, in memory and in a file; then everything that newer rows replaced."""
    folder = tempfile.TemporaryDirectory()
    root = Path(folder.name)
    yield Benchmark(
        "erase one entity, in memory and in the file",
        "events/s",
        [_erase(size, root, None), _erase(size, root, "file"), _sqlite_delete(size, root)],
        predicted=1_000_000,
        repeats=3,
    )
    yield Benchmark(
        f"compact {VERSIONS} versions to one",
        "events/s",
        [_compact(size, root), _sqlite_prune(size, root)],
        predicted=150_000,
        repeats=3,
    )
    folder.cleanup()


def _filled(size: int, path: Path | None) -> VectorDB:
    entities = entities_of(size // VERSIONS)
    db = VectorDB() if path is None else VectorDB.open(path)
    view = db.create_view("drivers", entity="driver", features={name: Float() for name in FLOATS})
    for entity, values in make_puts(size, entities):
        view.put(entity, values)
    return db


def _fresh(root: Path, suffix: str) -> Path:
    return root / f"{os.urandom(6).hex()}.{suffix}"


def _first(db: VectorDB) -> str:
    return str(db.view("drivers").entities()[0])


def _erase(size: int, root: Path, where: str | None) -> Candidate:
    def answer(db: VectorDB, _: Any) -> int:
        return len(db.view("drivers"))

    return Candidate(
        "ours, a file" if where else "ours, in memory",
        "events, views and file without the entity, digests kept" if where else "events and views without the entity",
        size,
        lambda db: db.erase("drivers", _first(db), reason="bench"),
        prepare=lambda: _filled(size, _fresh(root, "jsonl") if where else None),
        answer=answer,
        close=lambda db, _: db.close(),
    )


def _compact(size: int, root: Path) -> Candidate:
    return Candidate(
        "ours, a file",
        "superseded rows leave events, views and file; digests kept",
        size,
        lambda db: db.compact(below=db.head),
        prepare=lambda: _filled(size, _fresh(root, "jsonl")),
        answer=lambda db, _: len(db.view("drivers")),
        close=lambda db, _: db.close(),
    )


def _table(size: int, root: Path) -> sqlite3.Connection:
    store = sqlite3.connect(_fresh(root, "sqlite"))
    names = ", ".join(FLOATS)
    store.execute(f"create table history (entity, {names})")
    rows = [(entity, *values.values()) for entity, values in make_puts(size, entities_of(size // VERSIONS))]
    marks = ", ".join("?" * (len(FLOATS) + 1))
    store.executemany(f"insert into history values ({marks})", rows)
    store.execute("create index of_entity on history (entity)")
    store.commit()
    return store


def _alive(store: sqlite3.Connection, _: Any) -> int:
    count: int = store.execute("select count(distinct entity) from history").fetchone()[0]
    return count


def _sqlite(does: str, size: int, root: Path, statement: str) -> Candidate:
    def run(store: sqlite3.Connection) -> None:
        store.execute(statement)
        store.commit()
        store.execute("vacuum")

    def close(store: sqlite3.Connection, _: Any) -> None:
        store.close()

    return Candidate("sqlite3", does, size, run, prepare=lambda: _table(size, root), answer=_alive, close=close)


def _sqlite_delete(size: int, root: Path) -> Candidate:
    statement = "delete from history where entity = (select entity from history order by rowid limit 1)"
    return _sqlite("delete and vacuum: no log, no digests", size, root, statement)


def _sqlite_prune(size: int, root: Path) -> Candidate:
    statement = "delete from history where rowid not in (select max(rowid) from history group by entity)"
    return _sqlite("all but the last row of each entity deleted, and vacuum: no past", size, root, statement)


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
