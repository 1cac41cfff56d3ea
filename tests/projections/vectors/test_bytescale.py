"""The byte scale: every element type and metric, and data at the ends of the number line."""

from __future__ import annotations

import math
import random
import struct
from typing import Any

import pytest

from ledger import Vector
from projections.vectors.bytescale import ByteScale, lift, unit

METRICS = ["euclidean", "cosine", "dot", "manhattan"]
DTYPES = ["float64", "float32", "float16", "int8", "uint8"]


def rows_of(dtype: str, count: int = 200, dim: int = 5, seed: int = 1) -> list[list[float]]:
    rng = random.Random(seed)
    if dtype in ("int8", "uint8"):
        low, high = (-128, 127) if dtype == "int8" else (0, 255)
        return [[rng.randint(low, high) for _ in range(dim)] for _ in range(count)]
    return [[rng.gauss(0.0, 3.0) for _ in range(dim)] for _ in range(count)]


def stored_of(kind: Vector, rows: list[list[float]]) -> bytes:
    return b"".join(kind.packer.pack(*row) for row in rows)


def as_seen(kind: Vector, scale: ByteScale, row: tuple[float, ...]) -> list[float]:
    """What the metric sees of a row, computed here."""
    if kind.metric == "cosine":
        length = math.sqrt(math.fsum(value * value for value in row))
        return [value / length for value in row]
    if kind.metric == "dot":
        square = math.fsum(value * value for value in row)
        return [*row, math.sqrt(max(0.0, scale.radius**2 - square))]
    return list(row)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_byte_is_the_nearest_to_its_coordinate(dtype: str, metric: str) -> None:
    kind = Vector(5, metric=metric, dtype=dtype)
    stored = stored_of(kind, rows_of(dtype))
    scale = ByteScale.fit(kind, stored)
    found = scale.encode(stored)
    assert scale.dim == 5 + (metric == "dot") and len(found) == 200 * scale.dim
    rows = list(kind.packer.iter_unpack(stored))
    for place, row in enumerate(rows):
        wanted = [(value - scale.low) / scale.step for value in as_seen(kind, scale, row)]
        assert list(scale.row(row)) == pytest.approx(as_seen(kind, scale, row), rel=1e-9, abs=1e-9)
        own = found[place * scale.dim : (place + 1) * scale.dim]
        # half a step, and what sixteen bits of a float leave: up to 2**-7 of the value
        slack = [0.51 + abs(seen) / scale.step * 2**-7 for seen in as_seen(kind, scale, row)]
        assert all(abs(byte - exact) <= near for byte, exact, near in zip(own, wanted, slack))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "uint8"])
def test_whole_numbers_to_255_stand_for_themselves(dtype: str) -> None:
    kind = Vector(4, metric="euclidean", dtype=dtype)
    rows = [[float(value) for value in range(start, start + 4)] for start in range(0, 256, 4)]
    if dtype == "uint8":
        rows = [list(map(int, row)) for row in rows]
    stored = stored_of(kind, rows)
    scale = ByteScale.fit(kind, stored)
    assert (scale.low, scale.step) == (0.0, 1.0)
    assert list(scale.encode(stored)) == list(range(256))


@pytest.mark.parametrize("metric", METRICS)
def test_queries_are_seen_as_rows_are(metric: str) -> None:
    kind = Vector(5, metric=metric)
    rows = rows_of("float32")
    scale = ByteScale.fit(kind, stored_of(kind, rows))
    query = rows[7]
    if metric == "dot":
        assert scale.query(query)[-1] == 0.0 and math.hypot(*scale.query(query)) == pytest.approx(scale.radius)
        assert list(scale.query([0.0] * 5)) == [0.0] * 6
    else:
        assert scale.query(query) == scale.row(query)


def test_under_dot_the_nearest_has_the_greatest_product() -> None:
    kind = Vector(5, metric="dot")
    rows = rows_of("float32", 60)
    scale = ByteScale.fit(kind, stored_of(kind, rows))
    query = [1.0, -2.0, 0.5, 3.0, 1.5]
    at = scale.query(query)
    by_distance = sorted(range(60), key=lambda place: math.dist(at, scale.row(rows[place])))
    by_product = sorted(range(60), key=lambda place: -math.fsum(x * y for x, y in zip(query, rows[place])))
    assert by_distance == by_product


EXTREMES: dict[str, list[list[float]]] = {
    "constant": [[3.5, 3.5]] * 9,
    "zeros": [[0.0, 0.0]] * 9,
    "one row": [[1.0, -2.0]],
    "subnormal": [[5e-324, 0.0], [0.0, 1e-320], [1e-310, 5e-324]],
    "tiny": [[1e-200, 2e-200], [3e-200, -1e-200]],
    "huge": [[1e308, -1e308], [-1e308, 1e308], [1.7e308, 0.0]],
    "mixed": [[1e308, 5e-324], [-1e-300, 1.0]],
    "outlier": [[random.Random(place).random(), 0.5] for place in range(50)] + [[1e6, -1e6]],
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", EXTREMES)
def test_no_finite_data_breaks_the_scale(name: str, metric: str) -> None:
    rows = EXTREMES[name]
    if metric == "cosine" and name == "zeros":
        pytest.skip("storage refuses a zero vector under cosine")
    kind = Vector(2, metric=metric, dtype="float64")
    stored = stored_of(kind, rows)
    scale = ByteScale.fit(kind, stored)
    assert math.isfinite(scale.low) and math.isfinite(scale.step) and scale.step > 0.0
    assert math.isfinite(scale.radius)
    assert len(scale.encode(stored)) == len(rows) * scale.dim
    assert all(map(math.isfinite, [value for row in rows for value in (*scale.row(row), *scale.query(row))]))


@pytest.mark.parametrize(
    ("low", "high"), [(1000.0, 1001.0), (1e6, 1e6 + 8.0), (-50_000.0, -49_990.0), (1e-200, 3e-200), (-1e300, 1e300)]
)
def test_the_bytes_spread_over_the_range_of_the_data_wherever_it_lies(low: float, high: float) -> None:
    rng = random.Random(3)
    kind = Vector(4, metric="euclidean", dtype="float64")
    rows = [[rng.uniform(low, high) for _ in range(4)] for _ in range(300)]
    scale = ByteScale.fit(kind, stored_of(kind, rows))
    assert len(set(scale.encode(stored_of(kind, rows)))) > 150


def test_what_lies_outside_the_sample_is_cut_off() -> None:
    kind = Vector(2, metric="euclidean")
    scale = ByteScale.fit(kind, struct.pack("<4f", 0.0, 0.25, 0.5, 1.0))
    assert list(scale.encode(struct.pack("<4f", -7.0, 9.0, -1e30, 1e30))) == [0, 255, 0, 255]


@pytest.mark.parametrize("row", [[3.0, 4.0], [1e308, 1e308], [5e-324, 0.0], [1e-310, 1e-310], [-1e200, 1e-200]])
def test_a_unit_vector_has_length_one(row: list[float]) -> None:
    found: Any = unit(row)
    assert math.hypot(*found) == pytest.approx(1.0, rel=1e-9)
    assert [math.copysign(1, x) for x in found if x] == [math.copysign(1, x) for x, y in zip(row, found) if y]


def test_a_zero_vector_stays_and_a_long_row_is_not_lifted() -> None:
    assert list(unit([0.0, 0.0])) == [0.0, 0.0]
    assert lift([3.0, 4.0], 13.0) == pytest.approx(12.0)
    assert lift([1e200, 0.0], 2e200) == pytest.approx(3**0.5 * 1e200)
    assert lift([3.0, 4.0], 4.0) == 0.0
