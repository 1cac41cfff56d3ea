"""The quantiser: a few bits on each of a few axes, and norms, cut into bit planes.

A residual x - c of a row from its centre is projected on the shared axes; axis j keeps 0 to 4 bits,
uniform mid-rise: x^_j = step_j (code_j - 2**b_j / 2 + 1/2). With N = |x^|**2 + 2 <V'(c - mean), x^>,

    |q - c - V x^|**2 = |q - c|**2 - 2 <V'(q - mean), x^> + N

so the weights of the planes depend on the query alone, and one programme of adders runs on every segment
(Jegou, Douze & Schmid, "Product quantization for nearest neighbor search", 2011, has the same split for
tables; here the codes are additive, and a plane holds one bit of all rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heapreplace
from math import floor, fsum, sqrt
from operator import mul
from statistics import fmean
from typing import NamedTuple

from projections.vectors.packed import columns, combine, ones, pack, plane, unpack
from projections.vectors.training import Centres, Matrix, rms

MAX_BITS = 4
MAX_PLANES = 192
GAUSSIAN_STEPS = (0.0, 1.596, 0.9957, 0.5860, 0.3352)  # optimal uniform steps (Max, 1960), in sigmas
STRETCHES = (0.8, 1.0, 1.2, 1.45)
UNIT_SHARE = 0.045  # of the mean largest plane weight
NORM_BITS = 8
SCALE_BITS = 16  # lane units of a step
MIDDLE = 128  # the byte of a lane that lies in the middle of an axis
LANE = 3
WIDE = 8
ERROR_SAMPLE = 700
FINE_SAMPLE = 200
FINE_STEPS = 120.0  # to either side
UNIT_SAMPLE = 40_000  # coordinates


@dataclass(frozen=True)
class Axis:
    """An axis and its quantiser."""

    vector: tuple[float, ...]
    step: float
    bits: int

    def value(self, code: int) -> float:
        """What a code stands for."""
        return self.step * (code - (1 << self.bits) / 2 + 0.5)


class Coded(NamedTuple):
    """Some rows: of every axis a column of bytes, and row by row the fine bytes, where the quantiser has them."""

    columns: list[bytes]
    fine: bytes = b""


@dataclass(frozen=True)
class Quantiser:
    """Axes with bits, and the unit in which scores are counted.

    Where rows are wide, a byte an axis in equal steps of ``fine`` ranks the candidates again before the few best
    are measured (0.7 us against 250 us for 10,000 dimensions); 0 where there is no such stage.
    """

    axes: tuple[Axis, ...]
    unit: float
    fine: float = 0.0

    @cached_property
    def layout(self) -> tuple[tuple[int, int], ...]:
        """(axis, bit) of every plane, norm planes not counted."""
        return tuple((place, bit) for place, axis in enumerate(self.axes) for bit in range(axis.bits))

    @cached_property
    def weights(self) -> tuple[list[int], ...]:
        """Every axis in lane units."""
        return tuple([round(value * 2**SCALE_BITS / axis.step) for value in axis.vector] for axis in self.axes)

    @cached_property
    def tables(self) -> tuple[tuple[bytes, ...], ...]:
        """For every axis and bit, the digit of each possible middle byte of a lane."""
        return tuple(
            tuple(
                _of_codes(bytes(48 + (code >> bit & 1) for code in range(1 << axis.bits))) for bit in range(axis.bits)
            )
            for axis in self.axes
        )

    def offsets(self, centre: Sequence[float]) -> list[float]:
        """<V_j, centre> for a centre relative to the mean."""
        return [fsum(map(mul, axis.vector, centre)) for axis in self.axes]

    def biases(self, origin: Sequence[float]) -> list[int]:
        """What brings ``origin`` (in the units of the bytes) to the middle of every axis, in lane units."""
        middle = MIDDLE << SCALE_BITS
        return [middle - round(fsum(map(mul, map(float, weights), origin))) for weights in self.weights]

    def codes(self, rows: bytes, dim: int, biases: Sequence[int]) -> Coded:
        """One byte a row for every axis: how many steps it lies from the origin of ``biases``, and 128.

        2 ns a row, axis and coordinate.
        """
        count = len(rows) // dim
        lanes, one = columns(rows, dim, LANE), ones(count, LANE)
        found: list[bytes] = []
        fine = bytearray(count * len(self.axes) if self.fine else 0)
        for weights, bias in zip(self.weights, biases):
            sums = combine(lanes, weights, bias * one)
            data = (sums % (1 << 8 * LANE * count)).to_bytes(count * LANE, "little")
            if self.fine:
                fine[len(found) :: len(self.axes)] = self._fine_column(data, self.axes[len(found)].step)
            found.append(data[2::LANE])
        return Coded(found, bytes(fine))

    def _fine_column(self, lanes: bytes, step: float) -> bytes:
        """The fine bytes of an axis, from lanes of 1/65,536 steps."""
        words = bytearray(len(lanes) // LANE * 2)
        words[::2], words[1::2] = lanes[1::LANE], lanes[2::LANE]
        factor = step / 256.0 / self.fine
        shift = MIDDLE + 0.5 - MIDDLE * 256 * factor
        return bytes([min(255, max(0, int(word * factor + shift))) for word in memoryview(words).cast("H")])

    def fine_places(self, places: Sequence[float]) -> list[float]:
        """Projections relative to a centre in fine steps, as the bytes count them."""
        return [place / self.fine + MIDDLE for place in places]

    def planes(self, codes: Sequence[bytes]) -> list[int]:
        """The planes of rows coded by ``codes``. 1.5 ns a row and plane."""
        return [int(column[::-1].translate(table), 2) for column, tables in zip(codes, self.tables) for table in tables]

    def norms(self, codes: Sequence[bytes], offsets: Sequence[float]) -> list[float]:
        """N of every row. 6 ns a row and axis."""
        count = len(codes[0])
        tables = [_norm_table(axis, offset) for axis, offset in zip(self.axes, offsets)]
        low = [min(table) for table in tables]
        scale = 65_535.0 / (max(max(table) - least for table, least in zip(tables, low)) or 1.0)
        total = 0
        for column, table, least in zip(codes, tables, low):
            numbers = [round((value - least) * scale) for value in table]
            lanes = bytearray(4 * count)
            lanes[::4] = column.translate(_of_codes(bytes([number & 255 for number in numbers])))
            lanes[1::4] = column.translate(_of_codes(bytes([number >> 8 for number in numbers])))
            total += int.from_bytes(lanes, "little")
        least_of_all = fsum(low)
        words = memoryview(total.to_bytes(4 * count, "little")).cast("I")
        return [word / scale + least_of_all for word in words]

    def norm_planes(self, norms: Sequence[float], least: float) -> list[int]:
        """Norms above ``least`` in units, cut off at the highest, as planes."""
        most = (1 << NORM_BITS) - 1
        data = bytes([min(most, max(0, int((norm - least) / self.unit + 0.5))) for norm in norms])
        return [plane(data, bit) for bit in range(NORM_BITS)]


def _of_codes(values: bytes) -> bytes:
    """The value of every middle byte, given that of each code: steps from the middle, cut off at the ends."""
    half = len(values) // 2
    return values[:1] * (MIDDLE - half) + values + values[-1:] * (256 - MIDDLE - half)


def _norm_table(axis: Axis, offset: float) -> list[float]:
    """N's part of an axis, for every code."""
    values = map(axis.value, range(1 << axis.bits))
    return [value * (value + 2.0 * offset) for value in values]


def train_quantiser(axes: Matrix, residuals: Sequence[Sequence[int]], planes: int) -> tuple[Axis, ...]:
    """Bits given one by one to the axis whose measured error they lower most. 1 s for 128 axes, 2,000 rows."""
    packed = [pack(column, WIDE) for column in zip(*residuals)]
    choices = [_choices(_projected(packed, axis, len(residuals))) for axis in axes]
    bits = [0] * len(axes)
    queue = [(choice[1][0] - choice[0][0], place) for place, choice in enumerate(choices)]
    heapify(queue)
    for _ in range(planes):
        if not queue or queue[0][0] >= 0.0:
            break
        place = queue[0][1]
        bits[place] += 1
        errors = choices[place]
        following = bits[place] + 1
        drop = errors[following][0] - errors[bits[place]][0] if following <= MAX_BITS else 0.0
        heapreplace(queue, (drop, place))
    return tuple(
        Axis(tuple(axis), choice[count][1], count) for axis, choice, count in zip(axes, choices, bits) if count
    )


def _projected(packed: Sequence[int], axis: Sequence[float], count: int) -> list[float]:
    """Packed columns of whole numbers on an axis."""
    weights = [round(value * 65_536) for value in axis]
    return [lane / 65_536 for lane in unpack(combine(packed, weights), count, WIDE)]


def _choices(values: Sequence[float]) -> list[tuple[float, float]]:
    """(mean squared error, step) for 0 to 4 bits."""
    sigma = rms(values) or 1.0
    few = values[:ERROR_SAMPLE]
    widest = max(map(abs, values)) / 100.0  # no row of the sample leaves the byte of its lane
    found = [(sigma * sigma, sigma)]
    for bits in range(1, MAX_BITS + 1):
        steps = {max(widest, sigma * GAUSSIAN_STEPS[bits] * stretch) for stretch in STRETCHES}
        found.append(min((_error(few, step, bits), step) for step in steps))
    return found


def _error(values: Sequence[float], step: float, bits: int) -> float:
    half = 1 << bits >> 1
    top = half - 1
    return fmean([(value - step * (min(top, max(-half, floor(value / step))) + 0.5)) ** 2 for value in values])


def choose_unit(axes: Sequence[Axis], queries: Sequence[Sequence[float]]) -> float:
    """The unit of scores, from rows taken as queries (relative to the mean)."""
    largest = []
    for query in queries:
        weights = [abs(2.0 * fsum(map(mul, axis.vector, query))) * axis.step * 2 ** (axis.bits - 1) for axis in axes]
        largest.append(max(weights))
    return UNIT_SHARE * fmean(largest) or 1.0


def residual_radius(residuals: Sequence[Sequence[int]]) -> float:
    """The root mean square length of residuals."""
    return sqrt(fmean([sum(value * value for value in row) for row in residuals]))  # ints


def train(
    rows: Sequence[bytes],
    labels: Sequence[int],
    centres: Centres,
    axes: Matrix,
    planes: int = MAX_PLANES,
    wide: bool = False,
) -> Quantiser:
    """Quantiser of sample rows, each with the number of its centre; ``wide`` gives it a fine stage."""
    residuals = [residual(row, centres, label) for row, label in zip(rows, labels)]
    # Rows that are all equal have no axis; one that tells nothing apart keeps the index whole.
    dummy = Axis((1.0, *[0.0] * (len(centres.mean) - 1)), 1.0, 1)
    chosen = train_quantiser(axes, residuals[:2000], planes) or (dummy,)
    queries = [
        [value - middle for value, middle in zip(row, centres.mean)]
        for row in rows[: max(8, UNIT_SAMPLE // len(rows[0]))]
    ]
    fine = _widest(chosen, residuals[:FINE_SAMPLE]) / FINE_STEPS if wide else 0.0
    return Quantiser(chosen, choose_unit(chosen, queries), fine)


def _widest(axes: Sequence[Axis], residuals: Sequence[Sequence[int]]) -> float:
    """How far any residual reaches on any axis."""
    return max(abs(fsum(map(mul, axis.vector, row))) for axis in axes for row in residuals)


def residual(row: bytes, centres: Centres, label: int) -> list[int]:
    """A row relative to its centre, in whole numbers."""
    return [round(value - middle - part) for value, middle, part in zip(row, centres.mean, centres.points[label])]
