"""put: one event of ten features, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.bench.data import (
    FLOATS,
    MIXED,
    Put,
    entities_of,
    float_row,
    make_database,
    make_puts,
    mixed_row,
    sample,
)
from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.peers import DICT_DOES, EVENTS_DOES, SQLITE_DOES, Sqlite, event_store
from tests.bench.report import main
from vectordb import VectorDB

SIZE = 200_000
SHARE_OF_EVENTS = 20  # the eventsourcing package takes a twentieth: a rate needs no more
OURS = "checked, packed, appended to the log, current row and history folded, receipt"


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Ten floats, then ten features of seven types."""
    yield _benchmark("put, 10 floats", FLOATS, float_row, size, Bar(150_000), 250_000)
    yield _benchmark("put, 10 mixed features", MIXED, mixed_row, size, None, None)


def _benchmark(
    operation: str, features: Mapping[str, Any], row: Any, size: int, bar: Bar | None, predicted: float | None
) -> Benchmark:
    entities = entities_of(max(1, size // SHARE_OF_EVENTS))
    puts = list(make_puts(size, entities, row))
    # The sample repeats after `entities` writes; the last write of each entity is the same for every share.
    few = puts[-max(entities, size // SHARE_OF_EVENTS) :]
    asked = sample(entities)
    return Benchmark(
        operation,
        "puts/s",
        [
            ours(features, puts, asked),
            Candidate(
                "sqlite3",
                SQLITE_DOES,
                size,
                lambda store: _put_all(store.put, puts),
                lambda: Sqlite(features),
                lambda store, _: [store.shown(store.get(entity)) for entity in asked],
                lambda store, _: store.close(),
            ),
            Candidate(
                "dict of dicts",
                DICT_DOES,
                size,
                lambda store: _put_dicts(store, puts),
                dict,
                lambda store, _: [store[entity] for entity in asked],
            ),
            *events(few, asked),
        ],
        bar=bar,
        predicted=predicted,
    )


def ours(features: Mapping[str, Any], puts: Sequence[Put], asked: Sequence[str]) -> Candidate:
    """``view.put`` on a database in memory."""

    def answer(db: VectorDB, _: None) -> list[dict[str, Any]]:
        assert db.head == len(puts) + 1
        return [db.view("drivers").get(entity).to_dict() for entity in asked]

    return Candidate(
        "ours",
        OURS,
        len(puts),
        lambda db: _put_all(db.view("drivers").put, puts),
        lambda: make_database(features),
        answer,
        lambda db, _: db.close(),
    )


def events(puts: Sequence[Put], asked: Sequence[str]) -> list[Candidate]:
    """The eventsourcing package, where it is there."""
    module = event_store()
    if module is None:
        return []
    return [
        Candidate(
            "eventsourcing",
            EVENTS_DOES,
            len(puts),
            lambda store: _put_all(store.put, puts),
            module.EventStore,
            lambda store, _: [store.get(entity).values for entity in asked],
            lambda store, _: store.close(),
        )
    ]


def _put_all(put: Any, puts: Sequence[Put]) -> None:
    for entity, values in puts:
        put(entity, values)


def _put_dicts(store: dict[str, dict[str, Any]], puts: Sequence[Put]) -> None:
    for entity, values in puts:
        store[entity] = dict(values)


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
