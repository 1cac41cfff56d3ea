"""The quantiser against plain floating-point computation of the same things."""

from __future__ import annotations

import math

import pytest

from projections.vectors.quantiser import (
    NORM_BITS,
    SCALE_BITS,
    Axis,
    Quantiser,
    choose_unit,
    residual,
    residual_radius,
    train,
    train_quantiser,
)
from projections.vectors.training import Centres
from tests.projections.vectors.making import Room, bit_list, clamped, code_rows, codes_of, make_room


@pytest.fixture(scope="module", params=[(1, 1, 4), (2, 1, 5), (12, 3, 30), (40, 4, 90)], ids=str)
def room(request: pytest.FixtureRequest) -> Room:
    dim, clusters, planes = request.param
    return make_room(200, dim, clusters, planes, seed=dim)


def origin_of(room: Room, cluster: int) -> list[float]:
    return [middle + part for middle, part in zip(room.centres.mean, room.centres.points[cluster])]


def place_of(room: Room, row: bytes, axis: Axis, cluster: int) -> float:
    """<V_j, x - c>, in steps."""
    own = [value - middle for value, middle in zip(row, origin_of(room, cluster))]
    return math.fsum(a * b for a, b in zip(own, axis.vector)) / axis.step


def test_codes_follow_the_floor_rule_and_lane_projections_the_plain_ones(room: Room) -> None:
    for cluster in range(len(room.centres.points)):
        codes = code_rows(room.quantiser, room.rows, origin_of(room, cluster)).columns
        assert [len(column) for column in codes] == [len(room.rows)] * len(room.quantiser.axes)
        for axis, column in zip(room.quantiser.axes, codes):
            for row, byte in zip(room.rows, column):
                exact = place_of(room, row, axis, cluster)
                if not -127 <= exact < 126:
                    continue
                error = lane_error(room, row, cluster)
                near = {math.floor(exact - error), math.floor(exact + error)}
                assert byte - 128 in near


def test_lane_projections_are_as_good_as_sixteen_bits_allow(room: Room) -> None:
    """Rounding a weight to 2**-16 of a step moves a lane by 2**-17 a unit of the row at most, and typically cancels."""
    for axis, weights in zip(room.quantiser.axes, room.quantiser.weights):
        errors = []
        for row in room.rows:
            own = [value - middle for value, middle in zip(row, origin_of(room, 0))]
            lane = math.fsum(a * b for a, b in zip(own, weights)) / 2**SCALE_BITS
            plain = math.fsum(a * b for a, b in zip(own, axis.vector)) / axis.step
            assert abs(lane - plain) <= lane_error(room, row, 0)
            errors.append(abs(lane - plain) / (math.hypot(*own) + 1e-9))
        assert sum(errors) / len(errors) <= 2**-17


def lane_error(room: Room, row: bytes, cluster: int) -> float:
    """2**-17 of a step for every unit of the row, and the rounding of the origin."""
    return 2**-17 * math.fsum(map(abs, row)) + 2**-17 * math.fsum(map(abs, origin_of(room, cluster))) + 2**-15


def test_planes_are_the_bits_of_clamped_codes(room: Room) -> None:
    quantiser = room.quantiser
    codes = code_rows(quantiser, room.rows, origin_of(room, 0)).columns
    planes = quantiser.planes(codes)
    assert len(planes) == sum(axis.bits for axis in quantiser.axes) == len(quantiser.layout)
    for lane in range(len(room.rows)):
        wanted = [clamped(column[lane], axis.bits) for column, axis in zip(codes, quantiser.axes)]
        assert codes_of(quantiser, planes, lane) == wanted


def test_a_row_far_off_is_cut_off_at_the_near_end() -> None:
    """Its lane may not run over into the other end, nor into its neighbours."""
    quantiser = Quantiser((Axis((1.0, 0.0), 1.0, 3), Axis((0.0, 1.0), 1.0, 4)), 1.0)
    rows = [bytes([128, 128]), bytes([255, 255]), bytes([0, 0]), bytes([130, 129])]
    planes = quantiser.planes(code_rows(quantiser, rows, [128.0, 128.0]).columns)
    assert [codes_of(quantiser, planes, lane) for lane in range(4)] == [[4, 8], [7, 15], [0, 0], [6, 9]]


def test_norms_equal_their_formula(room: Room) -> None:
    quantiser = room.quantiser
    codes = code_rows(quantiser, room.rows, origin_of(room, 0)).columns
    point = room.centres.points[0]
    offsets = quantiser.offsets(point)
    assert offsets == pytest.approx([sum(a * b for a, b in zip(axis.vector, point)) for axis in quantiser.axes])
    norms = quantiser.norms(codes, offsets)
    values = [
        [axis.value(clamped(column[lane], axis.bits)) for column, axis in zip(codes, quantiser.axes)]
        for lane in range(len(room.rows))
    ]
    wanted = [sum(x * x + 2 * x * o for x, o in zip(row, offsets)) for row in values]
    widest = max(
        max(axis.value(code) * (axis.value(code) + 2 * o) for code in range(1 << axis.bits))
        - min(axis.value(code) * (axis.value(code) + 2 * o) for code in range(1 << axis.bits))
        for axis, o in zip(quantiser.axes, offsets)
    )
    error = widest / 65_535 / 2 * len(quantiser.axes) + 1e-6
    assert norms == pytest.approx(wanted, abs=error)


def test_norm_planes_count_units_and_are_cut_off_at_both_ends() -> None:
    quantiser = Quantiser((Axis((1.0,), 1.0, 1),), 2.0)
    norms = [10.0, 10.9, 11.1, 30.0, 9.0, -1e9, 1e9, 10.0 + 2 * 255]
    planes = quantiser.norm_planes(norms, 10.0)
    assert len(planes) == NORM_BITS
    found = [sum(bit << place for place, bit in enumerate(bits)) for bits in zip(*[bit_list(p, 8) for p in planes])]
    assert found == [0, 0, 1, 10, 0, 0, 255, 255]


def test_values_lie_in_the_middle_of_their_steps() -> None:
    axis = Axis((1.0,), 0.5, 2)
    assert [axis.value(code) for code in range(4)] == [-0.75, -0.25, 0.25, 0.75]


def test_bits_go_where_the_error_falls_most() -> None:
    residuals = [[value * 9 % 101 - 50, value * 7 % 11 - 5, 0] for value in range(300)]
    axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    one = train_quantiser(axes, residuals, 2)
    assert [(axis.vector, axis.bits) for axis in one] == [((1.0, 0.0, 0.0), 2)]
    assert sum(axis.bits for axis in train_quantiser(axes, residuals, 6)) == 6
    many = train_quantiser(axes[:2], residuals, 60)
    assert [axis.bits for axis in many] == [4, 4], "no axis takes more than four"


def test_units_and_radius() -> None:
    axes = (Axis((1.0, 0.0), 2.0, 2), Axis((0.0, 1.0), 1.0, 1))
    queries = [[3.0, 50.0], [0.0, 0.0]]
    largest = [max(2 * 3.0 * 2.0 * 2, 2 * 50.0 * 1.0), 0.0]
    assert choose_unit(axes, queries) == pytest.approx(0.045 * sum(largest) / 2)
    assert choose_unit(axes, [[0.0, 0.0]]) == 1.0
    assert residual_radius([[3, 4], [0, 0]]) == pytest.approx((25 / 2) ** 0.5)


@pytest.mark.parametrize("row", [bytes([9, 9, 9]), bytes(3), bytes([255] * 3)])
def test_equal_rows_train_a_quantiser_that_works(row: bytes) -> None:
    centres = Centres(tuple(map(float, row)), ((0.0, 0.0, 0.0),), 300.0)
    assert residual(row, centres, 0) == [0, 0, 0]
    quantiser = train([row] * 5, [0] * 5, centres, [])
    codes = code_rows(quantiser, [row] * 5, list(map(float, row))).columns
    assert len(quantiser.planes(codes)) == len(quantiser.layout)
    assert len(quantiser.norms(codes, quantiser.offsets(centres.points[0]))) == 5
