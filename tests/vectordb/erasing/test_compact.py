"""Compacting: what goes below an offset, that no later read shows it, and what says so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger import DigestMismatch, InvalidInput, ManualClock, OffsetOutOfRange, Pruned, from_micros
from tests.vectordb.erasing.history import ENTITIES, START, opened, random_history, secretive, shown
from tests.vectordb.reachable import find_bytes
from vectordb import Int, Vector, VectorDB

PLACES = ("memory", "file", "lazy")


def place(where: str, folder: Path) -> VectorDB:
    return opened(None if where == "memory" else folder / "events.jsonl", **({"lazy": True} if where == "lazy" else {}))


def rows_at_clocks(db: VectorDB, first: int) -> list[Any]:
    """Every row as of every offset from a first one on, at clocks from its time on and far ahead."""
    told = []
    start = from_micros(db.state.log.time_of(first))
    for reader in (*(db.as_of(offset) for offset in range(first, db.head + 1)), db):
        for view in reader.views():
            for later in (0, 3, 60, 1000):
                at = start + timedelta(seconds=later)
                told += [reader.view(view).get(entity, at=at) for entity in ENTITIES]
            told.append([(hit.entity, hit.distance) for hit in reader.view(view).search("v", [0.5, 0.5], k=9)])
    return [
        [dict(row), row.versions, row.status, row.version] if hasattr(row, "status") else row for row in told
    ]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("seed", range(4))
def test_later_reads_are_as_they_were(where: str, seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    db = random_history(place(where, tmp_path), random, 30)
    below = random.randint(5, db.head)
    state, rows = shown(db, first=below), rows_at_clocks(db, below)
    digests = [db.digest(offset) for offset in range(db.head + 1)]
    head = db.head
    done = db.compact(below=below)
    assert (done.below, done.offset) == (below, head + 1) and done.pruned + done.redacted <= below
    assert shown(db, first=below)[: head + 1 - below] == state[: head + 1 - below]
    assert len(rows_at_clocks(db, below)) > len(rows)
    found = rows_at_clocks(db, below)[: len(rows) * (head + 1 - below) // (head + 2 - below)]
    assert found == rows[: len(found)]
    assert [db.digest(offset) for offset in range(head + 1)] == digests
    for offset in range(below):
        with pytest.raises(Pruned) as refused:
            db.as_of(offset)
        assert refused.value.values["first"] == below and refused.value.values["last"] == db.head
    db.check()
    again = VectorDB.replay(db.events(), clock=db.state.clock)
    assert rows_at_clocks(again, below) == rows_at_clocks(db, below)
    again.check()
    late = {"n": 1000 + seed, "x": 0.5}
    db.view("one").put("a", late, event_time=db.clock() / 1e6 - 5)
    db.check()


@pytest.mark.parametrize("seed", range(4))
def test_what_is_written_later_meets_the_same_state(seed: int, tmp_path: Path) -> None:
    """A late write after a compaction gives the rows that it gives without one."""
    whole, compacted = (random_history(opened(None), Random(seed), 30) for _ in range(2))
    below = whole.head
    compacted.compact(below=below)
    whole.mark("one event more")
    for db in (whole, compacted):
        random = Random(f"later {seed}")
        clock: Any = db.state.clock
        for _ in range(15):
            clock.advance(random.choice([0, 2]))
            when = db.clock() / 1e6 - random.randint(0, 120)
            values = {"n": random.randint(0, 9)} if random.random() < 0.5 else {"x": random.random(), "c": "red"}
            db.view("one").put(random.choice(ENTITIES), values, event_time=when)
    assert rows_at_clocks(compacted, below + 1) == rows_at_clocks(whole, below + 1)
    compacted.check()


@pytest.mark.parametrize("where", PLACES)
def test_a_delete_that_is_not_the_last_write_is_kept(where: str, tmp_path: Path) -> None:
    """It hides the late writes that are dated before it: the one that came after it, and those still to come."""
    db = place(where, tmp_path)
    clock: Any = db.state.clock
    view = db.create_view("v", entity="e", features={"n": Int(default=-1), "m": Int()})
    start = clock() / 1e6
    view.put("a", {"n": 1, "m": 1})
    view.delete("a", event_time=start + 10)
    view.put("a", {"n": 2}, event_time=start + 5)
    clock.advance(20)
    db.mark("bound")
    assert db.compact(below=db.head).rows == 1, "the first write, which the delete hides for good"
    for reader in (db, VectorDB.replay(db.events(), clock=clock)):
        assert not reader.view("v").get("a").found and reader.view("v").get("a")["n"] == -1
    view.put("a", {"m": 7}, event_time=start + 9)
    assert not view.get("a").found and view.get("a")["m"] is None
    view.put("a", {"m": 8}, event_time=start + 11)
    assert dict(view.get("a")) == {"n": -1, "m": 8}
    db.check()


@pytest.mark.parametrize("where", PLACES)
def test_the_file_shrinks_and_reopens(where: str, tmp_path: Path) -> None:
    db = place(where, tmp_path)
    view = db.create_view("numbers", entity="number", features={"n": Int()})
    for number in range(200):
        view.put(f"e{number % 5}", {"n": number}, actor="a rather long name of somebody who writes")
    done = db.compact(below=db.head)
    assert done.rows == 195 and done.pruned == 195 and done.redacted == 0
    told, digest = shown(db, first=db.head - 1), db.digest()
    if where == "memory":
        size = db.snapshot(tmp_path / "events.jsonl")
    else:
        size = (tmp_path / "events.jsonl").stat().st_size
        db.close()
    assert size < 25_000
    for lazy in (False, True):
        with VectorDB.open(tmp_path / "events.jsonl", lazy=lazy, clock=db.state.clock) as again:
            assert shown(again, first=again.head - 1) == told and again.digest() == digest
            again.check()
            again.state.journal.check_wording()
            assert again.state.log.pruned == done.below
    with VectorDB.open(tmp_path / "events.jsonl", clock=db.state.clock) as again:
        again.view("numbers").put("e1", {"n": -1})
        assert again.view("numbers").get("e1")["n"] == -1


def test_every_way_into_the_past_says_pruned(tmp_path: Path) -> None:
    db = opened(None)
    clock: Any = db.state.clock
    view = db.create_view("numbers", entity="number", features={"n": Int()})
    first = view.put("e", {"n": 1})
    early, held = db.at, db.as_of(2)
    service = db.create_service("one", features=["numbers:n"])
    prediction = db.record_prediction(service.get("e"), model="m", output=1)
    clock.advance(10)
    for number in range(5):
        clock.advance(1)
        view.put("e", {"n": number})
    below = db.head
    db.compact(below=below)
    reads = [
        lambda: held.view("numbers").get("e"),
        lambda: held.view("numbers").get_many(["e"]),
        held.views,
        lambda: db.as_of(2),
        lambda: db.as_of(time=early),
        lambda: db.as_of(prediction=prediction.id).view("numbers").get("e"),
        lambda: db.version(first.versions[0]),
        lambda: view.get("e", at=early),
        lambda: view.get_many(["e"], at=early),
        lambda: service.training_set({"number": ["e"], "time": [early]}),
        lambda: db.fork(2),
    ]
    for read in reads:
        with pytest.raises(Pruned):
            read()
    assert isinstance(db.prediction(prediction.id).versions["n"], str)
    assert "pruned" in str(db.reproduce(prediction.id).missing).lower() or db.reproduce(prediction.id).missing
    assert view.get("e")["n"] == 4 and db.as_of(below).view("numbers").get("e")["n"] == 4
    assert [version.values for version in view.history("e")] == [{"n": 4}]


def test_bounds_are_refused_with_the_valid_range(tmp_path: Path) -> None:
    db = secretive(place("file", tmp_path))
    digest = db.digest()
    for below in (0, -1, db.head + 1, True, 2.0, None):
        with pytest.raises(OffsetOutOfRange):
            db.compact(below=below)  # type: ignore[arg-type]
    assert db.digest() == digest
    done = db.compact(below=10)
    assert done.to_dict() == vars(done) and done.to_dict()["below"] == 10
    for below in (9, 10):
        with pytest.raises(OffsetOutOfRange):
            db.compact(below=below)
    db.compact(below=20)
    assert db.state.log.pruned == 20
    with pytest.raises(Pruned):
        db.as_of(19)
    db.close()
    with VectorDB.open(tmp_path / "events.jsonl", clock=ManualClock(START)) as again:
        again.check()
        assert again.state.log.pruned == 20


def test_the_first_clock_that_is_kept_is_the_recorded_time_of_the_bound() -> None:
    db = opened(None)
    clock: Any = db.state.clock
    view = db.create_view("v", entity="e", features={"n": Int(), "v": Vector(2, metric="euclidean")})
    service = db.create_service("s", features=["v:n"])
    for number in range(4):
        clock.advance(1)
        view.put("e", {"n": number, "v": [number, 0]})
    first = clock()
    db.mark("bound")
    db.compact(below=db.head)
    before, since = from_micros(first - 1), from_micros(first)
    reads = (
        lambda at: view.get("e", at=at)["n"],
        lambda at: view.get_many(["e"], at=at).column("n")[0],
        lambda at: service.training_set([("e", at)]).column("n")[0],
        lambda at: view.search("v", [0, 0], 1, at=at).distances[0],
    )
    for read in reads:
        assert read(since) == 3
        with pytest.raises(Pruned):
            read(before)


def test_a_replay_up_to_an_offset_keeps_the_promise(tmp_path: Path) -> None:
    db = opened(tmp_path / "events.jsonl")
    view = db.create_view("numbers", entity="number", features={"n": Int()})
    for number in range(6):
        view.put("e", {"n": number})
    db.compact(below=5)
    db.close()
    with pytest.raises(Pruned):
        VectorDB.replay(tmp_path / "events.jsonl", as_of=4)
    again = VectorDB.replay(tmp_path / "events.jsonl", as_of=6)
    assert again.head == 6 and again.view("numbers").get("e")["n"] == 4
    with pytest.raises(Pruned):
        again.as_of(4)


def test_pruned_values_are_gone(tmp_path: Path) -> None:
    db = opened(tmp_path / "events.jsonl")
    view = db.create_view("numbers", entity="number", features={"n": Int()})
    view.put("e", {"n": 987_654_321_987})
    view.put("e", {"n": 1})
    assert find_bytes(db, [987_654_321_987])
    db.compact(below=db.head)
    assert find_bytes(db, [987_654_321_987]) == []
    assert b"987654321987" not in (tmp_path / "events.jsonl").read_bytes()
    db.close()


def test_an_erasure_and_a_compaction_of_one_log(tmp_path: Path) -> None:
    db = secretive(place("file", tmp_path))
    db.erase("people", ["p1", "subject-4711-x"], reason="asked")
    db.compact(below=db.head - 3)
    db.erase("people", "p2", reason="asked")
    told, head = shown(db, first=db.head - 2), db.head
    db.check()
    db.close()
    with VectorDB.open(tmp_path / "events.jsonl", clock=ManualClock(START)) as again:
        again.state.clock.set(db.at)
        assert shown(again, first=head - 2) == told
        again.check()


def test_a_changed_digest_of_a_pruned_line_is_found(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    db = opened(path)
    view = db.create_view("numbers", entity="number", features={"n": Int()})
    for number in range(6):
        view.put("e", {"n": number})
    db.compact(below=db.head)
    db.close()
    lines = path.read_bytes().splitlines(keepends=True)
    for number in [number for number, line in enumerate(lines) if b'"type"' not in line and number]:
        shifted = lines[number].replace(b'"digest":"', b'"digest":"0')[:-4] + b'"}\n'
        for broken in (lines[number][:-10] + b'0123456"}\n', shifted):
            if broken != lines[number]:
                path.write_bytes(b"".join([*lines[:number], broken, *lines[number + 1 :]]))
                with pytest.raises(DigestMismatch):
                    VectorDB.open(path)
    path.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(DigestMismatch, match="what became of a line"):
        VectorDB.open(path)


def test_a_fork_from_between_cannot_be_written(tmp_path: Path) -> None:
    db = opened(None)
    view = db.create_view("numbers", entity="number", features={"n": Int()})
    for number in range(6):
        view.put("e", {"n": number})
    below = db.head - 2
    db.compact(below=below)
    fork = db.fork(below + 1)
    assert fork.view("numbers").get("e")["n"] == 4
    with pytest.raises(Pruned):
        fork.as_of(below - 1)
    with pytest.raises(InvalidInput, match="compaction"):
        fork.snapshot(tmp_path / "fork.jsonl")
    whole = db.fork()
    whole.snapshot(tmp_path / "fork.jsonl")
    assert VectorDB.replay(tmp_path / "fork.jsonl").view("numbers").get("e")["n"] == 5
