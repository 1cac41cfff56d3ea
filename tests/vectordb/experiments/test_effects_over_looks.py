"""The history of an effect: peeking beside what holds at all looks."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from ledger import InvalidInput, OffsetOutOfRange, TimeOutOfRange, UnknownName
from tests.vectordb.experiments.lab import Lab
from tests.vectordb.experiments.people import populate
from vectordb.experiments.stats.sequential import confidence_sequence


def watched(seed: int, shift: float = 0.3, steps: int = 12) -> tuple[Lab, Any, list[int]]:
    """An experiment with a look after every batch of units."""
    lab, random = Lab(), Random(seed)
    ranking = lab.make(metrics={"spent": "sum", "rate": {"over": "visits"}, "visits": "count"})
    looks = []
    for step in range(steps):
        lab.clock.advance(60)
        arms = {
            arm: [random.gauss(mean, 1) for _ in range(random.randrange(1, 40))]
            for arm, mean in (("control", 0.0), ("treatment", shift))
        }
        units = populate(ranking, "spent", arms, prefix=f"s{step}")
        everybody = [unit for own in units.values() for unit in own]
        ranking.record_many({"user": everybody, "value": [1.0] * len(everybody)}, metric="visits")
        ranking.record_many({"user": everybody, "value": [random.random() for _ in everybody]}, metric="rate")
        looks.append(lab.db.head)
    return lab, ranking, looks


@pytest.mark.parametrize("metric", ["spent", "rate"])
def test_every_look_is_the_analysis_of_its_offset(metric: str) -> None:
    lab, ranking, looks = watched(1)
    found = ranking.effects(metric, looks)
    series = found.arm("treatment")
    assert series == found.arm() and [look.as_of for look in series.looks] == looks
    running = 1.0
    for look in series.looks:
        then = lab.db.as_of(look.as_of).experiment("ranking").analyze(metric).effect()
        absolute, valid = then.absolute, then.always_valid
        assert (look.n, look.estimate, look.se) == (then.n, absolute.estimate, absolute.standard_error)
        assert (look.low, look.high, look.p) == (absolute.low, absolute.high, absolute.p_value)
        assert (look.sequence_low, look.sequence_high, look.valid_p) == (valid.low, valid.high, valid.p)
        running = min(running, valid.p)
        assert look.running_p == running
        assert look.at == lab.db.as_of(look.as_of).at
        assert look.sequence_low < look.low and look.high < look.sequence_high


def test_the_sequence_is_that_of_the_readings() -> None:
    _, ranking, looks = watched(2)
    series = ranking.effects("spent", looks, alpha=0.1, tuned=200).arm()
    judge = confidence_sequence([(look.n, look.estimate, look.se) for look in series.looks], 0.1, 200)
    assert [look.running_p for look in series.looks] == [look.running_p for look in judge.looks]
    assert series.rejected_at == judge.rejected_at


def test_peeking_stops_earlier_than_what_holds() -> None:
    _, ranking, looks = watched(3, shift=0.5, steps=25)
    series = ranking.effects("spent", looks).arm()
    assert series.peeking_rejected_at is not None and series.rejected_at is not None
    assert series.peeking_rejected_at < series.rejected_at


def test_looks_may_be_times_and_the_past_has_its_own() -> None:
    lab, ranking, looks = watched(4)
    times = [lab.db.as_of(offset).at for offset in looks]
    assert ranking.effects("spent", times) == ranking.effects("spent", looks)
    assert ranking.effects("spent", [times[0].isoformat()]).arm().looks[0].as_of == looks[0]
    past = lab.db.as_of(looks[5]).experiment("ranking").effects("spent", looks[:6])
    assert past.arms[0].looks == ranking.effects("spent", looks[:6]).arms[0].looks
    with pytest.raises(OffsetOutOfRange):
        lab.db.as_of(looks[5]).experiment("ranking").effects("spent", looks)


def test_the_control_is_what_effects_are_against() -> None:
    _, ranking, looks = watched(5)
    for found in (ranking.effects("spent", looks).arm, ranking.analyze("spent").effect):
        with pytest.raises(UnknownName, match="this arm is the control") as caught:
            found("control")
        assert caught.value.values == {"arm": "control", "known": ["treatment"]}
        with pytest.raises(UnknownName, match="no such arm"):
            found("placebo")


def test_looks_before_anything_was_seen_say_nothing() -> None:
    lab = Lab()
    ranking = lab.make(metrics={"spent": "sum"})
    start = lab.db.head
    populate(ranking, "spent", {"control": [1.0, 2.0, 5.0], "treatment": [4.0, 6.0]})
    first, last = ranking.effects("spent", [start, lab.db.head]).arm().looks
    assert (first.n, first.estimate, first.p, first.running_p) == (0, None, None, 1.0)
    assert last.n == 5 and last.p is not None
    assert ranking.effects("spent", []).arm().looks == ()
    json.dumps(ranking.effects("spent", [start, lab.db.head]).to_dict(), allow_nan=False)


def test_bad_looks_are_refused() -> None:
    lab, ranking, looks = watched(5, steps=3)
    for bad in ([looks[1], looks[0]], [None], [True], [1.5], "2026", 7):
        with pytest.raises(InvalidInput):
            ranking.effects("spent", bad)  # type: ignore[arg-type]
    with pytest.raises(TimeOutOfRange):
        ranking.effects("spent", ["2036-01-01T00:00:00Z"])
    for bad in ([0], [1], [lab.db.head + 1]):
        with pytest.raises(OffsetOutOfRange):
            ranking.effects("spent", bad)
    with pytest.raises(UnknownName):
        ranking.effects("profit", looks)
    with pytest.raises(InvalidInput):
        ranking.effects("spent", looks, alpha=2)


def test_a_new_bucket_version_has_a_history_of_its_own() -> None:
    lab, ranking, looks = watched(6, steps=3)
    offset = ranking.restart_buckets().offset
    populate(ranking, "spent", {"control": [1.0, 2.0], "treatment": [4.0, 6.0]}, prefix="new")
    with pytest.raises(OffsetOutOfRange, match="bucket version"):
        ranking.effects("spent", looks)
    assert [look.n for look in ranking.effects("spent", [offset, lab.db.head]).arm().looks] == [0, 4]
