"""Exact joint moments: against fractions, in any order and grouping, merged and taken back."""

from __future__ import annotations

import random
from fractions import Fraction
from math import inf, nan

import pytest

from ledger import InvalidInput
from projections import NO_PAIRS, JointMoments, joint_moments, moments

Pairs = list[tuple[float, float]]


def drawn(seed: int, count: int = 60) -> Pairs:
    """Numbers of very different sizes, whole ones and zeros among them."""
    rng = random.Random(seed)
    numbers = [1e308, -1e300, 5e-324, 0.0, -0.0, 3, 7.0, 0.1, 1e15 + 1, rng.gauss(0, 1)]
    return [(rng.choice(numbers), rng.choice([*numbers, rng.random()])) for _ in range(count)]


def exact(held: JointMoments) -> list[Fraction]:
    """The sums of y, x, y*y, x*x and y*x."""
    square = held.scale * held.scale
    sums = [Fraction(held.y, held.scale), Fraction(held.x, held.scale)]
    return sums + [Fraction(value, square) for value in (held.yy, held.xx, held.yx)]


@pytest.mark.parametrize("seed", range(8))
def test_sums_are_those_of_fractions(seed: int) -> None:
    pairs = drawn(seed)
    ys, xs = [Fraction(y) for y, _ in pairs], [Fraction(x) for _, x in pairs]
    products = [sum(y * y for y in ys), sum(x * x for x in xs), sum(y * x for y, x in zip(ys, xs))]  # ints
    assert exact(joint_moments(pairs)) == [sum(ys), sum(xs), *products]  # ints
    found = joint_moments(pairs)
    assert found.first == moments(y for y, _ in pairs) and found.second == moments(x for _, x in pairs)
    assert found.size == len(pairs) and found.scale & (found.scale - 1) == 0


@pytest.mark.parametrize("seed", range(8))
def test_no_order_or_grouping_changes_a_bit(seed: int) -> None:
    pairs, rng = drawn(seed), random.Random(seed)
    whole = joint_moments(pairs)
    rng.shuffle(pairs)
    cut = rng.randrange(len(pairs) + 1)
    one, other = joint_moments(pairs[:cut]), joint_moments(pairs[cut:])
    assert joint_moments(pairs) == whole == one.merge(other) == other.merge(one)
    assert whole.retract(other) == one and whole.retract(one) == other and whole.retract(whole) == NO_PAIRS


def test_the_covariance_is_rounded_once() -> None:
    pairs = [(1e9 + 4, 1.0), (1e9 + 7, 2.0), (1e9 + 13, 4.0), (1e9 + 16, 5.0)]
    found = joint_moments(pairs)
    y, x = [Fraction(one) for one, _ in pairs], [Fraction(other) for _, other in pairs]
    mean_y, mean_x = sum(y) / 4, sum(x) / 4  # ints
    expected = sum((a - mean_y) * (b - mean_x) for a, b in zip(y, x)) / 3  # ints
    assert found.covariance == float(expected) == 10.0 and found.first.std == 30**0.5
    assert joint_moments([(1, 2), (2, 4), (3, 6)]).covariance == 2.0
    assert joint_moments([(1.0, 1.0)]).covariance is None is NO_PAIRS.covariance
    assert joint_moments([(1.7e308, 1.7e308), (-1.7e308, -1.7e308)]).covariance is None  # beyond float64


def test_what_is_no_pair_of_numbers_is_refused() -> None:
    for wrong in (nan, inf, -inf):
        with pytest.raises(InvalidInput, match="finite"):
            joint_moments([(1.0, wrong)])
    with pytest.raises(InvalidInput, match="taken back"):
        joint_moments([(1, 1)]).retract(joint_moments([(1, 1), (2, 2)]))
