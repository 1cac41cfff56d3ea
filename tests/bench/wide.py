"""Wide rows: 2,000 features an entity; batches of all and of ten of them, and the memory of a row."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Any

from tests.bench.harness import Bar, Benchmark, Candidate, kept_bytes
from tests.bench.report import main
from vectordb import Float, ManualClock, VectorDB

SIZE = 500  # entities
FEATURES = 2_000
TEN = [f"f{place * 199}" for place in range(10)]
NAMES = [f"f{place}" for place in range(FEATURES)]


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Every store holds the same rows."""
    ids = [f"e{number}" for number in range(size)]
    columns = {name: [place + row / size for row in range(size)] for place, name in enumerate(NAMES)}
    dicts = {entity: {name: columns[name][row] for name in NAMES} for row, entity in enumerate(ids)}
    db = _database(ids, columns)
    for names, what in ((NAMES, "all"), (TEN, "10")):
        service = db.create_service(f"s{len(names)}", features=[f"v:{name}" for name in names])
        yield _batch(f"get_many of {size} rows, {what} of {FEATURES:,} features, held", service, dicts, ids, names)
    db.close()
    candidates = [
        Candidate("ours", "view, log and history", size, lambda _: _database(ids, columns)),
        Candidate("dict of dicts", "no history", size, lambda _: _dicts(ids, columns)),
    ]
    yield Benchmark(
        f"memory of a row of {FEATURES:,} features", "B a row", candidates, meter=kept_bytes, at_most_once=True
    )


def _database(ids: list[str], columns: dict[str, list[float]]) -> VectorDB:
    db = VectorDB(clock=ManualClock())
    view = db.create_view("v", entity="e", features={name: Float() for name in NAMES})
    view.load({"e": ids, **columns}, chunk_rows=200)
    return db


def _dicts(ids: list[str], columns: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    return {entity: {name: column[row] + 0.0 for name, column in columns.items()} for row, entity in enumerate(ids)}


def _batch(name: str, service: Any, dicts: dict[str, dict[str, float]], ids: list[str], names: list[str]) -> Benchmark:
    pack = Struct(f"={len(names)}d").pack
    service.get_many(ids)
    turns = max(1, 200_000 // len(names) // len(ids) * 10)

    def ours(_: Any) -> bytes:
        for _turn in range(turns):
            matrix = service.get_many(ids)
        return bytes(matrix.numbers.raw)

    def theirs(_: Any) -> bytes:
        rows = [[dicts[entity][name] for name in names] for entity in ids]
        return b"".join([pack(*row) for row in rows])

    candidates = [
        Candidate("ours", "service.get_many", len(ids) * turns, ours, answer=lambda _, found: found),
        Candidate("dict of dicts", "a list a row, packed", len(ids), theirs, answer=lambda _, found: found),
    ]
    return Benchmark(name, "rows/s", candidates, users_bar=Bar(1_000))


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
