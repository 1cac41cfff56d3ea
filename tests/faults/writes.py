"""Every public write, each told again and again; ``number`` makes its arguments new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ledger import Files, ManualClock
from tests.faults.faulty_files import opened
from tests.ledger.storage.samples import SEED, START, fill
from vectordb import Int, VectorDB


def world(path: Path, files: Files, **options: Any) -> VectorDB:
    """A ledger with an event of every type of fact, whose files are faulty."""
    clock = ManualClock(START)
    return fill(opened(path, files, clock=clock, seed=SEED, **options), clock)


def write_transaction(db: VectorDB, number: int) -> None:
    """Two writes in one event."""
    with db.transaction(actor="job") as tx:
        tx.view("users").put(f"t{number}", {"age": number})
        tx.view("users").delete("u2")


def record_set(db: VectorDB, number: int) -> Any:
    """A training set under a new name."""
    moments = {"user": ["u1"], "time": [40], "km": [1.0], "label": [0]}
    return db.record_training_set(f"set{number}", db.service("ranker").training_set(moments))


Write = Callable[[VectorDB, int], Any]
WRITES: dict[str, Write] = {
    "put": lambda db, n: db.view("users").put(f"n{n}", {"age": n}),
    "put with a key": lambda db, n: db.view("users").put("u1", {"age": n}, idempotency_key=f"key {n}"),
    "put_many": lambda db, n: db.view("users").put_many({"user": ["u1", f"m{n}"], "age": [n, 2]}),
    "load": lambda db, n: db.view("users").load({"user": ["u1", f"l{n}"], "age": [n, 2]}, chunk_rows=2),
    "delete": lambda db, n: db.view("users").delete("u2"),
    "transaction": write_transaction,
    "create_view": lambda db, n: db.create_view(f"view{n}", entity="user", features={"m": Int()}),
    "replace view": lambda db, n: db.create_view("more", entity="user", features={f"m{n}": Int()}, replace=True),
    "create_service": lambda db, n: db.create_service(f"service{n}", features=["users:rate"]),
    "create_model": lambda db, n: db.create_model(f"m{n}", "linear", features=["rate"], coefficients=[1.0]),
    "fit": lambda db, n: db.service("scaled").fit(),
    "record_prediction": lambda db, n: db.record_prediction(
        db.service("ranker").get("u1", request={"km": n / 2}), model="risk"
    ),
    "record_predictions": lambda db, n: db.record_predictions(
        [db.service("ranker").get(entity, request={"km": n / 2}) for entity in ("u1", "u1")], model="risk"
    ),
    "record_training_set": record_set,
    "create_experiment": lambda db, n: db.create_experiment(f"trial{n}", arms={"a": 0.5, "b": 0.5}, unit="user"),
    "expose": lambda db, n: db.experiment("trial").expose(f"unit{n}"),
    "expose_many": lambda db, n: db.experiment("trial").expose_many([f"unit{n}a", f"unit{n}b"]),
    "record": lambda db, n: db.experiment("trial").record("u1", "spent", n / 2),
    "record_many": lambda db, n: db.experiment("trial").record_many({"user": ["u1"], "metric": "spent", "value": [n]}),
    "ramp": lambda db, n: db.experiment("trial").ramp(1 / (n + 1)),
    "force": lambda db, n: db.experiment("trial").force(f"forced{n}", "a"),
    "mark": lambda db, n: db.mark(f"mark {n}"),
}
