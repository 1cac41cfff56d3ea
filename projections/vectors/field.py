"""A vector field: every vector that was ever written to one feature of one view.

Its lanes are the writes, in log order. A lane **dies** at the offset where a later write, null or delete of
its entity took its place, so the vectors of offset n are the lanes born up to n that had not died by n.
That holds for a clock at or after the recorded time of n. A write dated ahead kills nobody, so there are
more lanes here than a read shows, never fewer: whoever answers a search asks the rows about every hit.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger import Log, Vector
from projections.vectors.blocks import BlocksOf
from projections.vectors.build import Progress, build, extend
from projections.vectors.calibration import calibrate
from projections.vectors.exact import living
from projections.vectors.forgetting import deaths_without, index_without
from projections.vectors.index import Index
from projections.vectors.kernels import Reading, reading, sampled_reading
from projections.vectors.lanes import Lanes

if TYPE_CHECKING:
    from projections.vectors.filters import Key

BULK = 64  # lanes of one event from which they are coded together
INDEXED = frozenset({"euclidean", "sqeuclidean", "cosine", "dot", "manhattan"})


@dataclass(frozen=True)
class Built:
    """An index that is not used yet, and how far it has read: the lanes, and of these, deaths and restless how many."""

    index: Index
    lanes: Lanes
    count: int
    deaths: int
    restless: int


class Field:
    """The vectors of one feature, who of them is dead since when, and their index where one was built."""

    def __init__(self, log: Log, view: str, slot: int, kind: Vector) -> None:
        self.log = log
        self.view = view
        self.slot = slot
        self.kind = kind
        self.lanes = Lanes(log, slot, kind.size)
        self.death_lanes = array("q")
        self.death_offsets = array("q")
        self.restless = array("q")  # lanes whose entity was written without a new vector
        self._marked = bytearray()  # 1 for each of them
        self.filters: dict[Key, Key] = {}  # those that were asked for, each once
        self.index: Index | None = None
        self.fault = ""  # why an index was given up

    def __len__(self) -> int:
        return len(self.lanes)

    @property
    def is_indexable(self) -> bool:
        """Whether an index can promise a recall for this metric and element type."""
        return self.kind.metric in INDEXED and self.kind.dtype != "binary"

    # -- fold --------------------------------------------------------------------------------------

    def add(self, ref: int) -> int:
        """A vector that was put alone; its lane."""
        lane = self.lanes.add(ref)
        if self.index is not None:
            self._follow(self.index, lane, lane + 1)
        return lane

    def add_block(self, ref: int, data: Any) -> range:
        """The vectors of a batch; their lanes."""
        lanes = self.lanes.add_block(ref, data)
        if self.index is not None:
            self._follow(self.index, lanes.start, lanes.stop)
        return lanes

    def _follow(self, index: Index, start: int, stop: int) -> None:
        """Bring new lanes into the index; one that cannot take them is given up, and every vector is measured."""
        try:
            self._index_range(index, start, stop)
        except (ArithmeticError, ValueError) as error:
            self.index = None
            self.fault = repr(error)

    def _index_range(self, index: Index, start: int, stop: int) -> None:
        if stop - start >= BULK:
            extend(index, self.lanes, range(start, stop))
            return
        for lane in range(start, stop):
            index.add(self.elements(lane))

    def kill(self, lane: int, offset: int) -> None:
        """A lane is no longer the newest of its entity."""
        if self.index is not None:
            self.index.find(lane).kill(lane, offset)
        self.death_lanes.append(lane)
        self.death_offsets.append(offset)

    def disturb(self, lane: int) -> None:
        """Features of a lane's entity changed without a new vector."""
        if lane < len(self._marked) and self._marked[lane]:
            return
        self._mark(lane)
        if self.index is not None:
            self.index.find(lane).disturb(lane)
        self.restless.append(lane)

    def _mark(self, lane: int) -> None:
        missing = lane + 1 - len(self._marked)
        if missing > 0:
            self._marked.extend(bytes(missing))
        self._marked[lane] = 1

    def load(self, death_lanes: array[int], death_offsets: array[int], restless: array[int]) -> None:
        """Take the deaths and the restless of a dump."""
        self.death_lanes, self.death_offsets, self.restless = death_lanes, death_offsets, restless
        for lane in restless:
            self._mark(lane)

    # -- read --------------------------------------------------------------------------------------

    def dead(self, offset: int | None) -> Sequence[int]:
        """The lanes that were dead at an offset (None: only the forgotten)."""
        return self.death_lanes[: bisect_right(self.death_offsets, offset or 0)]

    def elements(self, lane: int) -> tuple[float, ...]:
        """The elements of a lane."""
        elements: tuple[float, ...] = self.kind.packer.unpack_from(*self.lanes.locate(lane))
        return elements

    def reading(self, query: Sequence[float] | bytes) -> Reading:
        """What measures the distance of a query to stored vectors."""
        return reading(self.kind, query)

    def sampled(self, query: Sequence[float]) -> Reading | None:
        """The same for a sample of the coordinates, where vectors are wide."""
        return sampled_reading(self.kind, query)

    # -- index -------------------------------------------------------------------------------------

    def build(self, *, seed: int = 0, executor: Executor | None = None, progress: Progress | None = None) -> Built:
        """An index of the lanes there are; it is not used before ``adopt``. Begins anew where some are forgotten."""
        while True:
            lanes = self.lanes
            try:
                return self._build(lanes, seed, executor, progress)
            except LookupError:  # single puts are read from the log
                if lanes is self.lanes:
                    raise

    def _build(self, lanes: Lanes, seed: int, executor: Executor | None, progress: Progress | None) -> Built:
        deaths, restless = len(self.death_lanes), len(self.restless)  # before the lanes: they name no later one
        count, dead = len(lanes), frozenset(self.death_lanes[:deaths])
        index = build(self.kind, lanes, count, dead, seed=seed, executor=executor, progress=progress)
        self._replay(index, (0, 0), (deaths, restless))
        alive = living(count, dead)
        if alive:
            index.promises = calibrate(index, lanes, alive, self, seed)
        return Built(index, lanes, count, deaths, restless)

    def adopt(self, built: Built) -> Index | None:
        """Bring a built index up to now and use it. The caller keeps writers out.

        None where what was forgotten meanwhile leaves too little of it.
        """
        index: Index | None = built.index
        marks = built.deaths, built.restless
        if built.lanes is not self.lanes:
            gone = self.lanes.forgotten()
            index, marks = index_without(built.index, gone, gone, with_deaths=False), (0, 0)
        if index is not None:
            if len(self.lanes) > built.count:
                self._index_range(index, built.count, len(self.lanes))
            self._replay(index, marks, (len(self.death_lanes), len(self.restless)))
        self.index, self.fault = index, ""
        return index

    def forget(self, lanes: Sequence[int], blocks_of: BlocksOf) -> int:
        """See ``Vectors.forget_rows``; how many of these lanes held a vector till now."""
        before = self.lanes.forgotten()
        gone = sorted(set(lanes).difference(before))
        every = sorted([*before, *gone])
        kept = self.lanes.without(gone, blocks_of)
        index = None if self.index is None else index_without(self.index, gone, every)
        deaths = deaths_without(self.death_lanes, self.death_offsets, every)
        left = set(gone)
        restless = array("q", [lane for lane in self.restless if lane not in left])
        self._marked, self.filters = bytearray(), {}
        self.index = index
        self.load(*deaths, restless)
        self.lanes = kept  # last: by them a build knows that what it took is of before
        return len(gone)

    def _replay(self, index: Index, start: tuple[int, int], stop: tuple[int, int]) -> None:
        for place in range(start[0], stop[0]):
            lane = self.death_lanes[place]
            index.find(lane).kill(lane, self.death_offsets[place])
        for place in range(start[1], stop[1]):
            lane = self.restless[place]
            index.find(lane).disturb(lane)

    def is_due(self, start: int) -> bool:
        """Whether a build is worth while: none yet from ``start`` vectors on, or one that has outgrown its training."""
        index = self.index
        if index is None:
            return len(self.lanes) >= start and self.is_indexable and not self.fault
        return index.is_outgrown

    def stats(self) -> dict[str, Any]:
        """Sizes, and what the index promises."""
        index = self.index
        sizes = {"vectors": len(self.lanes), "dead": len(self.death_lanes), "dim": self.kind.dim}
        kind: dict[str, Any] = {"metric": self.kind.metric, "dtype": self.kind.dtype, "indexable": self.is_indexable}
        kind["fault"] = self.fault
        return {**sizes, **kind, **(index.stats() if index is not None else {})}

    def check(self) -> None:
        """Every structural rule."""
        self.lanes.check()
        assert self.lanes.forgotten() == sorted(self.dead(0))
        assert list(self.death_offsets) == sorted(self.death_offsets)
        assert len(set(self.death_lanes)) == len(self.death_lanes) == len(self.death_offsets)
        if self.index is not None:
            self.index.check()
            assert self.index.count == len(self.lanes)
