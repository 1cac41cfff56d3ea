"""Tables of counts: the chi-square test that rows and columns are independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Final

from ledger import InvalidInput
from vectordb.experiments.stats.distributions import log_chi_square_sf, p_value
from vectordb.experiments.stats.inputs import check_count
from vectordb.experiments.stats.result import Result

Table = Sequence[Sequence[int]]

EMPTY_MARGIN: Final = "a row or a column holds no unit"

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
    log_p, least = log_chi_square_sf(statistic, dof), min(planned for _seen, planned in cells) / total
    return replace(blank, statistic=statistic, p_value=p_value(log_p), log_p_value=log_p, expected_least=least)


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
