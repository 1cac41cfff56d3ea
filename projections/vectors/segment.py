"""A segment: the lanes of one cluster, as planes; its newest lanes wait beside them.

Lanes stand in log order, so those born up to an offset are a prefix. The planes and how many lanes they
hold are one tuple, replaced as a whole: a reader works on what it took, whatever is added meanwhile.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from projections.vectors.quantiser import MIDDLE, Coded, Quantiser

if TYPE_CHECKING:
    from projections.vectors.filters import Column, Key

TAIL = 16  # lanes that wait, and are scanned exactly, before they enter the planes


class Sealed(NamedTuple):
    """Planes of the first ``size`` lanes, those of the axes, then those of the norm; and their fine bytes."""

    size: int
    planes: tuple[int, ...]
    fine: bytes = b""


class Dead(NamedTuple):
    """The lanes that were dead after the first ``deaths`` deaths."""

    deaths: int
    mask: int


class Segment:
    """Lanes near one centre. ``least`` is the norm that a zero in the norm planes stands for."""

    __slots__ = (
        "_dead",
        "_offsets",
        "cluster",
        "columns",
        "death_offsets",
        "death_places",
        "filtered",
        "ids",
        "least",
        "pending",
        "restless",
        "sealed",
    )

    def __init__(self, cluster: int, offsets: Sequence[float]) -> None:
        self.cluster = cluster
        self._offsets = offsets  # <V_j, centre - mean>
        self.ids = array("I")
        self.least = 0.0
        self.sealed = Sealed(0, ())
        self.death_offsets = array("q")
        self.death_places = array("I")
        self.restless = 0
        self.filtered: dict[Key, tuple[int, int]] = {}  # masks of filters, each of so many lanes
        self.columns: dict[int, Column] = {}  # what filters read of the lanes, by slot
        self._dead = Dead(0, 0)
        self.pending: list[bytes] = []

    def __len__(self) -> int:
        return len(self.ids)

    # -- growing -----------------------------------------------------------------------------------

    def extend(self, quantiser: Quantiser, lanes: Sequence[int], coded: Coded) -> None:
        """Add many lanes."""
        self.seal(quantiser)
        self.ids.extend(lanes)
        self._append(quantiser, coded)

    def add(self, quantiser: Quantiser, lane: int, code: bytes) -> None:
        """Add one lane, coded as one byte an axis, and after them the fine ones; it waits in the tail.

        Wide rows have no tail: measuring one takes as long as sealing it.
        """
        self.pending.append(code)
        self.ids.append(lane)
        if len(self.pending) >= TAIL or quantiser.fine:
            self.seal(quantiser)

    def seal(self, quantiser: Quantiser) -> None:
        """Bring the tail into the planes. 0.6 ms for 64 lanes."""
        if self.pending:
            width = len(quantiser.axes)
            joined = b"".join([code[:width] for code in self.pending])
            fine = b"".join([code[width:] for code in self.pending])
            self._append(quantiser, Coded([joined[axis::width] for axis in range(width)], fine))
            self.pending = []

    def _append(self, quantiser: Quantiser, coded: Coded) -> None:
        count, planes, fine = self.sealed
        norms = quantiser.norms(coded.columns, self._offsets)
        if not count:
            self.least = min(norms)
        fresh = quantiser.planes(coded.columns) + quantiser.norm_planes(norms, self.least)
        if count:
            fresh = [old | new << count for old, new in zip(planes, fresh)]
        self.sealed = Sealed(count + len(norms), tuple(fresh), fine + coded.fine)

    # -- who is there ------------------------------------------------------------------------------

    def born(self, limit: int) -> int:
        """How many lanes are below ``limit``."""
        return bisect_left(self.ids, limit)

    def kill(self, lane: int, offset: int) -> None:
        """A lane is dead from an offset on; offsets arrive in order."""
        place = bisect_left(self.ids, lane)
        self.death_places.append(place)
        self.death_offsets.append(offset)
        count, mask = self._dead
        self._dead = Dead(count + 1, mask | 1 << place)

    def load_deaths(self, offsets: array[int], places: array[int]) -> None:
        """Take the deaths of a dump."""
        self.death_offsets, self.death_places = offsets, places
        self._dead = Dead(len(places), _bits(places, len(self.ids)))

    def disturb(self, lane: int) -> None:
        """Filters can no longer trust what was written with a lane."""
        self.restless |= 1 << bisect_left(self.ids, lane)

    def dead(self, offset: int | None) -> int:
        """The lanes that were dead at an offset (None: only those that are forgotten). 0.2 us for now."""
        if offset is None:
            if not self.death_offsets or self.death_offsets[0]:
                return 0
            offset = 0  # the forgotten are dead as of every offset
        count = bisect_right(self.death_offsets, offset)
        held, mask = self._dead
        if count == held:
            return mask
        if count * 2 <= held:
            return _bits(self.death_places[:count], len(self.ids))
        return mask & ~_bits(self.death_places[count:held], len(self.ids))

    def without(self, lanes: Sequence[int], with_deaths: bool = True) -> Segment:
        """A copy in which some lanes are dead as of every offset, and nothing is left of their codes.

        What filters kept is not in it, nor, where ``with_deaths`` is False, are any deaths and the restless.
        """
        fresh = copy(self)
        fresh.filtered, fresh.columns = {}, {}
        gone = sorted(place for place in map(self._place, lanes) if place >= 0)
        if gone:
            fresh._erase(gone)
        if not with_deaths:
            fresh.restless = 0
            fresh.load_deaths(array("q"), array("I"))
        elif gone:
            left = set(gone)
            deaths = [item for item in zip(self.death_offsets, self.death_places) if item[1] not in left]
            offsets, places = array("q", bytes(8 * len(gone))), array("I", gone)
            offsets.extend(offset for offset, _ in deaths)
            places.extend(place for _, place in deaths)
            fresh.load_deaths(offsets, places)
        return fresh

    def _place(self, lane: int) -> int:
        place = bisect_left(self.ids, lane)
        return place if place < len(self.ids) and self.ids[place] == lane else -1

    def _erase(self, places: Sequence[int]) -> None:
        """Overwrite codes: zeros in the planes and fine bytes, the middle of every axis in the tail."""
        size, planes, fine = self.sealed
        mask = _bits(places, len(self.ids))
        width, blank = len(fine) // size if size else 0, bytearray(fine)
        for place in places:
            blank[place * width : (place + 1) * width] = bytes(width) if place < size else b""
        self.sealed = Sealed(size, tuple(plane ^ (plane & mask) for plane in planes), bytes(blank))
        self.pending = [
            bytes([MIDDLE]) * len(code) if mask >> place & 1 else code for place, code in enumerate(self.pending, size)
        ]
        self.restless ^= self.restless & mask

    def check(self) -> None:
        """Every structural rule."""
        assert list(self.ids) == sorted(set(self.ids))
        assert self.sealed.size + len(self.pending) == len(self.ids)
        assert all(plane.bit_length() <= self.sealed.size for plane in self.sealed.planes)
        assert list(self.death_offsets) == sorted(self.death_offsets)
        assert len(set(self.death_places)) == len(self.death_places) == self._dead.deaths == self._dead.mask.bit_count()


def _bits(places: Sequence[int], count: int) -> int:
    """The mask of some places."""
    mask = bytearray(count // 8 + 1)
    for place in places:
        mask[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(mask, "little")
