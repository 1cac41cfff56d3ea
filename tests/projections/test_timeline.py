"""The timeline: two orders of the same references."""

from __future__ import annotations

import random

import pytest

from projections import Timeline


@pytest.mark.parametrize("seed", range(20))
def test_it_walks_back_in_order_of_event_time_and_reference(seed: int) -> None:
    rng = random.Random(seed)
    timeline, known = Timeline(), []
    for ref in range(1, 30):
        event_time = rng.randrange(10)
        timeline.add(ref, event_time)
        known.append((event_time, ref))
        timeline.check()
        for limit in (0, ref // 2, ref):
            for at in (-1, 3, 9):
                expected = sorted((pair for pair in known if pair[1] <= limit and pair[0] <= at), reverse=True)
                assert list(timeline.back_from(limit, at)) == [pair[1] for pair in expected], seed


def test_references_stay_in_order_of_arrival() -> None:
    timeline = Timeline()
    for ref, event_time in ((1, 5), (2, 1), (3, 3)):
        timeline.add(ref, event_time)
    assert list(timeline.refs) == [1, 2, 3]


def test_a_reader_keeps_the_order_it_began_with() -> None:
    timeline = Timeline()
    timeline.add(1, 10)
    timeline.add(2, 20)
    walk = timeline.back_from(99, 99)
    assert next(walk) == 2
    timeline.add(3, 5)
    timeline.add(4, 30)
    assert list(walk) == [1]
