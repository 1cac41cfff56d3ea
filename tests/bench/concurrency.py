"""Concurrency: threads that write, read, erase and compact for as long as asked; every answer judged afterwards.

    python -m tests.bench.concurrency --seconds 60

Runs of two seconds with another seed each, in memory, in a file and in a lazy one with a follower. It prints how many
answers of each kind were judged, and ends with an error at the first that is of no offset within its call.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from tests.bench.lines import Line, write_lines
from tests.concurrency.load import Load
from tests.concurrency.test_answers import judged

RUN_S = 2.0
KINDS = ("memory", "file", "lazy")


def measure(seconds: float, first_seed: int = 0, run_seconds: float = RUN_S) -> tuple[Counter[str], int, int]:
    """Answers by kind, events written, and runs."""
    met: Counter[str] = Counter()
    events, seed, end = 0, first_seed, monotonic() + seconds
    while monotonic() < end or seed == first_seed:
        kind = KINDS[seed % len(KINDS)]
        with tempfile.TemporaryDirectory() as folder:
            path = None if kind == "memory" else Path(folder) / "events.jsonl"
            load = Load(seed, path, lazy=kind == "lazy")
            try:
                met += judged(load, run_seconds).met
            except BaseException as error:
                error.add_note(f"concurrency: --first-seed {seed} ({kind})")
                raise
            events += load.db.head
        seed += 1
    return met, events, seed - first_seed


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--run-seconds", type=float, default=RUN_S)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    asked = parser.parse_args(arguments)
    met, events, runs = measure(asked.seconds, asked.first_seed, asked.run_seconds)
    print(f"{met.total():,} answers judged beside {events:,} events, in {runs} runs: {dict(met)}")
    what = "threads that write, read, search, erase and compact; each answer judged at an offset within its call"
    told = f"{met.total():,} right answers beside {events:,} events, in {runs} runs"
    write_lines(asked.json, [Line(what, told, "every answer", met=True)])


if __name__ == "__main__":
    main()
