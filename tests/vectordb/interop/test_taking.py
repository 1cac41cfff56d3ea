"""What callers may hand in: array interfaces, buffers, and tables of Arrow where columns are asked for."""

from __future__ import annotations

import struct
from array import array
from typing import Any

import pytest

from ledger import CannotExchange
from tests.vectordb.interop.foreign import Foreign, ints
from tests.vectordb.interop.stories import make, twin
from vectordb import Float, InvalidInput, Vector, VectorDB
from vectordb.interop import (
    Table,
    address_of,
    given_column,
    is_table,
)
from vectordb.interop.c_data.column import numbers, texts


class Numbers:
    """What has an array interface and nothing else."""

    def __init__(self, raw: bytes, shape: Any, typestr: str, **more: Any) -> None:
        self.raw = raw
        data = (address_of(raw), True)
        self.__array_interface__ = {"version": 3, "shape": shape, "typestr": typestr, "data": data, **more}


def test_array_interfaces_are_columns_and_vectors() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Float(), "p": Vector(2, metric="euclidean")})
    vectors = Numbers(struct.pack("<4f", 1, 2, 3, 4), (2, 2), "<f4")
    view.put_many({"e": ["a", "b"], "x": Numbers(struct.pack("<2d", 0.5, 1.5), (2,), "<f8"), "p": vectors})
    assert view.get("a")["x"] == 0.5 and view.get("b")["p"].tolist() == [3, 4]
    assert view.search("p", Numbers(struct.pack("<2e", 3, 4), (2,), "<f2"), k=1).entities == ["b"]
    block = view.get_many(["b", "a"]).vectors("p")
    assert [hits.entities for hits in view.search_many("p", block, k=1)] == [["b"], ["a"]]
    assert [hits.entities for hits in view.search_many("p", memoryview(block.raw).cast("f", (2, 2)), k=1)] == [
        ["b"],
        ["a"],
    ]
    receipt = view.put_many({"e": ["c", ""], "p": block}, on_error="reject")
    assert len(receipt.versions) == 1 and view.get("c")["p"].tolist() == [3, 4]
    assert view.load({"e": ["x", "y"], "p": block}, chunk_rows=1).rows == 2 and view.get("y")["p"].tolist() == [1, 2]
    assert given_column(Numbers(b"", (0, 2), "<f4")).tolist() == []
    for wrong in (
        {"shape": (), "typestr": "<f8"},
        {"shape": (1, 1, 1), "typestr": "<f8"},
        {"shape": (-1,), "typestr": "<f8"},
        {"shape": (1.0,), "typestr": "<f8"},
        {"shape": 3, "typestr": "<f8"},
        {"shape": (2,), "typestr": "<U4"},
        {"shape": (2,), "typestr": "<V2"},
        {"shape": (2,), "typestr": ""},
        {"shape": (1,), "typestr": "<f8", "strides": (16,)},
        {"shape": (1, 2), "typestr": "<f4", "strides": (4, 4)},
        {"shape": (2,), "typestr": "<f8", "strides": (-8,)},
        {"shape": (1,), "typestr": "<f8", "mask": [0]},
        {"shape": (1,), "typestr": "<f8", "data": None},
        {"shape": (1,), "typestr": "<f8", "data": (-1, True)},
        {"shape": (1,), "typestr": "<f8", "data": ("0", True)},
    ):
        with pytest.raises(CannotExchange, match="array interface"):
            given_column(Numbers(bytes(16), **wrong))
    for bomb in ({"shape": (1,), "data": (0, True)}, {"shape": (2**40, 2**40)}):  # no address; more than there can be
        with pytest.raises(CannotExchange, match="memory has an address"):
            given_column(Numbers(bytes(16), **{"typestr": "<f8", **bomb}))


def test_array_interfaces_of_either_byte_order() -> None:
    assert given_column(Numbers(struct.pack(">2d", 0.5, -2), (2,), ">f8")).tolist() == [0.5, -2]
    assert given_column(Numbers(struct.pack(">4e", 1, 2, 3, 4), (2, 2), ">f2")).tolist() == [[1, 2], [3, 4]]
    assert given_column(Numbers(struct.pack(">2q", -1, 9), (1, 2), ">i8", strides=(16, 8))).tolist() == [[-1, 9]]
    assert given_column(Numbers(bytes([1, 0]), (2,), "|b1")).tolist() == [True, False]
    assert given_column(Numbers(b"", (0,), ">f8")).tolist() == []


def test_a_spine_and_event_times_come_in_as_arrow() -> None:
    db, view = make()
    service = db.create_service("s", features=["drivers:trips"])
    when = db.event(2).recorded_time
    spine = {"driver": ["d-1", "d-4"], "time": [when, when], "label": [1, 0]}
    expected = service.training_set(spine)
    table = Table(
        {"driver": texts(["d-1", "d-4"]), "time": expected.table().column("time"), "label": numbers("l", "q", [1, 0])}
    )
    found = service.training_set(table)
    assert found.to_rows() == expected.to_rows() and found.times == expected.times
    assert list(found.extra["label"]) == [1, 0]
    copy = twin(db)
    times = Foreign("tsu:UTC", None, ints(0, 1, code="q"), rows=2)
    copy.put_many({"driver": ["a", "b"], "trips": [1, 2]}, event_time=times)
    assert [copy.get(one).event_time.microsecond for one in "ab"] == [0, 1]
    copy.load(view.table(["d-1", "d-2"], ["trips"]), chunk_rows=1, event_time=times)
    assert copy.get("d-2").event_time.microsecond == 1


def test_a_spine_of_request_inputs_may_hold_arrays() -> None:
    from vectordb import Request

    db, _ = make()
    service = db.create_service("s", features=["drivers:trips", Request("km", Float())])
    when = db.event(2).recorded_time
    given = service.training_set({"driver": ["d-1"], "time": [when], "km": array("d", [2.5])})
    assert given.column("km") == [2.5]


def test_wrong_columns_are_refused_as_ever() -> None:
    db, view = make()
    copy = twin(db)
    with pytest.raises(InvalidInput, match="kind of entity"):
        copy.put_many(Table({"trips": numbers("l", "q", [1])}))
    with pytest.raises(InvalidInput, match="feature of the view"):
        copy.put_many(Table({"driver": texts(["a"]), "speed": numbers("l", "q", [1])}))
    assert copy.entities() == [] and copy.load(view.table([])).rows == 0
    assert not is_table([]) and not is_table({}) and not is_table("x") and is_table(view)
