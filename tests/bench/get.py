"""get: the current row of one entity; hot and uniform, unread and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from tests.bench.data import EVENTS_AN_ENTITY, FLOATS, filled, make_puts, sample
from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.peers import SQLITE_DOES, Sqlite, event_store
from tests.bench.report import main

SIZE = 100_000  # entities
READS = 100_000
SHARE_OF_SQL = 10
USERS_BAR = Bar(1_000)


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Every store holds the same ``size`` entities."""
    reads = min(READS, 10 * size)
    random = Random(2)
    hot = [f"d-{size // 2}"] * reads
    uniform = [f"d-{random.randrange(size)}" for _ in range(reads)]
    stores = _Stores(size, uniform)
    try:
        for how, asked in (("one hot entity", hot), ("uniform", uniform)):
            yield _plain(f"get, {how}", asked, stores)
            yield _read(f"get and read 10 values, {how}", asked, stores)
        yield _service("service.get, statuses right, one hot entity", hot, stores, Bar(1_000_000))
        yield _service("service.get, statuses right, uniform", uniform, stores, Bar(400_000))
    finally:
        stores.close()


class _Stores:
    """The same rows in every store."""

    def __init__(self, size: int, asked: Sequence[str]) -> None:
        self.sample = sample(size)
        self.db = filled(size, size)
        self.db.create_service("ranker", features=[f"drivers:{name}" for name in FLOATS])
        puts = list(make_puts(size, size))
        self.dicts = dict(puts)
        self.sqlite = Sqlite(FLOATS)
        self.sqlite.put_all((entity, *values.values()) for entity, values in puts)
        module = event_store()
        self.events = None if module is None else module.EventStore()
        self.few = sorted(
            {*asked[: max(1, len(asked) // EVENTS_AN_ENTITY // SHARE_OF_SQL)], f"d-{size // 2}", *self.sample}
        )
        if self.events is not None:
            for entity in self.few:
                self.events.put(entity, self.dicts[entity])

    def close(self) -> None:
        self.db.close()
        self.sqlite.close()
        if self.events is not None:
            self.events.close()


def _plain(operation: str, asked: Sequence[str], stores: _Stores) -> Benchmark:
    get = stores.db.view("drivers").get
    shown = stores.sqlite.shown
    few = asked[: max(1, len(asked) // SHARE_OF_SQL)]
    candidates = [
        _reader("ours", "view.get: a row at (head, clock), values not read", get, asked, stores, dict),
        _reader(
            "sqlite3",
            f"the current row by its primary key, a tuple; {SQLITE_DOES}",
            stores.sqlite.get,
            few,
            stores,
            shown,
        ),
        _reader(
            "dict of dicts",
            "the stored dict itself: the floor",
            stores.dicts.__getitem__,
            asked,
            stores,
            dict,
        ),
    ]
    if stores.events is not None:
        does = "repository.get of a cached aggregate, not copied"
        known = [entity for entity in few if entity in stores.events.held]
        candidates.append(
            _reader("eventsourcing", does, stores.events.get, known, stores, lambda found: found.values)
        )
    return Benchmark(operation, "reads/s", candidates, users_bar=USERS_BAR)


def _read(operation: str, asked: Sequence[str], stores: _Stores) -> Benchmark:
    get, dicts = stores.db.view("drivers").get, stores.dicts
    sqlite = stores.sqlite
    few = asked[: max(1, len(asked) // SHARE_OF_SQL)]
    candidates = [
        _reader("ours", "view.get(e).to_dict()", lambda e: get(e).to_dict(), asked, stores),
        _reader("ours, dict(row)", "dict(view.get(e)): value by value", lambda e: dict(get(e)), few, stores),
        _reader(
            "sqlite3", "the current row as a dict", lambda e: dict(zip(FLOATS, sqlite.get(e))), few, stores
        ),
        _reader(
            "dict of dicts", "a copy of the stored dict: the floor", lambda e: dict(dicts[e]), asked, stores
        ),
    ]
    if stores.events is not None:
        held = stores.events
        known = [entity for entity in few if entity in held.held]
        does = "a copy of a cached aggregate's values"
        candidates.append(_reader("eventsourcing", does, lambda e: dict(held.get(e).values), known, stores))
    return Benchmark(operation, "reads/s", candidates, users_bar=USERS_BAR)


def _service(operation: str, asked: Sequence[str], stores: _Stores, bar: Bar) -> Benchmark:
    get, dicts = stores.db.service("ranker").get, stores.dicts
    few = asked[: max(1, len(asked) // SHARE_OF_SQL)]
    return Benchmark(
        operation,
        "reads/s",
        [
            _reader("ours", "service.get of one entity, 10 features", get, asked, stores, dict),
            _reader(
                "ours, read", "dict(service.get(e)): its ten values read", lambda e: dict(get(e)), few, stores
            ),
            _reader(
                "dict of dicts",
                "a copy of the stored dict: the floor",
                lambda e: dict(dicts[e]),
                asked,
                stores,
            ),
        ],
        users_bar=USERS_BAR,
        bar=bar,
    )


def _reader(
    name: str, does: str, get: Callable[[str], Any], asked: Sequence[str], stores: _Stores, shown: Any = dict
) -> Candidate:
    def run(_: None) -> None:
        for entity in asked:
            get(entity)

    return Candidate(
        name, does, len(asked), run, answer=lambda _, __: [shown(get(entity)) for entity in stores.sample]
    )


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
