"""Exposing again: the units of a recorded exposure, assigned by the experiment as the branch has it.

An arm that was given stays, as this experiment did not draw it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import Event, ExposuresRecorded, InvalidInput
from vectordb.experiments import drawn_again, record_exposures
from vectordb.what_if.counterfactual import Moved

if TYPE_CHECKING:
    from vectordb.database import VectorDB


def expose_again(branch: VectorDB, event: Event) -> tuple[int, list[Moved]]:
    """Record the arms that the units of an event meet in the branch; its offset, and the units that moved."""
    fact = event.fact
    assert isinstance(fact, ExposuresRecorded)
    name = fact.experiment.partition("@")[0]
    found = drawn_again(branch.experiment(name), fact.exposures)
    moved = [
        Moved(event.offset, name, one.unit, one.arm, now.arm)
        for one, now in zip(fact.exposures, found)
        if now.arm != one.arm
    ]
    head = branch.head
    record_exposures(branch, found, fact.event_time, event.meta)
    if branch.head == head:
        raise InvalidInput("an exposure is of a unit that meets an arm for the first time", experiment=name)
    return branch.head, moved
