"""Rows to write: ten features an event, entities taking turns, the same for every candidate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from vectordb import Bool, Category, Float, Int, Text, Timestamp, VectorDB

FLOATS = {f"f{place}": Float() for place in range(10)}
MIXED = {
    "trips": Int(),
    "late": Int(),
    "rating": Float(),
    "speed": Float(),
    "earned": Float(),
    "active": Bool(),
    "city": Category(),
    "tier": Category(),
    "note": Text(),
    "seen": Timestamp(),
}
CITIES = ("Rome", "Oslo", "Lima", "Kyiv", "Cairo", "Quito")
START = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS_AN_ENTITY = 10


class Put(NamedTuple):
    """One write."""

    entity: str
    values: dict[str, Any]


def float_row(random: Random) -> dict[str, Any]:
    """Ten random floats."""
    return {name: random.random() for name in FLOATS}


def mixed_row(random: Random) -> dict[str, Any]:
    """Ten values of seven types."""
    return {
        "trips": random.randrange(1000),
        "late": random.randrange(10),
        "rating": random.random(),
        "speed": random.random(),
        "earned": random.random(),
        "active": random.random() < 0.5,
        "city": random.choice(CITIES),
        "tier": random.choice("abc"),
        "note": f"note {random.randrange(1_000_000)}",
        "seen": START + timedelta(seconds=random.randrange(10_000_000)),
    }


def make_puts(size: int, entities: int, row: Any = float_row, seed: int = 1) -> Iterator[Put]:
    """``size`` writes over ``entities`` in turn, every id and value a new object as from a parser."""
    random = Random(seed)
    for place in range(size):
        yield Put(f"d-{place % entities}", row(random))


def entities_of(size: int) -> int:
    """How many entities a number of events is spread over."""
    return max(1, size // EVENTS_AN_ENTITY)


def make_columns(rows: int, entities: int, seed: int = 1) -> dict[str, list[Any]]:
    """The same writes as lists: the ids under ``driver``, and a list a feature."""
    puts = list(make_puts(rows, entities, seed=seed))
    return {
        "driver": [put.entity for put in puts],
        **{name: [put.values[name] for put in puts] for name in FLOATS},
    }


def make_database(features: Mapping[str, Any], path: Any = None) -> VectorDB:
    """A database with one view ``drivers``: in memory, or in a new file."""
    db = VectorDB(seed=1) if path is None else VectorDB.open(path, seed=1)
    db.create_view("drivers", entity="driver", features=features)
    return db


def filled(size: int, entities: int) -> VectorDB:
    """A database in memory with ``size`` single-row events of ten floats."""
    db = make_database(FLOATS)
    put = db.view("drivers").put
    for entity, values in make_puts(size, entities):
        put(entity, values)
    return db


def sample(entities: int) -> list[str]:
    """A few entities, whose values every candidate must give alike."""
    return [f"d-{place}" for place in sorted({0, entities // 3, entities // 2, entities - 1})]
