"""A program as a user writes it, with the types that a checker must find; it runs as a test, too.

``mypy --strict`` reads it together with the packages: an ``Any`` that leaks out of the public surface, or a name that
loses its type, fails there.
"""

from __future__ import annotations

from typing import assert_type

from vectordb import (
    Analysis,
    Assignment,
    FeatureMatrix,
    Float,
    Hits,
    Int,
    LiveExperiment,
    LiveService,
    LiveView,
    ManualClock,
    Past,
    Prediction,
    Receipt,
    Reproduction,
    Row,
    ServiceRow,
    TrainingSet,
    TransformedRow,
    Vector,
    VectorDB,
    View,
)
from vectordb.audit import Explanation
from vectordb.lineage import Lineage


def main() -> None:
    """Every part once."""
    clock = ManualClock("2026-01-01T00:00:00Z")
    db = VectorDB(clock=clock)
    cars = db.create_view("cars", entity="car", features={"doors": Int(), "price": Float(), "look": Vector(2)})
    assert_type(cars, LiveView)
    assert_type(cars.put("a", {"doors": 4, "price": 1.5, "look": [1.0, 0.0]}), Receipt)
    row = cars.get("a")
    assert_type(row, Row)
    assert_type(row.version, str | None)
    assert_type(cars.get_many(["a"]), FeatureMatrix)
    assert_type(cars.search("look", [1.0, 0.0], k=1), Hits)
    assert_type(db.version("cars/a@2"), Row)
    past = db.as_of(1)
    assert_type(past, Past)
    assert_type(past.view("cars"), View)
    predict(db)
    experiment(db)


def predict(db: VectorDB) -> None:
    """A service, its rows, what was predicted, and why."""
    service = db.create_service("s", features=["cars:doors", "cars:price"])
    assert_type(service, LiveService)
    row = service.get("a")
    assert_type(row, ServiceRow | TransformedRow)
    assert_type(service.training_set([("a", "2026-01-01T00:00:00Z")]), TrainingSet)
    told = db.record_prediction(row, model="m@1", output=1.0)
    assert_type(told, Prediction)
    assert_type(db.reproduce(told.id), Reproduction)
    assert_type(db.audit.explain(told.id), Explanation)
    assert_type(db.lineage.upstream(told.id), Lineage)


def experiment(db: VectorDB) -> None:
    """An assignment and an analysis."""
    trial = db.create_experiment("t", arms={"a": 0.5, "b": 0.5}, unit="user", metrics={"bought": "any"})
    assert_type(trial, LiveExperiment)
    assert_type(trial.assign("u-1"), Assignment)
    assert_type(trial.analyze("bought"), Analysis)


if __name__ == "__main__":
    main()
