"""Projections that fail: the event stands, every other view is right, and the failed one heals or says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import Event, Fact, ManualClock, ProjectionError
from projections import Projection
from tests.ledger.storage.samples import SEED, START, reopened, told
from vectordb import Int, VectorDB

Open = Callable[..., VectorDB]


@pytest.fixture(params=["memory", "eager", "lazy"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    opened: list[VectorDB] = []

    def open_one(**options: Any) -> VectorDB:
        clock = ManualClock(START)
        if request.param == "memory":
            db = VectorDB(clock=clock, seed=SEED, **options)
        else:
            lazy = request.param == "lazy"
            db = VectorDB.open(tmp_path / "ledger.jsonl", clock=clock, seed=SEED, lazy=lazy, **options)
        opened.append(db)
        return db

    yield open_one
    for db in opened:
        db.close()


def numbers(db: VectorDB) -> VectorDB:
    db.create_view("numbers", entity="number", features={"n": Int()}).put("a", {"n": 1})
    return db


def assert_sound(db: VectorDB) -> None:
    """Every view holds, and a fresh replay shows the same at every offset."""
    db.check()
    assert told(VectorDB.replay(db.events(), clock=db.state.clock)) == told(db)


class Tally(Projection):
    """Counts events; raises as told."""

    name = "tally"
    handles = (Fact,)

    def __init__(self, error: BaseException | None = None, at: int = 3, times: int = 1) -> None:
        self.error, self.at, self.times = error, at, times

    def reset(self) -> None:
        self.offsets: list[int] = []

    def apply(self, event: Event) -> None:
        if self.error is not None and event.offset == self.at and self.times:
            self.times -= 1
            raise self.error
        self.offsets.append(event.offset)

    def dump(self) -> bytes:
        return bytes(self.offsets)

    def load(self, state: bytes) -> None:
        self.offsets = list(state)

    def check(self) -> None:
        assert self.offsets == list(range(1, self.log.head + 1))


ERRORS = [ValueError("mine"), MemoryError(), RecursionError(), AssertionError("mine"), LookupError("mine")]


def broken(make: Open, tally: Tally) -> VectorDB:
    db = numbers(make(projections=[tally]))
    for entity in "bcd":
        db.view("numbers").put(entity, {"n": 2})
    return db


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_projection_that_raises_once_heals(make: Open, tmp_path: Path, error: Exception) -> None:
    db = broken(make, tally := Tally(error))
    assert db.head == 5
    assert [db.view("numbers").get(entity).found for entity in "abcd"] == [True] * 4
    assert db.projection("tally") is tally
    assert tally.offsets == [1, 2, 3, 4, 5]
    db.mark("more")
    assert tally.offsets == [1, 2, 3, 4, 5, 6]
    assert_sound(db)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_projection_that_always_raises_disturbs_nothing_else(make: Open, tmp_path: Path, error: Exception) -> None:
    db = broken(make, Tally(error, times=10**6))
    for _ in range(2):
        with pytest.raises(ProjectionError) as caught:
            db.projection("tally")
        assert caught.value.values["projection"] == "tally"
        assert caught.value.__cause__ is error
    assert db.projection("catalog").counts()["views"] == 1
    assert [db.view("numbers").get(entity).found for entity in "abcd"] == [True] * 4
    assert db.view("numbers").put("e", {"n": 1}).offset == 6
    assert db.as_of(4).view("numbers").get("d").found is False


def test_an_interrupt_in_a_projection_leaves_the_event(make: Open, tmp_path: Path) -> None:
    db = numbers(make(projections=[tally := Tally(KeyboardInterrupt())]))
    with pytest.raises(KeyboardInterrupt):
        db.view("numbers").put("b", {"n": 2})
    assert (db.head, db.view("numbers").get("b")["n"]) == (3, 2)
    assert db.projection("tally") is tally
    assert tally.offsets == [1, 2, 3]
    assert_sound(db)


def test_check_asks_a_projection_that_is_behind_only_after_it_has_healed(make: Open) -> None:
    db = broken(make, tally := Tally(ValueError("mine")))
    db.check()
    assert tally.offsets == [1, 2, 3, 4, 5]


def test_a_projection_that_raises_while_a_file_is_opened(make: Open, tmp_path: Path) -> None:
    db = broken(make, Tally())
    db.snapshot(tmp_path / "copy.jsonl")
    for tally, heals in ((Tally(ValueError()), True), (Tally(ValueError(), times=10**6), False)):
        with reopened(tmp_path / "copy.jsonl", projections=[tally]) as again:
            assert (again.head, again.view("numbers").get("d")["n"]) == (5, 2)
            if heals:
                assert again.projection("tally") is tally
                again.check()
            else:
                with pytest.raises(ProjectionError):
                    again.projection("tally")


def test_two_projections_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with pytest.raises(ProjectionError):
        VectorDB.open(path, projections=[Tally(), Tally()])
    VectorDB.open(path).close()
