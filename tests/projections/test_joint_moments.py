"""Joint moments: exact, whatever the order, the sizes and the history of merges and retractions."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

import pytest

from ledger import InvalidInput
from projections import NO_PAIRS, JointMoments, joint_moments, moments

Pair = tuple[float, float]


def random_pairs(rng: Random, size: int) -> list[Pair]:
    """Ints, small and huge floats, and zeros."""

    def number() -> float:
        kind = rng.randrange(4)
        if kind == 0:
            return rng.randrange(-9, 10)
        return rng.gauss(0, 1) * 10.0 ** rng.choice([0, 0, 12, -12, 300, -300])

    return [(number(), number()) for _ in range(size)]


def naive(pairs: list[Pair]) -> tuple[Fraction, ...]:
    exact = [(Fraction(y), Fraction(x)) for y, x in pairs]
    products = (sum((y * y for y, _ in exact), Fraction(0)), sum((x * x for _, x in exact), Fraction(0)))
    sums = (sum((y for y, _ in exact), Fraction(0)), sum((x for _, x in exact), Fraction(0)))
    return *sums, *products, sum((y * x for y, x in exact), Fraction(0))


def sums_of(held: JointMoments) -> tuple[Fraction, ...]:
    single = (Fraction(value, held.scale) for value in (held.y, held.x))
    return *single, *(Fraction(value, held.scale**2) for value in (held.yy, held.xx, held.yx))


@pytest.mark.parametrize("seed", range(30))
def test_sums_are_exact(seed: int) -> None:
    rng = Random(seed)
    pairs = random_pairs(rng, rng.randrange(30))
    held = joint_moments(pairs)
    assert held.size == len(pairs) and sums_of(held) == naive(pairs)
    assert held.scale & (held.scale - 1) == 0


@pytest.mark.parametrize("seed", range(30))
def test_no_order_changes_a_bit(seed: int) -> None:
    rng = Random(seed)
    pairs = random_pairs(rng, rng.randrange(1, 30))
    held = joint_moments(pairs)
    shuffled = rng.sample(pairs, len(pairs))
    cut = rng.randrange(len(pairs) + 1)
    assert joint_moments(shuffled) == held
    assert joint_moments(shuffled[:cut]).merge(joint_moments(shuffled[cut:])) == held


@pytest.mark.parametrize("seed", range(30))
def test_a_random_history_equals_what_is_left(seed: int) -> None:
    rng = Random(seed)
    held, left = NO_PAIRS, list[Pair]()
    for _ in range(60):
        if left and rng.random() < 0.4:
            gone = left.pop(rng.randrange(len(left)))
            held = held.retract(joint_moments([gone]))
        else:
            left += random_pairs(rng, 1)
            held = held.merge(joint_moments(left[-1:]))
        assert held == joint_moments(left)
    assert held.retract(held) == NO_PAIRS


@pytest.mark.parametrize("seed", range(10))
def test_each_side_has_its_moments(seed: int) -> None:
    pairs = random_pairs(Random(seed), 20)
    held = joint_moments(pairs)
    assert held.first == moments([y for y, _x in pairs])
    assert held.second == moments([x for _y, x in pairs])


def test_the_covariance_does_not_cancel() -> None:
    low = [(1, 2.0), (2, 3.5), (4, 3.0), (9, 11.5)]
    high = [(1e9 + y, 1e12 + x) for y, x in low]
    assert joint_moments(low).covariance == joint_moments(high).covariance
    mean_y, mean_x = math.fsum(y for y, _ in low) / 4, math.fsum(x for _, x in low) / 4
    right = math.fsum((y - mean_y) * (x - mean_x) for y, x in low) / 3
    assert joint_moments(low).covariance == pytest.approx(right, rel=1e-14)


def test_few_pairs_and_beyond_float64() -> None:
    assert NO_PAIRS.covariance is None and joint_moments([(1, 2)]).covariance is None
    assert joint_moments([(1e200, 1e200), (-1e200, -1e200)]).covariance is None
    assert joint_moments([]) == NO_PAIRS == joint_moments([(0.0, 0.0)]).retract(joint_moments([(0, 0)]))


def test_whole_numbers_and_floats_are_the_same() -> None:
    assert joint_moments([(1, 2), (3, 5)]) == joint_moments([(1.0, 2.0), (True, 0.0), (3.0, 5)]).retract(
        joint_moments([(1.0, 0)])
    )


def test_only_what_was_added_is_taken_back() -> None:
    with pytest.raises(InvalidInput, match="taken back"):
        NO_PAIRS.retract(joint_moments([(1, 1)]))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_are_finite(value: float) -> None:
    for pair in ((value, 1.0), (1.0, value)):
        with pytest.raises(InvalidInput, match="finite"):
            joint_moments([(1.0, 1.0), pair])


def test_many_pairs_of_like_size_are_exact() -> None:
    rng = Random(3)
    for level, wide in ((0.0, 1.0), (1e9, 1e-3), (1e18, 1e15), (0.0, 1e-290), (0.0, 1e290)):
        pairs = [(rng.gauss(level, wide), rng.gauss(level, wide)) for _ in range(300)] + [(0.0, -0.0)]
        assert sums_of(joint_moments(pairs)) == naive(pairs)
    assert joint_moments([(0.0, 0.0)] * 3).size == 3
    long = [(rng.random(), rng.random()) for _ in range(9_000)]
    assert joint_moments(long) == joint_moments(long[::-1])
