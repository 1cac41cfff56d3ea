"""snapshot: the whole log as a file, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.data import FLOATS, entities_of, filled, make_puts, sample
from tests.bench.harness import Benchmark, Candidate
from tests.bench.peers import Sqlite
from tests.bench.report import main
from vectordb import VectorDB

SIZE = 100_000


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Single-row events of ten floats."""
    entities = entities_of(size)
    db, sqlite = filled(size, entities), Sqlite(FLOATS)
    db.digest()
    puts = list(make_puts(size, entities))
    sqlite.put_all((entity, *values.values()) for entity, values in puts)
    asked = sample(entities)
    with TemporaryDirectory() as folder:
        yield Benchmark(
            "snapshot to a file",
            "events/s",
            [
                _ours(db, Path(folder, "ours.jsonl"), size, asked),
                _sqlite(sqlite, Path(folder, "peer.sqlite"), size, asked),
                _json(puts, Path(folder, "floor.jsonl"), asked),
            ],
            repeats=3,
        )
    sqlite.close()
    db.close()


def _ours(db: VectorDB, path: Path, size: int, asked: list[str]) -> Candidate:
    def answer(_: None, __: Any) -> list[Any]:
        with VectorDB.open(path, read_only=True) as copy:
            return [copy.view("drivers").get(entity).to_dict() for entity in asked]

    return Candidate(
        "ours",
        "every line rendered with its digest (known before); temporary file, fsync, rename",
        size,
        lambda _: db.snapshot(path),
        answer=answer,
    )


def _sqlite(store: Sqlite, path: Path, size: int, asked: list[str]) -> Candidate:
    def answer(_: None, __: None) -> list[Any]:
        copy = Sqlite.load(FLOATS, str(path))
        try:
            return [copy.shown(copy.get(entity)) for entity in asked]
        finally:
            copy.close()

    return Candidate(
        "sqlite3",
        "its backup: every page copied to a file",
        size,
        lambda _: store.save(str(path)),
        answer=answer,
    )


def _json(puts: list[Any], path: Path, asked: list[str]) -> Candidate:
    def run(_: None) -> None:
        dumps = json.JSONEncoder(separators=(",", ":")).encode
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(dumps([entity, list(values.values())]) + "\n" for entity, values in puts)
            file.flush()
            os.fsync(file.fileno())

    def answer(_: None, __: None) -> list[Any]:
        with open(path, encoding="utf-8") as file:
            state = dict(map(json.loads, file))
        return [dict(zip(FLOATS, state[entity])) for entity in asked]

    return Candidate(
        "json",
        "json.dumps of a list of the values, a line each, fsync: the floor",
        len(puts),
        run,
        answer=answer,
    )


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
