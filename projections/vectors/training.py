"""Training: cluster centres by k-means and shared axes by principal components, in packed lanes.

Lloyd, "Least squares quantization in PCM", 1982; subspace iteration: Golub & Van Loan, "Matrix
Computations", 8.2. Samples are bytes (``ByteScale``), so sums are exact and the same on every Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum, hypot, sqrt
from operator import mul
from random import Random

from projections.vectors.packed import columns, combine, least, ones, pack, unpack

LLOYD_ROUNDS = 8
AXES_ROUNDS = 8
DIRECT_DIM = 300  # above it, the axes come from the Gram matrix of a sample
WIDTH = 8
Matrix = list[list[float]]


@dataclass(frozen=True)
class Centres:
    """Cluster centres, and what it takes to find the nearest of many rows at once.

    The score of a lane, |c|**2 / 2 - <x - mean, c> with c relative to the mean, is least for the nearest
    centre; the number of the centre stands in its lowest bits, and ``packed.least`` does the tournament.
    """

    mean: tuple[float, ...]
    points: tuple[tuple[float, ...], ...]  # relative to the mean
    reach: float  # no row of bytes lies farther from the mean

    @property
    def width(self) -> int:
        """Bytes of a lane."""
        return 4 if len(self.points) <= 256 and len(self.mean) <= 1024 else 8

    def nearest(self, rows: bytes) -> list[int]:
        """The nearest centre of every row. 2 ns a row, centre and coordinate."""
        dim = len(self.mean)
        count, width = len(rows) // dim, self.width
        if len(self.points) == 1:
            return [0] * count
        lanes = columns(rows, dim, width)
        bits = (len(self.points) - 1).bit_length()
        guard = ones(count, width) << (8 * width - 1)
        best = -1
        for number, (weights, constant) in enumerate(self._scores(bits, width)):
            score = (combine(lanes, weights) << bits) + (constant << bits | number) * ones(count, width)
            best = score if number == 0 else least(best, score, guard)
        data = best.to_bytes(count * width, "little")
        mask = (1 << bits) - 1
        return [lane & mask for lane in memoryview(data).cast("I" if width == 4 else "Q")]

    def _scores(self, bits: int, width: int) -> list[tuple[list[int], int]]:
        """Integer weights and constant of every centre; the scores of all fit between 0 and the guard bit."""
        longest = max(hypot(*point) for point in self.points)
        bound = longest * self.reach + longest * longest / 2.0 + longest * len(self.mean) + 1.0  # rounding included
        scale = (1 << (8 * width - 2 - bits)) / bound / 2.0
        found = []
        for point in self.points:
            weights = [-round(value * scale) for value in point]
            towards_mean = fsum(map(mul, map(float, weights), self.mean))
            half = scale * fsum(value * value for value in point) / 2.0
            found.append((weights, round(half - towards_mean + scale * bound)))
        return found


def train_centres(rows: bytes, dim: int, count: int, random: Random) -> Centres:
    """k-means on a sample; a centre that loses all its rows is put on a row again. 1 s for 20,000 x 128 and 64."""
    total = len(rows) // dim
    mean = _mean(rows, dim)
    reach = hypot(*(max(middle, 255.0 - middle) for middle in mean))
    if count <= 1:
        return Centres(mean, ((0.0,) * dim,), reach)
    chosen = random.sample(range(total), count)
    centres = Centres(mean, tuple(_relative(rows[row * dim : (row + 1) * dim], mean) for row in chosen), reach)
    for _ in range(LLOYD_ROUNDS):
        members = group(centres.nearest(rows), count)
        points = []
        for rowset in members:
            mine = rowset or [random.randrange(total)]
            joined = b"".join(rows[row * dim : (row + 1) * dim] for row in mine)
            points.append(_relative(_mean(joined, dim), mean))
        centres = Centres(mean, tuple(points), reach)
    return centres


def group(labels: Sequence[int], count: int) -> list[list[int]]:
    """The places of every label, ascending."""
    found: list[list[int]] = [[] for _ in range(count)]
    for place, label in enumerate(labels):
        found[label].append(place)
    return found


def _mean(rows: bytes, dim: int) -> tuple[float, ...]:
    count = len(rows) // dim
    return tuple(sum(rows[place::dim]) / count for place in range(dim))  # ints


def _relative(row: Sequence[float], mean: Sequence[float]) -> tuple[float, ...]:
    return tuple(value - middle for value, middle in zip(row, mean))


def train_axes(residuals: Sequence[Sequence[int]], count: int, random: Random) -> Matrix:
    """The ``count`` orthonormal axes of greatest spread of some integer residuals, greatest first.

    By the covariance up to 300 dimensions, else by the Gram matrix of the residuals. 1.5 s for
    3,000 x 128, 8 s for 400 x 10,000.
    """
    dim = len(residuals[0])
    count = min(count, dim, len(residuals))
    if dim <= DIRECT_DIM:
        packed = [pack(row, WIDTH) for row in residuals]
        spread = [combine(packed, column) for column in zip(*residuals)]
        return _leading([unpack(row, dim, WIDTH) for row in spread], count, random)
    packed = [pack(column, WIDTH) for column in zip(*residuals)]
    gram = [unpack(combine(packed, row), len(residuals), WIDTH) for row in residuals]
    weights = _conjugate(gram, _leading(gram, count, random))
    lanes = [pack(row, WIDTH) for row in residuals]
    axes = [unpack(combine(lanes, [round(w * 1_048_576) for w in row]), dim, WIDTH) for row in weights]
    return [[value / length for value in axis] for axis in axes if (length := hypot(*axis))]


def _leading(matrix: Sequence[Sequence[int]], count: int, random: Random) -> Matrix:
    """Leading eigenvectors of a symmetric matrix of integers, by subspace iteration in packed lanes."""
    size = len(matrix)
    largest = max(max(map(abs, row)) for row in matrix) or 1
    scaled = [[round(value * 1_048_576 / largest) for value in row] for row in matrix]
    basis = orthonormal([[random.gauss(0.0, 1.0) for _ in range(size)] for _ in range(count)])
    for _ in range(AXES_ROUNDS):
        lanes = [pack([round(value * 1_048_576) for value in axis], WIDTH) for axis in zip(*basis)]
        images = [unpack(combine(lanes, row), count, WIDTH) for row in scaled]
        basis = orthonormal([[float(value) for value in axis] for axis in zip(*images)])
    return sorted(basis, key=_by_spread(scaled), reverse=True)


def _conjugate(gram: Sequence[Sequence[int]], weights: Matrix) -> Matrix:
    """Gram-Schmidt on the axes that weights of the rows make: <axis, axis'> = w' G w', without the long axes.

    Close eigenvalues have not come apart after a few rounds; a tenth of an axis would stand in another.
    """
    found: list[tuple[list[float], list[float]]] = []
    for weight in weights:
        for other, image in found:
            part = fsum(map(mul, weight, image))
            weight = [value - part * along for value, along in zip(weight, other)]
        image = [fsum(map(mul, row, weight)) for row in gram]
        square = fsum(map(mul, weight, image))
        if square > 0.5:  # of whole numbers: less is rounding
            length = sqrt(square)
            found.append(([value / length for value in weight], [value / length for value in image]))
    longest = [max(map(abs, weight)) for weight, _ in found]
    return [[value / most for value in weight] for (weight, _), most in zip(found, longest)]


def _by_spread(matrix: Sequence[Sequence[int]]) -> Callable[[Sequence[float]], float]:
    def spread(axis: Sequence[float]) -> float:
        return fsum(value * fsum(map(mul, row, axis)) for value, row in zip(axis, matrix))

    return spread


def orthonormal(vectors: Sequence[list[float]]) -> Matrix:
    """Modified Gram-Schmidt; a vector that depends on those before it is left out."""
    found: Matrix = []
    for vector in vectors:
        before = hypot(*vector)
        for axis in found:
            part = fsum(map(mul, vector, axis))
            vector = [value - part * other for value, other in zip(vector, axis)]
        length = hypot(*vector)
        if length > before * 1e-9 and length > 0.0:
            found.append([value / length for value in vector])
    return found


def rms(values: Sequence[float]) -> float:
    """Root mean square."""
    return sqrt(fsum(value * value for value in values) / max(1, len(values)))
