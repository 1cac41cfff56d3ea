"""Checkpoints: a cache of the folded state, used only where it surely fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from ledger.storage.deferred_segment import DeferredSegment
from tests.contracts.saga import ENTITIES, tell
from tests.contracts.tally import Tally
from vectordb import Category, DigestMismatch, HeadMismatch, Int, InvalidInput, Pruned, VectorDB
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


# -- what a checkpoint covers stays in the file until somebody asks ------------------------------------


@pytest.fixture(scope="module")
def long_told(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A ledger of two segments and a half, single rows, batches and keys, and a checkpoint of it."""
    folder = tmp_path_factory.mktemp("long")
    path, checkpoint = folder / "ledger.jsonl", folder / "checkpoint"
    with VectorDB.open(path, seed=3) as db:
        view = db.create_view("v", entity="e", features={"x": Int(), "c": Category()})
        view.put_many({"e": [f"b-{n}" for n in range(40)], "x": list(range(40)), "c": ["Rome"] * 40})
        view.put_many({"e": ["a", "bad"], "x": [1, "no"], "c": ["Rome", "Rome"]}, on_error="reject")
        view.put("keyed", {"x": 7, "c": "Oslo"}, idempotency_key="once", actor="etl")
        for number in range(10_000):
            view.put(f"e-{number % 90}", {"x": number, "c": f"c-{number % 5}"})
        db.checkpoint(checkpoint)
    return path.read_bytes(), checkpoint.read_bytes()


@pytest.fixture
def long_files(tmp_path: Path, long_told: tuple[bytes, bytes]) -> tuple[Path, Path]:
    """A copy of them."""
    path, checkpoint = tmp_path / "ledger.jsonl", tmp_path / "checkpoint"
    path.write_bytes(long_told[0])
    checkpoint.write_bytes(long_told[1])
    return path, checkpoint


def kinds(db: VectorDB) -> list[str]:
    return [type(segment).__name__ for segment in db.state.log._segments]


def unread(db: VectorDB) -> int:
    """How many events of deferred segments were not read yet."""
    segments = [segment for segment in db.state.log._segments if isinstance(segment, DeferredSegment)]
    return sum(list.__getitem__(s.payloads, slice(None)).count(None) for s in segments)  # ints


def test_covered_events_are_read_when_asked_for_and_then_kept(long_files: tuple[Path, Path]) -> None:
    with opened(*long_files) as db:
        assert kinds(db) == ["DeferredSegment"] * 3 and db.opened.checkpoint == db.head == 10_004
        before = unread(db)
        assert db.head - before < 5, "definitions alone were read"
        assert db.view("v").get("e-7")["x"] == 9_997 and unread(db) == before
        past = db.as_of(200).view("v")
        assert past.get("e-7")["x"] == 187 and unread(db) == before - 1
        assert past.get("e-7")["x"] == 187 and unread(db) == before - 1
        assert db.as_of(3).view("v").get("b-3")["c"] == "Rome" and db.event(3).rows == 1
        assert [event.offset for event in db.events(type="rows_put")] == [2, 3]
        db.check()


def test_keys_rejections_and_metas_are_those_of_a_replay(long_files: tuple[Path, Path]) -> None:
    with VectorDB.open(long_files[0], read_only=True) as plain, opened(*long_files) as db:
        assert db.state.log.registry.rejections == plain.state.log.registry.rejections == [3]
        head = db.head
        again = db.view("v").put("keyed", {"x": 7, "c": "Oslo"}, idempotency_key="once", actor="etl")
        assert again.replayed and again.offset == 4 and db.head == head
        assert db.event(4).meta == plain.event(4).meta and db.event(4).payload == plain.event(4).payload
        assert state_of(db) == state_of(plain)


def test_writes_go_on_across_segments_and_read_back(long_files: tuple[Path, Path]) -> None:
    path, checkpoint = long_files
    with opened(path, checkpoint) as db:
        view = db.view("v")
        for number in range(3_000):
            view.put(f"n-{number % 9}", {"x": number, "c": "Rome"})
        assert kinds(db) == ["DeferredSegment"] * 3 + ["MemorySegment"]
        assert db.event(10_500).fact.entity == "n-0" and db.as_of(10_500).view("v").get("n-0")["x"] == 495  # type: ignore[attr-defined]
        expected, size = state_of(db), db.checkpoint(checkpoint)
    assert size == checkpoint.stat().st_size
    with opened(path, checkpoint) as db:
        assert db.opened.checkpoint == 13_004 and state_of(db) == expected


@pytest.mark.parametrize("lazy", [False, True])
def test_forks_erasures_and_compactions_of_covered_events(long_files: tuple[Path, Path], lazy: bool) -> None:
    path, checkpoint = long_files
    with opened(path, checkpoint, lazy=lazy) as db:
        branch = db.fork(9_000)
        branch.view("v").put("e-1", {"x": -1, "c": "Bern"})
        kept = branch.as_of(150).view("v").get("e-1")["x"]
        db.erase("v", ["e-1", "b-3"], reason="asked")
        assert not db.view("v").get("e-1").found and branch.as_of(150).view("v").get("e-1")["x"] == kept
        assert branch.as_of(6_000).view("v").get("e-1")["x"] == 5_941, "read from the file that was replaced"
        db.compact(below=8_000)
        with pytest.raises(Pruned):
            db.as_of(7_999)
        expected = state_of(db)
        assert db.as_of(8_500).view("v").get("e-7")["x"] == 8_467
        db.check()
    with opened(path, checkpoint) as db:
        assert db.opened.checkpoint == 0 and state_of(db) == expected, "stale: lines were rewritten after it"
        db.checkpoint(checkpoint)
    with opened(path, checkpoint, lazy=lazy) as db:
        assert db.opened.checkpoint == db.head and state_of(db) == expected
        assert db.audit.verify().ok


def test_a_pruned_line_that_nobody_vouches_for_is_found_in_what_is_covered(long_files: tuple[Path, Path]) -> None:
    path, checkpoint = long_files
    lines = path.read_bytes().splitlines(keepends=True)
    digest = json.loads(lines[50])["digest"]
    lines[50] = f'{{"offset":50,"digest":"{digest}"}}\n'.encode()
    path.write_bytes(b"".join(lines))
    with pytest.raises(DigestMismatch, match="what became of a line") as caught:
        opened(path, checkpoint)
    assert caught.value.values["offset"] == 50


@pytest.mark.parametrize("place", [1, 5_000, 10_003])
def test_damage_in_what_is_covered_is_named_as_without_a_checkpoint(long_files: tuple[Path, Path], place: int) -> None:
    path, checkpoint = long_files
    lines = path.read_bytes().splitlines(keepends=True)
    lines[place] = lines[place].replace(b'"x"', b'"y"').replace(b'"values":[', b'"values":[1')
    path.write_bytes(b"".join(lines))
    said = []
    for options in ({}, {"checkpoint": checkpoint}):
        with pytest.raises(DigestMismatch) as caught:
            VectorDB.open(path, **options)
        said.append(str(caught.value))
    assert said[0] == said[1] and caught.value.values["line"] == place + 1
    with opened(path, checkpoint, recover=True) if place > 1 else VectorDB() as db:
        assert db.head == max(0, place - 1)


def test_a_line_that_changes_under_a_running_database_is_refused(long_files: tuple[Path, Path]) -> None:
    path, checkpoint = long_files
    with opened(path, checkpoint, read_only=True) as db:
        data = path.read_bytes()
        path.write_bytes(data.replace(b'"values":[100,', b'"values":[900,', 1))
        with pytest.raises(DigestMismatch, match="a line keeps the digest"):
            list(db.events())


@pytest.mark.parametrize("cut", [1, 3_000])
def test_a_file_cut_back_is_replayed_and_a_torn_tail_cut_off(long_files: tuple[Path, Path], cut: int) -> None:
    path, checkpoint = long_files
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-cut]) + lines[-cut][:30])
    with opened(path, checkpoint) as db:
        assert db.opened.checkpoint == 0 and db.head == 10_004 - cut and db.opened.torn_bytes == 30
        db.view("v").put("e-1", {"x": 1, "c": "Rome"})
    with opened(path, checkpoint) as db:
        assert db.opened.checkpoint == 0 and db.view("v").get("e-1")["x"] == 1


def test_a_file_that_went_another_way_is_replayed(tmp_path: Path, long_files: tuple[Path, Path]) -> None:
    """As long as the log of the checkpoint, of the same ledger, with other events at its end."""
    path, checkpoint = long_files
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-5]))
    with VectorDB.open(path) as db:
        for number in range(9):
            db.view("v").put("other", {"x": number, "c": "Rome"})
        expected = state_of(db)
    with opened(path, checkpoint) as db:
        assert db.opened.checkpoint == 0 and state_of(db) == expected and db.head > 10_004


def test_a_checkpoint_taken_during_writes_is_of_one_offset(tmp_path: Path) -> None:
    path, checkpoint = tmp_path / "ledger.jsonl", tmp_path / "checkpoint"
    with VectorDB.open(path, seed=1) as db:
        view, stop = db.create_view("v", entity="e", features={"x": Int()}), Event()

        def write() -> None:
            number = 0
            while not stop.is_set():
                view.put(f"e-{number % 7}", {"x": number})
                number += 1

        writers = [Thread(target=write) for _ in range(2)]
        for writer in writers:
            writer.start()
        taken = []
        for turn in range(5):
            db.wait(100 * (turn + 1), 30)
            db.checkpoint(tmp_path / f"checkpoint-{turn}")
        stop.set()
        for writer in writers:
            writer.join()
        expected, head = state_of(db), db.head
    for turn in range(5):
        with opened(path, tmp_path / f"checkpoint-{turn}") as db:
            taken.append(db.opened.checkpoint)
            assert state_of(db) == expected and db.head == head
            db.check()
    assert taken == sorted(taken) and taken[0] >= 100 and not checkpoint.exists()


@pytest.mark.parametrize("lazy", [False, True])
def test_a_follower_goes_on_from_a_checkpoint(long_files: tuple[Path, Path], lazy: bool) -> None:
    path, checkpoint = long_files
    with opened(path, checkpoint, read_only=True, lazy=lazy) as follower, VectorDB.open(path) as db:
        assert follower.opened.checkpoint == 10_004 and follower.lag().events == 0
        db.view("v").put("e-1", {"x": -1, "c": "Bern"})
        assert follower.refresh() == 10_005 and follower.view("v").get("e-1")["c"] == "Bern"
        assert follower.digest() == db.digest() and follower.event(10_005).payload == db.event(10_005).payload
        expected = db.head, db.digest()
    with opened(path, checkpoint, expect=expected, lazy=lazy) as db:
        assert db.opened.checkpoint == 10_004 and db.head == 10_005
    with pytest.raises(HeadMismatch):
        opened(path, checkpoint, expect=10_006)
