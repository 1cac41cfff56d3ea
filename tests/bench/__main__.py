"""All benchmarks, and the table of the README.

    python -m tests.bench --data FOLDER     every command of runs.py at full size: about an hour, 3 GB
    python -m tests.bench --only put get    these again; the other lines stay
    python -m tests.bench --table           the pages alone, from what was kept

``--data`` (or ``VECTORDB_BENCH_DATA``) is the folder of real vectors. Peers that are not installed are left out;
``.[test,bench,feast]``, psycopg and pg8000 are all. A command that fails keeps its earlier lines, is named at the end,
and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench import pages
from tests.bench.harness import clock
from tests.bench.runs import FOLDER, RUNS, Run

PINNED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # what would make the peers slower than they are


def measured(run: Run, folder: str | None, more: Sequence[str] = ()) -> dict[str, Any]:
    """Run one command in a process of its own; its lines, command, date and seconds. Raises where it fails."""
    given = [folder or FOLDER if one == FOLDER else one for one in run.arguments]
    if folder is None and FOLDER in given:
        place = given.index(FOLDER)
        del given[place - 1 : place + 1]  # vectors are made instead
    environment = {name: value for name, value in os.environ.items() if name not in PINNED}
    with TemporaryDirectory() as kept:
        path, begun = Path(kept, "lines.json"), clock()
        command = [sys.executable, "-m", f"tests.bench.{run.module}", *given, *more, "--json", str(path)]
        subprocess.run(command, cwd=pages.ROOT, env=environment, check=True)
        told = json.loads(path.read_text("utf-8"))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    about = {"command": run.command, "date": today, "seconds": round(clock() - begun), **told}
    return {name: about[name] for name in ("command", "date", "seconds", "environment", "lines")}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("VECTORDB_BENCH_DATA"), metavar=FOLDER)
    parser.add_argument("--only", nargs="+", choices=[run.name for run in RUNS], metavar="NAME", help="these alone")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    options = parser.parse_args(arguments)
    kept, failed = pages.read(), []
    for run in RUNS:
        if options.table or (options.only and run.name not in options.only):
            continue
        print(f"\n# {run.command}", flush=True)
        try:
            kept[run.name] = measured(run, options.data)
        except subprocess.CalledProcessError as error:
            failed.append(f"{run.name}: exit code {error.returncode}")
        pages.keep(kept)
    pages.keep(kept)
    print(*failed, sep="\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
