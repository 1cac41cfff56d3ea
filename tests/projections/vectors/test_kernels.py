"""A kernel reads stored bytes and gives the bits that ``distance`` gives."""

from __future__ import annotations

import random
from collections.abc import Iterable
from math import dist, hypot, sqrt
from typing import Any

import pytest

from ledger import Vector
from ledger.values.vector_type import ELEMENTS, METRICS
from projections.vectors import kernels
from projections.vectors.bits import unpacked
from projections.vectors.distances import distance
from projections.vectors.kernels import reading, sampled_reading

POWER = {"minkowski": 2.5}
ROWS = 12


def draw(rng: random.Random, dtype: str, dim: int) -> list[float]:
    if dtype == "binary":
        return [rng.randrange(2) for _ in range(dim - 1)] + [1]
    if dtype in ("int8", "uint8"):
        return [rng.randrange(0, 128) for _ in range(dim - 1)] + [1]
    return [rng.choice((0.0, rng.gauss(0, 1), rng.gauss(0, 100))) for _ in range(dim - 1)] + [0.75]


def measured_at(kind: Vector, query: Any, buffer: Any, offsets: Iterable[int]) -> list[float]:
    """The distances of a query to the vectors at some byte offsets of one buffer."""
    measure, read, _ = reading(kind, query)
    return [measure(read(buffer, offset)) for offset in offsets]


def elements(kind: Vector, cell: bytes) -> list[float]:
    return list(unpacked(cell, kind.dim) if kind.dtype == "binary" else kind.packer.unpack(cell))


@pytest.mark.parametrize("dtype", sorted(ELEMENTS))
@pytest.mark.parametrize("metric", sorted(METRICS))
def test_a_kernel_has_the_bits_of_distance(metric: str, dtype: str) -> None:
    rng = random.Random(metric + dtype)
    for dim in (1, 2, 7, 8, 64, 131):
        kind = Vector(dim, metric=metric, dtype=dtype, p=POWER.get(metric))
        rows = [draw(rng, dtype, dim) for _ in range(ROWS)]
        rows.append([2 * x for x in rows[0]] if dtype.startswith("float") else rows[0])
        cells = [kind.check(row) for row in rows]
        buffer, offsets = b"junk" + b"".join(cells), range(4, 4 + len(cells) * kind.size, kind.size)
        for query in (kind.query(rows[0]), kind.query(cells[1])):
            values = unpacked(query, dim) if isinstance(query, bytes) else query
            expected = [distance(metric, values, elements(kind, cell), kind.p).hex() for cell in cells]
            measured, _, rows_of = reading(kind, query)
            assert [measured(row).hex() for row in rows_of(b"".join(cells))] == expected
            for held in (buffer, bytearray(buffer), memoryview(buffer)):
                assert [found.hex() for found in measured_at(kind, query, held, offsets)] == expected


@pytest.mark.parametrize("dtype", sorted(set(ELEMENTS) - {"binary"}))
@pytest.mark.parametrize("dim", [20, 29, 100])
def test_a_sample_of_the_coordinates_is_every_so_many(dim: int, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "SAMPLED", 10)
    rng = random.Random(dim)
    kind = Vector(dim, metric="euclidean", dtype=dtype)
    row, other = (kind.check(draw(rng, dtype, dim)) for _ in range(2))
    query, step = kind.query(other), dim // 10
    found = sampled_reading(kind, query)
    assert found is not None and isinstance(query, tuple)
    measured = found.measure(found.read(b"junk" + row, 4))
    assert measured == dist(query[::step], kind.packer.unpack(row)[::step])
    assert list(map(found.measure, found.rows(other + row))) == [0.0, measured]


def test_few_coordinates_are_not_sampled() -> None:
    assert sampled_reading(Vector(1_999), [0.5] * 1_999) is None
    assert sampled_reading(Vector(4_000, metric="hamming", dtype="binary"), [1.0] * 4_000) is None
    assert sampled_reading(Vector(2_000), [0.5] * 2_000) is not None


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_pair_of_short_binary_vectors(metric: str) -> None:
    kind = Vector(5, metric=metric, dtype="binary", p=POWER.get(metric))
    cells = [kind.check([n >> i & 1 for i in range(5)]) for n in range(metric == "cosine", 32)]
    for cell in cells:
        expected = [distance(metric, unpacked(cell, 5), unpacked(other, 5), kind.p) for other in cells]
        assert measured_at(kind, cell, b"".join(cells), range(len(cells))) == expected


def test_sparse_and_near_binary_vectors_under_cosine() -> None:
    """Norms far apart, and vectors of which a few of thousands of bits differ."""
    rng = random.Random(1)
    dim = 65_536
    kind = Vector(dim, metric="cosine", dtype="binary")
    one, full = [1] + [0] * (dim - 1), [1] * dim
    close = [int(i > 0) for i in range(dim)]
    some = [int(rng.random() < 0.01) for _ in range(dim - 1)] + [1]
    cells = list(map(kind.check, (one, full, close, some)))
    for cell in cells:
        expected = [distance("cosine", unpacked(cell, dim), unpacked(other, dim)) for other in cells]
        assert measured_at(kind, cell, b"".join(cells), range(0, 4 * kind.size, kind.size)) == expected
    assert measured_at(kind, cells[1], cells[2], [0])[0] == pytest.approx(1 - sqrt(1 - 1 / dim), rel=1e-11)


def test_a_count_has_the_norm_of_as_many_ones() -> None:
    """What the formulas on counts stand on."""
    for count in [*range(1, 400), *range(401, 65_537, 1_021), 65_536]:
        ones = (1.0,) * count
        assert hypot(*ones) == dist(ones, (0.0,) * count) == sqrt(count)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "binary"])
def test_the_zero_bytes_of_a_gap_are_measured_without_an_error(dtype: str) -> None:
    for metric in METRICS:
        kind = Vector(9, metric=metric, dtype=dtype, p=POWER.get(metric))
        (found,) = measured_at(kind, kind.query([1, 0, 0, 0, 1, 0, 0, 1, 1]), kind.gap(), [0])
        assert found >= 0.0
        assert metric not in ("cosine", "correlation") or found == 1.0


def test_a_query_is_not_rounded_to_the_element_type() -> None:
    kind = Vector(1, metric="euclidean", dtype="uint8")
    assert measured_at(kind, kind.query([0.25]), kind.check([1]), [0]) == [0.75]


def test_nearest_first_is_the_order_of_exact_arithmetic() -> None:
    rng = random.Random(8)
    for metric in ("euclidean", "sqeuclidean", "cosine", "dot", "manhattan"):
        kind = Vector(16, metric=metric)
        cells = [kind.check([rng.gauss(0, 1) for _ in range(16)]) for _ in range(200)]
        query = kind.query([rng.gauss(0, 1) for _ in range(16)])
        found = measured_at(kind, query, b"".join(cells), range(0, 200 * 64, 64))
        order = sorted(range(200), key=found.__getitem__)
        assert order == sorted(range(200), key=lambda row: plain(metric, query, kind.packer.unpack(cells[row])))


def plain(metric: str, x: Any, y: Any) -> float:
    """The textbook formula, in order of the elements."""
    product = sum(a * b for a, b in zip(x, y))
    squares = sum(a * a for a in x) * sum(b * b for b in y)
    gaps = [abs(a - b) for a, b in zip(x, y)]
    return {
        "euclidean": sum(gap * gap for gap in gaps),
        "sqeuclidean": sum(gap * gap for gap in gaps),
        "cosine": -product / squares**0.5,
        "dot": -product,
        "manhattan": sum(gaps),
    }[metric]
