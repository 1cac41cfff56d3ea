"""memory: what an event of ten floats keeps alive, everything included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.data import EVENTS_AN_ENTITY, FLOATS, make_columns, make_database, make_puts, sample
from tests.bench.harness import Bar, Benchmark, Candidate, kept_bytes
from tests.bench.peers import EVENTS_DOES, SQLITE_DOES, Sqlite, VersionedDicts, event_store
from tests.bench.report import main
from vectordb import VectorDB

SIZE = 100_000
SHARE_OF_EVENTS = 10


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Ten events an entity; ids and values are new objects in every event, as from a parser."""
    share = max(1, size // SHARE_OF_EVENTS // EVENTS_AN_ENTITY) * EVENTS_AN_ENTITY
    size = share * SHARE_OF_EVENTS if size >= share * SHARE_OF_EVENTS else share
    yield _benchmark(
        "memory, single-row events of 10 floats", size, [_ours(size), *_peers(size), *_events(size, share)]
    )
    yield _benchmark("memory, bulk rows of 10 floats", size, [_bulk(size), *_peers(size)])


def _benchmark(operation: str, size: int, candidates: list[Candidate]) -> Benchmark:
    return Benchmark(
        operation,
        "B an event",
        candidates,
        bar=Bar(300, "at most"),
        predicted=260,
        meter=kept_bytes,
        at_most_once=True,
    )


def _ours(size: int) -> Candidate:
    def run(_: None) -> VectorDB:
        db = make_database(FLOATS)
        _put_all(db.view("drivers").put, size)
        db.digest()
        return db

    return Candidate("ours", "log, digests, current rows, history", size, run, answer=_answer, close=_close)


def _bulk(size: int) -> Candidate:
    def run(_: None) -> VectorDB:
        db = make_database(FLOATS)
        db.view("drivers").load(make_columns(size, size // EVENTS_AN_ENTITY))
        db.digest()
        return db

    return Candidate(
        "ours",
        "log, digests, current rows, history; 50,000 rows an event",
        size,
        run,
        answer=_answer,
        close=_close,
    )


def _answer(_: None, db: VectorDB) -> set[int]:
    """How many versions an entity has."""
    view = db.view("drivers")
    return {len(view.history(entity)) for entity in sample(len(view))}


def _close(_: None, db: VectorDB) -> None:
    db.close()


def _peers(size: int) -> list[Candidate]:
    def sqlite(_: None) -> Sqlite:
        store = Sqlite(FLOATS)
        store.put_all(
            (entity, *values.values()) for entity, values in make_puts(size, size // EVENTS_AN_ENTITY)
        )
        return store

    def dicts(_: None) -> VersionedDicts:
        store = VersionedDicts()
        _put_all(store.put, size)
        return store

    asked = sample(size // EVENTS_AN_ENTITY)
    count = "select count(*) from history where entity = ?"
    return [
        Candidate(
            "sqlite3",
            f"its pages; {SQLITE_DOES}",
            size,
            sqlite,
            answer=lambda _, store: {store.db.execute(count, (entity,)).fetchone()[0] for entity in asked},
            close=lambda _, store: store.close(),
        ),
        Candidate(
            "dict of lists",
            "a dict of values and an offset a version: the floor of time travel",
            size,
            dicts,
            answer=lambda _, store: {len(store.versions[entity][0]) for entity in asked},
        ),
    ]


def _events(size: int, share: int) -> list[Candidate]:
    module = event_store()
    if module is None:
        return []

    def run(_: None) -> Any:
        store = module.EventStore()
        _put_all(store.put, share)
        return store

    def answer(_: None, store: Any) -> set[int]:
        asked = sample(share // EVENTS_AN_ENTITY)
        return {store.get(entity).version - 1 for entity in asked}  # its registration is an event too

    return [
        Candidate(
            "eventsourcing", EVENTS_DOES, share, run, answer=answer, close=lambda _, store: store.close()
        )
    ]


def _put_all(put: Any, size: int) -> None:
    for entity, values in make_puts(size, size // EVENTS_AN_ENTITY):
        put(entity, values)


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
