"""lineage: the cone of a value, what depends on one, and what lineage costs a write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.report import main
from vectordb import Float, VectorDB

SIZE = 10_000
BACK = (1, 37)  # each version is derived from these before it
CONE_MS = 20
NAIVE = "walk of events"
PLAIN = "put alone"


def benchmarks(size: int) -> Iterator[Benchmark]:
    """A chain of versions, each derived from two earlier ones."""
    db = derived(size)
    head = f"v/e{(size - 1) % 100}@{size + 1}"
    yield Benchmark(
        f"upstream cone of {size:,} versions",
        "versions/s",
        [_cone(db, head, size), _walk(db, head, size)],
        bar=Bar(SIZE / CONE_MS * 1000 if size >= SIZE else 0),
        predicted=1_000_000,
    )
    yield Benchmark(
        f"impact of the first of {size:,} versions",
        "versions/s",
        [Candidate("ours", 'db.lineage.impact("v/e0@2"), ids rendered', size, lambda _: db.lineage.impact("v/e0@2"))],
    )
    yield _puts(size)
    yield _predictions(size)


def derived(size: int) -> VectorDB:
    """A database of so many versions."""
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Float()})
    ids: list[str] = []
    for place in range(size):
        sources = [ids[-back] for back in BACK if back <= place]
        ids += view.put(f"e{place % 100}", {"x": place}, derived_from=sources, transformation="step@1").versions
    return db


def _cone(db: VectorDB, head: str, size: int) -> Candidate:
    return Candidate("ours", "db.lineage.cone(id)", size, lambda _: db.lineage.cone(head),
                     answer=lambda _, cone: list(cone.offsets))  # fmt: skip


def _walk(db: VectorDB, head: str, size: int) -> Candidate:
    """A set and a stack over what the events say."""

    def walk(_: None) -> set[int]:
        ahead = [int(head.rpartition("@")[2])]
        found = set(ahead)
        while ahead:
            origin: Any = getattr(db.event(ahead.pop()).fact, "origin", None)
            fresh = {ref >> 24 for ref in origin.derived_from} - found if origin else set()
            found |= fresh
            ahead += fresh
        return found

    return Candidate(NAIVE, "each event's own references, read from the log", size, walk,
                     answer=lambda _, found: sorted(found))  # fmt: skip


def _puts(size: int) -> Benchmark:
    """What a declared source costs."""

    def run(sources: tuple[str, ...]) -> Any:
        def puts(db: VectorDB) -> None:
            put = db.view("v").put
            for place in range(size):
                put(f"e{place % 100}", {"x": 1.0}, derived_from=sources)

        return puts

    return Benchmark(
        "put that says what it was derived from",
        "puts/s",
        [
            Candidate(
                "ours", "one version in derived_from, found and checked", size, run(("v/e0@2",)), lambda: derived(1)
            ),
            Candidate(PLAIN, "the same put without it", size, run(()), lambda: derived(1)),
        ],
    )


def _predictions(size: int) -> Benchmark:
    """Recording predictions while what they read is asked for, and while nobody ever asked."""

    def prepare(asked: bool) -> Any:
        def make() -> VectorDB:
            db = derived(100)
            db.create_service("s", features=["v:x"])
            _record(db, 10)
            if asked:
                db.lineage.impact("v/e0@2")
            return db

        return make

    count = max(1, size // 10)
    return Benchmark(
        "record_prediction after lineage was asked for",
        "predictions/s",
        [
            Candidate(
                "ours", "the inverse is there, and caught up later", count, lambda db: _record(db, count), prepare(True)
            ),
            Candidate("never asked", "there is no inverse", count, lambda db: _record(db, count), prepare(False)),
        ],
        bar=Bar(1.1, "within", "never asked"),
    )


def _record(db: VectorDB, count: int) -> None:
    service = db.service("s")
    for place in range(count):
        db.record_prediction(service.get(f"e{place % 100}"), model="m", output=place)


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
