"""Services: features of one or several kinds of entity and request inputs, read at one offset and clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.vectordb.world import FULL, START, World, when
from vectordb import (
    Float,
    Int,
    InvalidEntity,
    InvalidInput,
    Request,
    Service,
    Status,
    Text,
    UnknownName,
    Vector,
    VectorDB,
)
from vectordb.transforms import Clip


@pytest.fixture
def ranker(world: World) -> Service:
    world.put("d", **FULL)
    return world.db.create_service("ranker", features=["drivers:city", Request("km", Float()), "drivers:trips"])


def test_a_name_that_a_row_does_not_have_is_refused_with_those_it_has(world: World) -> None:
    world.put("d", **FULL)
    service = world.db.create_service("ranker", features=["drivers:trips"])
    scaled = world.db.create_service("scaled", features=["drivers:trips"], pipeline=Clip(0.0, 9.0))
    scaled.fit()
    view = world.db.view("drivers")
    answers: list[Mapping[str, Any]] = [view.get("d"), service.get("d"), scaled.get("d"), view.statistics()]
    for answer in answers:
        with pytest.raises(UnknownName) as refused:
            answer["colour"]
        assert "trips" in refused.value.values["known"]
        assert answer.get("colour") is None and "colour" not in answer
    with pytest.raises(UnknownName):
        service.get("d").status_of("colour")  # type: ignore[union-attr]


@pytest.fixture
def pairs() -> VectorDB:
    db = World().db
    users = db.create_view("users", entity="user", features={"age": Int(), "score": Float()})
    users.put("u", {"age": 30, "score": 0.5})
    items = db.create_view("items", entity="item", features={"price": Float(), "score": Float()})
    items.put(7, {"price": 2.0, "score": 1.5})
    db.create_service("pairs", features=["users:age", "items:price", "users:score", "items:score"])
    return db


def test_a_row_is_in_the_order_of_the_service(ranker: Service) -> None:
    row = ranker.get("d", request={"km": 3})
    assert list(row.items()) == [("city", "Rome"), ("km", 3.0), ("trips", 1)]
    assert ranker.features == ("city", "km", "trips") and ranker.entity_kinds == ("driver",)
    assert len(row) == 3 and row["km"] == 3.0 and dict(row) == {"city": "Rome", "km": 3.0, "trips": 1}


def test_a_row_carries_what_it_was_read_from(world: World, ranker: Service) -> None:
    row = ranker.get("d", request={"km": 3})
    assert (row.service, row.as_of, row.at, row.entity, row.found) == ("ranker@1", 3, when(0), "d", True)
    assert row.versions == {"city": "drivers/d@2", "km": None, "trips": "drivers/d@2"}
    assert set(row.status.values()) == {Status.PRESENT}
    assert ranker.get("nobody", request={"km": 1}).found is False


def test_request_inputs_are_checked(ranker: Service) -> None:
    for request in ({}, {"km": "3"}, {"km": True}, {"km": float("nan")}, {"km": 1, "kn": 2}):
        with pytest.raises(InvalidInput):
            ranker.get("d", request=request)
    with pytest.raises(InvalidInput):
        ranker.get("d")


def test_a_request_input_may_be_null_or_have_a_default(world: World) -> None:
    features = ["drivers:trips", Request("km", Float(default=2)), Request("note", Text())]
    service = world.db.create_service("s", features=features)
    row = service.get("d", request={"note": None})
    assert (row["km"], row["note"]) == (2.0, None)
    assert row.status == {"trips": Status.MISSING, "km": Status.PRESENT, "note": Status.NULL}


def test_a_request_input_may_be_a_vector(world: World) -> None:
    service = world.db.create_service("s", features=["drivers:trips", Request("q", Vector(2))])
    assert service.get("d", request={"q": [1, 2]})["q"].tolist() == [1.0, 2.0]
    with pytest.raises(InvalidInput):
        service.get("d", request={"q": [1, 2, 3]})


def test_several_kinds_of_entity_are_asked_by_kind(pairs: VectorDB) -> None:
    service = pairs.service("pairs")
    row = service.get({"user": "u", "item": 7})
    assert service.entity_kinds == ("user", "item")
    assert dict(row) == {"age": 30, "price": 2.0, "users:score": 0.5, "items:score": 1.5}
    assert row.entity == ("u", 7) and row.entities == ("u", 7)
    assert service.get({"item": 7, "user": "u"}) == row


NOT_ONE_OF_EACH = ["u", {"user": "u"}, {"user": "u", "item": 7, "x": 1}, {"user": "u", "item": 1.5}, {}]


@pytest.mark.parametrize("asked", NOT_ONE_OF_EACH)
def test_a_read_names_one_entity_of_each_kind(pairs: VectorDB, asked: Any) -> None:
    with pytest.raises(InvalidEntity):
        pairs.service("pairs").get(asked)


def test_found_means_every_entity_is(pairs: VectorDB) -> None:
    assert pairs.service("pairs").get({"user": "u", "item": 7}).found
    assert not pairs.service("pairs").get({"user": "u", "item": 8}).found


def test_views_of_one_kind_share_the_entity(world: World) -> None:
    more = world.db.create_view("more", entity="driver", features={"age": Int(), "trips": Int()})
    world.put("d", trips=1)
    more.put("d", {"age": 40, "trips": 9})
    service = world.db.create_service("s", features=["drivers:trips", "more:age", "more:trips"])
    assert dict(service.get("d")) == {"drivers:trips": 1, "age": 40, "more:trips": 9}


def test_get_many_equals_single_gets(world: World, ranker: Service) -> None:
    world.put("e", trips=5)
    ids, km = ["e", "nobody", "d", "e"], [1, 2, 3, None]
    matrix = ranker.get_many(ids, request={"km": km})
    singles = [ranker.get(entity, request={"km": one}) for entity, one in zip(ids, km, strict=True)]
    assert [dict(row) for row in matrix] == [dict(row) for row in singles]
    assert [row.status for row in matrix] == [row.status for row in singles]
    assert [row.versions for row in matrix] == [row.versions for row in singles]
    assert {row.as_of for row in matrix} == {matrix.as_of} == {4} and matrix.label == "ranker@1"
    assert matrix.entities == ids


def test_get_many_of_several_kinds(pairs: VectorDB) -> None:
    service = pairs.service("pairs")
    matrix = service.get_many({"item": [7, 8], "user": ["u", "u"]})
    assert matrix.entities == [("u", 7), ("u", 8)] and matrix.column("price") == [2.0, None]
    for asked in ({"user": ["u"]}, {"user": ["u"], "item": [7, 8]}, ["u"], {}):
        with pytest.raises(InvalidEntity):
            service.get_many(asked)


def test_request_columns_are_as_long_as_the_rows(ranker: Service) -> None:
    with pytest.raises(InvalidInput):
        ranker.get_many(["d"], request={"km": [1, 2]})
    with pytest.raises(InvalidInput):
        ranker.get_many(["d"])
    assert ranker.get_many([], request={"km": []}).shape == (0, 3)


def test_at_and_the_past(world: World, ranker: Service) -> None:
    world.put("d", at=-10, trips=-1)
    assert ranker.get("d", request={"km": 1}, at=START - 5)["trips"] == -1
    past = world.db.as_of(3).service("ranker")
    assert past.get("d", request={"km": 1}, at=START - 5)["trips"] == 0
    assert past.get("d", request={"km": 1})["trips"] == 1


def test_the_past_keeps_the_service_of_its_time(world: World, ranker: Service) -> None:
    world.db.create_service("ranker", features=["drivers:rating"], replace=True)
    assert ranker.version == 2 and ranker.features == ("rating",), "a live service follows"
    past = world.db.as_of(3).service("ranker")
    assert past.version == 1 and past.get("d", request={"km": 1})["city"] == "Rome"
    with pytest.raises(UnknownName):
        world.db.as_of(2).service("ranker")
    with pytest.raises(UnknownName):
        world.db.service("other")


def test_services_are_listed_in_order(world: World, ranker: Service) -> None:
    world.db.create_service("another", features=["drivers:trips"])
    assert world.db.services() == ["ranker", "another"]
    assert world.db.as_of(3).services() == ["ranker"]


def test_a_matrix_is_of_one_version_of_its_service(world: World, ranker: Service, monkeypatch: Any) -> None:
    """A redefinition right after the rows were read must not lend them its name and inputs."""
    read = VectorDB.consistently

    def then_redefine(db: VectorDB, function: Any, *arguments: Any) -> Any:
        answer = read(db, function, *arguments)
        monkeypatch.setattr(VectorDB, "consistently", read)
        db.create_service("ranker", features=["drivers:rating"], replace=True)
        return answer

    monkeypatch.setattr(VectorDB, "consistently", then_redefine)
    matrix = ranker.get_many(["d"], request={"km": [3]})
    assert matrix.label == matrix[0].service == "ranker@1"
    assert matrix.names == tuple(matrix[0])
