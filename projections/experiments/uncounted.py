"""Outcomes that count for no unit, by why."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from projections.experiments.course import Spec
from projections.experiments.exposures import NEVER
from projections.experiments.trial import Trial


class Uncounted(NamedTuple):
    """How many ``outcomes`` of a metric were recorded, and how many of them count for no unit, by the first reason.

    Of a unit that met no arm (or only one that was set for it), of a conflicted unit, before the unit's exposure,
    after the attribution window.
    """

    outcomes: int
    unexposed: int
    conflicted: int
    before_exposure: int
    after_window: int

    @property
    def counted(self) -> int:
        """How many count."""
        return self.outcomes - sum(self[1:])  # ints


def recorded(trial: Trial, metric: str, offset: int) -> int:
    """How many outcomes of a metric are recorded up to an offset. 1 us."""
    outcomes = trial.outcomes.get(metric)
    return 0 if outcomes is None else outcomes.size(offset)


def uncounted(trial: Trial, spec: Spec, offset: int) -> Uncounted:
    """Why outcomes up to an offset count for no unit. 0.3 us an outcome."""
    outcomes, held = trial.outcomes.get(spec.metric), trial.exposures
    if outcomes is None:
        return Uncounted(0, 0, 0, 0, 0)
    size = outcomes.size(offset)
    window = NEVER if spec.window is None else spec.window
    since, until, times = held.since, held.until, held.times
    found: Counter[str] = Counter()
    for unit, time in zip(outcomes.units[:size], outcomes.times[:size]):
        if since[unit] > offset:
            found["unexposed"] += 1
        elif until[unit] <= offset:
            found["conflicted"] += 1
        elif time < times[unit]:
            found["before_exposure"] += 1
        elif time - times[unit] > window:
            found["after_window"] += 1
    reasons = (found[name] for name in Uncounted._fields[1:])
    return Uncounted(size, *reasons)
