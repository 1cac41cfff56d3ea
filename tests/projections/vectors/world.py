"""A random history of one view with a vector feature, and the naive answer to a search of it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

import projections.vectors.build as build
import projections.vectors.field as field
import projections.vectors.search as search
import projections.vectors.segment as segment
import vectordb.views.searching as searching
from vectordb import MISSING, Category, Float, Int, ManualClock, Status, Vector, VectorDB

START = 1_767_225_600
ENTITIES: list[Any] = [f"e{number}" for number in range(14)] + list(range(9)) + [("a", 1), ("a", 2), (1, "a")]
CITIES = ["Rome", "Oslo", "Bern", 7]


def shrink(monkeypatch: pytest.MonkeyPatch, few: int = 0) -> None:
    """Sizes at which an index of a hundred vectors meets every edge."""
    monkeypatch.setattr(searching, "SMALL", 1)
    monkeypatch.setattr(search, "FEW", few)
    monkeypatch.setattr(segment, "TAIL", 3)
    monkeypatch.setattr(field, "BULK", 4)
    monkeypatch.setattr(build, "CLUSTER_SIZE", 25)
    monkeypatch.setattr(build, "CHUNK_BYTES", 256)


def features(**more: Any) -> dict[str, Any]:
    return {
        "v": Vector(3, metric="euclidean", dtype="float32"),
        "n": Int(),
        "x": Float(default=0.5),
        "c": Category(),
        **more,
    }


class World:
    """Writes of every kind, seeded. Event times are late, now, or ahead."""

    def __init__(self, seed: int, ttl: float | None = None) -> None:
        self.rng = random.Random(seed)
        self.clock = ManualClock(START)
        self.ttl = ttl
        self.db = VectorDB(clock=self.clock, seed=seed, auto_index=False)
        self.has_n = True
        self.define()

    @property
    def view(self) -> Any:
        return self.db.view("v")

    def define(self) -> None:
        chosen = features() if self.has_n else {name: kind for name, kind in features().items() if name != "n"}
        self.db.create_view("v", entity="e", features=chosen, ttl=self.ttl, replace=True)

    def vector(self) -> list[float]:
        return [self.rng.choice([0.0, 1.0, -1.0, 2.5, self.rng.gauss(0, 1)]) for _ in range(3)]

    def row(self, must: str | None = None) -> dict[str, Any]:
        rng = self.rng
        made = {
            "v": self.vector() if rng.random() < 0.8 else None,
            "n": rng.choice([None, -3, 0, 1, 1, 2, 2**53]),
            "x": rng.choice([None, -0.0, 0.0, -2.5, 0.5, 1e300]),
            "c": rng.choice([None, *CITIES]),
        }
        if not self.has_n:
            del made["n"]
        if rng.random() < 0.5:
            for name in rng.sample(list(made), rng.randint(1, len(made) - 1)):
                if name != must:
                    del made[name]
        return made

    def when(self) -> float | None:
        kind = self.rng.random()
        if kind < 0.6:
            return None
        now = self.clock() / 1e6
        return now - self.rng.randrange(1, 60) if kind < 0.85 else now + self.rng.randrange(1, 30)

    def step(self) -> None:
        """One event, and time goes on."""
        rng = self.rng
        self.clock.advance(rng.choice([0, 0, 1, 5]))
        rng.choices([self._put, self._delete, self._many, self._transact, self._redefine], [8, 1.5, 2, 1, 0.3])[0]()

    def _put(self) -> None:
        self.view.put(self.rng.choice(ENTITIES), self.row(), event_time=self.when())

    def _delete(self) -> None:
        self.view.delete(self.rng.choice(ENTITIES), event_time=self.when())

    def batch(self) -> dict[str, Any]:
        rng, count = self.rng, self.rng.randint(1, 7)
        columns: dict[str, Any] = {"e": [rng.choice(ENTITIES) for _ in range(count)]}
        rows = [self.row() for _ in range(count)]
        for name in ("v", "x", "c", *(["n"] if self.has_n else [])):
            if rng.random() < 0.85:
                columns[name] = [row.get(name, MISSING) for row in rows]
        if len(columns) == 1 or any(
            all(columns[name][i] is MISSING for name in columns if name != "e") for i in range(count)
        ):
            columns["x"] = [1.0] * count
        return columns

    def _many(self) -> None:
        self.view.put_many(self.batch(), event_time=self.when())

    def _transact(self) -> None:
        with self.db.transaction() as tx:
            for _ in range(self.rng.randint(1, 3)):
                inner = tx.view("v")
                self.rng.choice(
                    [
                        lambda inner=inner: inner.put(self.rng.choice(ENTITIES), self.row(), event_time=self.when()),
                        lambda inner=inner: inner.delete(self.rng.choice(ENTITIES), event_time=self.when()),
                        lambda inner=inner: inner.put_many(self.batch(), event_time=self.when()),
                    ]
                )()

    def _redefine(self) -> None:
        self.has_n = not self.has_n
        self.define()

    def clocks(self, offset: int) -> list[float]:
        """Instants to read an offset at: its own time, earlier and later ones."""
        own = self.db.state.log.time_of(offset) / 1e6
        return [own, own + self.rng.randrange(1, 40), own - self.rng.randrange(1, 40)]

    def where(self, names: tuple[str, ...]) -> dict[str, Any]:
        """A random filter over some features."""
        rng = self.rng
        leaves: dict[str, list[Any]] = {
            "n": [1, None, {"$gt": 0}, {"$gte": 0.5}, {"$lt": 1.5}, {"$lte": -3}, {"$ne": 1}, {"$in": [1, 2, None]},
                  {"$nin": [0, 1]}, {"$exists": True}, {"$exists": False}, {"$gt": math.inf}, {"$lt": math.inf}, 0.5],
            "x": [0.0, 0.5, None, {"$gte": 0.0}, {"$gt": -0.0}, {"$lt": 0}, {"$ne": 0.5}, {"$lte": 0.5},
                  {"$gt": -math.inf}, {"$in": [0.5, -2.5]}, {"$exists": True}, {"$gt": 1e299}],
            "c": ["Rome", 7, None, {"$ne": "Rome"}, {"$in": ["Oslo", 7]}, {"$nin": ["Bern", None]}, {"$gt": "C"},
                  {"$lt": 9}, "Nowhere", {"$exists": False}, {"$ne": "Nowhere"}],
        }  # fmt: skip
        name = rng.choice(names)
        leaf = {name: rng.choice(leaves[name])}
        kind = rng.random()
        if kind < 0.55:
            return leaf
        other = self.where(names)
        return {"$not": leaf} if kind < 0.7 else {"$and": [leaf, other]} if kind < 0.85 else {"$or": [leaf, other]}


def matches(row: Any, where: dict[str, Any] | None) -> bool:
    """The filter, evaluated naively on a row as a read gives it."""
    for name, wanted in (where or {}).items():
        if name == "$and":
            good = all(matches(row, part) for part in wanted)
        elif name == "$or":
            good = any(matches(row, part) for part in wanted)
        elif name == "$not":
            good = not matches(row, wanted)
        else:
            tests = wanted if isinstance(wanted, dict) else {"$eq": wanted}
            there = row.status[name] in (Status.PRESENT, Status.NULL)
            good = all(_leaf(op, row[name], there, operand) for op, operand in tests.items())
        if not good:
            return False
    return True


def _same(value: Any, other: Any) -> bool:
    return (value is None) == (other is None) and isinstance(value, str) == isinstance(other, str) and value == other


def _leaf(op: str, value: Any, there: bool, operand: Any) -> bool:
    plain: dict[str, Callable[[], bool]] = {
        "$eq": lambda: _same(value, operand),
        "$ne": lambda: not _same(value, operand),
        "$in": lambda: any(_same(value, other) for other in operand),
        "$nin": lambda: not any(_same(value, other) for other in operand),
        "$exists": lambda: there is operand,
        "$gt": lambda: value > operand,
        "$gte": lambda: value >= operand,
        "$lt": lambda: value < operand,
        "$lte": lambda: value <= operand,
    }
    if op in ("$gt", "$gte", "$lt", "$lte") and (value is None or isinstance(value, str) != isinstance(operand, str)):
        return False
    return plain[op]()


def entity_key(entity: Any) -> tuple[Any, ...]:
    """Ints before text before tuples, these part by part."""
    if isinstance(entity, tuple):
        return (2, tuple(entity_key(part) for part in entity))
    return (1, entity) if isinstance(entity, str) else (0, entity)


def brute(view: Any, query: list[float], where: Any = None, at: Any = None, name: str = "v") -> list[tuple[float, Any]]:
    """Every live match as (distance, entity), nearest first, by ``view.get`` alone; Euclidean."""
    found = []
    for entity in ENTITIES:
        row = view.get(entity, at=at)
        if row.status[name] is Status.PRESENT and matches(row, where):
            found.append((math.dist(query, row[name].tolist()), entity))
    return sorted(found, key=lambda hit: (hit[0], entity_key(hit[1])))
