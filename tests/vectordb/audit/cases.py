"""Databases with predictions of every kind, for bundles and kits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ledger import ManualClock
from tests.contracts.saga import START, tell
from tests.replay.fixtures import EVENTS, V1, folders
from vectordb import Category, Float, Int, Request, Text, Timestamp, Vector, VectorDB
from vectordb.transforms import Pipeline, SimpleImputer, StandardScaler

__all__ = ["START", "STORIES", "lineage", "replayed", "small", "tell", "wide"]

STORIES = [name for name in folders(V1) if b"predictions_recorded@1" in (V1 / name / EVENTS).read_bytes()]


def replayed(name: str) -> VectorDB:
    """The ledger of a story, at the wall clock."""
    return VectorDB.replay(V1 / name / EVENTS)


def small(path: Path | None = None) -> tuple[VectorDB, str]:
    """A view, unrelated writes, a service, a prediction by a model that is data, and more writes."""
    clock = ManualClock(START)
    options: dict[str, Any] = {"clock": clock, "seed": 7}
    db = VectorDB(**options) if path is None else VectorDB.open(path, **options)
    view = db.create_view("drivers", entity="driver", features={"trips": Int(default=0), "rating": Float()})
    for number in range(9):
        view.put(f"d-{number}", {"trips": number, "rating": number / 7})
        clock.advance(1)
    service = db.create_service("ranker", features=["drivers:trips", "drivers:rating", Request("km", Float())])
    db.create_model("risk", "linear", features=["trips", "km"], coefficients=[0.1, 0.7])
    prediction = db.record_prediction(service.get("d-7", request={"km": 3.1}), model="risk")
    view.put("d-7", {"trips": 99, "rating": 1.0})
    view.put("d-8", {"trips": 98})
    return db, prediction.id


DRIVERS: dict[str, Any] = {"trips": Int(default=0), "city": Category(), "s": Float()}


def lineage() -> tuple[VectorDB, str]:
    """A merged row of partial writes, a delete that hides an old value, derived rows, a prediction behind a row."""
    clock = ManualClock(START)
    db = VectorDB(clock=clock, seed=8)
    raw = db.create_view("raw", entity="driver", features={"seen": Int(), "note": Text()})
    db.create_view("unused", entity="driver", features={"x": Int()})
    view = db.create_view("drivers", entity="driver", features=DRIVERS)
    source = raw.put("d", {"seen": 5, "note": "é"})
    old = view.put("d", {"trips": 1, "city": "Rome", "s": 1.0}, derived_from=source.versions)
    clock.advance(1)
    view.delete("d")
    clock.advance(1)
    service = db.create_service("first", features=["raw:seen"])
    first = db.record_prediction(service.get("d"), model="outside", output={"score": 0.5})
    view.put("e", {"trips": 3})
    view.put("d", {"s": first.output["score"]}, derived_from=[first.id, *old.versions], transformation="score@1")
    view.put("d", {"trips": 4})
    db.mark("unrelated")
    last = db.create_service("last", features=["drivers:trips", "drivers:city", "drivers:s"])
    db.create_view("drivers", entity="driver", replace=True,
                   features={**DRIVERS, "new": Int()})  # fmt: skip
    batch = db.record_predictions(last.get_many(["d", "e", "nobody"]), model="outside", outputs=[1, 2, 3])
    return db, batch[0].id


def wide() -> tuple[VectorDB, list[str]]:
    """Batches packed in columns, a transaction, a pipeline fitted twice, an experiment, another kind of entity."""
    clock = ManualClock(START)
    db = VectorDB(clock=clock, seed=9)
    features = {"f": Float(), "i": Int(), "c": Category(), "t": Text(), "at": Timestamp(), "v": Vector(2)}
    view = db.create_view("users", entity="user", features=features)
    items = db.create_view("items", entity="item", features={"price": Float()})
    ids = [f"u{number}" for number in range(40)]
    columns: dict[str, Any] = {"f": [n / 3 if n % 5 else None for n in range(40)], "i": list(range(40))}
    columns |= {"t": ["ü"] * 40, "c": [f"c{n % 3}" for n in range(40)], "at": [START + n for n in range(40)]}
    view.put_many({"user": ids, **columns, "v": [[n, 1] for n in range(40)]})
    for number in range(20):
        items.put(number, {"price": 1.5 * number})
    with db.transaction() as tx:
        tx.view("users").put("u1", {"f": 0.1})
        tx.view("items").put(3, {"price": 9.25})
    split = db.create_experiment("ranking", arms={"a": 0.5, "b": 0.5}, unit="user", metrics={"bought": "any"})
    seen = split.expose_many(ids[:5])
    pipeline = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    numbers = db.create_service("numbers", features=["users:f", "users:i"], pipeline=pipeline)
    numbers.fit()
    view.put("u9", {"i": 1000})
    numbers.fit()
    everything = db.create_service("all", features=[*(f"users:{name}" for name in features), "items:price"])
    pair = everything.get({"user": "u1", "item": 3})
    plain = db.record_prediction(pair, model="m@1", output="yes", assignment=seen[1])
    through = db.record_prediction(numbers.get("u1"), model="m@1", output=[1.5])
    absent = db.record_prediction(everything.get({"user": "u5", "item": 777}), model="m@1", output=False)
    return db, [plain.id, through.id, absent.id]
