"""Files that are there whole or not at all, with every call failing once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger import ManualClock, ReadOnlyLedger
from tests.faults.agreement import LATE, assert_agrees, beside, shown
from tests.faults.faulty_files import BROKEN_DISK, NO_SPACE, FaultyFiles, opened
from tests.faults.writes import WRITES, world
from tests.ledger.storage.samples import START, reopened
from vectordb import VectorDB

INTERRUPT = KeyboardInterrupt("by hand")
OLD = b"what was there"

WHOLE: dict[str, Callable[[VectorDB, Path], Any]] = {
    "snapshot": lambda db, path: db.snapshot(path),
    "checkpoint": lambda db, path: db.checkpoint(path),
    "jsonl": lambda db, path: db.export.log(path, format="jsonl"),
    "csv": lambda db, path: db.export.view("users", path, format="csv"),
    "npy": lambda db, path: db.export.view("users", path, features=["age"], format="npy"),
    "npz": lambda db, path: db.export.view("users", path, format="npz"),
    "sqlite": lambda db, path: db.export.view("users", path, format="sqlite"),
    "everything": lambda db, path: db.export.everything(path),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    files, target = FaultyFiles(), tmp_path / "copies" / "copy"
    target.parent.mkdir()
    with world(tmp_path / "ledger.jsonl", files) as db:
        make = WHOLE[name]
        make(db, target)
        new = target.read_bytes()
        before, call, outcomes = shown(db), 0, set()
        while call < 200:
            call += 1
            target.write_bytes(OLD)
            files.calls.clear()
            error = (NO_SPACE, INTERRUPT, BROKEN_DISK)[call % 3]
            files.fail("", error, call, after=call % 2 == 0, kept=10)
            try:
                make(db, target)
            except BaseException as raised:
                assert raised is error, call
                outcomes.add(target.read_bytes() in (new, OLD) and target.read_bytes() == new)
                assert target.read_bytes() in (OLD, new), (call, files.calls)
                assert [found.name for found in target.parent.iterdir()] == ["copy"], (call, files.calls)
            else:
                break
            files.heal()
        assert call == len(files.calls) + 1 >= 6
        assert outcomes == {False, True}
        files.heal()
        assert make(db, target) and shown(db) == before
        assert_agrees(db, tmp_path / "ledger.jsonl")


def test_what_a_killed_rewriting_left_goes_at_the_next_opening(tmp_path: Path) -> None:
    path, running = tmp_path / "ledger.jsonl", 1
    world(path, FaultyFiles()).close()
    gone = tmp_path / "ledger.jsonl.4194305.0123abcd.tmp"  # beyond the largest id of a process
    kept = [f"ledger.jsonl.{running}.0123abcd.tmp", "ledger.jsonl.4194305.tmp", "other.jsonl.4194305.0123abcd.tmp"]
    for found in (gone, *(tmp_path / name for name in kept)):
        found.write_bytes(b"what was erased since")
    with reopened(path, read_only=True):
        assert gone.exists()
    with reopened(path):
        assert beside(path) == sorted(kept)


REWRITING: dict[str, Callable[[VectorDB], Any]] = {
    "erase": lambda db: db.erase("users", "u1", reason="asked"),
    "compact": lambda db: db.compact(below=db.head),
}


@pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])
@pytest.mark.parametrize("name", REWRITING)
def test_a_rewriting_leaves_the_old_file_or_the_new_one(tmp_path: Path, name: str, lazy: bool) -> None:
    files = FaultyFiles()
    calls = calls_of(tmp_path / "clean.jsonl", files, name, lazy)
    assert set(calls) == {"write", "fsync", "replace", "open", "pread", "chmod", "stat", "fstat", "close"}
    path, stopped = tmp_path / "0" / "ledger.jsonl", 0
    for number, kind in enumerate(calls):
        if not path.exists():
            path.parent.mkdir()
            db = world(path, files, lazy=lazy)
            before, old = shown(db), path.read_bytes()
        error = (NO_SPACE, INTERRUPT, BROKEN_DISK)[number % 3]
        files.fail(kind, error, calls[: number + 1].count(kind), after=number % 4 == 0, kept=10)
        raised = raised_by(partial(REWRITING[name], db))
        files.heal()
        assert beside(path) == []
        if lazy and kind == "pread" and db.head == before["head"] + 1:  # the event stands, and views heal
            assert_agrees(db, path)
            path = tmp_path / str(number + 1) / "ledger.jsonl"
            continue
        assert raised is not None and error in (raised, raised.__cause__), kind
        if path.read_bytes() == old:
            assert shown(db) == before
        else:
            stopped += 1
            assert_behind(db, path)
            path = tmp_path / str(number + 1) / "ledger.jsonl"
    assert stopped >= 3


def raised_by(function: Callable[[], Any]) -> BaseException | None:
    """What it raises."""
    try:
        function()
    except BaseException as error:
        return error
    return None


def calls_of(path: Path, files: FaultyFiles, name: str, lazy: bool) -> list[str]:
    """The calls that a rewriting makes, but for closing the old file: that comes when nobody reads from it any more."""
    with world(path, files, lazy=lazy) as db:
        shown(db)
        files.calls.clear()
        REWRITING[name](db)
        calls = list(files.calls)
        assert_agrees(db, path)
        WRITES["put"](db, 1)
        assert_agrees(db, path)
    return [kind for place, kind in enumerate(calls) if kind != "close" or calls[:place].count("close") < 2]


def assert_behind(db: VectorDB, path: Path) -> None:
    """The file is the new one and memory is not: nothing is written until it is opened again."""
    new = path.read_bytes()
    with pytest.raises(ReadOnlyLedger, match="behind the file"):
        WRITES["put"](db, 1)
    db.close()
    assert path.read_bytes() == new
    with VectorDB.open(path, clock=ManualClock(LATE)) as again:
        assert again.head == new.count(b"\n") - 1
        WRITES["put"](again, 1)
        again.check()


# -- opening, closing, following -----------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"lazy": True}, {"fsync": "always"}, {"read_only": True}], ids=str)
def test_an_opening_that_fails_leaves_file_and_lock(tmp_path: Path, options: dict[str, Any]) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    world(path, files).close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"offset":99')
    for call in range(1, 99):
        files.calls.clear()
        files.fail("", (NO_SPACE, INTERRUPT, BROKEN_DISK)[call % 3], call)
        try:
            db = opened(path, files, **options)
        except (OSError, KeyboardInterrupt):
            files.heal()
            assert path.read_bytes().startswith(whole)
            with reopened(path, read_only=True) as other:
                assert other.head == whole.count(b"\n") - 1
            opened(path, files, clock=ManualClock(START)).close()  # the lock is free
            path.write_bytes(whole + b'{"offset":99')
        else:
            if len(files.calls) < call:
                break
            db.close()  # what may fail without harm: looking for leftovers
            files.heal()
    assert call >= 5
    files.heal()
    assert db.opened.torn_bytes == 12
    db.close()


def test_a_recovery_that_fails_leaves_the_original(tmp_path: Path) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    world(path, files).close()
    damaged = path.read_bytes().replace(b'"release"', b'"revenge"')
    valid = damaged[: damaged.index(b"\n", damaged.index(b'"revenge"')) + 1].splitlines(keepends=True)[:-1]
    for call in range(1, 99):
        for found in tmp_path.iterdir():
            found.unlink()
        path.write_bytes(damaged)
        files.heal()
        files.calls.clear()
        files.fail("", (NO_SPACE, INTERRUPT, BROKEN_DISK)[call % 3], call)
        try:
            db = opened(path, files, recover=True)
        except (OSError, KeyboardInterrupt):
            files.heal()
            copies = [(tmp_path / name).read_bytes() for name in beside(path)]
            assert path.read_bytes() == damaged or (path.read_bytes() == b"".join(valid) and damaged in copies)
            assert set(copies) <= {damaged}
            with opened(path, files, recover=True) as again:
                assert again.head == len(valid) - 1
        else:
            if len(files.calls) < call:
                break
            files.heal()
            db.close()
    assert call > 20
    files.heal()
    assert db.head == len(valid) - 1 and Path(db.opened.kept).read_bytes() == damaged
    db.close()


@pytest.mark.parametrize("kind", ["fsync", "close"])
@pytest.mark.parametrize("error", [NO_SPACE, BROKEN_DISK, INTERRUPT], ids=repr)
@pytest.mark.parametrize("fsync", ["never", "interval"])
def test_a_close_that_fails_releases_everything(
    tmp_path: Path, kind: str, error: BaseException, fsync: str
) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    db = world(path, files, fsync=fsync)
    WRITES["put"](db, 1)
    before = shown(db)
    for call in (1, 2):  # the ledger's descriptor, and the lock's
        if kind == "fsync" and (fsync == "never" or call == 2):
            continue
        files.fail(kind, error, call)
        with pytest.raises(type(error)):
            db.close()
        files.heal()
        db.close()  # nothing more happens
        assert shown(db) == before
        db = opened(path, files, fsync=fsync)
        assert shown(db) == before
    db.close()


def test_a_refresh_that_fails_goes_on_at_the_next(tmp_path: Path) -> None:
    path, files = tmp_path / "ledger.jsonl", FaultyFiles()
    with world(path, FaultyFiles()) as db, opened(path, files, read_only=True, clock=ManualClock(LATE)) as follower:
        for number, rewriting in enumerate([None, None, "compact", None, "erase"]):
            WRITES["put_many"](db, number)
            if rewriting is not None:
                REWRITING[rewriting](db)
            for call in range(1, 99):
                files.calls.clear()
                files.fail("", (INTERRUPT, BROKEN_DISK)[call % 2], call)
                try:
                    follower.refresh()
                except (OSError, KeyboardInterrupt):
                    files.heal()
                    assert follower.view("users").get("u4").found
                else:
                    files.heal()
                    break
            assert 2 < call < 98
            assert shown(follower) == shown(db)
