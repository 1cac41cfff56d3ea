"""Assignment: every reason, their order, and who moves when an experiment changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectordb.experiments.lab import HALVES, START, UNITS, Lab, arms_of, one_by_one, reasons_of
from vectordb import Assignment, DefinitionError, InvalidEntity, UnknownName
from vectordb.experiments.bucketing import Splitter, fractions

WORDS = ["u", "пользователь", "用户", "ユーザー", "مستخدم", "😀"]
SCRIPTS: list[Any] = [*WORDS, 1, "1", (1,), ("1",), ("eu", 7), -1, 2**80]


# -- the plain path ----------------------------------------------------------------------------------------


def test_an_unknown_experiment_is_an_error(lab: Lab) -> None:
    for reader in (lab.db, lab.db.as_of(1)):
        with pytest.raises(UnknownName):
            reader.experiment("ranking")
    lab.make()
    with pytest.raises(UnknownName):
        lab.db.as_of(1).experiment("ranking")
    assert lab.db.experiments() == ["ranking"] and lab.db.as_of(1).experiments() == []


@pytest.mark.parametrize("traffic", [1.0, 0.3, 0.0])
def test_the_plain_path_is_the_documented_split(lab: Lab, traffic: float) -> None:
    ranking = lab.make(traffic=traffic, arms={"a": 0.2, "b": 0.3, "c": 0.5})
    for unit in [*SCRIPTS, *UNITS[:200]]:
        into, where = fractions("ranking", unit)
        arm = None if into >= traffic else "a" if where < 0.2 else "b" if where < 0.5 else "c"
        found = ranking.assign(unit)
        reason, share = ("traffic", 0.0) if arm is None else ("split", ranking.arms[arm])
        assert found == Assignment("ranking@1", unit, arm, reason, share, 1, 1)
        assert type(found.unit) is type(unit)


def test_many_are_each(lab: Lab) -> None:
    units = [*SCRIPTS, *UNITS[:300]]
    kinds: list[dict[str, Any]] = [
        {},
        {"traffic": 0.4},
        {"forced": {"u-1": "control"}},
        {"layer": "home", "share": 0.5},
        {"holdout": "year", "holdout_share": 0.1},
        {"sticky": True},
        {"view": "users", "where": {"trips": 0}},
    ]
    for number, options in enumerate(kinds):
        experiment = lab.make(f"e{number}", **options)
        assert experiment.assign_many(units) == one_by_one(experiment, units) == one_by_one(experiment, units)
        past = lab.db.as_of(lab.db.head).experiment(f"e{number}")
        assert past.assign_many(units) == one_by_one(past, units) == experiment.assign_many(units)
    assert lab.db.experiment("e0").assign_many([]) == []


@pytest.mark.parametrize("unit", ["", None, True, 1.5, b"u", [], (), ("a", None), "\ud800", {"user": 1}])
def test_no_unit_is_refused_everywhere(lab: Lab, unit: Any) -> None:
    for number, options in enumerate(({}, {"forced": {1: "control"}}, {"holdout": "h", "holdout_share": 0.1})):
        experiment = lab.make(f"e{number}", **options)  # type: ignore[arg-type]
        bits = lab.bits
        for call in (experiment.assign, experiment.expose):
            with pytest.raises(InvalidEntity):
                call(unit)
        for many in (experiment.assign_many, experiment.expose_many):
            with pytest.raises(InvalidEntity):
                many([unit])
        assert lab.bits == bits


def test_many_takes_a_sequence(lab: Lab) -> None:
    for wrong in ("u-1", 7, None, {"u-1": 1}):
        with pytest.raises(InvalidEntity):
            lab.make().assign_many(wrong)  # type: ignore[arg-type]


def test_an_assignment_is_immutable_and_plain(lab: Lab) -> None:
    found = lab.make().assign(("eu", 7))
    with pytest.raises(AttributeError):
        found.arm = "control"  # type: ignore[misc]
    assert found.name == "ranking" and found.counted
    assert found.to_dict() == {
        "experiment": "ranking@1", "unit": ["eu", 7], "arm": found.arm, "reason": "split", "propensity": 0.5,
        "bucket_version": 1, "version": 1}  # fmt: skip


# -- the order ---------------------------------------------------------------------------------------------


def test_each_reason_gives_way_to_those_before_it(lab: Lab) -> None:
    """Everything that can decide is there for every unit; taking away the first shows the next."""
    ranking = lab.make(sticky=True)
    ranking.expose_many(UNITS)
    before = arms_of(ranking)
    everything: dict[str, Any] = {
        "traffic": 0.0, "sticky": True, "view": "users", "where": {"trips": 1}, "layer": "home", "share": 0.0001,
        "holdout": "year", "holdout_share": 1.0, "forced": dict.fromkeys(UNITS, "control")}  # fmt: skip
    full = lab.make(replace=True, **everything)
    full.stop(ship="treatment")
    assert reasons_of(full) == {"stopped": 2_000} and set(arms_of(full)) == {"treatment"}
    full.stop()
    assert reasons_of(full) == {"stopped": 2_000} and set(arms_of(full)) == {None}
    full.resume()
    assert reasons_of(full) == {"forced": 2_000} and set(arms_of(full)) == {"control"}
    for less, reasons in (
        ("forced", {"holdout"}),
        ("holdout", {"layer"}),
        ("layer", {"targeting"}),
        ("where", {"sticky"}),
        ("sticky", {"traffic"}),
        ("traffic", {"split"}),
    ):
        del everything[less]
        {"holdout": lambda: everything.pop("holdout_share"), "layer": lambda: everything.pop("share"),
         "where": lambda: everything.pop("view")}.get(less, lambda: None)()  # fmt: skip
        changed = lab.make(replace=True, **everything)
        found = reasons_of(changed)
        found.pop("targeting" if less == "holdout" else "", None)  # the few units of one segment
        assert set(found) == reasons, less
        assert less not in ("where", "traffic") or arms_of(changed) == before
    assert [definition.version for _, definition in ranking.history()] == list(range(1, 12))


def test_propensities_say_how_the_arm_was_chosen(lab: Lab) -> None:
    ranking = lab.make(arms={"a": 0.25, "b": 0.75}, traffic=0.5, forced={"u-1": "a"})
    shares = {"a": 0.25, "b": 0.75, None: 0.0}
    for one in ranking.assign_many(UNITS[2:]):
        assert one.propensity == shares[one.arm]
    assert ranking.assign("u-1").propensity == 1.0 and not ranking.assign("u-1").counted
    ranking.stop("b")
    assert ranking.assign("u-1")[2:5] == ("b", "stopped", 1.0)


# -- ramps, weights, sticky --------------------------------------------------------------------------------


def test_nothing_is_answered_at_once_while_an_event_is_folded(lab: Lab) -> None:
    ranking, fold = lab.make(), lab.db.state.fold
    found = ranking.assign("u-1")
    assert ranking._quick("u-1") == found
    fold.sequence |= 1  # an event is in the log, perhaps a new definition, and not in the views yet
    assert ranking._quick("u-1") is None
    fold.sequence += 1
    assert ranking._quick("u-1") == found == ranking.assign("u-1")


def test_a_ramp_moves_nobody(lab: Lab) -> None:
    ranking = lab.make(traffic=0.0)
    before = arms_of(ranking)
    assert set(before) == {None}
    for traffic in (0.01, 0.1, 0.1001, 0.5, 0.999, 1.0):
        ranking.ramp(traffic)
        after = arms_of(ranking)
        assert all(was in (None, now) for was, now in zip(before, after))
        assert abs(sum(arm is not None for arm in after) / len(after) - traffic) < 0.04  # ints
        before = after
    ranking.ramp(0.1)
    assert all(now in (None, was) for was, now in zip(before, arms_of(ranking)))


def test_other_weights_move_only_those_between_the_bounds(lab: Lab) -> None:
    ranking = lab.make(arms={"a": 0.5, "b": 0.3, "c": 0.2})
    ranking.reweight({"a": 0.6, "b": 0.3, "c": 0.1}, reason="more a")
    before, after = arms_of(lab.db.as_of(lab.db.head - 1).experiment("ranking")), arms_of(ranking)
    for unit, was, now in zip(UNITS, before, after):
        where = fractions("ranking", unit)[1]
        moves = (was, now) if was != now else None
        assert moves == (("b", "a") if 0.5 <= where < 0.6 else ("c", "b") if 0.8 <= where < 0.9 else None)
    assert ranking.definition.reason == "more a"


def test_sticky_units_stay_until_their_buckets_are_restarted(lab: Lab) -> None:
    ranking = lab.make(sticky=True)
    exposed = ranking.expose_many(UNITS[:1000])
    before = arms_of(ranking)
    ranking.reweight({"control": 0.1, "treatment": 0.9})
    ranking.ramp(0.5)
    found = ranking.assign_many(UNITS)
    assert [one.arm for one in found[:1000]] == before[:1000]
    assert {(one.reason, one.propensity) for one in found[:1000]} == {("sticky", 0.5)}
    assert {one.reason for one in found[1000:]} == {"split", "traffic"}
    assert [one.arm for one in exposed] == before[:1000] and {one.reason for one in exposed} == {"split"}
    ranking.restart_buckets()
    plain = Splitter("ranking", {"control": 0.1, "treatment": 0.9}, 0.5)
    assert arms_of(ranking) == plain.arms(UNITS) and ranking.definition.bucket_version == 2
    ranking.expose_many(UNITS[:10])
    assert reasons_of(ranking, UNITS[:10])["sticky"] == sum(arm is not None for arm in plain.arms(UNITS[:10]))  # ints
    assert arms_of(lab.db.as_of(lab.db.head - 2).experiment("ranking"), UNITS[:1000]) == before[:1000]


def test_a_restart_with_another_salt_draws_anew(lab: Lab) -> None:
    ranking = lab.make()
    before = arms_of(ranking)
    ranking.restart_buckets()
    assert arms_of(ranking) == before
    ranking.restart_buckets(salt="again")
    assert arms_of(ranking) == Splitter("again", HALVES).arms(UNITS) != before
    assert ranking.definition.bucket_version == 3


def test_a_sticky_unit_whose_arm_is_gone_is_drawn_anew(lab: Lab) -> None:
    ranking = lab.make(arms={"a": 0.5, "b": 0.5}, sticky=True)
    ranking.expose_many(UNITS)
    before = arms_of(ranking)
    ranking.reweight({"a": 0.5, "c": 0.5})
    assert {(was, one.arm, one.reason) for was, one in zip(before, ranking.assign_many(UNITS))} == {
        ("a", "a", "sticky"),
        ("b", "c", "split"),
    }


def test_forced_units_have_their_own_arm(lab: Lab) -> None:
    ranking = lab.make(traffic=0.0, forced={7: "treatment"})
    assert ranking.assign(7).arm == "treatment" and ranking.assign("7").arm is None
    ranking.force(("eu", 1), "control")
    ranking.force(7, "control")
    assert ranking.definition.forced == ((("eu", 1), "control"), (7, "control"))
    ranking.unforce(7)
    assert [ranking.assign(unit).reason for unit in (7, ("eu", 1))] == ["traffic", "forced"]


# -- holdouts ----------------------------------------------------------------------------------------------


def test_a_holdout_is_out_of_all_its_experiments(lab: Lab) -> None:
    first = lab.make("first", holdout="year", holdout_share=0.1)
    second = lab.make("second", holdout="year", holdout_share=0.1, salt="other")
    third = lab.make("third", holdout="quarter", holdout_share=0.1)
    outs = [
        {one.unit for one in experiment.assign_many(UNITS) if one.reason == "holdout"}
        for experiment in (first, second, third)
    ]
    assert outs[0] == outs[1] == {unit for unit in UNITS if fractions("holdout:year", unit)[0] < 0.1}
    assert 120 < len(outs[0]) < 280 and len(outs[0] & outs[2]) < 45


def test_a_holdout_has_one_share(lab: Lab) -> None:
    lab.make("first", holdout="year", holdout_share=0.1)
    bits = lab.bits
    with pytest.raises(DefinitionError, match="one share") as caught:
        lab.make("second", holdout="year", holdout_share=0.2)
    assert caught.value.values["experiment"] == "first" and caught.value.values["there"] == 0.1
    assert lab.bits == bits
    lab.db.experiment("first").stop()
    lab.make("second", holdout="year", holdout_share=0.2)
    with pytest.raises(DefinitionError, match="one share"):
        lab.db.experiment("first").resume()


# -- targeting ---------------------------------------------------------------------------------------------


def test_targeting_reads_features_as_of_the_offset_and_clock(lab: Lab) -> None:
    lab.users.put("old", {"trips": 20, "city": "Rome"})
    lab.users.put("new", {"trips": 1, "city": "Rome"})
    ranking = lab.make(unit=None, view="users", where={"trips": {"$gte": 10}, "city": {"$in": {"Rome", "Oslo"}}})
    assert ranking.definition.unit == "user"
    before = lab.db.head
    assert [ranking.assign(unit).reason for unit in ("old", "new", "none")] == ["split", "targeting", "targeting"]
    lab.clock.advance(60)
    lab.users.put("new", {"trips": 30})
    lab.users.delete("old")
    lab.users.put("late", {"trips": 30, "city": "Oslo"}, event_time=START + 3_600)
    assert [ranking.assign(unit).reason for unit in ("old", "new", "late")] == ["targeting", "split", "targeting"]
    past = lab.db.as_of(before).experiment("ranking")
    assert [past.assign(unit).reason for unit in ("old", "new")] == ["split", "targeting"]
    assert [one.reason for one in past.assign_many(["old", "new"])] == ["split", "targeting"]
    lab.clock.advance(3_600)
    assert ranking.assign("late").reason == "split"


def test_targeting_sees_defaults_and_times(lab: Lab) -> None:
    joined = lab.make("joined", view="users", where={"joined": {"$gte": lab.db.at}, "trips": 0})
    lab.users.put("u-1", {"joined": START + 5})
    assert [joined.assign(unit).reason for unit in ("u-1", "u-2")] == ["split", "targeting"]
    assert lab.make("everyone", view="users", where={"trips": 0}).assign("never written").reason == "split"
    assert joined.definition.where == {"joined": {"$gte": "2026-01-01T00:00:00+00:00"}, "trips": 0}


@pytest.mark.parametrize(
    "options",
    [
        {"view": "users", "where": {"town": "Rome"}},
        {"view": "users", "where": {"trips": {"$near": 3}}},
        {"view": "users", "where": {"trips": "many"}},
        {"view": "users"},
        {"where": {"trips": 1}},
        {"view": "drivers", "where": {}},
        {"view": "users", "where": {}, "unit": "driver"},
        {"view": "users", "where": {"joined": float("nan")}},
    ],
)
def test_targeting_is_checked_when_it_is_written(lab: Lab, options: dict[str, Any]) -> None:
    bits = lab.bits
    with pytest.raises((DefinitionError, ValueError)):
        lab.make(**options)
    assert lab.bits == bits and lab.db.experiments() == []
