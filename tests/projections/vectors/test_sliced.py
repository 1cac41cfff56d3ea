"""Bit-sliced columns against plain comparison."""

from __future__ import annotations

import math
import random
import struct

import pytest

from projections.vectors.sliced import Sliced, float_key, int_key

pytest.importorskip("hypothesis")
from hypothesis import given, settings
from hypothesis import strategies as st

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)


def lanes_where(flags: list[bool]) -> int:
    return sum(1 << lane for lane, flag in enumerate(flags) if flag)


@given(FLOATS, FLOATS)
@settings(max_examples=300, deadline=None)
def test_float_keys_keep_the_order_of_floats(a: float, b: float) -> None:
    assert (float_key(a) < float_key(b)) == (a < b)
    assert (float_key(a) == float_key(b)) == (a == b)
    assert 0 <= float_key(a) < 2**64


def test_keys_of_the_ends() -> None:
    ladder = [-math.inf, -1.7976931348623157e308, -1.0, -5e-324, 0.0, 5e-324, 1.0, 1.7976931348623157e308, math.inf]
    keys = list(map(float_key, ladder))
    assert keys == sorted(set(keys))
    assert float_key(-0.0) == float_key(0.0)
    for low, high in zip(ladder[1:-1], [math.nextafter(x, math.inf) for x in ladder[1:-1]]):
        assert float_key(high) - float_key(low) == (2 if high == 0 else 1)  # the place of -0.0 stays free
    assert int_key(-(2**63)) == 0 and int_key(2**63 - 1) == 2**64 - 1


def test_the_key_of_a_stored_word_is_that_of_its_float() -> None:
    from projections.vectors.filters import _float_word_key

    for value in (-math.inf, -2.5, -5e-324, -0.0, 0.0, 5e-324, 7.25, math.inf):
        assert _float_word_key(struct.unpack("=q", struct.pack("=d", value))[0]) == float_key(value)


@given(st.lists(INT64 | st.integers(-5, 5), max_size=30), st.lists(INT64 | st.integers(-6, 6), max_size=12))
@settings(max_examples=300, deadline=None)
def test_one_of_some_keys_is_any_of_them(values: list[int], wanted: list[int]) -> None:
    sliced = Sliced(list(map(int_key, values)))
    some = [*wanted, *values[::2]]
    assert sliced.any_of(map(int_key, some)) == lanes_where([value in some for value in values])
    assert sliced.any_of(map(int_key, range(-6, 7))) == lanes_where([-6 <= value <= 6 for value in values])
    assert sliced.any_of([]) == 0


@given(st.lists(INT64 | st.integers(-5, 5), max_size=30), st.lists(INT64, max_size=4))
@settings(max_examples=150, deadline=None)
def test_ints(values: list[int], others: list[int]) -> None:
    column = Sliced([int_key(value) for value in values])
    assert column.count == len(values) and column.full == (1 << len(values)) - 1
    for operand in {*values[:6], *others, 0, -(2**63), 2**63 - 1}:
        assert column.equal(int_key(operand)) == lanes_where([value == operand for value in values])
        assert column.at_least(int_key(operand)) == lanes_where([value >= operand for value in values])


@given(st.lists(FLOATS | st.sampled_from([0.0, -0.0, math.inf, -math.inf, 1.5]), max_size=30), FLOATS)
@settings(max_examples=150, deadline=None)
def test_floats(values: list[float], other: float) -> None:
    column = Sliced([float_key(value) for value in values])
    for operand in {*values[:6], other, 0.0, math.inf, -math.inf}:
        assert column.equal(float_key(operand)) == lanes_where([value == operand for value in values])
        assert column.at_least(float_key(operand)) == lanes_where([value >= operand for value in values])


@pytest.mark.parametrize("values", [[], [7], [7] * 9, [0] * 3, [2**64 - 1] * 3, [0, 2**64 - 1]])
def test_keys_outside_the_column(values: list[int]) -> None:
    column = Sliced(values)
    assert column.at_least(-5) == column.at_least(0) == column.full
    assert column.at_least(2**64) == column.at_least(2**64 + 9) == 0
    assert column.equal(2**64 - 2) == 0
    for operand in values:
        assert column.equal(operand) == lanes_where([value == operand for value in values])


def test_bits_that_agree_take_no_plane() -> None:
    values = [random.Random(lane).randrange(1000) for lane in range(200)]
    assert len(Sliced([int_key(value) for value in values]).planes) <= 10
    assert Sliced([int_key(4)] * 5).planes == []
