"""What an experiment writes about itself: definitions and changes, their refusals; files, forks and predictions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.experiments.lab import HALVES, METRICS, UNITS, Lab, arms_of, told
from vectordb import (
    ClosedLedger,
    DefinitionConflict,
    DefinitionError,
    Experiment,
    InvalidInput,
    LiveExperiment,
    Metric,
    VectorDB,
)

# -- definitions -------------------------------------------------------------------------------------------


def test_the_same_definition_is_a_no_op(lab: Lab, ranking: LiveExperiment) -> None:
    bits = lab.bits
    again = {"purchase": Metric("sum"), "visit": {"aggregate": "any", "window": timedelta(hours=1)}}
    lab.make(metrics=again, traffic=1)
    assert lab.bits == bits and ranking.definition.metrics["visit"].window_micros == 3_600_000_000
    with pytest.raises(DefinitionConflict) as caught:
        lab.make(metrics=METRICS, traffic=0.5)
    assert caught.value.values["difference"] == {"traffic": {"was": 1.0, "now": 0.5}}
    with pytest.raises(DefinitionConflict):  # the order of the arms decides who is where
        lab.make(metrics=METRICS, arms=dict(reversed(HALVES.items())))
    assert lab.bits == bits
    lab.make(metrics=METRICS, traffic=0.5, replace=True, actor="ann")
    assert ranking.version == 2 and lab.db.event(lab.db.head).meta.actor == "ann"  # type: ignore[union-attr]


def test_forced_units_make_one_definition_in_any_order(lab: Lab) -> None:
    lab.make(forced={1: "control", "1": "treatment"})
    bits = lab.bits
    lab.make(forced={"1": "treatment", 1: "control"})
    assert lab.bits == bits


def test_every_change_is_a_version_and_none_is_none(lab: Lab, ranking: LiveExperiment) -> None:
    calls: list[Any] = [
        lambda: ranking.ramp(0.5),
        lambda: ranking.reweight({"control": 0.2, "treatment": 0.8}, reason="better", actor="ann"),
        lambda: ranking.force("u-1", "control"),
        lambda: ranking.stop("treatment", reason="done"),
        ranking.resume,
        lambda: ranking.unforce("u-1"),
        ranking.stop,
    ]
    for number, call in enumerate(calls, 2):
        made = call()
        assert (made.offset, made.replayed, ranking.version) == (lab.db.head, False, number)
        again = call()
        assert (again.offset, again.replayed, ranking.version) == (made.offset, True, number)
    ranking.restart_buckets()
    ranking.restart_buckets()
    assert ranking.definition.bucket_version == 3
    lab.make(metrics=METRICS, replace=True)
    assert ranking.running and ranking.definition.bucket_version == 3
    assert [offset for offset, _ in ranking.history()] == list(range(2, 13))
    assert lab.db.event(4).meta.actor == "ann" and ranking.history()[2][1].reason == "better"  # type: ignore[union-attr]
    assert lab.db.as_of(5).experiment("ranking").history() == ranking.history()[:4]


WRONG: list[dict[str, Any]] = [
    {"arms": {"a": 0.5, "b": 0.4}},
    {"arms": {"a": 0.5, "b": 0.5 + 1e-8}},
    {"arms": {"a": 1.5, "b": -0.5}},
    {"arms": {"a": float("nan"), "b": 0.5}},
    {"arms": {"a": True}},
    {"arms": {"a": "1"}},
    {"arms": {}},
    {"arms": ["a", "b"]},
    {"arms": {"an arm": 1.0}},
    {"arms": {7: 1.0}},
    {"traffic": -0.1},
    {"traffic": 1.1},
    {"traffic": float("nan")},
    {"traffic": True},
    {"traffic": "0.5"},
    {"traffic": None},
    {"salt": 7},
    {"salt": "\ud800"},
    {"layer": "home"},
    {"share": 0.5},
    {"layer": "a layer", "share": 0.5},
    {"layer": "home", "share": 1.5},
    *({"layer": "home", "share": share} for share in (0.0, -0.1, 0.00005, 0.12345, float("nan"), "x", None)),
    {"holdout": "year"},
    {"holdout_share": 0.1},
    {"forced": {"u": "placebo"}},
    {"forced": {None: "control"}},
    {"forced": ["u"]},
    {"sticky": 1},
    {"unit": 7},
    {"unit": "a unit"},
    {"metrics": {"purchase": "median"}},
    {"metrics": {"purchase": {"window": -1}}},
    {"metrics": {"purchase": {"window": 0}}},
    {"metrics": {"purchase": {"within": 1}}},
    {"metrics": {"purchase": {"over": "visits"}}},
    {"metrics": {"purchase": {"covariate": "trips"}}},
    {"metrics": {"purchase": {"covariate": "users:city"}}},
    {"metrics": {"purchase": {"covariate": "users:town"}}},
    {"metrics": {"purchase": 7}},
    {"metrics": {"a metric": "sum"}},
    {"metrics": ["purchase"]},
    {"owner": 7},
    {"description": "\ud800"},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_bad_definition_is_refused(lab: Lab, wrong: dict[str, Any]) -> None:
    bits = lab.bits
    with pytest.raises((DefinitionError, InvalidInput)) as caught:
        lab.make(**wrong)
    assert caught.value.rule and caught.value.values
    assert lab.bits == bits and lab.db.experiments() == []


def test_a_bad_change_is_refused(lab: Lab, ranking: LiveExperiment) -> None:
    bits = lab.bits
    calls: list[Any] = [
        lambda: ranking.ramp(-0.1),
        lambda: ranking.ramp("all"),  # type: ignore[arg-type]
        lambda: ranking.reweight({"control": 0.5}),
        lambda: ranking.reweight({"control": 0.5, "treatment": 0.4}),
        lambda: ranking.force("u", "placebo"),
        lambda: ranking.force(1.5, "control"),  # type: ignore[arg-type]
        lambda: ranking.stop("placebo"),
        lambda: ranking.stop(7),  # type: ignore[arg-type]
        lambda: ranking.restart_buckets(salt=7),  # type: ignore[arg-type]
        lambda: ranking.ramp(0.5, reason=7),  # type: ignore[arg-type]
        lambda: ranking.ramp(0.5, actor=""),
        lambda: lab.make(metrics=METRICS, unit="driver", replace=True),
        lambda: lab.make("a name"),
        lambda: lab.db.experiment("search"),
        lambda: lab.db.experiment(7),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises((DefinitionError, InvalidInput)):
            call()
    assert lab.bits == bits


def test_the_past_has_no_writes(lab: Lab, ranking: LiveExperiment) -> None:
    past = lab.db.as_of(lab.db.head).experiment("ranking")
    assert type(past) is Experiment
    for name in ("expose", "record", "ramp", "stop", "force"):
        assert not hasattr(past, name)


# -- predictions -------------------------------------------------------------------------------------------


def test_the_arm_served_is_part_of_the_prediction(lab: Lab, ranking: LiveExperiment) -> None:
    lab.users.put("u-1", {"trips": 3})
    service = lab.db.create_service("ranker", features=["users:trips"])
    found = ranking.expose("u-1")
    made = lab.db.record_prediction(service.get("u-1"), model="gbm@3", output=0.5, assignment=found)
    assert made.assignment == found.to_dict() and made.assignment["arm"] == found.arm
    assert lab.db.as_of(lab.db.head).prediction(made.id).assignment == found.to_dict()
    rows = service.get_many(["u-1", "u-2"])
    many = lab.db.record_predictions(
        rows, model="gbm@3", outputs=[1, 2], assignments=ranking.assign_many(["u-1", ("eu", 1)])
    )
    assert [one.assignment["unit"] for one in many if one.assignment] == ["u-1", ["eu", 1]]


# -- files, forks ------------------------------------------------------------------------------------------


def busy(lab: Lab) -> LiveExperiment:
    """An experiment with a bit of everything."""
    ranking = lab.make(metrics=METRICS, sticky=True, layer="home", share=0.5, forced={7: "control"})
    ranking.expose_many(UNITS[:200])
    ranking.record_many({"user": UNITS[:200], "value": [0.1] * 200}, metric="purchase")
    ranking.reweight({"control": 0.1, "treatment": 0.9})
    lab.make("search", layer="home", share=0.5, view="users", where={"trips": 0})
    ranking.stop()
    lab.make("search", layer="home", share=0.9, replace=True)
    ranking.restart_buckets()
    return ranking


def test_a_reopened_file_answers_the_same(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lab = Lab(path)
    busy(lab)
    answers, bits = [told(lab.db.as_of(offset)) for offset in range(lab.db.head + 1)], lab.bits
    lab.db.checkpoint(tmp_path / "checkpoint")
    lab.db.close()
    with pytest.raises(ClosedLedger):
        lab.db.experiment("ranking").record("u-1", "purchase", 1.0)
    for options in ({}, {"lazy": True}, {"checkpoint": tmp_path / "checkpoint"}):
        with VectorDB.open(path, clock=lab.clock, **options) as again:  # type: ignore[arg-type]
            again.check()
            assert (again.head, again.digest()) == bits
            assert [told(again.as_of(offset)) for offset in range(again.head + 1)] == answers
            assert told(again) == answers[-1]
            assert again.experiment("ranking").dry_run(running=True, layer="", share=0.0).units == 0


def test_a_fork_goes_its_own_way(lab: Lab) -> None:
    ranking = busy(lab)
    bits, then = lab.bits, lab.db.head - 4
    branch = lab.db.fork(then)
    assert told(branch) == told(lab.db.as_of(then))
    fork = branch.experiment("ranking")
    before = arms_of(fork)
    fork.ramp(0.2)
    fork.expose("elsewhere")
    assert lab.bits == bits and ranking.version != fork.version
    assert all(now in (None, was) for was, now in zip(before, arms_of(fork)))


def test_a_live_experiment_follows_and_a_past_one_stays(lab: Lab, ranking: LiveExperiment) -> None:
    past = lab.db.as_of(lab.db.head).experiment("ranking")
    before = arms_of(past)
    assert ranking.assign("u-1") == past.assign("u-1")
    ranking.stop("control")
    assert ranking.assign("u-1").arm == "control" and ranking.assign("u-1").version == 2
    assert arms_of(past) == before and past.assign("u-1").version == 1
    assert "ranking@2" in repr(ranking) and "ranking@1" in repr(past)
