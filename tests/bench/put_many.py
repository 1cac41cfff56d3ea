"""put_many: a batch of ten floats a row in one atomic event."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import Any

from tests.bench.data import FLOATS, entities_of, make_columns, make_database, sample
from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.peers import DICT_DOES, SQLITE_DOES, Sqlite, event_store
from tests.bench.report import main
from vectordb import VectorDB

SIZE = 1_000_000
CHUNK_ROWS = 50_000
SHARE_OF_EVENTS = 50


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Columns as lists of floats, then as arrays; new entities, then entities that are known."""
    columns = make_columns(size, size)
    yield _benchmark("put_many, 10 floats, list columns, new entities", columns, size)
    packed = {name: array("d", column) if name != "driver" else column for name, column in columns.items()}
    yield _benchmark("put_many, 10 floats, array columns, new entities", packed, size)
    yield _benchmark(
        "put_many, 10 floats, list columns, 10 rows an entity",
        make_columns(size, entities_of(size)),
        entities_of(size),
    )


def _benchmark(operation: str, columns: Mapping[str, Any], entities: int) -> Benchmark:
    size = len(columns["driver"])
    chunk = max(1, min(CHUNK_ROWS, size // 4))
    batches = [
        {name: column[at : at + chunk] for name, column in columns.items()} for at in range(0, size, chunk)
    ]
    asked = sample(entities)[-1:]

    def answer_ours(db: VectorDB, _: None) -> list[Any]:
        return [tuple(db.view("drivers").get(entity).to_dict().values()) for entity in asked]

    return Benchmark(
        operation,
        "rows/s",
        [
            Candidate(
                "ours",
                f"{chunk:,} rows an event: columns checked, rows packed, current rows and history folded",
                size,
                lambda db: _put_batches(db.view("drivers").put_many, batches),
                lambda: make_database(FLOATS),
                answer_ours,
                lambda db, _: db.close(),
            ),
            Candidate(
                "sqlite3",
                f"{chunk:,} rows a transaction by executemany; {SQLITE_DOES}",
                size,
                lambda store: _put_batches(lambda batch: store.put_all(zip(*batch.values())), batches),
                lambda: Sqlite(FLOATS),
                lambda store, _: [store.get(entity) for entity in asked],
                lambda store, _: store.close(),
            ),
            Candidate(
                "dict of tuples",
                f"{DICT_DOES}; one update a batch",
                size,
                lambda store: _put_batches(lambda batch: _update(store, batch), batches),
                dict,
                lambda store, _: [store[entity] for entity in asked],
            ),
            *_events(columns, asked),
        ],
        bar=Bar(500_000),
        predicted=1_000_000,
        repeats=3,
    )


def _put_batches(put: Any, batches: list[dict[str, Any]]) -> None:
    for batch in batches:
        put(batch)


def _update(store: dict[str, Any], batch: dict[str, Any]) -> None:
    entities, *columns = batch.values()
    store.update(zip(entities, zip(*columns)))


def _events(columns: Mapping[str, Any], asked: list[str]) -> list[Candidate]:
    module = event_store()
    if module is None:
        return []
    size = len(columns["driver"])
    names = list(FLOATS)
    last = range(size - max(1, size // SHARE_OF_EVENTS), size)
    puts = [(columns["driver"][row], {name: columns[name][row] for name in names}) for row in last]

    def save(store: Any) -> None:
        aggregates = {entity: module.Entity(entity) for entity, _ in puts}
        for entity, values in puts:
            aggregates[entity].put(values)
        store.save(*aggregates.values())

    return [
        Candidate(
            "eventsourcing",
            "an event a row on an aggregate an entity, all of them in one save",
            len(puts),
            save,
            module.EventStore,
            lambda store, _: [tuple(store.get(entity).values.values()) for entity in asked],
            lambda store, _: store.close(),
        )
    ]


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
