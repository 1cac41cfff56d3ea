"""A seeded workload: random writes of every kind, told to the database and to the model alike.

Every entity collects the **rules** that its story has met (a late write, a delete, a redefinition of its
view ...), so that a run can say which pairs of rules were ever read together.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC
from functools import partial
from itertools import combinations
from typing import Any

import pytest

from tests.simulation.model import Model
from vectordb import (
    MISSING,
    Bool,
    Category,
    Float,
    IdempotencyConflict,
    Int,
    ManualClock,
    OffsetConflict,
    Text,
    Timestamp,
    Vector,
    VectorDB,
    VectorDBError,
)

SECOND = 1_000_000
VIEWS = ("drivers", "riders")
ENTITIES = ("a", "b", 1, "1", ("eu", 7), "é/@.1")
TYPES = {
    "trips": lambda default: Int(default=default),
    "rating": lambda default: Float(default=default),
    "active": lambda default: Bool(default=default),
    "city": lambda default: Category(default=default),
    "bio": lambda default: Text(default=default),
    "seen": lambda default: Timestamp(default=default),
    "profile": lambda default: Vector(3, metric="euclidean", default=default),
}
READ_RULES = ("as_of", "at", "expired")
WRITE_RULES = (
    "late", "future", "partial", "complete", "null", "delete", "redefine", "batch", "twice", "retry", "refused",
    "transaction", "clock_back", "expected",
)  # fmt: skip
RULES = WRITE_RULES + READ_RULES


def required_pairs() -> set[frozenset[str]]:
    """Every pair of rules; a read is as of an offset or at a time of its own, but both may hold."""
    return {frozenset(pair) for pair in combinations(RULES, 2)}


class Workload:
    """One seed's run: a database, its model, and a clock."""

    def __init__(self, seed: int, path: str | None = None) -> None:
        self.random = random.Random(seed)
        self.clock = ManualClock(1_700_000_000)
        make = VectorDB if path is None else partial(VectorDB.open, path)
        self.db: VectorDB = make(clock=self.clock, seed=seed)
        self.model = Model()
        self.rules: dict[tuple[str, Any], set[str]] = {}
        self.pairs: Counter[frozenset[str]] = Counter()
        self.keys: list[tuple[str, Any, dict[str, Any], dict[str, Any]]] = []
        self.stepped_back = False
        for view in VIEWS:
            self.define(view)

    # -- one step --------------------------------------------------------------------------------------

    def step(self) -> str:
        """One random operation; its name."""
        operations = (
            [self.put] * 8 + [self.partial] * 6 + [self.delete] * 2 + [self.batch] * 4 + [self.transaction] * 3
            + [self.retry] * 2 + [self.refused] * 3 + [self.expected] * 2 + [self.define_again] + [self.mark]
        )  # fmt: skip
        self.move_clock()
        operation = self.random.choice(operations)
        operation()
        assert self.db.head == self.model.head, operation.__name__
        return operation.__name__

    def move_clock(self) -> None:
        chance = self.random.random()
        self.stepped_back = chance < 0.08
        if self.stepped_back:
            self.clock.set((self.clock() - self.random.randrange(1, 30 * SECOND)) / SECOND)
        elif chance < 0.9:
            self.clock.advance(self.random.choice([0, 0, 0.000001, 1, 7, 20]))

    def now(self) -> int:
        """The recorded time that the next event gets."""
        return max(self.clock(), self.model.times[-1])

    def note(self, view: str, entity: Any, *rules: str) -> None:
        met = self.rules.setdefault((view, entity), set())
        met.update(rules)
        if self.stepped_back:
            met.add("clock_back")

    # -- definitions -----------------------------------------------------------------------------------

    def define(self, view: str) -> None:
        names = [name for name in TYPES if self.random.random() < 0.7] or ["trips"]
        if view in self.model.definitions and self.random.random() < 0.5:
            names = list(self.model.definitions[view][-1].features)  # only defaults and ttl change
        features = {name: (name, self.default(name)) for name in names}
        ttl = self.random.choice([None, 10 * SECOND, 60 * SECOND])
        arguments = {name: TYPES[name](default) for name, (_, default) in features.items()}
        before = self.db.head
        self.db.create_view(
            view, entity="thing", features=arguments, ttl=None if ttl is None else ttl / SECOND, replace=True
        )
        if self.db.head > before:
            self.model.define(view, features, ttl, self.db.event(self.db.head).time)
            for known, entity in list(self.rules):
                if known == view:
                    self.note(view, entity, "redefine")

    def default(self, name: str) -> Any:
        return self.value(name) if self.random.random() < 0.4 else None

    def define_again(self) -> None:
        self.define(self.random.choice(VIEWS))

    def mark(self) -> None:
        name = f"mark-{self.db.head}"
        self.model.other(self.now())
        assert self.db.mark(name) == self.db.head
        assert self.db.as_of(mark=name).head == self.db.head

    # -- values ----------------------------------------------------------------------------------------

    def value(self, name: str) -> Any:
        rnd = self.random
        if name == "trips":
            return rnd.choice([0, 1, -5, 2**53, -(2**53), rnd.randrange(100)])
        if name == "rating":
            return rnd.choice([0.0, -0.0, 5e-324, -1.7e308, rnd.random()])
        if name == "active":
            return rnd.random() < 0.5
        if name == "city":
            return rnd.choice(["Rome", "Oslo", "東京", 1, "1", ""])
        if name == "bio":
            return rnd.choice(["", "plain", "naïve", "\u0000\n\"", "x" * rnd.randrange(40)])
        if name == "seen":
            return rnd.randrange(1_600_000_000, 1_800_000_000)
        return [rnd.choice([0.0, 1.5, -2.25]) for _ in range(3)]

    def values(self, view: str, partial: bool) -> dict[str, Any]:
        names = list(self.model.definitions[view][-1].features)
        if partial:
            names = self.random.sample(names, self.random.randrange(1, len(names) + 1))
        return {name: None if self.random.random() < 0.12 else self.value(name) for name in names}

    def event_time(self) -> int | None:
        """None (now), late, or ahead; often a time that was used before, to make ties."""
        chance, now = self.random.random(), self.now()
        if chance < 0.55:
            return None
        if chance < 0.65 and self.model.head:
            return self.random.choice(self.model.times[1:])
        return now + self.random.choice([-40, -20, -5, -1, 0, 1, 5, 30]) * SECOND

    def about(self, view: str, values: dict[str, Any] | None, event_time: int | None) -> list[str]:
        rules = []
        if event_time is not None and event_time < self.now():
            rules.append("late")
        if event_time is not None and event_time > self.now():
            rules.append("future")
        if values is None:
            return [*rules, "delete"]
        complete = len(values) == len(self.model.definitions[view][-1].features)
        rules.append("complete" if complete else "partial")
        return [*rules, "null"] if None in values.values() else rules

    def pick(self) -> tuple[str, Any]:
        return self.random.choice(VIEWS), self.random.choice(ENTITIES)

    # -- writes ----------------------------------------------------------------------------------------

    def put(self, partial: bool = False) -> None:
        view, entity = self.pick()
        values, event_time = self.values(view, partial), self.event_time()
        options: dict[str, Any] = {"event_time": _seconds(event_time)}
        if self.random.random() < 0.3:
            options["idempotency_key"] = f"key-{self.db.head}"
            self.keys.append((view, entity, values, options))
        self.note(view, entity, *self.about(view, values, event_time))
        self.model.write([(view, entity, event_time, values)], self.now())
        receipt = self.db.view(view).put(entity, values, **options)
        assert receipt.offset == self.model.head
        assert not receipt.replayed

    def partial(self) -> None:
        self.put(partial=True)

    def delete(self) -> None:
        view, entity = self.pick()
        event_time = self.event_time()
        self.note(view, entity, *self.about(view, None, event_time))
        self.model.write([(view, entity, event_time, None)], self.now())
        self.db.view(view).delete(entity, event_time=_seconds(event_time))

    def rows(self, view: str) -> tuple[list[Any], list[dict[str, Any]], list[int | None]]:
        count = self.random.choice([1, 1, 2, 2, 2, 3, 3, 5, 5, 17])
        entities = [self.random.choice(ENTITIES) for _ in range(count)]
        values = [self.values(view, self.random.random() < 0.5) for _ in range(count)]
        times = [self.event_time() for _ in range(count)] if self.random.random() < 0.5 else [self.event_time()] * count
        return entities, values, times

    def batch(self) -> None:
        view = self.random.choice(VIEWS)
        entities, values, times = self.rows(view)
        self._note_rows(view, entities, values, times, "batch")
        now = self.now()
        self.model.write([(view, *row) for row in zip(entities, times, values, strict=True)], now)
        given = _times(times, now)
        if self.random.random() < 0.5:
            rows: Any = [{"thing": entity, **row} for entity, row in zip(entities, values, strict=True)]
        else:
            names = dict.fromkeys(name for row in values for name in row)
            rows = {"thing": entities, **{name: [row.get(name, MISSING) for row in values] for name in names}}
        receipt = self.db.view(view).put_many(rows, event_time=given)
        assert len(receipt.versions) == len(entities)

    def _note_rows(self, view: str, entities: list[Any], values: list[Any], times: list[Any], rule: str) -> None:
        for entity, row, time in zip(entities, values, times, strict=True):
            self.note(view, entity, rule, *self.about(view, row, time))
            if entities.count(entity) > 1:
                self.note(view, entity, "twice")

    def transaction(self) -> None:
        now, told = self.now(), []
        with self.db.transaction(actor="sim", tags=["t"]) as tx:
            for view in self.random.sample(VIEWS, self.random.choice([1, 2, 2])):
                entity, event_time = self.random.choice(ENTITIES), self.event_time()
                if self.random.random() < 0.25:
                    tx.view(view).delete(entity, event_time=_seconds(event_time))
                    told.append((view, entity, event_time, None))
                    self.note(view, entity, "transaction", *self.about(view, None, event_time))
                    continue
                entities, values, times = self.rows(view)
                rows = [{"thing": one, **row} for one, row in zip(entities, values, strict=True)]
                tx.view(view).put_many(rows, event_time=_times(times, now))
                told.extend((view, one, time, row) for one, time, row in zip(entities, times, values, strict=True))
                self._note_rows(view, entities, values, times, "transaction")
        self.model.write(told, now)
        assert tx.receipt is not None
        assert tx.receipt.event.rows == len(told)

    # -- retries, refusals, expectations -----------------------------------------------------------------

    def retry(self) -> None:
        if not self.keys:
            return
        view, entity, values, options = self.random.choice(self.keys)
        known = self.model.definitions[view][-1].features
        if not set(values) <= set(known):
            return  # a feature was removed since: the same call is now refused
        before = self.db.head
        receipt = self.db.view(view).put(entity, values, **options)
        assert receipt.replayed
        assert receipt.offset <= before
        with pytest.raises(IdempotencyConflict):
            self.db.view(view).put(entity, values, **{**options, "event_time": 1})
        assert self.db.head == before
        self.note(view, entity, "retry")

    def refused(self) -> None:
        view, entity = self.pick()
        name = self.random.choice(list(self.model.definitions[view][-1].features))
        bad: Any = {"trips": 1.5, "rating": float("nan"), "active": 1, "city": True, "bio": b"x", "seen": "2020-01-01"}
        before, digest = self.db.head, self.db.digest()
        target = self.db.view(view)
        with pytest.raises(VectorDBError):
            target.put(entity, {name: bad.get(name, [1.0, float("inf"), 0.0])})
        with pytest.raises(VectorDBError):
            target.put(entity, {"no_such_feature": 1})
        with pytest.raises(VectorDBError):
            target.put_many({"thing": [entity, 1.5], name: [self.value(name)] * 2})
        with pytest.raises(VectorDBError), self.db.transaction() as tx:
            tx.view(view).put(entity, {name: self.value(name)})
            tx.view(view).put(entity, {name: bad.get(name, [1.0])})
        assert (self.db.head, self.db.digest()) == (before, digest)
        self.note(view, entity, "refused")

    def expected(self) -> None:
        view, entity = self.pick()
        values, right = self.values(view, True), self.model.last_offset(view, entity)
        with pytest.raises(OffsetConflict):
            self.db.view(view).put(entity, values, expected_offset=right + 1)
        self.note(view, entity, "expected", *self.about(view, values, None))
        self.model.write([(view, entity, None, values)], self.now())
        self.db.view(view).put(entity, values, expected_offset=right)


def _seconds(micros: int | None) -> Any:
    """An instant in a form that the public calls take, exact to the microsecond."""
    if micros is None:
        return None
    return micros // SECOND if micros % SECOND == 0 else f"{_iso(micros)}"


def _iso(micros: int) -> str:
    from datetime import datetime, timedelta

    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).isoformat()


def _times(times: list[int | None], now: int) -> Any:
    if all(time is None for time in times):
        return None
    return [_seconds(now if time is None else time) for time in times]
