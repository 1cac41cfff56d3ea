"""A batch is what single reads give, value by value, whatever was written and wherever the clock went."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.vectordb.world import START
from vectordb import (
    Bool,
    Category,
    FeatureMatrix,
    Float,
    Int,
    ManualClock,
    Request,
    Row,
    Text,
    Timestamp,
    Vector,
    VectorDB,
)

NUMBERS = {"i": Int(default=3), "f": Float(), "b": Bool()}
OTHERS = {"c": Category(default="none"), "t": Text(), "s": Timestamp(), "v": Vector(2)}
ENTITIES = ["x", "y", 7, ("eu", 1), "z"]
ASKED = ["x", "nobody", "y", 7, "x", ("eu", 1), "z", 99, ("eu", 2)]


class Changing:
    """A database that is written, aged and redefined at random, and its readers."""

    def __init__(self, seed: int, served_bytes: int | None = None) -> None:
        self.random = random.Random(seed)
        self.clock = ManualClock(START)
        self.db = VectorDB(clock=self.clock, auto_index=False)
        if served_bytes is not None:
            self.db.state.served_bytes = served_bytes
        self.plain = self.db.create_view("plain", entity="e", features=NUMBERS)
        self.aging = self.db.create_view("aging", entity="e", ttl=20, features={**NUMBERS, **OTHERS})
        self.items = self.db.create_view("items", entity="item", ttl=9, features={"price": Float(), "kind": Category()})
        self.numeric = self.db.create_service("numeric", features=["aging:f", "plain:i", "aging:b", "plain:f"])
        self.one = self.db.create_service("one", features=["aging:b", "aging:f"])
        self.mixed = self.db.create_service(
            "mixed",
            features=["aging:c", Request("km", Float(default=0.5)), "items:price", "plain:i", "items:kind",
                      Request("mode", Category(default="walk")), "aging:v"],
        )  # fmt: skip
        self.wide = False

    def values(self, kinds: dict[str, Any]) -> dict[str, Any]:
        rng = self.random
        drawn: dict[str, Any] = {
            "i": rng.randrange(-9, 9),
            "f": rng.random(),
            "b": rng.random() < 0.5,
            "c": rng.choice("pqr"),
            "t": f"text {rng.randrange(99)} é",
            "s": START + rng.randrange(99),
            "v": [rng.random(), 1.0],
            "price": rng.random(),
            "kind": rng.choice(["a", 5]),
            "extra": rng.random(),
        }
        row = {name: drawn[name] if rng.random() < 0.9 else None for name in kinds}
        return row if rng.random() < 0.5 else dict(rng.sample(list(row.items()), rng.randint(1, len(row))))

    def step(self) -> None:
        rng = self.random
        view = rng.choice([self.plain, self.aging, self.aging, self.items])
        kinds = dict(view.definition.features)
        late = rng.choice([0, 0, 0, 0, 5, 30, -4])
        event_time = None if not late else START + (self.clock() - START * 1_000_000) / 1_000_000 - late
        what = rng.random()
        if what < 0.55:
            view.put(rng.choice(ENTITIES), self.values(kinds), event_time=event_time)
        elif what < 0.7:
            rows = [{view.definition.entity: entity, **self.values(kinds)} for entity in rng.sample(ENTITIES, 3)]
            view.put_many(rows, event_time=event_time)
        elif what < 0.8:
            view.delete(rng.choice(ENTITIES), event_time=event_time)
        elif what < 0.83:
            self.wide = not self.wide
            added = {"extra": Float(default=1.5)} if self.wide else {}
            self.db.create_view("aging", entity="e", ttl=20, features={**NUMBERS, **OTHERS, **added}, replace=True)
        else:
            self.clock.advance(rng.choice([0.5, 3, 12, 25]))
        if rng.random() < 0.06:
            self.clock.set(START + max(0, rng.randrange(40)))  # back: never before the last write


def expected(view: Any, ids: list[Any], **options: Any) -> list[Row]:
    return [view.get(entity, **options) for entity in ids]


def same(matrix: FeatureMatrix, rows: list[Any]) -> None:
    """Values, statuses, versions and found, each the same and of the same type."""
    columns = matrix.to_columns()
    for name in matrix.names:
        for place, row in enumerate(rows):
            value, other = columns[name][place], row[name]
            assert type(value) is type(other) and value == other, (name, place, value, other, matrix)
    assert matrix.status == [{name: row.status_of(name) for name in matrix.names} for row in rows]
    assert matrix.versions == [{name: row.versions[name] for name in matrix.names} for row in rows]
    assert matrix.found == [row.found for row in rows]
    for place, name in enumerate(matrix.numeric):
        numbers = matrix.numbers.column(place)
        values = [row[name] for row in rows]
        assert all((number != number) == (value is None) for number, value in zip(numbers, values)), name


def check_views(world: Changing) -> None:
    for view in (world.plain, world.aging):
        for _ in range(2):  # the second time rows may be held
            matrix = view.get_many(ASKED)
            same(matrix, expected(view, ASKED))
            assert (matrix.as_of, matrix.label) == (world.db.head, view.definition.label)
        part = ["f", "i"]
        assert view.get_many(ASKED, features=part).to_rows() == [
            tuple(row[name] for name in part) for row in expected(view, ASKED)
        ]


def check_services(world: Changing) -> None:
    for service in (world.numeric, world.one):
        for ids in (ASKED, ["x", "y", "z"], ["x", "y", "z"], ["y"], []):
            matrix = service.get_many(list(ids))
            same(matrix, [service.get(entity) for entity in ids])
        for entity in ASKED:
            row, own = service.get(entity), world.aging.get(entity)
            assert dict(row) == row.to_dict() == dict(zip(row, row.vector()))
            assert row["f" if "f" in row else "aging:f"] == own["f"] and row["b"] == own["b"]
    users, items = ASKED, list(reversed(ASKED))
    request = {"km": [float(place) if place % 3 else None for place in range(len(users))]}
    matrix = world.mixed.get_many({"e": users, "item": items}, request=request)
    singles = [
        world.mixed.get({"e": user, "item": item}, request={"km": km})
        for user, item, km in zip(users, items, request["km"])
    ]
    same(matrix, singles)


@pytest.mark.parametrize("seed", range(12))
def test_batches_are_single_reads(seed: int) -> None:
    world = Changing(seed, served_bytes=[None, 0, 2_000][seed % 3])
    for step in range(90):
        world.step()
        check_views(world)
        if step % 3 == 0:
            check_services(world)
    for gather in world.db.state._gathers.values():
        gather.held.check()


@pytest.mark.parametrize("seed", range(4))
def test_batches_of_the_past_and_valid_at_a_time(seed: int) -> None:
    world = Changing(seed)
    for _ in range(80):
        world.step()
    for offset in world.random.sample(range(8, world.db.head + 1), 12):
        past = world.db.as_of(offset)
        for name in ("plain", "aging"):
            same(past.view(name).get_many(ASKED), expected(past.view(name), ASKED))
        for service in (past.service("numeric"), past.service("one")):
            same(service.get_many(ASKED), [service.get(entity) for entity in ASKED])
    for at in (START + 2, START + 15, START + 60, START + 500):
        same(world.aging.get_many(ASKED, at=at), expected(world.aging, ASKED, at=at))
        same(world.numeric.get_many(ASKED, at=at), [world.numeric.get(entity, at=at) for entity in ASKED])


def test_a_matrix_does_not_change_with_what_is_written_later() -> None:
    world = Changing(1)
    world.plain.put("x", {"i": 1, "f": 0.5, "b": True})
    matrix = world.plain.get_many(["x", "y"])
    world.plain.put("x", {"i": 2})
    world.plain.put("y", {"i": 5})
    world.clock.advance(9)
    assert matrix.column("i") == [1, 3] and matrix.found == [True, False]
    assert [row["i"] for row in matrix] == [1, 3] and matrix[0].as_of == matrix.as_of == 7


def test_values_leave_with_their_time_to_live_and_come_back_with_the_clock() -> None:
    clock = ManualClock(START)
    db = VectorDB(clock=clock)
    view = db.create_view("v", entity="e", ttl=10, features={"a": Float(default=-1.0)})
    service = db.create_service("s", features=["v:a"])
    view.put_many({"e": ["x", "y"], "a": [1.0, 2.0]})

    def read() -> list[float]:
        values = service.get_many(["x", "y"]).column("a")
        assert values == [service.get(entity)["a"] for entity in ("x", "y")]
        return values

    assert read() == read() == [1.0, 2.0]
    clock.advance(10)
    assert read() == [1.0, 2.0], "both ends of the window count"
    clock.advance(0.000001)
    assert read() == read() == [-1.0, -1.0]
    clock.set(START + 10)
    assert read() == [1.0, 2.0]
    view.put("x", {"a": 5.0}, event_time=START + 12)
    assert read() == [1.0, 2.0], "dated ahead"
    clock.set(START + 12)
    assert read() == read() == [5.0, -1.0]
    clock.set(START + 11)
    assert read() == [-1.0, -1.0]
