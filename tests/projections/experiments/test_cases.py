"""One rule each: who counts, which outcomes, under which definition."""

from __future__ import annotations

import pytest

from ledger import Metric, Outcome, UnknownName
from projections import NO_PAIRS, NOTHING, JointMoments, Moments, moments
from tests.projections.experiments.world import World


def spend(world: World, offset: int | None = None) -> dict[str, Moments]:
    """The moments of the one metric."""
    return world.experiments.tallies("x", offset).moments("spend")


def told(**changes: object) -> World:
    """A world with one experiment."""
    world = World()
    world.define(**changes)
    return world


def test_nothing_happened() -> None:
    world = told()
    tallies = world.experiments.tallies("x")
    assert tallies.exposed == {"a": 0, "b": 0} and tallies.conflicted == tallies.forced == 0
    assert tallies.moments("spend") == {"a": NOTHING, "b": NOTHING} and tallies.offset == 1
    assert world.experiments.units("x") == [] and world.experiments.arm_of("x", "u") is None
    assert world.experiments.unit_values("x", "spend") == {"a": [], "b": []}
    world.experiments.check()


def test_units_without_outcomes_are_zeros_of_a_sum_and_not_in_a_mean() -> None:
    world = told(metrics={"spend": Metric("sum"), "rating": Metric("mean")})
    world.expose(("u", "a"), ("v", "a"), ("w", "b"))
    world.record(("u", 3.0, 5), ("u", 4.0, 6))
    world.record(("u", 3.0, 5), ("u", 4.0, 6), metric="rating")
    tallies = world.experiments.tallies("x")
    assert tallies.moments("spend") == {"a": moments([7.0, 0.0]), "b": moments([0.0])}
    assert tallies.moments("rating") == {"a": moments([3.5]), "b": NOTHING}
    assert world.experiments.unit_values("x", "spend") == {"a": [("u", 7.0), ("v", 0.0)], "b": [("w", 0.0)]}
    assert world.experiments.unit_values("x", "rating") == {"a": [("u", 3.5)], "b": []}


def test_an_outcome_of_zero_is_no_conversion() -> None:
    world = told(metrics={"spend": Metric("any")})
    world.record(("late", 0.0, 5))
    world.record(("late", 2.0, 6))
    world.expose(("u", "a"), ("v", "a"), ("w", "a"), ("late", "b"))
    before = world.record(("u", 0.0, 5), ("v", -0.0, 5), ("late", 0.0, 7))
    world.record(("u", 1.0, 6), ("v", 0.0, 6))
    world.record(("u", 0.0, 7))
    assert spend(world) == {"a": moments([1.0, 0.0, 0.0]), "b": moments([1.0])}
    assert spend(world, before) == {"a": moments([0.0] * 3), "b": moments([1.0])}
    world.expose(("late", "a"), at=8)
    assert spend(world)["b"] == NOTHING
    world.experiments.check()
    world.reopen()
    assert spend(world) == {"a": moments([1.0, 0.0, 0.0]), "b": NOTHING}


def test_a_unit_seen_in_two_arms_counts_in_neither_from_then_on() -> None:
    world = told()
    world.expose(("u", "a"), at=1)
    before = world.record(("u", 3.0, 5))
    world.expose(("u", "b"), at=6)
    assert spend(world) == {"a": NOTHING, "b": NOTHING} and spend(world, before)["a"] == moments([3.0])
    assert world.experiments.tallies("x").conflicted == 1 and world.experiments.tallies("x", before).conflicted == 0
    world.record(("u", 9.0, 7))
    assert spend(world) == {"a": NOTHING, "b": NOTHING}
    assert world.experiments.unit_values("x", "spend", first_arm=True)["a"] == [("u", 12.0)]
    assert world.experiments.units("x")[0].conflicted and not world.experiments.units("x", before)[0].conflicted
    first = world.experiments.arm_of("x", "u")
    assert first == ("a", 1, 2, 0.5, False)


def test_an_exposure_again_changes_nothing() -> None:
    world = told()
    world.expose(("u", "a"), at=5)
    world.expose(("u", "a"), at=1)
    world.record(("u", 3.0, 4), ("u", 5.0, 5))
    assert spend(world)["a"] == moments([5.0]) and world.experiments.tallies("x").exposed["a"] == 1


def test_forced_exposures_are_kept_and_never_counted() -> None:
    world = told()
    world.expose(("u", "b"), ("v", "b"), reason="forced")
    world.record(("u", 3.0, 5))
    experiments = world.experiments
    assert experiments.tallies("x").forced == 2 and experiments.tallies("x").exposed == {"a": 0, "b": 0}
    assert experiments.arm_of("x", "u") is None and experiments.units("x") == []
    assert experiments.seen("x", "u", "b", forced=True) and not experiments.seen("x", "u", "b")
    world.expose(("u", "a"), at=1)
    assert experiments.tallies("x").exposed == {"a": 1, "b": 0} and experiments.tallies("x").conflicted == 0
    assert spend(world)["a"] == moments([3.0]) and experiments.tallies("x").forced == 2


def test_which_exposures_are_recorded() -> None:
    world = told()
    first = world.expose(("u", "a"))
    second = world.expose(("u", "b"))
    seen = world.experiments.seen
    assert seen("x", "u", "a") and seen("x", "u", "b") and not seen("x", "u", "b", first)
    assert not seen("x", "u", "a", first - 1) and seen("x", "u", "b", second)
    assert not seen("x", "v", "a") and not seen("x", "u", "other") and not seen("x", "u", "a", forced=True)


def test_both_ends_of_the_window_count() -> None:
    world = told(metrics={"spend": Metric("sum", window_micros=10)})
    world.expose(("u", "a"), at=100)
    world.record(("u", 1.0, 99), ("u", 2.0, 100), ("u", 4.0, 110), ("u", 8.0, 111))
    assert spend(world)["a"] == moments([6.0])
    assert world.experiments.unit_values("x", "spend", window=None)["a"] == [("u", 14.0)]
    assert world.experiments.unit_values("x", "spend", window=None, until=110)["a"] == [("u", 6.0)]
    assert world.experiments.unit_values("x", "spend", until=99) == {"a": [], "b": []}


def test_outcomes_recorded_before_the_exposure_count_from_it_on() -> None:
    world = told()
    early = world.record(("u", 1.0, 9), ("u", 2.0, 10), ("u", 4.0, 11))
    assert spend(world)["a"] == NOTHING
    world.expose(("u", "a"), at=10)
    assert spend(world)["a"] == moments([6.0]) and spend(world, early)["a"] == NOTHING


def test_the_last_value_is_the_latest_not_the_last_recorded() -> None:
    world = told(metrics={"spend": Metric("last")})
    world.expose(("u", "a"))
    first = world.record(("u", 1.0, 9))
    world.record(("u", 2.0, 5))
    assert spend(world)["a"] == moments([1.0]) == spend(world, first)["a"]
    world.record(("u", 3.0, 9), ("u", 4.0, 9))
    assert spend(world)["a"] == moments([4.0])


def test_raising_the_bucket_version_starts_anew() -> None:
    world = told()
    world.expose(("u", "a"))
    before = world.record(("u", 3.0, 5))
    world.define(bucket_version=2)
    assert spend(world)["a"] == NOTHING and world.experiments.arm_of("x", "u") is None
    world.expose(("u", "b"))
    world.record(("u", 4.0, 6))
    assert spend(world) == {"a": NOTHING, "b": moments([4.0])} and world.experiments.tallies("x").conflicted == 0
    assert spend(world, before) == {"a": moments([3.0]), "b": NOTHING}
    assert world.experiments.arm_of("x", "u", before) == ("a", 0, 2, 0.5, False)


def test_a_metric_defined_anew_is_measured_anew_from_then_on() -> None:
    world = told(metrics={"spend": Metric("sum", window_micros=10)})
    world.expose(("u", "a"))
    first = world.record(("u", 3.0, 5), ("u", 4.0, 15))
    second = world.define(metrics={"spend": Metric("max")})
    world.record(("u", 9.0, 20))
    third = world.define(metrics={"spend": Metric("sum", window_micros=10)})
    world.record(("u", 1.0, 6))
    assert [spend(world, offset)["a"] for offset in (first, second, third - 1, third, third + 1)] == [
        moments([3.0]), moments([4.0]), moments([9.0]), moments([3.0]), moments([4.0])
    ]  # fmt: skip


def test_a_metric_that_is_added_counts_what_its_outcomes_are_by_then() -> None:
    world = told()
    world.expose(("u", "a"))
    before = world.define(metrics={"spend": Metric(), "visits": Metric("count")})
    world.outcomes(Outcome("u", "spend", 2.0, 3), Outcome("u", "visits", 1.0, 3), Outcome("v", "spend", 7.0, 3))
    tallies = world.experiments.tallies("x")
    assert tallies.moments("visits")["a"] == moments([1.0]) and tallies.moments("spend")["a"] == moments([2.0])
    with pytest.raises(UnknownName):
        world.experiments.tallies("x", before - 1).moments("visits")


def test_a_ratio_is_over_units_that_both_metrics_count() -> None:
    world = told(
        metrics={"spend": Metric("sum", over="visits"), "visits": Metric("count"), "r": Metric("mean", over="visits")}
    )
    world.expose(("u", "a"), ("v", "a"), ("w", "b"))
    world.record(("u", 3.0, 5))
    world.record(("u", 1.0, 5), ("u", 1.0, 6), ("v", 1.0, 6), metric="visits")
    world.record(("v", 2.5, 6), metric="r")
    tallies = world.experiments.tallies("x")
    assert tallies.joint("spend") == {"a": JointMoments(2, 3, 3, 9, 5, 6, 1), "b": JointMoments(1, 0, 0, 0, 0, 0, 1)}
    assert tallies.joint("r") == {"a": JointMoments(1, 5, 2, 25, 4, 10, 2), "b": NO_PAIRS}
    with pytest.raises(UnknownName, match="ratio"):
        tallies.joint("visits")


def test_what_is_not_there_is_named() -> None:
    world = told()
    with pytest.raises(UnknownName, match="no such metric") as caught:
        world.experiments.tallies("x").moments("nothing")
    assert caught.value.values["known"] == ["spend"]
    for ask in (world.experiments.tallies, world.experiments.units):
        with pytest.raises(UnknownName):
            ask("nothing")
        with pytest.raises(UnknownName):
            ask("x", 0)


def test_sums_beyond_a_float_stop_nothing() -> None:
    world = told()
    world.expose(("u", "a"))
    world.record(*(("u", 1.7e308, 5) for _ in range(3)))
    assert spend(world)["a"].mean == 1.7976931348623157e308
    world.record(("u", -1.7e308, 5), ("u", -1.7e308, 6))
    assert spend(world)["a"].mean == 1.7e308
    world.experiments.check()


def test_counts_are_of_all_experiments() -> None:
    world = told()
    world.define("y")
    for name in "xy":
        world.expose(("u", "a"), ("v", "a"), name=name)
        world.record(("u", 3.0, 5), ("v", 4.0, 5), ("u", 3.0, 6), name=name)
    assert world.experiments.counts() == {"experiments": 2, "units": 4, "outcomes": 6}


def test_why_outcomes_count_for_no_unit() -> None:
    world = told(metrics={"spend": Metric("sum", window_micros=10)})
    world.expose(("u", "a"), ("v", "a"), at=100)
    world.expose(("v", "b"), at=100)
    last = world.record(("u", 1.0, 99), ("u", 2.0, 100), ("u", 4.0, 111), ("v", 1.0, 105), ("w", 1.0, 105))
    found = world.experiments.uncounted("x", "spend")
    assert found == (5, 1, 1, 1, 1) and found.counted == 1
    assert world.experiments.uncounted("x", "spend", window=None).counted == 2
    assert world.experiments.recorded("x", "spend") == 5 and world.experiments.recorded("x", "spend", last - 1) == 0
    assert world.experiments.met("x") == {"a": 2, "b": 0} and world.experiments.tallies("x").exposed["a"] == 1
