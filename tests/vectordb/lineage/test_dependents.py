"""What depends on rows, as a report of an erasure asks before it."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import ROW_BITS, Log
from tests.vectordb.lineage.world import DRIVERS, World
from vectordb import Float, Int, VectorDB
from vectordb.lineage import dependents
from vectordb.transforms import StandardScaler


def story() -> VectorDB:
    """raw a (2), b (3); clean a (5) of raw a; service (6), fit (7), training set (8), prediction (9), trial (10..)."""
    db = VectorDB(seed=1)
    raw = db.create_view("raw", entity="e", features={"n": Int()})
    raw.put("a", {"n": 1}, event_time=0)
    raw.put("b", {"n": 2}, event_time=0)
    clean = db.create_view("clean", entity="e", features={"x": Float(), "y": Float()})
    clean.put("a", {"x": 1.0}, derived_from="raw/a@2", event_time=0)
    service = db.create_service("s", features=["clean:x"], pipeline=StandardScaler())
    service.fit()
    db.record_training_set("t", service.training_set({"e": ["a"], "time": [9]}), model="m@1")
    trial = db.create_experiment("trial", arms={"a": 0.5, "b": 0.5}, unit="e", metrics={"paid": "sum"})
    db.record_prediction(service.get("a"), model="m@1", output=1, assignment=trial.assign("a"))
    trial.expose("a")
    trial.record("a", "paid", 1.0)
    db.mark("end")
    return db


def test_everything_that_was_made_of_a_row_is_found() -> None:
    db = story()
    found = dependents(db, [2 << ROW_BITS])
    assert (found.of, found.versions, found.pipelines) == (1, ("clean/a@5",), ("pipeline:s#1",))
    assert (found.training_sets, found.models) == (("training_set:t",), ("model:m@1",))
    assert (found.predictions, found.experiments, found.services) == (("s/a@10",), (), ())
    assert dependents(db, [3 << ROW_BITS]).total == 0, "nothing was derived from b"
    both = dependents(db, [2 << ROW_BITS, 5 << ROW_BITS, 2 << ROW_BITS])
    assert both.versions == () and both.of == 2 and both.predictions == ("s/a@10",)
    assert dependents(db.as_of(7), [2 << ROW_BITS]).to_dict()["counts"]["predictions"] == 0
    assert dependents(db, []).total == 0


def test_a_version_that_was_written_over_before_the_fit_was_not_read_by_it() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Float(), "y": Float()})
    old = view.put("a", {"x": 1.0, "y": 1.0}, event_time=0).offset
    new = view.put("a", {"x": 2.0}, event_time=1).offset
    unseen = view.put("a", {"y": 2.0}, event_time=2).offset
    first = db.create_service("s", features=["v:x"], pipeline=StandardScaler())
    first.fit()
    late = view.put("a", {"x": 3.0}, event_time=3).offset
    fits = {offset: db.lineage.impact(offset).pipelines for offset in (old, new, unseen, late)}
    assert fits == {old: (), new: ("pipeline:s#1",), unseen: (), late: ()}
    first.fit(spine={"e": ["a"], "time": [0.5]})
    maybe = db.lineage.downstream(f"v/a@{old}")
    assert [edge[2:4] for edge in maybe.edges if edge.target == "pipeline:s#2"] == [("may be fitted", "StandardScaler")]
    assert db.lineage.impact(new).pipelines == ("pipeline:s#1", "pipeline:s#2")


def test_a_pipeline_that_came_with_its_service_was_fitted_on_nothing_here() -> None:
    db = story()
    fitted = db.state.catalog.pipelines.get("s").pipeline
    db.create_service("given", features=["clean:x"], pipeline=fitted)
    assert db.lineage.impact("clean/a@5").pipelines == ("pipeline:s#1",)
    assert db.lineage.upstream("pipeline:given#1").of_kind("service") == ("service:given@1",)


def test_the_impact_of_events_that_wrote_no_node() -> None:
    db = story()
    types = {event.type: event.offset for event in db.events()}
    exposed, measured = db.lineage.impact(types["exposures_recorded"]), db.lineage.impact(types["outcomes_recorded"])
    assert exposed.experiments == measured.experiments == ("experiment:trial@1",)
    assert db.lineage.impact(types["log_marked"]).total == 0
    assert db.lineage.impact(types["experiment_defined"]).predictions == ("s/a@10",)
    assert db.lineage.impact(types["pipeline_fitted"]).predictions == ("s/a@10",)
    assert db.lineage.impact(types["training_set_recorded"]).models == ("model:m@1",)
    assert db.lineage.impact(1).services == () and db.lineage.impact(4).services == ("service:s@1",)


def test_a_fold_that_failed_is_healed_before_the_graph_answers() -> None:
    world = World(4, steps=25)
    fold, state = world.db.state.fold, world.db.state
    expected = {name: world.db.lineage.impact(name) for name in world.ids[:10]}
    for _ in range(2):
        fold._mark_behind(state.predictions, ArithmeticError())
        state.predictions.reset()
        state.aside.clear()
        assert {name: world.db.as_of(world.db.head).lineage.impact(name) for name in world.ids[:10]} == expected
        assert world.db.lineage.downstream(world.ids[0]) == VectorDB.replay(world.db.events()).lineage.downstream(
            world.ids[0])  # fmt: skip


def test_an_interrupt_while_uses_are_read_leaves_nothing_twice(monkeypatch: Any) -> None:
    world = World(6, steps=40)
    expected = [world.db.lineage.impact(name) for name in world.ids]
    world.db.state.aside.clear()
    event, calls = Log.event, [0]

    def stops(log: Log, offset: int) -> Any:
        calls[0] += 1
        if calls[0] == 5:
            raise KeyboardInterrupt
        return event(log, offset)

    monkeypatch.setattr(Log, "event", stops)
    with pytest.raises(KeyboardInterrupt):
        for driver in DRIVERS:
            world.db.lineage.impact(f"feature:drivers:{'trips' if driver else ''}")
    assert [world.db.lineage.impact(name) for name in world.ids] == expected
