"""Running sums over many blocks: at their edges, back and forth."""

from __future__ import annotations

from math import nan
from random import Random

import pytest

from projections import JointMoments, Moments, joint_moments, moments
from projections.experiments.steps import BLOCK, PairSteps, Steps

SIZE = 3 * BLOCK + 57


def changes(random: Random, absent: float) -> list[tuple[int, int, float, float]]:
    """(offset, unit, old, new) of units that come, change and go."""
    now: dict[int, float] = {}
    rows = []
    for place in range(SIZE):
        unit = random.randrange(60)
        old = now.get(unit, absent)
        new = random.choice([round(random.uniform(-9, 9), random.randrange(3)), absent])
        if old == old or new == new:
            rows.append((1 + place // 3, unit, old, new))
        now[unit] = new
    return rows


def at(rows: list[tuple[int, int, float, float]], offset: int) -> list[float]:
    """The values at an offset."""
    now = {unit: new for when, unit, _, new in rows if when <= offset}
    return [value for value in now.values() if value == value and value]


@pytest.mark.parametrize("absent", [0.0, nan])
def test_sums_as_of_every_offset(absent: float) -> None:
    rows = changes(Random(3), absent)
    steps = Steps(absent)
    for offset, unit, old, new in rows:
        steps.add(unit, offset, old, new)
    for offset, found in enumerate(steps.along(range(SIZE // 3 + 2))):
        assert found[1:] == moments(at(rows, offset))[1:]
    backward = list(range(SIZE // 3 + 1, -1, -1))
    assert steps.along(backward) == [steps.along([offset])[0] for offset in backward]
    assert len(steps.sums) == len(steps.offsets) // BLOCK


@pytest.mark.parametrize("absent", [0.0, nan])
def test_sums_of_pairs(absent: float) -> None:
    random = Random(4)
    steps, now = PairSteps(absent), {}
    states = []
    nobody = (absent, absent)
    for offset in range(1, SIZE):
        unit = random.randrange(40)
        new = random.choice([nobody, (random.random(), float(random.randrange(5)))])
        if not (new is nobody and now.get(unit, nobody) is nobody):
            steps.add(unit, offset, now.get(unit, nobody), new)
        now[unit] = new
        states.append({key: pair for key, pair in now.items() if pair is not nobody})
    for state, found in zip(states, steps.along(range(1, SIZE))):
        assert found[1:] == joint_moments(state.values())[1:]
    assert isinstance(found, JointMoments) and not isinstance(found, Moments)
