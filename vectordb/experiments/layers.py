"""Layers: experiments that exclude one another share out 10,000 segments of units.

Which free segments an experiment takes depends on its seed and on what is free; it returns them when it stops, or
leaves the layer. So the whole is a fold over the history of definitions: the same history, the same segments.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from operator import itemgetter
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import SEGMENTS, DefinitionError, ExperimentDefinition, free_in_children
from vectordb.experiments.bucketing import Hasher

if TYPE_CHECKING:
    from projections import Catalog
    from vectordb.state import State

EVERY: Final = (1 << SEGMENTS) - 1  # a set of segments is an int, one bit a segment
OFFSET: Final = itemgetter(0)


class Held(NamedTuple):
    """What one experiment has of a layer from an offset on."""

    offset: int
    layer: str
    segments: int


class Layers:
    """The segments of every experiment as of every offset, kept up with the catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = free_in_children(Lock())
        self._folded = 0
        self._held: dict[str, tuple[Held, ...]] = {}

    def segments(self, definition: ExperimentDefinition, offset: int) -> int:
        """The segments that an experiment has as of an offset; of a definition that is not in the log: that it would
        have if it came next. 3 ms when it is asked for the first time.
        """
        self._keep_up()
        if self._catalog.experiments.find(definition.name, offset) == definition:
            return self._at(definition.name, definition.layer, offset)
        return self._allot(definition, offset)

    def check(self, definition: ExperimentDefinition, offset: int) -> None:
        """Refuse a share that is not free, naming what is."""
        self._keep_up()
        free = self._free(definition, offset).bit_count()
        if definition.layer and definition.running and round(definition.share * SEGMENTS) > free:
            given = {"layer": definition.layer, "share": definition.share, "free": free / SEGMENTS}
            taken = self.shares(definition.layer, offset)
            taken.pop(definition.name, None)
            raise DefinitionError("a share of a layer is free when it is taken", **given, taken=taken)

    def shares(self, layer: str, offset: int) -> dict[str, float]:
        """The share of a layer of each experiment that has any."""
        self._keep_up()
        counts = {name: self._at(name, layer, offset).bit_count() for name in tuple(self._held)}
        return {name: count / SEGMENTS for name, count in counts.items() if count}

    def _at(self, name: str, layer: str, offset: int) -> int:
        held = self._held.get(name, ())
        place = bisect_right(held, offset, key=OFFSET)
        return held[place - 1].segments if place and held[place - 1].layer == layer else 0

    def _free(self, definition: ExperimentDefinition, offset: int) -> int:
        """What an experiment may have of its layer: what it has, and what nobody has."""
        taken = 0
        for name in tuple(self._held):
            if name != definition.name:
                taken |= self._at(name, definition.layer, offset)
        return EVERY & ~taken

    def _allot(self, definition: ExperimentDefinition, offset: int) -> int:
        if not definition.layer or not definition.running:
            return 0
        name, layer = definition.name, definition.layer
        wanted = round(definition.share * SEGMENTS)
        return choose(self._at(name, layer, offset), self._free(definition, offset), wanted, definition.salt or name)

    def _keep_up(self) -> None:
        """Fold the definitions that have come since, in order."""
        shelf = self._catalog.experiments
        if shelf.count <= self._folded:
            return
        with self._lock:
            history = sorted(shelf, key=OFFSET)
            for offset, definition in history[self._folded :]:
                self._take_in(offset, definition)
                self._folded += 1

    def _take_in(self, offset: int, definition: ExperimentDefinition) -> None:
        held = self._held.get(definition.name, ())
        if not held and not definition.layer:
            return
        now = Held(offset, definition.layer, self._allot(definition, offset - 1))
        if not held or held[-1][1:] != now[1:]:
            self._held[definition.name] = (*held, now)


def choose(held: int, free: int, wanted: int, seed: str) -> int:
    """A set of ``wanted`` segments (all that are free, where these are fewer), which keeps as many as it can.

    More are taken, and fewer kept, in the order of their digests under the seed.

    >>> choose(0b0011, 0b1111, 3, "s").bit_count(), choose(0b0011, 0b1111, 3, "s") & 0b0011
    (3, 3)
    """
    excess = held.bit_count() - wanted
    pool = held if excess > 0 else free & ~held
    changed = [number for number in _order(seed) if pool >> number & 1]
    for number in changed[-excess:] if excess > 0 else changed[:-excess] if excess else ():
        held ^= 1 << number
    return held


@lru_cache(maxsize=256)
def _order(seed: str) -> tuple[int, ...]:
    digest = Hasher(seed).digest
    return tuple(sorted(range(SEGMENTS), key=digest))


def layers_of(state: State) -> Layers:
    """The layers of a database and its pasts."""
    found = state.aside.get(Layers)
    if found is None:
        found = state.aside.setdefault(Layers, Layers(state.catalog))
    assert isinstance(found, Layers)
    return found
