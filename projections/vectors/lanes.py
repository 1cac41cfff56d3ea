"""Lanes: the vectors of one feature in log order, and where each of them is stored.

A lane is the number of a stored vector. Consecutive references make a **run**: the rows of one batch
(their bytes lie in the event's block, contiguous), or single puts of consecutive events (their bytes lie
in the packed rows). So a million vectors of a bulk load cost a few words here, and nothing is copied.
A vector that was forgotten keeps its lane, so that all others keep theirs; zeros stand in its place.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from ledger import ROW_BITS, Block, Log
from projections.vectors.blocks import BlocksOf, column_of

EVENT = 1 << ROW_BITS  # from the reference of one single put to the next
BATCH, SINGLES, FORGOTTEN = range(3)  # what a run is, in a dump


class Zeros(bytes):
    """What stands in place of the forgotten vectors of a run."""


class Lanes:
    """References and bytes of lanes 0..len - 1."""

    __slots__ = ("_buffers", "_log", "_refs", "_size", "_slot", "_starts", "count")

    def __init__(self, log: Log, slot: int, size: int) -> None:
        self._log = log
        self._slot = slot
        self._size = size  # bytes of a vector
        self._starts = array("q")
        self._refs = array("q")
        self._buffers: list[Any] = []  # of a batch its bytes or a view of them, None for single puts, or ``Zeros``
        self.count = 0

    def __len__(self) -> int:
        return self.count

    # -- growing -----------------------------------------------------------------------------------

    def add(self, ref: int) -> int:
        """The lane of a single put."""
        lane = self.count
        if not (
            self._starts and self._buffers[-1] is None and self._refs[-1] + (lane - self._starts[-1]) * EVENT == ref
        ):
            self._start(ref, None)
        self.count = lane + 1
        return lane

    def add_block(self, ref: int, data: Any) -> range:
        """The lanes of a batch, ``data`` its vectors one after the other (bytes, or a view of some)."""
        first = self.count
        self._start(ref, data)
        self.count = first + len(data) // self._size
        return range(first, self.count)

    def _start(self, ref: int, buffer: Any) -> None:
        self._buffers.append(buffer)
        self._refs.append(ref)
        self._starts.append(self.count)

    # -- reading -----------------------------------------------------------------------------------

    def ref(self, lane: int) -> int:
        """The reference of a lane. 0.3 us."""
        run = bisect_right(self._starts, lane) - 1
        step = 1 if self._buffers[run] is not None else EVENT
        return self._refs[run] + (lane - self._starts[run]) * step

    def below(self, limit: int) -> int:
        """How many lanes have a reference up to ``limit``."""
        count = self.count
        run = bisect_right(self._refs, limit) - 1
        if run < 0:
            return 0
        end = self._starts[run + 1] if run + 1 < len(self._starts) else count
        step = 1 if self._buffers[run] is not None else EVENT
        return min(end, self._starts[run] + (limit - self._refs[run]) // step + 1)

    def lane(self, ref: int) -> int:
        """The lane of a reference; -1 where it wrote no vector here."""
        lane = self.below(ref) - 1
        return lane if lane >= 0 and self.ref(lane) == ref else -1

    def locate(self, lane: int) -> tuple[bytes, int]:
        """The bytes that hold a lane's vector, and where it begins. 0.4 us."""
        run = bisect_right(self._starts, lane) - 1
        buffer = self._buffers[run]
        if buffer is not None:
            return buffer, (lane - self._starts[run]) * self._size
        return self._log.heavy(self._refs[run] + (lane - self._starts[run]) * EVENT, self._slot), 0

    def locate_all(self, lanes: Sequence[int]) -> tuple[Sequence[Any], Sequence[int]]:
        """Of many lanes the buffers that hold them, and where each begins. 0.2 us a lane."""
        starts, buffers, size = self._starts, self._buffers, self._size
        runs = [bisect_right(starts, lane) - 1 for lane in lanes] if len(starts) > 1 else [0] * len(lanes)
        held = [buffers[run] for run in runs]
        if None not in buffers:
            return held, [(lane - starts[run]) * size for lane, run in zip(lanes, runs)]
        found = [self.locate(lane) for lane in lanes]
        return [buffer for buffer, _ in found], [place for _, place in found]

    def pick(self, lanes: Sequence[int]) -> bytes:
        """The stored bytes of some lanes, one after the other."""
        size = self._size
        return b"".join([buffer[start : start + size] for buffer, start in zip(*self.locate_all(lanes))])

    def raw(self, start: int, stop: int) -> bytes:
        """The stored bytes of a range of lanes."""
        parts = []
        while start < stop:
            run = bisect_right(self._starts, start) - 1
            buffer = self._buffers[run]
            end = min(stop, self._starts[run + 1] if run + 1 < len(self._starts) else self.count)
            if buffer is None:
                parts.append(self.pick(range(start, end)))
            else:
                base = self._starts[run]
                parts.append(buffer[(start - base) * self._size : (end - base) * self._size])
            start = end
        return b"".join(parts)

    # -- forgetting --------------------------------------------------------------------------------

    def forgotten(self) -> list[int]:
        """The lanes whose vectors are gone, ascending."""
        runs = [run for run, buffer in enumerate(self._buffers) if type(buffer) is Zeros]
        return [lane for run in runs for lane in range(self._starts[run], self._end(run))]

    def present(self, count: int) -> Sequence[int]:
        """The lanes below ``count`` whose vectors are there."""
        gone = set(self.forgotten())
        return [lane for lane in range(count) if lane not in gone] if gone else range(count)

    def without(self, gone: Sequence[int], blocks_of: BlocksOf) -> Lanes:
        """The same lanes, with zeros for some of them (ascending), and no reference to the bytes that held these.

        What else their events wrote is read from the log again. A reader at work keeps the lanes that it has.
        """
        offsets = sorted({self.ref(lane) >> ROW_BITS for lane in gone})
        fresh = Lanes(self._log, self._slot, self._size)
        done = 0
        for run in self._touched(gone, offsets):
            fresh._copy(self, done, run)
            self._recut(fresh, run, gone, blocks_of)
            done = run + 1
        fresh._copy(self, done, len(self._starts))
        fresh.count = self.count
        return fresh

    def _touched(self, gone: Sequence[int], offsets: Sequence[int]) -> list[int]:
        """The runs of some lanes, and all others of the batches of some events."""
        runs = {bisect_right(self._starts, lane) - 1 for lane in gone}
        for offset in offsets:
            first = bisect_left(self._refs, offset << ROW_BITS)
            runs.update(range(first, bisect_left(self._refs, (offset + 1) << ROW_BITS)))
        return sorted(run for run in runs if type(self._buffers[run]) is not Zeros)

    def _copy(self, other: Lanes, start: int, stop: int) -> None:
        self._starts += other._starts[start:stop]
        self._refs += other._refs[start:stop]
        self._buffers += other._buffers[start:stop]

    def _recut(self, fresh: Lanes, run: int, gone: Sequence[int], blocks_of: BlocksOf) -> None:
        """Add the parts of a run: those that are gone, and between them those that are kept."""
        lane, end = self._starts[run], self._end(run)
        single = self._buffers[run] is None
        for part in gone[bisect_left(gone, lane) : bisect_left(gone, end)]:
            if lane < part:
                self._keep(fresh, lane, part, single, blocks_of)
            fresh.count, lane = part, part + 1
            fresh._start(self.ref(part), Zeros(self._size))
        if lane < end:
            self._keep(fresh, lane, end, single, blocks_of)

    def _keep(self, fresh: Lanes, start: int, stop: int, single: bool, blocks_of: BlocksOf) -> None:
        ref = self.ref(start)
        fresh.count = start
        fresh._start(ref, None if single else self._column(blocks_of(ref >> ROW_BITS), ref, stop - start))

    def _column(self, blocks: Iterable[Block], ref: int, count: int) -> Any:
        return column_of(blocks, self._slot, self._size, ref, count)

    def _end(self, run: int) -> int:
        return self._starts[run + 1] if run + 1 < len(self._starts) else self.count

    # -- checkpoint --------------------------------------------------------------------------------

    def runs(self) -> tuple[array[int], array[int], array[int]]:
        """First lane and reference of every run, and what it is."""
        return self._starts, self._refs, array("B", map(_form, self._buffers))

    def load(self, starts: array[int], refs: array[int], forms: bytes, count: int) -> None:
        """Take the runs of a dump; the bytes of batches are found in the log again."""
        stops = [*starts, count][1:]
        for start, stop, ref, form in zip(starts, stops, refs, forms, strict=True):
            self.count = start
            self._start(ref, self._stored(ref, stop - start, form))
        self.count = count

    def _stored(self, ref: int, count: int, form: int) -> Any:
        if form != BATCH:
            return None if form == SINGLES else Zeros(self._size * count)
        return self._column(self._log.event(ref >> ROW_BITS).fact.blocks(), ref, count)

    def check(self) -> None:
        """Runs ascend, and references with them."""
        assert list(self._starts) == sorted(set(self._starts)) and list(self._refs) == sorted(set(self._refs))
        assert bisect_left(self._starts, self.count) == len(self._starts)


def _form(buffer: Any) -> int:
    return SINGLES if buffer is None else FORGOTTEN if type(buffer) is Zeros else BATCH
