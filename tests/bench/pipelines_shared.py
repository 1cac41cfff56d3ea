"""Fitting and transforming with two processes: a service of 20 features, by the caller alone and by two processes.

    python -m tests.bench.pipelines_shared --rows 10000 30000 100000

Fit: means, deviations and categories of all rows, from exact sums. Transform: a cold read of all rows (nothing is held)
through imputer, scaler and one-hot; heavy: a quantile transformation instead of the scaler. Prints the times, their
ratio, and the number of rows from which two processes are faster; results are compared bit by bit.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import vectordb.batches.executors
import vectordb.transforms.executors
from tests.bench.harness import clock
from tests.bench.lines import write_lines
from tests.bench.sharing import Shared, crossover, line
from vectordb import Category, Float, ManualClock, VectorDB
from vectordb.transforms import (
    ColumnTransformer,
    OfType,
    OneHotEncoder,
    Pipeline,
    QuantileTransformer,
    SimpleImputer,
    StandardScaler,
)

NUMBERS, CATEGORIES = 18, 2
ROUNDS = 3
ROWS = (1_000, 10_000, 30_000, 100_000)


class Timing(NamedTuple):
    """What was done, and what it took."""

    what: str
    shared: Shared


class _World:
    """A service with a fitted pipeline: the usual one, or one with a quantile transformation of every number."""

    def __init__(self, rows: int, heavy: bool = False) -> None:
        db = VectorDB(clock=ManualClock(), auto_index=False)
        numbers, categories = [f"f{place}" for place in range(NUMBERS)], [f"c{place}" for place in range(CATEGORIES)]
        features = {**dict.fromkeys(numbers, Float()), **dict.fromkeys(categories, Category())}
        view = db.create_view("v", entity="e", features=features)
        self.ids = [f"e{number}" for number in range(rows)]
        floats = [None if number % 9 == 0 else number / 7 for number in range(rows)]
        texts = [f"city {number % 12}" for number in range(rows)]
        view.load({"e": self.ids, **dict.fromkeys(numbers, floats), **dict.fromkeys(categories, texts)})
        last: Any = QuantileTransformer(n_quantiles=min(100, rows)) if heavy else StandardScaler()
        scaled = Pipeline([("fill", SimpleImputer()), ("last", last)])
        parts = [("n", scaled, OfType("number")), ("c", OneHotEncoder(), OfType("category"))]
        keys = [f"v:{name}" for name in (*numbers, *categories)]
        self.service = db.create_service("s", features=keys, pipeline=ColumnTransformer(parts))
        self.service.fit()
        self.db = db

    def fit(self, executor: Executor | None) -> Any:
        """Fit anew; what was learnt."""
        self.service.fit(executor=executor)
        fitted = self.service.fitted
        return None if fitted is None else fitted.pipeline

    def transform(self, executor: Executor | None) -> Any:
        """A cold read of all rows; its bytes."""
        for gather in self.db.state._gathers.values():
            gather.detach()
        return bytes(self.service.get_many(self.ids, executor=executor).numbers.raw)


def measured(rows: int, executor: Executor, rounds: int = ROUNDS) -> Iterator[Timing]:
    """All, the medians of interleaved rounds."""
    world, heavy = _World(rows), _World(rows, heavy=True)
    for what, work in (("fit", world.fit), ("transform", world.transform), ("heavy transform", heavy.transform)):
        serial, shared = [], []
        for _ in range(rounds):
            expected = _timed(work, None, serial)
            assert _timed(work, executor, shared) == expected
        yield Timing(what, Shared(rows, median(serial), median(shared)))


def _timed(work: Callable[[Executor | None], Any], executor: Executor | None, seconds: list[float]) -> Any:
    start = clock()
    found = work(executor)
    seconds.append(clock() - start)
    return found


def run(rows: Sequence[int], rounds: int = ROUNDS) -> Iterator[Timing]:
    """Every number of rows, shared whatever it costs."""
    modules: Sequence[Any] = (vectordb.batches.executors, vectordb.transforms.executors)
    usual = [module.WORTH for module in modules]
    try:
        for module in modules:
            module.WORTH = 0
        with ProcessPoolExecutor(2) as executor:
            list(executor.map(abs, range(4)))  # the processes are there
            for count in rows:
                yield from measured(count, executor, rounds)
    finally:
        for module, worth in zip(modules, usual):
            module.WORTH = worth


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure shared fits and transformations.")
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    options = parser.parse_args(arguments)
    points: dict[str, list[Shared]] = {}
    for what, point in run(sorted(options.rows)):
        points.setdefault(what, []).append(point)
        print(f"{what:>15}, {point.rows:>8,} rows: serial {point.serial:.3f} s, two processes {point.shared:.3f} s, "
              f"{point.times_faster:.2f}x", flush=True)  # fmt: skip
    for what, found in points.items():
        print(f"{what}: two processes pay from {crossover(found)} rows")
    most, width = max(options.rows), NUMBERS + CATEGORIES
    write_lines(options.json, [
        line(f"{what} of {point.rows:,} rows x {width}", point, 1.5 if point.rows == most else None)
        for what, found in points.items() for point in found])  # fmt: skip


if __name__ == "__main__":
    main()
