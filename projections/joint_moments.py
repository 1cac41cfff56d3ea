"""Exact joint moments of pairs: sums of both numbers, of their squares and of their product, as integers.

As ``projections.moments``: no order changes a bit, merging and retracting are exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import frexp, isfinite
from operator import mul
from sys import float_info
from typing import Final, NamedTuple

from ledger import InvalidInput
from projections.moments import CHUNK, INTS, NOTHING, SPREAD, Moments

_FINE: Final = 1 << 64


class JointMoments(NamedTuple):
    """``size`` pairs (y, x) whose sums are ``y / scale`` and ``x / scale``, and of products ``yy / scale**2``, exactly.

    ``scale`` is a power of two.
    """

    size: int
    y: int
    x: int
    yy: int
    xx: int
    yx: int
    scale: int

    @property
    def first(self) -> Moments:
        """The moments of the y."""
        return NOTHING.merge(Moments(self.size, self.y, self.yy, self.scale))

    @property
    def second(self) -> Moments:
        """The moments of the x."""
        return NOTHING.merge(Moments(self.size, self.x, self.xx, self.scale))

    @property
    def spreads(self) -> tuple[int, int, int]:
        """``size**2 * scale**2`` times the variance of y, the variance of x and their covariance over ``size``."""
        n, y, x = self.size, self.y, self.x
        return n * self.yy - y * y, n * self.xx - x * x, n * self.yx - y * x

    @property
    def covariance(self) -> float | None:
        """The covariance over ``size - 1``, rounded once; None below two pairs, and beyond float64."""
        if self.size < 2:
            return None
        try:
            return self.spreads[2] / (self.size * (self.size - 1) * self.scale * self.scale)
        except OverflowError:
            return None

    def merge(self, other: JointMoments) -> JointMoments:
        """The moments of both."""
        return self._combined(other, 1)

    def retract(self, other: JointMoments) -> JointMoments:
        """The moments without pairs that were merged before; ``retract`` of ``merge`` is the same again."""
        if other.size > self.size:
            raise InvalidInput("only pairs that were added are taken back", held=self.size, taken=other.size)
        return self._combined(other, -1)

    def _combined(self, other: JointMoments, sign: int) -> JointMoments:
        scale = max(self.scale, other.scale)
        own, more = scale // self.scale, sign * (scale // other.scale)
        own2, more2 = own * own, more * (scale // other.scale)
        return _reduced(
            self.size + sign * other.size,
            (self.y * own + other.y * more, self.x * own + other.x * more),
            tuple(mine * own2 + theirs * more2 for mine, theirs in zip(self[3:6], other[3:6])),
            scale,
        )


NO_PAIRS: Final = JointMoments(0, 0, 0, 0, 0, 0, 1)


def joint_moments(pairs: Iterable[tuple[float, float]]) -> JointMoments:
    """The exact joint moments of pairs (y, x) of finite numbers. 1 us a pair, 2 us among floats of all sizes.

    >>> joint_moments([(1, 2), (2, 4), (3, 6.5)]).covariance
    2.25
    """
    held = list(pairs)
    ys, xs = [y for y, _x in held], [x for _y, x in held]
    if INTS.issuperset(map(type, ys)) and INTS.issuperset(map(type, xs)):
        return _of_ints(ys, xs, 1)  # type: ignore[arg-type]
    if not (all(map(isfinite, ys)) and all(map(isfinite, xs))):
        wrong = next(number for number in (*ys, *xs) if not isfinite(number))
        raise InvalidInput("a number of a pair is finite", value=wrong)
    found = NO_PAIRS
    for start in range(0, len(held), CHUNK):
        part = slice(start, start + CHUNK)
        found = found.merge(_of_floats(list(map(float, ys[part])), list(map(float, xs[part]))))
    return found


def _of_floats(ys: list[float], xs: list[float]) -> JointMoments:
    """Either number over a scale that makes all of it whole: 1 or 2**64 where that does, else one looked for."""
    y_scale, x_scale = _quick_scale(ys), _quick_scale(xs)
    if not (y_scale and x_scale):
        return _of_some_sizes(ys, xs)
    y, x = _whole(ys, y_scale), _whole(xs, x_scale)
    scale = max(y_scale, x_scale)
    more_y, more_x = scale // y_scale, scale // x_scale
    sums = sum(y) * more_y, sum(x) * more_x  # ints
    squares = sum(map(mul, y, y)) * more_y**2, sum(map(mul, x, x)) * more_x**2  # ints
    product = sum(map(mul, y, x)) * more_y * more_x  # ints
    return _reduced(len(ys), sums, (*squares, product), scale)


def _quick_scale(numbers: list[float]) -> int:
    """1 or 2**64 where all numbers times it are whole; else 0. A power of two rounds nothing off."""
    if all(map(float.is_integer, numbers)):
        return 1
    return _FINE if all(map(float.is_integer, map(float(_FINE).__mul__, numbers))) else 0


def _whole(numbers: list[float], scale: int) -> list[int]:
    return list(map(int, numbers if scale == 1 else map(float(scale).__mul__, numbers)))


def _of_some_sizes(ys: list[float], xs: list[float]) -> JointMoments:
    """All over the one scale that makes them whole, unless some are so large beside others that this is slow."""
    sizes = [*map(abs, ys), *map(abs, xs)]
    smallest = min(filter(None, sizes), default=1.0)
    most, least = frexp(max(sizes))[1], frexp(smallest)[1]
    places = max(0, float_info.mant_dig - least)  # after the point
    if most - least > SPREAD or places >= float_info.max_exp - max(most, 0):
        return _of_many_sizes(ys, xs)
    scale = 2.0**places
    return _of_ints([int(y * scale) for y in ys], [int(x * scale) for x in xs], 1 << places)


def _of_many_sizes(ys: list[float], xs: list[float]) -> JointMoments:
    """Pairs of one pair of denominators are summed as integers; the groups are then merged."""
    groups: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
    for (top, bottom), (other, under) in zip(map(float.as_integer_ratio, ys), map(float.as_integer_ratio, xs)):
        held = groups.get((bottom, under))
        if held is None:
            held = groups[bottom, under] = [], []
        held[0].append(top)
        held[1].append(other)
    total = NO_PAIRS
    for (bottom, under), (tops, others) in groups.items():
        scale = max(bottom, under)
        y, x = scale // bottom, scale // under
        total = total.merge(_of_ints([top * y for top in tops], [top * x for top in others], scale))
    return total


def _of_ints(ys: list[int], xs: list[int], scale: int) -> JointMoments:
    sums = sum(ys), sum(xs)  # ints
    products = sum(map(mul, ys, ys)), sum(map(mul, xs, xs)), sum(map(mul, ys, xs))  # ints
    return _reduced(len(ys), sums, products, scale)


def _reduced(size: int, sums: tuple[int, ...], products: tuple[int, ...], scale: int) -> JointMoments:
    """The one form of a scale: the smallest that holds all sums, so that equal sums are equal moments."""
    spare = scale.bit_length() - 1
    for value in filter(None, sums):
        spare = min(spare, (value & -value).bit_length() - 1)
    for value in filter(None, products):
        spare = min(spare, ((value & -value).bit_length() - 1) // 2)
    y, x = (value >> spare for value in sums)
    yy, xx, yx = (value >> 2 * spare for value in products)
    return JointMoments(size, y, x, yy, xx, yx, scale >> spare)
