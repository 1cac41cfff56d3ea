"""Outcomes were recorded: what units did, by metric."""

from __future__ import annotations

from math import isfinite
from typing import Any, NamedTuple

from ledger.errors import InvalidInput
from ledger.facts.fact import Fact, Reading, check_event_time, take
from ledger.facts.origin import Origin, take_origin
from ledger.identity import Entity, check_name, entity_from_json, entity_to_json


class Outcome(NamedTuple):
    """A unit, the metric, the value, and when it happened (microseconds)."""

    unit: Entity
    metric: str
    value: float
    event_time: int


class OutcomesRecorded(Fact):
    """Outcomes of units of an experiment; an event time that equals the recorded time is left out.

    {"experiment":"ranking@2","outcomes":[["user-9","purchase",12.5],["user-3","purchase",3.0,1700000000000000]]}
    """

    __slots__ = ("experiment", "origin", "outcomes")
    type = "outcomes_recorded"

    def __init__(self, experiment: str, outcomes: tuple[Outcome, ...], origin: Origin | None = None) -> None:
        self.experiment = experiment
        self.outcomes = outcomes
        self.origin = origin

    @property
    def rows(self) -> int:
        """One an outcome."""
        return len(self.outcomes)

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        outcomes = [
            [unit, metric, value] if at == time else [unit, metric, value, at]
            for unit, metric, value, at in self.outcomes
        ]
        for outcome in outcomes:
            if type(outcome[0]) is tuple:
                outcome[0] = entity_to_json(outcome[0])
        data = {"experiment": self.experiment, "outcomes": outcomes}
        return data if self.origin is None else {**data, **self.origin.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> OutcomesRecorded:
        """See the class."""
        return OutcomesRecorded.read(data, reading)

    @staticmethod
    def read(data: dict[str, Any], reading: Reading, least: int = 1) -> OutcomesRecorded:
        """The fact of a stored form with at least so many outcomes."""
        found = tuple(_outcome(item, reading.time) for item in take(data, "outcomes", list))
        if len(found) < least:
            raise InvalidInput("at least one outcome is recorded", offset=reading.offset)
        return OutcomesRecorded(take(data, "experiment", str), found, take_origin(data, reading))


def _outcome(item: Any, time: int) -> Outcome:
    if type(item) is not list or not 3 <= len(item) <= 4 or type(item[2]) is not float or not isfinite(item[2]):
        raise InvalidInput("a stored outcome is unit, metric, a finite number, and perhaps a time", value=item)
    at = time if len(item) == 3 else check_event_time(item[3])
    if len(item) == 4 and at == time:
        raise InvalidInput("an event time that equals the recorded time is left out", event_time=at)
    return Outcome(entity_from_json(item[0]), check_name(item[1], "metric"), item[2], at)
