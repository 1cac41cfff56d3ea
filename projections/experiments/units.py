"""What is told of a unit."""

from __future__ import annotations

from typing import NamedTuple

from ledger import Entity


class FirstExposure(NamedTuple):
    """The arm that a unit met first under a bucket version, when it did, and where that is recorded.

    ``given``: the arm was told by the caller, not drawn.
    """

    arm: str
    event_time: int
    offset: int
    propensity: float
    given: bool


class ExposedUnit(NamedTuple):
    """A unit and its first exposure; ``conflicted``: it was seen in another arm too, and counts in none."""

    unit: Entity
    arm: str
    event_time: int
    offset: int
    conflicted: bool
