"""The beta distribution as the posterior of a proportion, prepared once for many integrals over it.

Everything is in the logit t = ln(x / (1 - x)), where the density is smooth whatever the parameters, on panels of 12
Gauss-Legendre points: absolute errors of probabilities below 1e-11 up to a billion units.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
from math import exp, expm1, fsum, inf, log, log1p, sqrt
from random import Random
from typing import Final, Protocol

from vectordb.experiments.stats.inputs import check_positive
from vectordb.experiments.stats.quadrature import gauss_legendre

_POINTS: Final = gauss_legendre(12)
_CUT: Final = -46.0  # the logarithm of a density that is left out, 1e-20 of the highest
_WIDEST: Final = 2.0
_FAR: Final = 30.0


class Density(Protocol):
    """A posterior on a line: what integrals over one or many of them need."""

    @property
    def edges(self) -> Sequence[float]:
        """Ends of panels within which the density is near a polynomial; what lies outside them is nothing."""
        ...

    def density(self, at: float) -> float:
        """The density."""
        ...

    def cdf(self, at: float) -> float:
        """The probability below."""
        ...

    def draw(self, rng: Random) -> float:
        """One random draw."""
        ...


class Beta:
    """Beta(a, b), over the logit of a proportion. 0.1 ms to prepare.

    >>> posterior = Beta(11.0, 21.0)
    >>> round(posterior.mean, 6), round(posterior.cdf(0.0), 6)
    (0.34375, 0.964622)
    """

    def __init__(self, a: float, b: float) -> None:
        self.a, self.b = check_positive("a", a), check_positive("b", b)
        self._top = log(self.a / self.b)
        self._step = min(1.5 * sqrt(1.0 / self.a + 1.0 / self.b), _WIDEST)
        below, above = self._reach(-self._step), self._reach(self._step)
        self.edges: list[float] = [self._top + self._step * k for k in range(-below, above + 1)]
        self._whole = 1.0
        masses = [self._between(low, high) for low, high in pairwise(self.edges)]
        self._whole = fsum(masses)
        shares = [mass / self._whole for mass in masses]
        self._below = [0.0, *accumulate(shares)]
        self._above = [*list(accumulate(reversed(shares)))[::-1], 0.0]

    @property
    def mean(self) -> float:
        """The mean of the proportion."""
        return self.a / (self.a + self.b)

    def density(self, at: float) -> float:
        """The density of the logit."""
        return exp(self._log(at - self._top)) / self._whole

    def cdf(self, at: float) -> float:
        """The probability of a logit below."""
        place = bisect_right(self.edges, at) - 1
        if place < 0 or place >= len(self.edges) - 1:
            return 0.0 if place < 0 else 1.0
        return min(1.0, self._below[place] + self._between(self.edges[place], at))

    def sf(self, at: float) -> float:
        """The probability of a logit above."""
        place = bisect_right(self.edges, at)
        if place in (0, len(self.edges)):
            return 0.0 if place else 1.0
        return min(1.0, self._above[place] + self._between(at, self.edges[place]))

    def draw(self, rng: Random) -> float:
        """One random logit."""
        x = rng.betavariate(self.a, self.b)
        return log(x / (1.0 - x)) if 0.0 < x < 1.0 else (inf if x else -inf)

    def _log(self, u: float) -> float:
        """The logarithm of the density at ``u`` from its top, relative to the top.

        Of two equal forms, the one whose terms are small; far out, the one that stays in range.
        """
        a, b = self.a, self.b
        total = a + b
        if u < -_FAR or (a <= b and u < _FAR):
            return a * u - total * log1p(a / total * expm1(u))
        return -b * u - total * log1p(b / total * expm1(-u))

    def _reach(self, step: float) -> int:
        count = 1
        while self._log(step * count) > _CUT:
            count += 1
        return count

    def _between(self, low: float, high: float) -> float:
        half, middle = 0.5 * (high - low), 0.5 * (high + low)
        return half * fsum([weight * self.density(middle + half * point) for point, weight in _POINTS])


def logistic(t: float) -> float:
    """1 / (1 + e^-t), accurate on both sides."""
    return 1.0 / (1.0 + exp(-t)) if t > 0.0 else exp(t) / (1.0 + exp(t))


def integrate(function: Callable[[float], float], edges: Iterable[float]) -> float:
    """The integral of a function that is smooth between neighbouring edges.

    >>> round(integrate(exp, [0.0, 1.0]), 12)
    1.718281828459
    """
    parts = []
    for low, high in pairwise(sorted(set(edges))):
        half, middle = 0.5 * (high - low), 0.5 * (high + low)
        parts += [half * weight * function(middle + half * point) for point, weight in _POINTS]
    return fsum(parts)


def within(edges: Iterable[float], density: Density) -> list[float]:
    """The edges of a posterior, and those of others that fall between them."""
    low, high = density.edges[0], density.edges[-1]
    return [*density.edges, *(edge for edge in edges if low < edge < high)]
