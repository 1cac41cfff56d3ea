"""observability: what a call costs when nothing observes, when another database is observed, and with a hook.

While nothing observes, the methods are the plain ones again: the second candidate measures that a hook that came and
went has left nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.bench.data import FLOATS, filled, sample
from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.report import main
from vectordb import VectorDB
from vectordb.observability import Metrics

SIZE = 20_000  # entities
CALLS = 200_000
USERS_BAR = Bar(1_000)


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Reads and writes of one database of ``size`` entities."""
    db = filled(size, size)
    db.create_service("ranker", features=[f"drivers:{name}" for name in FLOATS])
    view, service, other = db.view("drivers"), db.service("ranker"), VectorDB()
    hot, ids = f"d-{size // 2}", sample(size)
    calls = min(CALLS, 10 * size)
    try:
        yield _paired("service.get", db, other, calls, lambda: service.get, hot)
        yield _paired("view.get", db, other, calls, lambda: view.get, hot)
        yield _paired("view.get_many of few", db, other, calls // 10, lambda: view.get_many, ids)
    finally:
        db.close()


class _Counter:
    """The least that a hook does."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, operation: str, attributes: Mapping[str, Any], duration: float, error: Any) -> None:
        self.calls += 1


def _paired(
    operation: str, db: VectorDB, other: VectorDB, calls: int, method: Callable[[], Any], argument: Any
) -> Benchmark:
    def came_and_went() -> None:
        db.observe(_Counter()).close()

    def candidate(name: str, does: str, prepare: Callable[[], Any], share: int = 1) -> Candidate:
        units = max(1, calls // share)

        def run(_: Any) -> None:
            call = method()
            for _turn in range(units):
                call(argument)

        def close(seen: Any, _: Any) -> None:
            if seen is not None:
                seen.close()

        return Candidate(name, does, units, run, prepare, lambda _, __: len(method()(argument)), close)

    return Benchmark(
        f"{operation}, observed or not",
        "calls/s",
        [
            candidate("plain", "no hook", lambda: None),
            candidate("plain again", "no hook, after one that was removed", came_and_went),
            candidate("another's", "no hook here, one on another database", lambda: other.observe(_Counter())),
            candidate("a counter", "a hook that counts calls", lambda: db.observe(_Counter()), 5),
            candidate("Metrics", "counts and histograms by operation and view", lambda: db.observe(Metrics()), 5),
        ],
        users_bar=USERS_BAR,
    )


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
