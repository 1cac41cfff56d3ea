"""Ledgers in which much is derived, fitted, joined and predicted; drawn at random."""

from __future__ import annotations

from random import Random
from typing import Any

from ledger import ManualClock
from vectordb import Category, Float, Int, Request, VectorDB
from vectordb.transforms import StandardScaler

START = 1_767_225_600
DRIVERS, RIDERS = [f"d{n}" for n in range(5)], [1, "1", ("eu", 2)]


class World:
    """A database, and every version and prediction id that it gave out."""

    def __init__(self, seed: int, steps: int = 40, path: Any = None) -> None:
        self.random = Random(seed)
        self.clock = ManualClock(START)
        options: dict[str, Any] = {"clock": self.clock, "seed": seed}
        self.db = VectorDB(**options) if path is None else VectorDB.open(path, **options)
        self.ids: list[str] = []
        self.names = 0
        self._define()
        for _ in range(steps):
            self.step()

    def _define(self) -> None:
        db = self.db
        types = {"trips": Int(default=0), "rating": Float(), "city": Category()}
        db.create_view("drivers", entity="driver", features=types, ttl=300)
        db.create_view("riders", entity="rider", features={"age": Int(), "score": Float()})
        self.put()
        db.create_service("ranker", features=["drivers:trips", "drivers:rating"], pipeline=StandardScaler())
        db.create_service("pairs", features=["drivers:rating", "riders:age", Request("km", Float())])
        db.create_model("risk", "linear", features=["trips", "rating"], coefficients=[1.0, 2.0], intercept=0.0)
        metrics = {"paid": {"aggregate": "sum", "covariate": "drivers:rating"}}
        where = {"$or": [{"trips": {"$gte": 1}}, {"city": "Rome"}]}
        db.create_experiment("trial", arms={"a": 0.5, "b": 0.5}, unit="driver", view="drivers", where=where,
                             metrics=metrics)  # fmt: skip

    def step(self) -> None:
        """Write something."""
        self.clock.advance(self.random.choice([0, 1, 30]))
        acts = [self.put, self.put, self.put_many, self.transaction, self.delete, self.fit, self.predict, self.predict,
                self.predict_pair, self.train, self.redefine]  # fmt: skip
        self.random.choice(acts)()

    def origin(self) -> dict[str, Any]:
        if not self.ids or self.random.random() < 0.3:
            return {}
        chosen = self.random.choices(self.ids, k=self.random.randint(1, 3))
        name = self.random.choice([None, "sum@1", 'odd "name"\\'])
        return {"derived_from": chosen, "transformation": name}

    def values(self) -> dict[str, Any]:
        full = {"trips": self.random.randrange(9), "rating": self.random.random() + 1, "city": "Rome"}
        few = {name: value for name, value in full.items() if self.random.random() < 0.8}
        return few or full

    def when(self) -> Any:
        return self.random.choice([None, None, START - 50, START + 20])

    def put(self) -> None:
        driver = self.random.choice(DRIVERS)
        receipt = self.db.view("drivers").put(driver, self.values(), event_time=self.when(), **self.origin())
        self.ids += receipt.versions

    def put_many(self) -> None:
        riders = self.random.choices(RIDERS, k=self.random.randint(1, 3))
        columns = {"rider": riders, "age": [self.random.randrange(90) for _ in riders]}
        self.ids += self.db.view("riders").put_many(columns, **self.origin()).versions

    def transaction(self) -> None:
        with self.db.transaction() as tx:
            tx.view("drivers").put(self.random.choice(DRIVERS), self.values())
            tx.view("riders").put(self.random.choice(RIDERS), {"score": 0.5})
        self.ids += tx.receipt.versions

    def delete(self) -> None:
        self.ids += self.db.view("drivers").delete(self.random.choice(DRIVERS)).versions

    def spine(self, service: str) -> dict[str, Any]:
        count = self.random.randint(2, 4)
        spine: dict[str, Any] = {
            "driver": self.random.choices(DRIVERS, k=count),
            "time": [START + self.random.randrange(-60, 400) for _ in range(count)],
            "label": [0] * count,
        }
        if service == "pairs":
            spine |= {"rider": self.random.choices(RIDERS, k=count), "km": [1.0] * count}
        return spine

    def fit(self) -> None:
        service = self.db.service("ranker")
        if len(self.db.view("drivers")):
            service.fit(spine=self.spine("ranker") if self.random.random() < 0.3 else None)

    def train(self) -> None:
        name = self.random.choice(["ranker", "pairs"])
        training = self.db.service(name).training_set(self.spine(name))
        self.names += 1
        self.db.record_training_set(f"set{self.names}", training, model=self.random.choice([None, "risk", "gbm"]))

    def predict(self) -> None:
        drivers = self.random.choices(DRIVERS, k=self.random.randint(1, 3))
        service = self.db.service("ranker")
        if not self.db.state.catalog.pipelines.versions("ranker"):
            return
        arm = self.db.experiment("trial").assign(drivers[0]) if self.random.random() < 0.5 else {"arm": "x"}
        if len(drivers) == 1:
            found = [self.db.record_prediction(service.get(drivers[0]), model="gbm", output=1, assignment=arm)]
        else:
            matrix, outputs = service.get_many(drivers), [1] * len(drivers)
            found = self.db.record_predictions(matrix, model="risk", outputs=outputs)
        self.ids += [one.id for one in found]

    def predict_pair(self) -> None:
        ids = {"driver": self.random.choice(DRIVERS), "rider": self.random.choice(RIDERS)}
        row = self.db.service("pairs").get(ids, request={"km": 2.0})
        self.ids.append(self.db.record_prediction(row, model="gbm", output=0).id)

    def redefine(self) -> None:
        choice = self.random.randrange(3)
        if choice == 0:
            self.db.experiment("trial").ramp(self.random.random())
        elif choice == 1:
            coefficients = [self.random.random(), 2.0]
            self.db.create_model("risk", "linear", features=["trips", "rating"], coefficients=coefficients,
                                 intercept=0.0, replace=True)  # fmt: skip
        else:
            new = {"trips": Int(default=0), "rating": Float(), "city": Category(), f"f{self.names}": Int()}
            self.db.create_view("drivers", entity="driver", features=new, ttl=300, replace=True)
