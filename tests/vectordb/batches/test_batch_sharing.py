"""Executors and threads: a shared read equals the serial one, and a batch reflects one offset."""

from __future__ import annotations

import random
import threading
import time
from array import array
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

import vectordb.batches.executors as sharing
import vectordb.batches.gather as gather_module
from tests.vectordb.world import START
from vectordb import Category, Float, Int, InvalidInput, ManualClock, Text, Vector, VectorDB
from vectordb.batches.dense import Dense
from vectordb.batches.executors import Sharing, pieces_of

ROWS = 400


def filled(ttl: int | None = None) -> VectorDB:
    rng = random.Random(3)
    db = VectorDB(clock=ManualClock(START))
    for name in ("left", "right"):
        kinds = {"a": Float(), "n": Int(default=2), "c": Category(), "t": Text(), "v": Vector(2)}
        view = db.create_view(name, entity="e", ttl=ttl, features=kinds)
        for number in range(ROWS):
            row: dict[str, Any] = {"a": rng.random(), "n": number, "c": "pq"[number % 2]}
            row |= {"t": "x" * number, "v": [1, 2]}
            view.put(f"e{number}", dict(rng.sample(list(row.items()), rng.choice((5, 5, 3)))))
    names = [f"{view}:{name}" for view in ("left", "right") for name in ("a", "n", "c", "v")]
    db.create_service("s", features=names)
    return db


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "WORTH", 50)
    monkeypatch.setattr(gather_module, "pieces_of", lambda rows: pieces_of(rows, 64))


def executors() -> list[Executor]:
    return [ThreadPoolExecutor(2), ProcessPoolExecutor(2, mp_context=get_context("spawn"))]


def test_a_shared_read_is_the_serial_one(small: None) -> None:
    ids = [f"e{number % (ROWS + 9)}" for number in range(3 * ROWS)]
    serial = filled()
    expected = (serial.view("left").get_many(ids), serial.service("s").get_many(ids))
    for executor in executors():
        with executor:
            db = filled()
            past = db.as_of(db.head - 3)
            for reader in (db, past):
                told: list[tuple[int, int]] = []
                view = reader.view("left").get_many(ids, executor=executor, progress=lambda *one: told.append(one))  # noqa: B023
                assert told[-1] == (3 * ROWS, 3 * ROWS) and told == sorted(told) and len(told) > 3
                if reader is db:
                    assert view.numbers == expected[0].numbers and view.to_rows() == expected[0].to_rows()
                    shared = db.service("s").get_many(ids, executor=executor)
                    assert shared.numbers == expected[1].numbers and shared.to_rows() == expected[1].to_rows()
                else:
                    assert view.to_rows() == past.view("left").get_many(ids).to_rows()


def doubled(block: Dense) -> Dense:
    return Dense(array("d", [2 * number for number in block.flat]).tobytes(), block.shape, "float64")


def test_a_function_of_blocks_is_applied_piece_by_piece(small: None) -> None:
    db = filled()
    matrix = db.view("left").get_many([f"e{number}" for number in range(ROWS)], features=["n", "a"])
    expected = [[2 * number for number in row] for row in matrix.numbers.to_rows()]
    told: list[tuple[int, int]] = []
    for executor in (None, *executors()):
        told.clear()
        found = matrix.apply(doubled, executor=executor, progress=lambda *one: told.append(one))
        assert repr(found.to_rows()) == repr(expected) and told[-1] == (ROWS, ROWS)
        if executor is not None:
            executor.shutdown()
    assert repr(matrix[10:20].apply(doubled).to_rows()) == repr(expected[10:20])
    assert matrix[:0].apply(doubled).shape[0] == 0
    with pytest.raises(InvalidInput, match="as many rows"):
        matrix.apply(lambda block: block.rows(0, 1))


@pytest.mark.filterwarnings("ignore")
def test_dask_is_an_executor_like_any_other(small: None) -> None:
    distributed = pytest.importorskip("distributed")
    ids = [f"e{number}" for number in range(ROWS)]
    expected = filled().view("left").get_many(ids)
    with distributed.Client(n_workers=1, processes=False, dashboard_address=None) as client:
        shared = filled().view("left").get_many(ids, executor=client.get_executor())
    assert shared.numbers == expected.numbers and shared.to_rows() == expected.to_rows()


def test_few_rows_are_packed_by_the_caller() -> None:
    class Refusing(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **named: Any) -> Any:
            raise AssertionError("not worth it")

    with Refusing(1) as executor:
        assert filled().view("left").get_many(["e1", "e2"], executor=executor).shape == (2, 5)


def test_what_is_in_flight_is_bounded() -> None:
    running = [0, 0]

    def note(piece: int) -> int:
        running[0] += 1
        return piece

    def pieces() -> Any:
        for piece in range(40):
            running[1] = max(running[1], piece - running[0])
            yield piece

    with ThreadPoolExecutor(1) as executor:
        assert list(Sharing(executor).each(note, pieces(), 10**6)) == list(range(40))
    assert running[1] <= sharing.AHEAD + 2


def test_a_batch_reflects_one_offset_while_others_write() -> None:
    """Every event writes one generation to all entities: a batch of two generations is torn."""
    db = VectorDB(clock=ManualClock(START))
    view = db.create_view("v", entity="e", features={"a": Int(), "b": Float()})
    service = db.create_service("s", features=["v:a", "v:b"])
    ids = [f"e{number}" for number in range(60)]
    view.put_many({"e": ids, "a": [0] * 60, "b": [0.0] * 60})
    stop, torn, reads = threading.Event(), [], [0]

    def write() -> None:
        for generation in range(1, 150):
            while reads[0] < generation * 2 and not stop.is_set():
                time.sleep(0.0005)
            view.put_many({"e": ids, "a": [generation] * 60, "b": [float(generation)] * 60})
        stop.set()

    def read(seed: int) -> None:
        rng = random.Random(seed)
        while not stop.is_set():
            asked = rng.sample(ids, rng.choice((2, 30, 60)))
            for matrix in (service.get_many(asked), view.get_many(asked)):
                flat = matrix.numbers.flat.tolist()
                if len(set(flat)) != 1 or matrix.as_of != int(flat[0]) + 3:
                    torn.append((matrix.as_of, set(flat)))
            row = service.get(asked[0])
            if row["a"] != row["b"] or row.as_of != row["a"] + 3:
                torn.append((row.as_of, dict(row)))
            reads[0] += 1

    threads = [threading.Thread(target=write), *(threading.Thread(target=read, args=(seed,)) for seed in range(3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not torn, torn[:3]
    assert db.head == 152


def test_values_that_age_during_reads_are_those_of_the_clock_of_the_read() -> None:
    clock = ManualClock(START)
    db = VectorDB(clock=clock)
    view = db.create_view("v", entity="e", ttl=1, features={"a": Float(default=-1.0)})
    service = db.create_service("s", features=["v:a"])
    ids = [f"e{number}" for number in range(50)]
    times = [START - number % 5 / 5 for number in range(50)]
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            matrix = service.get_many(ids)
            at = matrix.at_micros / 1_000_000
            for place, value in enumerate(matrix.column("a")):
                if (value == -1.0) != (times[place] < at - 1 - 1e-9) and abs(times[place] - at + 1) > 1e-6:
                    wrong.append((place, value, at))

    view.put_many({"e": ids, "a": [1.0] * 50, "event_time": times})
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for step in range(200):
        clock.set(START + step % 12 / 10)
        time.sleep(0.001)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not wrong, wrong[:3]
