"""Sharing: work of the weight of a pipeline on cold rows of 20 features, by the caller alone and by two processes.

    python -m tests.bench.sharing --rows 1000 10000 100000

A database is filled and asked anew for every measurement, so rows are packed for the first time; then every block goes
through ``work``. Prints the times, their ratio, and the number of rows from which two processes are faster.
"""

from __future__ import annotations

import argparse
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from math import log1p, tanh
from pathlib import Path
from statistics import median
from typing import NamedTuple

import vectordb.batches.executors as sharing
from tests.bench.harness import clock
from tests.bench.lines import Line, seconds, write_lines
from vectordb import Float, ManualClock, VectorDB, View
from vectordb.batches.dense import Dense

FEATURES = 20
ROUNDS = 3
ROWS = (1_000, 10_000, 30_000, 100_000)


class Shared(NamedTuple):
    """Seconds of a cold read and its transformation."""

    rows: int
    serial: float
    shared: float

    @property
    def times_faster(self) -> float:
        """How many times faster two processes are."""
        return self.serial / self.shared


def work(block: Dense) -> Dense:
    """Scale, clip, log and squash every number: 0.3 us each, as a pipeline of four steps."""
    numbers = [(number - 0.5) * 3.46 for number in block.flat]
    clipped = [min(2.0, max(-2.0, number)) for number in numbers]
    return Dense(array("d", [tanh(log1p(number + 2.5)) for number in clipped]).tobytes(), block.shape, "float64")


def measured(rows: int, executor: Executor, rounds: int = ROUNDS) -> Shared:
    """The medians of interleaved rounds; both give the same bytes."""
    view, ids = _filled(rows)
    serial, shared = [], []
    for _ in range(rounds):
        seconds, expected = _timed(view, ids, None)
        serial.append(seconds)
        seconds, found = _timed(view, ids, executor)
        shared.append(seconds)
        assert found == expected
    return Shared(rows, median(serial), median(shared))


def _filled(rows: int) -> tuple[View, list[str]]:
    db = VectorDB(clock=ManualClock(), auto_index=False)
    names = [f"f{place}" for place in range(FEATURES)]
    view = db.create_view("v", entity="e", features={name: Float() for name in names})
    ids = [f"e{number}" for number in range(rows)]
    column = [number / rows for number in range(rows)]
    view.load({"e": ids, **dict.fromkeys(names, column)})
    return view, ids


def _timed(view: View, ids: Sequence[str], executor: Executor | None) -> tuple[float, Dense]:
    for gather in view._reader.state._gathers.values():
        gather.detach()  # cold: nothing is held
    start = clock()
    found = view.get_many(ids, executor=executor).apply(work, executor=executor)
    return clock() - start, found


def crossover(points: Sequence[Shared]) -> int | None:
    """The least rows from which on two processes are faster; None where they never are."""
    slower = [point.rows for point in points if point.times_faster < 1.0]
    better = [point.rows for point in points if point.rows > max(slower, default=0)]
    return min(better, default=None)


def run(rows: Sequence[int], rounds: int = ROUNDS) -> Iterator[Shared]:
    """Every number of rows, shared whatever it costs."""
    usual, sharing.WORTH = sharing.WORTH, 0
    try:
        with ProcessPoolExecutor(2) as executor:
            list(executor.map(abs, range(4)))  # the processes are there
            for count in rows:
                yield measured(count, executor, rounds)
    finally:
        sharing.WORTH = usual


def line(what: str, point: Shared, bar: float | None = None) -> Line:
    """What two processes gain, with a bar for how many times faster they are."""
    met, wanted = (None, "") if bar is None else (point.times_faster >= bar, f"≥ {bar:g}x")
    told = f"{point.times_faster:.2f}x ({seconds(point.shared)})"
    return Line(f"{what}, two processes against one", told, wanted, met=met, beside=f"one: {seconds(point.serial)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure shared reads.")
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    options = parser.parse_args(arguments)
    points = []
    for point in run(sorted(options.rows)):
        points.append(point)
        print(f"{point.rows:>8,} rows: serial {point.serial:.3f} s, two processes {point.shared:.3f} s, "
              f"{point.times_faster:.2f}x", flush=True)  # fmt: skip
    print(f"two processes pay from {crossover(points)} rows; the library shares from {sharing.WORTH:,} rows on")
    most = max(point.rows for point in points)
    write_lines(options.json, [
        line(f"cold read and work on {point.rows:,} rows x {FEATURES}", point, 1.5 if point.rows == most else None)
        for point in points])  # fmt: skip


if __name__ == "__main__":
    main()
