"""Masks of one segment against plain evaluation, for every type, operator and awkward operand."""

from __future__ import annotations

import math
from typing import Any

import pytest

import projections.vectors.filters as filters
from projections import Feature, Filter, parse_where
from tests.projections.vectors.world import matches, shrink
from vectordb import Bool, Category, Float, Int, Text, Timestamp, Vector, VectorDB

KINDS: dict[str, Any] = {
    "n": Int(), "m": Int(default=3), "x": Float(), "c": Category(), "b": Bool(), "t": Timestamp(), "s": Text(),
}  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "n": [None, -(2**53), -3, -1, 0, 1, 2, 2**53],
    "x": [None, -1e308, -2.5, -5e-324, -0.0, 0.0, 5e-324, 0.1, 1.0, 1e308],
    "c": [None, "Rome", "Oslo", 7, -7, "", "7"],
    "b": [None, True, False],
    "s": [None, "a", "b"],
}
NUMBERS = [-math.inf, -(2**53), -3.5, -3, -0.0, 0, 0.5, 1, 1.0, 2, 2**53, 2.0**60, 10**30, math.inf]


@pytest.fixture(scope="module")
def made() -> Any:
    """A view of sixty rows, its index, and the row that a read shows for each lane."""
    patch = pytest.MonkeyPatch()
    shrink(patch)
    db = VectorDB(auto_index=False, seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric="euclidean"), **KINDS})
    for entity in range(60):
        row = {name: values[entity % len(values)] for name, values in VALUES.items() if (entity + len(name)) % 7}
        view.put(entity, {"v": [entity, 0], **row})
    view.index("v").build()
    patch.undo()
    return db, view


def mask_of(made: Any, where: dict[str, Any]) -> set[Any]:
    """The entities that the masks let through."""
    db, view = made
    field = db.state.vectors.fields["v"][0]
    plan = view._plan()
    kinds = dict(zip(plan.names, plan.layout.types))
    seen = {name: Feature(plan.slot(name).place, kind, kind.default) for name, kind in kinds.items()}
    mask = Filter(field, db.state.rows, seen, parse_where(where, kinds, "v@1"), None, None)
    assert mask.narrows
    found = set()
    for segment in field.index.segments:
        bits = mask.of(segment)
        assert 0 <= bits < 1 << max(1, segment.sealed.size)
        found |= {
            db.state.log.entity(field.lanes.ref(segment.ids[p])) for p in range(segment.sealed.size) if bits >> p & 1
        }
    return found


def check(made: Any, where: dict[str, Any], exact: bool = True) -> None:
    truth = {entity for entity in range(60) if matches(made[1].get(entity), where)}
    found = mask_of(made, where)
    assert truth <= found, where
    if exact:
        assert found == truth, where


@pytest.mark.parametrize("op", ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"])
@pytest.mark.parametrize("name", ["n", "x", "m"])
@pytest.mark.parametrize("negate", [False, True])
def test_numbers(made: Any, name: str, op: str, negate: bool) -> None:
    for operand in NUMBERS + [value for value in VALUES.get(name, []) if value is not None]:
        if isinstance(operand, float) and math.isinf(operand) and op in ("$eq", "$ne"):
            continue
        if name == "x" and isinstance(operand, int) and abs(operand) > 2**1000:
            continue
        leaf = {name: {op: operand}}
        check(made, {"$not": leaf} if negate else leaf)


@pytest.mark.parametrize("negate", [False, True])
@pytest.mark.parametrize(
    "leaf",
    [
        {"n": None}, {"n": {"$ne": None}}, {"m": 3}, {"m": {"$ne": 3}}, {"n": {"$in": [1, None, -3.0]}},
        {"n": {"$in": []}},
        {"n": {"$nin": [0.5, 1]}}, {"n": {"$exists": True}}, {"n": {"$exists": False}}, {"c": "Rome"},
        {"c": 7}, {"c": "7"},
        {"c": {"$ne": "Rome"}}, {"c": {"$in": ["Oslo", 7, "nowhere"]}}, {"c": {"$nin": ["Oslo", None]}},
        {"c": {"$gt": "O"}},
        {"c": {"$lt": 0}}, {"c": None}, {"c": "nowhere"}, {"b": True}, {"b": {"$ne": False}}, {"b": None}, {"t": None},
        {"$and": [{"n": {"$gt": 0}}, {"x": {"$lt": 1}}]}, {"$or": [{"n": 1}, {"$not": {"c": "Rome"}}]},
    ],
    ids=str,
)  # fmt: skip
def test_the_rest(made: Any, leaf: dict[str, Any], negate: bool) -> None:
    check(made, {"$not": leaf} if negate else leaf)


@pytest.mark.parametrize("leaf", [{"s": "a"}, {"s": {"$ne": "a"}}, {"v": {"$exists": True}}], ids=str)
def test_what_has_no_column_lets_all_through(made: Any, leaf: dict[str, Any]) -> None:
    check_all = mask_of(made, leaf)
    assert check_all == set(range(60))


@pytest.mark.parametrize("many", [5, 2_000])
def test_lists_of_values_are_no_loss(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """More values than are worth a mask: all lanes pass, and the rows decide."""
    shrink(monkeypatch, few=10**9)
    monkeypatch.setattr(filters, "MANY", many)
    db = VectorDB(auto_index=False, seed=1)
    kinds = {"v": Vector(2, metric="euclidean"), "c": Category(), "n": Int()}
    view = db.create_view("v", entity="e", features=kinds)
    view.put_many(
        {"e": list(range(90)), "v": [[entity, 0] for entity in range(90)], "c": [f"c{e % 45}" for e in range(90)],
         "n": [entity % 50 if entity % 7 else None for entity in range(90)]}
    )  # fmt: skip
    view.index("v").build()
    for where in (
        {"c": {"$gt": "c2"}},
        {"c": {"$in": [f"c{n}" for n in range(40)]}},
        {"c": {"$nin": [f"c{n}" for n in range(20)]}},
        {"n": {"$in": [*range(0, 40, 3), None, 0.5]}},
        {"n": {"$nin": [*range(0, 40, 3), None]}},
        {"$not": {"n": {"$in": list(range(8, 30))}}},
    ):
        truth = [entity for entity in range(90) if matches(view.get(entity), where)]
        assert view.search("v", [0, 0], 90, where=where).entities == truth


def test_columns_follow_a_segment_that_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch, few=10**9)
    db = VectorDB(auto_index=False, seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric="euclidean"), "n": Int()})
    view.put_many(
        {"e": list(range(30)), "v": [[entity, 0] for entity in range(30)], "n": [entity % 3 for entity in range(30)]}
    )
    view.index("v").build()
    for entity in range(30, 60):
        view.put(entity, {"v": [entity, 0], "n": entity % 3})
        assert view.search("v", [0, 0], 99, where={"n": 1}).entities == list(range(1, entity + 1, 3))
