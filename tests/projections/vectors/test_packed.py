"""Packed lanes against plain loops."""

from __future__ import annotations

import random

import pytest

from projections.vectors.packed import columns, combine, least, ones, pack, plane, unpack


@pytest.mark.parametrize("width", [1, 3, 4, 8])
@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_ones_is_a_one_in_every_lane(count: int, width: int) -> None:
    assert ones(count, width) == sum(1 << 8 * width * lane for lane in range(count))


@pytest.mark.parametrize("width", [1, 3, 4, 8])
@pytest.mark.parametrize(("count", "dim"), [(0, 3), (1, 1), (1, 5), (7, 1), (13, 4)])
def test_columns_hold_one_coordinate_of_every_row(count: int, dim: int, width: int) -> None:
    rows = random.Random(count * dim).randbytes(count * dim)
    found = columns(rows, dim, width)
    assert len(found) == dim
    for place, column in enumerate(found):
        lanes = column.to_bytes(count * width + 1, "little")
        cut = [int.from_bytes(lanes[row * width : (row + 1) * width], "little") for row in range(count)]
        assert cut == [rows[row * dim + place] for row in range(count)]


@pytest.mark.parametrize("width", [4, 8])
@pytest.mark.parametrize("count", [0, 1, 2, 33])
def test_unpack_is_the_inverse_of_pack_up_to_both_ends(count: int, width: int) -> None:
    half = 1 << 8 * width - 1
    rng = random.Random(width + count)
    values = [rng.choice([-half, half - 1, 0, -1, 1, rng.randrange(-half, half)]) for _ in range(count)]
    assert unpack(pack(values, width), count, width) == values


@pytest.mark.parametrize("width", [4, 8])
def test_pack_refuses_what_has_no_room(width: int) -> None:
    for value in (1 << 8 * width - 1, -(1 << 8 * width - 1) - 1):
        with pytest.raises(OverflowError):
            pack([value], width)


def test_unpack_of_more_lanes_than_were_packed_gives_zeros() -> None:
    assert unpack(pack([5, -3], 8), 4, 8) == [5, -3, 0, 0]


@pytest.mark.parametrize("seed", range(8))
def test_combine_is_the_weighted_sum_of_every_lane(seed: int) -> None:
    rng = random.Random(seed)
    count, terms = rng.choice([1, 2, 40]), rng.randrange(6)
    numbers = [[rng.randrange(-1000, 1000) for _ in range(count)] for _ in range(terms)]
    weights = [rng.randrange(-1000, 1000) for _ in range(terms)]
    bias = [rng.randrange(-9, 9) for _ in range(count)]
    found = combine([pack(row, 8) for row in numbers], weights, pack(bias, 8))
    wanted = [bias[lane] + sum(w * row[lane] for w, row in zip(weights, numbers)) for lane in range(count)]
    assert unpack(found, count, 8) == wanted


@pytest.mark.parametrize("width", [4, 8])
@pytest.mark.parametrize("seed", range(5))
def test_least_is_the_minimum_of_every_pair(seed: int, width: int) -> None:
    rng = random.Random(seed)
    top = 1 << 8 * width - 1
    left = [rng.choice([0, 1, top - 1, rng.randrange(top)]) for _ in range(50)]
    right = [rng.choice([other, 0, top - 1, rng.randrange(top)]) for other in left]
    guard = ones(50, width) << 8 * width - 1
    found = least(_unsigned(left, width), _unsigned(right, width), guard)
    assert found == _unsigned([min(pair) for pair in zip(left, right)], width)


def _unsigned(values: list[int], width: int) -> int:
    return int.from_bytes(b"".join(value.to_bytes(width, "little") for value in values), "little")


@pytest.mark.parametrize("count", [0, 1, 7, 64, 65])
def test_a_plane_is_one_bit_of_every_byte(count: int) -> None:
    data = random.Random(count).randbytes(count)
    for bit in range(8):
        assert plane(data, bit) == sum((byte >> bit & 1) << place for place, byte in enumerate(data))
