"""When a line survives a power cut: the three fsync policies, and what is synced besides."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from ledger import ReadOnlyLedger, StoreError, WriteFailed
from tests.ledger.storage.samples import counter, reopened
from vectordb import VectorDB


class Syncs:
    """Counts fsyncs of files and of folders; notes the size of the file at each; may fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: list[int] = []
        self.folders = 0
        self.error: OSError | None = None
        self._real = os.fsync
        monkeypatch.setattr("os.fsync", self)

    def __call__(self, fd: int) -> None:
        if self.error is not None:
            raise self.error
        found = os.fstat(fd)
        if stat.S_ISDIR(found.st_mode):
            self.folders += 1
        else:
            self.files.append(found.st_size)
        self._real(fd)


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    return Syncs(monkeypatch)


class StoppedTime:
    """``time`` with a monotonic clock that moves only when told."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> StoppedTime:
    stopped = StoppedTime()
    monkeypatch.setattr("ledger.storage.jsonl_store.time", stopped)
    return stopped


def test_never_syncs_nothing(tmp_path: Path, syncs: Syncs) -> None:
    counter(tmp_path / "a", 10).close()
    assert (syncs.files, syncs.folders) == ([], 0)


def test_always_syncs_every_line_before_the_write_returns(tmp_path: Path, syncs: Syncs) -> None:
    path = tmp_path / "a"
    with counter(path, 1, fsync="always") as db:
        for number in range(5):
            before = len(syncs.files)
            db.view("numbers").put("x", {"n": number})
            assert len(syncs.files) == before + 1
            assert syncs.files[-1] == path.stat().st_size
            db.view("numbers").get("x")
            assert len(syncs.files) == before + 1


@pytest.mark.parametrize("fsync", ["interval", "always"])
def test_a_new_ledger_is_in_its_folder_for_good(tmp_path: Path, syncs: Syncs, fsync: str) -> None:
    """A synced file whose name is not on the disk is lost with its folder's last block."""
    counter(tmp_path / "a", 3, fsync=fsync).close()
    assert syncs.folders >= 1


def test_interval_syncs_once_a_second_and_at_close(tmp_path: Path, syncs: Syncs, stopped: StoppedTime) -> None:
    path = tmp_path / "a"
    db = counter(path, 5, fsync="interval")
    numbers = db.view("numbers")
    assert syncs.files == []
    stopped.now += 0.9
    numbers.put("x", {"n": 1})
    assert syncs.files == []
    stopped.now += 0.2
    numbers.put("x", {"n": 2})
    assert syncs.files == [path.stat().st_size]
    numbers.put("x", {"n": 3})
    stopped.now += 0.9
    numbers.put("x", {"n": 4})
    assert len(syncs.files) == 1
    db.close()
    assert syncs.files[1:] == [path.stat().st_size]
    db.close()
    assert len(syncs.files) == 2


@pytest.mark.parametrize(("fsync", "expected"), [("never", 0), ("interval", 1), ("always", 1)])
def test_close_syncs_unless_the_policy_is_never(tmp_path: Path, syncs: Syncs, fsync: str, expected: int) -> None:
    db = counter(tmp_path / "a", 2, fsync=fsync)
    before = len(syncs.files)
    db.close()
    assert len(syncs.files) - before == expected


def test_a_reader_never_syncs(tmp_path: Path, syncs: Syncs) -> None:
    counter(tmp_path / "a", 3).close()
    for fsync in ("never", "interval", "always"):
        with reopened(tmp_path / "a", read_only=True, fsync=fsync) as db:
            db.refresh()
    assert syncs.files == []


def test_a_snapshot_syncs_file_and_folder(tmp_path: Path, syncs: Syncs) -> None:
    with counter(tmp_path / "a", 3) as db:
        size = db.snapshot(tmp_path / "copy")
    assert (syncs.files, syncs.folders) == ([size], 1)


def test_an_unknown_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fsync is one of"):
        VectorDB.open(tmp_path / "a", fsync="often")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_sync_fails_the_write_and_cuts_the_line(tmp_path: Path, syncs: Syncs) -> None:
    path = tmp_path / "a"
    with counter(path, 3, fsync="always") as db:
        before = path.read_bytes()
        syncs.error = OSError(errno.EIO, "input/output error")
        with pytest.raises(WriteFailed) as caught:
            db.view("numbers").put("x", {"n": 1})
        assert "input/output" in caught.value.values["error"]
        assert (db.head, db.view("numbers").get("x").found) == (3, False)
        assert path.read_bytes() == before
        syncs.error = None
        db.view("numbers").put("x", {"n": 2})
    with reopened(path) as db:
        assert (db.head, db.view("numbers").get("x")["n"]) == (4, 2)


def test_a_close_that_cannot_sync_raises_and_still_releases_the_ledger(tmp_path: Path, syncs: Syncs) -> None:
    path = tmp_path / "a"
    db = counter(path, 3, fsync="interval")
    syncs.error = OSError(errno.EIO, "input/output error")
    with pytest.raises(OSError, match="input/output"):
        db.close()
    syncs.error = None
    with reopened(path) as again:
        assert again.head == 3
    with pytest.raises(StoreError):
        db.mark("late")


def test_a_broken_ledger_is_closed_without_a_sync(
    tmp_path: Path, syncs: Syncs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    db = counter(tmp_path / "a", 3, fsync="always")
    syncs.error = OSError(errno.EIO, "input/output error")
    monkeypatch.setattr("os.ftruncate", refuse)
    with pytest.raises(WriteFailed):
        db.mark("x")
    with pytest.raises(ReadOnlyLedger):
        db.mark("y")
    db.close()
    assert db.head == 3
