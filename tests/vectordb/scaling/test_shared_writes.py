"""Writes on a shared ledger: decided on what all have written, and again where another one was faster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest

from ledger import HeadMoved, ManualClock, ReadOnlyLedger, SqlStore, WriteFailed
from tests.ledger.fake_driver import FakeDriver
from tests.ledger.storage.samples import SEED, START, fill, told
from tests.vectordb.scaling.sharing import FEATURES, agree, connected, lines_of, replayed, with_drivers
from vectordb import (
    DefinitionConflict,
    Erased,
    HeadConflict,
    IdempotencyConflict,
    Int,
    InvalidInput,
    MarkConflict,
    OffsetConflict,
    UnknownName,
    VectorDB,
)
from vectordb.persistence.shared import PATIENCE
from vectordb.transforms import StandardScaler


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shared.db"


@pytest.fixture
def pair(path: Path) -> Iterator[tuple[VectorDB, VectorDB]]:
    with with_drivers(path) as one, connected(path) as other:
        yield one, other


def overtake(monkeypatch: pytest.MonkeyPatch, db: VectorDB, write: Any) -> list[int]:
    """Let another one write between the decision and the line, once."""
    store = db.state.journal.store
    assert isinstance(store, SqlStore)
    done: list[int] = []

    def late(line: bytes, expected_head: int | None = None) -> int:
        if not done:
            done.append(len(done))
            write()
        return SqlStore.append(db.state.journal.store, line, expected_head)  # type: ignore[arg-type]  # the one by then

    monkeypatch.setattr(store, "append", late)
    return done


def test_a_shared_ledger_holds_the_lines_that_a_file_would(path: Path, tmp_path: Path) -> None:
    clock = ManualClock(START)
    with VectorDB.connect(path, clock=clock, seed=SEED) as db:
        fill(db, clock)
        clock = ManualClock(START)
        with VectorDB.open(tmp_path / "ledger.jsonl", clock=clock, seed=SEED) as file:
            fill(file, clock)
            assert told(db) == told(file)
        expected = (tmp_path / "ledger.jsonl").read_bytes()
        db.snapshot(tmp_path / "copy.jsonl")
    assert (tmp_path / "copy.jsonl").read_bytes() == b"".join(lines_of(path)) == expected
    with VectorDB.connect(path, read_only=True, clock=clock, expect=(db.head, db.digest())) as again:
        assert told(again)["states"] == told(db)["states"]
        with pytest.raises(ReadOnlyLedger):
            again.mark("no")


def test_what_one_writes_the_other_builds_on(pair: tuple[VectorDB, VectorDB], path: Path, tmp_path: Path) -> None:
    one, other = pair
    first = one.view("drivers").put("d-1", {"trips": 1, "city": "Rome"})
    second = other.view("drivers").put("d-1", {"trips": 2}, expected_offset=first.offset, derived_from=first.versions)
    assert (second.offset, other.view("drivers").get("d-1")["city"]) == (3, "Rome")
    assert one.head == 2  # reads answer as of what was folded
    one.view("drivers").put_many({"driver": ["d-2"], "trips": [3]}, expected_head=3)
    with other.transaction(expected_head=4) as tx:
        tx.view("drivers").put("d-3", {"trips": 4})
        tx.view("drivers").delete("d-2")
    assert (tx.receipt.offset, one.refresh()) == (5, 5)  # type: ignore[union-attr]
    for db in pair:
        agree(db, replayed(path, tmp_path))


def test_refusals_hold_as_of_what_all_have_written(pair: tuple[VectorDB, VectorDB]) -> None:
    one, other = pair
    drivers = one.view("drivers")
    drivers.put("d-1", {"trips": 1}, idempotency_key="k")
    one.mark("release")
    theirs = other.view("drivers")
    with pytest.raises(OffsetConflict) as caught:
        theirs.put("d-1", {"trips": 2}, expected_offset=0)
    assert caught.value.values["actual"] == 2
    with pytest.raises(IdempotencyConflict):
        theirs.put("d-1", {"trips": 2}, idempotency_key="k")
    receipt = theirs.put("d-1", {"trips": 1}, idempotency_key="k")
    assert (receipt.offset, receipt.replayed) == (2, True)
    with pytest.raises(HeadConflict) as head:
        theirs.put("d-1", {"trips": 2}, expected_head=1)
    assert not isinstance(head.value, HeadMoved)
    with pytest.raises(MarkConflict):
        other.mark("release")
    one.create_view("users", entity="user", features={"age": Int()})
    with pytest.raises(DefinitionConflict):
        other.create_view("users", entity="user", features={"age": Int(), "b": Int()})
    assert other.view("users").features == one.view("users").features
    with pytest.raises(UnknownName):
        other.view("nobody")
    assert one.refresh() == other.refresh() == 4


def test_an_overtaken_write_is_decided_again(
    pair: tuple[VectorDB, VectorDB], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    theirs = other.view("drivers")
    done = overtake(monkeypatch, one, lambda: theirs.put("d-9", {"trips": len(done)}))
    receipt = one.view("drivers").put("d-1", {"trips": 5}, derived_from=())
    assert (receipt.offset, len(done)) == (3, 1)
    assert receipt.versions == ("drivers/d-1@3",)
    agree(one, replayed(path, tmp_path))


def test_what_holds_no_more_is_refused_the_second_time(
    pair: tuple[VectorDB, VectorDB], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    theirs = other.view("drivers")
    overtake(monkeypatch, one, lambda: theirs.put("d-1", {"trips": 9}))
    with pytest.raises(OffsetConflict):
        one.view("drivers").put("d-1", {"trips": 5}, expected_offset=0)
    overtake(monkeypatch, one, lambda: theirs.put("d-2", {"trips": 7}, idempotency_key="k"))
    receipt = one.view("drivers").put("d-2", {"trips": 7}, idempotency_key="k")
    assert (receipt.offset, receipt.replayed) == (3, True)
    overtake(monkeypatch, one, lambda: other.mark("m"))
    with pytest.raises(MarkConflict):
        one.mark("m")
    overtake(monkeypatch, one, lambda: theirs.put("d-3", {"trips": 7}))
    with pytest.raises(HeadConflict):
        one.view("drivers").put_many({"driver": ["d-4"], "trips": [1]}, expected_head=4)
    assert len(lines_of(path)) == 6
    agree(one, replayed(path, tmp_path))


def test_iterators_are_read_once(pair: tuple[VectorDB, VectorDB], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = pair
    overtake(monkeypatch, one, lambda: other.view("drivers").put("d-9", {"trips": 1}))
    rows = ({"driver": f"d-{number}", "trips": number} for number in range(3))
    receipt = one.view("drivers").put_many(rows, tags=iter(["a", "b"]))
    assert (receipt.offset, len(receipt.versions)) == (3, 3)
    assert one.event(3).meta.tags == ("a", "b")  # type: ignore[union-attr]
    loaded = one.view("drivers").load(({"driver": number, "trips": number} for number in range(5)), chunk_rows=2)
    assert (loaded.rows, loaded.first, loaded.last) == (5, 4, 6)


def test_every_kind_of_write_may_be_overtaken(
    pair: tuple[VectorDB, VectorDB], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    one.view("drivers").put_many({"driver": ["a", "b"], "trips": [1, 2], "rating": [0.5, 1.5]})

    def overtaken(write: Callable[[], Any]) -> Any:
        """What a write answers that another one came before."""
        with monkeypatch.context() as patch:
            done = overtake(patch, one, lambda: other.view("drivers").put("z", {"trips": 1}))
            answer = write()
        assert done == [0]
        return answer

    def commit() -> None:
        with one.transaction() as tx:
            tx.view("drivers").delete("b")

    service = overtaken(lambda: one.create_service("s", features=["drivers:rating"], pipeline=StandardScaler()))
    overtaken(service.fit)
    overtaken(lambda: one.create_model("m", "linear", features=["rating"], coefficients=[1.0], intercept=0.0))
    prediction = overtaken(lambda: one.record_prediction(service.get("a"), model="m", output=1.0))
    arms = {"a": 0.5, "b": 0.5}
    trial = overtaken(lambda: one.create_experiment("t", arms=arms, unit="driver", metrics={"paid": "sum"}))
    overtaken(lambda: trial.expose("a"))
    overtaken(lambda: trial.record("a", "paid", 2.0))
    overtaken(lambda: trial.ramp(0.5))
    overtaken(commit)
    moments = {"driver": ["a"], "time": [one.clock() / 1e6]}
    overtaken(lambda: one.record_training_set("set", service.training_set(moments)))
    overtaken(lambda: one.view("drivers").delete("a", idempotency_key="d"))
    assert other.refresh() == one.head == 2 + 2 * 11
    assert [other.service("s").name, other.experiment("t").name] == ["s", "t"]
    assert other.prediction(prediction.id).output == 1.0
    agree(one, replayed(path, tmp_path))
    agree(other, replayed(path, tmp_path))


def test_a_writer_at_its_turn_is_not_overtaken(
    pair: tuple[VectorDB, VectorDB], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread writes as fast as it can; whoever was overtaken some times is the next one."""
    one, other = pair
    theirs, is_over, tries = other.view("drivers"), Flag(), []
    store = one.state.journal.store
    assert isinstance(store, SqlStore)
    append = store.append

    def counted(line: bytes, expected_head: int | None = None) -> int:
        tries[-1] += 1
        return append(line, expected_head)

    def go_on() -> None:
        while not is_over.is_set():
            theirs.put("z", {"trips": 1})

    monkeypatch.setattr(store, "append", counted)
    thread = Thread(target=go_on)
    thread.start()
    try:
        for number in range(100):
            tries.append(0)
            one.view("drivers").put(f"d-{number % 9}", {"trips": number})
    finally:
        is_over.set()
        thread.join()
    assert set(tries) <= set(range(1, PATIENCE + 2))
    assert one.refresh() == other.refresh() > 101
    agree(one, replayed(path, tmp_path))


def test_the_tries_are_bounded(pair: tuple[VectorDB, VectorDB], monkeypatch: pytest.MonkeyPatch) -> None:
    """By a store that always finds another line: of a writer that takes no turns."""
    one, other = pair
    monkeypatch.setattr("vectordb.persistence.shared.TRIES", 6)
    store, done = one.state.journal.store, []
    assert isinstance(store, SqlStore)

    def moved(line: bytes, expected_head: int | None = None) -> int:
        done.append(line)
        raise HeadMoved("a line follows the last one that its writer has seen", expected=3, actual=4)

    with monkeypatch.context() as patch:
        patch.setattr(store, "append", moved)
        with pytest.raises(HeadMoved, match="less often than it tries") as caught:
            one.view("drivers").put("d", {"trips": 1})
    assert (len(done), caught.value.values["expected"], caught.value.values["tries"]) == (6, 3, 6)
    one.refresh()
    assert not one.view("drivers").get("d").found
    assert one.view("drivers").put("d", {"trips": 1}).offset == 2 == other.refresh()


def test_an_erasure_is_decided_again_and_seen_by_all(
    pair: tuple[VectorDB, VectorDB], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    for number in range(6):
        one.view("drivers").put("d-1" if number % 2 else "d-2", {"trips": number, "city": f"secret{number % 2}"})
    other.refresh()
    store = one.state.journal.store
    assert isinstance(store, SqlStore)
    rewrite, done = store.rewrite, []

    def late(lines: Any, last: bytes) -> None:
        if not done:
            done.append(other.view("drivers").put("d-1", {"trips": 99}))
        rewrite(lines, last)

    monkeypatch.setattr(store, "rewrite", late)
    erasure = one.erase("drivers", "d-1", reason="request 7")
    assert (erasure.offset, len(erasure.versions)) == (9, 4)
    assert not one.view("drivers").get("d-1").found
    assert other.view("drivers").get("d-1").found  # until it looks
    state = other.state
    assert other.refresh() == 9
    assert other.state is not state
    assert not other.view("drivers").get("d-1").found
    assert other.view("drivers").put("d-2", {"trips": 7}).offset == 10
    one.refresh()
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"secret1" not in left
    for db in pair:
        agree(db, replayed(path, tmp_path))


def test_a_writer_that_missed_an_erasure_replays_first(
    pair: tuple[VectorDB, VectorDB], path: Path, tmp_path: Path
) -> None:
    one, other = pair
    one.view("drivers").put("d-1", {"trips": 1})
    other.refresh()
    one.erase("drivers", "d-1", reason="request 7")
    assert other.view("drivers").put("d-1", {"trips": 2}, expected_offset=0).offset == 4
    one.compact(below=one.refresh())
    other.view("drivers").put("d-2", {"trips": 3})
    one.refresh()
    for db in pair:
        assert (db.digest(), db.head) == (replayed(path, tmp_path).digest(), 6)


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_cut_connection_leaves_memory_with_the_table(tmp_path: Path, autocommit: bool) -> None:
    driver = FakeDriver(tmp_path / "fake.db", autocommit=autocommit)
    with VectorDB.connect(driver.connect, module=driver) as db:
        numbers = db.create_view("numbers", entity="number", features={"n": Int()})
        for number, (step, fault) in enumerate(
            [("insert", "lost before"), ("insert", "lost after"), ("commit", "lost before"), ("commit", "lost after")]
        ):
            driver.next(step, fault)
            assert numbers.put(f"e{number}", {"n": number}).offset == number + 2
        driver.next("insert" if autocommit else "commit", ("after", KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            numbers.put("last", {"n": 9})
        assert (db.head, numbers.get("last")["n"]) == (6, 9)  # the line stands, so the event does
        assert db.refresh() == 6
        agree(db, replayed(driver.path, tmp_path))


@pytest.mark.parametrize("is_overtaken", [False, True])
def test_what_was_begun_before_anothers_erasure_is_written_after_it(
    pair: tuple[VectorDB, VectorDB], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_overtaken: bool
) -> None:
    """The ledger is replayed meanwhile: transactions, rows and training sets of before belong to it all the same."""
    one, other = pair
    drivers = one.view("drivers")
    drivers.put_many({"driver": ["a", "b", "c"], "city": ["Bonn", "Rome", "Oslo"], "rating": [1.0, 2.0, 3.0]})
    service = one.create_service("s", features=["drivers:rating", "drivers:city"])
    moments = {"driver": ["b"], "time": [one.clock() / 1e6]}
    row, gone, found = service.get("b"), service.get("a"), service.training_set(moments)
    with one.transaction() as tx:
        tx.view("drivers").put_many({"driver": ["d", "e", "f"], "city": ["Kiel", None, "Rome"]})
        tx.view("drivers").delete("c")
        erasure = other.erase("drivers", "a", reason="request 7")
        one.refresh()
        if is_overtaken:
            overtake(monkeypatch, one, lambda: other.compact(below=erasure.offset))
    assert tx.receipt is not None
    assert [drivers.get(entity)["city"] for entity in "bdef"] == ["Rome", "Kiel", None, "Rome"]
    assert not drivers.get("c").found
    prediction = one.record_prediction(row, model="m", output=1)
    assert one.prediction(prediction.id).inputs["city"] == "Rome"
    one.record_training_set("set", found)
    with pytest.raises(Erased):
        one.record_prediction(gone, model="m", output=1)
    with VectorDB() as foreign, pytest.raises(InvalidInput):
        foreign.record_prediction(row, model="m", output=1)
    other.refresh()
    for db in pair:
        assert (db.head, db.digest()) == ((judge := replayed(path, tmp_path)).head, judge.digest())
        db.check()


def test_a_definition_that_was_changed_within_a_transaction_is_a_conflict(pair: tuple[VectorDB, VectorDB]) -> None:
    one, other = pair
    with pytest.raises(DefinitionConflict) as caught, one.transaction() as tx:
        tx.view("drivers").put("d", {"trips": 1})
        other.create_view("drivers", entity="driver", features={**FEATURES, "age": Int()}, replace=True)
    assert caught.value.values["written_for"] == "drivers@1"


def test_what_writes_nothing_holds_as_of_what_all_have_written(pair: tuple[VectorDB, VectorDB]) -> None:
    one, other = pair
    one.view("drivers").put("d", {"trips": 1})
    assert other.head == 1
    assert other.create_view("drivers", entity="driver", features=FEATURES).get("d")["trips"] == 1
    assert other.head == 2
    with other.transaction(idempotency_key="k") as tx:
        tx.view("drivers").put("d", {"trips": 2})
    one.view("drivers").put("d", {"trips": 3})
    with other.transaction(idempotency_key="k") as again:
        again.view("drivers").put("d", {"trips": 2})
    assert tx.receipt is not None
    assert again.receipt is not None
    assert (again.receipt.offset, again.receipt.replayed, other.head) == (tx.receipt.offset, True, 4)


def test_a_store_that_fails_is_not_asked_for_more(tmp_path: Path) -> None:
    driver = FakeDriver(tmp_path / "fake.db", autocommit=True)
    with VectorDB.connect(driver.connect, module=driver) as db:
        numbers = db.create_view("numbers", entity="number", features={"n": Int()})
        driver.next("insert", "refuse")
        sent = len(driver.statements)
        with pytest.raises(WriteFailed, match="refused"):
            numbers.put("a", {"n": 1})
        assert sum(statement.startswith("INSERT") for statement in driver.statements[sent:]) == 1  # ints
        assert numbers.put("a", {"n": 1}).offset == 2


def test_of_two_that_create_a_ledger_one_takes_the_others(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append, first = SqlStore.append, []

    def late(self: SqlStore, line: bytes, expected_head: int | None = None) -> int:
        if not first:
            monkeypatch.setattr(SqlStore, "append", append)
            first.append(with_drivers(path))
        return append(self, line, expected_head)

    monkeypatch.setattr(SqlStore, "append", late)
    with connected(path) as other, first[0] as one:
        assert other.header == one.header
        assert other.view("drivers").put("d", {"trips": 1}).offset == 2 == one.refresh()
    with pytest.raises(ReadOnlyLedger, match="is there"):
        connected(path, read_only=True, ledger="another")


def test_clocks_that_differ_do_not_turn_time_back(path: Path, tmp_path: Path) -> None:
    ahead, behind = ManualClock(START), ManualClock(START)
    ahead.advance(3_600)
    with with_drivers(path, clock=ahead) as one, connected(path, clock=behind) as other:
        one.view("drivers").put("d", {"trips": 1})
        receipt = other.view("drivers").put("d", {"trips": 2})
        assert receipt.event.time == one.event(2).time == ahead()
        assert other.view("drivers").get("d")["trips"] == 2  # its own clock hides no write
        one.view("drivers").put("d", {"trips": 3})
        assert other.lag()[2:4] == (1, 0.0)  # not recorded yet, by its clock
        behind.advance(7_200)
        other.view("drivers").put("d", {"trips": 4})
        assert (one.lag()[2:4], other.event(5).time) == ((1, 0.0), behind())
        one.refresh()
        assert one.view("drivers").get("d")["trips"] == 4
        agree(other, replayed(path, tmp_path))
