"""Which segments of a layer an experiment has: chosen by its seed, from what is free, and kept as far as can be."""

from __future__ import annotations

from random import Random

import pytest

from ledger import SEGMENTS
from tests.vectordb.experiments.naive_layer import naive_take
from vectordb.experiments.layers import EVERY, choose


def members(mask: int) -> set[int]:
    return {number for number in range(SEGMENTS) if mask >> number & 1}


def mask_of(numbers: set[int]) -> int:
    return sum(1 << number for number in numbers)  # ints


@pytest.mark.parametrize("seed", range(3))
def test_what_is_taken_is_what_a_naive_layer_gives(seed: int) -> None:
    random = Random(seed)
    taken = set(random.sample(range(SEGMENTS), random.randrange(8_000)))
    share = random.randrange(SEGMENTS - len(taken)) / SEGMENTS
    found = choose(0, EVERY & ~mask_of(taken), round(share * SEGMENTS), f"s{seed}")
    assert members(found) == naive_take(taken, share, f"s{seed}")


def test_experiments_of_a_layer_exclude_each_other() -> None:
    a = choose(0, EVERY, 2_500, "x")
    b = choose(0, EVERY & ~a, 5_000, "x")
    assert not a & b and (a.bit_count(), b.bit_count()) == (2_500, 5_000)
    rest = choose(0, EVERY & ~a & ~b, 9_999, "y")
    assert rest == EVERY & ~a & ~b  # all that is free, where that is less


def test_another_seed_takes_others() -> None:
    assert choose(0, EVERY, 2_000, "one") != choose(0, EVERY, 2_000, "another")
    assert choose(0, EVERY, 2_000, "one") == choose(0, EVERY, 2_000, "one")


def test_what_is_taken_is_spread_over_the_layer() -> None:
    owned = members(choose(0, EVERY, 5_000, "s"))
    assert all(400 < sum(number // 1_000 == place for number in owned) < 600 for place in range(10))  # ints


def test_every_share_of_four_digits_is_taken() -> None:
    for wanted in (0, 1, 3, 7, 2_500, 3_333, 9_999, 10_000):
        assert choose(0, EVERY, wanted, "s").bit_count() == wanted


def test_growing_and_shrinking_keep_what_can_be_kept() -> None:
    small = choose(0, EVERY, 2_000, "s")
    other = choose(0, EVERY & ~small, 3_000, "t")
    large = choose(small, EVERY & ~other, 6_000, "s")
    assert small & large == small and not large & other and large.bit_count() == 6_000
    back = choose(large, EVERY & ~other, 2_000, "s")
    assert back & large == back and back.bit_count() == 2_000
    assert choose(small, EVERY & ~other, 2_000, "s") == small
