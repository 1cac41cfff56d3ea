"""Bandit weights: exact chances against draws and integrals, floors, and sums of exactly 1."""

from __future__ import annotations

import json
from math import fsum, nan
from random import Random
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.bucketing import Splitter
from vectordb.experiments.stats.bandit import (
    MILLION,
    allocate,
    best_chances,
    conversion_arms,
    drawn_chances,
    mean_arms,
    thompson,
    top_two,
)
from vectordb.experiments.stats.bayes import beta_binomial, normal_effect


def test_two_arms_have_the_chance_to_win() -> None:
    chances = best_chances(conversion_arms([(14, 28), (16, 30)]))
    assert chances[1] == pytest.approx(beta_binomial((14, 28), (16, 30)).chance_to_win, abs=1e-12)
    chances = best_chances(mean_arms([(1.0, 0.3), (2.0, 0.4)]))
    assert chances[1] == pytest.approx(normal_effect(1.0, 0.5).chance_to_win, abs=1e-10)


def test_small_betas_have_exact_chances() -> None:
    assert best_chances(conversion_arms([(0, 0), (1, 1), (0, 1)])) == pytest.approx((0.3, 0.6, 0.1), abs=1e-12)
    assert best_chances(mean_arms([(0.0, 1.0)] * 5)) == pytest.approx((0.2,) * 5, abs=1e-12)


def test_many_arms_are_judged_by_scipy() -> None:
    stats, integrate = pytest.importorskip("scipy.stats"), pytest.importorskip("scipy.integrate")
    counts = [(3, 40), (90, 1_000), (8, 60), (0, 3)]
    laws = [stats.beta(1 + won, 1 + size - won) for won, size in counts]
    for arm, chance in enumerate(best_chances(conversion_arms(counts))):
        others = [law for place, law in enumerate(laws) if place != arm]

        def best(x: float, arm: int = arm, others: list[Any] = others) -> float:
            found = laws[arm].pdf(x)
            for law in others:
                found *= law.cdf(x)
            return float(found)

        exact = integrate.quad(best, 0.0, 1.0, epsabs=1e-11, limit=400, points=[0.05, 0.09, 0.13, 0.2, 0.4])[0]
        assert chance == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize(
    "arms", [conversion_arms([(10, 100), (14, 90), (15, 99), (2, 10)]), mean_arms([(0, 1), (0.5, 2), (1, 0.1)])]
)
def test_draws_agree_with_integrals(arms: Any) -> None:
    exact, drawn = best_chances(arms), drawn_chances(arms, 20_000, 3)
    assert drawn == pytest.approx(exact, abs=0.015)
    assert drawn == drawn_chances(arms, 20_000, 3) != drawn_chances(arms, 20_000, 4)


def test_top_two_is_its_own_simulation() -> None:
    arms, rng, leader = mean_arms([(0.0, 1.0), (0.6, 1.0), (1.0, 0.7)]), Random(5), 0.6
    played = [0, 0, 0]
    for _ in range(20_000):
        first = best_of([arm.draw(rng) for arm in arms])
        second = first
        while rng.random() > leader and second == first:
            second = best_of([arm.draw(rng) for arm in arms])
            while second == first:
                second = best_of([arm.draw(rng) for arm in arms])
        played[second] += 1
    found = top_two(arms, leader, floor=0.0)
    assert list(found.weights) == pytest.approx([count / 20_000 for count in played], abs=0.015)


def best_of(values: list[float]) -> int:
    return values.index(max(values))


def test_top_two_of_two_splits_by_the_leader() -> None:
    assert top_two(conversion_arms([(10, 100), (20, 100)])).weights == (0.5, 0.5)
    clear = top_two(mean_arms([(0.0, 1.0), (1e6, 1.0), (0.0, 1.0)]), 0.75, floor=0.0)
    assert clear.weights == (0.125, 0.75, 0.125)
    assert top_two(mean_arms([(0.0, 1.0), (1e6, 1.0)]), 1.0, floor=0.1).weights == (0.1, 0.9)


@pytest.mark.parametrize("seed", range(10))
def test_weights_sum_to_one_exactly_and_keep_every_arm_alive(seed: int) -> None:
    rng = Random(seed)
    for _ in range(30):
        size = rng.randrange(2, 8)
        arms = mean_arms([(rng.gauss(0, 1), rng.uniform(0.05, 2)) for _ in range(size)])
        floor = rng.choice([0.0, 0.01, 1.0 / size - 1e-6, rng.random() / size])
        found = thompson(arms, floor, draws=50, seed=seed)
        assert sum(found.millionths) == MILLION and fsum(found.weights) == 1.0
        assert min(found.weights) >= floor - 1e-12
        assert [round(weight * MILLION) for weight in found.weights] == list(found.millionths)
        Splitter("bandit", {f"arm{place}": weight for place, weight in enumerate(found.weights)})


@pytest.mark.parametrize("size", [2, 3, 7, 50, 1_000])
def test_shares_become_millionths(size: int) -> None:
    rng = Random(size)
    for _ in range(20):
        raw = [rng.random() ** 4 for _ in range(size)]
        shares = [share / fsum(raw) for share in raw]
        units = allocate(shares, 0.0)
        assert sum(units) == MILLION
        assert max(abs(unit / MILLION - share) for unit, share in zip(units, shares)) <= 1e-6
    assert allocate([1.0 / size] * size, 1.0 / size if MILLION % size == 0 else 0.0)[0] in range(
        MILLION // size, MILLION // size + 2
    )


def test_a_better_arm_wins_the_weight() -> None:
    rng, rates, counts = Random(7), (0.10, 0.15, 0.12), [[0, 0] for _ in range(3)]
    for _ in range(30):
        found = thompson(conversion_arms([(won, size) for won, size in counts]), floor=0.05)
        for _ in range(200):
            arm = rng.choices(range(3), found.weights)[0]
            counts[arm][0] += rng.random() < rates[arm]
            counts[arm][1] += 1
    assert found.weights[1] == max(found.weights) > 0.5 and min(size for _, size in counts) > 250


def test_results_are_plain() -> None:
    found = thompson(conversion_arms([(1, 10), (2, 10)]), draws=100, seed=9)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (plain["seed"], plain["draws"], plain["method"]) == (9, 100, "Thompson sampling")
    assert thompson(conversion_arms([(1, 10), (2, 10)])).seed is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: conversion_arms([(3, 2)]),
        lambda: conversion_arms([(-1, 2)]),
        lambda: conversion_arms([(1, 2)], (-3.0, 1.0)),
        lambda: mean_arms([(nan, 1.0)]),
        lambda: mean_arms([(1.0, 0.0)]),
        lambda: best_chances(mean_arms([(1.0, 1.0)])),
        lambda: best_chances([*mean_arms([(1.0, 1.0)]), *conversion_arms([(1, 2)])]),  # type: ignore[list-item]
        lambda: best_chances(mean_arms([(1.0, 1.0)]) * 2),
        lambda: drawn_chances(mean_arms([(1.0, 1.0), (1.0, 2.0)]), 0),
        lambda: thompson(mean_arms([(1.0, 1.0), (1.0, 2.0)]), floor=0.6),
        lambda: thompson(mean_arms([(1.0, 1.0), (1.0, 2.0)]), floor=-0.1),
        lambda: top_two(mean_arms([(1.0, 1.0), (1.0, 2.0)]), 1.5),
        lambda: allocate([0.5, 0.4]),
        lambda: allocate([0.5, 0.5], nan),
    ],
)
def test_bad_input_is_refused(call: Any) -> None:
    with pytest.raises(InvalidInput):
        call()
