"""replay: the state anew from events that are in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.data import FLOATS, entities_of, filled, make_puts, sample
from tests.bench.harness import Benchmark, Candidate
from tests.bench.peers import Sqlite, event_store
from tests.bench.report import main
from vectordb import VectorDB

SIZE = 100_000
SHARE_OF_EVENTS = 20


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Single-row events of ten floats."""
    entities = entities_of(max(1, size // SHARE_OF_EVENTS))
    db, sqlite = filled(size, entities), Sqlite(FLOATS)
    puts = list(make_puts(size, entities))
    sqlite.put_all((entity, *values.values()) for entity, values in puts)
    asked = sample(entities)

    def answer(_: None, copy: VectorDB) -> list[Any]:
        return [copy.view("drivers").get(entity).to_dict() for entity in asked]

    yield Benchmark(
        "replay events into a fresh instance",
        "events/s",
        [
            Candidate(
                "ours",
                "VectorDB.replay(db.events()): each event through its stored form, packed, logged, folded",
                size,
                lambda _: VectorDB.replay(db.events()),
                answer=answer,
                close=lambda _, copy: copy and copy.close(),
            ),
            Candidate(
                "sqlite3",
                "the current table from the history, one statement",
                size,
                lambda _: sqlite.rebuild(),
                answer=lambda _, __: [sqlite.shown(sqlite.get(entity)) for entity in asked],
            ),
            Candidate(
                "dict of dicts",
                "a dict filled from a list of (entity, values): the floor",
                size,
                lambda _: dict(puts),
                answer=lambda _, state: [state[entity] for entity in asked],
            ),
            *_events(puts[-max(entities, size // SHARE_OF_EVENTS) :], asked),
        ],
        repeats=3,
    )
    sqlite.close()
    db.close()


def _events(puts: Any, asked: list[str]) -> list[Candidate]:
    module = event_store()
    if module is None:
        return []
    store = module.EventStore()
    for entity, values in puts:
        store.put(entity, values)
    identify = module.Entity.create_id
    return [
        Candidate(
            "eventsourcing",
            "its stored events, mapped back to objects, folded into a dict of current values",
            len(puts),
            lambda _: store.read_model(),
            answer=lambda _, state: [state[identify(entity)] for entity in asked],
        )
    ]


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
