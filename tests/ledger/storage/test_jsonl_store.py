"""The ledger file: created, appended to, opened again; what the path may be."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ledger import ClosedLedger, DamagedLog, ManualClock, ReadOnlyLedger, VectorDBError, new_header
from tests.ledger.storage.samples import SEED, START, counter, fill, reopened, sample, told
from vectordb import Int, VectorDB


def test_the_first_line_is_the_header_and_one_line_follows_an_event(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = sample(path)
    with reopened(path) as db:
        assert lines[0] == db.header.line() == new_header(1_767_225_600_000_000, SEED).line()
        assert len(lines) == db.head + 1
        assert [db.state.journal.line(offset) for offset in range(db.head + 1)] == lines


def test_a_new_ledger_is_a_header_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    VectorDB.open(path).close()
    first = path.read_bytes()
    assert (first.count(b"\n"), first[-1:]) == (1, b"\n")
    with VectorDB.open(path) as db:
        assert (db.head, db.header.line()) == (0, first)
    assert path.read_bytes() == first


def test_a_seed_and_a_clock_give_the_same_bytes(tmp_path: Path) -> None:
    assert sample(tmp_path / "a") == sample(tmp_path / "b")


def test_without_a_seed_each_ledger_has_its_own_id(tmp_path: Path) -> None:
    ids = set()
    for name in "abc":
        with VectorDB.open(tmp_path / name) as db:
            ids.add(db.header.ledger_id)
    assert len(ids) == 3


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_text_or_a_path(tmp_path: Path, kind: type) -> None:
    path = kind(str(tmp_path / "ledger.jsonl"))
    counter(path, 3).close()
    with VectorDB.open(path) as db:
        assert db.head == 3


@pytest.mark.parametrize("lazy", [False, True])
def test_the_state_after_reopening_is_the_same_at_every_offset(tmp_path: Path, lazy: bool) -> None:
    path = tmp_path / "ledger.jsonl"
    clock = ManualClock(START)
    with VectorDB.open(path, clock=clock, seed=SEED, lazy=lazy) as db:
        fill(db, clock)
        before = told(db)
    with VectorDB.open(path, clock=clock) as eager, VectorDB.replay(path, clock=clock) as replayed:
        assert told(eager) == told(replayed) == before
        eager.check()
    with VectorDB.open(path, clock=clock, lazy=True) as left:
        assert told(left) == before
        left.check()


def test_digests_in_memory_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    sample(path)
    clock = ManualClock(START)
    memory = fill(VectorDB(clock=clock, seed=SEED), clock)
    with reopened(path) as db:
        assert [memory.digest(n) for n in range(memory.head + 1)] == [db.digest(n) for n in range(db.head + 1)]
        assert [event.digest for event in memory.events()] == [event.digest for event in db.events()]


def test_events_are_appended_after_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = sample(path)
    for extra in range(1, 4):
        with reopened(path) as db:
            db.mark(f"mark {extra}")
            assert db.opened.torn_bytes == 0
        found = path.read_bytes().splitlines(keepends=True)
        assert found[: len(lines)] == lines
        assert len(found) == len(lines) + extra


def test_a_line_is_in_the_file_when_the_write_returns(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 1) as db:
        for number in range(5):
            receipt = db.view("numbers").put("x", {"n": number})
            assert path.read_bytes().count(b"\n") == receipt.offset + 1


def test_a_refused_write_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 3) as db:
        before = path.read_bytes()
        for values in ({"n": "text"}, {"other": 1}, {}):
            with pytest.raises(VectorDBError):
                db.view("numbers").put("x", values)
        with pytest.raises(VectorDBError), db.transaction(expected_head=1) as tx:
            tx.view("numbers").put("x", {"n": 1})
        assert path.read_bytes() == before
        assert db.head == 3


# -- closing -----------------------------------------------------------------------------------------


def test_a_closed_database_refuses_writes_and_answers_reads(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    clock = ManualClock(START)
    db = fill(VectorDB.open(path, clock=clock, seed=SEED), clock)
    before = told(db)
    db.close()
    db.close()
    size = path.stat().st_size
    assert told(db) == before
    writes = [
        lambda: db.view("users").put("u1", {"age": 1}),
        lambda: db.view("users").put_many({"user": ["u1"], "age": [1]}),
        lambda: db.view("users").delete("u1"),
        lambda: db.create_view("more", entity="user", features={"n": Int()}),
        lambda: db.mark("later"),
        lambda: db.record_prediction(db.service("ranker").get("u1", request={"km": 1.0}), model="risk"),
    ]
    for write in writes:
        with pytest.raises(ClosedLedger):
            write()
    with pytest.raises(ClosedLedger), db.transaction() as tx:
        tx.view("users").put("u1", {"age": 1})
    assert (db.head, path.stat().st_size) == (len(before["states"]) - 1, size)


def test_a_closed_database_in_memory_refuses_writes_too() -> None:
    db = VectorDB(seed=SEED)
    numbers = db.create_view("numbers", entity="number", features={"n": Int()})
    db.close()
    with pytest.raises(ClosedLedger):
        numbers.put("x", {"n": 1})
    assert (db.head, numbers.get("x").found) == (1, False)


def test_a_with_block_closes_also_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with pytest.raises(RuntimeError, match="mine"), counter(path, 2) as db:
        raise RuntimeError("mine")
    with pytest.raises(ClosedLedger):
        db.mark("x")
    with reopened(path) as again:
        assert again.head == 2


# -- what the path may be ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1])
def test_an_empty_file_becomes_a_ledger(tmp_path: Path, size: int) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"{"[:size])
    counter(path, 2).close()
    with reopened(path) as db:
        assert db.head == 2


FOREIGN = {
    "text without a newline": b"my only copy",
    "text": b"name,age\nann,3\n",
    "an empty line": b"\n",
    "json": b'{"format":"other"}\n',
    "json without a newline": b'{"format":"other"}',
    "zeros": bytes(5000),
    "another format beginning alike": b'{"format":"vectordb-checkpoint","ledger_id":"0"}\n',
    "crlf": b'{"format":"vectordb-ledger"}\r\n',
    "utf-16": '{"format":"vectordb-ledger"}\n'.encode("utf-16"),
    "a number": b"17\n",
    "a list": b"[]\n",
}


@pytest.mark.parametrize("recover", [False, True])
@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_never_overwritten(tmp_path: Path, name: str, recover: bool) -> None:
    path = tmp_path / "precious.txt"
    path.write_bytes(FOREIGN[name])
    with pytest.raises(DamagedLog) as caught:
        VectorDB.open(path, recover=recover)
    assert path.read_bytes() == FOREIGN[name]
    assert (caught.value.values["line"], caught.value.values["offset"]) == (1, 0)
    assert [found.name for found in tmp_path.iterdir() if "damaged" in found.name] == []
    with pytest.raises(DamagedLog):
        VectorDB.replay(path)


def test_a_foreign_text_that_begins_like_a_header_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "precious.txt"
    text = b'{"format":"vectordb-ledger", and here my notes about that format'
    path.write_bytes(text)
    with pytest.raises(DamagedLog):
        VectorDB.open(path)
    assert path.read_bytes() == text


@pytest.mark.parametrize("lazy", [False, True])
def test_read_only_makes_nothing(tmp_path: Path, lazy: bool) -> None:
    with pytest.raises(FileNotFoundError):
        VectorDB.open(tmp_path / "absent.jsonl", read_only=True, lazy=lazy)
    with pytest.raises(FileNotFoundError):
        VectorDB.replay(tmp_path / "absent.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_read_only_of_an_empty_file_says_so_and_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.touch()
    with pytest.raises(VectorDBError) as caught:
        VectorDB.open(path, read_only=True)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b""
    with pytest.raises(DamagedLog, match="header"):
        VectorDB.replay(path)


def test_read_only_takes_no_writes_and_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 3).close()
    (tmp_path / "ledger.jsonl.lock").unlink()
    before = path.read_bytes()
    with reopened(path, read_only=True) as db:
        with pytest.raises(ReadOnlyLedger) as caught:
            db.view("numbers").put("x", {"n": 1})
        assert caught.value.values["path"] == str(path)
        assert (db.head, db.view("numbers").get("e3")["n"]) == (3, 3)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["ledger.jsonl"]


def test_a_directory_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for options in ({}, {"read_only": True}, {"recover": True}):
        with pytest.raises(OSError):
            VectorDB.open(folder, **options)
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_a_refused_directory_leaves_no_lock_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        VectorDB.open(tmp_path / "folder")
    assert [found.name for found in tmp_path.iterdir()] == ["folder"]


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        VectorDB.open(tmp_path / "missing" / "ledger.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read and write everything")
def test_permissions_are_those_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 2).close()
    path.chmod(stat.S_IRUSR)
    with pytest.raises(PermissionError):
        reopened(path)
    with reopened(path, read_only=True) as db:
        assert db.head == 2
    path.chmod(0)
    with pytest.raises(PermissionError):
        reopened(path, read_only=True)
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_a_link_leads_to_the_ledger(tmp_path: Path) -> None:
    path, link = tmp_path / "ledger.jsonl", tmp_path / "link"
    counter(path, 2).close()
    link.symlink_to(path)
    with reopened(link) as db:
        db.mark("through the link")
    assert link.is_symlink()
    with reopened(path) as db:
        assert db.head == 3
