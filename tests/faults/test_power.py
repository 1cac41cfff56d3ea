"""Power cuts: what was acknowledged under a policy is there, what was not is whole or gone, and nothing is half there."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ledger import DamagedLog, ManualClock, ReadOnlyLedger, WriteFailed
from tests.faults.agreement import LATE
from tests.faults.faulty_files import BROKEN_DISK, opened
from tests.faults.power import FailingPower
from tests.ledger.files.samples import START
from vectordb import Int, VectorDB


def begun(folder: Path, **options: object) -> tuple[VectorDB, FailingPower, Path]:
    """A new ledger on a disk whose power will fail."""
    folder.mkdir()
    path, files = folder / "ledger.jsonl", FailingPower(folder)
    db = opened(path, files, clock=ManualClock(START), **options)
    db.create_view("numbers", entity="number", features={"n": Int()})
    return db, files, path


def after(path: Path, digests: list[str], sure: int) -> VectorDB:
    """The ledger after a cut: it opens, or says where it is damaged and is recovered, with all that is sure in it."""
    try:
        db = VectorDB.open(path, clock=ManualClock(LATE))
    except DamagedLog as error:
        assert error.values["line"] > sure + 1, "damage is named behind what was synced"
        db = VectorDB.open(path, clock=ManualClock(LATE), recover=True)
        assert db.opened.kept
    assert sure <= db.head < len(digests)
    assert db.digest() == digests[db.head]
    db.mark("afterwards")
    db.check()
    return db


@pytest.mark.parametrize("seed", range(8))
def test_always_keeps_every_acknowledged_line(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    for case in range(6):
        db, files, path = begun(tmp_path / str(case), fsync="always")
        digests = [db.digest(0), db.digest(1)]
        for number in range(draw.randint(0, 6)):
            db.view("numbers").put("x" * draw.choice([1, 700]), {"n": number})
            digests.append(db.digest())
        sure = db.head
        if draw.random() < 0.7:  # the power goes between the write and its sync
            files.fail("fsync", KeyboardInterrupt())
            files.fail("ftruncate", KeyboardInterrupt())
            with pytest.raises(KeyboardInterrupt):
                db.mark("x" * draw.choice([1, 700, 3000]))
            digests.append(next_digest(path))
        files.cut_power(draw)
        after(path, digests, sure).close()


def next_digest(path: Path) -> str:
    """Of the line that was written last, whole."""
    with VectorDB.replay(path) as replayed:
        return replayed.digest()


@pytest.mark.parametrize("fsync", ["never", "interval"])
def test_other_policies_keep_what_was_synced_and_a_prefix_of_the_rest(tmp_path: Path, fsync: str) -> None:
    draw = random.Random(fsync)
    for case in range(25):
        db, files, path = begun(tmp_path / str(case), fsync="never")
        digests, sure = [db.digest(0), db.digest(1)], -1
        store = db.state.journal.store
        store.fsync = fsync
        files.sync_folder(str(path))
        for number in range(draw.randint(1, 9)):
            store._synced_at -= draw.choice([0, 2])  # two seconds pass, or none
            syncs = files.calls.count("fsync")
            db.view("numbers").put("x" * draw.choice([1, 700]), {"n": number})
            digests.append(db.digest())
            sure = db.head if files.calls.count("fsync") > syncs else sure
        assert fsync == "interval" or sure == -1
        files.cut_power(draw)
        whole = path.read_bytes()
        if whole and is_header(whole):
            after(path, digests, sure).close()
        else:
            assert sure == -1, "only what was never synced can lose its header"


def is_header(data: bytes) -> bool:
    """Whether the first line is there."""
    first, newline, _ = data.partition(b"\n")
    return bool(newline) and b"\0" not in first


def test_every_byte_of_the_last_lines_may_be_the_last(tmp_path: Path) -> None:
    db, _, path = begun(tmp_path / "whole", fsync="always")
    digests = [db.digest(0), db.digest(1)]
    for number in range(3):
        db.view("numbers").put(f"e{number}", {"n": number})
        digests.append(db.digest())
    whole = path.read_bytes()
    begin = whole.index(b"\n", whole.index(b"\n") + 1) + 1  # after the header and the view
    cut = tmp_path / "cut.jsonl"
    for size in range(begin, len(whole) + 1):
        for rest in (b"", b"\0" * 7):
            cut.write_bytes(whole[:size] + rest)
            lines = whole[:size].count(b"\n")
            with VectorDB.open(cut, clock=ManualClock(LATE)) as again:
                torn = size - whole.rfind(b"\n", 0, size) - 1 + len(rest)
                assert (again.head, again.digest()) == (lines - 1, digests[lines - 1])
                assert (again.opened.torn_bytes, again.opened.torn_line) == (torn, lines + 1 if torn else 0)
            assert cut.read_bytes() == whole[: whole.rfind(b"\n", 0, size) + 1]


# -- a sync that fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_after_a_failed_sync_always_still_keeps_every_acknowledged_line(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    for case in range(5):
        db, files, path = begun(tmp_path / str(case), fsync="always")
        digests = [db.digest(0), db.digest(1)]
        for number in range(draw.randint(2, 6)):
            if draw.random() < 0.5:
                files.fail("fsync", BROKEN_DISK, times=draw.choice([1, 2]))
                with pytest.raises(WriteFailed, match="Input/output"):
                    db.view("numbers").put("y" * 900, {"n": number})
                files.heal()
            db.view("numbers").put("x" * draw.choice([1, 700]), {"n": number})
            digests.append(db.digest())
        files.cut_power(draw)
        after(path, digests, db.head).close()


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
    assert db.snapshot(tmp_path / "other-disk.jsonl") == len(whole)
    db.close()
    with VectorDB.open(tmp_path / "other-disk.jsonl", clock=ManualClock(LATE)) as saved:
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


@pytest.mark.parametrize("seed", range(4))
def test_a_rewriting_whose_power_fails_leaves_the_old_file_or_the_new_one(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    for case in range(5):
        db, files, path = begun(tmp_path / str(case), fsync="always")
        for number in range(8):
            db.view("numbers").put(f"e{number % 3}", {"n": number})
        old, call = path.read_bytes(), draw.randint(1, 12)
        files.fail("", KeyboardInterrupt(), call)
        with pytest.raises(KeyboardInterrupt):
            db.erase("numbers", "e1", reason="asked")
        files.cut_power(draw)
        with VectorDB.open(path, clock=ManualClock(LATE)) as again:
            assert path.read_bytes() == old or not again.view("numbers").get("e1").found
            again.check()
