"""A story as plain data: each step can be left out, changed or inserted, and the whole told from the start again."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from ledger import ManualClock
from vectordb import Category, Float, Int, Request, Text, Vector, VectorDB
from vectordb.testing import state_of
from vectordb.transforms import StandardScaler

START = 1_767_225_600
DRIVERS = {
    "trips": Int(default=0),
    "rating": Float(),
    "city": Category(),
    "note": Text(),
    "place": Vector(2, metric="cosine"),
}
RIDERS = {"age": Int(), "score": Float()}
ENTITIES = ["a", "b", "c", "d"]


class Step(NamedTuple):
    """``wait`` seconds, then do it."""

    wait: int
    kind: str
    given: Any = None


def opening(pipeline: Any = None) -> list[Step]:
    """Definitions and first rows."""
    return [
        Step(0, "view", ("drivers", "driver", DRIVERS)),
        Step(0, "view", ("riders", "rider", RIDERS)),
        Step(0, "rows", ("riders", [("a", {"age": 1, "score": 0.5}), ("b", {"age": 3, "score": 1.5})])),
        Step(0, "service", ("ages", ["riders:age", Request("km", Float(default=1.0))], None)),
        Step(0, "service", ("scores", ["riders:age", "riders:score"], pipeline or StandardScaler())),
        Step(0, "fit", "scores"),
        Step(0, "model", ("sum", ["age", "score"], [1.0, 2.0])),
        Step(0, "experiment", "look"),
    ]


def random_steps(random: Random, count: int) -> list[Step]:
    """Writes, predictions, fits, exposures and outcomes."""
    steps = []
    for number in range(count):
        kind = random.choice(["put", "put", "rider", "rider", "rows", "both", "delete", "predict", "serve", "fit",
                              "expose", "outcome", "mark", "model"])  # fmt: skip
        entity = random.choice(ENTITIES)
        given: Any = {
            "put": ("drivers", entity, driver_values(random), random.choice([None, None, START - 5, START + 99])),
            "rider": ("riders", random.choice("ab"), {"age": random.randrange(5), "score": random.random()}, None),
            "rows": ("drivers", [(one, driver_values(random)) for one in random.sample(ENTITIES, 2)]),
            "both": (entity, driver_values(random), random.randrange(9)),
            "delete": entity,
            "predict": ("scores", random.choice("ab"), None),
            "serve": ("ages", random.choice("ab"), float(random.randrange(3))),
            "fit": "scores",
            "expose": f"u-{number}",
            "outcome": (f"u-{random.randrange(count)}", float(random.randrange(4))),
            "mark": f"m-{number}",
            "model": ("sum", ["age", "score"], [float(number), 1.0]),
        }[kind]
        steps.append(Step(random.choice([0, 1, 50]), kind, given))
    return steps


def driver_values(random: Random) -> dict[str, Any]:
    """Some features of a driver."""
    drawn = {
        "trips": random.choice([None, 1, 2]),
        "rating": random.choice([-0.0, 2.5]),
        "city": random.choice(["Rome", "Oslo"]),
        "note": random.choice(["", "längst"]),
        "place": [1.0, random.random()],
    }
    return {name: drawn[name] for name in random.sample(list(drawn), random.randrange(1, 6))}


class Told:
    """The database of a story, and the offset of each of its steps."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.clock = ManualClock(START)
        self.db = VectorDB(clock=self.clock, seed=1)
        self.offsets: list[int] = []
        for step in steps:
            self.clock.advance(step.wait)
            head = self.db.head
            do(self.db, step)
            self.offsets.append(self.db.head if self.db.head > head else 0)


def do(db: VectorDB, step: Step) -> None:
    """Do a step."""
    given = step.given
    if step.kind == "view":
        db.create_view(given[0], entity=given[1], features=given[2])
    elif step.kind == "service":
        db.create_service(given[0], features=given[1], pipeline=given[2])
    elif step.kind == "model":
        db.create_model(given[0], "linear", features=given[1], coefficients=given[2], intercept=0.25, replace=True)
    elif step.kind == "experiment":
        db.create_experiment(given, arms={"x": 0.5, "y": 0.5}, unit="user", metrics={"buy": "sum"})
    elif step.kind in ("put", "rider"):
        db.view(given[0]).put(given[1], given[2], event_time=given[3], actor="etl", tags=["t"])
    elif step.kind == "rows":
        view = db.view(given[0])
        view.put_many([{view.definition.entity: entity, **values} for entity, values in given[1]])
    else:
        do_more(db, step.kind, given)


def do_more(db: VectorDB, kind: str, given: Any) -> None:
    """The rest of the steps."""
    if kind == "both":
        with db.transaction(correlation="run") as tx:
            tx.view("drivers").put(given[0], given[1])
            tx.view("riders").put("a", {"age": given[2]})
            tx.view("drivers").delete("d")
    elif kind == "delete":
        db.view("drivers").delete(given)
    elif kind == "predict":
        db.record_prediction(db.service(given[0]).get(given[1]), model="sum")
    elif kind == "serve":
        row = db.service(given[0]).get(given[1], request={"km": given[2]})
        db.record_prediction(
            row, model="human", output={"said": given[2]}, assignment=db.experiment("look").assign("u")
        )
    elif kind == "fit":
        db.service(given).fit()
    elif kind == "expose":
        db.experiment("look").expose(given)
    elif kind == "outcome":
        db.experiment("look").record(given[0], "buy", given[1])
    else:
        db.mark(given)


def events_of(db: VectorDB) -> list[Any]:
    """Every event but its digest, which binds the ledger's id."""
    return [(event.offset, event.time, event.type, event.payload, event.meta) for event in db.events()]


def written(db: VectorDB) -> tuple[list[Any], Any]:
    """The same, and everything that is read."""
    return events_of(db), state_of(db)
