"""Kills: ``python -m tests.bench.crash --kills 300`` kills writers at random moments and prints what was left.

After each kill the ledger is opened: the lock is free, every acknowledged write is there with its digest, no half
event, a torn tail is reported, a fresh replay shows the same state, copies are whole. Whatever is not so ends the run.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.faults.killing import Killer, table


def crash(kills: int, seed: int = 1) -> str:
    """The table of so many kills, over every mode and policy in turn."""
    with tempfile.TemporaryDirectory() as folder, Killer(Path(folder), seed) as killer:
        killer.kill_many(kills)
    return table(killer.counts)


def main(arguments: Sequence[str] | None = None) -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    print(crash(options.kills, options.seed))


if __name__ == "__main__":
    main()
