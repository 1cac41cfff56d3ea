"""Erasing from a file: rewritten whole or not at all, and nothing of it left behind."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger import ClosedLedger, DamagedLog, DigestMismatch, ManualClock, ReadOnlyLedger
from tests.ledger.storage.samples import Once
from tests.vectordb.erasing.history import START, SUBJECT, opened, random_history, secretive, shown
from vectordb import VectorDB


def reopened(path: Path, **options: Any) -> VectorDB:
    return VectorDB.open(path, clock=ManualClock("2026-01-01T00:10:00Z"), **options)


@pytest.fixture
def erased(tmp_path: Path) -> Path:
    """A ledger file with two erasures, one after the other in the same events."""
    path = tmp_path / "events.jsonl"
    with secretive(opened(path)) as db:
        db.erase("people", SUBJECT, reason="asked")
        db.erase("people", ["p1", "p2"], reason="asked")
        db.view("people").put("p9", {"number": 9})
    return path


@pytest.mark.parametrize("lazy", [False, True])
def test_the_file_and_the_memory_tell_the_same(lazy: bool, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    db = random_history(opened(path, lazy=lazy), Random(3))
    db.erase("one", "a", reason="asked")
    random_history_goes_on(db)
    db.erase("two", ["b", "a"], reason="asked")
    told, digest = shown(db), db.digest()
    db.close()
    for again in (False, True):
        with reopened(path, lazy=again) as other:
            other.state.clock.set(db.at)
            assert shown(other) == told and other.digest() == digest
            other.check()
            other.state.journal.check_wording()


def random_history_goes_on(db: VectorDB) -> None:
    for number in range(5):
        db.view("one").put("b", {"n": number})
        db.view("two").put_many([{"thing": name, "n": number} for name in ("a", "b", 7)])


def test_appending_goes_on_in_the_new_file(erased: Path) -> None:
    with reopened(erased) as db:
        head = db.head
        db.view("people").put("p8", {"number": 8})
        assert db.head == head + 1
    with reopened(erased) as db:
        assert db.view("people").get("p8")["number"] == 8 and db.head == head + 1


def test_the_lock_holds_over_an_erasure(tmp_path: Path) -> None:
    from ledger import LedgerLocked

    path = tmp_path / "events.jsonl"
    with secretive(opened(path)) as db:
        db.erase("people", SUBJECT, reason="asked")
        with pytest.raises(LedgerLocked):
            reopened(path)
        db.view("people").put("p8", {"number": 8})
    reopened(path).close()


def test_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with secretive(opened(path)) as db:
        os.chmod(path, 0o600)
        db.erase("people", SUBJECT, reason="asked")
        assert os.stat(path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lazy", [False, True])
def test_a_follower_forgets_at_its_next_refresh(lazy: bool, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with secretive(opened(path)) as db:
        follower = reopened(path, read_only=True, lazy=lazy)
        assert follower.view("people").get(SUBJECT).found
        db.erase("people", SUBJECT, reason="asked")
        assert follower.view("people").get(SUBJECT).found, "until it refreshes"
        assert follower.refresh() == db.head
        assert not follower.view("people").get(SUBJECT).found and shown(follower) == shown(db)
        db.view("people").put("p8", {"number": 8})
        follower.refresh()
        assert follower.view("people").get("p8")["number"] == 8
        follower.close()


def test_a_fork_of_a_lazy_ledger_keeps_what_it_shares(tmp_path: Path) -> None:
    with secretive(opened(tmp_path / "events.jsonl", lazy=True)) as db:
        fork = db.fork()
        before = shown(fork)
        db.erase("people", SUBJECT, reason="asked")
        assert shown(fork) == before and fork.view("people").get(SUBJECT).found
        fork.view("people").put("p8", {"number": 8})
        assert fork.view("people").history(SUBJECT)[0].values["city"] == "Quixotic-Lane"


def test_a_checkpoint_from_before_is_not_used(tmp_path: Path) -> None:
    path, checkpoint = tmp_path / "events.jsonl", tmp_path / "checkpoint"
    with secretive(opened(path)) as db:
        db.checkpoint(checkpoint)
        db.erase("people", SUBJECT, reason="asked")
        told = shown(db)
    with reopened(path, checkpoint=checkpoint) as db:
        assert db.opened.checkpoint == 0 and not db.view("people").get(SUBJECT).found
        db.state.clock.set(START)
        assert shown(db)[:-1] == told[:-1]
        db.checkpoint(checkpoint)
        head = db.head
    assert b"Quixotic-Lane" not in checkpoint.read_bytes()
    with reopened(path, checkpoint=checkpoint) as db:
        assert db.opened.checkpoint == head
        db.state.clock.set(START)
        assert shown(db)[:-1] == told[:-1]
        db.check()


# -- damage and hostility ------------------------------------------------------------------------------


def test_every_flipped_byte_of_a_redacted_line_is_found(erased: Path) -> None:
    lines = erased.read_bytes().splitlines(keepends=True)
    redacted = [number for number, line in enumerate(lines) if b'"redacted":"' in line]
    assert len(redacted) > 5
    random = Random(1)
    for number in redacted:
        line = lines[number]
        tail = range(len(line) - 200, len(line) - 1)
        for place in {*random.sample(range(len(line) - 1), 20), *random.sample(tail, 20)}:
            broken = bytearray(line)
            broken[place] ^= 1 << random.randrange(7)
            if broken[place] in (10, 13) or bytes(broken) == line:
                continue
            refused(erased, [*lines[:number], bytes(broken), *lines[number + 1 :]])


def refused(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(lines))
    with pytest.raises(DamagedLog) as error:
        reopened(path)
    assert "line" in error.value.values


def test_what_was_erased_cannot_be_put_back(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with secretive(opened(path)) as db:
        old = path.read_bytes().splitlines(keepends=True)
        db.erase("people", SUBJECT, reason="asked")
    new = path.read_bytes().splitlines(keepends=True)
    for number, (before, after) in enumerate(zip(old, new, strict=False)):
        if before != after:
            path.write_bytes(b"".join([*new[:number], before, *new[number + 1 :]]))
            with pytest.raises(DigestMismatch, match="does not come back"):
                reopened(path)


def test_a_redaction_that_nobody_vouches_for_is_refused(erased: Path) -> None:
    lines = erased.read_bytes().splitlines(keepends=True)
    vouchers = [number for number, line in enumerate(lines) if b'"entity_erased@1"' in line]
    erased.write_bytes(b"".join(lines[: vouchers[1]]))
    with pytest.raises(DigestMismatch, match="what became of a line"):
        reopened(erased)
    with pytest.raises(DigestMismatch, match="what became of a line"):
        reopened(erased, recover=True)
    assert erased.read_bytes() == b"".join(lines[: vouchers[1]]), "nothing was recovered, nothing was lost"
    assert VectorDB.replay(erased, as_of=2).head == 2
    erased.write_bytes(b"".join(lines[: vouchers[0]]))
    with pytest.raises(DigestMismatch, match="what became of a line"):
        VectorDB.replay(erased, as_of=3)


def test_a_replay_up_to_an_offset_before_the_erasure_is_without_it_too(erased: Path) -> None:
    db = VectorDB.replay(erased, as_of=10)
    assert db.head == 10 and not db.view("people").get(SUBJECT).found and db.view("people").get("p3").found


# -- faults --------------------------------------------------------------------------------------------


def test_a_disk_that_is_full_refuses_the_erasure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    with secretive(opened(path)) as db:
        before, told = path.read_bytes(), shown(db)
        for call in (1, 2):
            with monkeypatch.context() as patched:
                fault = Once(os.fsync, OSError(28, "No space left on device"), call)
                patched.setattr(os, "fsync", fault)
                if call == 1:
                    with pytest.raises(OSError, match="No space"):
                        db.erase("people", SUBJECT, reason="asked")
                    assert path.read_bytes() == before and shown(db) == told
                    assert sorted(found.name for found in tmp_path.iterdir()) == ["events.jsonl", "events.jsonl.lock"]
        db.view("people").put("p8", {"number": 8})
        assert db.erase("people", SUBJECT, reason="asked").lines
        db.check()


def test_an_interrupt_after_the_rename_stops_all_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    db = secretive(opened(path))
    with monkeypatch.context() as patched:
        patched.setattr(type(db.state.log), "rewrite", Once(type(db.state.log).rewrite, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            db.erase("people", SUBJECT, reason="asked")
    with pytest.raises(ReadOnlyLedger):
        db.view("people").put("p8", {"number": 8})
    db.close()
    with reopened(path) as again:
        assert not again.view("people").get(SUBJECT).found
        again.check()


def test_an_interrupt_while_the_views_forget_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = secretive(opened(tmp_path / "events.jsonl"))
    with monkeypatch.context() as patched:
        patched.setattr(type(db.state.rows), "forget", Once(type(db.state.rows).forget, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            db.erase("people", SUBJECT, reason="asked")
    assert not db.view("people").get(SUBJECT).found and not db.as_of(10).view("people").get(SUBJECT).found
    db.view("people").put("p8", {"number": 8})
    db.check()
    assert shown(VectorDB.replay(db.events(), clock=db.state.clock)) == shown(db)


def test_a_closed_database_erases_nothing(tmp_path: Path) -> None:
    db = secretive(opened(tmp_path / "events.jsonl"))
    db.close()
    with pytest.raises(ClosedLedger):
        db.erase("people", SUBJECT, reason="asked")
    assert db.view("people").get(SUBJECT).found
