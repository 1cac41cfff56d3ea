"""Batch and quick reads of services: never stale, in the order asked, and refused like single ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.vectordb.world import START, World, when
from vectordb import (
    Category,
    Float,
    Int,
    InvalidEntity,
    InvalidInput,
    Request,
    Service,
    Status,
    UnknownName,
    Vector,
    VectorDB,
)

LEFT = {"x": Int(default=0), "y": Float()}
RIGHT = {"z": Int(), "kind": Category()}
NUMBERS = ["right:z", "left:x", "left:y"]


@pytest.fixture
def world() -> World:
    world = World()
    left = world.db.create_view("left", entity="e", ttl=10, features=LEFT)
    right = world.db.create_view("right", entity="e", features=RIGHT)
    for place, entity in enumerate("ab"):
        left.put(entity, {"x": place, "y": place / 2})
        right.put(entity, {"z": 10 + place, "kind": entity})
    return world


@pytest.fixture
def service(world: World) -> Service:
    """A service whose quick ways are both taken: read twice already."""
    service = world.db.create_service("s", features=NUMBERS)
    for _ in range(2):
        service.get("a"), service.get_many(["a", "b"])
    assert service._quick("a") is not None and service._quick_many(["a", "b"]) is not None
    return service


def both(service: Service) -> list[tuple[Any, ...]]:
    """What single and batch reads give for a and b: the same."""
    rows = [service.get(entity) for entity in "ab"]
    matrix = service.get_many(["a", "b"])
    assert matrix.to_rows() == [tuple(row.values()) for row in rows] == [tuple(row.vector()) for row in rows]
    assert matrix.status == [row.status for row in rows] and matrix.versions == [row.versions for row in rows]
    assert {(row.as_of, row.at, row.service) for row in rows} == {(matrix.as_of, matrix.at, matrix.label)}
    return matrix.to_rows()


WRITES: dict[str, tuple[Callable[[VectorDB], Any], tuple[Any, ...]]] = {
    "put": (lambda db: db.view("left").put("a", {"x": 7, "y": 7.5}), (10, 7, 7.5)),
    "partial": (lambda db: db.view("right").put("a", {"z": -1}), (-1, 0, 0.0)),
    "null": (lambda db: db.view("left").put("a", {"x": None}), (10, None, 0.0)),
    "late": (lambda db: db.view("left").put("a", {"x": 7}, event_time=START - 1), (10, 0, 0.0)),
    "ahead": (lambda db: db.view("left").put("a", {"x": 7}, event_time=START + 1), (10, 0, 0.0)),
    "many": (lambda db: db.view("left").put_many({"e": ["a"], "x": [7], "y": [7.5]}), (10, 7, 7.5)),
    "delete": (lambda db: db.view("left").delete("a"), (10, 0, None)),
    "second view deleted": (lambda db: db.view("right").delete("a"), (None, 0, 0.0)),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_is_seen_at_once(world: World, service: Service, write: str) -> None:
    change, expected = WRITES[write]
    change(world.db)
    for _ in range(3):
        assert both(service) == [expected, (11, 1, 0.5)]


def test_a_transaction_is_seen_at_once(world: World, service: Service) -> None:
    with world.db.transaction() as tx:
        tx.view("left").put("a", {"x": 5})
        tx.view("right").delete("b")
    assert both(service) == [(10, 5, 0.0), (None, 1, 0.5)]


def test_time_to_live_and_a_clock_that_steps_back(world: World, service: Service) -> None:
    for seconds, expected in ((10, (10, 0, 0.0)), (10.000001, (10, 0, None)), (3, (10, 0, 0.0)), (-9, (10, 0, 0.0))):
        world.clock.set(START + seconds)
        assert [both(service)[0] for _ in range(2)] == [expected] * 2
    assert service.get("a").at == when(0), "a clock before the last write is that of the write"


def test_a_write_ahead_is_seen_when_its_time_comes(world: World, service: Service) -> None:
    world.db.view("right").put("b", {"z": 99}, event_time=START + 5)
    for seconds, z in ((0, 11), (4.9, 11), (5, 99), (5, 99), (2, 11)):
        world.clock.set(START + seconds)
        assert both(service)[1][0] == z


def test_a_redefined_view_is_seen_at_once(world: World, service: Service) -> None:
    world.clock.set(START + 5)
    world.db.create_view("left", entity="e", ttl=2, features=LEFT, replace=True)
    assert both(service) == [(10, 0, None), (11, 0, None)]
    assert service.get("a").status["y"] is Status.EXPIRED


def test_a_removed_feature_is_refused_at_once(world: World, service: Service) -> None:
    world.db.create_view("left", entity="e", features={"x": Int(default=0)}, replace=True)
    for read in (lambda: service.get("a"), lambda: service.get_many(["a", "b"])):
        for _ in range(2):
            with pytest.raises(UnknownName):
                read()


def test_a_redefined_service_is_seen_at_once(world: World, service: Service) -> None:
    world.db.create_service("s", features=["left:y", "right:kind"], replace=True)
    assert both(service) == [(0.0, "a"), (0.5, "b")]
    assert service.get_many(["a", "b"]).label == "s@2"


@pytest.mark.parametrize("way", ["quick", "quick_many"])
def test_a_quick_way_is_never_of_an_older_definition(world: World, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """The view loses a feature between the look at its definition and the making of the quick way."""
    db = world.db
    service = db.create_service("s", features=NUMBERS)
    for _ in range(2):
        db.view("left").get_many(["a", "b"])
    make, turns = getattr(type(db), way), iter([{"x": Int(default=0)}])

    def late(self: VectorDB, plan: Any, revision: int) -> Any:
        for features in turns:
            self.create_view("left", entity="e", ttl=10, features=features, replace=True)
        return make(self, plan, revision)

    monkeypatch.setattr(type(db), way, late)
    read = (lambda: service.get("a")) if way == "quick" else (lambda: service.get_many(["a", "b"]))
    for _ in range(3):
        with pytest.raises(UnknownName):
            read()


def test_ids_changed_after_a_read_change_nothing(world: World, service: Service) -> None:
    ids = ["a", "b"]
    matrix = service.get_many(ids)
    ids[0] = "b"
    assert matrix.entities == ["a", "b"] and matrix[0].entity == "a" and matrix.found == [True, True]


def test_a_matrix_keeps_what_it_read(world: World, service: Service) -> None:
    matrix, row = service.get_many(["a", "b"]), service.get("a")
    offset, versions, values = matrix.as_of, service.get("a").versions, matrix.to_rows()
    world.db.view("left").put("a", {"x": 70, "y": 7.0})
    world.clock.set(START + 50)
    assert matrix.to_rows() == values and tuple(row.values()) == values[0]
    assert matrix[0]["x"] == 0 and matrix.versions[0] == versions and {one.as_of for one in matrix} == {offset}


@pytest.mark.parametrize("bad", [True, 1.0, None, "", "\ud800", b"a", ["a"], {"e": "a"}])
def test_what_is_no_id_is_refused_by_the_quick_way_too(world: World, service: Service, bad: Any) -> None:
    world.db.view("left").put_many({"e": [0, 1], "x": [1, 2], "y": [0.5, 0.5]})
    for _ in range(2):
        service.get_many([0, 1])
    for ids in ([bad, "a"], ["a", bad], [0, bad]):
        with pytest.raises(InvalidEntity):
            service.get_many(ids)
    if not isinstance(bad, dict):
        with pytest.raises(InvalidEntity):
            service.get(bad)


# -- two kinds of entity, and the request ----------------------------------------------------------------


@pytest.fixture
def pairs() -> Service:
    db = World().db
    users = db.create_view("users", entity="user", features={"age": Int(), "v": Vector(2)})
    items = db.create_view("items", entity="item", ttl=5, features={"price": Float(default=-1.0), "kind": Category()})
    users.put_many({"user": ["u", 7], "age": [30, None], "v": [[1, 2], None]})
    items.put_many({"item": [7, ("x", 1)], "price": [2.5, 0.5], "kind": ["k", 5]})
    inputs = [Request("km", Float()), Request("n", Int(default=4)), Request("why", Category(default="w"))]
    return db.create_service("pairs", features=["items:kind", inputs[1], "items:price", "users:age", *inputs[::2]])


IDS = {"item": [7, ("x", 1), "none"], "user": ["u", 7, 7]}


def test_numbers_of_all_parts_are_woven_in_the_models_order(pairs: Service) -> None:
    matrix = pairs.get_many(IDS, request={"km": [1, 2.5, None], "n": [1, -1, None]})
    assert matrix.numeric == ("n", "price", "age", "km") and matrix.entities == [(7, "u"), ("x", 1, 7), ("none", 7)]
    assert matrix.to_rows() == [
        ("k", 1, 2.5, 30, 1.0, "w"),
        (5, -1, 0.5, None, 2.5, "w"),
        (None, None, -1.0, None, None, "w"),
    ]
    assert matrix.found == [True, True, False]
    for place, row in enumerate(matrix):
        single = pairs.get({kind: ids[place] for kind, ids in IDS.items()}, request=dict(row.request))
        assert dict(single) == dict(row) == dict(zip(matrix.names, matrix.to_rows()[place]))
        assert (single.status, single.versions) == (row.status, row.versions)
    assert matrix[2].status["km"] is Status.NULL and matrix[1].status["age"] is Status.NULL
    assert [chunk.to_rows() for chunk in matrix.chunks(2)] == [matrix.to_rows()[:2], matrix.to_rows()[2:]]


def test_no_rows_of_two_kinds(pairs: Service) -> None:
    matrix = pairs.get_many({"user": [], "item": []}, request={"km": []})
    assert matrix.shape == (0, 6) and matrix.to_rows() == [] and list(matrix) == []


REFUSED: list[tuple[Any, Any, type[Exception]]] = [
    (["u"], {"km": [1]}, InvalidEntity),
    ({"user": ["u"]}, {"km": [1]}, InvalidEntity),
    ({"user": ["u"], "item": [7], "shop": [1]}, {"km": [1]}, InvalidEntity),
    ({"user": ["u", "u"], "item": [7]}, {"km": [1]}, InvalidEntity),
    ({"user": ["u"], "item": "7"}, {"km": [1]}, InvalidEntity),
    ({"user": ["u"], "item": [None]}, {"km": [1]}, InvalidEntity),
    ({"user": ["u"], "item": [7]}, {}, InvalidInput),
    ({"user": ["u"], "item": [7]}, {"km": [1, 2]}, InvalidInput),
    ({"user": ["u"], "item": [7]}, {"km": ["1"]}, InvalidInput),
    ({"user": ["u"], "item": [7]}, {"km": [1], "other": [1]}, InvalidInput),
]


@pytest.mark.parametrize(("ids", "request_columns", "error"), REFUSED)
def test_uneven_and_unknown_columns_are_refused(pairs: Service, ids: Any, request_columns: Any, error: Any) -> None:
    with pytest.raises(error):
        pairs.get_many(ids, request=request_columns)


def test_both_kinds_share_one_clock_and_hold_their_rows(pairs: Service) -> None:
    """A second kind of entity is read like the first: what was read before is held."""
    state = pairs._reader.state
    for _ in range(2):
        pairs.get_many(IDS, request={"km": [1, 2, 3]})
    held = [gather.held.rows.keys() for gather in state._gathers.values()]
    assert held == [{7, ("x", 1)}, {"u", 7}]


def test_progress_of_two_kinds_never_goes_back(pairs: Service) -> None:
    told: list[tuple[int, int]] = []
    pairs.get_many(IDS, request={"km": [1, 2, 3]}, progress=lambda *one: told.append(one))
    assert told == sorted(told) and len({done for done, _ in told}) == len(told) and told[-1][0] == told[-1][1]
