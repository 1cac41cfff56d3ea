"""Checkpoints: a cache of the folded state, used only where it surely fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.saga import ENTITIES, tell
from tests.contracts.tally import Tally
from vectordb import Category, Int, InvalidInput, VectorDB
from vectordb.testing import state_of


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A ledger, and a checkpoint of it."""
    path, checkpoint = tmp_path / "ledger.jsonl", tmp_path / "checkpoint"
    db = tell(path)
    assert db.checkpoint(checkpoint) == checkpoint.stat().st_size
    db.close()
    return path, checkpoint


def dumps(db: VectorDB) -> list[bytes]:
    return [projection.dump() for projection in db.state.fold.projections]


def opened(path: Path, checkpoint: Path, **options: Any) -> VectorDB:
    return VectorDB.open(path, checkpoint=checkpoint, **options)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_start_from_a_checkpoint_is_the_start_from_the_log(files: tuple[Path, Path], lazy: bool) -> None:
    with VectorDB.open(files[0]) as plain:
        expected, head = state_of(plain), plain.head
    with opened(*files, lazy=lazy) as db:
        assert db.opened.checkpoint == head and state_of(db) == expected
        db.check()
        for offset in range(1, head + 1, 3):
            for entity in ENTITIES:
                past = db.as_of(offset).view("things").get(entity)
                fresh = VectorDB.replay(files[0], as_of=offset).as_of(offset).view("things").get(entity)
                assert past.versions == fresh.versions and past.status == fresh.status


def test_events_after_the_checkpoint_are_folded(files: tuple[Path, Path]) -> None:
    with VectorDB.open(files[0]) as db:
        covered = db.head
        db.create_view("more", entity="e", features={"x": Int()}).put("a", {"x": 1})
        db.view("things").put("d", {"i": 77, "c": "a category never seen"})
        db.view("things").delete(7)
        expected, state = dumps(db), state_of(db)
    with opened(*files) as db:
        assert db.opened.checkpoint == covered < db.head
        assert state_of(db) == state
        db.check()
        db.view("things").put("d", {"i": 78})
    assert expected


def test_a_refused_batch_before_a_checkpoint_does_not_spoil_it(tmp_path: Path) -> None:
    path, checkpoint = tmp_path / "ledger.jsonl", tmp_path / "checkpoint"
    with VectorDB.open(path) as db:
        view = db.create_view("v", entity="e", features={"x": Int(), "c": Category()})
        with pytest.raises(InvalidInput):
            view.put_many({"e": ["a", "b"], "x": [1, "bad"], "c": ["refused", "too"]})
        view.put_many({"e": ["a", "b"], "x": [1, 2], "c": ["kept", "also"]})
        branch = db.fork()
        branch.view("v").put("a", {"c": "of a fork"})
        view.put("c", {"c": "last"})
        db.checkpoint(checkpoint)
        expected = state_of(db)
    with opened(path, checkpoint) as db:
        assert db.opened.checkpoint == 3 and state_of(db) == expected
        assert db.view("v").get_many(["a", "b", "c"]).column("c") == ["kept", "also", "last"]


def cut_last(data: bytes) -> bytes:
    return data[:-1]


def flip_in_a_dump(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


def head_with(**changes: Any) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        head, _, rest = data.partition(b"\n")
        return json.dumps({**json.loads(head), **changes}).encode() + b"\n" + rest

    return change


def other_version(data: bytes) -> bytes:
    head, _, rest = data.partition(b"\n")
    fields = json.loads(head)
    fields["projections"][0]["version"] += 1
    return json.dumps(fields).encode() + b"\n" + rest


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "no json": lambda data: b"\xff" + data,
    "json of another kind": lambda data: b"[1]\n" + data,
    "json that is a number": lambda data: b"7\n",
    "cut": cut_last,
    "cut to its head": lambda data: data.partition(b"\n")[0] + b"\n",
    "a bit flipped": flip_in_a_dump,
    "another ledger": head_with(ledger_id="0" * 32),
    "another digest": head_with(digest="0" * 64),
    "another format": head_with(format="x"),
    "an offset beyond the log": head_with(offset=10**6),
    "a negative offset": head_with(offset=-1),
    "an offset that is no int": head_with(offset="3"),
    "an earlier offset": head_with(offset=3),
    "no projections": head_with(projections=[]),
    "projections of another kind": head_with(projections={"a": 1}),
    "sizes below zero": head_with(projections=[{"name": "catalog", "version": 1, "bytes": -1, "sha256": ""}]),
    "another version of a projection": other_version,
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_does_not_fit_is_ignored_and_the_log_replayed(files: tuple[Path, Path], name: str) -> None:
    path, checkpoint = files
    checkpoint.write_bytes(SPOILED[name](checkpoint.read_bytes()))
    with VectorDB.open(path) as plain:
        expected = dumps(plain)
    with opened(path, checkpoint) as db:
        assert db.opened.checkpoint == 0 and dumps(db) == expected
        db.check()


def test_a_checkpoint_that_is_not_there_is_no_error(files: tuple[Path, Path], tmp_path: Path) -> None:
    with opened(files[0], tmp_path / "nothing") as db:
        assert db.opened.checkpoint == 0 and db.head > 20


def test_other_projections_than_the_checkpoints_need_a_replay(files: tuple[Path, Path]) -> None:
    with opened(*files, projections=[Tally()]) as db:
        tally: Any = db.projection("tally")
        assert db.opened.checkpoint == 0 and tally.events == db.head


def test_a_checkpoint_of_a_log_that_was_cut_shorter_is_ignored(files: tuple[Path, Path]) -> None:
    path, checkpoint = files
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    with opened(path, checkpoint) as db:
        assert db.opened.checkpoint == 0
        db.check()


def test_a_checkpoint_of_a_fork_is_not_its_parents(files: tuple[Path, Path], tmp_path: Path) -> None:
    with VectorDB.open(files[0]) as db:
        db.fork().checkpoint(tmp_path / "of_the_fork")
    with opened(files[0], tmp_path / "of_the_fork") as db:
        assert db.opened.checkpoint == 0


def test_a_dump_that_cannot_be_read_leaves_nothing_half_loaded(files: tuple[Path, Path]) -> None:
    class Picky(Tally):
        def load(self, state: bytes) -> None:
            super().load(state)
            raise ValueError("not mine")

    path, checkpoint = files
    with VectorDB.open(path, projections=[Tally()]) as db:
        db.checkpoint(checkpoint)
    with opened(path, checkpoint, projections=[Picky()]) as db:
        tally: Any = db.projection("tally")
        assert db.opened.checkpoint == 0 and tally.events == db.head
        db.check()
