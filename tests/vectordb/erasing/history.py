"""Histories to erase from: random ones of every shape of write, and one rich in secrets."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from ledger import ManualClock
from vectordb import Category, Float, Int, Request, Text, Vector, VectorDB
from vectordb.testing import state_of
from vectordb.transforms import StandardScaler

START = "2026-01-01T00:00:00Z"
ENTITIES: list[Any] = ["a", "b", 7, ("eu", 1), "é", "longer-name"]
SECRETS: list[Any] = [
    "Ada Lovelace of Marylebone",
    "Quixotic-Lane",
    "subject-4711-x",
    987654321987,
    0.7318264591827364,
    [0.123456789, 0.987654321, 0.555444333],
]
NAME, CITY, SUBJECT, NUMBER, RATE, FACE = SECRETS


def opened(path: Path | None, **options: Any) -> VectorDB:
    """A database in memory, or of a file."""
    clock = options.pop("clock", None) or ManualClock(START)
    if path is None:
        return VectorDB(clock=clock, seed=1, **options)
    return VectorDB.open(path, clock=clock, seed=1, **options)


def random_history(db: VectorDB, random: Random, events: int = 40) -> VectorDB:
    """Puts, batches, deletes, transactions of two views; whole and partial, late and dated ahead."""
    clock: Any = db.state.clock
    for view in ("one", "two"):
        features = {"n": Int(default=1), "x": Float(), "c": Category(), "t": Text(), "v": Vector(2, metric="euclidean")}
        db.create_view(view, entity="thing", features=features, ttl=50)
    db.create_service("both", features=["one:n", "two:x", Request("r", Float())])
    for _ in range(events):
        clock.advance(random.choice([0, 1, 1, 7]))
        _write(db, random)
    return db


def _write(db: VectorDB, random: Random) -> None:
    view = db.view(random.choice(["one", "one", "two"]))
    chance, when = random.random(), _when(db, random)
    if chance < 0.35:
        view.put(random.choice(ENTITIES), _values(random), event_time=when)
    elif chance < 0.6:
        rows = [{"thing": entity, **_values(random)} for entity in random.sample(ENTITIES, random.randint(1, 5))]
        view.put_many(rows, event_time=when)
    elif chance < 0.7:
        view.delete(random.choice(ENTITIES), event_time=when)
    elif chance < 0.8:
        with db.transaction() as tx:
            for name in random.sample(["one", "two"], random.randint(1, 2)):
                for entity in random.sample(ENTITIES, 2):
                    tx.view(name).put(entity, _values(random))
    elif chance < 0.9:
        row = db.service("both").get({"thing": random.choice(ENTITIES)}, request={"r": random.random()})
        db.record_prediction(row, model="m", output=random.random())
    else:
        rows = db.service("both").get_many({"thing": random.sample(ENTITIES, 3)}, request={"r": [0.5, 1.5, 2.5]})
        db.record_predictions(rows, model="m", outputs=[0, 1, 2])


def _when(db: VectorDB, random: Random) -> Any:
    """An event time: now, late, or ahead."""
    now = db.clock() / 1e6
    return random.choice([None, None, None, now - random.randint(1, 90), now + random.randint(1, 30)])


def _values(random: Random) -> dict[str, Any]:
    full = {
        "n": random.randint(0, 99),
        "x": random.choice([None, random.random()]),
        "c": random.choice(["red", "blue", f"rare-{random.randint(0, 999)}"]),
        "t": f"text {random.randint(0, 99)}",
        "v": [random.random(), random.random()],
    }
    if random.random() < 0.5:
        return full
    return {name: full[name] for name in random.sample(list(full), random.randint(1, 4))}


def shown(db: VectorDB, without: tuple[str, list[Any]] | None = None, first: int = 0) -> list[Any]:
    """What pasts and the present show, some entities of a view aside."""
    told = []
    for reader in (*(db.as_of(offset) for offset in range(first, db.head + 1)), db):
        state = state_of(reader)
        if without is not None and without[0] in state["views"]:
            view = state["views"][without[0]]
            for entity in without[1]:
                view["rows"].pop(repr(entity), None)
            view.pop("found")
        told.append(state)
    return told


def secretive(db: VectorDB) -> VectorDB:
    """A subject whose secrets stand in every kind of event that can hold one; another one beside it."""
    clock: Any = db.state.clock
    features = {"name": Text(), "city": Category(), "number": Int(), "rate": Float(), "face": Vector(3)}
    people = db.create_view("people", entity="person", features=features)
    db.create_view("visits", entity="person", features={"rate": Float(default=0.0)})
    whole = {"name": NAME, "city": CITY, "number": NUMBER, "rate": RATE, "face": FACE}
    other = {"name": "Charles", "city": "London", "number": 5, "rate": 0.25, "face": [1.0, 2.0, 3.0]}
    first = people.put(SUBJECT, whole, actor=f"form of {SUBJECT}", tags=["signup"])
    for number in range(12):
        clock.advance(1)
        people.put(f"p{number}", {**other, "number": number, "face": [number, 1.0, 2.0]})
    people.put_many([{"person": "p1", **other}, {"person": SUBJECT, **whole}, {"person": "p2", **other}],
                    idempotency_key=f"nightly {SUBJECT}")  # fmt: skip
    bad = [{"person": "p3", **other}, {"person": SUBJECT, **whole, "number": NAME}]
    people.put_many(bad, on_error="reject")
    db.view("visits").put("p1", {"rate": 0.5}, derived_from=first.versions, transformation="tally")
    people.delete("p5")
    with db.transaction(correlation="job 7") as tx:
        tx.view("people").put("p4", other)
        tx.view("people").put(SUBJECT, {"rate": RATE})
    people.put(SUBJECT, {"number": NUMBER}, event_time=clock() / 1e6 + 500)
    db.create_service("scored", features=["people:rate", "people:city", Request("km", Float())])
    db.create_service("scaled", features=["people:rate"], pipeline=StandardScaler()).fit()
    rows = db.service("scored").get_many({"person": ["p1", SUBJECT]}, request={"km": [1.0, RATE]})
    db.record_predictions(rows, model="m", outputs=[1.0, {"said": NAME}])
    db.record_prediction(db.service("scaled").get(SUBJECT), model="m", output=RATE, actor=SUBJECT)
    trial = db.create_experiment("trial", arms={"a": 0.5, "b": 0.5}, unit="person", metrics={"spent": "sum"},
                                 forced={SUBJECT: "a"})  # fmt: skip
    trial.expose_many([SUBJECT, "p1", "p2"])
    trial.record(SUBJECT, "spent", RATE)
    trial.record_many({"person": ["p1", SUBJECT], "metric": ["spent", "spent"], "value": [1.0, RATE]})
    people.get(SUBJECT), people.get_many([SUBJECT, "p1"]), db.service("scored").get_many(
        {"person": ["p1", SUBJECT]}, request={"km": [1.0, 2.0]}
    )
    people.search("face", FACE, k=3)
    return db
