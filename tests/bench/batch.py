"""get_many: ten features of many entities at once, from 10 to 100,000, beside single reads and what a user would write.

"Bare" is the gather and join of the same rows without ids checked, offset, clock or result object: ``b"".join`` of an
``itemgetter`` over a dict of packed rows. Rows have been read before ("held"), except where it says cold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from operator import itemgetter
from random import Random
from struct import Struct
from typing import Any

from tests.bench.data import FLOATS, filled, make_puts
from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.peers import SQLITE_DOES, Sqlite
from tests.bench.report import main

SIZE = 200_000  # entities
BATCHES = (10, 100, 1_000, 10_000, 100_000)
ROWS = 200_000  # of all batches of one measurement
SQL_ROWS = 20_000
SINGLES = 1_000
FEAST_ENTITIES, FEAST_ROWS = 2_000, 1_000
KEYS = [f"drivers:{name}" for name in FLOATS]
PACK = Struct(f"={len(FLOATS)}d").pack


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Every store holds the same ``size`` entities."""
    stores = _Stores(size)
    for rows in BATCHES:
        if rows <= size:
            yield _batch(stores, rows, Random(rows))
    yield _against_singles(stores, min(SINGLES, size))
    yield _cold(stores, min(ROWS // 10, size))
    if find_spec("feast"):
        yield from _beside_feast(stores, min(FEAST_ENTITIES, size))
    stores.close()


class _Stores:
    """The same rows in every store."""

    def __init__(self, size: int) -> None:
        self.db = filled(size, size)
        self.service = self.db.create_service("ranker", features=KEYS)
        puts = list(make_puts(size, size))
        self.ids = [entity for entity, _ in puts]
        self.dicts = dict(puts)
        self.packed = {entity: PACK(*values.values()) for entity, values in puts}
        self.sqlite = Sqlite(FLOATS)
        self.sqlite.put_all((entity, *values.values()) for entity, values in puts)
        self.frame = None
        if find_spec("pandas"):
            rows = [values for _, values in puts]
            self.frame = import_module("pandas").DataFrame(rows, index=self.ids)
        self.service.get_many(self.ids)  # held from here on

    def close(self) -> None:
        self.db.close()
        self.sqlite.close()


def _batch(stores: _Stores, rows: int, random: Random) -> Benchmark:
    ids = [random.choice(stores.ids) for _ in range(rows)]
    packed, dicts, sqlite = stores.packed, stores.dicts, stores.sqlite

    def bare(ids: Sequence[str]) -> bytes:
        return b"".join(itemgetter(*ids)(packed))

    def lists(ids: Sequence[str]) -> list[list[float]]:
        return [list(dicts[entity].values()) for entity in ids]

    turns = max(1, ROWS // rows)
    held = stores.service.get_many
    candidates = [
        _reader("ours", "service.get_many: a matrix with offset, clock and ids", held, ids, turns, _bytes),
        _reader("bare", "the gather and join alone: the floor", bare, ids, turns, bytes),
        _reader("dict of dicts", "a list a row from the stored dicts", lists, ids, max(1, turns // 10), _pack),
    ]
    few = max(1, SQL_ROWS // rows)
    if rows <= 1_000:
        does = f"a select by primary key a row; {SQLITE_DOES}"
        candidates.append(_reader("sqlite3", does, lambda ids: list(map(sqlite.get, ids)), ids, few, _pack))
    if stores.frame is not None:
        frame = stores.frame
        candidates.append(
            _reader("pandas", "frame.loc[ids].to_numpy()", lambda ids: frame.loc[ids].to_numpy(), ids, few, _bytes)
        )
    name = f"get_many of {rows:,} random ids of {len(stores.ids):,}, 10 features, held"
    limit = Bar(1.5, "within", "bare")
    return Benchmark(name, "rows/s", candidates, users_bar=Bar(1_000), bar=limit)


def _against_singles(stores: _Stores, rows: int) -> Benchmark:
    ids = stores.ids[:rows]
    get, get_many, turns = stores.service.get, stores.service.get_many, max(1, ROWS // rows // 4)
    return Benchmark(
        f"get_many of {rows:,} against as many single reads",
        "rows/s",
        [
            _reader("ours", "service.get_many", get_many, ids, turns, _bytes),
            _reader(
                "single reads", "service.get(e).vector() one by one", lambda ids: [get(e).vector() for e in ids],
                ids, max(1, turns // 4), _pack,
            ),
        ],
        users_bar=Bar(1 / 5, "within", "single reads"),
    )  # fmt: skip


def _beside_feast(stores: _Stores, entities: int) -> Iterator[Benchmark]:
    """Feast's online read of the same rows; only some of the entities are written to its store."""
    module = import_module("tests.bench.feast_store")
    known = stores.ids[:entities]
    feast = module.FeastStore({entity: stores.dicts[entity] for entity in known}, list(FLOATS))
    for rows in (1, 100, 1_000):
        ids, turns = known[: min(rows, entities)], max(1, ROWS // rows // 4)
        ours, few = stores.service.get_many, max(1, FEAST_ROWS // rows)
        candidates = [
            _reader("ours", "service.get_many", ours, ids, turns, _bytes),
            _reader("Feast", module.DOES, feast.get_many, ids, few, _pack),
        ]
        yield Benchmark(f"get_many of {len(ids):,} ids, beside Feast", "rows/s", candidates, users_bar=Bar(1_000))
    feast.close()


def _cold(stores: _Stores, rows: int) -> Benchmark:
    """Every row is packed for the first time: a write of each has dropped it."""
    ids = stores.ids[:rows]
    view, service, dicts = stores.db.view("drivers"), stores.service, stores.dicts
    written = {"driver": ids, **{name: [dicts[entity][name] for entity in ids] for name in FLOATS}}
    pandas = import_module("pandas") if stores.frame is not None else None

    def read(_: Any) -> Any:
        return service.get_many(ids)

    def lists(_: Any) -> Any:
        return [list(dicts[entity].values()) for entity in ids]

    candidates = [
        Candidate("ours", "service.get_many right after every row was written anew", rows, read,
                  prepare=lambda: view.put_many(written), answer=lambda _, found: _bytes(found)),
        Candidate("dict of dicts", "a list a row from the stored dicts", rows, lists,
                  answer=lambda _, found: _pack(found)),
    ]  # fmt: skip
    if pandas is not None:
        frame = stores.frame
        candidates.append(
            Candidate("pandas", "frame.loc[ids].to_numpy()", rows, lambda _: frame.loc[ids].to_numpy(),  # type: ignore[union-attr]
                      answer=lambda _, found: _bytes(found))
        )  # fmt: skip
    return Benchmark(f"get_many of {rows:,} ids, cold", "rows/s", candidates, users_bar=Bar(1_000))


def _reader(
    name: str, does: str, read: Callable[[Any], Any], ids: Sequence[str], turns: int, answer: Callable[[Any], bytes]
) -> Candidate:
    def run(_: None) -> Any:
        for _turn in range(turns):
            found = read(ids)
        return found

    return Candidate(name, does, turns * len(ids), run, answer=lambda _, found: answer(found))


def _bytes(found: Any) -> bytes:
    """The numbers of a matrix, ours or NumPy's."""
    return bytes(found.numbers.raw) if hasattr(found, "numbers") else bytes(found.tobytes())


def _pack(rows: Any) -> bytes:
    return b"".join(PACK(*row) for row in rows)


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
