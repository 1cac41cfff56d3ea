"""Opening with two processes: single-row events of ten floats, by the caller alone and with the workers of an executor.

    python -m tests.bench.open_shared --events 10000 30000 300000

The processes are there before. Prints seconds and CPU seconds of both ways, per event too, their ratio, and the number
of events from which two processes are faster. On a machine that does other work as well the CPU seconds tell more:
with idle cores an opening takes as long as the busier of the caller and a worker. State and digests are compared.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from math import fsum
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import ledger.storage.packed_ahead
from tests.bench.data import FLOATS, entities_of, make_database, make_puts
from tests.bench.harness import clock
from tests.bench.lines import write_lines
from tests.bench.sharing import Shared, crossover, line
from vectordb import VectorDB
from vectordb.testing import state_of

EVENTS = (3_000, 10_000, 30_000, 300_000)
ROUNDS = 3
WORKERS = 2


class Opening(NamedTuple):
    """Seconds of one way to open a file, and CPU seconds of the caller."""

    seconds: float
    caller: float


class Point(NamedTuple):
    """Both ways for a number of events, and CPU seconds of all workers."""

    events: int
    alone: Opening
    shared: Opening
    workers: float

    @property
    def timing(self) -> Shared:
        """The two times."""
        return Shared(self.events, self.alone.seconds, self.shared.seconds)

    def told(self) -> str:
        """One line."""
        each = 1e6 / self.events
        return (
            f"{self.events:>8,} events: alone {self.alone.seconds:.3f} s (CPU {self.alone.caller * each:.1f} us each), "
            f"shared {self.shared.seconds:.3f} s (caller {self.shared.caller * each:.1f} us, workers "
            f"{self.workers * each:.1f} us), {self.timing.times_faster:.2f}x"
        )


def measured(path: Path, events: int, executor: Executor, rounds: int = ROUNDS) -> Point:
    """The medians of interleaved rounds; both give the same state."""
    alone, shared, workers = [], [], []
    for _ in range(rounds):
        first, expected = _opened(path, None)
        before = _cpu_of(executor)
        second, found = _opened(path, executor)
        workers.append(_cpu_of(executor) - before)
        assert found == expected
        alone.append(first)
        shared.append(second)
    return Point(events, _median(alone), _median(shared), median(workers))


def _opened(path: Path, executor: Executor | None) -> tuple[Opening, Any]:
    start, cpu = clock(), time.process_time()
    with VectorDB.open(path, read_only=True, executor=executor) as db:
        spent = Opening(clock() - start, time.process_time() - cpu)
        rows = db.state.rows.dump() if db.head > 20_000 else state_of(db)
        return spent, (db.digest(), rows)


def _median(openings: Sequence[Opening]) -> Opening:
    return Opening(median(one.seconds for one in openings), median(one.caller for one in openings))


def _cpu_of(executor: Executor) -> float:
    """CPU seconds of the workers so far: each is asked, some tasks holding them until all have answered."""
    told = dict(executor.map(_cpu_here, range(4 * WORKERS)))
    return fsum(told.values())


def _cpu_here(_: int) -> tuple[int, float]:
    time.sleep(0.01)
    return os.getpid(), time.process_time()


def run(events: Sequence[int], rounds: int = ROUNDS) -> Iterator[Point]:
    """Every number of events, shared whatever it costs."""
    usual, ledger.storage.packed_ahead.WORTH_BYTES = ledger.storage.packed_ahead.WORTH_BYTES, 0  # type: ignore[misc]
    try:
        with TemporaryDirectory() as folder, ProcessPoolExecutor(WORKERS) as executor:
            for count in events:
                path = Path(folder, f"{count}.jsonl")
                with make_database(FLOATS, path) as db:
                    put = db.view("drivers").put
                    for entity, values in make_puts(count, entities_of(count)):
                        put(entity, values)
                yield measured(path, count, executor, rounds)
    finally:
        ledger.storage.packed_ahead.WORTH_BYTES = usual  # type: ignore[misc]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure shared openings.")
    parser.add_argument("--events", type=int, nargs="*", default=EVENTS)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    options = parser.parse_args(arguments)
    points = []
    for point in run(sorted(options.events)):
        points.append(point)
        print(point.told(), flush=True)
    pay = crossover([point.timing for point in points])
    bound = ledger.storage.packed_ahead.WORTH_BYTES >> 20
    print(f"two processes pay from {pay} events; the library shares files of {bound} MiB or more")
    write_lines(options.json, [line(f"open {point.events:,} single-row events", point.timing) for point in points])


if __name__ == "__main__":
    main()
