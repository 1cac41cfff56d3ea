"""An analysis of one metric, through the whole path: ledger, tallies, statistics."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Any

import pytest

from ledger import InvalidInput, OutcomesRecorded, UnknownName
from tests.vectordb.experiments.lab import HALVES, Lab
from tests.vectordb.experiments.people import close, people, populate, record
from vectordb import VectorDB

METRICS = {"spent": "sum", "bought": "any", "seen": "count", "rating": "mean"}


def with_sums(size: int, total: float, squares: float) -> list[float]:
    """An odd number of values with these sums."""
    mean = total / size
    reach = math.sqrt((squares - size * mean * mean) / (size - 1))
    half = (size - 1) // 2
    return [mean, *[mean - reach] * half, *[mean + reach] * half]


# -- the values that are written down --------------------------------------------------------------------


def test_the_first_values_to_their_printed_digits() -> None:
    ranking = Lab().make(metrics=METRICS)
    arms = {"control": with_sums(3407, 1396.87, 52377.9767), "treatment": with_sums(3461, 2422.7, 134698.29)}
    populate(ranking, "spent", arms)
    effect = ranking.analyze("spent").effect()
    absolute, relative = effect.absolute, effect.relative
    assert [round(x, 5) for x in (absolute.estimate, absolute.standard_error)] == [0.29, 0.12478]
    assert [round(x, 5) for x in (absolute.low, absolute.high, absolute.p_value)] == [0.04538, 0.53462, 0.02016]
    assert [round(x, 5) for x in (relative.estimate, relative.low, relative.high, relative.p_value)] == [
        0.70732, -0.03526, 1.44989, 0.06191]  # fmt: skip


def test_the_values_of_two_proportions() -> None:
    ranking = Lab().make(metrics=METRICS)
    units = people(ranking, {"control": 28, "treatment": 30})
    ranking.expose_many([*units["control"], *units["treatment"]])
    record(ranking, "bought", {"control": units["control"][:14], "treatment": units["treatment"][:16]},
           {"control": [1.0] * 14, "treatment": [1.0] * 16})  # fmt: skip
    found = ranking.analyze("bought", method="proportions")
    effect = found.effect()
    assert [(arm.n, arm.total, arm.mean) for arm in found.arms] == [(28, 14.0, 0.5), (30, 16.0, 16 / 30)]
    assert round(effect.absolute.estimate, 5) == 0.03333
    assert [round(effect.relative.estimate, 5), round(effect.relative.standard_error, 4)] == [0.06667, 0.2717]
    assert round(effect.relative.p_value, 5) == 0.80707
    assert close(effect.chance_to_win, 0.598547849, 1e-6)


@pytest.mark.parametrize("method", ["welch", "bootstrap", "proportions", "chi_square", "fisher"])
def test_conversions_have_beta_posteriors_whatever_the_test(method: str) -> None:
    stats, integrate = pytest.importorskip("scipy.stats"), pytest.importorskip("scipy.integrate")
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "bought", {"control": [1.0] * 2 + [0.0] * 38, "treatment": [1.0] * 7 + [0.0] * 38})
    found = ranking.analyze("bought", method=method)
    effect, old, new = found.effect(), stats.beta(3, 39), stats.beta(8, 39)
    higher = integrate.quad(lambda x: old.pdf(x) * new.sf(x), 0.0, 1.0, epsabs=1e-12)[0]
    gain = integrate.quad(lambda x: old.cdf(x) * new.sf(x), 0.0, 1.0, epsabs=1e-12)[0]
    loss = integrate.quad(lambda x: new.cdf(x) * old.sf(x), 0.0, 1.0, epsabs=1e-12)[0]
    assert effect.chance_to_win == pytest.approx(higher, rel=1e-9)
    assert (effect.loss_control, effect.loss_treatment) == pytest.approx((gain, loss), rel=1e-9)
    assert "chance to win and losses: beta-binomial, prior beta(1, 1) on each rate" in found.assumptions


def test_other_effects_have_a_normal_posterior() -> None:
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "spent", {"control": [1.0, 2.0, 4.0], "treatment": [2.0, 3.0, 9.0]})
    for method in ("welch", "bootstrap", "mann_whitney", "quantile"):
        found = ranking.analyze("spent", method=method)
        assert "chance to win and losses: a normal posterior of the effect, flat prior" in found.assumptions, method
        effect = found.effect()
        if effect.absolute.standard_error:
            z = effect.absolute.estimate / effect.absolute.standard_error
            assert close(effect.chance_to_win, NormalDist().cdf(z), 1e-9), method
    assert found.effect().odds_ratio is None


def test_no_conversion_says_something_of_the_rates() -> None:
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "bought", {"control": [0.0] * 9, "treatment": [0.0] * 99})
    effect = ranking.analyze("bought").effect()  # beta(1, 10) against beta(1, 100)
    assert effect.always_valid is None and effect.chance_to_win == pytest.approx(10 / 110, rel=1e-9)


@pytest.mark.parametrize("method", ["proportions", "chi_square", "fisher"])
def test_the_odds_ratio_is_of_the_arm_over_the_control(method: str) -> None:
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "bought", {"control": [1.0] * 10 + [0.0] * 90, "treatment": [1.0] * 20 + [0.0] * 80})
    found = ranking.analyze("bought", method=method, alpha=0.05)
    odds = found.effect().odds_ratio
    assert (odds.estimate, round(odds.low, 6), round(odds.high, 6)) == (2.25, 0.994295, 5.091548)
    assert found.to_dict()["effects"][0]["odds_ratio"]["estimate"] == 2.25
    assert ranking.analyze("bought").effect().odds_ratio is None


def test_a_conversion_told_as_zero_or_one_is_that_of_its_ones() -> None:
    told, ones = (Lab().make(metrics=METRICS) for _ in range(2))
    kept = {"control": [True, False, 0, 0], "treatment": [1, 1.0, False]}
    units = populate(told, "bought", kept)
    ones.expose_many([*units["control"], *units["treatment"]])
    record(ones, "bought", {arm: [unit for unit, one in zip(own, kept[arm]) if one] for arm, own in units.items()},
           {"control": [1.0], "treatment": [1.0, 1.0]})  # fmt: skip
    found = told.analyze("bought", method="fisher")
    assert [(arm.n, arm.mean) for arm in found.arms] == [(4, 0.25), (3, 2 / 3)]
    assert found.effects == ones.analyze("bought", method="fisher").effects


def test_true_and_false_are_one_and_zero() -> None:
    numpy = pytest.importorskip("numpy")
    lab = Lab()
    ranking = lab.make(metrics=METRICS)
    ranking.record("u-1", "bought", True, idempotency_key="one")
    ranking.record("u-2", "bought", numpy.False_, idempotency_key="two")
    ranking.record_many({"user": ["u-3", "u-4"], "value": [False, True]}, metric="bought")
    ranking.record_many({"user": ["u-5", "u-6"], "value": numpy.array([False, True])}, metric="bought")
    ranking.record_many([{"user": "u-7", "value": numpy.True_}], metric="bought")
    facts = [event.fact for event in lab.db.events(type="outcomes_recorded")]
    values = [one.value for fact in facts if isinstance(fact, OutcomesRecorded) for one in fact.outcomes]
    assert values == [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0] and {type(value) for value in values} == {float}
    lab.db.check()


# -- against the judges, on random data --------------------------------------------------------------------


def drawn(random: Random) -> dict[str, list[float]]:
    """Two arms of random sizes, levels and shapes."""
    level, width = 10 ** random.uniform(-3, 6), 10 ** random.uniform(-2, 2)
    shift = random.choice([0.0, 0.1, 30.0]) * width
    make = random.choice([random.gauss, lambda mean, sd: mean + sd * (random.expovariate(1.0) - 1.0)])
    return {
        "control": [make(level, width) for _ in range(random.choice([2, 3, 12, 300]))],
        "treatment": [make(level + shift, width * random.uniform(0.2, 4)) for _ in range(random.choice([2, 5, 250]))],
    }


@pytest.mark.parametrize("seed", range(25))
def test_welch_agrees_with_scipy(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    arms = drawn(Random(seed))
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "spent", arms)
    found = ranking.analyze("spent", alpha=0.1).effect().absolute
    judge = stats.ttest_ind(arms["treatment"], arms["control"], equal_var=False)
    exact = math.fsum(arms["treatment"]) / len(arms["treatment"]) - math.fsum(arms["control"]) / len(arms["control"])
    assert found.estimate == pytest.approx(exact, rel=1e-9)
    conditioned = max(1.0, abs(arms["control"][0]) / abs(exact)) * 1e-15  # what float means cost the judge
    places = max(1e-10, 1e3 * conditioned)
    assert close(found.statistic, judge.statistic, places) and close(found.dof, judge.df, 1e-8)
    ends = judge.confidence_interval(0.9)
    width = ends.high - ends.low
    assert abs(found.low - ends.low) < 1e-8 * width and abs(found.high - ends.high) < 1e-8 * width
    if judge.pvalue > 1e-250:
        assert close(found.p_value, judge.pvalue, max(places, abs(judge.statistic) ** 2 * places))


@pytest.mark.parametrize("seed", range(6))
def test_other_methods_agree_with_scipy_and_statsmodels(seed: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    random = Random(seed)
    arms = {arm: [float(random.randrange(9)) for _ in range(random.randrange(20, 200))] for arm in HALVES}
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "rating", arms)
    ranks = ranking.analyze("rating", method="mann_whitney").effect()
    judge = stats.mannwhitneyu(arms["treatment"], arms["control"], method="asymptotic")
    assert close(ranks.p, judge.pvalue)
    share = judge.statistic / (len(arms["control"]) * len(arms["treatment"]))
    assert ranks.absolute.estimate == pytest.approx(share - 0.5, abs=1e-12)
    middle = ranking.analyze("rating", method="quantile", quantile=0.4)
    numpy = pytest.importorskip("numpy")
    assert middle.effect().control_estimate == pytest.approx(numpy.quantile(arms["control"], 0.4))
    assert middle.quantile == 0.4
    resampled = ranking.analyze("rating", method="bootstrap", seed=seed)
    assert resampled.seed == seed and resampled == ranking.analyze("rating", method="bootstrap", seed=seed)
    plain = ranking.analyze("rating").effect().absolute
    assert resampled.effect().absolute.standard_error == pytest.approx(plain.standard_error, rel=0.1)


def test_the_pooled_z_agrees_with_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    ranking = Lab().make(metrics=METRICS)
    units = people(ranking, {"control": 500, "treatment": 400})
    ranking.expose_many([*units["control"], *units["treatment"]])
    record(ranking, "bought", {"control": units["control"][:50], "treatment": units["treatment"][:61]},
           {"control": [1.0] * 50, "treatment": [3.0] * 61})  # fmt: skip
    found = ranking.analyze("bought", method="proportions").effect()
    z, p = proportion.proportions_ztest([61, 50], [400, 500])
    assert close(found.statistic, z) and close(found.p, p)
    low, high = proportion.confint_proportions_2indep(61, 400, 50, 500, method="wald")
    assert close(found.absolute.low, low) and close(found.absolute.high, high)


@pytest.mark.parametrize("sizes", [(28, 14, 30, 16), (500, 50, 400, 61), (9, 0, 8, 5), (3000, 400, 2900, 300)])
def test_tables_of_conversions_agree_with_scipy(sizes: tuple[int, int, int, int]) -> None:
    stats = pytest.importorskip("scipy.stats")
    base, old, treated, new = sizes
    ranking = Lab().make(metrics=METRICS)
    units = people(ranking, {"control": base, "treatment": treated})
    ranking.expose_many([*units["control"], *units["treatment"]])
    record(ranking, "bought", {"control": units["control"][:old], "treatment": units["treatment"][:new]},
           {"control": [1.0] * old, "treatment": [1.0] * new})  # fmt: skip
    table = [[old, base - old], [new, treated - new]]
    chi, exact = (ranking.analyze("bought", method=method).effect() for method in ("chi_square", "fisher"))
    judge = stats.chi2_contingency(table, correction=False)
    assert close(chi.statistic, judge.statistic, 1e-8) and close(chi.p, judge.pvalue, 1e-8)
    assert close(exact.p, stats.fisher_exact(table).pvalue, 1e-8) and exact.statistic is None
    assert chi.absolute == exact.absolute == ranking.analyze("bought", method="proportions").effect().absolute
    with pytest.raises(InvalidInput, match="aggregate is any"):
        ranking.analyze("spent", method="fisher")


def test_a_ratio_of_means_is_that_of_the_delta_method() -> None:
    numpy = pytest.importorskip("numpy")
    random = Random(3)
    metrics = {"clicks": {"aggregate": "sum", "over": "views"}, "views": "sum"}
    ranking = Lab().make(metrics=metrics)
    sizes = {"control": 90, "treatment": 70}
    views = {arm: [float(random.randrange(1, 30)) for _ in range(size)] for arm, size in sizes.items()}
    clicks = {arm: [random.random() * value for value in own] for arm, own in views.items()}
    units = populate(ranking, "views", views)
    record(ranking, "clicks", units, clicks)
    found = ranking.analyze("clicks")
    parts = {}
    for arm in views:
        top, under = numpy.array(clicks[arm]), numpy.array(views[arm])
        ratio = top.sum() / under.sum()
        parts[arm] = ratio, ((top - ratio * under) / under.mean()).var(ddof=1) / len(top)
        assert close(found.arm(arm).mean, ratio) and close(found.arm(arm).under, under.sum())
    effect = found.effect()
    assert close(effect.absolute.estimate, parts["treatment"][0] - parts["control"][0], 1e-9)
    assert close(effect.absolute.standard_error, math.sqrt(parts["treatment"][1] + parts["control"][1]), 1e-9)
    for refused in ("proportions", "bootstrap"):
        with pytest.raises(InvalidInput, match="a ratio is analyzed by welch"):
            ranking.analyze("clicks", method=refused)


def test_an_extreme_difference_has_a_p_value_above_0() -> None:
    ranking = Lab().make(metrics=METRICS)
    random = Random(1)
    populate(ranking, "spent", {"control": [random.gauss(0, 1e-6) for _ in range(300)],
                                "treatment": [random.gauss(1e9, 1e-6) for _ in range(300)]})  # fmt: skip
    effect = ranking.analyze("spent").effect()
    assert 0.0 < effect.p < 1e-300 and 0.0 < effect.always_valid.p < 1e-300
    assert effect.absolute.log_p_value < -1_000


# -- little or nothing to see ------------------------------------------------------------------------------


def test_what_too_few_units_do_not_say_is_none() -> None:
    lab = Lab()
    ranking = lab.make(metrics=METRICS)
    nobody = ranking.analyze("spent")
    assert nobody.exposed == 0 and nobody.sample_ratio is None
    assert "no unit was exposed: no sample ratio test" in nobody.assumptions
    assert nobody.effect().p is None and nobody.effect().absolute.undefined == "an arm has no units"
    populate(ranking, "rating", {"control": [1.0], "treatment": [2.0]})
    for method in ("welch", "bootstrap", "quantile"):
        one = ranking.analyze("rating", method=method).effect()
        assert one.absolute.estimate == 1.0 and one.p is None and one.always_valid is None, method
        assert one.absolute.undefined, method
    ranks = ranking.analyze("rating", method="mann_whitney").effect()
    assert ranks.absolute.estimate == 0.5 and ranks.absolute.standard_error is None and ranks.p == 1.0
    json.dumps(nobody.to_dict(), allow_nan=False)


def test_no_variance_is_no_evidence() -> None:
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "spent", {"control": [5.0] * 20, "treatment": [6.0] * 20})
    for method in ("welch", "bootstrap"):
        effect = ranking.analyze("spent", method=method).effect()
        assert effect.absolute.estimate == 1.0 and effect.absolute.standard_error == 0.0
        assert effect.p is None and effect.always_valid is None and effect.chance_to_win is None
        assert "no spread" in effect.absolute.undefined


def test_a_control_of_zero_has_no_lift() -> None:
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "spent", {"control": [0.0] * 9, "treatment": [1.0, 2.0, 3.0]})
    effect = ranking.analyze("spent").effect()
    assert effect.absolute.p_value is not None and effect.relative.estimate is None
    assert effect.relative.undefined == "the baseline mean is 0: no relative lift"


def test_a_lift_to_nothing_has_no_standard_error() -> None:
    ranking = Lab().make(metrics=METRICS)
    units = people(ranking, {"control": 6, "treatment": 5})
    ranking.expose_many([*units["control"], *units["treatment"]])
    for unit in units["control"][:3]:
        ranking.record(unit, "bought", 1.0)
    for method in ("welch", "proportions"):
        effect = ranking.analyze("bought", method=method).effect()
        assert effect.relative.estimate == -1.0 and effect.relative.standard_error == 0.0, method
        assert effect.relative.p_value is None and "no spread" in effect.relative.undefined and effect.p is not None


def test_a_ratio_whose_denominators_are_zero() -> None:
    ranking = Lab().make(metrics={"clicks": {"over": "views"}, "views": "sum"})
    populate(ranking, "clicks", {"control": [1.0] * 5, "treatment": [1.0] * 5})
    found = ranking.analyze("clicks")
    assert found.arms[0].mean is None and found.effect().p is None


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"alpha": 0.0}, "alpha is between 0 and 1"),
        ({"alpha": 1}, "alpha is between 0 and 1"),
        ({"alpha": float("nan")}, "alpha is a finite number"),
        ({"method": "t"}, "a method is one of these"),
        ({"method": "proportions"}, "proportions are of a metric whose aggregate is any"),
        ({"quantile": 1.0}, "quantile is between 0 and 1"),
        ({"tuned": 0}, "tuned is a whole number of at least 1"),
        ({"cuped": True}, "CUPED takes welch and a metric with a covariate"),
        ({"cuped": 1}, "cuped is True or False"),
        ({"window": 0}, "an attribution window is longer than nothing"),
        ({"window": -1}, "a duration is not negative"),
        ({"exclude": "p-1"}, "exclude is a where"),
        ({"exclude": 7}, "exclude is a where"),
        ({"exclude": {"city": "Rome"}}, "no such feature"),
        ({"segments": "users"}, "a feature of the experiment's units reads view:feature"),
        ({"segments": "users:joined"}, "segments are by a Category"),
    ],
)
def test_bad_arguments_are_refused(given: dict[str, Any], rule: str) -> None:
    lab = Lab()
    ranking = lab.make(metrics=METRICS)
    populate(ranking, "spent", {"control": [1.0, 2.0], "treatment": [1.0, 3.0]})
    before = lab.bits
    with pytest.raises(Exception, match=rule) as caught:
        ranking.analyze("spent", **given)
    assert isinstance(caught.value, (InvalidInput, UnknownName))
    assert lab.bits == before


def test_an_unknown_metric_is_refused() -> None:
    ranking = Lab().make(metrics=METRICS)
    for name in ("profit", None, 3):
        with pytest.raises(UnknownName, match="no such metric"):
            ranking.analyze(name)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="no such arm"):
        ranking.analyze("spent").arm("gold")


# -- time travel ---------------------------------------------------------------------------------------------


def lively(lab: Lab, seed: int) -> Any:
    """An experiment with exposures, conflicts, forced units, outcomes before and late, and changed weights."""
    random = Random(seed)
    spent = {"aggregate": "sum", "window": 5_000}
    metrics = {"spent": spent, "bought": "any", "rate": {"over": "seen"}, "seen": "count"}
    ranking = lab.make(metrics=metrics, forced={"u-7": "treatment"})
    for step in range(60):
        lab.clock.advance(random.randrange(1_000))
        units = [f"u-{random.randrange(80)}" for _ in range(4)]
        if random.random() < 0.5:
            ranking.expose_many(units)
        rows = [(unit, random.choice(list(metrics)), random.gauss(3, 2)) for unit in units]
        ranking.record_many([{"user": unit, "metric": metric, "value": value} for unit, metric, value in rows])
        lab.users.put(units[0], {"trips": random.randrange(5), "city": random.choice(["Rome", "Oslo"])})
        if step in (20, 40):
            ranking.reweight({"control": step / 100, "treatment": 1 - step / 100})
    return ranking


@pytest.mark.parametrize("seed", range(2))
def test_as_of_any_offset_equals_a_fresh_replay(seed: int, tmp_path: Path) -> None:
    lab = Lab()
    lively(lab, seed)
    path = tmp_path / "events.jsonl"
    lab.db.snapshot(path)
    lines = path.read_bytes().splitlines(keepends=True)
    for offset in range(2, lab.db.head + 1, 7):
        fresh = tmp_path / f"{offset}.jsonl"
        fresh.write_bytes(b"".join(lines[: offset + 1]))
        replayed = VectorDB.replay(fresh, clock=lab.clock)
        past, again = lab.db.as_of(offset).experiment("ranking"), replayed.as_of(offset).experiment("ranking")
        for asked in ({}, {"segments": "users:city"}, {"exclude": {"users:trips": {"$gte": 3}}}, {"window": 2_000}):
            assert past.analyze("spent", **asked) == again.analyze("spent", **asked), (offset, asked)  # type: ignore[arg-type]
        assert past.analyze("bought", method="proportions") == again.analyze("bought", method="proportions")
        assert past.analyze("rate") == again.analyze("rate")
        assert past.uncounted("spent") == again.uncounted("spent")


def test_the_past_does_not_move() -> None:
    lab = Lab()
    ranking = lab.make(metrics=METRICS)
    populate(ranking, "spent", {"control": [1.0, 2.0, 4.0], "treatment": [3.0, 5.0]})
    past = lab.db.as_of(lab.db.head)
    before, live = past.experiment("ranking").analyze("spent"), ranking.analyze("spent")
    assert before.to_dict() == live.to_dict() and before.as_of == past.as_of_offset
    populate(ranking, "spent", {"control": [9.0] * 3}, prefix="q")
    assert past.experiment("ranking").analyze("spent") == before != ranking.analyze("spent")


# -- soundness -----------------------------------------------------------------------------------------------


def test_conflicted_and_forced_units_are_counted_apart() -> None:
    lab = Lab()
    ranking = lab.make(metrics=METRICS, forced={"boss": "treatment"})
    units = populate(ranking, "spent", {"control": [1.0, 2.0, 3.0], "treatment": [2.0, 3.0, 4.0]})
    ranking.expose("boss")
    ranking.record("boss", "spent", 1_000.0)
    sound = ranking.analyze("spent")
    assert (sound.forced, sound.conflicted, sound.warnings) == (1, 0, ())
    moved = units["control"][0]
    ranking.reweight({"control": 0.0, "treatment": 1.0})
    ranking.expose(moved)
    found = ranking.analyze("spent")
    assert (found.exposed, found.conflicted, found.outcomes) == (5, 1, 7)
    assert "more than 1 % of the units were seen in two arms: 1 of 6" in found.warnings
    assert [arm.n for arm in found.arms] == [2, 3]
    assert found.sample_ratio.expected == (2.5, 2.5) and "weights changed" in found.assumptions[-1]
    assert ranking.uncounted("spent")._asdict() == {
        "outcomes": 7, "unexposed": 1, "conflicted": 1, "before_exposure": 0, "after_window": 0}  # fmt: skip


def test_the_sample_ratio_expects_the_weights_of_each_exposure() -> None:
    lab = Lab()
    ranking = lab.make(metrics=METRICS, sticky=True)
    ranking.expose_many([f"a-{number}" for number in range(3_000)])
    ranking.reweight({"control": 0.1, "treatment": 0.9})
    ranking.expose_many([f"b-{number}" for number in range(9_000)])
    ratio = ranking.analyze("spent").sample_ratio
    recorded = [one.assignment for one in ranking.exposures()]
    own = {one.propensity if one.arm == "control" else 1 - one.propensity for one in recorded}
    assert {round(share, 9) for share in own} == {0.5, 0.1}
    expected = math.fsum(one.propensity if one.arm == "control" else 1 - one.propensity for one in recorded)
    assert ratio.expected[0] == pytest.approx(expected) == pytest.approx(2_400)
    assert not ratio.alarm
    lost = ranking.analyze("spent", exclude=[one.unit for one in recorded if one.arm == "control"][:400])
    assert lost.sample_ratio.alarm and lost.excluded == 400 and "sample ratio mismatch" in lost.warnings[0]


def test_an_arm_that_is_gone_is_still_shown() -> None:
    lab = Lab()
    ranking = lab.make(metrics=METRICS, arms={"control": 0.4, "old": 0.3, "new": 0.3}, sticky=True)
    populate(ranking, "spent", {"control": [1.0, 2.0], "old": [2.0, 3.0], "new": [4.0, 7.0]})
    ranking.reweight({"control": 0.5, "new": 0.5})
    found = ranking.analyze("spent")
    shown = [(arm.arm, arm.weight, arm.n) for arm in found.arms]
    assert shown == [("control", 0.5, 2), ("new", 0.5, 2), ("old", None, 2)]
    assert [effect.arm for effect in found.effects] == ["new", "old"]
    assert found.sample_ratio.expected == pytest.approx((2.4, 1.8, 1.8))


# -- plain data ---------------------------------------------------------------------------------------------


def test_a_result_never_changes_and_is_plain_data_on_demand() -> None:
    ranking = Lab().make(metrics=METRICS)
    populate(ranking, "spent", {"control": [1.0, 2.0, 4.0], "treatment": [3.0, 5.0]})
    found = ranking.analyze("spent")
    with pytest.raises(AttributeError):
        found.alpha = 0.5  # type: ignore[misc]
    written = io.StringIO()
    json.dump(found.to_dict(), written, allow_nan=False)
    data = json.loads(written.getvalue())
    assert data["experiment"] == "ranking@1" and data["effects"][0]["absolute"]["method"] == "Welch t of mean"
    assert data["at"] == found.at.isoformat() and "units are independent" in data["assumptions"]
    assert ranking.analyze("spent", sequential=False).effect().always_valid is None
