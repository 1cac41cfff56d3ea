"""Exact moments: sums of numbers and of their squares as integers over powers of two.

No order of the numbers, no Python and no size of them (1e308 beside 1e-308, steps of one at 1e15) changes a bit of what
comes out; merging and retracting are exact too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import frexp, isqrt
from operator import mul
from sys import float_info
from typing import Final, NamedTuple

from ledger import InvalidInput

INTS: Final = frozenset({int, bool})
_ROOT_BITS: Final = 2 * float_info.mant_dig + 3
CHUNK: Final = 8192  # numbers at a time: what is made of them stays in the cache
_FEW: Final = 10  # numbers for which a common scale is not worth looking for
SPREAD: Final = 300  # binary digits between the sizes of numbers that are summed over one scale


class Moments(NamedTuple):
    """``size`` numbers whose sum is ``total / scale`` and whose sum of squares is ``squares / scale**2``, exactly.

    ``scale`` is a power of two.
    """

    size: int
    total: int
    squares: int
    scale: int

    @property
    def mean(self) -> float | None:
        """The mean, rounded once; None of no numbers."""
        return self.total / (self.size * self.scale) if self.size else None

    @property
    def spread(self) -> int:
        """``size**2 * scale**2`` times the variance over ``size``."""
        return self.size * self.squares - self.total * self.total

    @property
    def variance(self) -> float | None:
        """The variance over ``size``, rounded once; None of no numbers, and beyond float64."""
        if not self.size:
            return None
        try:
            return self.spread / (self.size * self.size * self.scale * self.scale)
        except OverflowError:
            return None

    @property
    def deviation(self) -> float | None:
        """The standard deviation over ``size``, rounded once; None of no numbers."""
        return _root(self.spread, self.size * self.size * self.scale * self.scale) if self.size else None

    @property
    def std(self) -> float | None:
        """The standard deviation over ``size - 1``, rounded once; None below two numbers, and beyond float64."""
        if self.size < 2:
            return None
        return _root(self.spread, self.size * (self.size - 1) * self.scale * self.scale)

    def merge(self, other: Moments) -> Moments:
        """The moments of both."""
        return self._combined(other, 1)

    def retract(self, other: Moments) -> Moments:
        """The moments without numbers that were merged before; ``retract`` of ``merge`` is the same again."""
        if other.size > self.size:
            raise InvalidInput("only numbers that were added are taken back", held=self.size, taken=other.size)
        return self._combined(other, -1)

    def _combined(self, other: Moments, sign: int) -> Moments:
        scale = max(self.scale, other.scale)
        own, more = scale // self.scale, scale // other.scale
        total = self.total * own + sign * other.total * more
        squares = self.squares * own * own + sign * other.squares * more * more
        return _reduced(self.size + sign * other.size, total, squares, scale)


NOTHING: Final = Moments(0, 0, 0, 1)


def moments(numbers: Iterable[float]) -> Moments:
    """The exact moments of finite numbers. 0.05 us an int, 0.25 us a float, 0.9 us among floats of all sizes.

    >>> moments([1e308, 1e308, -1e308, 3.0]).mean
    2.5e+307
    >>> moments([1e15, 1e15 + 1, 1e15 + 2]).std
    1.0
    """
    held = list(numbers)
    types = set(map(type, held))
    if types <= INTS:
        return _of_ints(held, 1)  # type: ignore[arg-type]
    if types != {float}:
        held = list(map(float, held))
    found, rest = NOTHING, []
    for start in range(0, len(held), CHUNK):
        chunk = held[start : start + CHUNK]
        scale = _common_scale(chunk) if len(chunk) > _FEW else None
        if scale is None:
            rest += chunk
        else:
            whole = chunk if scale == 1 else [number * scale for number in chunk]
            more = _of_ints(list(map(int, whole)), int(scale))
            found = found.merge(more) if found.size else more
    if not rest:
        return found
    more = _of_many_sizes(rest)
    return found.merge(more) if found.size else more


def _of_ints(tops: Sequence[int], scale: int) -> Moments:
    """The moments of whole numbers over a scale."""
    return _reduced(len(tops), sum(tops), sum(map(mul, tops, tops)), scale)  # ints


def _common_scale(numbers: Sequence[float]) -> float | None:
    """What makes all of them whole; None where some are so large beside others that one for all is slow."""
    if all(map(float.is_integer, numbers)):
        return 1.0
    sizes = list(map(abs, numbers))
    smallest = min(sizes) or min(filter(None, sizes))
    most, least = frexp(max(sizes))[1], frexp(smallest)[1]
    places = float_info.mant_dig - least  # after the point
    if most - least > SPREAD or not 0 < places < float_info.max_exp - max(most, 0):
        return None
    return 2.0**places


def _of_many_sizes(numbers: Sequence[float]) -> Moments:
    sums: dict[int, int] = {}  # numerators by denominator, all of which are powers of two
    squares: dict[int, int] = {}
    for top, bottom in map(float.as_integer_ratio, numbers):
        sums[bottom] = sums.get(bottom, 0) + top
        squares[bottom] = squares.get(bottom, 0) + top * top
    scale = max(sums)
    total = sum(top * (scale // bottom) for bottom, top in sums.items())  # ints
    square = sum(top * (scale // bottom) ** 2 for bottom, top in squares.items())  # ints
    return _reduced(len(numbers), total, square, scale)


def _reduced(size: int, total: int, squares: int, scale: int) -> Moments:
    """The one form of a scale: the smallest that holds both sums, so that equal sums are equal moments."""
    spare = scale.bit_length() - 1
    if total:
        spare = min(spare, (total & -total).bit_length() - 1)
    if squares:
        spare = min(spare, ((squares & -squares).bit_length() - 1) // 2)
    return Moments(size, total >> spare, squares >> 2 * spare, scale >> spare)


def _root(top: int, bottom: int) -> float | None:
    """The square root of a fraction, rounded once: to odd with bits to spare, then by the division.

    Source: Boldo and Melquiond, "When double rounding is odd" (2005), as ``statistics.stdev`` does it.
    """
    shift = (top.bit_length() - bottom.bit_length() - _ROOT_BITS) // 2
    if shift >= 0:
        top, bottom = _odd_root(top, bottom << 2 * shift) << shift, 1
    else:
        top, bottom = _odd_root(top << -2 * shift, bottom), 1 << -shift
    try:
        return top / bottom
    except OverflowError:
        return None


def _odd_root(top: int, bottom: int) -> int:
    root = isqrt(top // bottom)
    return root | (root * root * bottom != top)
