"""quick start: seconds from a file to the first answers, by a replay and from a checkpoint, each in a fresh process.

    python -m tests.bench.quick_start --rows 1000000 --vectors 1000000 --data descriptors.u8
    python -m tests.bench.quick_start --rows 1000000 --vectors 0 --single

The ledger holds rows of ten floats in one view and vectors with a built index in another, written in batches or as
single puts. A start ends with the first read and the first search; its answers must be those of the process that wrote.
The files are warm: the operating system has them in memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.bench.data import FLOATS, make_columns, make_puts
from tests.bench.harness import clock
from tests.bench.lines import Line, seconds, write_lines
from tests.bench.vector_data import Data, descriptors, folder_of, made
from vectordb import Vector, VectorDB

CHUNK_ROWS = 50_000
QUERIES = 20
LEDGER, CHECKPOINT, TOLD = "ledger.jsonl", "checkpoint", "told.json"
WAYS = ("replay", "replay, lazily", "checkpoint", "checkpoint, lazily")


class Start(NamedTuple):
    """One start; seconds from the call of ``open``."""

    way: str
    opened: float
    read: float  # the first get is answered
    searched: float  # and the first search
    megabytes: float
    covered: int  # events that the checkpoint saved
    answers: list[Any]


class Told(NamedTuple):
    """What is asked of every start, and what it has to answer."""

    entities: list[str]
    queries: list[list[float]]
    answers: list[Any]


def write(folder: Path, rows: int, data: Data | None, single: bool) -> Told:
    """Write ledger and checkpoint into a folder."""
    with VectorDB.open(folder / LEDGER, seed=1, auto_index=False) as db:
        drivers = db.create_view("drivers", entity="driver", features=FLOATS)
        if single:
            for entity, values in make_puts(rows, rows):
                drivers.put(entity, values)
        else:
            drivers.load(make_columns(rows, rows), chunk_rows=CHUNK_ROWS)
        if data is not None:
            _write_vectors(db, data, single)
        db.checkpoint(folder / CHECKPOINT)
        queries = [] if data is None else [list(query) for query in data.asked[:QUERIES]]
        entities = [f"d-{place}" for place in (rows // 3, 0, rows - 1)]
        return Told(entities, queries, _answers(db, entities, queries))


def _write_vectors(db: VectorDB, data: Data, single: bool) -> None:
    kind = Vector(data.dim, metric=data.metric, dtype=data.dtype)
    items = db.create_view("items", entity="item", features={"profile": kind})
    if single:
        for place, cell in enumerate(data.cells):
            items.put(place, {"profile": cell})
    else:
        items.load({"item": list(range(len(data))), "profile": data.cells}, chunk_rows=CHUNK_ROWS)
    items.index("profile").build()


def _answers(db: VectorDB, entities: list[str], queries: list[list[float]]) -> list[Any]:
    """Of a few reads and searches, to the last bit."""
    drivers = db.view("drivers")
    found: list[Any] = [[drivers.get(entity)[name].hex() for name in FLOATS] for entity in entities]
    for query in queries:
        hits = db.view("items").search("profile", query, k=10)
        found.append([[hit.entity, hit.distance.hex()] for hit in hits])
    return found


def start(folder: Path, way: str, told: Told) -> Start:
    """Open, read, search; then everything that is asked, outside the time."""
    checkpoint = folder / CHECKPOINT if way.startswith("checkpoint") else None
    begun = clock()
    db = VectorDB.open(
        folder / LEDGER, checkpoint=checkpoint, lazy=way.endswith("lazily"), read_only=True, auto_index=False
    )
    opened = clock() - begun
    db.view("drivers").get(told.entities[0])
    read = clock() - begun
    if told.queries:
        db.view("items").search("profile", told.queries[0], k=10)
    searched = clock() - begun
    megabytes = _megabytes()
    answers = _answers(db, told.entities, told.queries if checkpoint else [])
    covered = db.opened.checkpoint
    db.close()
    return Start(way, opened, read, searched, megabytes, covered, answers)


def _megabytes() -> float:
    """The most that this process had in memory."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def run(
    rows: int, data: Callable[[], Data | None], single: bool, folder: Path, ways: Sequence[str] = WAYS
) -> Iterator[Start]:
    """Write once (where the folder has nothing yet), then start by each way in a process of its own."""
    told_path = folder / TOLD
    if not told_path.exists():
        told_path.write_text(json.dumps(write(folder, rows, data(), single)))
    expected = Told(*json.loads(told_path.read_text())).answers
    for way in ways:
        command = [sys.executable, "-m", "tests.bench.quick_start", "--child", str(folder), "--way", way]
        one = Start(*json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        if one.answers != expected[: len(one.answers)]:
            raise AssertionError(f"{way}: other answers than before\n{one.answers!r:.500}\n{expected!r:.500}")
        yield one


def lines(starts: Sequence[Start], rows: int, vectors: int) -> Iterator[Line]:
    """A line a start. The bar is of a million of each; a replay has no index, which it was never built."""
    for one in starts:
        barred = one.way == "checkpoint" and rows >= 1_000_000
        yield Line(
            f"reopen {rows:,} rows and {vectors:,} x 128 vectors: {one.way}",
            f"first read after {seconds(one.read)}, first search after {seconds(one.searched)}, "
            f"{one.megabytes:,.0f} MB",
            "≤ 10 s" if barred else "",
            met=one.searched <= 10 if barred else None,
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure the time to the first answers.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--vectors", type=int, default=20_000)
    parser.add_argument("--single", action="store_true", help="an event a row, instead of batches")
    parser.add_argument("--data", help="descriptors.u8 or its folder; else vectors are made")
    parser.add_argument("--dtype", choices=("uint8", "float32"), default="uint8", help="of the descriptors")
    parser.add_argument("--keep", help="a folder in which ledger and checkpoint are left, and found again")
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        told = Told(*json.loads(Path(options.child, TOLD).read_text()))
        print(json.dumps(start(Path(options.child), options.way[0], told)))
        return
    print(*Start._fields[:-1], sep=" | ")
    starts = []
    with TemporaryDirectory() as folder:
        data = partial(_data, options.vectors, options.data, options.dtype)
        for one in run(options.rows, data, options.single, Path(options.keep or folder), options.way or WAYS):
            starts.append(one)
            shown = (f"{value:,.2f}" if isinstance(value, float) else value for value in one[:-1])
            print(*shown, sep=" | ", flush=True)
    write_lines(options.json, lines(starts, options.rows, options.vectors))


def _data(vectors: int, given: str | None, dtype: str) -> Data | None:
    folder = folder_of(given)
    if not vectors:
        return None
    return made(vectors, 128) if folder is None else descriptors(folder, vectors, dtype=dtype)


if __name__ == "__main__":
    main()
