"""Opening and replaying on an executor: the state, the file and the errors of the serial way."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.thread import BrokenThreadPool
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import pytest

import ledger.storage.journal
from ledger import DamagedLog
from ledger.header import read_header
from ledger.storage.packed_ahead import Packed, Piece, Shape, pack_lines, unpack
from tests.contracts.tally import Tally
from tests.ledger.storage.samples import Forger
from vectordb import Bool, Category, Float, Int, ManualClock, Text, Timestamp, VectorDB
from vectordb.testing import state_of

RIDES: dict[str, Any] = {"x": Float(default=0.5), "n": Int(), "b": Bool(), "c": Category(), "t": Timestamp()}
READ = 20_000  # bytes read at once: some 100 lines a piece


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.storage.packed_ahead.WORTH_BYTES", 0)
    monkeypatch.setattr("ledger.storage.jsonl_store.BATCH_BYTES", READ)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows the runs had that came from a worker and were taken."""
    counts: list[int] = []
    unpack = ledger.storage.journal.unpack

    def counted(*arguments: Any) -> Any:
        run = unpack(*arguments)
        counts.append(0 if run is None else len(run.rows))
        return run

    monkeypatch.setattr("ledger.storage.journal.unpack", counted)
    return counts


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two views in turns, one of them defined anew with other features and categories between; batches, transactions,
    late and partial rows, deletes and texts; an entity erased and the start compacted; more rows; a torn tail."""
    path, random, clock = tmp_path_factory.mktemp("story") / "ledger.jsonl", Random(5), ManualClock(1_700_000_000)
    with VectorDB.open(path, clock=clock, seed=5) as db:
        rides = db.create_view("rides", entity="e", ttl=3_000, features=RIDES)
        notes = db.create_view("notes", entity="e", features={"text": Text(), "n": Int()})
        floats = db.create_view("floats", entity="e", features={"a": Float(), "b": Float()})

        def put(count: int, cities: str, features: Any, **ahead: float) -> None:
            for number in range(count):
                clock.advance(random.randrange(2))
                values = {"x": random.random(), "n": random.randrange(9), "b": number % 3 == 0, "t": number, "d": 0.25}
                values = {name: value for name, value in values.items() if name in features}
                values |= {name: random.choice(cities) for name in ("c", "k") if name in features}
                late = {"event_time": clock() / 1e6 + ahead["late"]} if "late" in ahead and number % 9 == 0 else {}
                rides.put(f"e-{random.randrange(40)}", values, **late)

        for number in range(30):
            rides.put("gone", {"x": number / 3, "n": 1, "b": True, "c": "RG"[number % 2], "t": 4})
        put(300, "RO", RIDES)
        for number in range(150):
            notes.put(f"e-{number % 20}", {"text": f"é {number}", "n": number})
        put(260, "ORKL", RIDES, late=-50.0)
        for number in range(300):
            floats.put(f"f-{number % 7}", {"a": number / 7, "b": -number / 3})
        ids, floating = [f"e-{number % 50}" for number in range(90)], [number / 9 for number in range(90)]
        rides.load({"e": ids, "x": floating, "c": ["Z", "R", "W"] * 30})
        changed = {"k": Category(), **{name: RIDES[name] for name in "xnb"}, "d": Float()}
        rides = db.create_view("rides", entity="e", features=changed, replace=True)
        put(300, "LKW", changed, late=5_000.0)
        with db.transaction(actor="job") as tx:
            tx.view("rides").put("e-1", {"x": 1.5})
            tx.view("floats").delete("f-3")
        rides.put("e-2", {"x": 2.5}, idempotency_key="once", actor="etl")
        for number in range(200):
            (floats if number % 2 else rides).put(f"f-{number % 9}", {"b": number / 3} if number % 2 else {"n": number})
        rides.delete("e-3")
        db.erase("rides", "gone", reason="asked")
        db.compact(below=120)
        put(300, "QRW", changed)
    with path.open("ab") as file:
        file.write(b'{"offset":99999,"ti')
    return path


def whole(db: VectorDB, folder: Path) -> Any:
    """State, projections, opening and log of a database; its lines rendered anew from what is in memory."""
    db.check()
    db.snapshot(folder / "snapshot")
    dumps = [projection.dump() for projection in db.state.fold.projections]
    lines = (folder / "snapshot").read_bytes()
    rows = [db.state.log.row(ref << 24) for ref in range(1, db.head + 1) if db.state.log.is_single(ref)]
    return state_of(db), dumps, lines, rows, db.opened, db.state.log.layouts.pool.values_by_code


def test_a_shared_opening_equals_the_serial_one(
    story: Path, tmp_path: Path, executor: Executor, taken: list[int]
) -> None:
    at = ManualClock(1_700_003_000)
    with VectorDB.open(story, read_only=True, clock=at) as alone:
        expected = whole(alone, tmp_path)
    assert taken == []
    with VectorDB.open(story, read_only=True, clock=at, executor=executor) as shared:
        assert whole(shared, tmp_path) == expected
    assert sum(taken) > 900, "most plain rows come from workers"
    taken.clear()
    with VectorDB.open(story, read_only=True, lazy=True, clock=at, executor=executor) as lazy:
        assert [lazy.event(n).payload for n in range(1, lazy.head, 37)] == [
            alone.event(n).payload for n in range(1, alone.head, 37)
        ]
        assert state_of(lazy) == expected[0]
    with VectorDB.open(story, read_only=True, executor=executor, projections=[Tally()]) as told:
        assert told.projection("tally").events == alone.head  # type: ignore[attr-defined]
    assert sum(taken) > 1800


def test_a_shared_replay_equals_the_serial_one(
    story: Path, tmp_path: Path, executor: Executor, taken: list[int]
) -> None:
    at = ManualClock(1_700_003_000)
    expected = whole(VectorDB.replay(story, clock=at), tmp_path)
    assert whole(VectorDB.replay(story, clock=at, executor=executor), tmp_path) == expected
    assert sum(taken) > 900
    with VectorDB.replay(story, executor=executor) as db:
        assert VectorDB.replay(db.events(), executor=executor).digest() == db.digest()
    for offset in (0, 1, 700, 1_501):
        past = VectorDB.replay(story, as_of=offset, clock=at, executor=executor)
        assert past.digest() == VectorDB.replay(story, as_of=offset, clock=at).digest()
        assert past.head == offset


# -- damage --------------------------------------------------------------------------------------------


def forged(path: Path, place: int, spoil: Callable[[Forger], None]) -> Path:
    """A ledger of plain rows, one line of which is spoilt; digests are right."""
    source = path.with_suffix(".good")
    with VectorDB.open(source, seed=1, clock=ManualClock(1_767_225_600)) as db:
        db.create_view("v", entity="e", features={"x": Float(), "c": Category()})
    lines = source.read_bytes().splitlines(keepends=True)
    forger = Forger.after(read_header(lines[0]), lines)
    for number in range(600):
        if number == place:
            spoil(forger)
        else:
            row(forger, f'[{number / 7 + 0.125!r},"{"ab"[number % 2]}"]')
    return forger.save(path)


def row(forger: Forger, values: str, view: str = "v@1", time: int = 1_767_225_700_000_000) -> None:
    forger.event("row_put@1", f'"view":"{view}","entity":"e-{len(forger.lines)}","values":{values}', time)


SPOILT: dict[str, Callable[[Forger], None]] = {
    "an int for a float": lambda forger: row(forger, '[1,"a"]'),
    "too few values": lambda forger: row(forger, "[1.5]"),
    "NaN": lambda forger: row(forger, '[NaN,"a"]'),
    "an infinite float": lambda forger: row(forger, '[1e999,"a"]'),
    "two arrays": lambda forger: row(forger, '[1.5,"a"],[1.5,"a"]'),
    "deep": lambda forger: row(forger, "[" * 9_000 + "]" * 9_000),
    "a view that is not defined": lambda forger: row(forger, '[1.5,"a"]', "w@1"),
    "a version that is not defined": lambda forger: row(forger, '[1.5,"a"]', "v@2"),
    "time goes back": lambda forger: row(forger, '[1.5,"a"]', time=1_767_225_699_999_999),
    "no UTF-8": lambda forger: forger.event("row_put@1", '"view":"v@1","entity":"\ud800","values":[1.5,"a"]') and None,
}


def told(path: Path, executor: Executor | None, **options: Any) -> tuple[type[DamagedLog], str, Any]:
    with pytest.raises(DamagedLog) as caught:
        VectorDB.open(path, executor=executor, **options)
    with pytest.raises(DamagedLog) as replayed:
        VectorDB.replay(path, executor=executor)
    assert str(caught.value) == str(replayed.value)
    return type(caught.value), str(caught.value), caught.value.values


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_line_is_named_as_ever(tmp_path: Path, executor: Executor, what: str) -> None:
    for place in (1, 431):
        path = forged(tmp_path / f"{place}.jsonl", place, SPOILT[what])
        found = told(path, executor)
        assert found == told(path, None)
        assert found[2]["line"] == place + 3
        with VectorDB.open(path, executor=None, recover=True) as healed:
            assert healed.head == place + 1


def test_damage_is_found_in_its_turn(tmp_path: Path, executor: Executor) -> None:
    """The first of two damaged lines is named, and what was read ahead of it by workers is nothing."""
    path = forged(tmp_path / "ledger.jsonl", 300, SPOILT["NaN"])
    data = path.read_bytes()
    for line in (560, 299):
        lines = data.splitlines(keepends=True)
        lines[line - 1] = lines[line - 1].replace(b'"entity":"e', b'"entity":"f')
        path.write_bytes(b"".join(lines))
        found = told(path, executor)
        assert found == told(path, None)
        assert found[2]["line"] == min(line, 303)
    path.write_bytes(data[: data.rindex(b"\n") + 1])
    with VectorDB.open(path, executor=executor, recover=True) as healed:
        assert healed.head == 301
        assert healed.opened.kept


def test_what_stops_the_reading_comes_after_the_lines_before_it(
    tmp_path: Path, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = forged(tmp_path / "ledger.jsonl", -1, SPOILT["NaN"])
    with path.open("ab") as file:
        file.write(b"x" * 3 * READ)
    monkeypatch.setattr("ledger.storage.jsonl_store.MAX_LINE_BYTES", READ)
    found = told(path, executor)
    assert found == told(path, None)
    assert found[2]["line"] == 603


# -- workers -------------------------------------------------------------------------------------------


def test_rows_that_the_reader_would_not_take_are_not_taken(tmp_path: Path) -> None:
    """A category that is new to the log, and a recorded time before the last one, are for the general way."""
    lines = b"".join(forged(tmp_path / "ledger.jsonl", -1, SPOILT["NaN"]).read_bytes().splitlines(keepends=True)[2:])
    kinds = (Float, Category)
    (packed, *_) = pack_lines(Piece(lines, 2, {"v@1": Shape(kinds, (0, 1), "dq")}))
    assert packed is not None and packed.categories == ("a", "b")
    clock = ManualClock(1_767_225_000)
    db = VectorDB(clock=clock)
    view = db.create_view("v", entity="e", features={"x": Float(), "c": Category()})
    view.put("e", {"x": 0.5, "c": "b"})
    assert unpack(packed, db.state.log) is None
    view.put("e", {"x": 0.5, "c": "a"})
    found = unpack(packed, db.state.log)
    assert found is not None and [found.layout.cells(row)[1] for row in found.rows[:2]] == ["a", "b"]
    clock.set(1_767_225_700)
    view.put("e", {"x": 0.5, "c": "a"})
    assert unpack(packed, db.state.log) is not None
    clock.set(1_767_225_701)
    view.put("e", {"x": 0.5, "c": "a"})
    assert unpack(packed, db.state.log) is None
    assert pack_lines(Piece(lines, 2, {})) == [None, None, None]


class Here(Executor):
    """Does all at once, in the caller's thread, and keeps what came and went."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.packed: list[Packed | None] = []

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        assert function is pack_lines
        future: Future[Any] = Future()
        self.pieces.append(arguments[0])
        future.set_result(function(*arguments))
        self.packed += future.result()
        return future


def test_pieces_name_what_they_need_and_no_more(story: Path) -> None:
    here = Here()
    with VectorDB.open(story, read_only=True, executor=here):
        pass
    assert {label for piece in here.pieces for label in piece.shapes} == {"rides@1", "rides@2", "floats@1"}
    assert all(piece.shapes for piece in here.pieces), "lines that are surely not plain are not sent"
    data = story.read_bytes()
    assert all(piece.lines in data and piece.lines.endswith(b"\n") for piece in here.pieces)
    for piece in here.pieces:
        assert piece.lines.startswith(b'{"offset":%d,' % piece.first)


def test_a_short_file_is_opened_without_them(story: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.storage.packed_ahead.WORTH_BYTES", story.stat().st_size)
    here = Here()
    with VectorDB.open(story, read_only=True, executor=here) as db:
        assert db.head > 1_000
    assert here.pieces == []


def die() -> None:
    os._exit(1)


def refuse() -> None:
    raise OSError("no worker today")


def test_a_worker_that_dies_gives_its_own_error_and_the_lock_is_released(tmp_path: Path) -> None:
    path = forged(tmp_path / "ledger.jsonl", -1, SPOILT["NaN"])
    dying = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=die)
    with dying, pytest.raises(BrokenExecutor):
        VectorDB.open(path, executor=dying)
    with ThreadPoolExecutor(1, initializer=refuse) as threads, pytest.raises(BrokenThreadPool):
        VectorDB.open(path, executor=threads)
    with ThreadPoolExecutor(1) as ended:
        pass
    with pytest.raises(RuntimeError, match="after shutdown"):
        VectorDB.open(path, executor=ended)
    with VectorDB.open(path) as db:
        db.mark("written")
        assert db.head == 602
