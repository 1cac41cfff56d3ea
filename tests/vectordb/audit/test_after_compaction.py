"""Changes, bisection and explanations of a log that was compacted or erased from."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.vectordb.erasing.history import opened, random_history
from tests.vectordb.world import World
from vectordb import Erased, Pruned, VectorDB


def key(change: Any) -> tuple[Any, ...]:
    return change.input, change.cause, change.offset, change.time, change.before, change.after


@pytest.mark.parametrize("seed", range(10))
def test_changes_are_those_that_come_after_the_bound(seed: int) -> None:
    random = Random(seed)
    db = random_history(opened(None), random, 50)
    compacted = db.fork(db.head)
    below = random.randint(5, db.head - 3)
    compacted.compact(below=below)
    first = compacted.as_of(below).at
    for prediction in db.predictions():
        if prediction.as_of < below or prediction.at < first:
            with pytest.raises(Pruned) as refused:
                compacted.audit.changes(prediction.id)
            assert "first" in refused.value.values
            continue
        for before in (False, True):
            whole = db.audit.changes(prediction.id, before=before)
            later = [one for one in whole if (one.offset, one.cause in ("expired", "became visible")) > (below, False)]
            assert [key(one) for one in compacted.audit.changes(prediction.id, before=before)] == list(map(key, later))


def compacted() -> tuple[World, VectorDB, str]:
    """Bound 4: offsets 2 and 3 are gone, the prediction of offset 5 read them."""
    world = World()
    db = world.db
    world.put("d-7", trips=1)
    world.put("d-7", trips=2)
    service = db.create_service("ranker", features=["drivers:trips", "drivers:city"])
    prediction = db.record_prediction(service.get("d-7"), model="m", output=1)
    for trips in range(3, 9):
        world.tick()
        world.put("d-7", trips=trips)
    db.compact(below=8)
    return world, db, prediction.id


def test_a_bisection_begins_at_the_first_offset_that_can_be_read() -> None:
    _, db, _ = compacted()
    turn = db.audit.bisect(lambda past: past.view("drivers").get("d-7")["trips"] >= 7)
    assert turn.offset == 10 and turn.before.view("drivers").get("d-7")["trips"] == 6
    with pytest.raises(Pruned) as refused:
        db.audit.bisect(lambda past: True, low=2)
    assert (refused.value.values["first"], refused.value.values["last"]) == (8, db.head)


def test_a_prediction_whose_inputs_are_pruned_is_explained_by_what_it_pinned() -> None:
    _, db, prediction = compacted()
    found = db.audit.explain(prediction)
    one = found.inputs[0]
    assert (one.value, one.status, one.version, one.offset) == (2, "present", "drivers/d-7@3", 3)
    assert (one.event_time, one.recorded_time, one.age_s) == (None, None, None)
    assert [(step.version, step.status) for step in found.cone] == [("pruned@3.0", "pruned")]
    assert "trips = 2 (present), drivers/d-7@3" in str(found) and "reproduced: no" in str(found)
    assert found.to_dict()["reproduction"]["matches"] is False
    with pytest.raises(Pruned):
        db.audit.changes(prediction)
    with pytest.raises(Pruned):
        db.audit.kit(prediction)
    with pytest.raises(Pruned):
        db.audit.bundle(prediction)


def test_what_a_value_was_derived_from_may_be_erased() -> None:
    world = World()
    db = world.db
    db.create_view("raw", entity="ride", features={"n": world.drivers.definition.features["trips"]})
    source = db.view("raw").put("r-1", {"n": 5}).versions
    world.drivers.put("d-7", {"trips": 5}, derived_from=source, transformation="count@1")
    service = db.create_service("ranker", features=["drivers:trips"])
    prediction = db.record_prediction(service.get("d-7"), model="m", output=1)
    db.erase("raw", "r-1", reason="asked")
    found = db.audit.explain(prediction)
    assert [(one.version, one.status, one.transformation) for one in found.cone] == [
        ("drivers/d-7@4", "present", "count@1"), ("erased@3.0", "erased", None)]  # fmt: skip
    assert found.reproduction.matches and db.audit.verify().ok
    assert [change.offset for change in db.audit.changes(prediction, before=True)] == [1, 4]  # the view; the value
    with pytest.raises(Erased):
        db.audit.kit(prediction.id)
    db.erase("drivers", "d-7", reason="asked")
    with pytest.raises(Erased):
        db.audit.explain(prediction.id)
    assert db.audit.verify().ok
