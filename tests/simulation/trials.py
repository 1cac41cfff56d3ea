"""The model of experiments: definitions, exposures and outcomes as plain lists, units drawn by the plain formula.

What is counted of them is said by ``tests.projections.experiments.naive``, which counts everything anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import fsum
from typing import Any, NamedTuple

from ledger import ExperimentDefined, ExperimentDefinition, Exposure, ExposuresRecorded, OutcomesRecorded

COUNTED = ("split", "sticky", "given")


class Told(NamedTuple):
    """One event of an experiment."""

    offset: int
    fact: Any


@dataclass
class Trials:
    """Every experiment of a ledger."""

    told: list[Told] = field(default_factory=list)

    def branch(self, offset: int) -> Trials:
        """Those of a fork."""
        return Trials([one for one in self.told if one.offset <= offset])

    def of(self, name: str, offset: int) -> list[Told]:
        """The events of an experiment up to an offset."""
        return [one for one in self.told if one.offset <= offset and _name_of(one.fact) == name]

    def definition(self, name: str, offset: int) -> ExperimentDefinition | None:
        """The one in force."""
        found = [one.fact.definition for one in self.of(name, offset) if isinstance(one.fact, ExperimentDefined)]
        return found[-1] if found else None

    def bucket(self, name: str, offset: int) -> list[Exposure]:
        """Exposures under the bucket version in force, in order."""
        found: list[Exposure] = []
        version = 0
        for _, fact in self.of(name, offset):
            if isinstance(fact, ExperimentDefined):
                found = found if fact.definition.bucket_version == version else []
                version = fact.definition.bucket_version
            elif isinstance(fact, ExposuresRecorded):
                found += fact.exposures
        return found

    def assign(self, name: str, unit: Any, offset: int) -> tuple[str | None, str, float]:
        """Arm, reason and propensity: stopped, forced, seen before where it sticks, else drawn."""
        definition = self.definition(name, offset)
        assert definition is not None
        forced = dict(definition.forced)
        if not definition.running:
            return definition.final or None, "stopped", 1.0 if definition.final else 0.0
        if unit in forced:
            return forced[unit], "forced", 1.0
        first = next((one for one in self.bucket(name, offset) if one.unit == unit and one.reason in COUNTED), None)
        if definition.sticky and first is not None and first.arm in definition.arms:
            return first.arm, "sticky", first.propensity
        arm = drawn(definition, unit)
        return arm, "traffic" if arm is None else "split", 0.0 if arm is None else definition.arms[arm]

    def is_new(self, name: str, unit: Any, arm: str, reason: str) -> bool:
        """Whether an exposure has yet to be recorded."""
        known = [one for one in self.bucket(name, 1 << 60) if one.unit == unit and one.arm == arm]
        return not any((one.reason == "forced") is (reason == "forced") for one in known)

    def erase(self, units: list[Any]) -> None:
        """Units were never there."""
        self.told = [Told(offset, _without(fact, units)) for offset, fact in self.told]


def drawn(definition: ExperimentDefinition, unit: Any) -> str | None:
    """Two fractions of one digest: who is in, and which arm."""
    salt = (definition.salt or definition.name).encode()
    digest = sha256(b"%d:%b,%b" % (len(salt), salt, _encoded(unit))).digest()
    inside, split = ((int.from_bytes(digest[start : start + 8], "big") >> 11) / 2**53 for start in (0, 8))
    if inside >= definition.traffic:
        return None
    weights = list(definition.arms.values())
    ends = [fsum(weights[: place + 1]) for place in range(len(weights))]
    return next((arm for arm, end in zip(definition.arms, ends) if split < end), list(definition.arms)[-1])


def _encoded(unit: Any) -> bytes:
    if isinstance(unit, str):
        return b"s" + unit.encode()
    if isinstance(unit, int):
        return b"i%d" % unit
    parts = list(map(_encoded, unit))
    return b"t" + b"".join(b"%d:%b," % (len(part), part) for part in parts)


def _name_of(fact: Any) -> str:
    name: str = fact.definition.name if isinstance(fact, ExperimentDefined) else fact.experiment.partition("@")[0]
    return name


def _without(fact: Any, units: list[Any]) -> Any:
    if isinstance(fact, ExperimentDefined):
        forced = tuple(pair for pair in fact.definition.forced if pair[0] not in units)
        return ExperimentDefined(replace(fact.definition, forced=forced))
    if isinstance(fact, ExposuresRecorded):
        left = tuple(one for one in fact.exposures if one.unit not in units)
        return ExposuresRecorded(fact.experiment, left, fact.event_time)
    return OutcomesRecorded(fact.experiment, tuple(one for one in fact.outcomes if one.unit not in units))
