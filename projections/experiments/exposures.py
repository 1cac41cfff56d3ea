"""Exposures of one experiment under one bucket version: which unit met which arm, since when, and what that counts as.

Units are numbered in the order in which they are first heard of, by an exposure or an outcome. A unit counts from the
offset ``since`` of its first exposure up to, not including, ``until``, the offset at which it was seen in a second
arm; both are ``NEVER`` before. 50 bytes a unit beside its id, in columns that the garbage collector does not see.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from ledger import Entity

NEVER: Final = 1 << 62
NOWHERE: Final = -1
JOINED: Final = 1
LEFT: Final = 2
_ARM_BITS: Final = 16


class Exposures:
    """Units with their first arm, and how many each arm has, as of any offset."""

    def __init__(self) -> None:
        self.numbers: dict[Entity, int] = {}
        self.names: list[Entity] = []
        self.inside = array("h")  # the arm that a unit counts in now, or NOWHERE
        self.arms = array("h")  # of the first exposure
        self.times = array("q")  # its event time
        self.propensities = array("d")
        self.until = array("q")
        self.since = array("q")  # the last column to grow: a unit below its length is there in all
        self.labels: list[str] = []  # arms in the order in which they were met
        self.places: dict[str, int] = {}
        self.joins: list[array[int]] = []  # offsets, by arm
        self.leaves: list[array[int]] = []
        self.moves = (array("q"), array("i"))  # offset and unit of each join and leave, in order
        self.forced: dict[int, int] = {}  # unit -> offset of its first forced exposure
        self.forced_offsets = array("q")
        self.given: set[int] = set()  # units whose first arm was told by the caller, not drawn here
        self.others: dict[int, int] = {}  # unit, arm and forced in one int -> offset: all but first exposures

    def number(self, unit: Entity) -> int:
        """The number of a unit; a new one where it is new."""
        found = self.numbers.get(unit)
        if found is not None:
            return found
        found = len(self.names)
        self.names.append(unit)
        self.inside.append(NOWHERE)
        self.arms.append(NOWHERE)
        self.times.append(0)
        self.propensities.append(0.0)
        self.until.append(NEVER)
        self.since.append(NEVER)
        self.numbers[unit] = found
        return found

    def arm(self, label: str) -> int:
        """The number of an arm; a new one where it is new."""
        found = self.places.get(label)
        if found is None:
            found = len(self.labels)
            self.joins.append(array("q"))
            self.leaves.append(array("q"))
            self.labels.append(label)
            self.places[label] = found
        return found

    # -- what happens ----------------------------------------------------------------------------------

    def meet(self, unit: int, arm: int, time: int, propensity: float, offset: int) -> int:
        """A unit met an arm: ``JOINED`` (it counts from here on), ``LEFT`` (no longer), or 0 (nothing new)."""
        if self.since[unit] == NEVER:
            self.arms[unit] = self.inside[unit] = arm
            self.times[unit] = time
            self.propensities[unit] = propensity
            self.since[unit] = offset
            self.joins[arm].append(offset)
            self._moved(unit, offset)
            return JOINED
        first = self.arms[unit]
        if arm == first:
            return 0
        self.others.setdefault(_key(unit, arm, False), offset)
        if self.until[unit] != NEVER:
            return 0
        self.until[unit] = offset
        self.inside[unit] = NOWHERE
        self.leaves[first].append(offset)
        self._moved(unit, offset)
        return LEFT

    def force(self, unit: int, arm: int, offset: int) -> None:
        """A unit met an arm that was set for it: kept, and never counted."""
        self.others.setdefault(_key(unit, arm, True), offset)
        if unit not in self.forced:
            self.forced[unit] = offset
            self.forced_offsets.append(offset)

    def _moved(self, unit: int, offset: int) -> None:
        self.moves[1].append(unit)
        self.moves[0].append(offset)

    # -- what is there, as of an offset ------------------------------------------------------------------

    def exposed(self, arm: int, offset: int) -> int:
        """How many units count in an arm. 1 us."""
        return bisect_right(self.joins[arm], offset) - bisect_right(self.leaves[arm], offset)

    def conflicted(self, offset: int) -> int:
        """How many units were seen in two arms."""
        return sum(bisect_right(leaves, offset) for leaves in self.leaves)  # ints

    def forced_units(self, offset: int) -> int:
        """How many units had an arm set for them."""
        return bisect_right(self.forced_offsets, offset)

    def seen(self, unit: int, arm: int, offset: int, forced: bool) -> bool:
        """Whether a unit's exposure to an arm is recorded."""
        if not forced and self.arms[unit] == arm:
            return self.since[unit] <= offset
        return self.others.get(_key(unit, arm, forced), NEVER) <= offset

    def met(self, offset: int) -> Iterator[int]:
        """Units with an exposure that was not forced, in the order of their numbers."""
        return (unit for unit, since in enumerate(self.since) if since <= offset)

    # -- for a dump --------------------------------------------------------------------------------------

    def other_exposures(self) -> list[tuple[int, int, int]]:
        """(unit, arm and forced in one int, offset) of all but first exposures."""
        return [(key >> _ARM_BITS, key & (1 << _ARM_BITS) - 1, offset) for key, offset in self.others.items()]

    def restore_others(self, rows: list[list[int]]) -> None:
        """Take them back."""
        self.others = {unit << _ARM_BITS | rest: offset for unit, rest, offset in rows}

    def check(self) -> None:
        """The counts are those of the columns."""
        assert self.numbers == {name: unit for unit, name in enumerate(self.names)}
        for arm, (joins, leaves) in enumerate(zip(self.joins, self.leaves)):
            met = [unit for unit in self.met(NEVER - 1) if self.arms[unit] == arm]
            assert list(joins) == sorted(self.since[unit] for unit in met)
            assert list(leaves) == sorted(self.until[unit] for unit in met if self.until[unit] != NEVER)
            inside = [unit for unit in met if self.until[unit] == NEVER]
            assert inside == [unit for unit, place in enumerate(self.inside) if place == arm]
        assert self.given <= set(self.met(NEVER - 1))
        assert list(self.forced_offsets) == sorted(self.forced.values())


def _key(unit: int, arm: int, forced: bool) -> int:
    return unit << _ARM_BITS | arm << 1 | forced
