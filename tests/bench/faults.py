"""Power cuts and faults by the hundred: ``python -m tests.bench.faults --cuts 500`` prints how many were survived.

A cut leaves what was synced and some pages, bytes and names of the rest, as a disk without power does; after each the
ledger is opened and must hold what was acknowledged. Whatever does not ends the run.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench.lines import Line, write_lines
from tests.faults.cuts import cut_at_every_byte
from tests.faults.test_power import CUTS


def faults(cuts: int, seed: int = 1, step: int = 1) -> dict[str, int]:
    """Cuts survived: so many of each kind, and one at every byte of the last lines; any other ends the run."""
    survived = {}
    for name, cut in CUTS.items():
        draw = random.Random(f"{name} {seed}")
        with tempfile.TemporaryDirectory() as folder:
            for case in range(cuts):
                cut(Path(folder) / str(case), draw)
        survived[name] = cuts
    with tempfile.TemporaryDirectory() as folder:
        survived["at every byte"] = cut_at_every_byte(Path(folder), step)
    return survived


def table(survived: Mapping[str, int]) -> str:
    """Markdown: a row a kind."""
    rows = [f"| {name} | {cuts:,} |" for name, cuts in survived.items()]
    return "\n".join(["| power cut while | survived |", "|---|---:|", *rows])


def lines(survived: Mapping[str, int]) -> Iterator[Line]:
    """All of them together."""
    total = sum(survived.values())  # ints
    told = f"{total:,} of {total:,} cuts"
    each = f"{survived['at every byte']:,} of them at every byte of the last lines"
    yield Line(f"power cuts, {each}", told, "what was acknowledged as synced", met=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    options = parser.parse_args(arguments)
    survived = faults(options.cuts, options.seed)
    print(table(survived))
    write_lines(options.json, lines(survived))


if __name__ == "__main__":
    main()
