"""Pins in one pass, against the row that is asked for one after the other; and a recorded prediction read again."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.vectordb.serving.serving_world import START, make_world
from vectordb import Request, Text, VectorDB
from vectordb.predictions.pins import pins_of

INPUTS = ["drivers:note", "drivers:trips", "drivers:rating", "users:age", "drivers:city", "drivers:active",
          "drivers:joined", "drivers:profile"]  # fmt: skip


def all_rows(db: VectorDB) -> list[Any]:
    service = db.create_service("every", features=[*INPUTS, Request("why", Text(default="so"))])
    drivers = db.view("drivers")
    whole = {"trips": 9, "rating": -0.0, "city": "Rome", "active": False, "note": "x", "joined": START}
    whole["profile"] = [1, 2]
    drivers.put("whole", whole)
    drivers.put("expired", whole, event_time=START - 90_000)
    drivers.put("gone", whole)
    drivers.delete("gone")
    drivers.put("later", whole, event_time=START + 50)
    drivers.put("whole-2", {**whole, "note": None})
    ids = ["d-7", "d-8", "old", 7, ("eu", 7), "a/b", "whole", "whole-2", "expired", "gone", "later", "nobody"]
    rows = [service.get({"driver": one, "user": user}) for one in ids for user in ("u-1", "nobody")]
    rows += [service.get({"driver": one, "user": "u-1"}, request={"why": None}) for one in ids]
    assert len({row.states() for row in rows}) > 5
    return rows


def test_pins_are_those_of_single_questions() -> None:
    db = make_world()
    for row in all_rows(db):
        found = pins_of(row)
        assert list(found.cells) == list(row.cells()) and list(map(repr, found.cells)) == list(map(repr, row.cells()))
        assert found.sources == row.sources() and found.states == row.states()


@pytest.mark.parametrize("stored", [False, True])
def test_what_is_recorded_is_what_is_read_again(stored: bool, tmp_path: Any) -> None:
    db = make_world()
    if stored:
        db.snapshot(tmp_path / "ledger.jsonl")
        db = VectorDB.open(tmp_path / "ledger.jsonl", clock=db.state.clock)
    random = Random(5)
    outputs = [1, 0.1, "t\u00e9xt", [1, [2.5]], {"a": {"b": 1}}, 10**30, True, "\x00" * 50]
    for row in all_rows(db):
        options = {"assignment": random.choice([None, {"arm": "b"}, {"unit": ["eu", 7], "deep": {"a": [1]}}])}
        made = db.record_prediction(row, model="m@1", output=random.choice(outputs), **options)
        assert made == db.prediction(made.id) and made.row == db.prediction(made.id).row
        assert db.reproduce(made.id).inputs
    several = db.service("ranker").get_many(["d-7", 7, "nobody"], request={"km": [1.0, 2.0, None]})
    many = db.record_predictions(several, model="m@1", outputs=[1, 2, 3], idempotency_key="once")
    again = db.record_predictions(several, model="m@1", outputs=[1, 2, 3], idempotency_key="once")
    assert many == again == [db.prediction(one.id) for one in many] and len({one.id for one in many}) == 3


def test_a_size_that_is_only_estimated_refuses_nothing_that_fits_and_all_that_does_not() -> None:
    db = VectorDB(max_event_bytes=20_000)
    drivers = db.create_view("drivers", entity="driver", features={"note": Text()})
    drivers.put("d-7", {"note": "x" * 3_000})
    service = db.create_service("ranker", features=["drivers:note"])
    row, head = service.get("d-7"), db.head
    for output in ("y" * 10_000, ["y" * 10_000], {"y": "y" * 10_000}, "\x01" * 2_000):
        db.record_prediction(row, model="m@1", output=output)
    assert db.head == head + 4
    for output in ("y" * 20_000, ["y" * 20_000], "\x01" * 4_000):
        with pytest.raises(Exception, match="at most 20000 bytes"):
            db.record_prediction(row, model="m@1", output=output)
    assert db.head == head + 4
