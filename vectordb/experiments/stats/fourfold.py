"""2x2 tables: Fisher's exact test, and the odds ratio with the interval of its logarithm."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from math import exp, inf, log, log1p, sqrt
from typing import Final

from ledger import InvalidInput
from vectordb.experiments.stats.distributions import log_hypergeometric, log_two_sided, p_value
from vectordb.experiments.stats.inputs import check_share
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.special import normal_isf
from vectordb.experiments.stats.tables import EMPTY_MARGIN, Table, checked_table

EMPTY_CELL: Final = "a cell holds no unit: the logarithm of the odds ratio has no standard error"

_TIES: Final = 1e-11  # probabilities so near in proportion are equal ones, computed
_NEGLIGIBLE: Final = 2.0**-60
_INDEPENDENT: Final = "each unit is counted once, independently"


@dataclass(frozen=True)
class OddsRatio(Result):
    """The odds ratio of a 2x2 table with its test; None where the counts do not say, and ``undefined`` says why.

    ``log_standard_error``, ``statistic``, ``low`` and ``high`` come from its logarithm; Fisher's test has none.
    """

    method: str
    assumptions: tuple[str, ...]
    estimate: float | None
    p_value: float | None = None
    log_p_value: float | None = None
    log_standard_error: float | None = None
    statistic: float | None = None
    alpha: float | None = None
    low: float | None = None
    high: float | None = None
    undefined: str | None = None


def fisher_exact(table: Table) -> OddsRatio:
    """Fisher's exact test: the probability of all tables with the same margins that are no likelier than this one.

    Two-sided; probabilities within 1e-11 in proportion count as equal. An empty row or column is p 1.

    >>> round(fisher_exact([[8, 2], [1, 5]]).p_value, 10)
    0.034965035
    """
    (a, b), (c, d) = _checked(table)
    said = (_INDEPENDENT, "both margins are fixed; the test is exact, and conservative")
    marked, drawn, total = a + b, a + c, a + b + c + d
    if not 0 < marked < total or not 0 < drawn < total:
        return OddsRatio("Fisher exact", said, None, 1.0, 0.0, undefined=EMPTY_MARGIN)
    log_p = _Margins(drawn, marked, total).log_no_likelier(a)
    return OddsRatio("Fisher exact", said, _odds(a, b, c, d), p_value(log_p), log_p)


def odds_ratio(table: Table, alpha: float = 0.05) -> OddsRatio:
    """The sample odds ratio a d / (b c); test and interval of its logarithm after Woolf (1955).

    >>> found = odds_ratio([[20, 80], [10, 90]])
    >>> found.estimate, round(found.low, 6), round(found.high, 6)
    (2.25, 0.994295, 5.091548)
    """
    (a, b), (c, d) = _checked(table)
    check_share("alpha", alpha)
    said = (_INDEPENDENT, "the logarithm of the odds ratio is near normal")
    named, estimate = "Woolf logarithm of the odds ratio", _odds(a, b, c, d)
    if not a * b * c * d or estimate is None:
        return OddsRatio(named, said, estimate, alpha=alpha, undefined=EMPTY_CELL)
    error = sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    gap = a * d - b * c
    middle = log1p(gap / (b * c)) if gap < b * c else log(estimate)
    log_p, reach = log_two_sided(middle / error), normal_isf(0.5 * alpha) * error
    ends = exp(middle - reach), exp(middle + reach)
    return OddsRatio(named, said, estimate, p_value(log_p), log_p, error, middle / error, alpha, *ends)


def _checked(table: Table) -> list[list[int]]:
    rows = checked_table(table)
    if len(rows) != 2 or len(rows[0]) != 2:
        raise InvalidInput("the table has two rows and two columns", table=rows)
    return rows


def _odds(a: int, b: int, c: int, d: int) -> float | None:
    return a * d / (b * c) if b * c else None


@dataclass(frozen=True)
class _Margins:
    """All 2x2 tables of the same margins, by their first cell."""

    drawn: int
    marked: int
    total: int

    def log_no_likelier(self, k: int) -> float:
        """The logarithm of the probability of all cells no likelier than ``k``."""
        low, high = max(0, self.drawn + self.marked - self.total), min(self.drawn, self.marked)
        mode = (self.drawn + 1) * (self.marked + 1) // (self.total + 2)
        goal = self._log(k) + _TIES
        if self._log(mode) <= goal:
            return 0.0
        if k < mode:
            far = bisect_left(range(high + 1), -goal, mode, high + 1, key=lambda at: -self._log(at))
            return self._both(self._log_tail(k, -1), self._log_tail(far, 1) if far <= high else -inf)
        far = bisect_right(range(mode + 1), goal, low, mode + 1, key=self._log) - 1
        return self._both(self._log_tail(k, 1), self._log_tail(far, -1) if far >= low else -inf)

    def _both(self, own: float, far: float) -> float:
        top = max(own, far)
        return min(0.0, top + log1p(exp(min(own, far) - top)))

    def _log(self, k: int) -> float:
        return log_hypergeometric(k, self.drawn, self.marked, self.total)

    def _log_tail(self, k: int, step: int) -> float:
        """From ``k`` away from the mode: the terms fall, each by the ratio of neighbours."""
        first, share, term = self._log(k), 1.0, 1.0
        while term > share * _NEGLIGIBLE:
            rest = self.total - self.marked - self.drawn + k
            if step > 0:
                term *= (self.marked - k) * (self.drawn - k) / ((k + 1) * (rest + 1))
            else:
                term *= k * rest / ((self.marked - k + 1) * (self.drawn - k + 1))
            share += term
            k += step
        return first + log(share)
