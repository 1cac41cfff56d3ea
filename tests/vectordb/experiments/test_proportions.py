"""Two proportions against statsmodels and SciPy."""

from __future__ import annotations

import json
import warnings
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.proportions import two_proportions


@pytest.fixture(scope="module")
def judge() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("statsmodels.stats.proportion")


def counts_of(rng: Random) -> tuple[tuple[int, int], tuple[int, int]]:
    sizes = [rng.choice([3, 20, 500, 10**6]) for _ in range(2)]
    first, second = ((rng.randrange(1, size), size) for size in sizes)
    return first, second


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_both_z_against_statsmodels(judge: Any, seed: int, alpha: float) -> None:
    a, b = counts_of(Random(seed))
    pooled, unpooled = two_proportions(a, b, alpha), two_proportions(a, b, alpha, pooled=False)
    z, p = judge.proportions_ztest([b[0], a[0]], [b[1], a[1]])
    assert pooled.statistic == pytest.approx(z, rel=1e-10, abs=1e-13)
    if p > 1e-290:
        assert pooled.p_value == pytest.approx(p, rel=1e-10)
    tested = judge.test_proportions_2indep(b[0], b[1], a[0], a[1], method="wald")
    assert unpooled.statistic == pytest.approx(tested.statistic, rel=1e-10, abs=1e-13)
    if tested.pvalue > 1e-290:
        assert unpooled.p_value == pytest.approx(tested.pvalue, rel=1e-10)
    low, high = judge.confint_proportions_2indep(b[0], b[1], a[0], a[1], method="wald", alpha=alpha)
    for found in (pooled, unpooled):
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-10, abs=1e-13)


def test_pooled_z_squared_is_the_chi_square_of_the_table() -> None:
    stats = pytest.importorskip("scipy.stats")
    found = two_proportions((14, 28), (16, 30))
    chi = stats.chi2_contingency([[14, 14], [16, 14]], correction=False)
    assert (found.statistic or 0.0) ** 2 == pytest.approx(chi.statistic, rel=1e-12)
    assert found.p_value == pytest.approx(chi.pvalue, rel=1e-12)


def test_the_value_of_the_contract() -> None:
    assert f"{two_proportions((14, 28), (16, 30)).estimate:.5f}" == "0.03333"


def test_a_difference_of_large_counts_does_not_cancel() -> None:
    size = 3 * 10**15
    assert two_proportions((10**15, size), (10**15 + 1, size)).estimate == 1 / size


@pytest.mark.parametrize("pooled", [True, False])
def test_without_spread(pooled: bool) -> None:
    for equal in ((0, 5), (5, 5)):
        found = two_proportions(equal, equal, pooled=pooled)
        assert found.p_value == 1.0 and found.low is None and found.undefined
    nothing = two_proportions((0, 0), (3, 5), pooled=pooled)
    assert nothing.estimate is None and nothing.p_value is None and nothing.undefined


def test_all_against_none() -> None:
    pooled, unpooled = two_proportions((0, 5), (5, 5)), two_proportions((0, 5), (5, 5), pooled=False)
    assert pooled.p_value == pytest.approx(0.001565402258, rel=1e-9) and pooled.low is None and pooled.undefined
    assert unpooled.p_value is None and unpooled.undefined


def test_plain_data() -> None:
    plain = two_proportions((1, 5), (4, 5)).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["method"] == "pooled z of proportion" and plain["dof"] is None


@pytest.mark.parametrize(
    ("a", "b", "alpha"),
    [
        ((6, 5), (1, 5), 0.05),
        ((-1, 5), (1, 5), 0.05),
        ((1, -5), (1, 5), 0.05),
        ((1.5, 5), (1, 5), 0.05),
        ((1, 5), (1, 5), 1.0),
    ],
)
def test_refusals(a: Any, b: Any, alpha: float) -> None:
    with pytest.raises(InvalidInput):
        two_proportions(a, b, alpha)
