"""Batch and quick reads beside writers: every one of them shows one offset and one clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.vectordb.test_threads import hammer, switch_often
from tests.vectordb.world import START
from vectordb import Category, Float, Int, ManualClock, Text, VectorDB

LIFE = timedelta(seconds=2)
IDS = [f"e{place}" for place in range(40)]
SECONDS = 0.6

_ = switch_often  # an autouse fixture: a thread switch every 50 us


class Pairs:
    """Every event writes one generation to ``a`` and ``b`` of every entity, ``a == b``; the offset follows from it."""

    def __init__(self, ttl: Any = None, served_bytes: int | None = None) -> None:
        self.clock = ManualClock(START)
        self.db = VectorDB(clock=self.clock, seed=1)
        if served_bytes is not None:
            self.db.state.served_bytes = served_bytes
        kinds = {"a": Int(), "b": Float(), "note": Text(), "city": Category()}
        self.view = self.db.create_view("pairs", entity="e", ttl=ttl, features=kinds)
        self.numbers = self.db.create_service("numbers", features=["pairs:b", "pairs:a"])
        self.all = self.db.create_service("all", features=["pairs:note", "pairs:b", "pairs:city", "pairs:a"])
        self.first = self.db.head
        self.write(1)

    def write(self, number: int) -> None:
        """The generation is the number of events since the definitions."""
        number = self.db.head + 1 - self.first
        count = len(IDS)
        columns = {"a": [number] * count, "b": [float(number)] * count, "note": [str(number)] * count}
        self.view.put_many({"e": IDS, **columns, "city": [f"c{number % 7}"] * count})

    def check(self, matrix: Any) -> None:
        """All rows are of one generation: that of the matrix's offset."""
        number = matrix.as_of - self.first
        assert set(matrix.column("a")) == set(matrix.column("b")) == {number}
        if "note" in matrix.names:
            assert set(matrix.column("note")) == {str(number)} and set(matrix.column("city")) == {f"c{number % 7}"}


def some_ids(rng: Random) -> list[str]:
    return rng.sample(IDS, rng.choice([2, 9, 40]))


@pytest.mark.parametrize("served_bytes", [None, 5_000, 0])
def test_a_batch_is_of_one_generation(served_bytes: int | None) -> None:
    pairs, rng = Pairs(served_bytes=served_bytes), Random(1)

    def read() -> None:
        ids = some_ids(rng)
        for matrix in (pairs.view.get_many(ids), pairs.view.get_many(ids, ["b", "a"]), pairs.numbers.get_many(ids),
                       pairs.all.get_many(ids)):  # fmt: skip
            pairs.check(matrix)
            assert matrix.entities == ids and matrix[0].versions["a"].startswith(f"pairs/{ids[0]}@{matrix.as_of}.")

    assert hammer(pairs.write, read, seconds=SECONDS) > 5
    pairs.db.check()
    pairs.check(pairs.view.get_many(IDS))


def test_a_quick_row_is_of_its_offset() -> None:
    pairs, rng = Pairs(), Random(2)

    def read() -> None:
        for service in (pairs.numbers, pairs.all):
            row = service.get(rng.choice(IDS))
            assert row["a"] == row["b"] == row.as_of - pairs.first

    assert hammer(pairs.write, read, seconds=SECONDS) > 5


def test_entities_written_one_by_one_are_not_mixed_up() -> None:
    """Single puts drop single rows: each row of a batch is the newest one of its entity at the matrix's offset."""
    pairs, rng = Pairs(), Random(3)

    def write(number: int) -> None:
        number = pairs.db.head + 1
        values = {"a": number, "b": float(number)}
        pairs.view.put(IDS[number % 40], values | ({"note": "x", "city": "y"} if number % 3 else {}))

    def read() -> None:
        ids = some_ids(rng)
        matrix = pairs.numbers.get_many(ids)
        for entity, number in zip(ids, matrix.column("a")):
            newest = matrix.as_of - (matrix.as_of - int(entity[1:])) % 40
            assert number == (newest if newest > pairs.first + 1 else 1), (entity, matrix.as_of)
        assert matrix.column("a") == matrix.column("b")

    assert hammer(write, read, seconds=SECONDS) > 20


def expiry_reads(pairs: Pairs, rng: Random) -> list[Callable[[], None]]:
    """Reads whose rows are there, or expired, all together; by the clock that the read used."""

    def read_many() -> None:
        ids = some_ids(rng)
        for matrix in (pairs.view.get_many(ids), pairs.numbers.get_many(ids), pairs.all.get_many(ids)):
            written = pairs.db.event(matrix.as_of).recorded_time
            fresh = matrix.at <= written + LIFE
            number = matrix.as_of - pairs.first
            assert set(matrix.column("a")) == set(matrix.column("b")) == {number if fresh else None}, matrix.at

    def read_one() -> None:
        row = pairs.numbers.get(rng.choice(IDS))
        fresh = row.at <= pairs.db.event(row.as_of).recorded_time + LIFE
        assert row["a"] == row["b"] == (row.as_of - pairs.first if fresh else None)

    return [read_many, read_one]


def test_expiry_beside_a_clock_that_moves() -> None:
    pairs, rng = Pairs(ttl=2), Random(4)

    def write(number: int) -> None:
        pairs.clock.advance(rng.choice([0.001, 0.5, 1, 2, 2.000001, 3]))
        if number % 4 == 0:
            pairs.write(number)

    assert hammer(write, *expiry_reads(pairs, rng), seconds=SECONDS) > 20
    pairs.db.check()


def test_expiry_beside_a_clock_that_steps_back() -> None:
    pairs, rng = Pairs(ttl=2), Random(5)
    now = [float(START)]

    def write(number: int) -> None:
        if number % 6 == 0:
            now[0] += 9
            pairs.clock.set(now[0])
            pairs.write(number)
        pairs.clock.set(now[0] + rng.choice([-5, 0, 1, 1.999, 2, 2.001, 4]))

    assert hammer(write, *expiry_reads(pairs, rng), seconds=SECONDS) > 20
    pairs.db.check()


def test_views_come_and_go_beside_batches() -> None:
    """A redefinition between two looks never mixes two versions."""
    pairs, rng = Pairs(), Random(6)
    kinds = dict(pairs.view.definition.features)

    def write(number: int) -> None:
        if number <= 60:
            wider = {**kinds, **{f"x{place}": Int(default=place) for place in range(number % 4)}}
            pairs.db.create_view("pairs", entity="e", features=wider, replace=True)
        pairs.view.put(rng.choice(IDS), {"city": "z"})

    def read() -> None:
        ids = some_ids(rng)
        matrix = pairs.view.get_many(ids)
        extra = [name for name in matrix.names if name.startswith("x")]
        assert matrix.names == (*kinds, *(f"x{place}" for place in range(len(extra))))
        assert [matrix.column(name) for name in extra] == [[place] * len(ids) for place in range(len(extra))]
        assert matrix[0].view == matrix.label
        for rows in (matrix, pairs.numbers.get_many(ids)):
            assert set(rows.column("a")) == set(rows.column("b")) == {1}

    assert hammer(write, read, seconds=SECONDS) > 5


READS: dict[str, Callable[[Pairs], Any]] = {
    "view": lambda pairs: pairs.view.get("e0"),
    "view of many": lambda pairs: pairs.view.get_many(IDS)[0],
    "service": lambda pairs: pairs.numbers.get("e0"),
    "service of many": lambda pairs: pairs.numbers.get_many(IDS)[0],
}


@pytest.mark.parametrize("way", READS)
def test_a_read_shows_the_event_that_it_names(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write comes right after a read has looked at the clock, and is later than that: named, so shown."""
    pairs = Pairs()
    now, writes = pairs.db.state.now, iter([2])

    def looked() -> int:
        clock = now()
        for number in writes:
            pairs.clock.advance(1)
            pairs.write(number)
        return clock

    monkeypatch.setattr(pairs.db.state, "now", looked)
    row = READS[way](pairs)
    assert row.as_of == pairs.db.head and row["a"] == row["b"] == 2
    assert row.at >= pairs.db.event(row.as_of).recorded_time


@pytest.mark.parametrize("way", READS)
def test_a_view_that_is_being_rebuilt_is_waited_for(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rebuild begins between the look at the sequence and that at the rows."""
    pairs = Pairs()
    state, now, turns = pairs.db.state, pairs.db.state.now, iter([1])
    began: list[bool] = []

    def looked() -> int:
        if began:
            for _ in turns:
                state.fold.all_behind(MemoryError("a fold that failed"))
                state.rows.reset()
        return now()

    monkeypatch.setattr(state, "now", looked)
    for _ in range(3):
        READS[way](pairs)
    began.append(True)
    assert READS[way](pairs)["a"] == 1
    pairs.db.check()
