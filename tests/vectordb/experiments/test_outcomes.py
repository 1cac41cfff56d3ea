"""Outcomes as they are recorded: one or many, all or none, once by key; and what is refused."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger import OutcomesRecorded, canonical
from ledger.codec import encode_event
from tests.vectordb.experiments.lab import HALVES, METRICS, START, UNITS, Lab
from vectordb import (
    IdempotencyConflict,
    InvalidCells,
    InvalidInput,
    InvalidTime,
    LiveExperiment,
    UnknownName,
    VectorDB,
)
from vectordb.experiments.outcomes import check_outcomes, most_bytes, timed


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
    expected: type[InvalidInput] | type[UnknownName] = InvalidInput if bad[1] == "purchase" else UnknownName
    with pytest.raises(expected) as caught:
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
    for ask in (lambda: ranking.record("u-1", "purchase", 1.0), lambda: ranking.analyze("purchase")):
        with pytest.raises(UnknownName, match="no such metric") as caught:
            ask()
        assert caught.value.values["known"] == ["clicks"] and caught.value.values["metric"] == "purchase"
    with pytest.raises(InvalidCells, match="every outcome") as refused:
        ranking.record_many({"user": ["u-1"], "value": [1.0]}, metric="purchase")
    assert refused.value.values["cells"][0]["rule"] == "the experiment has no such metric"
    ranking.stop()
    ranking.record("u-1", "clicks", 1.0)  # late outcomes of a stopped experiment are welcome


def test_a_metric_that_is_gone_by_the_time_of_the_write_is_unknown(
    lab: Lab, ranking: LiveExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*given: Any) -> Any:
        lab.make(metrics={"clicks": "count"}, replace=True)
        return check_outcomes(*given)

    monkeypatch.setattr("vectordb.experiments.live_experiment.check_outcomes", meanwhile)
    with pytest.raises(UnknownName, match="no such metric"):
        ranking.record_many({"user": ["u-1"], "value": [1.0]}, metric="purchase")
    assert lab.db.experiment("ranking").analyze("clicks").arms[0].n == 0


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
