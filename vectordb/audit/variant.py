"""The variant that a prediction was served under, and whether its unit's exposure to it was recorded."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ledger import Entity, InvalidEntity, entity_from_json, entity_to_json

if TYPE_CHECKING:
    from vectordb.reader import Reader


@dataclass(frozen=True)
class Variant:
    """``experiment`` (name and version), ``arm``, ``reason`` and ``propensity`` are as the prediction says.

    ``exposed`` is the offset of the first recorded exposure of the unit to the arm, under the bucket version that was
    in force; None where there is none. What an assignment does not say is None.
    """

    experiment: str | None
    unit: Entity | None
    arm: str | None
    reason: str | None
    propensity: float | None
    exposed: int | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        held = {item.name: getattr(self, item.name) for item in fields(self)}
        return held if self.unit is None else held | {"unit": entity_to_json(self.unit)}


def variant_of(reader: Reader, assignment: dict[str, Any] | None) -> Variant | None:
    """The variant of a recorded assignment, as far as a reader knows of exposures; None where there was none. 10 us."""
    if assignment is None:
        return None
    said = [assignment.get(name) for name in ("experiment", "arm", "reason", "propensity")]
    experiment, arm, reason, propensity = said
    unit = _unit(assignment)
    exposed = None
    if isinstance(experiment, str) and isinstance(arm, str) and unit is not None:
        name, bucket = experiment.partition("@")[0], assignment.get("bucket_version")
        exposed = reader.consistently(_exposed, reader, name, bucket, unit, arm, reason == "forced")
    return Variant(experiment, unit, arm, reason, propensity, exposed)


def _unit(assignment: dict[str, Any]) -> Entity | None:
    try:
        return entity_from_json(assignment["unit"])
    except (KeyError, InvalidEntity):  # an assignment is what its caller wrote
        return None


def _exposed(reader: Reader, name: str, bucket: Any, unit: Entity, arm: str, forced: bool) -> int | None:
    """The first offset at which an exposure is there: it stays for as long as its bucket version does."""
    state, limit = reader.state, reader.as_of_offset
    versions = state.catalog.experiments.versions(name, limit)
    bucket = bucket if type(bucket) is int else max((one.bucket_version for _, one in versions), default=0)
    first = next((offset for offset, one in versions if one.bucket_version == bucket), None)
    if first is None:
        return None
    end = next((offset for offset, one in versions if one.bucket_version > bucket), limit + 1)

    def seen(offset: int) -> bool:
        return state.experiments.seen(name, unit, arm, offset, forced=forced)

    found = first + bisect_left(range(first, end), True, key=seen)
    return found if found < end else None
