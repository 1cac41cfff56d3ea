"""Load: batches by many readers while a writer is idle or busy, uniform or Zipf; and mixed queries for minutes.

    python -m tests.bench.load --size 200000 --seconds 1
    python -m tests.bench.load --minutes 10

Readers are threads of one process, as in a server: p50 and p99 of one call, and calls a second of all of them. The
mixed run prints memory and p99 by slices of its time, which should stay flat.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from math import fsum
from pathlib import Path
from random import Random
from statistics import quantiles
from threading import Event, Thread
from typing import Any, NamedTuple

from tests.bench.data import FLOATS, filled, float_row
from tests.bench.harness import clock
from tests.bench.lines import Line, seconds, write_lines
from vectordb import Service, VectorDB

BATCHES = (1, 10, 100, 1_000)
READERS = (1, 4, 16)
KEYS = [f"drivers:{name}" for name in FLOATS]
SLICES = 10


class Load(NamedTuple):
    """One cell of the grid; latencies in microseconds."""

    batch: int
    readers: int
    writer: str
    ids: str
    calls: float  # a second
    p50: float
    p99: float
    writes: float  # a second


class Slice(NamedTuple):
    """A part of a mixed run."""

    seconds: float
    calls: int
    p99: float
    megabytes: float


def grid(
    size: int, seconds: float, batches: Sequence[int] = BATCHES, readers: Sequence[int] = READERS
) -> Iterator[Load]:
    """Every combination, one after the other."""
    db = filled(size, size)
    service = db.create_service("ranker", features=KEYS)
    service.get_many([f"d-{number}" for number in range(size)])
    for batch in batches:
        for count in readers:
            for busy in (False, True):
                for zipf in (False, True):
                    yield _cell(db, service, size, _Cell(batch, count, busy, zipf, seconds))
    db.close()


class _Cell(NamedTuple):
    batch: int
    readers: int
    busy: bool
    zipf: bool
    seconds: float


def _cell(db: VectorDB, service: Service, size: int, cell: _Cell) -> Load:
    stop, taken = Event(), [[] for _ in range(cell.readers)]
    draw = drawer(size, cell.zipf)
    written: list[int] = [0]
    threads = [
        Thread(target=_read, args=(service, draw, cell.batch, Random(number), stop, own))
        for number, own in enumerate(taken)
    ]
    if cell.busy:
        threads.append(Thread(target=_write, args=(db, draw, Random(-1), stop, written)))
    begun = clock()
    for thread in threads:
        thread.start()
    stop.wait(cell.seconds)
    stop.set()
    for thread in threads:
        thread.join()
    spent = clock() - begun
    times = sorted(time for own in taken for time in own) or [0.0]
    p99 = times[min(len(times) - 1, int(0.99 * len(times)))]
    names = ("busy" if cell.busy else "idle", "zipf" if cell.zipf else "uniform")
    rates = (len(times) / spent, times[len(times) // 2], p99, written[0] / spent)
    return Load(cell.batch, cell.readers, *names, *rates)


def drawer(size: int, zipf: bool) -> Callable[[Random, int], list[str]]:
    """Draws ids: all alike, or the n-th with a share of 1 / n."""
    if not zipf:
        return lambda random, count: [f"d-{random.randrange(size)}" for _ in range(count)]
    weights = list(accumulate(1.0 / (rank + 1) for rank in range(size)))
    return lambda random, count: [f"d-{rank}" for rank in random.choices(range(size), cum_weights=weights, k=count)]


def _read(service: Service, draw: Any, batch: int, random: Random, stop: Event, taken: list[float]) -> None:
    asked = [draw(random, batch) for _ in range(max(1, 2_000 // batch))]
    get, get_many = service.get, service.get_many
    while not stop.is_set():
        for ids in asked:
            start = clock()
            if batch == 1:
                get(ids[0])
            else:
                get_many(ids)
            taken.append((clock() - start) * 1e6)


def _write(db: VectorDB, draw: Any, random: Random, stop: Event, written: list[int]) -> None:
    view, rows = db.view("drivers"), [float_row(random) for _ in range(100)]
    while not stop.is_set():
        for entity in draw(random, 100):
            view.put(entity, rows[written[0] % 100])
            written[0] += 1


# -- minutes -------------------------------------------------------------------------------------------------------


def sustained(size: int, seconds: float, slices: int = SLICES) -> Iterator[Slice]:
    """Single reads, batches, pasts, joins and writes by turns; one slice after the other."""
    db = filled(size, size)
    service, random = db.create_service("ranker", features=KEYS), Random(1)
    draw, view, first = drawer(size, True), db.view("drivers"), db.head
    for _ in range(slices):
        begun, taken, step = clock(), [], 0
        while clock() - begun < seconds / slices:
            ids, step = draw(random, 100), step + 1
            start = clock()
            service.get(ids[0])
            service.get_many(ids)
            if step % 10 == 0:
                db.as_of(random.randrange(first, db.head + 1)).service("ranker").get_many(ids[:10])
                service.training_set({"driver": ids[:10], "time": [db.at] * 10})
            taken.append((clock() - start) * 1e6)
            if step % 50 == 0:
                view.put(ids[1], float_row(random))
        p99 = quantiles(taken, n=100)[98] if len(taken) > 100 else max(taken)
        yield Slice(clock() - begun, len(taken), p99, _megabytes())
    db.close()


def _megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


# -- what is told --------------------------------------------------------------------------------------------------


def lines(cells: Sequence[Any]) -> Iterator[Line]:
    """A line a batch, by its hardest and its easiest cell; or one for a mixed run."""
    if cells and isinstance(cells[0], Slice):
        worst, first, last = [one.p99 for one in cells], cells[0], cells[-1]
        minutes = fsum(one.seconds for one in cells) / 60
        told = f"p99 {_us(min(worst))} to {_us(max(worst))}, {last.megabytes - first.megabytes:,.0f} MB more at the end"
        yield Line(f"single reads, batches, pasts, joins and writes for {minutes:.0f} minutes", told)
        return
    for batch in dict.fromkeys(one.batch for one in cells):
        own = [one for one in cells if one.batch == batch]
        alone = next(one for one in own if one.readers == min(cell.readers for cell in own) and one.writer == "idle")
        full = next(one for one in reversed(own) if one.writer == "busy")
        yield Line(
            f"reads of {batch:,} by {full.readers} threads while one writes all the time, ids by Zipf",
            f"p50 {_us(full.p50)}, p99 {_us(full.p99)}, {full.calls:,.0f} calls/s beside {full.writes:,.0f} writes/s",
            beside=f"one thread, no writer: p50 {_us(alone.p50)}, p99 {_us(alone.p99)}",
        )


def _us(microseconds: float) -> str:
    return seconds(microseconds / 1e6)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure reads under load.")
    parser.add_argument("--size", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=1.0, help="of every cell")
    parser.add_argument("--minutes", type=float, default=0.0, help="of mixed queries, instead of the grid")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    options = parser.parse_args(arguments)
    rows: Iterator[Any] = grid(options.size, options.seconds)
    if options.minutes:
        rows = sustained(options.size, options.minutes * 60)
    found = []
    for row in rows:
        if not found:
            print(*row._fields, sep=" | ")
        found.append(row)
        print(*(f"{value:,.0f}" if isinstance(value, float) else value for value in row), sep=" | ", flush=True)
    write_lines(options.json, lines(found))


if __name__ == "__main__":
    main()
