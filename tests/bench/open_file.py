"""open: a ledger file into memory, verified and folded; eager and lazy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.data import FLOATS, entities_of, make_columns, make_database, make_puts, sample
from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.peers import Sqlite
from tests.bench.report import main
from vectordb import VectorDB

EVENTS = 200_000
ROWS = 1_000_000
CHUNK_ROWS = 50_000


def single(size: int) -> Iterator[Benchmark]:
    """Single-row events of ten floats."""
    entities = entities_of(size)
    with TemporaryDirectory() as folder:
        path = Path(folder, "ledger.jsonl")
        with make_database(FLOATS, path) as db:
            put = db.view("drivers").put
            for entity, values in make_puts(size, entities):
                put(entity, values)
        others = [_sqlite(Path(folder), size, entities), _lines(path, size, entities)]
        for lazy in (False, True):
            how = "lazily" if lazy else "a file"
            yield Benchmark(
                f"open {how}, single-row events of 10 floats",
                "events/s",
                [_ours(path, size, entities, lazy), *others],
                bar=None if lazy else Bar(120_000),
                predicted=None if lazy else 166_000,
                repeats=3,
            )


def bulk(size: int) -> Iterator[Benchmark]:
    """Events of fifty thousand rows of ten floats."""
    entities = entities_of(size)
    columns = make_columns(size, entities)
    with TemporaryDirectory() as folder:
        path = Path(folder, "ledger.jsonl")
        with make_database(FLOATS, path) as db:
            db.view("drivers").load(columns, chunk_rows=CHUNK_ROWS)
        del columns
        others = [_sqlite(Path(folder), size, entities)]
        for lazy in (False, True):
            yield Benchmark(
                f"open {'lazily' if lazy else 'a file'}, bulk rows of 10 floats",
                "rows/s",
                [_ours(path, size, entities, lazy), *others],
                bar=None if lazy else Bar(1_000_000),
                predicted=None if lazy else 1_000_000,
                repeats=3,
            )


def _ours(path: Path, size: int, entities: int, lazy: bool) -> Candidate:
    kept = "events stay in the file" if lazy else "events packed in memory"

    def answer(_: None, db: VectorDB) -> list[Any]:
        view = db.view("drivers")
        return [tuple(view.get(entity).to_dict().values()) for entity in sample(entities)]

    return Candidate(
        "ours",
        f"digests and every value verified, current rows and history folded, {kept}",
        size,
        lambda _: VectorDB.open(path, lazy=lazy),
        answer=answer,
        close=lambda _, db: db and db.close(),
    )


def _sqlite(folder: Path, size: int, entities: int) -> Candidate:
    path = folder / "peer.sqlite"
    if not path.exists():
        with closing(Sqlite(FLOATS, str(path))) as store:
            store.put_all((entity, *values.values()) for entity, values in make_puts(size, entities))

    return Candidate(
        "sqlite3",
        "its file copied page by page into memory, nothing parsed or verified",
        size,
        lambda _: Sqlite.load(FLOATS, str(path)),
        answer=lambda _, store: [store.get(entity) for entity in sample(entities)],
        close=lambda _, store: store and store.close(),
    )


def _lines(path: Path, size: int, entities: int) -> Candidate:
    def load(_: None) -> dict[str, list[float]]:
        with open(path, encoding="utf-8") as file:
            objects = map(json.loads, file)
            return {data["entity"]: data["values"] for data in objects if "values" in data}

    return Candidate(
        "json.loads",
        "json.loads on every line of the same file into a dict: nothing verified, no history: the floor",
        size,
        load,
        answer=lambda _, state: [tuple(state[entity]) for entity in sample(entities)],
    )


BUILDS = [(single, EVENTS), (bulk, ROWS)]

if __name__ == "__main__":
    main(BUILDS)
