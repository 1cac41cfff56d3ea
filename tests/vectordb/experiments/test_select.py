"""Selecting entities by arm: randomised, consistent, as of any offset."""

from __future__ import annotations

import pytest

from tests.vectordb.experiments.lab import UNITS, Lab
from vectordb import Int, InvalidEntity, InvalidInput, UnknownName, VectorDB


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    cities = ["Rome" if number % 3 else "Oslo" for number in range(len(UNITS))]
    lab.users.put_many({"user": UNITS, "trips": list(range(len(UNITS))), "city": cities})
    return lab


def test_the_arms_share_out_the_view_in_its_order(lab: Lab) -> None:
    ranking = lab.make(traffic=0.6)
    control, treatment = (ranking.select("users", arm=arm) for arm in ("control", "treatment"))
    expected = {one.unit: one.arm for one in ranking.assign_many(UNITS)}
    assert control == [unit for unit in UNITS if expected[unit] == "control"]
    assert treatment == [unit for unit in UNITS if expected[unit] == "treatment"]
    assert ranking.select("users") == [unit for unit in UNITS if expected[unit]]
    assert abs(len(control) + len(treatment) - 1_200) < 100
    assert ranking.select(lab.users, arm="control") == control


def test_a_filter_narrows_the_same_sample(lab: Lab) -> None:
    ranking = lab.make()
    where = {"city": "Rome", "trips": {"$lt": 900}}
    assert ranking.select("users", arm="control", where=where) == [
        unit for unit in ranking.select("users", arm="control") if int(unit[2:]) < 900 and int(unit[2:]) % 3
    ]


def test_the_past_selects_what_was_there(lab: Lab) -> None:
    ranking = lab.make()
    before, then = ranking.select("users", arm="control", where={"city": "Rome"}), lab.db.head
    lab.clock.advance(5)
    lab.users.put("u-1", {"city": "Bonn"})
    lab.users.delete("u-2")
    lab.users.put("new", {"city": "Rome"})
    ranking.stop("treatment")
    past = lab.db.as_of(then).experiment("ranking")
    assert past.select("users", arm="control", where={"city": "Rome"}) == before
    assert ranking.select("users", arm="control") == []
    everyone = [unit for unit in [*UNITS, "new"] if unit != "u-2"]
    assert ranking.select("users", arm="treatment") == everyone
    with pytest.raises(UnknownName):
        lab.db.as_of(2).experiment("ranking")


def test_the_same_units_on_another_machine(lab: Lab) -> None:
    other = VectorDB()
    other.create_view("people", entity="user", features={"n": Int()})
    other.view("people").put_many({"user": UNITS, "n": [1] * len(UNITS)})
    ranking = other.create_experiment("ranking", arms={"control": 0.5, "treatment": 0.5}, unit="user")
    assert ranking.select("people", arm="control") == lab.make().select("users", arm="control")


def test_bad_questions_are_refused(lab: Lab) -> None:
    ranking = lab.make()
    lab.db.create_view("shops", entity="shop", features={"n": Int()})
    with pytest.raises(InvalidInput, match="no such arm"):
        ranking.select("users", arm="placebo")
    with pytest.raises(InvalidInput, match="units of the experiment") as caught:
        ranking.select("shops")
    assert caught.value.values["entity"] == "shop"
    with pytest.raises(UnknownName):
        ranking.select("drivers")
    with pytest.raises(UnknownName):
        ranking.select("users", where={"town": "Rome"})
    with pytest.raises(InvalidEntity):
        ranking.assign_many("users")
