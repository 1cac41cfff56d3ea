"""What an experiment writes: definitions, exposures once, outcomes all or none; and what it refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger import ExposuresRecorded, OutcomesRecorded, canonical
from ledger.codec import encode_event
from tests.vectordb.experiments.lab import HALVES, START, UNITS, Lab, arms_of, told
from vectordb import (
    ClosedLedger,
    DefinitionConflict,
    DefinitionError,
    Experiment,
    IdempotencyConflict,
    InvalidCells,
    InvalidInput,
    InvalidTime,
    LiveExperiment,
    Metric,
    UnknownName,
    VectorDB,
)
from vectordb.experiments.outcomes import most_bytes, timed

METRICS: dict[str, Any] = {"purchase": "sum", "visit": {"aggregate": "any", "window": 3_600}}


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
def ranking(lab: Lab) -> LiveExperiment:
    return lab.make(metrics=METRICS)


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


# -- exposures ---------------------------------------------------------------------------------------------


def test_an_exposure_is_recorded_once_per_unit_and_arm(lab: Lab, ranking: LiveExperiment) -> None:
    first = ranking.expose("u-1", event_time=START - 5, actor="web")
    bits = lab.bits
    lab.clock.advance(1)
    assert ranking.expose("u-1") == first == ranking.expose("u-1", ranking.assign("u-1"))
    assert lab.bits == bits
    ranking.ramp(0.99999)
    assert ranking.assign("u-1").version == 2 and ranking.expose("u-1") == first and lab.db.head == bits[0] + 1
    exposed = ranking.exposures()[0]
    assert (exposed.unit, exposed.arm, exposed.offset) == ("u-1", first.arm, 3) and exposed.assignment == first
    assert exposed.event_time == datetime.fromtimestamp(START - 5, UTC)
    ranking.restart_buckets()
    assert ranking.expose("u-1").bucket_version == 2
    assert [one.assignment.bucket_version for one in ranking.exposures()] == [1, 2]


def test_a_unit_in_a_second_arm_is_recorded_there_too(lab: Lab, ranking: LiveExperiment) -> None:
    was = ranking.expose("u-1").arm
    other = next(arm for arm in HALVES if arm != was)
    ranking.reweight({**dict.fromkeys(HALVES, 0.0), other: 1.0})
    assert ranking.expose("u-1").arm == other
    bits = lab.bits
    assert ranking.expose("u-1").arm == other and lab.bits == bits
    assert [one.arm for one in ranking.exposures()] == [was, other]


def test_units_without_an_arm_are_not_recorded(lab: Lab) -> None:
    ranking = lab.make(traffic=0.0)
    bits = lab.bits
    assert ranking.expose("u-1").reason == "traffic"
    assert {one.arm for one in ranking.expose_many(UNITS)} == {None}
    assert lab.bits == bits
    ranking.stop("treatment")
    bits = lab.bits
    assert ranking.expose("u-1").arm == "treatment" and lab.bits == bits and ranking.exposures() == []


def test_forced_exposures_are_kept_and_never_counted(lab: Lab) -> None:
    ranking = lab.make(forced={"u-1": "control"}, sticky=True)
    assert ranking.expose("u-1").reason == "forced"
    bits = lab.bits
    ranking.expose("u-1")
    assert lab.bits == bits and ranking.exposures()[0].assignment.reason == "forced"
    ranking.unforce("u-1")
    assert ranking.assign("u-1").reason == "split"
    assert ranking.expose("u-1").reason == "split" and len(ranking.exposures()) == 2


def test_many_are_one_event(lab: Lab, ranking: LiveExperiment) -> None:
    ranking.expose("u-3")
    head = lab.db.head
    units = [*UNITS[:100], *UNITS[:50], ("eu", 1), 7]
    found = ranking.expose_many(units, event_time=START, tags=["bulk"])
    assert lab.db.head == head + 1 and [one.unit for one in found] == units
    fact = lab.db.event(lab.db.head).fact
    assert isinstance(fact, ExposuresRecorded)
    assert [one.unit for one in fact.exposures] == [unit for unit in dict.fromkeys(units) if unit != "u-3"]
    bits = lab.bits
    assert ranking.expose_many(units) == found and ranking.expose_many([]) == [] and lab.bits == bits


def test_an_assignment_that_is_given_is_checked(lab: Lab, ranking: LiveExperiment) -> None:
    other = lab.make("search", unit="user")
    found = ranking.assign("u-1")
    bits = lab.bits
    for wrong in (
        other.assign("u-1"),
        ranking.assign("u-2"),
        found._replace(arm="placebo"),
        found._replace(propensity=0.0),
        found._replace(propensity=float("nan")),
        found._replace(reason="luck"),
        found._replace(version=9),
        found._replace(bucket_version=2),
        found._replace(experiment="ranking@9"),
        found.to_dict(),
        "control",
    ):
        with pytest.raises((InvalidInput, UnknownName)):
            ranking.expose("u-1", wrong)  # type: ignore[arg-type]
    for options in ({"event_time": datetime(2026, 1, 1)}, {"event_time": "yesterday"}, {"actor": 7}):  # noqa: DTZ001
        with pytest.raises(InvalidInput):
            ranking.expose("u-1", **options)  # type: ignore[arg-type]
    assert lab.bits == bits
    ranking.ramp(0.5)
    assert ranking.expose("u-1", found) == found and ranking.exposures()[0].assignment.version == 1


def test_threads_record_an_exposure_once(lab: Lab, ranking: LiveExperiment) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ranking.expose, UNITS[:20] * 8))
    assert len(set(found)) == 20
    assert sorted(one.unit for one in ranking.exposures()) == sorted(UNITS[:20])


# -- outcomes ----------------------------------------------------------------------------------------------


def test_an_outcome_is_an_event(lab: Lab, ranking: LiveExperiment) -> None:
    receipt = ranking.record("u-1", "purchase", 12, event_time=START - 1, correlation="r-1")
    fact = lab.db.event(receipt.offset).fact
    assert isinstance(fact, OutcomesRecorded)
    assert (fact.experiment, list(fact.outcomes)) == ("ranking@1", [("u-1", "purchase", 12.0, (START - 1) * 1_000_000)])
    assert type(fact.outcomes[0].value) is float
    ranking.record("u-1", "purchase", Decimal("0.5"))
    ranking.record(("eu", 1), "visit", -0.0)


BAD_OUTCOMES: list[tuple[Any, Any, Any]] = [
    ("u-1", "purchase", float("nan")),
    ("u-1", "purchase", float("inf")),
    ("u-1", "purchase", "1"),
    ("u-1", "purchase", None),
    ("u-1", "purchase", 10**400),
    ("u-1", "returns", 1.0),
    ("u-1", None, 1.0),
    ("u-1", ["purchase"], 1.0),
    ("", "purchase", 1.0),
    (1.5, "purchase", 1.0),
    (None, "purchase", 1.0),
]


@pytest.mark.parametrize("bad", BAD_OUTCOMES)
def test_a_bad_outcome_is_refused(lab: Lab, ranking: LiveExperiment, bad: tuple[Any, Any, Any]) -> None:
    bits = lab.bits
    with pytest.raises(InvalidInput) as caught:
        ranking.record(*bad)
    assert caught.value.rule and caught.value.values
    rows = [{"user": "u-9", "metric": "purchase", "value": 1.0}, dict(zip(("user", "metric", "value"), bad))]
    with pytest.raises(InvalidCells) as refused:
        ranking.record_many(rows)
    assert refused.value.count == 1 and refused.value.cells[0]["row"] == 1
    columns = dict(zip(("user", "metric", "value"), zip(*[("u-9", "purchase", 1.0), bad])))
    with pytest.raises(InvalidCells):
        ranking.record_many(columns)
    assert lab.bits == bits


def test_bad_batches_of_outcomes_are_refused(lab: Lab, ranking: LiveExperiment) -> None:
    bits = lab.bits
    one: dict[str, Any] = {"user": ["a"], "metric": ["visit"], "value": [1.0]}
    row = {"user": "a", "metric": "visit", "value": 1.0}
    wrong: list[Any] = [
        [],
        {"user": [], "metric": [], "value": []},
        {"user": ["a"], "value": [1.0]},
        {"user": ["a"], "metric": ["visit"]},
        {"unit": ["a"], "metric": ["visit"], "value": [1.0]},
        {**one, "value": [1.0, 2.0]},
        {**one, "weight": [2.0]},
        {**one, "user": "a"},
        {**one, "event_time": [datetime(2026, 1, 1)]},  # noqa: DTZ001
        {**one, "event_time": START},
        [{"user": "a", "metric": "visit"}],
        [row, {"user": "b", "value": 1.0}],
        [("a", "visit", 1.0)],
        None,
        7,
    ]
    for rows in wrong:
        with pytest.raises(InvalidInput):
            ranking.record_many(rows)
    with pytest.raises(InvalidInput):
        ranking.record_many([{"user": "a", "metric": "visit", "value": 1.0}], metric="visit")
    for at in (datetime(2026, 1, 1), "now", True):  # noqa: DTZ001
        with pytest.raises(InvalidTime):
            ranking.record("u-1", "visit", 1.0, event_time=at)
    with pytest.raises(UnknownName):
        lab.db.experiment("search")
    assert lab.bits == bits


def test_rows_and_columns_say_the_same(lab: Lab, ranking: LiveExperiment) -> None:
    times = [START - 2, None, "2026-01-01T00:00:00Z"]
    rows: list[Any] = [["u-1", 1.0, times[0]], [7, 2.5, times[1]], [("a", 1), -3, times[2]]]
    named = [{"user": unit, "metric": "purchase", "value": value, "event_time": at} for unit, value, at in rows]
    units, values, _ = zip(*rows)
    one = ranking.record_many(named)
    two = ranking.record_many({"user": units, "value": values, "event_time": times}, metric="purchase")
    three = ranking.record_many({"user": units, "metric": "purchase", "value": values, "event_time": times})
    facts = [lab.db.event(receipt.offset).payload for receipt in (one, two, three)]
    assert facts[0] == facts[1] == facts[2] and one.event.rows == 3
    lab.db.check()


def test_a_large_batch_keeps_every_bit(lab: Lab, ranking: LiveExperiment) -> None:
    values = [number / 7 for number in range(5_000)]
    plain = ranking.record_many({"user": UNITS * 2 + UNITS[:1_000], "metric": ["purchase"] * 5_000, "value": values})
    fact = lab.db.event(plain.offset).fact
    assert isinstance(fact, OutcomesRecorded) and [one.value for one in fact.outcomes] == values
    numpy = pytest.importorskip("numpy")
    array = ranking.record_many({"user": UNITS, "value": numpy.arange(2_000)}, metric="purchase")
    fact = lab.db.event(array.offset).fact
    assert isinstance(fact, OutcomesRecorded)
    assert {type(one.value) for one in fact.outcomes} == {float}


def test_an_idempotency_key_records_once(lab: Lab, ranking: LiveExperiment) -> None:
    first = ranking.record("u-1", "purchase", 2, event_time=START, idempotency_key="k")
    bits = lab.bits
    lab.clock.advance(10)
    again = ranking.record("u-1", "purchase", 2.0, event_time="2026-01-01T00:00:00Z", idempotency_key="k")
    assert (again.offset, again.replayed) == (first.offset, True)
    for unit, value in (("u-1", 3), ("u-2", 2)):
        with pytest.raises(IdempotencyConflict):
            ranking.record(unit, "purchase", value, event_time=START, idempotency_key="k")
    assert lab.bits == bits
    rows = {"user": ["u-1", "u-2"], "metric": ["visit", "visit"], "value": [1, 1], "event_time": [START, START]}
    batch = ranking.record_many(rows, idempotency_key="b")
    assert ranking.record_many(rows, idempotency_key="b").offset == batch.offset
    with pytest.raises(IdempotencyConflict):
        ranking.record_many({**rows, "value": [1, 2]}, idempotency_key="b")
    ranking.ramp(0.5)
    assert ranking.record("u-1", "purchase", 2, event_time=START, idempotency_key="k").replayed


def test_outcomes_follow_the_metrics_of_their_time(lab: Lab, ranking: LiveExperiment) -> None:
    lab.make(metrics={"clicks": "count"}, replace=True)
    with pytest.raises(InvalidInput, match="no such metric") as caught:
        ranking.record("u-1", "purchase", 1.0)
    assert caught.value.values == {"metric": "purchase", "known": ["clicks"]}
    ranking.stop()
    ranking.record("u-1", "clicks", 1.0)  # late outcomes of a stopped experiment are welcome


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


def test_the_bound_of_an_event_of_outcomes_holds() -> None:
    """Ids of every kind, values as long as they get, and times at both ends."""
    units: list[Any] = ["u", "\x01" * 50, "ü€𝄞" * 20, 10**300, -7, ("é\x02", 3, "\n\t"), "'\"\\" * 9]
    numbers = (-2.2250738585072014e-308, 1.0, -1.7976931348623157e308)
    rows = [(unit, "spent", value, at) for unit in units for value in numbers for at in (None, -(2**53), 2**53)]
    for some in ([row] for row in rows):
        fact = OutcomesRecorded("ranking@1234567", timed(some, 5))
        assert len(encode_event(2**38, -(2**53), fact, None)) <= most_bytes("ranking@1234567", some)
    fact = OutcomesRecorded("r@1", timed(rows, 5))
    bound = most_bytes("r@1", rows)
    assert len(encode_event(2**38, -(2**53), fact, None)) <= bound < 10 * len(canonical(fact.to_json(5)))


def test_an_event_of_too_many_bytes_is_refused(tmp_path: Path) -> None:
    db = VectorDB(max_event_bytes=2_000)
    ranking = db.create_experiment("ranking", arms=HALVES, unit="user", metrics=METRICS)
    with pytest.raises(InvalidInput, match="one event is at most 2000 bytes"):
        ranking.record("u" * 3_000, "purchase", 1.0)
    with pytest.raises(InvalidInput, match="one event is at most 2000 bytes"):
        ranking.record_many({"user": [f"u{n}" for n in range(200)], "value": [1.0] * 200}, metric="purchase")
    assert db.head == 1 and ranking.record("u" * 1_000, "purchase", 1.0).offset == 2
