"""The adder against a plain evaluation of the same digits, lane by lane."""

from __future__ import annotations

import random

import pytest

from projections.vectors.adder import EIGHTHS, LOWEST, Programme, Sums, at_least, digits

pytest.importorskip("hypothesis")
import itertools

from hypothesis import example, given, settings
from hypothesis import strategies as st

LIMIT = EIGHTHS * 512
WEIGHTS = st.lists(st.integers(-LIMIT, LIMIT) | st.sampled_from([0, 1, -1, 4, 6, 8, -8, LIMIT, -LIMIT]), max_size=40)


def value_of(eighths: int) -> int:
    """What the digits stand for, in whole units."""
    return sum(
        (-1 if slot & 1 else 1) << (slot >> 1) if not slot & 1 else -(1 << (slot >> 1)) for slot in digits(eighths)
    )


def sum_of(sums: Sums, lane: int) -> int:
    low = sum((plane >> lane & 1) << bit for bit, plane in enumerate(sums.planes))
    return low - (sums.sign >> lane & 1) * (1 << len(sums.planes))


@given(st.integers(-LIMIT, LIMIT))
@settings(max_examples=300, deadline=None)
def test_digits_are_canonical_and_near_the_weight(eighths: int) -> None:
    positions = [slot >> 1 for slot in digits(eighths)]
    assert all(after - before >= 2 for before, after in itertools.pairwise(positions))
    assert abs(value_of(eighths) - eighths / EIGHTHS) < 0.7


def test_the_error_of_cut_digits_is_at_most_five_eighths() -> None:
    worst = max(abs(value_of(eighths) * EIGHTHS - eighths) for eighths in range(-2000, 2001))
    assert worst == sum(1 << bit for bit in range(LOWEST) if bit % 2 == 0)  # 5: the digits 4 and 1


def test_whole_weights_are_exact() -> None:
    assert [value_of(unit * EIGHTHS) for unit in range(-600, 601)] == list(range(-600, 601))
    assert [digits(-eighths) for eighths in range(500)] == [
        tuple(slot ^ 1 for slot in digits(eighths)) for eighths in range(500)
    ]


@given(WEIGHTS, st.integers(0, 2**32))
@example([], 0)
@example([8], 1)
@example([-8], 1)
@example([-8, -8, -8], 1)
@example([4096] * 40, 1)
@example([-4096] * 40, 1)
@settings(max_examples=150, deadline=None)
def test_a_programme_is_the_plain_weighted_sum_on_every_lane(weights: list[int], seed: int) -> None:
    lanes = 37
    rng = random.Random(seed)
    planes = [rng.choice([rng.getrandbits(lanes), 0, (1 << lanes) - 1]) for _ in weights]
    programme = Programme(weights)
    assert programme.terms == sum(len(digits(weight)) for weight in weights)
    sums = programme.run(planes)
    values = [value_of(weight) for weight in weights]
    wanted = [sum(v * (plane >> lane & 1) for v, plane in zip(values, planes)) for lane in range(lanes)]
    assert [sum_of(sums, lane) for lane in range(lanes)] == wanted


@given(WEIGHTS, st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_at_least_is_exact_for_every_bound(weights: list[int], seed: int) -> None:
    lanes = 29
    rng = random.Random(seed)
    planes = [rng.getrandbits(lanes) for _ in weights]
    sums = Programme(weights).run(planes)
    values = [sum_of(sums, lane) for lane in range(lanes)]
    mask = rng.getrandbits(lanes)
    top = 1 << len(sums.planes)
    near = {value + shift for value in values for shift in (-1, 0, 1)}
    for bound in {*near, 0, -top, -top - 1, -top + 1, top, top - 1, top + 1, 10**9, -(10**9)}:
        wanted = sum(1 << lane for lane, value in enumerate(values) if mask >> lane & 1 and value >= bound)
        assert at_least(sums, bound, mask) == wanted, bound


def test_at_least_of_a_sum_with_few_planes() -> None:
    """Every bound of every two's complement number of three bits."""
    values = range(-4, 4)
    planes = [sum((value & 3) >> bit & 1 and 1 << lane for lane, value in enumerate(values)) for bit in range(2)]
    sums = Sums(planes, sum(1 << lane for lane, value in enumerate(values) if value < 0))
    for bound in range(-9, 10):
        assert at_least(sums, bound, 255) == sum(1 << lane for lane, value in enumerate(values) if value >= bound)
