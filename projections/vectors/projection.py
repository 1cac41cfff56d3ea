"""The projection of one row: its place on every axis and its distance to every centre, in one packed product.

Coordinate i of all axes and centres is one integer of 32-bit lanes; a row is the sum of its coordinates
times these integers: 45 us for 128 coordinates, 128 axes and 64 centres, where single products take 500.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from math import hypot
from operator import mul, sub
from typing import NamedTuple

from projections.vectors.bytescale import ByteScale
from projections.vectors.packed import combine, ones, pack
from projections.vectors.quantiser import Quantiser
from projections.vectors.training import Centres

WIDTH = 4
HALF = 1 << 31
FAR = 1e100  # from the mean, in the units of the bytes
LENGTH = 1 << 15  # of a row, an axis and the longest centre in lane units; their products stay below 2**30


class Placed(NamedTuple):
    """A row: <V_j, x - mean> for every axis, and |x - c|**2 for every centre."""

    axes: list[float]
    distances: list[float]


class Projection:
    """Axes and centres, packed."""

    __slots__ = (
        "_axis_count",
        "_axis_scale",
        "_bias",
        "_centre_scale",
        "_factor",
        "_lanes",
        "_rows",
        "_shift",
        "_squares",
    )

    def __init__(self, quantiser: Quantiser, centres: Centres, scale: ByteScale) -> None:
        vectors = [axis.vector for axis in quantiser.axes]
        longest = max((hypot(*point) for point in centres.points), default=0.0) or 1.0
        self._factor = 1.0 / scale.step  # (value - low) / step - mean, as value x factor - shift
        self._shift = [scale.low / scale.step + middle for middle in centres.mean]
        self._axis_count = len(vectors)
        self._axis_scale = float(LENGTH)
        self._centre_scale = LENGTH / longest
        self._squares = [hypot(*point) ** 2 for point in centres.points]
        scaled = [[round(value * LENGTH) for value in vector] for vector in vectors]
        scaled += [[round(value * self._centre_scale) for value in point] for point in centres.points]
        self._lanes = len(scaled)
        self._rows = [pack(column, WIDTH) for column in zip(*scaled)]
        self._bias = HALF * ones(self._lanes, WIDTH)

    def place(self, row: Sequence[float]) -> Placed:
        """Where a row lies; ``row`` as ``ByteScale.row`` or ``query`` gave it."""
        relative = list(map(sub, map(mul, row, repeat(self._factor)), self._shift))
        length = hypot(*relative)
        if not length < FAR:  # only its direction counts, and its square has to be finite
            largest = max(map(abs, row)) or 1.0
            relative = [value / largest * FAR for value in row]
            length = hypot(*relative)
        scale = LENGTH / (length or 1.0)
        numbers = map(int, map(mul, relative, repeat(scale)))
        total = combine(self._rows, numbers, self._bias)
        lanes = memoryview(total.to_bytes(self._lanes * WIDTH, "little")).cast("I").tolist()
        back = 1.0 / (scale * self._axis_scale)
        axes = [(lane - HALF) * back for lane in lanes[: self._axis_count]]
        square, twice = length * length, 2.0 / (scale * self._centre_scale)
        own = zip(lanes[self._axis_count :], self._squares)
        return Placed(axes, [square - (lane - HALF) * twice + norm for lane, norm in own])
