"""Checkpoints: a cache of the folding, never the truth. One that does not fit is passed over."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger import Event, Fact, ManualClock
from projections import Projection
from tests.ledger.storage.samples import SEED, START, counter, fill, reopened, sample, told
from vectordb import Category, Int, VectorDB


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, Path]:
    """A sample ledger and a checkpoint at its head."""
    path, checkpoint = tmp_path / "ledger.jsonl", tmp_path / "ledger.checkpoint"
    sample(path)
    with reopened(path) as db:
        db.checkpoint(checkpoint)
    return path, checkpoint


def assert_right(path: Path, checkpoint: Path, used: int | None, **options: Any) -> None:
    """The state with the checkpoint is that of a full replay; ``used`` is the offset it saved (None: any)."""
    with reopened(path) as db:
        expected = told(db)
    with reopened(path, checkpoint=checkpoint, **options) as db:
        assert told(db) == expected
        assert used is None or db.opened.checkpoint == used
        db.check()


@pytest.mark.parametrize("lazy", [False, True])
def test_a_checkpoint_saves_the_folding(kept: tuple[Path, Path], lazy: bool) -> None:
    assert_right(*kept, used=16, lazy=lazy)


@pytest.mark.parametrize("lazy", [False, True])
def test_events_after_a_checkpoint_are_folded(kept: tuple[Path, Path], lazy: bool) -> None:
    path, checkpoint = kept
    with reopened(path) as db:
        db.view("users").put("u1", {"age": 77})
        db.view("users").put_many({"user": [f"n{number}" for number in range(20)], "city": [None, "new"] * 10})
    assert_right(path, checkpoint, used=16, lazy=lazy)


def test_a_checkpoint_at_every_offset(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = sample(path)
    for events in range(len(lines)):
        path.write_bytes(b"".join(lines[: events + 1]))
        with reopened(path) as db:
            db.checkpoint(tmp_path / "checkpoint")
        path.write_bytes(b"".join(lines))
        assert_right(path, tmp_path / "checkpoint", used=events)


def test_a_checkpoint_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    sample(tmp_path / "a")
    assert_right(tmp_path / "a", tmp_path / "missing", used=0)
    assert_right(tmp_path / "a", tmp_path, used=0)


def test_a_checkpoint_of_another_ledger_is_passed_over(kept: tuple[Path, Path], tmp_path: Path) -> None:
    path, checkpoint = kept
    clock = ManualClock(START)
    with VectorDB.open(tmp_path / "other", clock=clock, seed=SEED + 1) as db:
        fill(db, clock)
    assert_right(tmp_path / "other", checkpoint, used=0)
    with reopened(path) as db:
        db.fork(16).snapshot(tmp_path / "fork")
    assert_right(tmp_path / "fork", checkpoint, used=0)


def test_a_checkpoint_ahead_of_its_ledger_is_passed_over(kept: tuple[Path, Path]) -> None:
    path, checkpoint = kept
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    assert_right(path, checkpoint, used=0)


def test_a_checkpoint_of_another_history_is_passed_over(tmp_path: Path) -> None:
    """The same ledger id and offset, but other events: only the digest tells."""
    for name, number in (("a", 1), ("b", 2)):
        with VectorDB.open(tmp_path / name, clock=ManualClock(START), seed=SEED) as db:
            db.create_view("v", entity="e", features={"n": Int()}).put("x", {"n": number})
            db.checkpoint(tmp_path / f"{name}.checkpoint")
    assert_right(tmp_path / "a", tmp_path / "b.checkpoint", used=0)
    assert_right(tmp_path / "a", tmp_path / "a.checkpoint", used=2)


def test_a_damaged_checkpoint_never_changes_an_answer(kept: tuple[Path, Path]) -> None:
    path, checkpoint = kept
    data = checkpoint.read_bytes()
    for place in range(0, len(data), max(1, len(data) // 60)):
        checkpoint.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        assert_right(path, checkpoint, used=None)
        checkpoint.write_bytes(data[:place])
        assert_right(path, checkpoint, used=0)


HEADS: dict[str, Any] = {
    "a list": [],
    "a text": "head",
    "a number": 7,
    "nothing": {},
    "a negative offset": {"offset": -1},
    "a text offset": {"offset": "10"},
    "a float offset": {"offset": 9.5},
    "a huge offset": {"offset": 10**30},
    "negative bytes": {"bytes": -1},
    "huge bytes": {"bytes": 10**30},
    "many bytes": {"bytes": 10**15},
    "no hash": {"sha256": None},
}


@pytest.mark.parametrize("name", HEADS)
def test_a_strange_head_is_passed_over(kept: tuple[Path, Path], name: str) -> None:
    path, checkpoint = kept
    first, _, rest = checkpoint.read_bytes().partition(b"\n")
    head, change = json.loads(first), HEADS[name]
    if isinstance(change, dict) and change:
        part = head if "offset" in change else head["projections"][0]
        part.update(change)
    else:
        head = change
    checkpoint.write_bytes(json.dumps(head).encode() + b"\n" + rest)
    assert_right(path, checkpoint, used=0)


@pytest.mark.parametrize("data", [b"", b"\n", b"{", b"\xff\xfe\n", b"[" * 100_000 + b"\n", bytes(1000)], ids=range(6))
def test_a_file_that_is_no_checkpoint_is_passed_over(kept: tuple[Path, Path], data: bytes) -> None:
    path, checkpoint = kept
    checkpoint.write_bytes(data)
    assert_right(path, checkpoint, used=0)


@pytest.mark.parametrize("dump", [b"", b"{}", b"[]", b"null", b"\0" * 40, b"\xff" * 40, b"[" * 100_000, b"7"])
def test_a_dump_that_cannot_be_read_is_passed_over(kept: tuple[Path, Path], dump: bytes) -> None:
    path, checkpoint = kept
    first, _, rest = checkpoint.read_bytes().partition(b"\n")
    head = json.loads(first)
    start = 0
    for item in head["projections"]:
        size, changed = item["bytes"], json.loads(first)
        for other in changed["projections"]:
            if other["name"] == item["name"]:
                other.update(bytes=len(dump), sha256=sha256(dump).hexdigest())
        checkpoint.write_bytes(json.dumps(changed).encode() + b"\n" + rest[:start] + dump + rest[start + size :])
        with reopened(path, checkpoint=checkpoint) as db:
            assert db.head == 16
        start += size


def test_a_failed_checkpoint_leaves_the_old_one(kept: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path, checkpoint = kept
    before = checkpoint.read_bytes()

    def refuse(*arguments: object) -> None:
        raise OSError(28, "no space")

    with reopened(path) as db:
        db.mark("x")
        monkeypatch.setattr("os.fsync", refuse)
        with pytest.raises(OSError, match="no space"):
            db.checkpoint(checkpoint)
        monkeypatch.undo()
    assert checkpoint.read_bytes() == before
    assert [found for found in path.parent.iterdir() if found.suffix == ".tmp"] == []
    assert_right(path, checkpoint, used=16)


def test_categories_do_not_make_a_checkpoint_useless(tmp_path: Path) -> None:
    """Codes are given in order of first use, which columns in another order or a refused write may change."""
    path, ids = tmp_path / "ledger.jsonl", list(range(20))
    with VectorDB.open(path, clock=ManualClock(START), seed=SEED) as db:
        view = db.create_view("v", entity="e", features={"n": Int(), "a": Category(), "b": Category()})
        with pytest.raises(ValueError, match="cell"):
            view.put_many({"e": ids, "a": ["refused"] * 20, "n": ["text"] * 20})
        view.put_many({"e": ids, "b": ["x"] * 20, "a": ["y"] * 20})
        db.checkpoint(tmp_path / "checkpoint")
    assert_right(path, tmp_path / "checkpoint", used=2)


class Listed(Projection):
    """Offsets; fails as told."""

    name = "listed"
    handles = (Fact,)

    def __init__(self, fail_at: int = 0, load_error: Exception | None = None) -> None:
        self.fail_at, self.load_error = fail_at, load_error

    def reset(self) -> None:
        self.offsets: list[int] = []

    def apply(self, event: Event) -> None:
        if event.offset == self.fail_at:
            self.fail_at = 0
            raise RuntimeError("once")
        self.offsets.append(event.offset)

    def dump(self) -> bytes:
        return bytes(self.offsets)

    def load(self, state: bytes) -> None:
        if self.load_error is not None:
            raise self.load_error
        self.offsets = list(state)


def test_a_projection_of_a_user_is_kept_too(tmp_path: Path) -> None:
    path, checkpoint = tmp_path / "ledger.jsonl", tmp_path / "checkpoint"
    with counter(path, 5, projections=[Listed()]) as db:
        db.checkpoint(checkpoint)
        db.mark("x")
    with reopened(path, projections=[listed := Listed()], checkpoint=checkpoint) as db:
        assert (db.opened.checkpoint, listed.offsets) == (5, [1, 2, 3, 4, 5, 6])
    assert_right(path, checkpoint, used=0)  # a checkpoint of other projections does not fit


def test_a_projection_that_is_behind_is_not_kept_half_done(tmp_path: Path) -> None:
    path, checkpoint = tmp_path / "ledger.jsonl", tmp_path / "checkpoint"
    with counter(path, 5, projections=[Listed(fail_at=3)]) as db:
        db.checkpoint(checkpoint)
    with reopened(path, projections=[Listed()], checkpoint=checkpoint) as db:
        listed = db.projection("listed")
        assert isinstance(listed, Listed)
        assert listed.offsets == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("error", [RuntimeError(), AttributeError(), AssertionError(), NotImplementedError()], ids=repr)
def test_a_projection_that_cannot_load_is_folded_from_the_log(tmp_path: Path, error: Exception) -> None:
    path, checkpoint = tmp_path / "ledger.jsonl", tmp_path / "checkpoint"
    with counter(path, 5, projections=[Listed()]) as db:
        db.checkpoint(checkpoint)
    with reopened(path, projections=[listed := Listed(load_error=error)], checkpoint=checkpoint) as db:
        assert (db.opened.checkpoint, listed.offsets) == (0, [1, 2, 3, 4, 5])
        assert db.view("numbers").get("e5")["n"] == 5
