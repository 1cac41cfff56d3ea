"""Readers take no lock, and never see half an event."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.vectordb.world import World
from vectordb import Float, Int, VectorDB

SECONDS = 0.2
IDS = [f"d{place}" for place in range(12)]


@pytest.fixture(autouse=True)
def switch_often() -> Any:
    """A thread switch every 50 us finds in a fifth of a second what 5 ms would need a minute for."""
    import sys

    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(before)


def hammer(write: Callable[[int], Any], *reads: Callable[[], Any], seconds: float = SECONDS) -> int:
    """One writer, two threads a read, until the time is over or one of them fails; the number of writes."""
    over, failures, counts = threading.Event(), [], [0]

    def repeat(function: Callable[[], Any]) -> None:
        try:
            while not over.is_set():
                function()
        except BaseException as error:
            failures.append(error)
            over.set()

    def write_next() -> None:
        counts[0] += 1
        write(counts[0])

    threads = [threading.Thread(target=repeat, args=(work,)) for work in (write_next, *reads, *reads)]
    for thread in threads:
        thread.start()
    over.wait(seconds)
    over.set()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]
    return counts[0]


def test_a_batch_is_never_half_seen() -> None:
    world = World()
    world.drivers.put_many({"driver": IDS, "trips": [0] * len(IDS)})

    def write(number: int) -> None:
        world.drivers.put_many({"driver": IDS, "trips": [number] * len(IDS)})

    def read() -> None:
        matrix = world.drivers.get_many(IDS)
        assert len(set(matrix.column("trips"))) == 1
        assert matrix[0]["trips"] == matrix.as_of - 2

    assert hammer(write, read) > 5
    world.db.check()


def test_single_reads_agree_with_their_offset() -> None:
    world = World()
    world.put("d", trips=2)

    def write(number: int) -> None:
        world.put("d", trips=world.db.head + 1)

    def read() -> None:
        row = world.drivers.get("d")
        assert row["trips"] == row.as_of == int(str(row.version).rpartition("@")[2])

    assert hammer(write, read) > 20


def test_views_of_one_service_are_of_one_offset() -> None:
    db = VectorDB()
    names = ("left", "right")
    for name in names:
        db.create_view(name, entity="e", features={f"{name}_x": Int(default=0), "y": Float()})
    service = db.create_service("s", features=["left:left_x", "right:right_x"])

    def write(number: int) -> None:
        with db.transaction() as tx:
            for name in names if number % 2 else names[::-1]:
                tx.view(name).put_many({"e": IDS, f"{name}_x": [number] * len(IDS)})

    def read_one() -> None:
        row = service.get("d3")
        assert row["left_x"] == row["right_x"]
        assert {part.as_of for part in row.rows.values()} == {row.as_of}

    def read_many() -> None:
        values = {value for row in service.get_many(IDS) for value in row.values()}
        assert len(values) == 1

    assert hammer(write, read_one, read_many) > 5


def test_late_and_future_writes_under_readers() -> None:
    world = World(ttl=50)
    world.put("d", at=-1, trips=0, rating=0.0)

    def write(number: int) -> None:
        at = (-1 - number % 7, 5, -1)[number % 3]
        world.drivers.put_many({"driver": ["d", "e"], "trips": [number] * 2, "rating": [float(number)] * 2},
                               event_time=at + world.clock() / 1e6)  # fmt: skip

    def read() -> None:
        row = world.drivers.get("d")
        assert row["trips"] == row["rating"]
        assert row.versions["trips"] == row.versions["rating"]

    assert hammer(write, read) > 5
    world.db.check()


def test_the_past_stays_while_a_writer_writes() -> None:
    world = World()
    for trips in range(50):
        world.put("d", trips=trips)
    pasts = [(world.db.as_of(offset), offset - 2) for offset in range(2, 52, 7)]

    def write(number: int) -> None:
        world.put("d" if number % 3 else f"new{number}", at=-(number % 5), trips=-1, rating=1.0)

    def read() -> None:
        for past, trips in pasts:
            row = past.view("drivers").get("d")
            assert (row["trips"], row["rating"], row.version) == (trips, None, f"drivers/d@{trips + 2}")
            assert past.view("drivers").entities() == ["d"]

    def read_here() -> None:
        head = world.db.head
        past = world.db.as_of(head)
        assert past.view("drivers").history("d")[-1].offset <= head == past.head

    assert hammer(write, read, read_here) > 20


def test_entities_and_length_under_a_writer() -> None:
    world = World()

    def write(number: int) -> None:
        ids = [f"{number % 40}-{place}" for place in range(4)]
        if number % 5 == 4:
            with world.db.transaction() as tx:
                for entity in ids:
                    tx.view("drivers").delete(entity)
        else:
            world.drivers.put_many({"driver": ids, "trips": [number] * 4})

    def read() -> None:
        assert len(world.drivers) % 4 == 0
        assert len(world.drivers.entities()) % 4 == 0

    assert hammer(write, read) > 5


def test_redefinitions_under_readers() -> None:
    world = World()
    features = dict(world.drivers.definition.features)
    world.put("d", trips=1)

    def write(number: int) -> None:
        if number > 30:
            time.sleep(0.01)
            return
        wider = {**features, **{f"x{place}": Int(default=place) for place in range(number % 3)}}
        world.db.create_view("drivers", entity="driver", features=wider, replace=True)
        world.put("d", trips=1)

    def read() -> None:
        row = world.drivers.get("d")
        assert row["trips"] == 1 and len(dict(row)) in (3, 4, 5)
        matrix = world.drivers.get_many(["d", "e"])
        assert {one.view for one in matrix} == {matrix.label}

    assert hammer(write, read) > 5


def test_two_writers_take_turns() -> None:
    world = World()
    receipts: list[int] = []

    def write() -> None:
        receipts.extend(world.drivers.put("d", {"trips": 1}).offset for _ in range(150))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert sorted(receipts) == list(range(2, 602)) and world.db.head == 601
    assert len(world.drivers.history("d")) == 600
    world.db.check()


def test_expected_offset_lets_one_of_many_through() -> None:
    world = World()
    done: list[int] = []

    def increment() -> None:
        from vectordb import OffsetConflict

        for _ in range(25):
            while True:
                row = world.drivers.get("d")
                seen = 0 if row.version is None else int(row.version.rpartition("@")[2])
                try:
                    world.drivers.put("d", {"trips": row["trips"] + 1}, expected_offset=seen)
                except OffsetConflict:
                    continue
                break
        done.append(1)

    threads = [threading.Thread(target=increment) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 4 and world.get("d")["trips"] == 100


def test_one_key_from_many_threads_is_written_once() -> None:
    world = World()
    receipts: list[Any] = []
    barrier = threading.Barrier(6)

    def write() -> None:
        barrier.wait(10)
        receipts.append(world.drivers.put("d", {"trips": 1}, idempotency_key="k"))

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert world.db.head == 2 and sorted(receipt.replayed for receipt in receipts) == [False] + [True] * 5


def test_forks_and_digests_under_a_writer() -> None:
    world = World()
    world.put("d", trips=2)

    def write(number: int) -> None:
        world.put("d", trips=world.db.head + 1, city=f"c{number}")

    def read() -> None:
        branch = world.db.fork()
        assert branch.view("drivers").get("d")["trips"] == branch.head
        assert world.db.digest(branch.head) == branch.digest(branch.head)

    assert hammer(write, read) > 5
    again = VectorDB.replay(world.db.events())
    assert again.digest() == world.db.digest()
