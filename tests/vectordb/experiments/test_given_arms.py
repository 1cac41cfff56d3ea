"""Arms that were assigned elsewhere: imported, counted as any others, and never drawn anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger import InvalidInput
from tests.vectordb.experiments.lab import HALVES, Lab
from vectordb import LiveExperiment, VectorDB

METRICS = {"kept": "any", "rounds": "sum"}
COUNT = 1_000
USERS = [f"player-{number}" for number in range(COUNT)]
GATES = ["gate_30" if number % 2 else "gate_40" for number in range(COUNT)]
KEPT = [int(number % 5 == 0 or number % 4 == 1) for number in range(COUNT)]  # 7 of 10 with gate_30, 2 of 10 without
ARMS = {"gate_30": 0.5, "gate_40": 0.5}


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
def gate(lab: Lab) -> LiveExperiment:
    return lab.make("gate", arms=ARMS, metrics=METRICS)


def test_an_experiment_of_elsewhere_is_two_columns_and_its_outcomes(lab: Lab, gate: LiveExperiment) -> None:
    head = lab.db.head
    found = gate.expose_many(USERS, arms=GATES, actor="import")
    gate.record_many({"user": USERS, "value": KEPT}, metric="kept")
    assert lab.db.head == head + 2 and [one.arm for one in found] == GATES
    assert {(one.reason, one.propensity, one.counted) for one in found} == {("given", 0.5, True)}
    assert [one.assignment for one in gate.exposures()] == found
    shown = gate.analyze("kept", method="proportions")
    for arm in ARMS:
        own = [kept for kept, other in zip(KEPT, GATES) if other == arm]
        assert (shown.arm(arm).n, shown.arm(arm).mean) == (len(own), sum(own) / len(own))  # ints
    assert shown.conflicted == shown.forced == 0 and shown.warnings == () and not shown.sample_ratio.alarm
    assert shown.effect().p < 1e-9 and gate.scorecard(["kept"]).sample_ratios.alarm is False
    assert gate.uncounted("kept").counted == COUNT
    assert lab.db.as_of(head + 1).experiment("gate").analyze("kept").arm("gate_30").mean == 0.0
    lab.db.check()


def test_the_sample_ratio_is_that_of_the_arms_given(gate: LiveExperiment) -> None:
    units = [*range(1_300)]
    gate.expose_many(units, arms=["gate_30"] * 800 + ["gate_40"] * 500)
    found = gate.analyze("kept")
    assert found.sample_ratio.observed == (800, 500) and found.sample_ratio.alarm and len(found.warnings) == 1


def test_what_is_given_twice_is_recorded_once(lab: Lab, gate: LiveExperiment) -> None:
    found = gate.expose_many(USERS[:50], arms=GATES[:50])
    bits = lab.bits
    assert gate.expose_many([*USERS[:50], "player-0"], arms=[*GATES[:50], GATES[0]]) == [*found, found[0]]
    assert gate.expose("player-3", arm="gate_30") == found[3] == gate.expose("player-3", found[3])
    assert gate.expose_many([], arms=[]) == [] and lab.bits == bits
    same = [one for one in USERS[:50] if gate.assign(one).arm == GATES[USERS.index(one)]]
    assert same and {gate.expose(one).reason for one in same} == {"given"} and lab.bits == bits


def test_a_unit_given_two_arms_is_counted_in_neither(lab: Lab, gate: LiveExperiment) -> None:
    gate.expose("u", arm="gate_30")
    gate.expose("u", arm="gate_40")
    assert gate.analyze("kept").conflicted == 1 and gate.analyze("kept").exposed == 0
    drawn = gate.expose("v").arm
    gate.expose("v", arm=drawn)
    assert gate.exposures()[-1].assignment.reason == "split" and gate.analyze("kept").exposed == 1
    gate.expose("v", arm=next(arm for arm in ARMS if arm != drawn))
    assert gate.analyze("kept").conflicted == 2


def test_neither_traffic_nor_targets_nor_a_stop_hold_back_what_was_shown(lab: Lab) -> None:
    gate = lab.make("gate", arms=ARMS, metrics=METRICS, traffic=0.0, view="users", where={"trips": 7})
    assert gate.expose("u").arm is None
    gate.stop(ship="gate_40")
    assert gate.expose("u", arm="gate_30").version == 2 and gate.analyze("kept").arm("gate_30").n == 1


def test_a_unit_that_was_forced_is_kept_and_not_counted(lab: Lab) -> None:
    gate = lab.make("gate", arms=ARMS, metrics=METRICS, forced={"tester": "gate_30"})
    found = gate.expose_many(["tester", "u"], arms=["gate_40", "gate_40"])
    assert [(one.arm, one.reason, one.propensity) for one in found] == [
        ("gate_40", "forced", 1.0), ("gate_40", "given", 0.5)]  # fmt: skip
    assert (gate.analyze("kept").exposed, gate.analyze("kept").forced) == (1, 1)


def test_a_sticky_experiment_goes_on_with_them(lab: Lab) -> None:
    gate = lab.make("gate", arms=ARMS, metrics=METRICS, sticky=True)
    gate.expose_many(USERS, arms=GATES)
    assert [one.arm for one in gate.assign_many(USERS)] == GATES
    bits = lab.bits
    assert {one.reason for one in gate.expose_many(USERS)} == {"given"} and lab.bits == bits


def test_the_time_of_exposure_is_that_given(lab: Lab, gate: LiveExperiment) -> None:
    gate.expose_many(["a", "b"], arms=["gate_30", "gate_40"], event_time="2025-06-01T00:00:00Z")
    times = ["2025-06-02T00:00:00Z", "2025-05-31T00:00:00Z"]
    gate.record_many({"user": ["a", "b"], "value": [1, 1], "event_time": times}, metric="kept")
    assert [arm.mean for arm in gate.analyze("kept").arms] == [1.0, 0.0]
    assert gate.uncounted("kept").before_exposure == 1


def test_arms_of_other_libraries_are_texts(lab: Lab, gate: LiveExperiment) -> None:
    numpy = pytest.importorskip("numpy")
    found = gate.expose_many(numpy.arange(4), arms=numpy.array(GATES[:4]))
    assert [one.arm for one in found] == GATES[:4] and {type(one.arm) for one in found} == {str}
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"user": USERS[:6], "arm": pandas.Categorical(GATES[:6])})
    assert [one.arm for one in gate.expose_many(table["user"].tolist(), arms=table["arm"])] == GATES[:6]
    assert lab.db.event(lab.db.head).rows == 6


def test_arms_that_cannot_be_are_refused(lab: Lab, gate: LiveExperiment) -> None:
    gate.reweight({"gate_30": 0.5, "gate_40": 0.5, "gate_50": 0.0})
    bits = lab.bits
    wrong: list[tuple[list[Any], Any, str]] = [
        (["a", "b"], ["gate_30"], "one arm for each unit"),
        (["a"], ["gate_30", "gate_40"], "one arm for each unit"),
        (["a", "b"], ["gate_30", "gate_35"], "no such arm"),
        (["a"], [None], "no such arm"),
        (["a"], [["gate_30"]], "no such arm"),
        (["a"], [30], "no such arm"),
        (["a"], ["gate_50"], "weight above 0"),
        (["a", "b", "a"], ["gate_30", "gate_30", "gate_40"], "one arm in a call"),
        (["a"], "gate_30", "a sequence of names"),
        (["a"], {"a": "gate_30"}, "a sequence of names"),
        (["a"], 7, "a sequence of names"),
        ([""], ["gate_30"], "entity"),
    ]
    for units, arms, rule in wrong:
        with pytest.raises(InvalidInput, match=rule):
            gate.expose_many(units, arms=arms)
    with pytest.raises(InvalidInput, match="no such arm") as caught:
        gate.expose("a", arm="gate_35")
    assert caught.value.values["known"] == ["gate_30", "gate_40", "gate_50"] and caught.value.values["row"] == 0
    with pytest.raises(InvalidInput, match="not both"):
        gate.expose("a", gate.assign("a"), arm="gate_30")
    assert lab.bits == bits


@pytest.mark.parametrize("options", [{}, {"lazy": True}, {"checkpoint": True}])
def test_given_arms_survive(tmp_path: Path, options: dict[str, Any]) -> None:
    lab = Lab(tmp_path / "log")
    gate = lab.make("gate", arms=ARMS, metrics=METRICS, view="users", where={"trips": 0})
    gate.expose_many(USERS[:40], arms=GATES[:40])
    gate.record_many({"user": USERS[:40], "value": KEPT[:40]}, metric="kept")
    found, shown = gate.exposures(), gate.analyze("kept").to_dict()
    if options.get("checkpoint"):
        options = {"checkpoint": tmp_path / "checkpoint"}
        lab.db.checkpoint(tmp_path / "checkpoint")
    lab.db.close()
    with VectorDB.open(tmp_path / "log", clock=lab.clock, **options) as again:
        back = again.experiment("gate")
        assert back.exposures() == found and back.analyze("kept").to_dict() == shown
        assert back.expose("player-1", arm="gate_30").reason == "given" and len(back.exposures()) == 40  # type: ignore[attr-defined]
        again.check()


def test_an_erased_unit_was_never_given_an_arm(lab: Lab, gate: LiveExperiment) -> None:
    lab.users.put("player-1", {"trips": 1})
    gate.expose_many(USERS[:4], arms=GATES[:4])
    lab.db.erase("users", "player-1", reason="asked")
    assert [one.unit for one in gate.exposures()] == ["player-0", "player-2", "player-3"]
    assert gate.analyze("kept").exposed == 3
    lab.db.check()


def test_what_if_draws_anew_only_what_was_drawn(lab: Lab) -> None:
    gate = lab.make("gate", arms=HALVES, metrics=METRICS)
    given = gate.expose_many(["a", "b", "c", "d"], arms=["control"] * 4)
    drawn = [one.arm for one in gate.expose_many(USERS[:60])]
    others = {"control": 0.1, "treatment": 0.9}
    question = lab.db.what_if().add(lambda branch: branch.experiment("gate").reweight(others), after=2)
    told = question.run(assignments="again")
    assert {one.unit for one in told.moved} <= set(USERS) and told.moved
    after = {one.unit: one.assignment for one in told.branch.experiment("gate").exposures()}
    assert [after[one.unit].arm for one in given] == ["control"] * 4 and {after["a"].reason} == {"given"}
    assert [after[unit].arm for unit in USERS[:60]] != drawn
