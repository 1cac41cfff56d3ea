"""Evaluations: what an exposure is to OpenTelemetry's feature flags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from vectordb.experiments import Assignment
from vectordb.observability.names import FLAG, FLAG_VERSION, OUR_REASON, PROVIDER, REASON, SYSTEM_IS, UNITS, VARIANT

DEFAULT: Final = "default"  # no arm: the unit meets what it would have met without the experiment
REASONS: Final = {"split": "split", "sticky": "cached", "forced": "targeting_match", "given": "static"}


def evaluations(answer: Any) -> Iterator[dict[str, Any]]:
    """The attributes of each kind of answer that an exposure gave: arm, reason and version, with how many units."""
    found = [answer] if isinstance(answer, Assignment) else answer
    counts = Counter((one.name, one.version, one.arm, one.reason) for one in found)
    for (name, version, arm, reason), units in counts.items():
        attributes: dict[str, Any] = {FLAG: name, FLAG_VERSION: str(version), PROVIDER: SYSTEM_IS}
        if arm is not None:
            attributes[VARIANT] = arm
        yield {**attributes, REASON: flag_reason(reason, arm), OUR_REASON: reason, UNITS: units}


def flag_reason(reason: str, arm: str | None) -> str:
    """The well-known reason of OpenTelemetry (that of OpenFeature in small letters) for one of ours.

    >>> flag_reason("split", "treatment"), flag_reason("stopped", None), flag_reason("holdout", None)
    ('split', 'disabled', 'default')
    """
    if reason == "stopped":
        return "disabled" if arm is None else "static"
    return REASONS.get(reason, DEFAULT)
