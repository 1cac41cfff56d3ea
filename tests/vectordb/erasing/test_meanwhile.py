"""What goes on while something is erased or compacted: projections, transactions, searches, forks, held rows."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from ledger import Erased, Event, Fact, Files, InvalidEvent, ManualClock, Pruned, RowPut, RowsPut
from projections import Gone, Projection
from tests.ledger.storage.samples import Once
from tests.vectordb.erasing.history import START, opened
from tests.vectordb.reachable import find_bytes
from vectordb import Category, Int, ReadOnlyLedger, Vector, VectorDB

CITY = "Quixotic-Lane"


def people(path: Path | None = None, **options: Any) -> VectorDB:
    db = opened(path, **options)
    db.create_view("people", entity="person", features={"n": Int(), "city": Category()})
    return db


class Seen(Projection):
    """Entities of single puts."""

    name, version, handles = "seen", 1, (RowPut,)

    def reset(self) -> None:
        self.entities: list[Any] = []

    def apply(self, event: Event) -> None:
        fact: Any = event.fact
        self.entities.append(fact.entity)


class Batches(Seen):
    """Entities of batches."""

    name, handles = "batches", (RowsPut,)

    def apply(self, event: Event) -> None:
        fact: Any = event.fact
        self.entities += [entity for block in fact.blocks() for entity in block.entities]


class Stubborn(Seen):
    """Raises when it is asked to forget, and at what is left of an event."""

    name, handles = "stubborn", (Fact,)  # type: ignore[assignment]

    def apply(self, event: Event) -> None:
        if event.fact.redaction is not None:
            raise ValueError("no")
        self.entities.append(event.offset)

    def forget(self, gone: Gone) -> bool:
        raise ValueError("no")


def test_a_projection_of_any_shape_of_write_forgets() -> None:
    seen, batches = Seen(), Batches()
    db = people(projections=[seen, batches])
    db.view("people").put("s", {"n": 1}), db.view("people").put("t", {"n": 1})
    db.view("people").put_many([{"person": "s", "n": 1}])
    db.erase("people", "s", reason="asked")
    assert seen.entities == ["t"] and batches.entities == []


def test_a_projection_that_cannot_forget_does_not_stop_an_erasure() -> None:
    stubborn = Stubborn()
    db = people(projections=[stubborn])
    db.view("people").put("s", {"n": 1})
    for number in range(2):
        done = db.erase("people", "s", reason="asked")
        assert done.offset == db.head and not db.view("people").get("s").found and stubborn.entities == [1]
        db.view("people").put("s", {"n": number})


def test_a_category_of_an_open_transaction_stays() -> None:
    db = people()
    db.view("people").put("s", {"city": CITY})
    with db.transaction() as tx:
        tx.view("people").put("t", {"city": CITY})
        db.erase("people", "s", reason="asked")
    assert db.view("people").get("t")["city"] == CITY
    with pytest.raises(KeyError), db.transaction() as tx:
        tx.view("people").put("u", {"city": CITY})
        db.erase("people", "t", reason="asked")
        assert CITY in db.state.log.layouts.pool
        raise KeyError
    assert CITY not in db.state.log.layouts.pool
    db.state.log.layouts.pool.check()
    db.view("people").put("u", {"city": CITY})
    assert db.view("people").get("u")["city"] == CITY


def test_a_category_of_a_rejected_row_leaves_the_pool() -> None:
    db = people()
    rows = [{"person": "t", "n": 1, "city": "Rome"}, {"person": "s", "n": "bad", "city": CITY}]
    db.view("people").put_many(rows, on_error="reject")
    assert find_bytes(db, [CITY])
    db.erase("people", "s", reason="asked")
    assert find_bytes(db, [CITY]) == [] and db.view("people").get("t")["city"] == "Rome"


def test_a_checkpoint_beside_a_live_fork_is_without_the_category(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with people(path) as db:
        db.view("people").put("s", {"city": CITY}), db.view("people").put("t", {"city": "Rome"})
        fork = db.fork()
        db.erase("people", "s", reason="asked")
        db.checkpoint(tmp_path / "checkpoint")
        assert fork.view("people").get("s")["city"] == CITY
    assert CITY.encode() not in (tmp_path / "checkpoint").read_bytes()
    with VectorDB.open(path, checkpoint=tmp_path / "checkpoint", clock=ManualClock(START)) as db:
        assert db.opened.checkpoint and db.view("people").get("t")["city"] == "Rome"


def test_a_fork_that_nobody_holds_is_let_go() -> None:
    db = people()
    db.view("people").put("s", {"city": CITY})
    gc.disable()
    try:
        db.fork()
        assert db.erase("people", "s", reason="asked").forks == ()
    finally:
        gc.enable()
    assert CITY not in db.state.log.layouts.pool


@pytest.mark.parametrize("entity", ["4711", "Ada, of Marylebone", 'a"b', ("eu", "Zoltan"), "naïve\n", " x"])
def test_what_is_said_of_a_write_names_nobody_in_any_form(entity: Any) -> None:
    db = people()
    rows = [{"person": "t", "n": 1}, {"person": entity, "n": 1}]
    db.view("people").put_many(rows, actor=f"form of {entity}", idempotency_key=f"nightly {entity}")
    db.erase("people", entity, reason="asked")
    event: Any = db.event(2)
    assert event.meta is None and event.fact.origin is None


@pytest.mark.parametrize("action", ["erase", "compact"])
def test_a_search_that_it_comes_between(action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    db = opened(None, auto_index=False)
    view = db.create_view("people", entity="person", features={"face": Vector(2, metric="euclidean")})
    for number in range(10):
        view.put("a", {"face": [number, 1.0]}), view.put("b", {"face": [number, 2.0]})
    read_past = type(db.state).read_past

    def between(*arguments: Any) -> Any:
        monkeypatch.undo()
        db.erase("people", "a", reason="asked") if action == "erase" else db.compact(below=db.head)
        return read_past(*arguments)

    monkeypatch.setattr(type(db.state), "read_past", between)
    assert view.search("face", [9.0, 1.0], k=3).entities == (["b"] if action == "erase" else ["a", "b"])


def test_an_index_asked_for_before_a_compaction_is_that_of_now() -> None:
    db = opened(None, auto_index=False)
    view = db.create_view("people", entity="person", features={"face": Vector(2, metric="euclidean")})
    for number in range(300):
        view.put(f"p{number % 250}", {"face": [number, 1.0]})
    index = view.index("face")
    index.build()
    db.compact(below=db.head)
    assert index.stats()["state"] == "none" and index.build()["state"] == "ready"
    assert view.index("face").stats()["state"] == "ready"


def test_an_event_that_is_read_meanwhile_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    db = people()
    service = db.create_service("served", features=["people:n"])
    db.view("people").put("s", {"n": 987_654_321_987})
    prediction = db.record_prediction(service.get("s"), model="m", output=1)
    log: Any = db.state.log
    log._recent = {}
    segment = type(log._segments[0])
    fact = segment.fact

    def slow(own: Any, place: int) -> Any:
        found = fact(own, place)
        if place == prediction.offset - 1:
            monkeypatch.undo()
            db.erase("people", "s", reason="asked")
        return found

    monkeypatch.setattr(segment, "fact", slow)
    db.event(prediction.offset)
    assert db.event(prediction.offset).type == "redacted" and find_bytes(db, [987_654_321_987]) == []


def test_a_row_read_before_is_not_recorded_again() -> None:
    db = people()
    service = db.create_service("served", features=["people:n"])
    view = db.view("people")
    view.put("s", {"n": 987_654_321_987}), view.put("t", {"n": 1}), view.put("t", {"n": 2})
    row, other = service.get("s"), service.get("t")
    db.erase("people", "s", reason="asked")
    with pytest.raises(Erased):
        db.record_prediction(row, model="m", output=1)
    assert find_bytes(db, [987_654_321_987]) == []
    view.put("t", {"n": 3})
    db.compact(below=db.head)
    assert db.record_prediction(other, model="m", output=1).inputs == {"n": 2}


@pytest.mark.parametrize("action", ["erase", "compact"])
def test_a_fork_of_a_lazy_ledger_rewrites_what_it_shares(action: str, tmp_path: Path) -> None:
    with people(tmp_path / "events.jsonl", lazy=True) as db:
        view = db.view("people")
        view.put_many([{"person": "s", "n": 1}, {"person": "t", "n": 2}])
        for number in range(4_200):
            view.put(f"p{number % 50}", {"n": number})
        fork = db.fork()
        digests = [fork.digest(offset) for offset in range(1, 4_203)]
        if action == "erase":
            fork.erase("people", "s", reason="asked")
            assert [version.values for version in fork.view("people").history("s")] == []
            assert len(fork.view("people").history("p7")) == 84
        else:
            fork.compact(below=1_000)
        assert fork.view("people").history("t")[0].values == {"n": 2}
        assert [fork.digest(offset) for offset in range(1, 4_203)] == digests
        fork.check()
        assert view.history("s")[0].values == {"n": 1} and fork.view("people").get("p7")["n"] == 4_157


def test_a_fork_of_a_lazy_ledger_reads_on_after_a_second_erasure(tmp_path: Path) -> None:
    with people(tmp_path / "events.jsonl", lazy=True) as db:
        view = db.view("people")
        view.put_many([{"person": name, "n": 1} for name in ("s", "t", "u")])
        for number in range(4_200):
            view.put("p", {"n": number})
        db.erase("people", "s", reason="asked")
        fork = db.fork()
        db.erase("people", "t", reason="asked")
        fork.event(5)  # another one of the segment: the last one read is kept
        assert fork.view("people").history("t")[0].values == {"n": 1} and len(fork.view("people").history("s")) == 0


def test_a_failure_after_the_rename_stops_all_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    for name in ("sync_folder", "open"):
        db = people(path)
        db.view("people").put("s", {"n": 1})
        with monkeypatch.context() as patched:
            if name == "open":  # of the temporary file first, then of the one in its place
                patched.setattr(Files, "sync_folder", lambda *given: None)
            call = 2 if name == "open" else 1
            patched.setattr(Files, name, Once(getattr(Files, name), OSError(5, "input/output"), call))
            with pytest.raises(OSError, match="input/output"):
                db.erase("people", "s", reason="asked")
        with pytest.raises(ReadOnlyLedger):
            db.view("people").put("t", {"n": 2})
        db.close()
        with VectorDB.open(path, clock=ManualClock(START)) as again:
            assert not again.view("people").get("s").found
        path.unlink()


def test_a_replay_of_events_keeps_the_promise_of_a_compaction() -> None:
    db = people()
    for number in range(6):
        db.view("people").put("e", {"n": number})
    db.compact(below=5)
    for events in (db.events(), list(db.events())):
        with pytest.raises(Pruned):
            VectorDB.replay(events, as_of=4)
        again = VectorDB.replay(events, as_of=6)
        assert again.head == 6 and again.view("people").get("e")["n"] == 4
        with pytest.raises(Pruned):
            again.as_of(4)
    with pytest.raises(InvalidEvent, match="what became of a line"):
        VectorDB.replay(db.events(1, 5))


def test_what_was_erased_does_not_come_back_below_a_compaction(tmp_path: Path) -> None:
    from ledger import DigestMismatch

    path = tmp_path / "events.jsonl"
    with people(path) as db:
        db.view("people").put("s", {"n": 1}), db.view("people").put("t", {"n": 1}), db.view("people").put("t", {"n": 2})
        db.compact(below=db.head)
        old = path.read_bytes().splitlines(keepends=True)
        db.erase("people", "s", reason="asked")
    new = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*new[:2], old[2], *new[3:]]))
    with pytest.raises(DigestMismatch, match="does not come back"):
        VectorDB.open(path)


def test_a_large_batch_is_erased_from_again_and_again() -> None:
    db = opened(None, auto_index=False)
    view = db.create_view("people", entity="person", features={"n": Int(), "face": Vector(2, metric="euclidean")})
    count = 3_000
    faces = [[float(number), 0.0] for number in range(count)]
    view.put_many({"person": [f"p{number}" for number in range(count)], "n": list(range(count)), "face": faces})
    gone: set[int] = set()
    for start in (0, 7, 8):
        gone |= set(range(start, count, 20))
        done = db.erase("people", [f"p{number}" for number in range(start, count, 20)], reason="asked")
        assert len(done.versions) == done.vectors == count // 20
    assert [number for number in range(count) if not view.get(f"p{number}").found] == sorted(gone)
    assert view.search("face", [8.2, 0.0], k=3).entities == ["p9", "p10", "p6"]
    db.check()
    assert VectorDB.replay(db.events()).digest() == db.digest()
