"""Held transformed rows against the pipeline itself: whatever is written, ages or is redefined, no read is stale."""

from __future__ import annotations

from random import Random
from struct import pack
from typing import Any

import pytest

from tests.vectordb.pipelines.test_pipelines import CITIES, Fleet
from tests.vectordb.test_threads import hammer, switch_often
from tests.vectordb.world import FEATURES, START
from vectordb import Category
from vectordb.pipelines.transformed_gather import TransformedGather

_ = switch_often  # an autouse fixture: a thread switch every 50 us
IDS = [f"d-{number}" for number in range(12)]
STEPS = 120


def expected(service: Any, row: Any) -> bytes:
    """What the pipeline, read back from its event, makes of a raw row."""
    values = service.pipeline.transform_one(row.vector())
    return pack(f"={len(values)}d", *values)


def check(fleet: Fleet, rng: Random) -> None:
    """Batches and single reads, live and as of an earlier offset, against the pipeline of that time."""
    service = fleet.ranker
    ids = rng.sample(IDS, rng.choice([1, 3, 12]))
    raw = [service.get(entity, raw=True) for entity in ids]
    wanted = [expected(service, row) for row in raw]
    assert service.get_many(ids).numbers.raw.tobytes() == b"".join(wanted)
    assert [service.get(entity).packed for entity in ids] == wanted
    at = START + rng.randint(0, 300)
    wanted = [expected(service, service.get(entity, raw=True, at=at)) for entity in ids]
    assert service.get_many(ids, at=at).numbers.raw.tobytes() == b"".join(wanted)
    past = fleet.db.as_of(rng.randint(fleet.first_fit, fleet.db.head)).service("ranker")  # type: ignore[attr-defined]
    wanted = [expected(past, past.get(entity, raw=True)) for entity in ids]
    assert past.get_many(ids).numbers.raw.tobytes() == b"".join(wanted)


def step(fleet: Fleet, rng: Random) -> None:
    """Something that happens."""
    entity, now = rng.choice(IDS), fleet.clock() / 1e6 - START
    dice = rng.random()
    if dice < 0.45:
        values: dict[str, Any] = {"trips": rng.randint(0, 99), "rating": rng.choice([None, rng.random()]),
                                  "city": rng.choice([*CITIES, "Paris", None])}  # fmt: skip
        some = {name: value for name, value in values.items() if rng.random() < 0.7} or values
        fleet.put(entity, at=now + rng.choice([-40, -5, 0, 0, 0, 15]), **some)
    elif dice < 0.6:
        fleet.tick(rng.choice([1, 10, 40]))
    elif dice < 0.68:
        fleet.drivers.delete(entity)
    elif dice < 0.78:
        many = rng.sample(IDS, 4)
        fleet.drivers.put_many({"driver": many, "trips": [rng.randint(0, 9) for _ in many]})
    elif dice < 0.84 and len(fleet.drivers):
        fleet.ranker.fit()
    elif dice < 0.88:
        more = {**FEATURES, "note": Category()} if rng.random() < 0.5 else FEATURES
        fleet.db.create_view("drivers", entity="driver", features=more, ttl=rng.choice([None, 60]), replace=True)


@pytest.mark.parametrize("served_bytes", [None, 3_000, 0])
@pytest.mark.parametrize("seed", range(3))
def test_no_read_is_stale(seed: int, served_bytes: int | None) -> None:
    options = {} if served_bytes is None else {"served_bytes": served_bytes}
    fleet, rng = Fleet(ttl=60, **options), Random(seed)
    fleet.ranker.fit()
    fleet.first_fit = fleet.db.head  # type: ignore[attr-defined]
    for _number in range(STEPS):
        step(fleet, rng)
        if rng.random() < 0.6:
            check(fleet, rng)
    fleet.db.check()
    for gather in fleet.db.state._gathers.values():
        gather.held.check()


@pytest.mark.parametrize("served_bytes", [None, 3_000, 0])
def test_a_read_beside_writers_is_the_pipeline_of_its_own_inputs(served_bytes: int | None) -> None:
    options = {} if served_bytes is None else {"served_bytes": served_bytes}
    fleet, rng = Fleet(**options), Random(7)
    fleet.ranker.fit()
    pipelines = {1: fleet.ranker.pipeline}

    def write(number: int) -> None:
        if number % 50 == 49:
            fleet.ranker.fit()
        else:
            fleet.put(IDS[number % 12], trips=number, rating=number / 7, city=CITIES[number % 3])

    def read() -> None:
        row = fleet.ranker.get(rng.choice(IDS))
        matrix = fleet.ranker.get_many(rng.sample(IDS, 5))
        for one in (row, matrix[0], matrix[4]):
            version = one.pipeline_version
            if version not in pipelines:
                pipelines[version] = fleet.db.as_of(one.as_of).service("ranker").pipeline
            values = pipelines[version].transform_one(one.inputs.vector())  # type: ignore[union-attr]
            assert one.packed == pack(f"={len(values)}d", *values)
        assert matrix.numbers.raw.tobytes()[:40] == matrix[0].packed

    assert hammer(write, read, seconds=0.6) > 5
    fleet.db.check()


def test_a_single_read_of_a_row_that_was_just_written_holds_it() -> None:
    fleet = Fleet(ttl=60)
    fleet.ranker.fit()
    fleet.ranker.get_many(IDS)
    (piped,) = (gather for gather in fleet.db.state._gathers.values() if isinstance(gather, TransformedGather))
    for trips in range(3):
        fleet.put("d-3", trips=trips)
        assert "d-3" not in piped.held.rows
        first, again = fleet.ranker.get("d-3"), fleet.ranker.get("d-3")
        assert piped.held.rows["d-3"] == first.packed == again.packed == expected(fleet.ranker, first.inputs)
    fleet.tick(61)  # every value has expired
    assert fleet.ranker.get("d-3").packed == expected(fleet.ranker, fleet.ranker.get("d-3", raw=True)) != first.packed
    fleet.db.check()
