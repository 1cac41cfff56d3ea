"""soak: writes, deletes and reads over many entities for a long time; speed, memory and collections by windows.

    python -m tests.bench.soak --rows 10000000 --entities 1000000        # 3 GB, some ten minutes
    python -m tests.bench.soak --rows 1000000 --entities 200000
    python -m tests.bench.soak --rows 1000000 --entities 20000 --retention 100000   # compacted every so many events
    python -m tests.bench.soak --leaks                                   # what reads and the like leave behind

Single-row events of ten floats. One put in a hundred makes a new entity, and the oldest is deleted. Every write is
followed by a read of a random living entity; both are timed, which costs some 0.2 us each. Latencies are of one thread,
the garbage collector on and untouched: its collections are in them, and told apart by ``gc.callbacks``.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from math import fsum
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.bench.data import FLOATS, float_row, make_database
from tests.bench.harness import clock
from tests.bench.lines import Line, figures, seconds, write_lines
from tests.bench.soak_leaks import Leak, leaks
from vectordb import Pruned, VectorDB, verify_inclusion

Timer = Callable[[], float]
CHURN = 100  # puts to one birth and one death
FIRST_PROOF = 2  # the offset whose proof has to hold to the end


class Window(NamedTuple):
    """A part of the run; times in microseconds but for the collections, which are in milliseconds."""

    events: int  # so far
    rate: float  # writes a second, the reads between them included
    get_p50: float
    get_p99: float
    get_p999: float
    get_max: float
    put_p50: float
    put_p99: float
    put_p999: float
    put_max: float
    collections: int  # full ones
    paused: float  # the longest collection
    share: float  # of the time spent in collections, in percent
    megabytes: float  # resident
    per_event: float  # bytes more than before the first, for each event so far


class Collections:
    """What the garbage collector did, by ``gc.callbacks``."""

    def __init__(self) -> None:
        self.clear()
        self._begun = 0.0
        gc.callbacks.append(self._note)

    def clear(self) -> None:
        """Count anew."""
        self.full, self.longest, self.spent = 0, 0.0, 0.0

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._begun = time.thread_time()  # not the clock: other processes make no collection long
            return
        took = time.thread_time() - self._begun
        self.full += info["generation"] == 2
        self.longest, self.spent = max(self.longest, took), self.spent + took

    def close(self) -> None:
        """Note no more."""
        gc.callbacks.remove(self._note)


class Herd:
    """Entities that are born and die: those from ``oldest`` up to, not including, ``next``."""

    def __init__(self, count: int, random: Random) -> None:
        self.oldest, self.next, self.random = 0, count, random

    def pick(self) -> str:
        """A living one."""
        return f"d-{self.random.randrange(self.oldest, self.next)}"


def soak(rows: int, entities: int, windows: int, retention: int = 0, timer: Timer = clock) -> Iterator[Window]:
    """Write ``rows`` events; with ``retention``, keep the last so many and compact what lies before."""
    random = Random(1)
    gc.collect()
    before, seen, db = resident(), Collections(), make_database(FLOATS)
    herd = Herd(entities, random)
    try:
        for place in range(min(entities, rows)):
            db.view("drivers").put(f"d-{place}", float_row(random))
        for _ in range(windows):
            seen.clear()
            yield _window(db, herd, max(1, (rows - entities) // windows), seen, before, timer)
            if retention and db.head > 2 * retention:
                compact(db, retention, herd)
    finally:
        seen.close()
        db.close()


def _window(db: VectorDB, herd: Herd, rows: int, seen: Collections, before: float, timer: Timer) -> Window:
    view, random, first = db.view("drivers"), herd.random, db.head
    put, get = view.put, view.get
    puts, gets = array("d"), array("d")
    begun = timer()
    for step in range(rows):
        entity, values, asked = herd.pick(), float_row(random), herd.pick()
        start = timer()
        put(entity, values)
        middle = timer()
        row = get(asked)
        puts.append(middle - start)
        gets.append(timer() - middle)
        assert row.found
        if step % CHURN == 0:
            view.delete(f"d-{herd.oldest}")
            put(f"d-{herd.next}", values)
            herd.oldest, herd.next = herd.oldest + 1, herd.next + 1
    spent = timer() - begun
    megabytes = resident()
    pauses = (seen.full, seen.longest * 1e3, 100 * seen.spent / spent)
    each = (megabytes - before) * 2**20 / db.head
    return Window(db.head, (db.head - first) / spent, *_spread(gets), *_spread(puts), *pauses, megabytes, each)


def _spread(times: array[float]) -> tuple[float, float, float, float]:
    """Median, 99 %, 99.9 % and the longest, in microseconds."""
    ordered = sorted(times)
    last = len(ordered) - 1
    p50, p99, p999 = (ordered[round(share * last)] * 1e6 for share in (0.5, 0.99, 0.999))
    return p50, p99, p999, ordered[last] * 1e6


def compact(db: VectorDB, kept: int, herd: Herd) -> float:
    """Let go all but the last events; state, proofs and the promise of earlier reads must stand. Its seconds."""
    asked = [herd.pick() for _ in range(20)]
    below = db.head - kept
    root, digest, proof = db.audit.root(below), db.digest(), db.audit.proof(FIRST_PROOF, below)
    shown = [dict(reader.view("drivers").get(entity)) for entity in asked for reader in (db, db.as_of(below))]
    begun, head = clock(), db.head
    db.compact(below=below)
    spent = clock() - begun
    again = [dict(reader.view("drivers").get(entity)) for entity in asked for reader in (db, db.as_of(below))]
    assert again == shown and db.digest(head) == digest
    assert db.audit.root(below) == root and verify_inclusion(**proof.to_dict())
    assert db.audit.proof(FIRST_PROOF, below) == proof
    try:
        db.as_of(below - 1)
    except Pruned:
        return spent
    raise AssertionError(f"an offset before {below} can still be read as of")


def resident() -> float:
    """Megabytes in memory now (its greatest so far where the system does not tell)."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def lines(windows: Sequence[Window], entities: int) -> Iterator[Line]:
    """What one may rely on for as long as it runs: the same latencies, bounded memory, short collections."""
    what = f"{windows[-1].events:,} events, {entities:,} entities with churn, a read after every write"
    each, read = windows[-1].per_event, max(one.get_p999 for one in windows)
    yield Line(f"{what}: memory", f"{figures(each)} B an event", "≤ 300 B", met=each <= 300)
    yield Line(
        f"the same: `get` in {len(windows)} windows",
        f"p50 {_range([one.get_p50 for one in windows])}, p99.9 {_range([one.get_p999 for one in windows])}",
        "p99.9 ≤ 1 ms",
        met=read <= 1_000,
    )
    puts = f"p50 {_range([one.put_p50 for one in windows])}, p99.9 {_range([one.put_p999 for one in windows])}"
    yield Line("the same: `put`", puts)
    share, longest = max(one.share for one in windows), max(one.paused for one in windows) / 1e3
    full = sum(one.collections for one in windows)  # ints
    told = f"at most {figures(share)} % of a window, longest {seconds(longest)}, {full} full ones"
    yield Line("the same: garbage collection", told)


def _range(microseconds: Sequence[float]) -> str:
    return f"{seconds(min(microseconds) / 1e6)} to {seconds(max(microseconds) / 1e6)}"


def leak_lines(found: Sequence[Leak]) -> Iterator[Line]:
    """One line for all kinds."""
    left, most = fsum(one.bytes_a_turn * one.turns for one in found), max(found, key=lambda one: one.bytes_a_turn)
    told = f"{left / 1e3:,.0f} kB after {most.turns} turns of each of {len(found)} kinds, most by {most.what}"
    yield Line("what reads, searches, pasts, forks and the like leave behind", told, "nothing that grows")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Write and read for a long time.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--entities", type=int, default=200_000)
    parser.add_argument("--windows", type=int, default=10)
    parser.add_argument("--retention", type=int, default=0, help="events kept by compactions; 0: all")
    parser.add_argument("--leaks", action="store_true")
    parser.add_argument("--cpu", action="store_true", help="count the time of this thread: on a busy machine")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    options = parser.parse_args(arguments)
    found: Iterator[Any] = leaks()
    if not options.leaks:
        timer = time.thread_time if options.cpu else clock
        found = soak(options.rows, options.entities, options.windows, options.retention, timer)
    rows: list[Any] = []
    for row in found:
        if not rows:
            print(*row._fields, sep=" | ")
        rows.append(row)
        print(*(f"{value:,.1f}" if isinstance(value, float) else value for value in row), sep=" | ", flush=True)
    write_lines(options.json, leak_lines(rows) if options.leaks else lines(rows, options.entities))


if __name__ == "__main__":
    main()
