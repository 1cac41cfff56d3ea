"""Power cuts and faults by the hundred: ``python -m tests.bench.faults --cuts 500`` prints how many were survived.

A cut leaves what was synced and some pages, bytes and names of the rest, as a disk without power does; after each the
ledger is opened and must hold what was acknowledged. Whatever does not ends the run.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.faults.cuts import cut_at_every_byte
from tests.faults.test_power import CUTS


def faults(cuts: int, seed: int = 1, step: int = 1) -> str:
    """The table of so many cuts of each kind, and of a cut at every byte of the last lines."""
    rows = ["| power cut while | cuts | survived |", "|---|---:|---:|"]
    for name, cut in CUTS.items():
        draw = random.Random(f"{name} {seed}")
        with tempfile.TemporaryDirectory() as folder:
            for case in range(cuts):
                cut(Path(folder) / str(case), draw)
        rows.append(f"| {name} | {cuts:,} | {cuts:,} |")
    with tempfile.TemporaryDirectory() as folder:
        count = cut_at_every_byte(Path(folder), step)
    rows.append(f"| at every byte | {count:,} | {count:,} |")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    print(faults(options.cuts, options.seed))


if __name__ == "__main__":
    main()
