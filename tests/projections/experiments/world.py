"""A log with an experiments projection folded along, and random histories for it."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Any

from ledger import (
    Entity,
    Event,
    ExperimentDefined,
    ExperimentDefinition,
    Exposure,
    ExposuresRecorded,
    ExposuresRedacted,
    Fact,
    Log,
    Metric,
    Outcome,
    OutcomesRecorded,
    OutcomesRedacted,
    Redaction,
    new_header,
)
from ledger.facts.experiment_defined import AGGREGATES
from projections import Experiments, Fold

UNITS: list[Entity] = [1, "1", "ünit", ("eu", 7), *(f"user-{number}" for number in range(8))]
VALUES = [0.0, -0.0, 1.0, 2.5, 0.1, 0.2, -3.7, 1e15, 1e-9, 1e300, -1e300, 5e-324, 7.0, 12.35]
WINDOWS = [None, 1, 5, 20]


class World:
    """Events are told one by one."""

    def __init__(self) -> None:
        self.log = Log(new_header(0, seed=1))
        self.experiments = Experiments()
        self.fold = Fold(self.log, [self.experiments])
        self.events: list[Event] = []

    def tell(self, fact: Fact) -> int:
        """Append and fold one event; its offset."""
        event = Event(self.log.head + 1, self.log.head + 1, fact, None)
        self.log.append(event)
        self.fold.apply(event)
        assert not self.fold.behind, self.fold.behind
        self.events.append(event)
        return event.offset

    def define(self, name: str = "x", **changes: Any) -> int:
        """Define an experiment, or its next version: what is not said stays."""
        before = self.fold.catalog.experiments.find(name)
        fields: dict[str, Any] = {"arms": {"a": 0.5, "b": 0.5}, "metrics": {"spend": Metric()}, "bucket_version": 1}
        if before is not None:
            fields = {field: getattr(before, field) for field in fields}
        version = 1 if before is None else before.version + 1
        return self.tell(ExperimentDefined(ExperimentDefinition(name, version, "user", **{**fields, **changes})))

    def expose(self, *pairs: tuple[Entity, str], at: int = 0, reason: str = "split", name: str = "x") -> int:
        """Units met arms at a time."""
        label = self.fold.catalog.experiments.get(name).label
        found = tuple(Exposure(unit, arm, reason, 0.5) for unit, arm in pairs)
        return self.tell(ExposuresRecorded(label, found, at))

    def record(self, *rows: tuple[Entity, float, int], metric: str = "spend", name: str = "x") -> int:
        """Outcomes of (unit, value, time) in one metric."""
        return self.outcomes(*(Outcome(unit, metric, value, at) for unit, value, at in rows), name=name)

    def outcomes(self, *outcomes: Outcome, name: str = "x") -> int:
        """Outcomes of any metrics."""
        return self.tell(OutcomesRecorded(self.fold.catalog.experiments.get(name).label, outcomes))

    def again(self, without: Collection[Entity] = ()) -> Experiments:
        """A fresh replay of the same log, or of what an erasure of some units leaves of it."""
        found = Experiments()
        Fold(self.log, [found]).run(left_of(event, without) for event in self.log.events())
        return found

    def reopen(self) -> None:
        """Go on from a dump, with nothing else of the projection."""
        state, self.experiments = self.experiments.dump(), Experiments()
        self.fold = Fold(self.log, [self.experiments])
        self.fold.run(self.log.events())
        self.experiments.load(state)


def left_of(event: Event, gone: Collection[Entity]) -> Event:
    """An event without what it says of some units."""
    fact, left = event.fact, event.fact
    redaction = Redaction(f"{fact.type}@{fact.schema}", event.offset + 1)
    if gone and isinstance(fact, ExposuresRecorded):
        exposures = tuple(one for one in fact.exposures if one.unit not in gone)
        left = ExposuresRedacted(fact.experiment, exposures, fact.event_time, redaction=redaction)
    elif gone and isinstance(fact, OutcomesRecorded):
        outcomes = tuple(one for one in fact.outcomes if one.unit not in gone)
        left = OutcomesRedacted(fact.experiment, outcomes, fact.origin, redaction=redaction)
    return Event(event.offset, event.time, left, event.meta)


def metrics(random: Random) -> dict[str, Metric]:
    """Metrics of every kind, some of them ratios."""
    names = ["spend", "visits", "rating"]
    overs = ["", "", *names]
    return {
        name: Metric(random.choice(AGGREGATES), window_micros=random.choice(WINDOWS), over=random.choice(overs))
        for name in names
    }


def step(world: World, random: Random) -> None:
    """One random event of one of two experiments."""
    name = random.choice("xy")
    before = world.fold.catalog.experiments.find(name)
    draw = random.random()
    if before is None or draw < 0.08:
        raised = 0 if before is None else before.bucket_version + (random.random() < 0.3)
        arms = random.choice([{"a": 0.5, "b": 0.5}, {"a": 0.2, "b": 0.3, "c": 0.5}])
        world.define(name, metrics=metrics(random), bucket_version=raised or 1, arms=arms)
    elif draw < 0.4:
        units = random.sample(UNITS, random.randrange(1, 4))
        pairs = [(unit, random.choice([*before.arms, "a", "a"])) for unit in units]
        reason = random.choice(["split", "split", "given", "sticky", "forced"])
        world.expose(*pairs, at=random.randrange(30), reason=reason, name=name)
    else:
        world.outcomes(*(outcome(random, list(before.metrics)) for _ in range(random.randrange(1, 6))), name=name)


def outcome(random: Random, names: list[str]) -> Outcome:
    """Any outcome."""
    return Outcome(random.choice(UNITS), random.choice(names), random.choice(VALUES), random.randrange(40))
