"""What the figures promise, counted over many seeded experiments that went through a ledger.

One experiment has many metrics of independent values, so each metric is an experiment of its own.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.vectordb.experiments.lab import HALVES, Lab
from tests.vectordb.experiments.people import people, record

SIZES = {"control": 60, "treatment": 40}


def many(metrics: int, shift: float, seed: int, level: float = 0.0) -> Any:
    """So many metrics, normal with different variances; treatment is higher by ``shift``."""
    lab, random = Lab(), Random(seed)
    names = [f"m{number}" for number in range(metrics)]
    ranking = lab.make(metrics=dict.fromkeys(names, "sum"))
    units = people(ranking, SIZES)
    ranking.expose_many([unit for own in units.values() for unit in own])
    for name in names:
        values = {
            arm: [random.gauss(level + shift * place, 1 + place) for _ in range(size)]
            for place, (arm, size) in enumerate(SIZES.items())
        }
        record(ranking, name, units, values)
    return ranking


def share(flags: list[bool]) -> float:
    return flags.count(True) / len(flags)


@pytest.mark.parametrize(("method", "metrics"), [("welch", 1_000), ("bootstrap", 60)])
def test_an_a_a_test_rejects_at_alpha(method: str, metrics: int) -> None:
    ranking = many(metrics, 0.0, 1)
    ps = [ranking.analyze(name, method=method).effect().p for name in ranking.definition.metrics]
    for alpha in (0.01, 0.05, 0.2):
        spread = 3.5 * (alpha * (1 - alpha) / metrics) ** 0.5
        assert abs(share([p <= alpha for p in ps]) - alpha) < spread + (0.02 if method == "bootstrap" else 0.0), alpha


def test_mann_whitney_rejects_at_alpha_between_equal_distributions() -> None:
    lab, random = Lab(), Random(8)
    names = [f"m{number}" for number in range(600)]
    ranking = lab.make(metrics=dict.fromkeys(names, "sum"))
    units = people(ranking, SIZES)
    ranking.expose_many([unit for own in units.values() for unit in own])
    ps = []
    for name in names:
        record(ranking, name, units, {arm: [float(random.randrange(12)) for _ in own] for arm, own in units.items()})
        ps.append(ranking.analyze(name, method="mann_whitney").effect().p)
    assert 0.025 < share([p <= 0.05 for p in ps]) < 0.08


def test_intervals_cover_the_truth() -> None:
    ranking = many(800, 0.7, 2, level=5.0)
    effects = [ranking.analyze(name).effect() for name in ranking.definition.metrics]
    truths = {"absolute": 0.7, "relative": 0.14, "fieller": 0.14}
    for name, truth in truths.items():
        found = [getattr(effect, name) for effect in effects]
        assert 0.93 < share([one.low <= truth <= one.high for one in found]) < 0.975, name
    assert share([effect.always_valid.low <= 0.7 <= effect.always_valid.high for effect in effects]) > 0.99
    certain = share([effect.chance_to_win > 0.9 for effect in effects])  # the effect is 2.05 errors: F(2.05 - 1.28)
    assert abs(certain - 0.78) < 0.05


def test_peeking_errs_far_more_often_than_the_sequence() -> None:
    lab, random = Lab(), Random(4)
    names = [f"m{number}" for number in range(120)]
    ranking = lab.make(metrics=dict.fromkeys(names, "sum"))
    looks = []
    for step in range(25):
        units = people(ranking, {"control": 12, "treatment": 12}, prefix=f"s{step}")
        ranking.expose_many([unit for own in units.values() for unit in own])
        rows = [(unit, name) for own in units.values() for unit in own for name in names]
        columns = {"user": [unit for unit, _ in rows], "metric": [name for _, name in rows]}
        ranking.record_many({**columns, "value": [random.gauss(0, 1) for _ in rows]})
        looks.append(lab.db.head)
    series = [ranking.effects(name, looks, tuned=300).arm() for name in names]
    assert share([one.rejected_at is not None for one in series]) <= 0.05
    assert share([one.peeking_rejected_at is not None for one in series]) > 0.2


def test_a_sound_split_raises_the_alarm_as_rarely_as_it_says() -> None:
    lab = Lab()
    units = list(range(1_000))
    ps = []
    for number in range(300):
        one = lab.make(f"e{number}", metrics={"spent": "sum"}, traffic=0.9)
        one.expose_many(units)
        ps.append(one.analyze("spent").sample_ratio.p)
    for alpha in (0.05, 0.5):
        assert abs(share([p <= alpha for p in ps]) - alpha) < 3.5 * (alpha * (1 - alpha) / 300) ** 0.5


def test_cuped_rejects_at_alpha_and_finds_more() -> None:
    lab, random = Lab(), Random(6)
    names = [f"m{number}" for number in range(200)]
    ranking = lab.make(metrics={name: {"aggregate": "sum", "covariate": "users:trips"} for name in names})
    units = people(ranking, SIZES)
    before = {unit: random.randrange(10) for own in units.values() for unit in own}
    lab.users.put_many({"user": list(before), "trips": list(before.values())})
    ranking.expose_many(list(before))
    found: dict[bool, list[bool]] = {False: [], True: []}
    for number, name in enumerate(names):
        shift = 1.0 if number % 2 else 0.0
        values = {
            arm: [before[unit] + random.gauss(shift * (arm == "treatment"), 1) for unit in own]
            for arm, own in units.items()
        }
        record(ranking, name, units, values)
        found[bool(number % 2)].append(ranking.analyze(name, cuped=True).effect().p <= 0.05)
    assert share(found[False]) < 0.12 and share(found[True]) > 0.95
    assert set(HALVES) == set(SIZES)
