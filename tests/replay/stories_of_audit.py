"""Stories of lineage, erasure and compaction."""

from __future__ import annotations

from tests.replay.stories import DRIVERS, HOUR, STORIES, Told, begin, day, story
from vectordb import Category, Float, Int, Text, Vector
from vectordb.transforms import StandardScaler

__all__ = ["STORIES"]  # with those of the other file


@story
def lineage() -> Told:
    """Values derived from values, a pipeline fitted, a training set recorded, a prediction that came by all of them."""
    db, clock = begin(17)
    raw = db.create_view("raw", entity="sensor", features={"volts": Float()})
    clean = db.create_view("clean", entity="sensor", features={"mean": Float(), "top": Float()})
    first = raw.put_many({"sensor": ["s-1", "s-2"], "volts": [1.5, 2.5]})
    clock.advance(HOUR)
    second = raw.put("s-1", {"volts": 3.0})
    parts = [first.versions[0], *second.versions]
    mean = clean.put("s-1", {"mean": 2.25}, derived_from=parts, transformation="mean@1")
    clean.put("s-1", {"top": 3.0}, derived_from=second.versions, transformation="top@1")
    clean.put("s-2", {"mean": 2.5, "top": 2.5}, derived_from=first.versions[1], transformation="mean@1")
    clock.advance(HOUR)
    service = db.create_service("states", features=["clean:mean", "clean:top"], pipeline=StandardScaler())
    service.fit()
    clock.advance(HOUR)
    training = service.training_set({"sensor": ["s-1", "s-2"], "time": [db.at, db.at]})
    db.record_training_set("week_1", training, model="alarm")
    clock.advance(HOUR)
    prediction = db.record_prediction(service.get("s-1"), model="alarm@1", output=0.75)
    raw.put("s-2", {"volts": 0.5}, derived_from=[prediction.id, *mean.versions], transformation="corrected@1")
    return Told(db, (6, 8, 9))


@story
def erasure() -> Told:
    """A person leaves the ledger twice over: alone, and out of batches, predictions and an experiment."""
    db, clock = begin(18)
    features = {"name": Text(), "age": Int(), "city": Category(), "face": Vector(3)}
    people = db.create_view("people", entity="person", features=features)
    visits = db.create_view("visits", entity="visit", features={"age": Int()})
    whole = {"name": "Ada", "age": 36, "city": "London", "face": [1.0, 2.0, 3.0]}
    first = people.put("ada", whole, actor="form of ada")
    clock.advance(HOUR)
    faces = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]
    rows = {"person": ["bob", "ada", "eve", ""], "age": [40, 37, "old", 1], "face": faces}
    people.put_many(rows, on_error="reject", idempotency_key="nightly")
    visits.put("v-1", {"age": 36}, derived_from=first.versions, transformation="copied")
    with db.transaction() as tx:
        tx.view("people").put("bob", {"city": "Rome"})
        tx.view("people").put("ada", {"city": "Paris"})
    service = db.create_service("ages", features=["people:age"], pipeline=StandardScaler())
    service.fit()
    clock.advance(HOUR)
    db.record_predictions(service.get_many(["ada", "bob"]), model="m", outputs=[1, 2])
    db.record_prediction(service.get("ada"), model="m", output=3)
    arms, metrics = {"a": 0.5, "b": 0.5}, {"paid": "sum"}
    trial = db.create_experiment("trial", arms=arms, unit="person", metrics=metrics, forced={"ada": "a"})
    trial.expose_many(["ada", "bob"])
    trial.record_many({"person": ["ada", "bob"], "metric": ["paid", "paid"], "value": [2.5, 0.5]})
    clock.advance(HOUR)
    erased = db.erase("people", "ada", reason="request 4711").offset
    people.put("eve", {"age": 50, "city": "London"})
    people.delete("bob")
    clock.advance(HOUR)
    db.erase("people", ["eve", "bob"], reason="request 4712", actor="dpo")
    people.put("ada", {"age": 20})
    return Told(db, (4, 6, erased - 1, erased, erased + 2))


@story
def compaction() -> Told:
    """Replaced rows are let go; what a delete hides, what is dated ahead and what was predicted stays."""
    db, clock = begin(19)
    drivers = db.create_view("drivers", entity="driver", features=DRIVERS)
    for number in range(4):
        clock.set(day(number))
        drivers.put("d-7", {"trips": number, "rating": 4.0 + number / 8, "city": "Rome"})
        drivers.put_many({"driver": ["d-8", "d-9"], "trips": [number, 10 * number]})
    drivers.put("d-8", {"rating": 3.5}, event_time=day(1))
    drivers.put("d-9", {"trips": 99}, event_time=day(9))
    drivers.delete("d-7", event_time=day(2))
    service = db.create_service("drives", features=["drivers:trips", "drivers:rating"])
    db.record_prediction(service.get("d-7"), model="m", output=1.5)
    clock.set(day(4))
    drivers.put("d-7", {"trips": 40})
    below = db.head
    clock.set(day(5))
    drivers.put("d-8", {"trips": 41})
    db.compact(below=below)
    drivers.put("d-9", {"rating": 5.0}, event_time=day(1))
    db.erase("drivers", "d-8", reason="asked")
    return Told(db, (below, below + 1, below + 2))
