"""An analysis by other rules: windows, exclusions, segments and covariates."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from tests.vectordb.experiments.lab import Lab
from tests.vectordb.experiments.people import close, people, record
from vectordb import Float

METRICS = {"spent": "sum", "bought": "any", "seen": "count", "rating": "mean"}


def test_another_attribution_window() -> None:
    lab = Lab()
    ranking = lab.make(metrics={"spent": {"aggregate": "sum", "window": 100}})
    units = people(ranking, {"control": 3, "treatment": 3})
    everybody = [*units["control"], *units["treatment"]]
    ranking.record(everybody[0], "spent", 50.0)
    lab.clock.advance(1)
    ranking.expose_many(everybody)
    for seconds in (10, 150, 1_000):
        lab.clock.advance(seconds)
        values = [float(place) for place, _ in enumerate(everybody)]
        ranking.record_many({"user": everybody, "value": values}, metric="spent")
    sums = {window: ranking.analyze("spent", window=window).arms[1].total for window in (100, 200, None)}
    assert sums == {100: 12.0, 200: 24.0, None: 36.0}
    assert ranking.analyze("spent", window=100) == ranking.analyze("spent")
    assert [ranking.analyze("spent", window=window).window for window in (200, None)] == [200.0, None]
    assert ranking.uncounted("spent")[1:] == (0, 0, 1, 12) and ranking.uncounted("spent", window=None)[4] == 0


def test_exclusions_read_features_as_they_were_before_the_exposure() -> None:
    lab = Lab()
    ranking = lab.make(metrics=METRICS)
    units = people(ranking, {"control": 4, "treatment": 4})
    everybody = [*units["control"], *units["treatment"]]
    for place, unit in enumerate(everybody):
        lab.users.put(unit, {"trips": place % 4, "city": "Rome"})
    lab.clock.advance(5)
    ranking.expose_many(everybody)
    record(ranking, "spent", units, {"control": [1.0, 2.0, 4.0, 8.0], "treatment": [3.0, 5.0, 7.0, 11.0]})
    for unit in everybody:  # later values, and a late one that was not known then
        lab.users.put(unit, {"trips": 100})
        lab.users.put(unit, {"city": "Oslo"}, event_time="2026-01-01T00:00:00Z")
    found = ranking.analyze("spent", exclude={"users:trips": {"$gte": 2}, "users:city": "Rome"})
    assert found.excluded == 4 and [(arm.exposed, arm.n, arm.total) for arm in found.arms] == [(2, 2, 3.0), (2, 2, 8.0)]
    assert ranking.analyze("spent", exclude={"users:city": "Oslo"}).excluded == 0
    by_set = ranking.analyze("spent", exclude={unit for unit in everybody if everybody.index(unit) % 4 >= 2})
    assert by_set.effects == found.effects
    assert ranking.analyze("spent", exclude=set()) == ranking.analyze("spent")


def test_segments_are_analyses_of_their_own_with_adjusted_p_values() -> None:
    lab = Lab()
    ranking = lab.make(metrics=METRICS)
    random = Random(5)
    arms = {"control": [random.gauss(0, 1) for _ in range(60)], "treatment": [random.gauss(0.5, 1) for _ in range(50)]}
    units = people(ranking, {"control": 60, "treatment": 50})
    cities = ["Rome", "Oslo", None]
    for own in units.values():
        for place, unit in enumerate(own[:-3]):
            lab.users.put(unit, {"city": cities[place % 3]})
    ranking.expose_many([*units["control"], *units["treatment"]])
    record(ranking, "spent", units, arms)
    found = ranking.analyze("spent", segments="users:city")
    assert found.segments is not None and found.effects == ranking.analyze("spent").effects
    assert {segment.value for segment in found.segments.segments} == {"Rome", "Oslo", None}
    assert [segment.analysis.exposed for segment in found.segments.segments] == [40, 35, 35]
    rome = {unit for own in units.values() for place, unit in enumerate(own[:-3]) if place % 3 == 0}
    everybody = {unit for own in units.values() for unit in own}
    assert found.segments["Rome"].effects == ranking.analyze("spent", exclude=everybody - rome).effects
    tests = found.segments.tests
    ps = [segment.analysis.effect().p for segment in found.segments.segments]
    assert [test.p for test in tests.tests] == ps
    assert min(test.holm for test in tests.tests) == pytest.approx(min(1.0, 3 * min(ps)))
    assert found.to_dict()["segments"]["segments"][0]["value"] is None
    with pytest.raises(KeyError):
        found.segments["Lima"]


def cuped_lab(seed: int) -> tuple[Any, dict[str, Any]]:
    """Units whose outcome follows what was known of them before; every tenth is unknown."""
    lab, random = Lab(), Random(seed)
    ranking = lab.make(metrics={"spent": {"aggregate": "sum", "covariate": "users:trips"}})
    units = people(ranking, {"control": 200, "treatment": 150})
    pre = {arm: [random.randrange(40) for _ in own] for arm, own in units.items()}
    for arm, own in units.items():
        lab.users.put_many({"user": own, "trips": pre[arm]})
    lab.clock.advance(10)
    ranking.expose_many([*units["control"], *units["treatment"]])
    post = {arm: [x + random.gauss(1.0 if arm == "treatment" else 0.0, 3) for x in xs] for arm, xs in pre.items()}
    record(ranking, "spent", units, post)
    lab.users.put_many({"user": units["control"], "trips": [999] * 200})  # after the exposure
    return ranking, {"pre": pre, "post": post, "lab": lab, "units": units}


def test_cuped_is_the_computation_of_numpy_and_reduces_the_variance() -> None:
    numpy = pytest.importorskip("numpy")
    ranking, data = cuped_lab(1)
    found, plain = ranking.analyze("spent", cuped=True), ranking.analyze("spent")
    x = {arm: numpy.array(own, float) for arm, own in data["pre"].items()}
    y = {arm: numpy.array(own) for arm, own in data["post"].items()}
    both = numpy.concatenate([x["control"], x["treatment"]]), numpy.concatenate([y["control"], y["treatment"]])
    theta = numpy.cov(*both)[0, 1] / both[0].var(ddof=1)
    adjusted = {arm: y[arm] - theta * (x[arm] - both[0].mean()) for arm in x}
    effect = found.effect()
    assert close(effect.theta, theta, 1e-9)
    assert close(effect.estimate, adjusted["treatment"].mean(), 1e-9)
    assert close(effect.absolute.estimate, adjusted["treatment"].mean() - adjusted["control"].mean(), 1e-9)
    error = math.sqrt(math.fsum(own.var(ddof=1) / len(own) for own in adjusted.values()))
    assert close(effect.absolute.standard_error, error, 1e-9)
    assert effect.absolute.standard_error < 0.4 * plain.effect().absolute.standard_error
    assert 0.9 < effect.reduction < 1.0
    assert (found.covariate, found.missing_covariates, found.method) == ("users:trips", 0, "Welch's t after CUPED")
    assert found.arms == plain.arms


def test_units_without_the_covariate_get_the_mean() -> None:
    numpy = pytest.importorskip("numpy")
    lab, random = Lab(), Random(2)
    scores = lab.db.create_view("scores", entity="user", features={"score": Float()})
    ranking = lab.make(metrics={"spent": {"aggregate": "sum", "covariate": "scores:score"}})
    units = people(ranking, {"control": 40, "treatment": 40})
    known = {unit: random.gauss(0, 1) for own in units.values() for place, unit in enumerate(own) if place % 4}
    scores.put_many({"user": list(known), "score": list(known.values())})
    lab.clock.advance(1)
    ranking.expose_many([unit for own in units.values() for unit in own])
    post = {arm: [known.get(unit, 0.0) + random.gauss(0, 1) for unit in own] for arm, own in units.items()}
    record(ranking, "spent", units, post)
    found = ranking.analyze("spent", cuped=True)
    assert found.missing_covariates == 20
    usual = numpy.mean(list(known.values()))
    x = numpy.array([known.get(unit, usual) for own in units.values() for unit in own])
    y = numpy.array([value for own in post.values() for value in own])
    assert close(found.effect().theta, numpy.cov(x, y)[0, 1] / x.var(ddof=1), 1e-9)
