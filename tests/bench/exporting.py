"""exporting: a view's rows and its history to files, beside the standard library's csv over the same batch read."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from tests.bench.data import FLOATS, filled
from tests.bench.harness import Benchmark, Candidate
from tests.bench.report import main
from vectordb import VectorDB

SIZE = 20_000  # entities, ten floats each
FORMATS = ("csv", "jsonl", "npz", "npy", "sqlite")


def benchmarks(size: int) -> Iterator[Benchmark]:
    """The same rows in every format."""
    db, folder = filled(size, size), tempfile.mkdtemp()
    try:
        rows = [
            _writer(f"ours, {one}", f"db.export.view to {one}", size, folder, _view(db, one)) for one in FORMATS
        ]
        floor = "csv.writer over view.get_many of all: everything in memory, no statuses"
        rows.append(_writer("csv module", floor, size, folder, lambda path: _by_hand(db, path)))
        yield Benchmark("export of a view, 10 floats", "rows/s", rows)
        history = [
            _writer(f"ours, {one}", f"db.export.history to {one}", size, folder, _history(db, one))
            for one in ("csv", "jsonl")
        ]
        history.append(_writer("log", "db.export.log to jsonl", size, folder, _log(db)))
        yield Benchmark("export of a history, 10 floats", "rows/s", history)
    finally:
        db.close()
        shutil.rmtree(folder)


def _view(db: VectorDB, form: str) -> Callable[[str], Any]:
    features = list(FLOATS)
    return lambda path: db.export.view("drivers", path, features=features, format=form)


def _history(db: VectorDB, form: str) -> Callable[[str], Any]:
    return lambda path: db.export.history("drivers", path, format=form)


def _log(db: VectorDB) -> Callable[[str], Any]:
    return lambda path: db.export.log(path, start=2, format="jsonl")


def _by_hand(db: VectorDB, path: str) -> None:
    view = db.view("drivers")
    ids = view.entities()
    matrix = view.get_many(ids, features=list(FLOATS))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["driver", *matrix.names])
        writer.writerows((entity, *row) for entity, row in zip(ids, matrix.to_rows()))


def _writer(name: str, does: str, size: int, folder: str, write: Callable[[str], Any]) -> Candidate:
    path = os.path.join(folder, name.replace(" ", "_"))

    def run(_: None) -> Any:
        return write(path)

    return Candidate(name, does, size, run, answer=lambda _, told: getattr(told, "rows", size))


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
