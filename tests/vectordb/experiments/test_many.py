"""Adjusted p-values against statsmodels, guardrails against SciPy and by simulation."""

from __future__ import annotations

from math import inf, nan, sqrt
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.many import benjamini_hochberg, guardrail, holm, needed_power
from vectordb.experiments.stats.power import distance_for

GIVEN = [0.01, 0.04, 0.03, 0.005, 0.55, 0.6]


def test_the_values_of_the_contract() -> None:
    assert [round(p, 12) for p in holm(GIVEN).adjusted] == [0.05, 0.12, 0.12, 0.03, 1.0, 1.0]


@pytest.mark.parametrize("seed", range(20))
def test_adjusting_is_judged_by_statsmodels(seed: int) -> None:
    judge = pytest.importorskip("statsmodels.stats.multitest")
    rng = Random(seed)
    given = [rng.choice([rng.random(), rng.random() ** 6, 1e-300, 0.0, 1.0, 0.25]) for _ in range(rng.randrange(1, 40))]
    for ours, theirs in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        found = ours(given, 0.1)
        rejected, adjusted = judge.multipletests(given, 0.1, theirs)[:2]
        assert list(found.adjusted) == pytest.approx(list(adjusted), rel=1e-12)
        assert list(found.rejected) == [bool(one) for one in rejected]


def test_adjusting_keeps_order_and_never_helps() -> None:
    rng = Random(5)
    for _ in range(200):
        given = [rng.random() ** 3 for _ in range(rng.randrange(1, 12))]
        for found in (holm(given), benjamini_hochberg(given)):
            assert all(now >= then for now, then in zip(found.adjusted, given))
            order = sorted(range(len(given)), key=given.__getitem__)
            ranked = [found.adjusted[place] for place in order]
            assert ranked == sorted(ranked) and max(ranked) <= 1.0


def test_none_and_one() -> None:
    assert holm([]).adjusted == benjamini_hochberg([]).rejected == ()
    assert holm([0.03]).adjusted == benjamini_hochberg([0.03]).adjusted == (0.03,)
    assert holm([0.0, 1e-320]).adjusted == (0.0, 1e-320)


@pytest.mark.parametrize("bad", [[-0.1], [1.1], [nan], [inf], ["0.1"], [None], [True]])
def test_what_is_no_p_value_is_refused(bad: Any) -> None:
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(InvalidInput, match="p is"):
            adjust(bad)


def test_the_family_error_is_alpha_without_effects() -> None:
    rng, families, wrong = Random(6), 4_000, 0
    for _ in range(families):
        wrong += any(holm([rng.random() for _ in range(8)]).rejected)
    assert abs(wrong / families - 0.05) < 4.0 * sqrt(0.05 * 0.95 / families)


# -- guardrails --------------------------------------------------------------------------------------------


def test_power_is_corrected_and_alpha_is_not() -> None:
    assert needed_power(0.8, 3) == pytest.approx(0.95, rel=1e-15)
    assert needed_power(0.8, 4, success=False) == pytest.approx(0.95, rel=1e-15)
    assert needed_power(0.8, 0) == pytest.approx(0.8, rel=1e-15)
    one, ten = guardrail(-0.1, 0.2, 0.5, guardrails=1), guardrail(-0.1, 0.2, 0.5, guardrails=10)
    assert (one.p, one.bound, one.passes, one.alpha) == (ten.p, ten.bound, ten.passes, ten.alpha)
    assert ten.needed_power > one.needed_power


@pytest.mark.parametrize("seed", range(20))
def test_guardrails_are_judged_by_scipy(seed: int) -> None:
    norm, rng = pytest.importorskip("scipy.stats").norm, Random(seed)
    effect, se, margin, alpha = rng.gauss(0, 1), rng.random() + 0.01, rng.random() + 0.01, rng.choice([0.05, 0.01])
    found = guardrail(effect, se, margin, alpha)
    assert found.p == pytest.approx(norm.sf((effect + margin) / se), rel=1e-10)
    assert found.bound == pytest.approx(effect - norm.isf(alpha) * se, rel=1e-10)
    assert found.power == pytest.approx(norm.cdf(margin / se - norm.isf(alpha)), rel=1e-10)
    assert found.passes == (found.p < alpha) == (found.bound > -margin)
    mirror = guardrail(-effect, se, margin, alpha, increase_is_good=False)
    assert (mirror.p, mirror.bound, mirror.passes) == (found.p, -found.bound, found.passes)


def test_a_guardrail_at_its_margin_passes_at_alpha() -> None:
    rng, runs = Random(8), 20_000
    passed = sum(guardrail(rng.gauss(-0.5, 0.2), 0.2, 0.5).passes for _ in range(runs))
    assert abs(passed / runs - 0.05) < 4.0 * sqrt(0.05 * 0.95 / runs)


def test_all_guardrails_pass_with_the_power_asked_for() -> None:
    need = needed_power(0.8, 5, success=False)
    se = 1.0 / (distance_for(need, 0.1))  # one-sided .05 with the other side negligible
    rng, runs = Random(9), 3_000
    passed = sum(all(guardrail(rng.gauss(0.0, se), se, 1.0).passes for _ in range(5)) for _ in range(runs))
    assert passed / runs > 0.8
    assert guardrail(0.0, 0.999 * se, 1.0, guardrails=5, success=False).powered


@pytest.mark.parametrize(
    "call",
    [
        lambda: guardrail(nan, 1.0, 1.0),
        lambda: guardrail(0.0, 0.0, 1.0),
        lambda: guardrail(0.0, 1.0, -1.0),
        lambda: guardrail(0.0, 1.0, 0.0),
        lambda: guardrail(0.0, 1.0, 1.0, 1.0),
        lambda: guardrail(0.0, 1.0, 1.0, guardrails=-1),
        lambda: needed_power(1.0, 3),
        lambda: needed_power(0.8, 0, success=False),
        lambda: holm([0.1], 0.0),
    ],
)
def test_bad_input_is_refused(call: Any) -> None:
    with pytest.raises(InvalidInput):
        call()
