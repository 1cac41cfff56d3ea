"""The confidence sequence: the values of the contract, the judges' digits, and its errors over a thousand looks."""

from __future__ import annotations

import json
from math import exp, inf, nan, sqrt
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.sequential import (
    LEAST_P,
    always_valid_p,
    confidence_sequence,
    log_evidence,
    mixing,
    multiplier,
)


def test_the_multipliers_of_the_contract() -> None:
    assert [round(multiplier(n), 3) for n in (500, 2_500, 5_000, 20_000)] == [3.855, 3.084, 3.035, 3.127]
    assert [round(multiplier(n, tuned=200), 3) for n in (20, 100, 200, 800)] == [3.855, 3.084, 3.035, 3.127]


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001, 1e-12])
@pytest.mark.parametrize("tuned", [1, 5_000, 10**9])
def test_formulas_are_judged_by_mpmath(alpha: float, tuned: int) -> None:
    mp = pytest.importorskip("mpmath")
    with mp.workdps(50):
        a = mp.mpf(alpha)
        r = tuned / (-2 * mp.log(a) + mp.log(1 - 2 * mp.log(a)))
        assert mixing(alpha, tuned) == pytest.approx(float(r), rel=1e-13)
        for n in (1, 10, 5_000, 10**9):
            half = mp.sqrt((n + r) / n * mp.log((n + r) / (r * a * a)))
            assert multiplier(n, alpha, tuned) == pytest.approx(float(half), rel=1e-13)
            for z in (0.0, 0.5, -3.0, 30.0):
                e = mp.exp(mp.mpf(z) ** 2 * n / (2 * (n + r))) * mp.sqrt(r / (n + r))
                assert log_evidence(z, n, alpha, tuned) == pytest.approx(float(mp.log(e)), rel=1e-12, abs=1e-15)
                assert always_valid_p(z, n, alpha, tuned) == pytest.approx(float(min(1, 1 / e)), rel=1e-12)


def test_p_is_below_alpha_exactly_where_the_interval_leaves_zero_out() -> None:
    rng = Random(1)
    for _ in range(2_000):
        n, alpha, tuned = rng.randrange(1, 10**6), rng.choice([0.2, 0.05, 0.01]), rng.randrange(1, 10**5)
        edge = multiplier(n, alpha, tuned)
        assert always_valid_p(edge, n, alpha, tuned) == pytest.approx(alpha, rel=1e-11)
        z = rng.uniform(0.0, 6.0)
        assert (always_valid_p(z, n, alpha, tuned) < alpha) == (z > edge)


def test_the_interval_is_tightest_near_the_tuned_size() -> None:
    widths = {n: multiplier(n) / sqrt(n) * sqrt(n) for n in range(1_000, 20_000, 500)}
    assert min(widths, key=widths.__getitem__) in range(4_000, 6_001)


def test_p_is_never_zero() -> None:
    assert always_valid_p(1e9, 10**6) == LEAST_P > 0.0
    found = confidence_sequence([(1_000, 1e300, 1e-300), (2_000, -1e300, 1e-5)])
    assert [look.p for look in found.looks] == [look.fixed_p for look in found.looks] == [LEAST_P] * 2


def test_looks_say_what_peeking_would_have_said() -> None:
    found = confidence_sequence([(1_000, 0.3, 0.125), (5_000, 0.3, 0.056), (10_000, 0.01, 0.04)])
    assert (found.peeking_rejected_at, found.rejected_at) == (0, 1)
    assert [look.running_p for look in found.looks][1:] == [found.looks[1].p] * 2 == [found.p] * 2
    for look in found.looks:
        assert look.low is not None and look.fixed_low is not None
        assert look.low < look.fixed_low < look.estimate
        assert (look.estimate - look.low) / look.se == pytest.approx(multiplier(look.n), rel=1e-12)
        assert (look.estimate - look.fixed_low) / look.se == pytest.approx(1.959963984540054, rel=1e-12)


def test_no_spread_is_no_evidence() -> None:
    found = confidence_sequence([(10, 1.0, 0.0), (5_000, 1.0, 0.1)])
    assert (found.looks[0].low, found.looks[0].p, found.looks[0].running_p) == (None, 1.0, 1.0)
    assert found.rejected_at == 1


def test_no_looks_are_no_rejection() -> None:
    found = confidence_sequence([])
    assert (found.looks, found.p, found.rejected_at) == ((), 1.0, None)


def test_results_are_plain_and_immutable() -> None:
    found = confidence_sequence([(1_000, 0.3, 0.125)])
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["looks"][0]["n"] == 1_000 and plain["method"] and plain["assumptions"]
    with pytest.raises(AttributeError):
        found.p = 0.0  # type: ignore[misc]


@pytest.mark.parametrize(
    "call",
    [
        lambda: mixing(0.0),
        lambda: mixing(1.0),
        lambda: mixing(nan),
        lambda: mixing(0.05, 0),
        lambda: multiplier(0),
        lambda: multiplier(10.5),  # type: ignore[arg-type]
        lambda: always_valid_p(inf, 10),
        lambda: confidence_sequence([(10, nan, 1.0)]),
        lambda: confidence_sequence([(10, 1.0, -1.0)]),
        lambda: confidence_sequence([(10, 1.0, inf)]),
        lambda: confidence_sequence([], alpha=2.0),
    ],
)
def test_bad_input_is_refused(call: Any) -> None:
    with pytest.raises(InvalidInput):
        call()


# -- simulations -------------------------------------------------------------------------------------------

EXPERIMENTS, LOOKS = 500, 1_000


@pytest.mark.parametrize("per_look", [2, 20, 200])
def test_a_thousand_looks_reject_at_most_alpha_and_peeking_more(per_look: int) -> None:
    rng = Random(per_look)
    bounds = [(multiplier(per_look * look) * sqrt(look), 1.96 * sqrt(look)) for look in range(1, LOOKS + 1)]
    always = peeking = last = 0
    for _ in range(EXPERIMENTS):
        walk, crossed, peeked, out = 0.0, False, False, False
        for sure, fixed in bounds:
            walk += rng.gauss(0.0, 1.0)
            crossed, out = crossed or abs(walk) > sure, abs(walk) > fixed
            peeked = peeked or out
        always, peeking, last = always + crossed, peeking + peeked, last + out
    assert always / EXPERIMENTS <= 0.05
    assert peeking / EXPERIMENTS > 0.4
    assert abs(last / EXPERIMENTS - 0.05) < 4.0 * sqrt(0.05 * 0.95 / EXPERIMENTS)  # one look is an A/A test at alpha


def test_skewed_units_with_estimated_errors_keep_alpha_and_cover() -> None:
    np = pytest.importorskip("numpy")
    rng, per_look, effect = np.random.default_rng(7), 20, 0.3
    n = np.arange(1, LOOKS + 1) * per_look
    sums = {}
    for arm in "ab":
        units = rng.exponential(1.0, (300, LOOKS, per_look // 2)) + (effect if arm == "b" else 0.0)
        sums[arm] = np.cumsum(units.sum(2), 1), np.cumsum((units**2).sum(2), 1)
    half = n / 2
    means = {arm: total / half for arm, (total, _) in sums.items()}
    spread = {arm: (square / half - means[arm] ** 2) / (half - 1) for arm, (_, square) in sums.items()}
    estimate, se = means["b"] - means["a"], np.sqrt(spread["a"] + spread["b"])
    width = np.array([multiplier(int(size), tuned=5_000) for size in n])
    missed = np.abs(estimate - effect) > width * se
    assert missed[:, 4:].any(1).mean() <= 0.05  # from 100 units on
    fixed = np.abs(estimate - effect) > 1.96 * se
    assert fixed[:, 4:].any(1).mean() > 0.3 and abs(fixed[:, -1].mean() - 0.05) < 0.05


def test_the_evidence_has_mean_one_at_most() -> None:
    rng, size = Random(3), 20_000
    for n in (100, 5_000):
        mean = sum(min(1e6, exp(log_evidence(rng.gauss(0.0, 1.0), n))) for _ in range(size)) / size
        assert mean < 1.2
