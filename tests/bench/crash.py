"""Kills: ``python -m tests.bench.crash --kills 300`` kills writers at random moments and prints what was left.

After each kill the ledger is opened: the lock is free, every acknowledged write is there with its digest, no half
event, a torn tail is reported, a fresh replay shows the same state, copies are whole. Whatever is not so ends the run.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.lines import Line, write_lines
from tests.faults.killing import Counts, Killer, table


def crash(kills: int, seed: int = 1) -> Counts:
    """What so many kills left, over every mode and policy in turn."""
    with tempfile.TemporaryDirectory() as folder, Killer(Path(folder), seed) as killer:
        killer.kill_many(kills)
    return killer.counts


def lines(counts: Counts) -> Iterator[Line]:
    """All of them together."""
    total: Counter[str] = Counter()
    for found in counts.values():
        total.update(found)
    acknowledged, found_again = total["acknowledged"], total["found"]
    yield Line(
        "SIGKILL of writers, snapshots, checkpoints, erasures and compactions, under each `fsync`",
        f"{total['kills']:,} kills: {found_again:,} of {acknowledged:,} acknowledged writes found, "
        f"{total['torn tails']:,} torn tails reported",
        "every acknowledged write",
        met=found_again == acknowledged,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    options = parser.parse_args(arguments)
    counts = crash(options.kills, options.seed)
    print(table(counts))
    write_lines(options.json, lines(counts))


if __name__ == "__main__":
    main()
