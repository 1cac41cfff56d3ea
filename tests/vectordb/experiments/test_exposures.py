"""Exposures as they are recorded: once per unit and arm, and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from ledger import ExposuresRecorded
from tests.vectordb.experiments.lab import HALVES, START, UNITS, Lab
from vectordb import (
    InvalidInput,
    LiveExperiment,
    UnknownName,
)


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
