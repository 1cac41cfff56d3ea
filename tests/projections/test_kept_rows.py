"""Reads that start from a kept row give what a walk over all versions gives."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from projections import Timeline
from projections.timeline import KEEP
from tests.vectordb.world import START, World


def bent(seed: int, writes: int = 150) -> World:
    """One entity with partial, late, future-dated, deleting and complete writes; one feature is hardly ever written."""
    random = Random(seed)
    world = World(ttl=random.choice([None, 40]))
    for number in range(writes):
        world.tick(random.choice([0, 1, 1, 2]))
        now = world.clock() // 1_000_000 - START
        at = random.choice([None, None, None, now - random.randrange(30), now + random.randrange(10)])
        event_time = None if at is None else START + at
        step = random.random()
        if step < 0.02:
            world.drivers.delete("d-7", event_time=event_time)
        elif step < 0.04:
            world.put("d-7", at, trips=number, rating=float(number), city=f"c{number % 5}")
        else:
            world.put("d-7", at, **random.choice([{"trips": number}, {"trips": None}, {"city": "Rome"}]))
    return world


def told(world: World, offset: int, at: float | None) -> Any:
    row = world.db.as_of(offset).view("drivers").get("d-7", at=at)
    return dict(row), row.status, row.versions, row.event_times, row.found, row.version, row.event_time


@pytest.mark.parametrize("seed", range(8))
def test_a_read_is_that_of_a_walk_over_every_version(seed: int) -> None:
    world, random = bent(seed), Random(seed)
    timeline = world.db.state.rows.tables["drivers"].versions["d-7"]
    assert isinstance(timeline, Timeline) and len(timeline.kept[0]) == len(timeline.kept[1]) > 4
    end = world.clock() // 1_000_000
    clocks = [random.choice([None, random.randint(START, end + 12)]) for _ in range(60)]
    asked = [(random.randint(1, world.db.head), at) for at in clocks]
    kept = timeline.kept
    found = [told(world, *one) for one in asked]
    timeline.kept = (array("q"), [])
    assert found == [told(world, *one) for one in asked]
    timeline.kept = kept


def test_a_feature_that_nothing_wrote_costs_no_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    for number in range(40 * KEEP):
        world.tick(1)
        world.put("d-7", trips=number)
    log, rows = world.db.state.log, []

    def counted(row_of: Callable[[int], bytes]) -> Callable[[int], bytes]:
        return lambda ref: rows.append(ref) or row_of(ref)  # type: ignore[func-returns-value]

    monkeypatch.setattr(log, "row", counted(log.row))
    assert world.db.as_of(600).view("drivers").get("d-7")["rating"] is None
    assert len(rows) < 100


def test_a_row_is_kept_every_few_versions_from_the_first_bend_on() -> None:
    timeline = Timeline()
    for number in range(5 * KEEP):
        if number:
            timeline.keep(b"%d" % number)
        timeline.add(number + 1, number)
    assert list(timeline.kept[0]) == [KEEP * step for step in range(1, 5)]
    assert timeline.kept_by(KEEP - 1) is None
    assert timeline.kept_by(3 * KEEP + 1) == (3 * KEEP, b"%d" % (3 * KEEP))
    assert list(timeline.back_from(99, 20, 3)) == [21, 20, 19]
