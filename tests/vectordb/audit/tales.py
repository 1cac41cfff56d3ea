"""Random ledgers of every kind of event, for tests that compare or retell them."""

from __future__ import annotations

from random import Random
from typing import Any

from ledger import ManualClock
from vectordb import Category, Float, Int, Request, Text, Timestamp, Vector, VectorDB
from vectordb.transforms import MinMaxScaler, StandardScaler

START = 1_767_225_600
FEATURES = {
    "trips": Int(default=0),
    "rating": Float(),
    "city": Category(),
    "note": Text(),
    "seen": Timestamp(),
    "place": Vector(3, metric="euclidean"),
}
ENTITIES = ["a", "b", "c", 1, "1", ("eu", 1), "d", "e"]
OTHER = {"trips": Int(default=7), "city": Category(), "place": Vector(3, metric="euclidean"), "more": Float()}


class Tale:
    """``db`` after ``steps`` random writes; ``clock`` is the one that it was written at."""

    def __init__(self, seed: int, steps: int = 60, rich: bool = False) -> None:
        self.random = Random(seed)
        self.clock = ManualClock(START)
        self.db = VectorDB(clock=self.clock, seed=seed)
        self.db.create_view("drivers", entity="driver", features=FEATURES, ttl=300)
        self.db.create_view("riders", entity="rider", features={"age": Int(), "score": Float()})
        self.rich = rich
        if rich:
            self._define()
        for _ in range(steps):
            self.step()

    def _define(self) -> None:
        db = self.db
        self.db.view("riders").put_many({"rider": ["a", "b", "c"], "age": [1, 2, 4], "score": [0.5, 1.5, 2.5]})
        db.create_service("ages", features=["riders:age", Request("km", Float(default=1.0))])
        db.create_service("scores", features=["riders:age", "riders:score"], pipeline=StandardScaler())
        db.service("scores").fit()
        db.create_model("sum", "linear", features=["age", "score"], coefficients=[1.0, 2.0], intercept=0.5)
        db.create_experiment("look", arms={"a": 0.5, "b": 0.5}, unit="rider", metrics={"buy": "sum"})

    def step(self) -> None:
        """One random write."""
        self.clock.advance(self.random.choice([0, 1, 20, 90]))
        plain = [self.put, self.put, self.put, self.rider, self.batch, self.delete, self.transaction, self.redefine]
        rich = [self.predict, self.predict, self.expose, self.outcome, self.fit, self.derive, self.mark]
        self.random.choice(plain + rich if self.rich else plain)()

    def values(self, names: Any) -> dict[str, Any]:
        """Some values of some features."""
        random = self.random
        drawn = {
            "trips": random.choice([None, random.randrange(4)]),
            "rating": random.choice([0.0, -0.0, 1.5]),
            "city": random.choice(["Rome", "Oslo", 3]),
            "note": random.choice(["", "x" * 9, "ü"]),
            "seen": START + random.randrange(3),
            "place": [float(random.randrange(3)) for _ in range(3)],
            "more": random.choice([1.0, 2.0]),
        }
        known = [name for name in drawn if name in names]
        return {name: drawn[name] for name in random.sample(known, random.randrange(1, len(known) + 1))}

    def when(self) -> Any:
        """An event time: mostly now, also late and ahead."""
        now = (self.clock() // 1_000_000) + self.random.choice([-400, -100, -1, 50, 200])
        return self.random.choice([None, None, None, now])

    def put(self) -> None:
        view = self.db.view("drivers")
        view.put(self.random.choice(ENTITIES), self.values(view.features), event_time=self.when())

    def rider(self) -> None:
        values = {"age": self.random.randrange(3), "score": self.random.choice([0.5, 1.0, 1.5])}
        self.db.view("riders").put(self.random.choice(["a", "b", "c"]), values, actor="etl", tags=["t"])

    def batch(self) -> None:
        view = self.db.view("drivers")
        rows = [{"driver": entity, **self.values(view.features)} for entity in self.random.sample(ENTITIES, 3)]
        view.put_many(rows, event_time=self.when())

    def delete(self) -> None:
        self.db.view("drivers").delete(self.random.choice(ENTITIES), event_time=self.when())

    def transaction(self) -> None:
        with self.db.transaction(correlation="run") as tx:
            tx.view("drivers").put("a", self.values(self.db.view("drivers").features))
            tx.view("riders").put("c", {"age": self.random.randrange(9)})
            tx.view("drivers").delete(self.random.choice(ENTITIES))

    def redefine(self) -> None:
        if self.random.random() < 0.4:
            features = self.random.choice([FEATURES, OTHER])
            ttl = self.random.choice([None, 100, 300])
            self.db.create_view("drivers", entity="driver", features=features, ttl=ttl, replace=True)

    def predict(self) -> None:
        entity = self.random.choice(["a", "b", "c"])
        if self.random.random() < 0.5:
            row = self.db.service("ages").get(entity, request={"km": self.random.choice([1.0, 2.0])})
            self.db.record_prediction(row, model="human", output={"said": self.random.randrange(3)})
        else:
            self.db.record_prediction(self.db.service("scores").get(entity), model="sum")

    def expose(self) -> None:
        self.db.experiment("look").expose(f"u-{self.random.randrange(20)}")

    def outcome(self) -> None:
        value = self.random.choice([1.0, 2.5])
        self.db.experiment("look").record(f"u-{self.random.randrange(20)}", "buy", value)

    def fit(self) -> None:
        if self.random.random() < 0.3:
            self.db.service("scores").fit()

    def derive(self) -> None:
        versions = self.db.view("riders").history(self.random.choice(["a", "b", "c"]))
        if versions:
            self.db.view("drivers").put("e", {"trips": 1}, derived_from=[versions[-1].id], transformation="t@1")

    def mark(self) -> None:
        self.db.mark(f"m-{self.db.head}")

    def swapped(self) -> MinMaxScaler:
        """Another pipeline of the service ``scores``."""
        return MinMaxScaler()
