"""Scorecards: several metrics with adjusted p-values, guardrails, and the sample ratio once and over looks."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from ledger import InvalidInput, UnknownName
from tests.vectordb.experiments.lab import Lab
from tests.vectordb.experiments.people import people, populate, record
from vectordb.experiments.stats.many import guardrail, holm

METRICS = {"spent": "sum", "visits": "sum", "latency": "mean", "errors": "sum"}


def measured(seed: int = 1, arms: dict[str, float] | None = None, **options: Any) -> tuple[Lab, Any]:
    """An experiment whose treatment spends more, visits as before, and is a little slower."""
    lab, random = Lab(), Random(seed)
    names = list(arms or {"control": 0.5, "treatment": 0.5})
    ranking = lab.make(metrics=METRICS, arms=arms or {"control": 0.5, "treatment": 0.5}, **options)
    shifts = {"spent": 1.0, "visits": 0.0, "latency": 0.2, "errors": 0.0}
    units = people(ranking, dict.fromkeys(names, 150))
    for start in range(0, 150, 50):
        ranking.expose_many([unit for own in units.values() for unit in own[start : start + 50]])
    for metric, shift in shifts.items():
        values = {arm: [random.gauss(shift * place, 1) for _ in range(150)] for place, arm in enumerate(names)}
        record(ranking, metric, units, values)
    return lab, ranking


def test_p_values_are_adjusted_together() -> None:
    _, ranking = measured()
    card = ranking.scorecard(["spent", "visits", "errors"])
    ps = [ranking.analyze(metric).effect().p for metric in ("spent", "visits", "errors")]
    assert [test.p for test in card.tests.tests] == ps
    assert tuple(test.holm for test in card.tests.tests) == holm(ps).adjusted
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    for name, judge in (("holm", "holm"), ("benjamini_hochberg", "fdr_bh")):
        expected = multitest.multipletests(ps, method=judge)[1]
        assert [getattr(test, name) for test in card.tests.tests] == pytest.approx(list(expected), rel=1e-10)
    assert card["visits"] == ranking.analyze("visits") and card.tests["spent treatment"].p == ps[0]
    assert card.ships == ("treatment",)


def test_without_a_list_all_metrics_are_taken() -> None:
    lab, ranking = measured()
    assert ranking.scorecard() == ranking.scorecard(list(METRICS))
    some = ranking.scorecard(guardrails={"errors": 0.5, "visits": 0.5})
    assert some == ranking.scorecard(["spent", "latency"], {"errors": 0.5, "visits": 0.5})
    past = lab.db.as_of(lab.db.head)
    assert past.experiment("ranking").scorecard().to_dict() == ranking.scorecard().to_dict()
    with pytest.raises(InvalidInput, match="at least one metric"):
        lab.make("bare").scorecard()


def test_every_arm_is_a_test() -> None:
    _, ranking = measured(arms={"control": 0.4, "a": 0.3, "b": 0.3})
    card = ranking.scorecard(["spent", "visits"], {"errors": 0.5})
    assert [test.name for test in card.tests.tests] == ["spent a", "spent b", "visits a", "visits b"]
    assert [(guard.metric, guard.arm) for guard in card.guardrails] == [("errors", "a"), ("errors", "b")]


def test_guardrails_pass_unless_something_gets_worse() -> None:
    _, ranking = measured()
    rails = {"errors": 0.5, "latency": {"margin": 0.1, "increase_is_good": False}}
    card = ranking.scorecard(["spent"], rails)
    effect = ranking.analyze("errors").effect().absolute
    first, second = card.guardrails
    assert first.test == guardrail(effect.estimate, effect.standard_error, 0.5, guardrails=2)
    assert first.passes and not second.passes and not second.test.increase_is_good
    assert card.ships == () and ranking.scorecard(["spent"], {"errors": 0.5}).ships == ("treatment",)
    assert card["latency"] == ranking.analyze("latency")
    json.dumps(card.to_dict(), allow_nan=False)


def test_a_guardrail_without_a_standard_error_does_not_pass() -> None:
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "latency", {"control": [1.0], "treatment": [1.0]})
    card = ranking.scorecard([], {"latency": 1.0})
    assert card.guardrails[0].test is None and not card.guardrails[0].passes and card.tests.tests == ()


def test_the_sample_ratio_is_tested_once_and_over_looks() -> None:
    lab, ranking = measured()
    card = ranking.scorecard(["spent"])
    assert card.sample_ratio == ranking.analyze("spent").sample_ratio and not card.sample_ratio.alarm
    assert len(card.sample_ratios.looks) == 20 and not card.sample_ratios.alarm
    assert [look.observed for look in card.sample_ratios.looks][-1] == (150, 150)
    some = ranking.scorecard(["spent"], looks=[lab.db.head - 5, lab.db.head])
    assert len(some.sample_ratios.looks) == 2


def test_a_lost_arm_raises_both_alarms() -> None:
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "spent", {"control": [1.0, 2.0] * 1_500, "treatment": [1.0, 2.0] * 1_000})
    card = ranking.scorecard(["spent"])
    assert card.sample_ratio.alarm and card.sample_ratios.alarm and len(card.warnings) == 2


def test_changed_weights_have_no_sequential_sample_ratio() -> None:
    _, ranking = measured(sticky=True)
    ranking.reweight({"control": 0.2, "treatment": 0.8})
    card = ranking.scorecard(["spent"])
    assert card.sample_ratios is None and card.sample_ratio is not None
    assert "no sequential sample ratio test: the weights changed within the bucket version" in card.assumptions


def test_the_past_has_its_own_scorecard() -> None:
    lab, ranking = measured()
    past, before = lab.db.as_of(lab.db.head), ranking.scorecard(["spent"], {"errors": 0.5})
    populate(ranking, "spent", {"control": [9.0] * 5}, prefix="later")
    assert past.experiment("ranking").scorecard(["spent"], {"errors": 0.5}).to_dict() == before.to_dict()


@pytest.mark.parametrize(
    ("metrics", "rails", "rule"),
    [
        ("spent", {}, "list of names"),
        ([], {}, "at least one metric or guardrail"),
        (["spent", "spent"], {}, "each once"),
        (["spent"], {"spent": 1.0}, "each once"),
        (["spent"], {"errors": 0.0}, "margin is above 0"),
        (["spent"], {"errors": {"margin": 1.0, "worse": True}}, "a guardrail has a margin"),
        (["spent"], {"errors": {"margin": 1.0, "increase_is_good": "no"}}, "increase_is_good is True or False"),
        (["spent"], ["errors"], "guardrails are a mapping"),
    ],
)
def test_bad_scorecards_are_refused(metrics: Any, rails: Any, rule: str) -> None:
    _, ranking = measured()
    with pytest.raises(InvalidInput, match=rule):
        ranking.scorecard(metrics, rails)


def test_unknown_metrics_are_refused() -> None:
    _, ranking = measured()
    for given in ((["profit"], {}), (["spent"], {"profit": 1.0})):
        with pytest.raises(UnknownName):
            ranking.scorecard(*given)
