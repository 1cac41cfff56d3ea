"""Divergences: how far two distributions lie apart. Plain formulas over plain sequences.

Of probabilities in equal bins: ``psi``, ``kl_divergence``, ``js_divergence``, in nats. Of two samples of numbers:
``ks_statistic`` with ``ks_p_value``, and ``wasserstein``, in the unit of the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, compress, pairwise
from math import exp, fsum, isfinite, log, pi, sqrt
from operator import ne
from typing import Final

from ledger import InvalidInput

_SWITCH: Final = 1.18  # between the two series, as Marsaglia, Tsang and Wang (2003): either needs at most five terms


def psi(then: Sequence[float], now: Sequence[float]) -> float:
    """The population stability index: the sum of (q - p) ln(q / p), which is KL(p, q) + KL(q, p).

    Takes positive probabilities (see ``floored``). Rule of thumb: 0.1 is some shift, 0.25 a large one. Source:
    Siddiqi, "Credit Risk Scorecards" (2006); it is the J-divergence of Jeffreys (1946).

    >>> round(psi([0.5, 0.5], [0.25, 0.75]), 6)
    0.274653
    """
    _check_pairs(then, now)
    return fsum([(q - p) * log(q / p) for p, q in zip(then, now)])


def kl_divergence(p: Sequence[float], q: Sequence[float]) -> float:
    """The relative entropy of ``p`` from ``q``: the sum of p ln(p / q), where a p of 0 adds nothing.

    Every ``q`` under a positive ``p`` has to be positive. Source: Kullback and Leibler, "On information and
    sufficiency" (1951).

    >>> kl_divergence([1.0, 0.0], [0.5, 0.5]) == log(2)
    True
    """
    _check_pairs(p, q)
    return fsum([a * log(a / b) for a, b in zip(p, q) if a > 0])


def js_divergence(p: Sequence[float], q: Sequence[float]) -> float:
    """The Jensen-Shannon divergence: (KL(p, m) + KL(q, m)) / 2 with m = (p + q) / 2; from 0 to ln 2, zeros allowed.

    Its root is a metric. Source: Lin, "Divergence measures based on the Shannon entropy" (1991).

    >>> js_divergence([1, 0], [0, 1]) == log(2)
    True
    """
    _check_pairs(p, q)
    middle = [(a + b) / 2 for a, b in zip(p, q)]
    return max(0.0, (kl_divergence(p, middle) + kl_divergence(q, middle)) / 2)


def floored(counts: Sequence[int], floor: float) -> list[float]:
    """Probabilities of counts, none below a floor, brought back to a sum of one; at least one count is positive.

    >>> floored([3, 1, 0], 0.0), floored([1, 0], 0.25)
    ([0.75, 0.25, 0.0], [0.8, 0.2])
    """
    total = sum(counts)  # ints
    raised = [max(count / total, floor) for count in counts]
    whole = fsum(raised)
    return [share / whole for share in raised]


def ks_statistic(a: Sequence[float], b: Sequence[float]) -> float:
    """The two-sample Kolmogorov-Smirnov statistic: the largest distance of the two distribution functions.

    Takes sorted numbers, at least one each. 0.3 us a number. Source: Smirnov, "Table for estimating the goodness of
    fit of empirical distributions" (1948).

    >>> ks_statistic([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    numbers, gaps = _gaps(a, b)
    ends = map(ne, numbers, numbers[1:])  # of runs of equal numbers: the functions step once a run
    return max(map(abs, compress(gaps, ends)), default=0) / (len(a) * len(b))


def ks_p_value(statistic: float, a: int, b: int) -> float:
    """How likely so large a statistic is between samples of ``a`` and ``b`` numbers of one continuous distribution.

    The limit: 2 sum of (-1)^(k-1) exp(-2 k^2 x^2) at x = (r + 0.12 + 0.11 / r) D, r = sqrt(ab / (a + b)). The two
    constants bring small samples near it, from ab / (a + b) = 12 within 0.02, and within 0.003 where the value is below
    0.05. Ties make it too large. Source: Stephens, "Use of the Kolmogorov-Smirnov, Cramer-von Mises and related
    statistics without extensive tables" (1970).

    >>> round(ks_p_value(0.5, 10, 10), 3), ks_p_value(0.0, 10, 10)
    (0.111, 1.0)
    """
    root = sqrt(a * b / (a + b))
    return _kolmogorov((root + 0.12 + 0.11 / root) * statistic)


def _kolmogorov(x: float) -> float:
    """The upper tail of the distribution of Kolmogorov (1933), by the series that converges fast."""
    if x < 0.04:  # where the first term underflows, and the tail is 1 to the last bit
        return 1.0
    if x < _SWITCH:
        terms = [exp(-((2 * k - 1) ** 2) * pi * pi / (8 * x * x)) for k in range(1, 6)]
        return max(0.0, 1.0 - sqrt(2 * pi) / x * fsum(terms))
    return max(0.0, min(1.0, 2 * fsum([(-1) ** (k - 1) * exp(-2 * k * k * x * x) for k in range(1, 6)])))


def wasserstein(a: Sequence[float], b: Sequence[float]) -> float | None:
    """The first Wasserstein distance: the area between the two distribution functions; None beyond float64.

    Takes sorted numbers, at least one each. 0.5 us a number. Source: Vallender, "Calculation of the Wasserstein
    distance between probability distributions on the line" (1974).

    >>> wasserstein([0, 1, 3], [5, 6, 8])
    5.0
    """
    numbers, gaps = _gaps(a, b)
    pairs = len(a) * len(b)
    shrink = 1.0 if isfinite(numbers[-1] - numbers[0]) else 0.5  # from -1e308 to 1e308
    widths = [end * shrink - start * shrink for start, end in pairwise(numbers)]
    found = fsum([abs(gap) / pairs * width for gap, width in zip(gaps, widths)]) / shrink
    return found if isfinite(found) else None


def _gaps(a: Sequence[float], b: Sequence[float]) -> tuple[list[float], list[int]]:
    """The numbers of both in order, and the difference of the distribution functions from each one on.

    In units of 1 / (len(a) len(b)), so exactly; within a run of equal numbers only the last one counts.
    """
    both = [*a, *b]
    weights = [len(b)] * len(a) + [-len(a)] * len(b)
    order = sorted(range(len(both)), key=both.__getitem__)  # two ascending runs: one merge
    return [both[place] for place in order], list(accumulate(map(weights.__getitem__, order)))


def _check_pairs(p: Sequence[float], q: Sequence[float]) -> None:
    if len(p) != len(q) or not p:
        raise InvalidInput("two distributions have the same bins", expected=len(p), actual=len(q))
