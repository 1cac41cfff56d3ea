"""Units with arms and values of a test's choosing, recorded through a ledger as any others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count, islice
from typing import Any

from vectordb import LiveExperiment

Arms = Mapping[str, Sequence[float]]


def units_in(experiment: LiveExperiment, arm: str, prefix: str = "p") -> Iterable[str]:
    """Units that the experiment puts into an arm."""
    for block in count():
        units = [f"{prefix}-{number}" for number in range(1_000 * block, 1_000 * (block + 1))]
        yield from (one.unit for one in experiment.assign_many(units) if one.arm == arm)  # type: ignore[misc]


def people(experiment: LiveExperiment, sizes: Mapping[str, int], prefix: str = "p") -> dict[str, list[str]]:
    """So many units of each arm."""
    return {arm: list(islice(units_in(experiment, arm, prefix), size)) for arm, size in sizes.items()}


def populate(experiment: LiveExperiment, metric: str, arms: Arms, prefix: str = "p") -> dict[str, list[str]]:
    """Expose as many units in each arm as it has values, and record them; the units by arm."""
    units = people(experiment, {arm: len(values) for arm, values in arms.items()}, prefix)
    everybody = [unit for own in units.values() for unit in own]
    if everybody:
        experiment.expose_many(everybody)
        record(experiment, metric, units, arms)
    return units


def record(experiment: LiveExperiment, metric: str, units: Mapping[str, Sequence[Any]], arms: Arms) -> None:
    """Record a value of each unit of each arm."""
    rows = [(unit, value) for arm, own in units.items() for unit, value in zip(own, arms[arm])]
    experiment.record_many({"user": [unit for unit, _ in rows], "value": [value for _, value in rows]}, metric=metric)


def close(one: float | None, other: float, places: float = 1e-10) -> bool:
    """Whether two numbers are the same but for rounding, relatively."""
    return one is not None and abs(one - other) <= places * max(abs(one), abs(other), 1e-300)
