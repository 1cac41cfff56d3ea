"""Lanes against a plain list of (reference, bytes)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ledger import ROW_BITS
from projections.vectors.exact import living
from projections.vectors.lanes import Lanes

pytest.importorskip("hypothesis")
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

SIZE = 4


class FakeLog:
    """Heavy cells by reference."""

    def __init__(self) -> None:
        self.cells: dict[int, bytes] = {}

    def heavy(self, ref: int, slot: int) -> bytes:
        assert slot == 2
        return self.cells[ref]


class LanesMachine(RuleBasedStateMachine):
    """Single puts, batches and events that write no vector, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.log = FakeLog()
        self.lanes = Lanes(self.log, 2, SIZE)  # type: ignore[arg-type]
        self.model: list[tuple[int, bytes]] = []
        self.offset = 0
        self.rng = random.Random(0)

    @rule(count=st.integers(1, 5))
    def singles(self, count: int) -> None:
        for _ in range(count):
            self.offset += 1
            ref, cell = self.offset << ROW_BITS, self.rng.randbytes(SIZE)
            self.log.cells[ref] = cell
            assert self.lanes.add(ref) == len(self.model)
            self.model.append((ref, cell))

    @rule(count=st.integers(1, 6), first=st.integers(0, 3))
    def batch(self, count: int, first: int) -> None:
        self.offset += 1
        base = self.offset << ROW_BITS | first
        cells = [self.rng.randbytes(SIZE) for _ in range(count)]
        found = self.lanes.add_block(base, b"".join(cells))
        assert found == range(len(self.model), len(self.model) + count)
        self.model += [(base + place, cell) for place, cell in enumerate(cells)]

    @rule(count=st.integers(1, 3))
    def other_events(self, count: int) -> None:
        self.offset += count

    @invariant()
    def agrees(self) -> None:
        lanes, model = self.lanes, self.model
        lanes.check()
        assert len(lanes) == lanes.count == len(model)
        for lane, (ref, cell) in enumerate(model):
            assert lanes.ref(lane) == ref and lanes.lane(ref) == lane
            buffer, start = lanes.locate(lane)
            assert buffer[start : start + SIZE] == cell
        refs = [ref for ref, _ in model]
        for offset in range(self.offset + 2):
            for limit in (offset << ROW_BITS, offset << ROW_BITS | 2, (offset + 1 << ROW_BITS) - 1):
                assert lanes.below(limit) == sum(ref <= limit for ref in refs), limit
                assert lanes.lane(limit) == (refs.index(limit) if limit in refs else -1)
        for _ in range(3):
            start, stop = sorted((self.rng.randint(0, len(model)), self.rng.randint(0, len(model))))
            assert lanes.raw(start, stop) == b"".join(cell for _, cell in model[start:stop])
            chosen = [self.rng.randrange(len(model)) for _ in range(4)] if model else []
            assert lanes.pick(chosen) == b"".join(model[lane][1] for lane in chosen)

    @invariant()
    def reloads(self) -> None:
        """A dump of the runs gives the same lanes; a run of a batch finds its bytes again."""
        if self.offset > 12:
            return
        starts, refs, singles = self.lanes.runs()
        assert len(starts) == len(refs) == len(singles)


TestLanes = LanesMachine.TestCase
TestLanes.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)


@pytest.mark.parametrize("count", [0, 1, 9])
@pytest.mark.parametrize("dead", [(), (0,), (0, 3, 8), (8, 20)])
def test_the_living_are_the_lanes_that_are_not_dead(count: int, dead: Any) -> None:
    assert list(living(count, dead)) == [lane for lane in range(count) if lane not in dead]
