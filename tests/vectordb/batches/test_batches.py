"""Batch reads against single reads: the same values, states and versions after every step of a random workload."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ledger import ManualClock
from tests.vectordb.world import START
from vectordb import (
    Bool,
    Category,
    FeatureMatrix,
    Float,
    Int,
    Reader,
    Request,
    Text,
    Timestamp,
    UnknownName,
    Vector,
    VectorDB,
    VectorDBError,
)

STABLE = {"trips": Int(default=0), "rating": Float(), "open": Bool(), "note": Text()}
PASSING = {
    "size": Int(),
    "base": Float(default=-1.5),
    "shut": Bool(default=True),
    "city": Category(),
    "rank": Category(default="low"),
    "seen": Timestamp(),
    "profile": Vector(3),
    "axis": Vector(2, dtype="float16", metric="euclidean", default=[0.5, -1]),
}
VIEWS = {"drivers": ("driver", 20), "cars": ("driver", None), "zones": ("zone", 7)}
INPUTS = (Request("km", Float(default=2.5)), Request("why", Category()), Request("count", Int(default=3)))
STEPS = 32
TEXTS = ["a", "b", "c", "d", "é"]
MIXED = ["a", "b", 0, 1, "1", ("x", 2)]


def some_value(rng: random.Random, name: str) -> Any:
    """A value of a feature; sometimes None."""
    kind = {**STABLE, **PASSING}[name]
    if rng.random() < 0.1:
        return None
    if isinstance(kind, Vector):
        return [rng.choice([-1.0, 0.25, 3.0]) for _ in range(kind.dim)]
    choices: dict[str, Callable[[], Any]] = {
        "int": lambda: rng.choice([0, 1, -7, 2**53, rng.randrange(1000)]),
        "float": lambda: rng.choice([0.0, -0.0, 1e300, 5e-324, rng.random()]),
        "bool": lambda: rng.random() < 0.5,
        "category": lambda: rng.choice(["x", "1", 1, 2]),
        "text": lambda: "né" * rng.randrange(9),
        "timestamp": lambda: START + rng.randrange(99),
    }
    return choices[kind.name]()


def exact(value: Any) -> Any:
    """What two equal reads agree in: type and value, the sign of zero included."""
    return (value.format, value.tolist()) if isinstance(value, memoryview) else (type(value).__name__, repr(value))


def outcome(function: Callable[[], Any]) -> Any:
    """What a call gives, or the kind of its refusal."""
    try:
        return function()
    except VectorDBError as error:
        return type(error)


class Workload:
    """A database with views with and without a time to live, services over them, and random steps."""

    def __init__(self, seed: int, ids: Sequence[Any], served_bytes: int | None = None) -> None:
        self.rng, self.ids = random.Random(seed), list(ids)
        self.clock = ManualClock(START)
        self.db = VectorDB(clock=self.clock, seed=seed)
        if served_bytes is not None:
            self.db.state.served_bytes = served_bytes
        for view in VIEWS:
            self.define(view, {**STABLE, **PASSING})
        self.define_services()
        self.views = {name: self.db.view(name) for name in VIEWS}
        self.services = {name: self.db.service(name) for name in self.db.services()}

    def define(self, view: str, features: dict[str, Any]) -> None:
        entity, ttl = VIEWS[view]
        self.db.create_view(view, entity=entity, ttl=ttl, features=features, replace=True)

    def define_services(self) -> None:
        """``wide`` has every type, ``numbers`` only numbers, ``pairs`` two kinds of entity and request inputs."""
        rng = self.rng
        refs = {view: [f"{view}:{name}" for name in self.db.view(view).features] for view in VIEWS}
        wide = rng.sample(refs["drivers"] + refs["cars"], 12)
        numbers = [f"{view}:{name}" for view in ("drivers", "cars") for name in ("trips", "rating", "open")]
        own = rng.sample([ref for refs_of in refs.values() for ref in refs_of], 9)
        pairs = [f"{view}:rating" for view in VIEWS] + [ref for ref in own if not ref.endswith(":rating")] + [*INPUTS]
        for name, features in (("wide", wide), ("numbers", numbers), ("pairs", pairs)):
            self.db.create_service(name, features=rng.sample(features, len(features)), replace=True)

    def step(self) -> None:
        """One write, definition or movement of the clock."""
        steps = [self.put] * 6 + [self.put_many] * 4 + [self.delete, self.transact, self.redefine, self.move, self.move]
        self.rng.choice(steps)()

    def values(self, view: str) -> dict[str, Any]:
        names = list(self.views[view].features)
        if self.rng.random() < 0.5:
            names = self.rng.sample(names, self.rng.randrange(1, len(names)))
        values = {name: some_value(self.rng, name) for name in names}
        if self.rng.random() < 0.5:  # complete rows without null take ways of their own
            values = {name: value for name, value in values.items() if value is not None} or {"trips": 4}
        return values

    def when(self) -> Any:
        shift = self.rng.choice([None, None, None, 0, -3, -25, 6])
        return None if shift is None else self.clock() / 1e6 + shift

    def put(self) -> None:
        view = self.rng.choice(list(VIEWS))
        self.views[view].put(self.rng.choice(self.ids), self.values(view), event_time=self.when())

    def put_many(self) -> None:
        view = self.rng.choice(list(VIEWS))
        kind, names = VIEWS[view][0], self.values(view)
        rows = [{kind: entity, **{name: some_value(self.rng, name) for name in names}} for entity in self.ids]
        self.views[view].put_many(self.rng.sample(rows, self.rng.randrange(1, len(rows))), event_time=self.when())

    def delete(self) -> None:
        self.views[self.rng.choice(list(VIEWS))].delete(self.rng.choice(self.ids), event_time=self.when())

    def transact(self) -> None:
        entity = self.rng.choice(self.ids)
        with self.db.transaction() as tx:
            tx.view("drivers").put(entity, self.values("drivers"))
            tx.view("cars").delete(entity)

    def redefine(self) -> None:
        """Features come and go, and come back; a service may be left without one that it reads."""
        kept = self.rng.sample(sorted(PASSING), self.rng.randrange(2, len(PASSING) + 1))
        self.define(self.rng.choice(list(VIEWS)), {**STABLE, **{name: PASSING[name] for name in kept}})
        if self.rng.random() < 0.8:
            self.define_services()

    def move(self) -> None:
        """The clock goes on, past a time to live, or back."""
        self.clock.set(self.clock() / 1e6 + self.rng.choice([0.5, 1, 3, 8, 21, -4]))

    def asked(self) -> list[Any]:
        """Ids with repeats, and one that nobody wrote."""
        return [self.rng.choice([*self.ids, "nobody"]) for _ in range(self.rng.choice([1, 2, 9]))]


def assert_same(matrix: FeatureMatrix, rows: Sequence[Any], names: Sequence[str], why: Any) -> None:
    """A matrix is what single reads give."""
    assert (matrix.names, matrix.shape) == (tuple(names), (len(rows), len(names))), why
    got = [[exact(value) for value in values] for values in matrix.to_rows()]
    assert got == [[exact(row[name]) for name in names] for row in rows], why
    assert matrix.status == [{name: row.status_of(name) for name in names} for row in rows], why
    assert matrix.versions == [{name: own[name] for name in names} for own in (row.versions for row in rows)], why
    assert matrix.found == [row.found for row in rows], why
    assert {(row.as_of, row.at) for row in rows} == {(matrix.as_of, matrix.at)}, why


def check_views(work: Workload, reader: Reader, at: Any, why: Any) -> None:
    """Batches of each view, all features and some, twice: the second may come from held rows."""
    for name in VIEWS:
        view, ids = reader.view(name), work.asked()
        rows = [view.get(entity, at=at) for entity in ids]
        some = work.rng.sample(view.features, 3)
        for _ in range(2):
            assert_same(view.get_many(ids, at=at), rows, view.features, (why, name, ids))
            assert_same(view.get_many(ids, some, at=at), rows, some, (why, name, ids, some))
        assert [row.version for row in view.get_many(ids, at=at)] == [row.version for row in rows], (why, name)


def expected(reader: Reader, definition: Any, ids: dict[str, Any], given: dict[str, Any], at: Any) -> list[Any]:
    """The inputs of a service, taken from the rows of its views."""
    rows = {view: reader.view(view).get(ids[kind], at=at) for view, (kind, _) in VIEWS.items() if kind in ids}
    return [
        exact(given.get(item.name, item.type.default) if isinstance(item, Request) else rows[item.view][item.feature])
        for item in definition.features
    ]


def check_alone(reader: Reader, service: Any, ids: list[Any], at: Any, why: Any) -> None:
    """A service of one kind of entity."""
    for _ in range(2):
        matrix = outcome(lambda: service.get_many(ids, at=at))
        rows = outcome(lambda: [service.get(entity, at=at) for entity in ids])
        if isinstance(matrix, type):
            assert matrix is rows is UnknownName, (why, matrix, rows)
            continue
        assert_same(matrix, rows, service.features, why)
        for entity, row in zip(ids, rows):
            values = expected(reader, row.definition, {"driver": entity}, {}, at)
            assert [exact(value) for value in row.values()] == values, (why, entity)


def check_pairs(work: Workload, reader: Reader, service: Any, at: Any, why: Any) -> None:
    """A service of two kinds of entity, with request inputs."""
    drivers = work.asked()
    zones = [work.rng.choice(work.ids) for _ in drivers]
    request = {"why": [work.rng.choice(["x", 1, None]) for _ in drivers], "km": [work.rng.random() for _ in drivers]}
    ids = [{"driver": driver, "zone": zone} for driver, zone in zip(drivers, zones)]
    given = [dict(zip(request, cells)) for cells in zip(*request.values())]
    for _ in range(2):
        matrix = outcome(lambda: service.get_many({"driver": drivers, "zone": zones}, request=request, at=at))
        rows = outcome(lambda: [service.get(one, request=cells, at=at) for one, cells in zip(ids, given)])
        if isinstance(matrix, type):
            assert matrix is rows is UnknownName, (why, matrix, rows)
            continue
        assert_same(matrix, rows, service.features, why)
        for one, cells, row in zip(ids, given, rows):
            assert [exact(value) for value in row.values()] == expected(reader, row.definition, one, cells, at), why


def check_everything(work: Workload, reader: Reader, services: dict[str, Any], at: Any, why: Any) -> None:
    check_views(work, reader, at, why)
    for name in ("wide", "numbers"):
        check_alone(reader, services[name], work.asked(), at, (why, name))
    check_pairs(work, reader, services["pairs"], at, (why, "pairs"))


@pytest.mark.parametrize("ids", [TEXTS, MIXED], ids=["texts", "mixed"])
@pytest.mark.parametrize(("seed", "served_bytes"), [(0, None), (1, None), (2, None), (3, 2_500), (4, 0)])
def test_batches_equal_single_reads(seed: int, served_bytes: int | None, ids: list[Any]) -> None:
    work = Workload(seed, ids, served_bytes)
    first = work.db.head
    for step in range(STEPS):
        work.step()
        why = f"seed {seed}, step {step}, offset {work.db.head}"
        check_everything(work, work.db, work.services, None, why)
        if step % 6 == 0:
            at = work.clock() / 1e6 + work.rng.choice([-30, -5, 0, 9])
            check_everything(work, work.db, work.services, at, f"{why}, at {at - START}")
            past = work.db.as_of(work.rng.randrange(first, work.db.head + 1))
            services = {name: past.service(name) for name in work.services}
            check_everything(work, past, services, None, f"{why}, as of {past.as_of_offset}")
            check_everything(work, past, services, at, f"{why}, as of {past.as_of_offset}, at {at - START}")
    assert any(gather.held.rows for gather in work.db.state._gathers.values()) is (served_bytes != 0)
    work.db.check()
