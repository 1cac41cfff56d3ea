"""Centres and axes, judged by plain computation and by NumPy."""

from __future__ import annotations

import itertools
import random

import pytest

from projections.vectors.training import DIRECT_DIM, Centres, group, orthonormal, rms, train_axes, train_centres


def clustered(count: int, dim: int, clusters: int, seed: int = 0) -> bytes:
    rng = random.Random(seed)
    middles = [[rng.uniform(40, 215) for _ in range(dim)] for _ in range(clusters)]
    rows = [[rng.gauss(value, 9) for value in rng.choice(middles)] for _ in range(count)]
    return bytes([min(255, max(0, round(value))) for row in rows for value in row])


def cut(rows: bytes, dim: int) -> list[bytes]:
    return [rows[start : start + dim] for start in range(0, len(rows), dim)]


def squares(row: bytes, centres: Centres) -> list[float]:
    own = [value - middle for value, middle in zip(row, centres.mean)]
    return [sum((a - b) ** 2 for a, b in zip(own, point)) for point in centres.points]


@pytest.mark.parametrize(("dim", "clusters"), [(1, 2), (1, 3), (3, 5), (16, 8), (16, 300), (1030, 3)])
def test_labels_name_the_nearest_centre(dim: int, clusters: int) -> None:
    rows = clustered(max(clusters, 150), dim, clusters)
    centres = train_centres(rows, dim, clusters, random.Random(1))
    assert len(centres.points) == clusters
    labels = centres.nearest(rows)
    assert len(labels) == len(rows) // dim
    for row, label in zip(cut(rows, dim), labels):
        distances = squares(row, centres)
        assert distances[label] - min(distances) <= 2e-4 * (1.0 + max(distances)), "only a near tie may go either way"


def test_k_means_lowers_the_error_to_that_of_the_clusters() -> None:
    rows = clustered(900, 8, 6, seed=4)
    centres = train_centres(rows, 8, 12, random.Random(2))
    error = sum(min(squares(row, centres)) for row in cut(rows, 8)) / 900
    assert error < 2.0 * 8 * 81, "variance 9**2 on 8 axes"


@pytest.mark.parametrize(
    "rows",
    [bytes([7, 9] * 40), bytes([0, 0] * 40), bytes([255, 255] * 40), bytes([1, 2] * 20 + [200, 9] * 20)],
    ids=["equal", "zeros", "top", "two places"],
)
def test_duplicates_do_not_break_the_centres(rows: bytes) -> None:
    centres = train_centres(rows, 2, 5, random.Random(0))
    labels = centres.nearest(rows)
    for row, label in zip(cut(rows, 2), labels):
        assert squares(row, centres)[label] == pytest.approx(min(squares(row, centres)), abs=1e-2)


def test_one_centre_is_the_mean_and_training_follows_the_seed() -> None:
    rows = clustered(100, 3, 2)
    one = train_centres(rows, 3, 1, random.Random(0))
    assert one.points == ((0.0, 0.0, 0.0),) and one.nearest(rows) == [0] * 100
    assert one.mean == pytest.approx([sum(rows[place::3]) / 100 for place in range(3)])
    assert one.nearest(b"") == []
    assert train_centres(rows, 3, 4, random.Random(5)) == train_centres(rows, 3, 4, random.Random(5))
    assert all(max(squares(row, one)) <= one.reach**2 * 1.0001 for row in cut(rows, 3))


def test_groups_are_the_places_of_each_label() -> None:
    assert group([2, 0, 2, 2], 4) == [[1], [], [0, 2, 3], []]


def spread_data(count: int, dim: int, seed: int) -> list[list[int]]:
    """Integers whose spread falls from axis to axis, turned."""
    np = pytest.importorskip("numpy")
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    data = rng.normal(size=(count, dim)) * (60.0 * 0.7 ** np.arange(dim)) @ turn.T
    return np.rint(data).astype(int).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("count", "dim", "wanted"), [(500, 8, 8), (500, 12, 4), (30, 12, 4), (60, 310, 6), (9, 320, 5)]
)
def test_axes_are_orthonormal_and_span_the_principal_ones(count: int, dim: int, wanted: int) -> None:
    np = pytest.importorskip("numpy")
    rows = spread_data(count, dim, seed=dim)
    axes = np.array(train_axes(rows, wanted, random.Random(3)))
    assert axes.shape == (min(wanted, count, dim), dim)
    assert np.allclose(axes @ axes.T, np.eye(len(axes)), atol=1e-9 if dim <= DIRECT_DIM else 1e-3)
    data = np.array(rows, float)
    kept = np.linalg.norm(data @ axes.T) ** 2
    best = (np.linalg.svd(data, compute_uv=False)[: len(axes)] ** 2).sum()
    assert kept >= 0.995 * best
    spreads = (np.linalg.norm(data @ axes.T, axis=0) ** 2).tolist()
    assert all(after <= before * 1.05 for before, after in itertools.pairwise(spreads) if before > best * 1e-3)


def test_axes_follow_the_seed() -> None:
    rows = [[random.Random(place).randrange(-40, 40) for _ in range(6)] for place in range(50)]
    assert train_axes(rows, 3, random.Random(8)) == train_axes(rows, 3, random.Random(8))


@pytest.mark.parametrize(
    ("rows", "rank"),
    [
        ([[0, 0, 0]] * 5, 0),
        ([[1, 2, 3]] * 5, 1),
        ([[4]] * 3, 1),
        ([[1, 0], [0, 0]], 1),
        ([[0] * 310] * 4, 0),
        ([[2] * 310] * 4, 1),
    ],
    ids=["zeros", "equal", "one-dimensional", "one row", "wide zeros", "wide equal"],
)
def test_degenerate_residuals_have_no_more_axes_than_their_rank(rows: list[list[int]], rank: int) -> None:
    axes = train_axes(rows, 3, random.Random(0))
    assert len(axes) >= rank
    for place, axis in enumerate(axes):
        assert sum(value * value for value in axis) == pytest.approx(1.0)
        assert all(sum(map(lambda x, y: x * y, axis, other)) == pytest.approx(0.0, abs=1e-9) for other in axes[:place])
    if rank:
        caught = sum(sum(x * y for x, y in zip(row, axis)) ** 2 for row in rows for axis in axes)
        assert caught == pytest.approx(sum(value * value for row in rows for value in row), rel=1e-3)


def test_dependent_vectors_are_left_out_and_rms() -> None:
    assert orthonormal([[2.0, 0.0], [3.0, 0.0], [1.0, 4.0]]) == [[1.0, 0.0], [0.0, 1.0]]
    assert orthonormal([[0.0, 0.0]]) == []
    assert rms([3.0, -4.0]) == pytest.approx(12.5**0.5) and rms([]) == 0.0
