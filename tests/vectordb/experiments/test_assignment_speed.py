"""Assignment within a user's bar of a millisecond a unit, whatever decides; medians, on a busy machine too."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

import pytest

from tests.vectordb.experiments.lab import UNITS, Lab

BAR_S = 0.001
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "holdout": {"holdout": "year", "holdout_share": 0.1},
    "layer": {"layer": "home", "share": 0.5},
    "targeting": {"view": "users", "where": {"trips": {"$gte": 0}}},
    "sticky": {"sticky": True},
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_assignment_takes_less_than_a_millisecond(kind: str) -> None:
    lab = Lab()
    lab.users.put_many({"user": UNITS, "trips": [1] * len(UNITS)})
    experiment = lab.make(**KINDS[kind])
    experiment.expose_many(UNITS[:1_000])
    experiment.assign(UNITS[0])
    taken = []
    for unit in UNITS:
        start = perf_counter()
        experiment.assign(unit)
        taken.append(perf_counter() - start)
    assert median(taken) < BAR_S
    many = []
    for _ in range(5):
        start = perf_counter()
        experiment.assign_many(UNITS)
        many.append(perf_counter() - start)
    assert median(many) / len(UNITS) < BAR_S
