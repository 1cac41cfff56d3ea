"""Search: the k nearest vectors that are there, by the index or by the exact scan.

Masks may hold lanes that a read does not show (``projections.vectors.field``), so ``accept`` is asked about
every lane in order of distance until k have passed; a search that ran out of candidates tries harder, and
in the end scans everything.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import log10
from typing import Any, NamedTuple

from ledger import Entity
from projections.vectors.calibration import Effort
from projections.vectors.exact import flags, measure, nearest
from projections.vectors.field import Field
from projections.vectors.index import Index, best, closest, lanes_of, places
from projections.vectors.kernels import Reading
from projections.vectors.segment import Segment

FEW = 600  # matches that are measured one by one rather than probed
SPARSE = 40  # matches of one segment, likewise: as long as the sums of its lanes take
WIDER = 0.18  # how much further a search goes for every tenth of the lanes that a filter leaves
HARDER = 4
TRIES = 3
FilterOf = Callable[[Segment], int]


class Ask(NamedTuple):
    """What is asked: lanes below ``limit``, less those dead at ``offset`` (None: with the dead).

    ``accept`` gives the entity of a lane that the reader sees, None for another one; ``matching`` the lanes of a
    segment that may match a filter.
    """

    k: int
    limit: int
    offset: int | None
    accept: Callable[[int], Entity | None]
    matching: FilterOf | None = None


class Found(NamedTuple):
    """A hit."""

    distance: float
    lane: int
    entity: Entity


def search_exact(field: Field, reading: Reading, ask: Ask) -> list[Found]:
    """The nearest by measuring every living vector. 3 us a vector of 128 float32."""
    alive = flags(ask.limit, field.dead(ask.offset))
    most = max(64, 4 * ask.k)
    while True:
        ranked = nearest(field.lanes, alive, reading, most)
        found = take(ranked, ask)
        if len(ranked) < most or (len(found) == ask.k and found[-1].distance < ranked[-1][0]):
            return found
        most *= 16  # too few of them passed, or the last place may be shared


def search_index(
    field: Field, index: Index, query: Sequence[float], reading: Reading, effort: Effort, ask: Ask
) -> list[Found]:
    """The nearest by the index."""
    placed = index.place(query)
    masks = _Masks(ask)
    if ask.matching is not None:
        total = sum(masks.of(segment).bit_count() for segment in index.segments)  # ints
        if total <= FEW:
            return _few(field, index, reading, ask, masks)
        effort = effort._replace(slack=effort.slack * (1.0 + WIDER * log10(max(1.0, index.count / total))))
        masks.sparse = 0 if effort.kept else SPARSE
    found: list[Found] = []
    for _ in range(TRIES):
        probes = index.probe(placed, effort.slack, masks.probe)
        chosen = best(probes, effort.candidates, index.slope)
        if effort.kept:
            lanes = [lane for _, lane in closest(index.trained, placed, chosen, effort.kept)]
            lanes = _sampled(field, query, lanes, effort.sampled)
        else:
            lanes = lanes_of(chosen)
        lanes += masks.apart
        lanes += masks.living(index.longer)
        ranked = measure(field.lanes, lanes, reading)
        found = take(ranked, ask)
        refused = _refused(found, ranked)
        if len(found) >= ask.k and refused <= ask.k // 2:
            return found
        effort = _harder(effort, HARDER, 2.0) if len(found) < ask.k else _harder(effort, 1 + refused // ask.k, 1.3)
        masks.apart.clear()
    return found if len(found) >= ask.k else search_exact(field, reading, ask)


def _sampled(field: Field, query: Sequence[float], lanes: list[int], wanted: int) -> list[int]:
    """The nearest by a sample of their coordinates; all where there is no such stage."""
    reading = field.sampled(query) if 0 < wanted < len(lanes) else None
    return lanes if reading is None else [lane for _, lane in measure(field.lanes, lanes, reading)[:wanted]]


def _refused(found: Sequence[Found], ranked: Sequence[tuple[float, int]]) -> int:
    """How many lanes nearer than the last hit were no matches: the masks held more than matches."""
    return bisect_left(ranked, (found[-1].distance, -1)) - len(found) if found else 0


def _harder(effort: Effort, deeper: int, wider: float) -> Effort:
    return Effort(effort.slack * wider, effort.candidates * deeper, effort.kept * deeper, effort.sampled * deeper)


def _few(field: Field, index: Index, reading: Reading, ask: Ask, masks: _Masks) -> list[Found]:
    lanes = lanes_of((segment, masks.of(segment)) for segment in index.segments)
    for segment in index.segments:
        masks.add_tail(segment)
    passed = [lane for lane in masks.apart if ask.accept(lane) is not None]
    return take(measure(field.lanes, lanes + passed, reading), ask)


class _Masks:
    """The lanes of a segment that are asked for: those in its planes as a mask, others ``apart``.

    Lanes of tails are measured one by one, and those of segments where a filter leaves at most ``sparse``.
    """

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.apart: list[int] = []
        self.sparse = 0
        self._known: dict[int, int] = {}
        self._sizes: dict[int, int] = {}

    def of(self, segment: Segment) -> int:
        """The mask of a segment's planes."""
        found = self._known.get(id(segment))
        if found is None:
            found = self._known[id(segment)] = self._make(segment)
        return found

    def _size(self, segment: Segment) -> int:
        """Where a segment's tail begins, read once: a writer may seal it while we search."""
        return self._sizes.setdefault(id(segment), segment.sealed.size)

    def _make(self, segment: Segment) -> int:
        count = min(self._size(segment), segment.born(self.ask.limit))
        return count and self._mask(segment, (1 << count) - 1)

    def _mask(self, segment: Segment, mask: int) -> int:
        dead = segment.dead(self.ask.offset)
        if dead:
            mask ^= mask & dead
        if self.ask.matching is not None and mask:
            mask &= self.ask.matching(segment)
        return mask

    def probe(self, segment: Segment) -> int | None:
        """The same for a segment that is probed: its tail is taken too. None where all its lanes are ``apart``."""
        if self.ask.matching is None:
            size, born = segment.sealed.size, segment.born(self.ask.limit)
            if born > size:
                self._take_tail(segment, size, born)
            mask, dead = (1 << min(size, born)) - 1, segment.dead(self.ask.offset)
            return mask ^ (mask & dead) if dead else mask
        self.add_tail(segment)
        mask = self.of(segment)
        if mask and self.sparse and mask.bit_count() <= self.sparse:
            self.apart += map(segment.ids.__getitem__, places(mask))
            return None
        return mask

    def living(self, lanes: Sequence[int]) -> list[int]:
        """Those of some lanes that are born; who of them is dead is for ``accept`` to say."""
        return [lane for lane in lanes if lane < self.ask.limit]

    def add_tail(self, segment: Segment) -> None:
        """Take the living lanes of a segment's tail."""
        start, stop = self._size(segment), segment.born(self.ask.limit)
        if start < stop:
            self._take_tail(segment, start, stop)

    def _take_tail(self, segment: Segment, start: int, stop: int) -> None:
        dead = segment.dead(self.ask.offset) >> start
        self.apart += [segment.ids[place] for place in range(start, stop) if not dead >> (place - start) & 1]


def take(ranked: Sequence[tuple[float, int]], ask: Ask) -> list[Found]:
    """The first k that are accepted; what ties with the last is asked too, and ties go by entity."""
    found: list[Found] = []
    last = -1  # a lane that was sealed during the search stands in the tail and in the planes
    for distance, lane in ranked:
        if lane == last:
            continue
        last = lane
        if len(found) >= ask.k and distance > found[ask.k - 1].distance:
            break
        entity = ask.accept(lane)
        if entity is not None:
            found.append(Found(distance, lane, entity))
    found.sort(key=_rank)
    return found[: ask.k]


def _rank(hit: Found) -> tuple[float, Any]:
    return hit.distance, entity_order(hit.entity)


def entity_order(entity: Entity) -> tuple[Any, ...]:
    """A total order of entity ids: ints, then text, then tuples part by part."""
    if isinstance(entity, tuple):
        return 2, tuple(map(entity_order, entity))
    return (1, entity) if isinstance(entity, str) else (0, entity)
