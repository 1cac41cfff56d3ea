"""Chi-square of tables against SciPy."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.tables import chi_square


@pytest.fixture(scope="module")
def stats() -> Any:
    return pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("correction", [False, True])
def test_tables_against_scipy(stats: Any, seed: int, correction: bool) -> None:
    rng = Random(seed)
    wide, most = rng.choice([2, 2, 3, 5]), rng.choice([4, 30, 1000, 10**6])
    table = [[rng.randrange(1, most) for _ in range(wide)] for _ in range(rng.choice([2, 2, 4]))]
    found, judge = chi_square(table, correction=correction), stats.chi2_contingency(table, correction=correction)
    assert found.statistic == pytest.approx(judge.statistic, rel=1e-9, abs=1e-12)
    assert found.dof == judge.dof and found.expected_least == pytest.approx(judge.expected_freq.min(), rel=1e-12)
    if judge.pvalue > 1e-290:
        exact = stats.chi2.sf(found.statistic, found.dof)
        assert found.p_value == pytest.approx(exact, rel=1e-10)
        assert found.p_value == pytest.approx(judge.pvalue, rel=1e-8)
    else:
        assert 0.0 < (found.p_value or 0.0) < 1e-289


def test_no_p_value_is_zero() -> None:
    found = chi_square([[10**9, 1], [1, 10**9]])
    assert found.p_value == 5e-324 and found.log_p_value is not None and found.log_p_value < -9e8


def test_where_counts_say_nothing() -> None:
    for table in ([[0, 0], [1, 2]], [[0, 3], [0, 2]], [[0, 0], [0, 0]]):
        found = chi_square(table)
        assert found.p_value is None and found.undefined and found.statistic is None


def test_plain_data() -> None:
    for found in (chi_square([[1, 2], [3, 4]], correction=True), chi_square([[0, 0], [1, 2]])):
        plain = found.to_dict()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain["method"] and plain["assumptions"]
    assert any("Yates" in said for said in chi_square([[1, 2], [3, 4]], correction=True).assumptions)
    assert not any("Yates" in said for said in chi_square([[1, 2, 1], [3, 4, 1]], correction=True).assumptions)


@pytest.mark.parametrize(
    "call",
    [
        lambda: chi_square([[1, 2]]),
        lambda: chi_square([[1], [2]]),
        lambda: chi_square([]),
        lambda: chi_square([[1, 2], [3]]),
        lambda: chi_square([[1, -2], [3, 4]]),
        lambda: chi_square([[1, 2.5], [3, 4]]),  # type: ignore[list-item]
        lambda: chi_square([[1, True], [3, 4]]),
    ],
)
def test_refusals(call: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        call()
    assert caught.value.rule and caught.value.values
