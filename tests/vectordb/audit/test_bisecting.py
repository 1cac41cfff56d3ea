"""Bisection against a scan of every offset."""

from __future__ import annotations

import time
from math import ceil, log2
from random import Random
from statistics import median
from typing import Any

import pytest

from tests.replay.fixtures import V1, folders, replayed
from tests.vectordb.world import World
from vectordb import AlreadyTrue, Float, InvalidInput, OffsetOutOfRange, Past, StillFalse, UnknownName, VectorDB
from vectordb.audit import Turn


def grown(events: int, seed: int = 1) -> World:
    world, random = World(), Random(seed)
    for number in range(events):
        world.tick(1)
        world.put(f"d-{random.randrange(3)}", trips=number)
    return world


def test_the_turn_is_the_first_offset_of_a_scan_and_takes_log_n_probes() -> None:
    world = grown(100)
    db = world.db
    for wanted in (2, 3, 50, 100, 101):
        asked: list[int] = []

        def reached(past: Any, wanted: int = wanted, asked: list[int] = asked) -> bool:
            asked.append(past.head)
            return past.head >= wanted

        turn = db.audit.bisect(reached)
        assert turn.offset == next(n for n in range(1, db.head + 1) if n >= wanted) == turn.event.offset
        assert turn.probes == len(asked) == len(set(asked)) <= 2 + ceil(log2(db.head - 1))
        assert isinstance(turn.before, Past) and (turn.before.head, turn.after.head) == (wanted - 1, wanted)


def test_a_value_is_found_at_the_write_that_made_it() -> None:
    world = grown(200)
    turn = world.db.audit.bisect(lambda past: past.view("drivers").get("d-1")["trips"] >= 120)
    first = next(v for v in world.drivers.history("d-1") if v.values["trips"] >= 120)
    assert turn.offset == first.offset and turn.event.digest == world.db.digest(first.offset)
    assert turn.before.view("drivers").get("d-1")["trips"] < 120
    assert turn.after.view("drivers").get("d-1")["trips"] == first.values["trips"]
    assert turn.to_dict() == {
        "offset": first.offset, "type": "row_put", "recorded_time": first.recorded_time.isoformat(),
        "probes": turn.probes}  # fmt: skip


def test_a_predicate_that_turns_often_gives_one_of_its_turns() -> None:
    db = grown(60).db
    turn = db.audit.bisect(lambda past: past.head % 7 >= 3, low=1, high=60)
    assert turn.offset % 7 == 3 and turn.before.head % 7 < 3


def test_bounds_are_part_of_the_question() -> None:
    db = grown(20).db
    assert db.audit.bisect(lambda past: past.head > 0, low=0).offset == 1
    assert db.audit.bisect(lambda past: past.head > 9, low=9, high=10).probes == 2
    assert db.as_of(10).audit.bisect(lambda past: past.head >= 10).offset == 10


def test_what_never_turns_is_refused_with_the_bounds() -> None:
    db = grown(20).db
    with pytest.raises(AlreadyTrue) as true:
        db.audit.bisect(lambda past: True)
    assert true.value.values == {"low": 1, "high": 21}
    with pytest.raises(StillFalse):
        db.audit.bisect(lambda past: False)
    with pytest.raises(StillFalse):
        db.as_of(10).audit.bisect(lambda past: past.head > 10)


@pytest.mark.parametrize(("low", "high"), [(-1, None), (1, 22), (22, 23), (1.0, None), (True, None), (1, "9")])
def test_bounds_outside_of_the_log_are_refused(low: Any, high: Any) -> None:
    with pytest.raises(OffsetOutOfRange):
        grown(20).db.audit.bisect(lambda past: True, low, high)


def test_bounds_that_leave_nothing_between_are_refused() -> None:
    db = grown(20).db
    for low, high in ((5, 5), (6, 5)):
        with pytest.raises(InvalidInput):
            db.audit.bisect(lambda past: True, low, high)
    with pytest.raises(InvalidInput):
        VectorDB().audit.bisect(lambda past: True, 0)


def test_what_a_predicate_raises_passes_through() -> None:
    db = grown(20).db
    with pytest.raises(UnknownName):
        db.audit.bisect(lambda past: past.view("nothing").get("d-1")["trips"] > 0)
    with pytest.raises(ZeroDivisionError):
        db.audit.bisect(lambda past: 1 // (past.head - 21) > 0)


@pytest.mark.parametrize("name", [name for name in folders(V1) if name != "digits"])
def test_every_definition_of_the_stories_is_found(name: str) -> None:
    db = replayed(name)
    for view in db.views():
        if db.head > 1 and not db.state.log.pruned:  # nothing is asked of before a compaction
            turn = db.audit.bisect(lambda past, view=view: view in past.views(), low=0)
            assert turn == Turn(turn.offset, turn.event, turn.before, turn.after, turn.probes)
            assert view in turn.event.views and turn.event.type == "view_defined"


def test_twenty_thousand_events_take_under_five_milliseconds() -> None:
    db = VectorDB()
    view = db.create_view("drivers", entity="driver", features={"a": Float(), "b": Float()})
    for number in range(20_000):
        view.put(f"d-{number % 50}", {"a": float(number), "b": 1.0})
    times = []
    for _ in range(5):
        start = time.perf_counter()
        turn = db.audit.bisect(lambda past: (past.view("drivers").get("d-7")["a"] or 0.0) >= 12_000.0)
        times.append(time.perf_counter() - start)
    assert turn.event.payload["entity"] == "d-7" and turn.after.view("drivers").get("d-7")["a"] == 12_007.0
    assert median(times) < 0.005
