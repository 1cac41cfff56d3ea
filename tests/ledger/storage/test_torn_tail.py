"""A torn tail: a last line without its newline was never written. It is cut off, and reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import HeadMismatch
from tests.ledger.storage.samples import SEED, counter, reopened, sample, told
from vectordb import VectorDB


def test_a_cut_at_every_byte_of_the_last_line_recovers_all_before_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = sample(path)
    before, last = b"".join(lines[:-1]), lines[-1]
    path.write_bytes(before)
    with reopened(path) as db:
        expected = told(db)
    for kept in range(len(last)):
        path.write_bytes(before + last[:kept])
        with reopened(path) as db:
            assert (db.opened.torn_bytes, db.opened.torn_line) == (kept, len(lines) if kept else 0)
            assert db.head == len(lines) - 2
            if kept % 40 == 1:
                assert told(db) == expected
        assert path.read_bytes() == before


def test_a_cut_at_every_byte_of_the_file_recovers_the_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    data = b"".join(sample(path))
    header = data.index(b"\n") + 1
    for size in range(header, len(data), 7):
        path.write_bytes(data[:size])
        with reopened(path) as db:
            whole = data[:size].rfind(b"\n") + 1
            assert db.head == data[:size].count(b"\n") - 1
            assert db.opened.torn_bytes == size - whole
        assert path.read_bytes() == data[:whole]


def test_work_goes_on_after_a_torn_tail(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 5).close()
    data = path.read_bytes()
    for kept in (1, 20, len(data.splitlines()[-1])):
        path.write_bytes(data[: data[:-1].rfind(b"\n") + 1 + kept])
        with reopened(path) as db:
            assert db.head == 4
            db.view("numbers").put("after", {"n": kept})
        with reopened(path) as db:
            assert (db.head, db.view("numbers").get("after")["n"], db.opened.torn_bytes) == (5, kept, 0)
            assert not db.view("numbers").get("e5").found


@pytest.mark.parametrize("lazy", [False, True])
def test_read_only_leaves_the_tail_and_reports_it(tmp_path: Path, lazy: bool) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 3).close()
    with path.open("ab") as file:
        file.write(b'{"offset":4')
    before = path.read_bytes()
    with reopened(path, read_only=True, lazy=lazy) as db:
        assert (db.head, db.opened.torn_bytes, db.opened.torn_line) == (3, 11, 5)
    assert path.read_bytes() == before


def test_a_replay_reports_the_tail_too(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 3).close()
    with path.open("ab") as file:
        file.write(b'{"offset":4')
    with VectorDB.replay(path) as db:
        assert (db.head, db.opened.torn_bytes, db.opened.torn_line) == (3, 11, 5)


def test_garbage_after_the_last_newline_is_a_torn_tail_too(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 3).close()
    whole = path.read_bytes()
    for garbage in (b"\0" * 4096, b"\xff", b'{"offset":4,"digest":"x"}', b"x" * 3_000_000):
        path.write_bytes(whole + garbage)
        with reopened(path) as db:
            assert (db.head, db.opened.torn_bytes) == (3, len(garbage))
        assert path.read_bytes() == whole


def test_the_loss_of_a_torn_event_is_found_against_its_head(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 3).close()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(HeadMismatch) as caught:
        reopened(path, expect=3)
    assert caught.value.values["head"] == 2


# -- the header --------------------------------------------------------------------------------------


def test_a_header_torn_by_a_crash_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    VectorDB.open(path, seed=SEED).close()
    header = path.read_bytes()
    for kept in range(len(header)):
        path.write_bytes(header[:kept])
        with VectorDB.open(path, seed=SEED) as db:
            assert db.head == 0
            db.mark("first")
        with VectorDB.open(path) as db:
            assert db.head == 1


def test_a_torn_header_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    VectorDB.open(path).close()
    header = path.read_bytes()
    for kept in (1, 10, len(header) - 1):
        path.write_bytes(header[:kept])
        with VectorDB.open(path) as db:
            assert (db.opened.torn_bytes, db.opened.torn_line) == (kept, 1)


def test_a_torn_header_is_not_a_ledger_to_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    VectorDB.open(path).close()
    header = path.read_bytes()
    path.write_bytes(header[:-1])
    for read in (lambda: VectorDB.open(path, read_only=True), lambda: VectorDB.replay(path)):
        with pytest.raises(Exception, match="ledger"):
            read()
    assert path.read_bytes() == header[:-1]
