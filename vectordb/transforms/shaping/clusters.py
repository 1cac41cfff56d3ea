"""Clusters of numbers on a line: Lloyd's k-means, on exact sums."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from heapq import nlargest
from itertools import accumulate, pairwise
from math import fsum
from typing import Final

from projections import moments

STEPS: Final = 300
SETTLED: Final = 1e-4  # of the variance: centres that move less, taken together, have settled

SHRINK: Final = 2.0**-512

Span = tuple[int, int]  # the numbers of a cluster, by their places in order


def centres(column: Sequence[float], start: Sequence[float]) -> list[float]:
    """Sorted centres of as many clusters as there are to start from. k log n a step, after sorting once.

    Sums are exact. The rest is scikit-learn's: a number midway between two centres goes where the rounding of squares
    sends it; a cluster that is left without numbers takes the number farthest from its centre; it ends where no number
    changes its cluster, where the centres settle, or after 300 steps. Of equally far numbers the one of the last row
    is taken; which one scikit-learn takes depends on the processor, so a column in fifty has other clusters there.
    Source: Lloyd, "Least squares quantization in PCM" (1982).

    >>> centres([-2.0, -1.0, 0.0, 1.0], [-1.5, -0.5, 0.5])
    [-1.5, 0.0, 1.0]
    """
    held = moments(column)
    if held.variance is None:  # beyond float64
        less = [[number * SHRINK for number in numbers] for numbers in (column, start)]
        return [centre / SHRINK for centre in centres(*less)]
    return sorted(_Line(column, held.mean or 0.0).settle(list(start), SETTLED * held.variance))


class _Line:
    """Numbers in order, and their exact sums from the first on, as integers over a power of two.

    Squares are made of distances from the mean.
    """

    def __init__(self, column: Sequence[float], mean: float) -> None:
        self.mean = mean
        self.places = sorted(range(len(column)), key=column.__getitem__)
        self.numbers = [column[place] for place in self.places]
        ratios = [number.as_integer_ratio() for number in self.numbers]
        self.scale = max(bottom for _, bottom in ratios)
        self.whole = [top * (self.scale // bottom) for top, bottom in ratios]
        self.sums = [0, *accumulate(self.whole)]

    def settle(self, held: list[float], settled: float) -> list[float]:
        """The centres at the end; ``settled``: the sum of squares of their last moves."""
        before = None
        for _ in range(STEPS):
            spans = self.spans(held)
            moved = self.means(held, spans)
            shift = fsum((new - old) * (new - old) for new, old in zip(moved, held))
            held = moved
            if spans == before or shift <= settled:
                break
            before = spans
        return held

    def spans(self, held: Sequence[float]) -> list[Span]:
        """The numbers that are nearest to each centre; of equal centres the first one has them."""
        found: list[Span] = [(0, 0)] * len(held)
        order = sorted(range(len(held)), key=held.__getitem__)
        distinct = [place for at, place in enumerate(order) if not at or held[place] != held[order[at - 1]]]
        low = 0
        for place, after in pairwise(distinct):
            high = self.cut(held, place, after, low)
            found[place] = (low, high)
            low = high
        found[distinct[-1]] = (low, len(self.numbers))
        return found

    def cut(self, held: Sequence[float], below: int, above: int, low: int) -> int:
        """Where the numbers of one cluster end and those of the next one begin."""
        numbers = self.numbers
        middle = held[below] * 0.5 + held[above] * 0.5
        found = bisect_right(numbers, middle, low)
        if found > low and self._is_above(numbers[found - 1], held, below, above):
            return bisect_left(numbers, numbers[found - 1], low)
        if found < len(numbers) and not self._is_above(numbers[found], held, below, above):
            return bisect_right(numbers, numbers[found], low)
        return found

    def _is_above(self, number: float, held: Sequence[float], below: int, above: int) -> bool:
        """Whether a number belongs to the upper of two clusters, by squares of distances less that of the number."""
        number, low, high = number - self.mean, held[below] - self.mean, held[above] - self.mean
        to_low, to_high = low * low - 2.0 * (number * low), high * high - 2.0 * (number * high)
        return to_high < to_low or (to_high == to_low and above < below)

    def means(self, held: Sequence[float], spans: Sequence[Span]) -> list[float]:
        """The new centres; a cluster that stays without numbers is where the largest one is."""
        totals = [self.sums[high] - self.sums[low] for low, high in spans]
        counts = [high - low for low, high in spans]
        self._fill(held, spans, totals, counts)
        largest = counts.index(max(counts))
        filled = [place if counts[place] else largest for place in range(len(held))]
        return [totals[place] / (counts[place] * self.scale) for place in filled]

    def _fill(self, held: Sequence[float], spans: Sequence[Span], totals: list[int], counts: list[int]) -> None:
        """Give each cluster without numbers one of those farthest from their centres; of equal ones the last row."""
        empty = [place for place, count in enumerate(counts) if not count]
        if not empty:
            return
        distances = (
            (self._square(self.numbers[at], held[place]), self.places[at], at, place)
            for place, (low, high) in enumerate(spans)
            for at in range(low, high)
        )
        far = nlargest(len(empty), distances)
        if far[0][0] == 0:
            return  # fewer distinct numbers than clusters
        for new, (_, _, at, old) in zip(empty, far):
            totals[old] -= self.whole[at]
            counts[old] -= 1
            totals[new], counts[new] = self.whole[at], 1

    def _square(self, number: float, centre: float) -> float:
        apart = (number - self.mean) - (centre - self.mean)
        return apart * apart
