"""Analyses and scorecards as text: what a reader of a terminal sees."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectordb.experiments.lab import Lab
from tests.vectordb.experiments.people import populate
from vectordb import LiveExperiment

METRICS = {"spent": "sum", "bought": "any", "rate": {"over": "visits"}, "visits": "count"}
ARMS = {"control": 0.4, "treatment": 0.3, "a_third_arm": 0.3}


@pytest.fixture
def ranking() -> LiveExperiment:
    ranking = Lab().make(metrics=METRICS, arms=ARMS)
    values = {arm: [float((at + 1) * number % (9 + at)) for number in range(60)] for at, arm in enumerate(ARMS)}
    for metric in ("spent", "bought", "visits"):
        populate(ranking, metric, values)
    return ranking


def aligned(lines: list[str]) -> None:
    """Every cell of the last column ends where its head ends."""
    assert len({len(line) for line in lines}) == 1, lines


def test_an_analysis_is_tables_of_its_arms_and_effects(ranking: LiveExperiment) -> None:
    found = ranking.analyze("spent")
    head, arms, effects, rest = str(found).split("\n\n")
    assert head == f"ranking@1: spent (sum) as of offset {found.as_of}, Welch's t"
    aligned(arms.splitlines())
    aligned(effects.splitlines())
    for line, arm in zip(arms.splitlines()[1:], found.arms):
        assert line.split()[:4] == [arm.arm, f"{arm.weight:g}", "60", "60"] and f"{arm.mean:.4g}" in line
    absolute = effects.splitlines()[1]
    effect = found.effect("treatment")
    for value in (effect.absolute.estimate, effect.absolute.low, effect.absolute.high):
        assert f" {value:.4g}" in absolute
    assert absolute.endswith(f" {effect.p:.3g}") and len(effects.splitlines()) == 1 + 2 * 3
    assert f"{100 * effect.relative.low:.4g} .. {100 * effect.relative.high:.4g}" in effects.splitlines()[3]
    assert rest.startswith("180 exposed, 180 outcomes; sample ratio p ")
    assert repr(found).startswith("Analysis(experiment='ranking@1'") and f"{found}" == str(found)


@pytest.mark.parametrize(
    ("metric", "options"),
    [
        ("spent", {"method": "mann_whitney"}),
        ("spent", {"method": "bootstrap", "seed": 1}),
        ("spent", {"method": "quantile", "quantile": 0.9}),
        ("spent", {"sequential": False, "alpha": 0.1, "exclude": ["p-1"]}),
        ("bought", {"method": "fisher"}),
        ("bought", {"method": "proportions"}),
        ("rate", {}),
        ("visits", {"segments": "users:city"}),
    ],
)
def test_every_method_has_its_text(ranking: LiveExperiment, metric: str, options: dict[str, Any]) -> None:
    found = ranking.analyze(metric, **options)
    _, *tables, rest = str(found).split("\n\n")
    for lines in tables:
        aligned(lines.splitlines())
    assert "None .." not in str(found) and ("users:city" in str(found)) is ("segments" in options)
    assert ("1 excluded" in rest) is ("exclude" in options) and ("90 % interval" in str(found)) is ("alpha" in options)


def test_what_is_not_known_is_a_dash_and_the_reason_is_told() -> None:
    lab = Lab()
    empty = str(lab.make(metrics=METRICS, arms=ARMS).analyze("spent"))
    assert "control         0.4        0  0     -          -" in empty
    assert "note: treatment: an arm has no units" in empty and empty.count("note") == 2
    alone = lab.make("alone", metrics=METRICS, arms={"only": 1.0})
    populate(alone, "spent", {"only": [1e308, 1.7e308, 12_345.0]})
    assert "against" not in str(alone.analyze("spent")) and "3 exposed" in str(alone.analyze("spent"))
    assert str(alone.scorecard(["spent"])).endswith("ships: no arm")


def test_warnings_have_a_line_each() -> None:
    ranking = Lab().make(metrics=METRICS)
    ranking.expose_many(range(300), arms=["control"] * 250 + ["treatment"] * 50)
    ranking.expose_many(range(20), arms=["treatment"] * 20)
    found = ranking.analyze("spent")
    assert [line for line in str(found).splitlines() if line.startswith("warning")] == [
        f"warning: {text}" for text in found.warnings]  # fmt: skip
    assert len(found.warnings) == 2 and "280 exposed, 20 conflicted, 0 outcomes" in str(found)
    card = ranking.scorecard()
    assert str(card).splitlines()[-len(card.warnings) :] == [f"warning: {text}" for text in card.warnings]


def test_a_scorecard_is_tables_of_metrics_and_guardrails(ranking: LiveExperiment) -> None:
    card = ranking.scorecard(["spent", "bought"], {"visits": 0.5, "rate": {"margin": 9, "increase_is_good": False}})
    head, metrics, rails, ships = str(card).split("\n\n")
    assert head == f"ranking@1 as of offset {card.as_of}"
    aligned(metrics.splitlines())
    aligned(rails.splitlines())
    assert [line.split()[:2] for line in metrics.splitlines()[1:]] == [test.name.split() for test in card.tests.tests]
    for line, test in zip(metrics.splitlines()[1:], card.tests.tests):
        assert line.split()[-2:] == [f"{test.p:.3g}", f"{test.holm:.3g}"]
    assert [line.split()[-1] for line in rails.splitlines()[1:]] == [
        "yes" if one.passes else "no" for one in card.guardrails]  # fmt: skip
    assert ships == f"ships: {', '.join(card.ships) or 'no arm'}" and repr(card).startswith("Scorecard(")
