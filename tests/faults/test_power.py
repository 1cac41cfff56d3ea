"""Power cuts: what was acknowledged under a policy is there, the rest whole or gone, and nothing is half there.

A few of each here; ``python -m tests.bench.faults`` for thousands.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ledger import ManualClock, ReadOnlyLedger, WriteFailed
from tests.faults.agreement import LATE
from tests.faults.cuts import begun, cut_after_failed_syncs, cut_always, cut_at_every_byte, cut_others, cut_rewriting
from tests.faults.faulty_files import BROKEN_DISK, FaultyFiles, opened
from vectordb import VectorDB

CUTS: dict[str, Callable[[Path, random.Random], None]] = {
    "always": cut_always,
    "interval": partial(cut_others, fsync="interval"),
    "never": partial(cut_others, fsync="never"),
    "after failed syncs": cut_after_failed_syncs,
    "rewriting": cut_rewriting,
}


@pytest.mark.parametrize("name", CUTS)
def test_what_a_power_cut_leaves(tmp_path: Path, name: str) -> None:
    draw = random.Random(name)
    for case in range(20):
        CUTS[name](tmp_path / str(case), draw)
    assert len(list(tmp_path.iterdir())) == 20


def test_every_byte_of_the_last_lines_may_be_the_last(tmp_path: Path) -> None:
    assert cut_at_every_byte(tmp_path, step=11) > 50


# -- a sync that fails -----------------------------------------------------------------------------------


def test_a_failed_sync_of_lines_that_were_acknowledged_ends_all_writing(tmp_path: Path) -> None:
    """The next sync would pass without them, and lines after them would stand behind a hole."""
    db, files, path = begun(tmp_path / "a", fsync="interval")
    store, numbers = db.state.journal.store, db.view("numbers")
    numbers.put("a", {"n": 1})
    before, whole = db.digest(), path.read_bytes()
    store._synced_at -= 2
    files.fail("fsync", BROKEN_DISK)
    with pytest.raises(WriteFailed):
        numbers.put("b", {"n": 2})
    assert (db.digest(), path.read_bytes()) == (before, whole)
    with pytest.raises(ReadOnlyLedger, match="may have lost lines") as caught:
        numbers.put("b", {"n": 2})
    assert caught.value.values["path"] == str(path)
    assert numbers.get("a")["n"] == 1
    assert db.snapshot(tmp_path / "a" / "other.jsonl") == len(whole)
    db.close()
    with VectorDB.open(tmp_path / "a" / "other.jsonl", clock=ManualClock(LATE)) as saved:
        assert saved.digest() == before
        saved.mark("goes on")


def test_a_failed_sync_right_after_a_sync_goes_on(tmp_path: Path) -> None:
    db, files, path = begun(tmp_path / "a", fsync="interval")
    store, numbers = db.state.journal.store, db.view("numbers")
    store.sync()
    store._synced_at -= 2
    files.fail("fsync", BROKEN_DISK)
    with pytest.raises(WriteFailed):
        numbers.put("b", {"n": 2})
    numbers.put("b", {"n": 3})
    db.close()
    with VectorDB.open(path, clock=ManualClock(LATE)) as again:
        assert again.view("numbers").get("b")["n"] == 3


def test_a_sync_that_is_asked_for_and_fails(tmp_path: Path) -> None:
    """Of lines that were acknowledged: nothing more is written. Of none: it goes on."""
    db, files, _ = begun(tmp_path / "a")
    store = db.state.journal.store
    store.sync()
    for broken in (False, True):
        files.fail("fsync", BROKEN_DISK)
        with pytest.raises(OSError, match="Input/output"):
            store.sync()
        assert store.writable is not broken
        if not broken:
            db.mark("not synced")
    with pytest.raises(ReadOnlyLedger):
        db.mark("late")


def test_what_a_killed_process_had_not_synced_is_synced_by_the_next_writer(tmp_path: Path) -> None:
    db, _, path = begun(tmp_path / "a")
    db.close()  # policy never: all of it is dirty
    for fsync, syncs in (("never", 0), ("interval", 2), ("always", 2)):  # of the file and its folder
        files = FaultyFiles()
        again = opened(path, files, fsync=fsync)
        assert files.calls.count("fsync") == syncs
        again.close()
