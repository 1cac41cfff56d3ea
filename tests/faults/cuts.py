"""Single power cuts, drawn at random: each makes a ledger on a failing disk, cuts, opens, and checks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ledger import DamagedLog, ManualClock, WriteFailed
from tests.faults.agreement import LATE
from tests.faults.faulty_files import BROKEN_DISK, opened
from tests.faults.power import FailingPower
from tests.ledger.storage.samples import START
from vectordb import Int, VectorDB


def begun(folder: Path, **options: object) -> tuple[VectorDB, FailingPower, Path]:
    """A new ledger on a disk whose power will fail."""
    folder.mkdir()
    path, files = folder / "ledger.jsonl", FailingPower(folder)
    db = opened(path, files, clock=ManualClock(START), **options)
    db.create_view("numbers", entity="number", features={"n": Int()})
    return db, files, path


def assert_kept(path: Path, digests: list[str], sure: int) -> None:
    """The ledger opens, or says where it is damaged and is recovered; all that is sure is in it, and no half event."""
    try:
        db = VectorDB.open(path, clock=ManualClock(LATE))
    except DamagedLog as error:
        assert error.values["line"] > sure + 1, "damage is named behind what was synced"
        db = VectorDB.open(path, clock=ManualClock(LATE), recover=True)
        assert db.opened.kept
    with db:
        assert sure <= db.head < len(digests)
        assert db.digest() == digests[db.head]
        db.mark("afterwards")
        db.check()


def cut_always(folder: Path, draw: random.Random) -> None:
    """fsync="always": every acknowledged line, wherever the power goes."""
    db, files, path = begun(folder, fsync="always")
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
        with VectorDB.replay(path) as replayed:
            digests.append(replayed.digest())
    files.cut_power(draw)
    assert_kept(path, digests, sure)


def cut_others(folder: Path, draw: random.Random, fsync: str) -> None:
    """The other policies: what was synced, and a prefix of the rest."""
    db, files, path = begun(folder)
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
    first, newline, _ = path.read_bytes().partition(b"\n")
    if newline and b"\0" not in first:
        assert_kept(path, digests, sure)
    else:
        assert sure == -1, "only what was never synced can lose its header"


def cut_after_failed_syncs(folder: Path, draw: random.Random) -> None:
    """fsync="always" with syncs that fail before the power does."""
    db, files, path = begun(folder, fsync="always")
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
    assert_kept(path, digests, db.head)


def cut_rewriting(folder: Path, draw: random.Random) -> None:
    """An erasure that the power cuts short leaves the old file or the new one."""
    db, files, path = begun(folder, fsync="always")
    for number in range(8):
        db.view("numbers").put(f"e{number % 3}", {"n": number})
    old = path.read_bytes()
    files.fail("", KeyboardInterrupt(), draw.randint(1, 12))
    with pytest.raises(KeyboardInterrupt):
        db.erase("numbers", "e1", reason="asked")
    files.cut_power(draw)
    with VectorDB.open(path, clock=ManualClock(LATE)) as again:
        assert path.read_bytes() == old or not again.view("numbers").get("e1").found
        again.check()


def cut_at_every_byte(folder: Path, step: int = 1) -> int:
    """Every byte of the last lines as the last one, and zeros behind it; how many cuts that were."""
    db, _, path = begun(folder / "whole", fsync="always")
    digests = [db.digest(0), db.digest(1)]
    for number in range(3):
        db.view("numbers").put(f"e{number}", {"n": number})
        digests.append(db.digest())
    whole, cuts = path.read_bytes(), 0
    begin = whole.index(b"\n", whole.index(b"\n") + 1) + 1  # after the header and the view
    for size in [*range(begin, len(whole), step), len(whole)]:
        for rest in (b"", b"\0" * 7):
            cuts += 1
            assert_cut(folder / "cut.jsonl", whole[:size], rest, digests)
    return cuts


def assert_cut(path: Path, kept: bytes, rest: bytes, digests: list[str]) -> None:
    """Complete lines are there, what follows is told and cut off."""
    path.write_bytes(kept + rest)
    lines, end = kept.count(b"\n"), kept.rfind(b"\n") + 1
    torn = len(kept) - end + len(rest)
    with VectorDB.open(path, clock=ManualClock(LATE)) as again:
        assert (again.head, again.digest()) == (lines - 1, digests[lines - 1])
        assert (again.opened.torn_bytes, again.opened.torn_line) == (torn, lines + 1 if torn else 0)
    assert path.read_bytes() == kept[:end]
