"""Fisher's exact test against SciPy and exact fractions; the odds ratio against statsmodels."""

from __future__ import annotations

import json
import warnings
from fractions import Fraction
from math import comb, inf, nan
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.fourfold import fisher_exact, odds_ratio
from vectordb.experiments.stats.tables import chi_square

Cells = list[list[int]]


def table_of(rng: Random, most: int, least: int = 0) -> Cells:
    return [[rng.randrange(least, most) for _ in range(2)] for _ in range(2)]


def exact_p(table: Cells) -> Fraction:
    """The sum over all tables of the same margins that are no likelier."""
    (a, b), (c, d) = table
    marked, drawn, total = a + b, a + c, a + b + c + d
    low, high = max(0, marked + drawn - total), min(marked, drawn)
    ways = {k: comb(marked, k) * comb(total - marked, drawn - k) for k in range(low, high + 1)}
    return Fraction(sum(way for way in ways.values() if way <= ways[a]), comb(total, drawn))


@pytest.mark.parametrize("seed", range(30))
def test_fisher_is_exact(seed: int) -> None:
    rng = Random(seed)
    for most in (3, 6, 12, 40, 300):
        table = table_of(rng, most)
        found = fisher_exact(table)
        assert found.p_value == pytest.approx(float(exact_p(table)), rel=1e-10), table


@pytest.mark.parametrize("seed", range(30))
def test_fisher_against_scipy(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = Random(seed)
    table = table_of(rng, rng.choice([5, 20, 200, 2000]), 1)
    found, judge = fisher_exact(table), stats.fisher_exact(table)
    assert found.estimate == pytest.approx(judge.statistic, rel=1e-12)
    if judge.pvalue > 1e-290:
        assert found.p_value == pytest.approx(judge.pvalue, rel=1e-8), table


@pytest.mark.parametrize(
    "table", [[[1, 9], [9, 1]], [[10, 10], [10, 10]], [[2, 8], [8, 2]], [[0, 5], [5, 0]], [[3, 0], [0, 4]]]
)
def test_equal_probabilities_are_equal(table: Cells) -> None:
    assert fisher_exact(table).p_value == pytest.approx(float(exact_p(table)), rel=1e-12)


def test_fisher_of_many_units() -> None:
    table = [[10**6, 10**6 + 3000], [10**6 + 2000, 10**6]]
    found = fisher_exact(table)
    near = fisher_exact([[10**6 + 2000, 10**6], [10**6, 10**6 + 3000]])
    assert found.p_value == pytest.approx(near.p_value, rel=1e-9)
    assert found.p_value == pytest.approx(chi_square(table, correction=True).p_value, rel=1e-3)


def test_fisher_beyond_float64() -> None:
    found = fisher_exact([[5000, 0], [0, 5000]])
    assert found.p_value == 5e-324 and found.log_p_value == pytest.approx(-6925.9, rel=1e-3)
    assert found.estimate is None


def test_fisher_of_an_empty_margin() -> None:
    for table in ([[0, 0], [3, 4]], [[0, 3], [0, 4]], [[0, 0], [0, 0]]):
        found = fisher_exact(table)
        assert (found.p_value, found.estimate) == (1.0, None) and found.undefined


@pytest.mark.parametrize("seed", range(30))
def test_odds_ratio_against_statsmodels(seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    rng = Random(seed)
    table = table_of(rng, rng.choice([5, 50, 5000]), 1)
    found, judge = odds_ratio(table, 0.1), tables.Table2x2(table)
    assert found.estimate == pytest.approx(judge.oddsratio, rel=1e-12)
    assert found.log_standard_error == pytest.approx(judge.log_oddsratio_se, rel=1e-12)
    assert (found.low, found.high) == pytest.approx(judge.oddsratio_confint(0.1), rel=1e-10)
    assert found.statistic == pytest.approx(judge.log_oddsratio / judge.log_oddsratio_se, rel=1e-10, abs=1e-12)
    if judge.oddsratio_pvalue() > 1e-6:  # statsmodels takes 1 - cdf
        assert found.p_value == pytest.approx(judge.oddsratio_pvalue(), rel=1e-9)


def test_odds_ratio_of_an_empty_cell() -> None:
    assert odds_ratio([[0, 3], [2, 4]]).estimate == 0.0
    for table in ([[0, 3], [2, 4]], [[1, 0], [2, 4]], [[0, 0], [0, 0]]):
        found = odds_ratio(table)
        assert found.p_value is None and found.low is None and found.undefined


def test_plain_data() -> None:
    for found in (fisher_exact([[1, 2], [3, 4]]), odds_ratio([[1, 2], [3, 4]]), odds_ratio([[0, 2], [3, 4]])):
        plain = found.to_dict()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain["method"] and plain["assumptions"]


@pytest.mark.parametrize(
    "table", [[[1, 2]], [[1, 2, 3], [4, 5, 6]], [[1, 2], [3, 4], [5, 6]], [[1, -2], [3, 4]], [[1, nan], [2, 3]]]
)
def test_tables_are_fourfold(table: Any) -> None:
    for call in (fisher_exact, odds_ratio):
        with pytest.raises(InvalidInput):
            call(table)


@pytest.mark.parametrize("alpha", [0.0, 1.0, inf, nan])
def test_alpha_is_a_share(alpha: float) -> None:
    with pytest.raises(InvalidInput, match="alpha"):
        odds_ratio([[1, 2], [3, 4]], alpha)
