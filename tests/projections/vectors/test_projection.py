"""The projection of one row against plain products."""

from __future__ import annotations

import math
import random

import pytest

from ledger import Vector
from projections.vectors.bytescale import ByteScale
from projections.vectors.projection import LENGTH, Projection
from tests.projections.vectors.making import Room, make_room


@pytest.fixture(scope="module", params=[(1, 1, 4), (2, 2, 5), (12, 3, 30), (60, 5, 90)], ids=str)
def room(request: pytest.FixtureRequest) -> Room:
    dim, clusters, planes = request.param
    return make_room(150, dim, clusters, planes, seed=dim)


def project(room: Room, low: float = 0.0, step: float = 1.0) -> Projection:
    """Rows in the units of the bytes, or in a scale."""
    return Projection(room.quantiser, room.centres, ByteScale(Vector(room.dim, metric="euclidean"), low, step))


@pytest.mark.parametrize("stretch", [1.0, 0.01, 30.0, 1e6, 0.0])
def test_places_and_distances_equal_plain_products(room: Room, stretch: float) -> None:
    projection = project(room)
    rng = random.Random(5)
    mean = room.centres.mean
    for row in room.rows[:20]:
        query = [m + stretch * (value - m) + stretch * rng.random() for value, m in zip(row, mean)]
        placed = projection.place(query)
        relative = [value - middle for value, middle in zip(query, mean)]
        length = math.hypot(*relative)
        # Elements of both sides are whole multiples of 1 / LENGTH, at most one and a half off in all.
        error = length * 1.5 * math.sqrt(room.dim) * math.sqrt(2) / LENGTH + 1e-12
        plain = [math.fsum(a * b for a, b in zip(axis.vector, relative)) for axis in room.quantiser.axes]
        assert placed.axes == pytest.approx(plain, abs=error)
        squares = [math.dist(relative, point) ** 2 for point in room.centres.points]
        longest = max(math.hypot(*point) for point in room.centres.points) or 1.0
        assert placed.distances == pytest.approx(squares, abs=2 * error * longest + 1e-9, rel=1e-9)


def test_a_query_on_the_mean_lies_in_the_middle() -> None:
    room = make_room(100, 3, 2, 6)
    placed = project(room).place(room.centres.mean)
    assert placed.axes == [0.0] * len(room.quantiser.axes)
    assert placed.distances == pytest.approx([math.hypot(*point) ** 2 for point in room.centres.points])


@pytest.mark.parametrize("size", [1e30, 1e150, 1e160, 1e200, 1e308])
def test_a_query_very_far_away_keeps_its_direction(size: float) -> None:
    room = make_room(100, 3, 2, 6)
    placed = project(room).place([size, 0.0, 0.0])
    assert all(map(math.isfinite, placed.axes)) and all(map(math.isfinite, placed.distances))
    signs = [math.copysign(1.0, axis.vector[0]) for axis in room.quantiser.axes if abs(axis.vector[0]) > 1e-3]
    found = [math.copysign(1.0, y) for y, axis in zip(placed.axes, room.quantiser.axes) if abs(axis.vector[0]) > 1e-3]
    assert found == signs


def test_rows_come_in_their_own_scale() -> None:
    room = make_room(100, 3, 2, 6)
    low, step = -40.0, 0.25
    row = [11.0, -3.5, 27.0]
    units = [(value - low) / step for value in row]
    scaled, plain = project(room, low, step).place(row), project(room).place(units)
    assert scaled.axes == pytest.approx(plain.axes, rel=1e-6, abs=1e-6)
    assert scaled.distances == pytest.approx(plain.distances, rel=1e-6)
