"""Clusters of numbers on a line: Lloyd's k-means, on exact sums."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from heapq import nlargest
from itertools import accumulate
from math import fsum, inf
from typing import Final

from projections import moments

STEPS: Final = 300
SETTLED: Final = 1e-4  # of the variance: centres that move less, taken together, have settled

Span = tuple[int, int]  # the numbers of a cluster, by their places in order


def centres(column: Sequence[float], start: Sequence[float]) -> list[float]:
    """Sorted centres of as many clusters as there are to start from. k log n a step, after sorting once.

    Sums are exact, and a number midway between two centres belongs to the lower one. A cluster that is left without
    numbers takes the number farthest from its centre. It ends, as scikit-learn's does, where no number changes its
    cluster, where the centres settle, or after 300 steps. Source: Lloyd, "Least squares quantization in PCM" (1982).

    >>> centres([-2.0, -1.0, 0.0, 1.0], [-1.5, -0.5, 0.5])
    [-1.5, 0.0, 1.0]
    """
    line = _Line(column)
    variance = moments(column).variance
    settled = SETTLED * (inf if variance is None else variance)
    held, before = list(start), None
    for _ in range(STEPS):
        spans = line.spans(held)
        moved = line.means(held, spans)
        shift = fsum((new - old) * (new - old) for new, old in zip(moved, held))
        held = moved
        if spans == before or shift <= settled:
            break
        before = spans
    return sorted(held)


class _Line:
    """Numbers in order, and their exact sums from the first on, as integers over a power of two."""

    def __init__(self, column: Sequence[float]) -> None:
        self.places = sorted(range(len(column)), key=column.__getitem__)
        self.numbers = [column[place] for place in self.places]
        ratios = [number.as_integer_ratio() for number in self.numbers]
        self.scale = max(bottom for _, bottom in ratios)
        self.whole = [top * (self.scale // bottom) for top, bottom in ratios]
        self.sums = [0, *accumulate(self.whole)]

    def spans(self, held: Sequence[float]) -> list[Span]:
        """The numbers that are nearest to each centre; of equal centres the first one has them."""
        found: list[Span] = [(0, 0)] * len(held)
        order = sorted(range(len(held)), key=held.__getitem__)
        distinct = [place for at, place in enumerate(order) if not at or held[place] != held[order[at - 1]]]
        low = 0
        for place, after in zip(distinct, [*distinct[1:], None]):
            high = len(self.numbers)
            if after is not None:
                high = bisect_right(self.numbers, held[place] * 0.5 + held[after] * 0.5, low)
            found[place] = (low, high)
            low = high
        return found

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
            (abs(self.numbers[at] - held[place]), self.places[at], at, place)
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
