"""Dry runs: who would move, and why, with nothing written; and just these move when it is done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectordb.experiments.lab import UNITS, Lab, arms_of
from vectordb import DefinitionError, InvalidEntity, InvalidInput, Move, UnknownName


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    lab.users.put_many({"user": UNITS, "trips": list(range(len(UNITS)))})
    return lab


CHANGES: list[dict[str, Any]] = [
    {"traffic": 0.9},
    {"traffic": 0.1},
    {"arms": {"control": 0.9, "treatment": 0.1}},
    {"arms": {"treatment": 0.5, "control": 0.5}},
    {"salt": "other"},
    {"layer": "home", "share": 0.4},
    {"holdout": "year", "holdout_share": 0.2},
    {"view": "users", "where": {"trips": {"$lt": 700}}},
    {"forced": {"u-1": "treatment", "u-2": "control", "u-3": "control"}},
    {"running": False, "final": "treatment"},
    {"running": False},
    {"traffic": 0.5, "owner": "ml"},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_just_those_move_that_were_told(lab: Lab, changes: dict[str, Any]) -> None:
    ranking = lab.make(traffic=0.5)
    bits, before = lab.bits, arms_of(ranking)
    run = ranking.dry_run("users", **changes)
    assert lab.bits == bits and arms_of(ranking) == before and run.units == len(UNITS)
    lab.db.definition_writer.change_experiment("ranking", changes, {})
    after = arms_of(ranking)
    moved = [(unit, was, now) for unit, was, now in zip(UNITS, before, after) if was != now]
    assert [move[:3] for move in run.moves] == moved
    assert sum(run.counts.values()) == len(moved)  # ints
    assert run.share == len(moved) / len(UNITS)


def test_the_reasons_of_moves(lab: Lab) -> None:
    ranking = lab.make(traffic=0.5)
    assert {key[2] for key in ranking.dry_run("users", traffic=0.9).counts} == {"traffic"}
    assert {key[0] for key in ranking.dry_run("users", traffic=0.9).counts} == {None}
    assert {key[1:] for key in ranking.dry_run("users", traffic=0.1).counts} == {(None, "traffic")}
    weights = ranking.dry_run("users", arms={"control": 0.9, "treatment": 0.1})
    assert set(weights.counts) == {("treatment", "control", "split")}
    assert {key[2] for key in ranking.dry_run("users", holdout="h", holdout_share=0.5).counts} == {"holdout"}
    assert {key[2] for key in ranking.dry_run("users", layer="l", share=0.5).counts} == {"layer"}
    assert ranking.dry_run(["u-1"], forced={"u-1": "control"}).moves in (
        (Move("u-1", None, "control", "forced"),),
        (Move("u-1", "treatment", "control", "forced"),),
        (),
    )


def test_among_the_units_that_were_exposed(lab: Lab) -> None:
    ranking = lab.make(sticky=True)
    assert ranking.dry_run(salt="other").units == 0 and ranking.dry_run(salt="other").share == 0.0
    ranking.expose_many(UNITS[:100])
    assert ranking.dry_run(salt="other").units == 100
    assert ranking.dry_run(salt="other").moves == ()
    assert ranking.dry_run(traffic=0.0).moves == ()
    restarted = ranking.dry_run(salt="other", bucket_version=2)
    assert 20 < len(restarted.moves) < 80
    assert ranking.dry_run(sticky=False, traffic=0.0).counts.keys() == {
        ("control", None, "traffic"),
        ("treatment", None, "traffic"),
    }


def test_a_past_runs_dry_with_what_it_knew(lab: Lab) -> None:
    ranking = lab.make()
    ranking.expose_many(UNITS[:50])
    then = lab.db.head
    ranking.expose_many(UNITS[50:90])
    past = lab.db.as_of(then).experiment("ranking")
    assert past.dry_run(traffic=0.5).units == 50 and ranking.dry_run(traffic=0.5).units == 90
    assert past.dry_run(traffic=0.5).moves == ranking.dry_run(traffic=0.5).moves[: len(past.dry_run(traffic=0.5).moves)]


def test_a_result_is_plain_data(lab: Lab) -> None:
    run = lab.make().dry_run([("eu", 7)], running=False)
    arm = run.moves[0].before
    assert run.to_dict() == {
        "experiment": "ranking@1", "units": 1, "moves": [[["eu", 7], arm, None, "stopped"]],
        "counts": [{"from": arm, "to": None, "why": "stopped", "units": 1}]}  # fmt: skip


def test_what_could_not_be_written_is_refused(lab: Lab) -> None:
    ranking = lab.make()
    lab.make("other", layer="home", share=0.8)
    bits = lab.bits
    wrong: list[dict[str, Any]] = [
        {"arms": {"a": 0.5}}, {"traffic": -0.1}, {"traffic": 2}, {"weights": {}}, {"name": "x"}, {"unit": "x"},
        {"layer": "home", "share": 0.3}, {"final": "control"}, {"forced": {"u": "x"}}, {"bucket_version": 0},
        {"version": 3}, {"sticky": 1}, {"view": "users", "where": {"town": 1}}]  # fmt: skip
    for changes in wrong:
        with pytest.raises((DefinitionError, InvalidInput)):
            ranking.dry_run("users", **changes)
    with pytest.raises(UnknownName):
        ranking.dry_run("nobody", traffic=0.5)
    with pytest.raises(InvalidEntity):
        ranking.dry_run([None], traffic=0.5)
    assert lab.bits == bits
