"""Files under attack: killed half-way, full disks, devices, what a format cannot hold, erasure meanwhile."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import sqlite3
import stat
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.exporting.test_files import FORMATS, numbers
from tests.vectordb.world import START, World
from vectordb import Float, InvalidInput, Text, VectorDB


def in_a_child(work: Callable[[], None]) -> int:
    """The status of a child process that does some work: negative where a signal ended it."""
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("ending", FORMATS)
def test_a_process_that_is_killed_leaves_the_file_that_was_there(tmp_path: Path, ending: str) -> None:
    db, path = numbers(2_300), tmp_path / f"v.{ending}"
    path.write_bytes(b"what was there before")

    def die(done: int, of: int | None) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    killed = in_a_child(lambda: db.export.view("v", path, progress=die) and None)
    assert killed == -signal.SIGKILL and path.read_bytes() == b"what was there before"
    assert all(other.suffix == ".tmp" for other in tmp_path.iterdir() if other != path)
    assert db.export.view("v", path).nbytes == path.stat().st_size > 10_000


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("ending", FORMATS)
def test_a_disk_that_is_full(tmp_path: Path, ending: str) -> None:
    """The error reaches the caller, and neither half a file nor a temporary one stays."""
    db, path = numbers(2_300), tmp_path / f"v.{ending}"
    path.write_bytes(b"what was there before")

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            db.export.view("v", path)
        except (OSError, sqlite3.Error):
            return
        raise AssertionError

    assert in_a_child(fill) == 0
    assert path.read_bytes() == b"what was there before" and list(tmp_path.iterdir()) == [path]


def test_devices_pipes_and_folders_are_left_alone(tmp_path: Path) -> None:
    """A rename puts a file in the place of whatever is there: of /dev/null, where root exports to it."""
    db = numbers(3)
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    for path in (tmp_path / "pipe.csv", tmp_path / "folder.csv"):
        with pytest.raises(InvalidInput, match="regular file"):
            db.export.view("v", path)
    with pytest.raises(InvalidInput, match="regular file"):
        db.export.everything(tmp_path / "pipe.csv")
    assert stat.S_ISFIFO((tmp_path / "pipe.csv").stat().st_mode) and len(list(tmp_path.iterdir())) == 2


def test_links_stay_and_paths_may_be_bytes(tmp_path: Path) -> None:
    db, target, link = numbers(3), tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("before")
    link.symlink_to(target)
    assert db.export.view("v", link).rows == 3
    assert link.is_symlink() and target.read_text().startswith('"e","x"')
    assert db.export.view("v", os.fsencode(tmp_path / "b.csv")).format == "csv"  # type: ignore[arg-type]


def test_sqlite_takes_every_name_of_a_view(tmp_path: Path) -> None:
    db = VectorDB(auto_index=False)
    for name in ("sqlite_stat1", "select", "events", "SQLITE_x"):
        db.create_view(name, entity="group", features={"order": Float()}).put("a", {"order": 0.5})
    db.export.everything(tmp_path / "all.sqlite")
    db.export.view("sqlite_stat1", tmp_path / "one.sqlite")
    with closing(sqlite3.connect(tmp_path / "all.sqlite")) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        assert {"_sqlite_stat1", "_SQLITE_x", "select", "events", "events_"} <= names
        assert connection.execute('SELECT "group", "order" FROM "select"').fetchall() == [("a", 0.5)]
    wide = db.create_view("wide", entity="e", features={f"f{place}": Float() for place in range(2_000)})
    with pytest.raises(InvalidInput, match="so many columns"):
        db.export.view(wide.name, tmp_path / "wide.sqlite")


def test_a_status_is_not_named_like_the_entity(tmp_path: Path) -> None:
    """Two columns of one name were one key of JSON: the ids were gone."""
    db = VectorDB(auto_index=False)
    db.create_view("v", entity="x__status", features={"x": Float()}).put("a", {"x": 1.0})
    db.export.view("v", tmp_path / "v.jsonl", statuses=True)
    assert json.loads((tmp_path / "v.jsonl").read_text()) == {"x__status": "a", "x": 1.0, "x__status_": "present"}


def spine(**labels: Any) -> tuple[World, Any]:
    world = World()
    world.put("d-7", at=0, trips=3)
    service = world.db.create_service("s", features=["drivers:trips"])
    return world, service.training_set({"driver": ["d-7"], "time": [START + 1], **labels})


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1d1", "\uff0b1"])
def test_formulas_are_harmless_in_headers_too(tmp_path: Path, text: str) -> None:
    world, training = spine(**{text: [text]})
    for safe in (False, True):
        world.db.export.training_set(training, tmp_path / "t.csv", formula_safe=safe)
        with open(tmp_path / "t.csv", newline="", encoding="utf-8") as file:
            header, line = csv.reader(file)
        assert [header[-1], line[-1]] == [f"'{text}" if safe else text] * 2


@pytest.mark.parametrize("ending", ["csv", "jsonl", "npz", "sqlite"])
def test_what_no_file_holds_is_refused_by_name(tmp_path: Path, ending: str) -> None:
    for name, value, rule in (("a\0b", 1, "no NUL"), ("text", "\ud800", "UTF-8"), ("blob", b"x", "one kind")):
        world, training = spine(**{name: [value]})
        with pytest.raises(InvalidInput, match=rule):
            world.db.export.training_set(training, tmp_path / f"t.{ending}")
    assert list(tmp_path.iterdir()) == []


def test_hostile_labels_are_columns_of_sqlite(tmp_path: Path) -> None:
    name = "x'\"); DROP TABLE training_set;--"
    world, training = spine(**{name: ["y'\"); DROP TABLE training_set;--"]})
    world.db.export.training_set(training, tmp_path / "t.sqlite")
    with closing(sqlite3.connect(tmp_path / "t.sqlite")) as connection:
        (row,) = connection.execute("SELECT * FROM training_set").fetchall()
        columns = [one[1] for one in connection.execute("PRAGMA table_info(training_set)")]
    assert row[-1] == "y'\"); DROP TABLE training_set;--" and columns[-1] == name
    world, training = spine(big=[10**30])
    for ending in ("npz", "sqlite"):  # SQLite made a float of it
        with pytest.raises(InvalidInput, match="64 bits"):
            world.db.export.training_set(training, tmp_path / f"big.{ending}")


def test_times_of_numpy_have_no_zone(tmp_path: Path) -> None:
    """As plain numbers they were nanoseconds, which nobody could tell."""
    numpy = pytest.importorskip("numpy")
    world, training = spine(due=numpy.array(["2026-01-01"], "M8[ns]"))
    with pytest.raises(InvalidInput, match="aware datetimes"):
        world.db.export.training_set(training, tmp_path / "t.jsonl")
    with pytest.raises(InvalidInput, match="aware datetimes"):
        training.table()


def test_who_is_erased_meanwhile_is_not_written(tmp_path: Path) -> None:
    db = numbers(2_300)

    def erase(done: int, of: int | None) -> None:
        if done == 1_000:
            db.erase("v", 1_500, reason="asked for")

    told = db.export.view("v", tmp_path / "v.jsonl", progress=erase)
    ids = [json.loads(line)["e"] for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    assert told.rows == 2_299 == len(ids) and 1_500 not in ids and told.left_out == {"erased rows": 1}


@pytest.mark.parametrize("table", ["history", "log"])
def test_memory_of_other_tables_does_not_grow_either(tmp_path: Path, table: str) -> None:
    peaks = []
    for size in (1_500, 3_500):
        db = VectorDB(auto_index=False)
        view = db.create_view("v", entity="e", features={"x": Float(), "t": Text()})
        for start in range(0, size, 500):
            view.put_many({"e": list(range(start, start + 500)), "x": [0.5] * 500, "t": ["some text"] * 500})
        tracemalloc.start()
        if table == "log":
            db.export.log(tmp_path / "f.jsonl")
        else:
            db.export.history("v", tmp_path / "f.csv")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] and peaks[1] - peaks[0] < 2_000 * 60, peaks
