"""Executors and progress: a read that is shared gives what a serial one gives, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

import pytest

from tests.vectordb.world import START
from vectordb import Bool, Category, Float, Int, ManualClock, Request, Text, Vector, VectorDB
from vectordb.batches import executors as sharing
from vectordb.batches import gather
from vectordb.batches.executors import AHEAD, Sharing, pieces_of

PIECE, WORTH, ROWS = 7, 30, 100
KINDS = {"n": Int(default=3), "x": Float(), "on": Bool(), "city": Category(), "note": Text(), "v": Vector(2)}
IDS = [*range(ROWS), "nobody", *range(0, ROWS, 3)]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are worth sharing, in pieces of seven."""
    monkeypatch.setattr(sharing, "WORTH", WORTH)
    monkeypatch.setattr(gather, "pieces_of", partial(pieces_of, size=PIECE))


def new_db() -> VectorDB:
    """Two views and a service, the same at every call, with nothing read yet."""
    rng, clock = random.Random(1), ManualClock(START)
    db = VectorDB(clock=clock, seed=1)
    values: dict[str, Any] = {"n": 2**53, "x": -0.0, "on": True, "city": "r", "note": "é", "v": [1, -1]}
    for view, ttl in (("left", 30), ("right", None)):
        put = db.create_view(view, entity="e", ttl=ttl, features=KINDS).put
        for entity in range(ROWS):
            names = rng.sample(sorted(values), rng.choice([2, 6, 6]))
            put(entity, {name: None if rng.random() < 0.1 else values[name] for name in names})
            clock.advance(rng.choice([0, 1]))
    refs = [f"{view}:{name}" for name in KINDS for view in ("right", "left")]
    db.create_service("s", features=[*refs, Request("km", Float(default=1.5))])
    return db


class Counting(Executor):
    """Runs a task when its result is asked for; notes how many were waiting at most."""

    def __init__(self) -> None:
        self.tasks = self.open = self.most = 0

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        self.tasks += 1
        self.open += 1
        self.most = max(self.most, self.open)
        executor, future = self, Future[Any]()
        future.set_result(function(*arguments, **named))
        result = future.result

        def counted(timeout: float | None = None) -> Any:
            executor.open -= 1
            return result(timeout)

        future.result = counted  # type: ignore[method-assign]
        return future


@pytest.fixture(params=["threads", "spawn", "forkserver"], scope="module")
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "threads":
        made: Executor = ThreadPoolExecutor(3)
    else:
        made = ProcessPoolExecutor(1, mp_context=get_context(request.param))
    with made:
        yield made


def assert_equal(shared: Any, serial: Any) -> None:
    assert shared.numbers.raw == serial.numbers.raw and shared.to_rows() == serial.to_rows()
    assert (shared.names, shared.entities, shared.label) == (serial.names, serial.entities, serial.label)
    assert (shared.as_of, shared.at) == (serial.as_of, serial.at)
    assert shared.status[: 2 * PIECE] == serial.status[: 2 * PIECE]


def test_a_shared_read_of_a_view_is_a_serial_one(executor: Executor) -> None:
    for names in (None, ["x", "n"], ["city", "v"]):
        shared, serial = new_db().view("left"), new_db().view("left")
        for _ in range(2):
            assert_equal(shared.get_many(IDS, names, executor=executor), serial.get_many(IDS, names))


def test_a_shared_read_of_a_service_is_a_serial_one(executor: Executor) -> None:
    request = {"km": [place / 3 for place in range(len(IDS))]}
    shared = new_db().service("s").get_many(IDS, request=request, executor=executor)
    assert_equal(shared, new_db().service("s").get_many(IDS, request=request))


def test_a_shared_read_of_the_past_is_a_serial_one(executor: Executor) -> None:
    db = new_db()
    for reader, at in ((db.as_of(db.head - 150), None), (db, START + 20), (db.as_of(db.head - 9), START + 40)):
        view = reader.view("left")
        assert_equal(view.get_many(IDS, at=at, executor=executor), view.get_many(IDS, at=at))


def test_narrow_numbers_are_shared_too(executor: Executor) -> None:
    shared = new_db().view("left").get_many(IDS, ["x", "on"], dtype="float32", executor=executor)
    assert_equal(shared, new_db().view("left").get_many(IDS, ["x", "on"], dtype="float32"))


def test_few_rows_are_not_shared() -> None:
    executor = Counting()
    view = new_db().view("left")
    assert view.get_many(range(WORTH - 1), executor=executor).shape == (WORTH - 1, 6)
    assert executor.tasks == 0
    view.get_many(range(ROWS), executor=executor)
    assert executor.tasks == -(-(ROWS - WORTH + 1) // PIECE), "only what was not read before is packed"
    view.get_many(range(ROWS), executor=executor)
    assert executor.tasks == -(-(ROWS - WORTH + 1) // PIECE)


def test_few_pieces_are_under_way_at_once() -> None:
    executor = Counting()
    new_db().view("left").get_many(range(ROWS), executor=executor)
    assert executor.tasks == -(-ROWS // PIECE) and executor.most <= AHEAD + 1


@pytest.mark.parametrize("threads", [0, 2])
def test_progress_grows_up_to_the_total(threads: int) -> None:
    for names in (None, ["x", "n"], ["city"]):
        told: list[tuple[int, int]] = []
        executor = ThreadPoolExecutor(threads) if threads else None
        new_db().view("left").get_many(
            range(ROWS), names, executor=executor, progress=lambda *one, told=told: told.append(one)
        )
        if executor is not None:
            executor.shutdown()
        assert told == [(min(done, ROWS), ROWS) for done in range(PIECE, ROWS + PIECE, PIECE)]


def test_progress_of_the_past_and_of_a_service() -> None:
    db = new_db()
    for read in (db.as_of(db.head - 1).view("left").get_many, partial(db.view("left").get_many, at=START + 9),
                 db.service("s").get_many):  # fmt: skip
        told: list[tuple[int, int]] = []
        read(list(range(ROWS)), progress=lambda *one, told=told: told.append(one))
        assert told == sorted(told) and told[-1] == (ROWS, ROWS) and len(told) == -(-ROWS // PIECE)


def test_what_progress_raises_reaches_the_caller() -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Stop

    view = new_db().view("left")
    with pytest.raises(Stop):
        view.get_many(range(ROWS), progress=stop)
    assert view.get_many(range(ROWS)).to_rows() == new_db().view("left").get_many(range(ROWS)).to_rows()


def test_what_a_worker_raises_reaches_the_caller() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="shutdown"):
        new_db().view("left").get_many(range(ROWS), executor=executor)


def test_pieces_keep_their_order() -> None:
    with ThreadPoolExecutor(4) as executor:
        for rows in (0, 1, WORTH, WORTH + 60):
            pieces = pieces_of(range(rows), 4)
            found = list(Sharing(executor).each(list, pieces, rows))
            assert [one for piece in found for one in piece] == list(range(rows))


@pytest.mark.parametrize("writes", [1, 2, 9])
def test_a_batch_is_of_its_offset_whatever_progress_writes(writes: int) -> None:
    """A progress that writes has the batch read again; its rows are still those of the offset that it names."""
    db = new_db()
    view, offset = db.view("left"), db.head

    def write(done: int, total: int) -> None:
        if done == ROWS and db.head < offset + writes:
            view.put(3, {"n": db.head})

    matrix = view.get_many(range(ROWS), progress=write)
    assert matrix.column("n")[3] == matrix[3]["n"] == db.as_of(matrix.as_of).view("left").get(3)["n"]
    assert view.get_many([3, 4]).column("n")[0] == view.get(3)["n"] == db.head - 1
