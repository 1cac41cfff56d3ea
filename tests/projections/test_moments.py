"""Exact moments against fractions, whatever the sizes, the order and the pieces."""

from __future__ import annotations

import random
from fractions import Fraction
from math import inf, nan, sqrt
from statistics import pstdev, stdev

import pytest

from ledger import InvalidInput
from projections import NOTHING, Moments, moments

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.lists(
    st.one_of(
        FINITE,
        st.floats(-10.0, 10.0),
        st.integers(-(2**70), 2**70),
        st.booleans(),
        st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1e308, -1e308, 2.0**1023, 1e15, 1e15 + 1]),
    ),
    max_size=30,
)


def exactly(held: Moments) -> tuple[int, Fraction, Fraction]:
    return held.size, Fraction(held.total, held.scale), Fraction(held.squares, held.scale**2)


def by_fractions(numbers) -> tuple[int, Fraction, Fraction]:
    """Whole numbers alone are taken as they are; among floats each is a float."""
    whole = all(isinstance(number, int) for number in numbers)
    taken = [Fraction(number if whole else float(number)) for number in numbers]
    return len(taken), sum(taken, Fraction(0)), sum((value * value for value in taken), Fraction(0))


def is_lean(held: Moments) -> bool:
    """Whether a scale is the smallest power of two that holds both sums."""
    return held.scale == 1 or held.total % 2 == 1 or held.squares % 4 != 0


@given(NUMBERS)
def test_sums_are_exact(numbers):
    held = moments(numbers)
    assert exactly(held) == by_fractions(numbers)
    assert is_lean(held)


@given(NUMBERS, st.randoms())
def test_no_order_matters(numbers, rng):
    held = moments(numbers)
    rng.shuffle(numbers)
    assert moments(numbers) == held == moments(iter(numbers))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_merging_is_exact_commutes_and_associates(first, second, third):
    one, two, three = ([float(number) for number in part] for part in (first, second, third))
    a, b, c = moments(one), moments(two), moments(three)
    assert a.merge(b) == b.merge(a) == moments(one + two)
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == moments(one + two + three)
    assert a.merge(NOTHING) == NOTHING.merge(a) == a


@given(NUMBERS, NUMBERS)
def test_retracting_undoes_merging(first, second):
    a, b = moments(first), moments(second)
    both = a.merge(b)
    assert both.retract(b) == a
    assert both.retract(a) == b
    assert both.retract(both) == NOTHING
    assert is_lean(both) and is_lean(both.retract(b))


def test_retracting_more_than_was_added_is_refused():
    with pytest.raises(InvalidInput, match="taken back"):
        moments([1.0]).retract(moments([1.0, 2.0]))


@settings(max_examples=200)
@given(NUMBERS)
def test_every_figure_is_rounded_once(numbers):
    held = moments(numbers)
    size, total, squares = by_fractions(numbers)
    if not size:
        assert (held.mean, held.variance, held.deviation, held.std) == (None, None, None, None)
        return
    variance = squares / size - (total / size) ** 2
    assert held.mean == float(total / size)
    assert held.variance == rounded(variance)
    assert is_root(held.deviation, variance)
    if size == 1:
        assert held.std is None and held.variance == 0.0
    else:
        assert is_root(held.std, variance * size / (size - 1))


def rounded(value: Fraction) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def is_root(found: float | None, square: Fraction) -> bool:
    """Whether a float is the one nearest to the root of a fraction."""
    if found is None:
        return square >= Fraction(1.7976931348623157e308) ** 2
    step = max(Fraction(5e-324), Fraction(found) * Fraction(2.0**-52))
    low, high = Fraction(found) - step, Fraction(found) + step
    return max(low, 0) ** 2 <= square <= high**2


def test_the_figures_of_statistics():
    rng = random.Random(3)
    for make in (lambda: rng.gauss(0, 1), lambda: rng.uniform(1e9, 1e9 + 1), lambda: float(rng.randrange(9))):
        numbers = [make() for _ in range(50)]
        held = moments(numbers)
        assert held.std == stdev(numbers) and held.deviation == pstdev(numbers)


@pytest.mark.parametrize(
    "numbers, mean, variance",
    [
        ([1e308, 1e308, 1e308], 1e308, 0.0),
        ([1e308, 1e308, -1e308, 3.0], 2.5e307, None),
        ([1e15, 1e15 + 1, 1e15 + 2], 1e15 + 1, 2 / 3),
        ([5e-324, 5e-324], 5e-324, 0.0),
        ([1e308, 5e-324, -1e308], 0.0, None),
        ([1e16, 1.0, -1e16, 1.0], 0.5, 5e31),
        ([True, False], 0.5, 0.25),
        ([10**400, -(10**400), 3], 1.0, None),
    ],
    ids=str,
)
def test_where_floats_overflow_or_cancel(numbers, mean, variance):
    held = moments(numbers)
    assert held.mean == mean and held.variance == variance


def test_deviation_beyond_the_variance():
    held = moments([1e308, -1e308])
    assert held.variance is None
    assert held.deviation == 1e308
    assert moments([3.0, 3.0, 3.0]).deviation == 0.0
    assert moments([0.0, 2.0]).std == sqrt(2.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: rng.gauss(0, 1),
        lambda rng: float(rng.randrange(1000)),
        lambda rng: rng.choice([rng.gauss(0, 1), float(rng.randrange(9))]),
        lambda rng: rng.uniform(-1, 1) * 10.0 ** rng.randrange(-300, 300),
        lambda rng: 5e-324 * rng.randrange(2**40),
        lambda rng: rng.choice([0.0, 0.1, 1e300]),
    ],
)
def test_many_numbers_as_well_as_few(make):
    rng = random.Random(11)
    numbers = [make(rng) for _ in range(9_000)]  # more than one chunk
    numbers[4000:4100] = [0.0] * 100
    numbers[8_500] = 1e9
    held = moments(numbers)
    assert exactly(held) == by_fractions(numbers)
    found = NOTHING
    for start in range(0, len(numbers), 1777):
        found = found.merge(moments(numbers[start : start + 1777]))
    assert found == held


@pytest.mark.parametrize("bad", [inf, -inf, nan])
@pytest.mark.parametrize("others", [[], [1.0], [1.5], [1e300, 1e-300]], ids=str)
def test_what_is_not_finite_is_refused(bad, others):
    with pytest.raises((ValueError, OverflowError)):
        moments([*others, bad])
    with pytest.raises((ValueError, OverflowError)):
        moments([bad, *others])


def test_a_whole_number_beyond_floats_among_floats_is_refused():
    with pytest.raises(OverflowError):
        moments([1.5, 10**400])
