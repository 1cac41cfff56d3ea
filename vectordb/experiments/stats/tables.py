"""Tests of counts: chi-square of a table, and of counts against planned weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import fsum
from typing import Final

from ledger import InvalidInput
from vectordb.experiments.stats.distributions import log_chi_square_sf, p_value
from vectordb.experiments.stats.inputs import check_count, check_number
from vectordb.experiments.stats.result import Result

Table = Sequence[Sequence[int]]

EMPTY_MARGIN: Final = "a row or a column holds no unit"
ONE_CATEGORY: Final = "fewer than two categories have a positive weight, or there are no units"

_COUNTS: Final = ("each unit is counted once, independently", "expected counts of about 5 or more")
_YATES: Final = (*_COUNTS, "the distances are corrected for continuity by one half (Yates)")


@dataclass(frozen=True)
class CountTest(Result):
    """A test of counts; None where they do not say, with the reason in ``undefined``.

    ``expected_least`` is the smallest expected count.
    """

    method: str
    assumptions: tuple[str, ...]
    statistic: float | None = None
    dof: int | None = None
    p_value: float | None = None
    log_p_value: float | None = None
    expected_least: float | None = None
    undefined: str | None = None


def chi_square(table: Table, *, correction: bool = False) -> CountTest:
    """Pearson's test that rows and columns are independent; ``correction``: after Yates, of a 2x2 table alone.

    >>> round(chi_square([[10, 20], [20, 10]]).p_value, 10)
    0.0098232745
    """
    rows = checked_table(table)
    across, down = [sum(row) for row in rows], [sum(column) for column in zip(*rows)]  # ints
    total, dof = sum(across), (len(rows) - 1) * (len(down) - 1)  # ints
    yates = correction and dof == 1
    blank = CountTest("Pearson chi-square of a table", _YATES if yates else _COUNTS, dof=dof)
    if not all(across) or not all(down):
        return replace(blank, undefined=EMPTY_MARGIN)
    cells = [(count * total, r * c) for row, r in zip(rows, across) for count, c in zip(row, down)]
    half = total if yates else 0
    statistic = fsum([_distance(seen, planned, half) / (4 * total * planned) for seen, planned in cells])
    return _judged(blank, statistic, dof, min(planned for _seen, planned in cells) / total)


def goodness_of_fit(observed: Iterable[int], weights: Iterable[float]) -> CountTest:
    """Pearson's test of counts against weights, which need not sum to 1; weights of 0 add no degree of freedom.

    >>> round(goodness_of_fit([1000, 1200], [0.5, 0.5]).p_value * 1e5, 4)
    2.0079
    """
    counts, shares = [check_count("observed", count) for count in observed], [_weight(weight) for weight in weights]
    if len(counts) != len(shares):
        raise InvalidInput("each count has its weight", counts=len(counts), weights=len(shares))
    for count, share in zip(counts, shares):
        if count and not share:
            raise InvalidInput("a category of weight 0 holds no unit", observed=count)
    size, whole, kept = sum(counts), sum(shares, Fraction(0)), [share for share in shares if share]  # ints
    blank = CountTest("Pearson chi-square of fit", _COUNTS, dof=len(kept) - 1)
    if len(kept) < 2 or not size:
        return replace(blank, undefined=ONE_CATEGORY)
    pairs = [(count, size * share / whole) for count, share in zip(counts, shares) if share]
    statistic = sum(((count - planned) ** 2 / planned for count, planned in pairs), Fraction(0))  # ints
    return _judged(blank, float(statistic), len(kept) - 1, float(min(planned for _count, planned in pairs)))


def checked_table(table: Table) -> list[list[int]]:
    """A table of counts with at least two rows and two columns, all of one length."""
    rows = [[check_count("cell", count) for count in row] for row in table]
    if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        raise InvalidInput("a table has at least two rows and two columns, all of one length", table=rows)
    return rows


def _distance(seen: int, planned: int, half: int) -> int:
    """Four times the squared distance, less at most a half: both counts times the total, ``half`` that or nothing."""
    gap = 2 * abs(seen - planned)
    return (gap - min(gap, half)) ** 2


def _weight(weight: float) -> Fraction:
    if check_number("weight", weight) < 0.0:
        raise InvalidInput("a weight is not negative", weight=weight)
    return Fraction(weight)


def _judged(blank: CountTest, statistic: float, dof: int, least: float) -> CountTest:
    log_p = log_chi_square_sf(statistic, dof)
    return replace(blank, statistic=statistic, p_value=p_value(log_p), log_p_value=log_p, expected_least=least)
