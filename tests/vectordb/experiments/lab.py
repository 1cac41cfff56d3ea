"""A small database with users and an experiment, for the tests of this room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ledger import ManualClock
from vectordb import Category, Int, LiveExperiment, Reader, Timestamp, VectorDB

START = 1_767_225_600  # seconds, 2026-01-01T00:00:00Z
HALVES = {"control": 0.5, "treatment": 0.5}
METRICS: dict[str, Any] = {"purchase": "sum", "visit": {"aggregate": "any", "window": 3_600}}
UNITS = [f"u-{number}" for number in range(2_000)]


class Lab:
    """``db`` with the view ``users`` (offset 1) and a clock that the test moves."""

    def __init__(self, path: Path | None = None) -> None:
        self.clock = ManualClock(START)
        options: dict[str, Any] = {"clock": self.clock, "seed": 5}
        self.db = VectorDB(**options) if path is None else VectorDB.open(path, **options)
        features = {"trips": Int(default=0), "city": Category(), "joined": Timestamp()}
        self.users = self.db.create_view("users", entity="user", features=features)

    def make(self, name: str = "ranking", **options: Any) -> LiveExperiment:
        """Define an experiment on users with two equal arms, and whatever is said otherwise."""
        given = {"arms": HALVES, "unit": "user", **options}
        return self.db.create_experiment(name, **given)

    @property
    def bits(self) -> tuple[int, str]:
        """What a refusal leaves as it was."""
        return self.db.head, self.db.digest()


def arms_of(experiment: Any, units: Iterable[Any] = UNITS) -> list[str | None]:
    """The arm of each unit."""
    return [one.arm for one in experiment.assign_many(units)]


def reasons_of(experiment: Any, units: Iterable[Any] = UNITS) -> Counter[str]:
    """How often each reason decided."""
    return Counter(one.reason for one in experiment.assign_many(units))


def one_by_one(experiment: Any, units: Iterable[Any] = UNITS) -> list[Any]:
    """What ``assign`` says of each."""
    return [experiment.assign(unit) for unit in units]


def told(reader: Reader) -> dict[str, Any]:
    """Everything that a reader's experiments answer about the usual units."""
    found = {}
    for name in reader.experiments():
        experiment = reader.experiment(name)
        history = [(offset, definition.to_json()) for offset, definition in experiment.history()]
        found[name] = (experiment.assign_many(UNITS[:300]), experiment.exposures(), history)
    return found
