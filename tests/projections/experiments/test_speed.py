"""The user's bars: a million outcomes in 5 s, moments as of any offset in 100 ms, at the head in 50 ms.

Medians of processor time: what else a machine does meanwhile is no news of ours.
"""

from __future__ import annotations

from random import Random
from statistics import median
from time import process_time

from ledger import Event, Metric, Outcome, OutcomesRecorded
from tests.projections.experiments.world import World

UNITS = 100_000
CHUNK = 1000
CHUNKS_OF_A_MILLION = 1000


def world_of_many() -> tuple[World, float]:
    """Units with one outcome each on average, and the seconds that tallying a chunk of outcomes took."""
    world, random = World(), Random(1)
    world.define(metrics={"spend": Metric("sum", window_micros=10**9)})
    names = [f"user-{number}" for number in range(UNITS)]
    for start in range(0, UNITS, CHUNK):
        world.expose(*((name, random.choice("ab")) for name in names[start : start + CHUNK]))
    taken = []
    for _ in range(UNITS // CHUNK):
        rows = [Outcome(random.choice(names), "spend", round(random.uniform(0, 90), 2), 5) for _ in range(CHUNK)]
        event = Event(world.log.head + 1, world.log.head + 1, OutcomesRecorded("x@1", tuple(rows)), None)
        world.log.append(event)
        begun = process_time()
        world.fold.apply(event)
        taken.append(process_time() - begun)
    return world, median(taken)


def test_the_bars() -> None:
    world, taken = world_of_many()
    assert taken * CHUNKS_OF_A_MILLION < 5.0
    random, past, head = Random(2), [], []
    for _ in range(21):
        offset = random.randrange(1, world.log.head)
        begun = process_time()
        world.experiments.tallies("x", offset).moments("spend")
        past.append(process_time() - begun)
        begun = process_time()
        world.experiments.tallies("x").moments("spend")
        head.append(process_time() - begun)
    assert median(past) < 0.1 and median(head) < 0.05
