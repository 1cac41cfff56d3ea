"""Reallocation: the weights of a bandit as versions of the definition, which the past gives again."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from ledger import InvalidInput, UnknownName
from tests.vectordb.experiments.lab import Lab
from tests.vectordb.experiments.people import people, populate, record
from vectordb.experiments.stats.bandit import conversion_arms, mean_arms, thompson, top_two

THREE = {"control": 0.4, "a": 0.3, "b": 0.3}


def played(seed: int = 1, **options: Any) -> tuple[Lab, Any]:
    """Three arms, the last of which converts best."""
    lab, random = Lab(), Random(seed)
    metrics = {"bought": "any", "spent": "sum", "rate": {"over": "visits"}, "visits": "count"}
    bandit = lab.make("bandit", arms=THREE, sticky=True, metrics=metrics, **options)
    units = people(bandit, dict.fromkeys(THREE, 60))
    bandit.expose_many([unit for own in units.values() for unit in own])
    won = {arm: own[: 10 + 4 * place] for place, (arm, own) in enumerate(units.items())}
    record(bandit, "bought", won, {arm: [1.0] * 60 for arm in won})
    for metric in ("spent", "visits", "rate"):
        record(bandit, metric, units, {arm: [random.gauss(2 + place, 2) for _ in own] for place, (arm, own) in
                                       enumerate(units.items())})  # fmt: skip
    return lab, bandit


@pytest.mark.parametrize("given", [{}, {"draws": 500, "seed": 7}, {"floor": 0.2}])
@pytest.mark.parametrize("method", ["thompson", "top_two"])
def test_conversions_get_the_weights_of_their_posteriors(method: str, given: dict[str, Any]) -> None:
    lab, bandit = played()
    judge = {"thompson": thompson, "top_two": top_two}[method]
    expected = judge(conversion_arms([(10, 60), (14, 60), (18, 60)]), **given)  # type: ignore[operator]
    head = lab.db.head
    found = bandit.reallocate("bought", method, **given)
    assert found.allocation == expected and bandit.arms == dict(zip(THREE, expected.weights)) == dict(found.arms)
    assert (found.as_of, found.recorded, lab.db.head) == (head, head + 1, head + 1)
    reason = bandit.definition.reason
    assert reason == found.reason and reason.startswith(f"{method} on bought as of offset {head}: ")
    assert ("500 draws, seed 7" if given.get("draws") else "exactly") in reason


def test_means_and_ratios_get_the_weights_of_theirs() -> None:
    _, bandit = played()
    for metric in ("spent", "rate"):
        found = bandit.reallocation(metric)
        arms = [(arm.mean, arm.deviation / arm.n**0.5) for arm in bandit.analyze(metric).arms]
        assert found.allocation.weights == pytest.approx(thompson(mean_arms(arms)).weights, abs=2e-6)
        assert found.recorded is None and bandit.version == 1


def test_the_past_gives_the_same_weights_again() -> None:
    lab, bandit = played()
    first = bandit.reallocate("bought", seed=3, draws=200)
    populate(bandit, "spent", {"b": [5.0] * 20}, prefix="more")
    bandit.reallocate("bought", "top_two")
    past = lab.db.as_of(first.as_of).experiment("bandit")
    assert past.reallocation("bought", seed=3, draws=200).arms == first.arms
    reasons = [definition.reason for _, definition in bandit.history()]
    assert len(reasons) == 3 and "seed 3" in reasons[1] and "top_two" in reasons[2] and "leader 0.5" in reasons[2]
    assert dict(lab.db.as_of(first.recorded or 0).experiment("bandit").arms) == dict(first.arms)


def test_arms_of_weight_0_stay_off() -> None:
    _, bandit = played()
    bandit.reweight({"control": 0.5, "a": 0.0, "b": 0.5})
    found = bandit.reallocate("bought")
    assert found.arms["a"] == 0.0 and len(found.allocation.weights) == 2 and bandit.arms["b"] > 0.5


def test_sticky_units_stay_where_they_are() -> None:
    _, bandit = played()
    units = [exposed.unit for exposed in bandit.exposures()]
    before = {one.unit: one.arm for one in bandit.assign_many(units)}
    bandit.reallocate("bought")
    assert {one.unit: one.arm for one in bandit.assign_many(units)} == before


def test_what_cannot_be_believed_in_is_refused() -> None:
    lab, bandit = played()
    new = lab.make("new", metrics={"spent": "sum", "bought": "any"})
    before = lab.bits
    with pytest.raises(InvalidInput, match="at least two units that differ"):
        new.reallocate("spent")
    with pytest.raises(InvalidInput, match="a method of reallocation"):
        bandit.reallocate("bought", "softmax")
    with pytest.raises(UnknownName):
        bandit.reallocate("profit")
    with pytest.raises(InvalidInput, match="floors"):
        bandit.reallocate("bought", floor=0.4)
    assert lab.bits == before
    assert new.reallocation("bought").arms == {"control": 0.5, "treatment": 0.5}
