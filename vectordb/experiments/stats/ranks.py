"""Tests and metrics by order: Mann-Whitney U, and quantiles with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import comb, isfinite, log, sqrt
from operator import itemgetter
from typing import Final

from ledger import InvalidInput
from vectordb.experiments.stats.distributions import p_value
from vectordb.experiments.stats.inputs import check_share
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.samples import Sample
from vectordb.experiments.stats.special import log_normal_sf, normal_isf
from vectordb.experiments.stats.unit_values import unit_values
from vectordb.views.quantiles import quantiles

_SMALL: Final = 8  # units of the smaller arm up to which the distribution of U is counted
_MOST_PAIRS: Final = 100_000  # and at most so many pairs
_LOG_2: Final = log(2.0)
_METHODS: Final = ("auto", "exact", "asymptotic")
_RANKS: Final = ("units are independent", "under equal distributions")
_NORMAL: Final = (*_RANKS, "U is near normal; corrected for ties and, by one half, for continuity")
_QUANTILE: Final = ("units are independent", "the quantile is near normal; its error from the width of its interval")


@dataclass(frozen=True)
class RankTest(Result):
    """Mann-Whitney: ``statistic`` is U of arm a, ``estimate`` the share of pairs in which b is above a, ties by half.

    None where an arm has no units, and ``undefined`` says so.
    """

    method: str
    assumptions: tuple[str, ...]
    estimate: float | None = None
    statistic: float | None = None
    tied: bool = False
    p_value: float | None = None
    log_p_value: float | None = None
    undefined: str | None = None


def mann_whitney(a: Iterable[float], b: Iterable[float], method: str = "auto") -> RankTest:
    """The two-sided test of Mann and Whitney, Annals of Mathematical Statistics 18 (1947) 50.

    ``auto`` counts the distribution of U where an arm has at most 8 units, none is tied and pairs are at most 100,000,
    and else takes the normal approximation. 4 us a unit.

    >>> found = mann_whitney([1.1, 2.3, 3.0], [2.9, 4.0, 5.5, 6.1])
    >>> found.method, found.statistic, round(found.p_value, 10)
    ('Mann-Whitney U, exact', 1.0, 0.1142857143)
    """
    if method not in _METHODS:
        raise InvalidInput("the method is one of these", method=method, known=_METHODS)
    ones, others = unit_values("a", a), unit_values("b", b)
    m, n = len(ones), len(others)
    if not m or not n:
        return RankTest("Mann-Whitney U", _RANKS, undefined="an arm has no units")
    twice_u, ties = _count(ones, others)
    if method == "exact" and ties:
        raise InvalidInput("the exact distribution has no ties", tied=ties)
    small = min(m, n) <= _SMALL and not ties and m * n <= _MOST_PAIRS
    exact = small if method == "auto" else method == "exact"
    far = max(twice_u, 2 * m * n - twice_u)
    log_p = _log_exact(far // 2, m, n) if exact else _log_asymptotic(far, m, n, ties)
    named, said = ("exact", (*_RANKS, "no ties")) if exact else ("asymptotic", _NORMAL)
    above = 1.0 - twice_u / (2 * m * n)
    return RankTest(f"Mann-Whitney U, {named}", said, above, twice_u / 2, ties > 0, p_value(log_p), log_p)


def quantile_sample(values: Iterable[float], share: float, alpha: float = 0.05) -> Sample:
    """A quantile of units in the form that ``difference``, ``lift`` and ``fieller`` compare.

    Its standard error is the width of ``quantile`` over twice the normal quantile of ``alpha``.
    """
    found = quantile(values, share, alpha)
    variance = found.size * found.standard_error * found.standard_error
    return Sample(found.size, found.estimate, variance if isfinite(variance) else None, "quantile", _QUANTILE)


@dataclass(frozen=True)
class Quantile(Result):
    """The ``share`` quantile of ``size`` units with its interval of confidence 1 - ``alpha``."""

    method: str
    assumptions: tuple[str, ...]
    alpha: float
    size: int
    share: float
    estimate: float
    standard_error: float
    low: float
    high: float


def quantile(values: Iterable[float], share: float, alpha: float = 0.05) -> Quantile:
    """A sample quantile; its bounds are the quantiles at share -+ z sqrt(share (1 - share) / n).

    Raises ``InvalidInput`` where these leave the sample: n <= z^2 share / (1 - share), or its mirror.

    >>> found = quantile(range(1, 102), 0.5)
    >>> found.estimate, round(found.low, 3), round(found.high, 3)
    (51.0, 41.249, 60.751)
    """
    z = normal_isf(0.5 * check_share("alpha", alpha))
    check_share("share", share)
    ordered = sorted(unit_values("values", values))
    size = len(ordered)
    least = z * z * max(share / (1.0 - share), (1.0 - share) / share)
    if size <= least:
        raise InvalidInput("a quantile needs more units for its interval", units=size, more_than=least, share=share)
    reach = z * sqrt(share * (1.0 - share) / size)
    low, middle, high = quantiles(ordered, (max(0.0, share - reach), share, min(1.0, share + reach)))
    return Quantile("sample quantile", _QUANTILE, alpha, size, share, middle, (high - low) / (2.0 * z), low, high)


def _count(a: Sequence[float], b: Sequence[float]) -> tuple[int, int]:
    """Twice U of ``a``, and the sum of t^3 - t over the groups of equal values."""
    pooled = sorted([(value, 1) for value in a] + [(value, 0) for value in b])
    below_b = twice_u = ties = 0
    for _value, group in groupby(pooled, key=itemgetter(0)):
        marks = [mark for _same, mark in group]
        of_a = sum(marks)  # ints
        of_b = len(marks) - of_a
        twice_u += of_a * (2 * below_b + of_b)
        below_b += of_b
        ties += len(marks) ** 3 - len(marks)
    return twice_u, ties


def _log_asymptotic(twice_far: int, m: int, n: int, ties: int) -> float:
    whole = m + n
    spread = m * n * (whole**3 - whole - ties) / (12 * whole * (whole - 1))
    if not spread:
        return 0.0
    z = (twice_far - m * n - 1) / (2.0 * sqrt(spread))
    return min(0.0, _LOG_2 + log_normal_sf(z))


def _log_exact(far: int, m: int, n: int) -> float:
    """Twice the share of the orders of m and n units with U at least ``far``, which is that of at most m n - far."""
    counts = _orders(m, n, m * n - far)
    top, bottom = 2 * sum(counts), comb(m + n, m)  # ints
    return min(0.0, log(top) - log(bottom))


def _orders(m: int, n: int, last: int) -> list[int]:
    """How many orders have U of 0, 1, ... ``last``: the coefficients of the Gaussian binomial (m + n, m).

    Its product over i of (1 - q^(n + i)) / (1 - q^i), factor by factor. Source: Andrews, "The theory of partitions".
    """
    m, n = min(m, n), max(m, n)
    counts = [1] + [0] * last
    for i in range(1, m + 1):
        for at in range(last, n + i - 1, -1):
            counts[at] -= counts[at - n - i]
        for at in range(i, last + 1):
            counts[at] += counts[at - i]
    return counts
