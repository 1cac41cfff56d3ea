"""A log in which everything happens, for the contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ledger import ManualClock
from vectordb import MISSING, Bool, Category, Float, Int, Text, Timestamp, Vector, VectorDB

START = 1_767_225_600
KINDS: dict[str, Any] = {
    "i": Int(default=0), "f": Float(), "b": Bool(), "c": Category(), "t": Text(), "s": Timestamp(),
    "v": Vector(2, metric="dot"),
}  # fmt: skip
FULL: dict[str, Any] = {"i": 1, "f": -0.0, "b": True, "c": "Rome", "t": "é", "s": START, "v": [1, 2]}
ENTITIES: list[Any] = ["d", 7, "7", ("eu", 7), "late", "ahead", "gone", "x0", "x19", "nobody"]


def tell(path: Path | None = None, projections: Any = ()) -> VectorDB:
    """About thirty events: every type of fact, late and ahead, deletes, batches, redefinitions, lineage."""
    clock = ManualClock(START)
    options: dict[str, Any] = {"clock": clock, "seed": 4, "projections": projections}
    db = VectorDB(**options) if path is None else VectorDB.open(path, **options)
    view = db.create_view("things", entity="thing", features=KINDS, ttl=500, tags=["a"])
    for entity in ENTITIES[:4]:
        view.put(entity, FULL)
        clock.advance(1)
    view.put("d", {"i": 2, "c": None}, derived_from="things/d@2", transformation="t@1", actor="etl")
    view.put("late", {"f": 1.5}, event_time=START - 50)
    view.put("late", {**FULL, "c": 5}, event_time=START - 100)
    view.put("ahead", FULL, event_time=START + 1000)
    view.put("gone", FULL, idempotency_key="k")
    view.delete("gone", tags=["x"])
    view.put("gone", {"b": False})
    view.delete("gone", event_time=START + 1)
    clock.advance(1)
    columns = {"thing": [f"x{n}" for n in range(20)], "i": list(range(20)), "c": ["Oslo", None] * 10}
    view.put_many({**columns, "t": ["a", MISSING] * 10, "v": [[n, 1] for n in range(20)]}, derived_from=["things/7@3"])
    batch = view.put_many({"thing": ["d", 7, "d"], "b": [True, None, False], "i": [7, "bad", 8]}, on_error="reject")
    other = db.create_view("other", entity="other", features={"x": Int(), "y": Text()})
    tx: Any
    with db.transaction(correlation="run", idempotency_key="tx") as tx:
        tx.view("other").put("o", {"x": 1, "y": "z"})
        tx.view("things").delete("x3")
        tx.view("things").put_many({"thing": ["x3", "x4"], "c": ["Bern", 1]}, event_time=[START, START + 9])
    service = db.create_service("s", features=["things:i", "things:c", "things:v"])
    db.create_model("m", "linear", features=["i"], coefficients=[0.1])
    db.record_prediction(service.get("d"), model="m")
    db.record_predictions(service.get_many(["x1", "nobody"]), model="e@1", outputs=[{"a": 1}, None])
    metrics = {"seen": "count", "paid": "sum"}
    split = db.create_experiment("split", arms={"a": 0.5, "b": 0.5}, unit="thing", metrics=metrics)
    split.expose_many([f"x{n}" for n in range(12)], event_time=START)
    split.record_many({"thing": [f"x{n}" for n in range(9)], "value": [n / 7 for n in range(9)]}, metric="paid")
    split.ramp(0.5)
    split.record("x3", "seen", 1, event_time=START - 50)
    db.mark("release")
    fewer = {name: kind for name, kind in KINDS.items() if name != "c"}
    db.create_view("things", entity="thing", features={**fewer, "new": Int(default=3)}, replace=True)
    clock.advance(1)
    view.put("d", {"new": 5, "i": 9})
    view.put(7, {name: value for name, value in {**FULL, "new": 1}.items() if name != "c"})
    db.create_view("things", entity="thing", features={**KINDS, "new": Int()}, ttl=900, replace=True)
    view.put("d", {**FULL, "new": 6}, derived_from=[*batch.versions, *tx.receipt.versions[:1]])
    other.put("o", {"x": 2}, event_time=START - 1)
    return db
