"""fork: a writable branch as of an offset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.data import FLOATS, entities_of, filled, make_puts, sample
from tests.bench.harness import Benchmark, Candidate
from tests.bench.peers import Sqlite
from tests.bench.report import main
from vectordb import VectorDB

SIZE = 200_000


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Of single-row events of ten floats, at the head and in the middle."""
    entities = entities_of(size)
    db = filled(size, entities)
    puts = list(make_puts(size, entities))
    asked = sample(entities)
    for where, events in (("at the head", size), ("in the middle", size // 2)):
        sqlite, dicts = Sqlite(FLOATS), dict(puts[:events])
        sqlite.put_all((entity, *values.values()) for entity, values in puts[:events])
        yield Benchmark(
            f"fork {where}",
            "events/s",
            [_ours(db, events, asked), _sqlite(sqlite, events, asked), _dicts(dicts, events, asked)],
            predicted=500_000,
            repeats=3,
        )
        sqlite.close()
    db.close()


def _ours(db: VectorDB, events: int, asked: list[str]) -> Candidate:
    def answer(_: None, branch: VectorDB) -> list[Any]:
        return [branch.view("drivers").get(entity).to_dict() for entity in asked]

    return Candidate(
        "ours",
        "shares the events, folds them anew",
        events,
        lambda _: db.fork(events + 1),
        answer=answer,
        close=lambda _, branch: branch and branch.close(),
    )


def _sqlite(store: Sqlite, events: int, asked: list[str]) -> Candidate:
    return Candidate(
        "sqlite3",
        "a copy of all pages of a database that ends there: it has no past to fork from",
        events,
        lambda _: store.fork(),
        answer=lambda _, copy: [copy.shown(copy.get(entity)) for entity in asked],
        close=lambda _, copy: copy and copy.close(),
    )


def _dicts(store: dict[str, Any], events: int, asked: list[str]) -> Candidate:
    return Candidate(
        "dict of dicts",
        "a copy of every current dict: the floor, without the past",
        events,
        lambda _: {entity: dict(values) for entity, values in store.items()},
        answer=lambda _, copy: [copy[entity] for entity in asked],
    )


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
