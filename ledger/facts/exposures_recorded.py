"""Exposures were recorded: units met an arm of an experiment."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ledger.errors import InvalidInput
from ledger.facts.fact import Fact, Reading, take, take_event_time
from ledger.identity import Entity, check_name, entity_from_json, entity_to_json

EXPOSING: Final = ("split", "sticky", "forced", "given")


class Exposure(NamedTuple):
    """A unit, its arm, why that one, and the probability with which it was chosen (which nothing can tell later)."""

    unit: Entity
    arm: str
    reason: str
    propensity: float


class ExposuresRecorded(Fact):
    """Units met an arm for the first time, at ``event_time`` (left out where it is the recorded time).

    {"experiment":"ranking@2","exposures":[["user-9","treatment","split",0.5]]}
    """

    __slots__ = ("event_time", "experiment", "exposures")
    type = "exposures_recorded"

    def __init__(self, experiment: str, exposures: tuple[Exposure, ...], event_time: int) -> None:
        self.experiment = experiment
        self.exposures = exposures
        self.event_time = event_time

    @property
    def rows(self) -> int:
        """One an exposure."""
        return len(self.exposures)

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        data: dict[str, Any] = {"experiment": self.experiment}
        if self.event_time != time:
            data["event_time"] = self.event_time
        data["exposures"] = [[entity_to_json(one.unit), *one[1:]] for one in self.exposures]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> ExposuresRecorded:
        """See the class."""
        return ExposuresRecorded.read(data, reading)

    @staticmethod
    def read(data: dict[str, Any], reading: Reading, least: int = 1) -> ExposuresRecorded:
        """The fact of a stored form with at least so many exposures."""
        found = tuple(map(_exposure, take(data, "exposures", list)))
        if len(found) < least or len({one.unit for one in found}) < len(found):
            raise InvalidInput("an event exposes units, each once", units=len(found))
        written = "event_time" in data
        event_time = take_event_time(data, reading)
        if written and event_time == reading.time:
            raise InvalidInput("an event time that equals the recorded time is left out", event_time=event_time)
        return ExposuresRecorded(take(data, "experiment", str), found, event_time)


def _exposure(item: Any) -> Exposure:
    if type(item) is not list or [type(part) for part in item[1:]] != [str, str, float]:
        raise InvalidInput("a stored exposure is unit, arm, reason and propensity", value=item)
    unit, arm, reason, propensity = item
    if reason not in EXPOSING:
        raise InvalidInput("an exposure has one of these reasons", reason=reason, known=EXPOSING)
    if not 0 < propensity <= 1:
        raise InvalidInput("a propensity is a probability above 0", propensity=propensity)
    return Exposure(entity_from_json(unit), check_name(arm, "arm"), reason, propensity)
