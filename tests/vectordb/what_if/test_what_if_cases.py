"""what_if: references, definitions, models, fits, experiments, and what cannot be told again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vectordb.what_if.story import START, Step, Told, do, events_of, opening, written
from tests.vectordb.world import World, everything
from vectordb import (
    MISSING,
    Erased,
    Float,
    InvalidCells,
    InvalidInput,
    NotFitted,
    OffsetOutOfRange,
    Pruned,
    UnknownName,
    UnknownVersion,
    VectorDB,
)
from vectordb.what_if.replaying import _refuse as refuse

# -- references ----------------------------------------------------------------------------------------------------


def derived() -> World:
    world = World()
    world.put("a", trips=1)
    source = world.put("b", trips=2)
    world.drivers.put("c", {"trips": 3}, derived_from=[source], transformation="t@1", idempotency_key="k")
    world.drivers.put("d", {"trips": 4}, derived_from=["drivers/c@4", "drivers/a@2"])
    world.put("e", trips=5)
    return world


def test_references_are_pointed_at_the_branch() -> None:
    world = derived()
    found = world.db.what_if().add(lambda branch: branch.mark("here"), after=2).run()
    (version,) = found.branch.view("drivers").history("d")
    assert (
        version.derived_from
        == ("drivers/c@5", "drivers/a@2")
        == tuple(map(found.version, ["drivers/c@4", "drivers/a@2"]))
    )
    (version,) = found.branch.view("drivers").history("c")
    assert version.transformation == "t@1" and version.derived_from == ("drivers/b@4",)
    assert found.branch.view("drivers").put_many({"driver": ["z"], "trips": [1]}, idempotency_key="new").offset == 8


def test_what_was_derived_from_a_dropped_version_is_refused_and_listed() -> None:
    world = derived()
    found = world.db.what_if().drop(3).run()
    assert [(one.offset, one.type, one.code) for one in found.refused] == [
        (4, "row_put", "UnknownVersion"), (5, "row_put", "UnknownVersion")]  # fmt: skip
    assert (
        found.offset(6) == 3 and found.version("drivers/c@4") is None and found.version("drivers/e@6") == "drivers/e@3"
    )
    assert "refused 4 (row_put)" in str(found) and "1 dropped" in found.text()
    assert [row.entity for row in found.diff().rows] == ["b", "c", "d"]
    assert json.loads(json.dumps(found.to_dict()))["refused"][0]["offset"] == 4


def test_an_edited_write_gives_up_its_key_and_a_taken_key_is_refused() -> None:
    world = derived()
    edited = world.db.what_if().edit("drivers/c@4", {"trips": 30, "city": "Oslo"}).run()
    assert edited.branch.event(4).fact.origin.key is None and edited.branch.view("drivers").get("c")["trips"] == 30
    taken = world.db.what_if(3).add(lambda branch: branch.view("drivers").put("z", {"trips": 1}, idempotency_key="k"))
    assert [(one.offset, one.code) for one in taken.run().refused] == [(4, "InvalidInput"), (5, "UnknownVersion")]


def test_a_branch_knows_its_parent() -> None:
    world = derived()
    assert world.db.parent is None
    found = world.db.what_if(3).run()
    parent = found.branch.parent
    assert parent is not None
    assert (parent.ledger_id, parent.offset) == (world.db.header.ledger_id, 3) and parent.digest == world.db.digest(3)


def test_the_branch_goes_on_at_the_clock_of_its_parent() -> None:
    world = derived()
    found = world.db.what_if(3).run()
    world.tick(500)
    receipt = found.branch.view("drivers").put("a", {"trips": 8})
    assert receipt.recorded_time == world.db.at and world.db.head == 6


# -- definitions ---------------------------------------------------------------------------------------------------


def test_without_a_redefinition_writes_go_to_the_version_that_is_there() -> None:
    world = World()
    world.put("a", trips=1)
    features = {**world.drivers.definition.features, "age": Float()}
    world.db.create_view("drivers", entity="driver", features=features, replace=True)
    world.put("b", trips=2)
    world.db.view("drivers").put_many({"driver": ["c", "d"], "trips": [3, 4]})
    world.db.view("drivers").put("e", {"age": 4.0})
    world.db.create_view("drivers", entity="driver", features={**features, "more": Float()}, replace=True)
    world.db.view("drivers").delete("c")
    found = world.db.what_if().drop(3).run()
    assert [(one.offset, one.code) for one in found.refused] == [(6, "InvalidCells")]
    branch = found.branch
    assert branch.view("drivers").version == 2 and "more" in branch.view("drivers").features
    assert [branch.view("drivers").get(entity)["trips"] for entity in "abd"] == [1, 2, 4]
    assert "c" not in branch.view("drivers")
    branch.check()


def test_a_view_or_a_service_that_is_not_there_refuses_all_that_needs_it() -> None:
    told = Told([*opening(), Step(0, "predict", ("scores", "a", None)), Step(0, "outcome", ("u", 1.0))])
    found = told.db.what_if().drop(told.offsets[1], told.offsets[7]).run()
    assert {one.code for one in found.refused} == {"UnknownName"}
    assert [one.offset for one in found.refused] == [3, 4, 5, 6, 9, 10]


def test_what_the_branch_defines_already_is_not_defined_twice() -> None:
    told = Told(opening())
    views = {"drivers": told.db.view("drivers").definition.features}
    found = told.db.what_if(0).add(
        lambda branch: branch.create_view("drivers", entity="driver", features=views["drivers"])
    )
    found = found.add(lambda branch: do(branch, Step(0, "experiment", "look")))
    found = found.add(lambda branch: do(branch, opening()[6]))
    answer = found.run()
    assert [(one.offset, one.code) for one in answer.refused] == [(place, "DefinitionConflict") for place in (1, 7, 8)]


def test_the_model_before_answers_where_a_newer_one_is_dropped() -> None:
    steps = [
        *opening(),
        Step(0, "model", ("sum", ["age", "score"], [5.0, 5.0])),
        Step(0, "predict", ("scores", "a", None)),
    ]
    told = Told(steps)
    found = told.db.what_if().drop(9).run()
    (prediction,) = found.branch.predictions()
    assert prediction.model == "sum@1" and prediction.output != told.db.predictions()[0].output
    assert found.branch.reproduce(prediction.id).matches and not found.kept
    none = told.db.what_if().drop(7, 9).run()
    (kept,) = none.kept
    assert kept.name == none.branch.predictions()[0].id and none.branch.predictions()[0].model == "sum@2"
    renamed = Told([*steps[:6], *steps[8:]])
    both = renamed.db.what_if().add(lambda branch: do(branch, opening()[6]), after=6).run()
    assert [one.model for one in both.branch.predictions()] == ["sum@2"]


def test_models_that_are_given_answer() -> None:
    told = Told([*opening(), Step(0, "serve", ("ages", "a", 2.0)), Step(0, "predict", ("scores", "b", None))])
    models = {"human": lambda row: row["age"] * row["km"], "sum@1": lambda row: [row["age"]]}
    found = told.db.what_if().edit("riders/a@3.0", {"age": 10}).run(models=models)
    outputs = [one.output for one in found.branch.predictions()]
    assert outputs[0] == 20.0 and isinstance(outputs[1], list) and not found.kept

    def broken(row: Any) -> Any:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        told.db.what_if(3).run(models={"human": broken})
    again = told.db.what_if().edit("riders/a@3.0", {"age": None}).run()
    assert [kept.reason[:20] for kept in again.kept] == ["the model is not data"[:20]]
    null = Told(
        [*opening(), Step(0, "fit", "scores"), Step(0, "rider", ("riders", "b", {"age": 1, "score": 2.0}, None))]
    )
    db = null.db
    db.create_model("risk", "linear", features=["age"], coefficients=[1.0], intercept=0.0)
    db.record_prediction(db.service("ages").get("a"), model="risk")
    (one,) = db.what_if().edit("riders/a@3.0", {"age": None}).run().kept
    assert one.reason.startswith("the model cannot compute it")


# -- fits ----------------------------------------------------------------------------------------------------------


def test_a_fit_on_moments_is_kept_unless_they_are_given() -> None:
    told = Told(opening())
    spine = {"rider": ["a", "b", "a"], "time": [START, START, START + 1], "y": [1, 2, 3]}
    told.clock.advance(10)
    told.db.service("scores").fit(spine)
    told.db.record_prediction(told.db.service("scores").get("a"), model="sum")
    edit = told.db.what_if().edit("riders/a@3.0", {"age": 10})
    kept = edit.run()
    assert [one.name for one in kept.kept] == ["scores#2"]
    old, new = told.db.service("scores").fitted, kept.branch.service("scores").fitted
    assert old is not None and new is not None and old.pipeline == new.pipeline
    fitted = edit.fit_on("scores", spine).run()
    assert not fitted.kept
    expected = fitted.branch.as_of(8).service("scores")
    assert fitted.branch.service("scores").fitted.pipeline != old.pipeline  # type: ignore[union-attr]
    assert expected.name == "scores"
    with pytest.raises(UnknownName):
        edit.fit_on("nothing", spine)


def test_a_service_that_has_no_fitted_pipeline_yet_refuses_its_predictions() -> None:
    told = Told([*opening(), Step(0, "predict", ("scores", "a", None))])
    found = told.db.what_if().drop(6).run()
    assert [(one.offset, one.code) for one in found.refused] == [(9, NotFitted.__name__)]


def test_raw_reads_stay_raw() -> None:
    told = Told(opening())
    db = told.db
    db.record_prediction(db.service("scores").get("a", raw=True), model="sum")
    found = db.what_if(5).run()
    assert written(found.branch) == written(db) and found.branch.predictions()[0].pipeline == 0


# -- experiments ---------------------------------------------------------------------------------------------------


def test_units_keep_their_arms_unless_they_are_assigned_again() -> None:
    told = Told(
        [*opening(), *(Step(0, "expose", f"u-{number}") for number in range(12)), Step(0, "outcome", ("u-1", 2.0))]
    )
    db = told.db
    arms = {one.unit: one.arm for one in db.experiment("look").exposures()}

    def reweigh(branch: VectorDB) -> None:
        branch.experiment("look").reweight({"x": 0.05, "y": 0.95})

    question = db.what_if().add(reweigh, after=8)
    kept = question.run()
    assert {one.unit: one.arm for one in kept.branch.experiment("look").exposures()} == arms and not kept.moved
    again = question.run(assignments="again")
    now = {one.unit: one.arm for one in again.branch.experiment("look").exposures()}
    assert now == {unit: again.branch.experiment("look").assign(unit).arm for unit in arms}
    assert {(one.unit, one.before, one.after) for one in again.moved} == {
        (unit, arms[unit], now[unit]) for unit in arms if arms[unit] != now[unit]} != set()  # fmt: skip
    assert again.branch.head == db.head + 1 and "moved" in again.text()
    assert json.loads(json.dumps(again.to_dict()))["moved"]
    tallies = {(one.metric, one.arm) for one in again.diff().tallies}
    assert ("", "x") in tallies and ("", "y") in tallies
    stopped = db.what_if().add(lambda branch: branch.experiment("look").stop(), after=8).run(assignments="again")
    assert len(stopped.refused) == 12 and not stopped.branch.experiment("look").exposures()
    with pytest.raises(InvalidInput):
        question.run(assignments="maybe")


def test_an_arm_that_is_gone_is_refused() -> None:
    told = Told([*opening(), *(Step(0, "expose", f"u-{number}") for number in range(20))])
    arms = [one.arm for one in told.db.experiment("look").exposures()]
    found = told.db.what_if().add(lambda branch: branch.experiment("look").reweight({"x": 1.0}), after=8).run()
    assert len(found.refused) == arms.count("y") > 0


# -- what cannot be told again ---------------------------------------------------------------------------------------


def test_erased_events_are_listed() -> None:
    """A batch of which a part was erased is left out whole, and so is what was derived from any of it."""
    world = World()
    db, drivers = world.db, world.drivers
    drivers.put_many({"driver": ["b", "c"], "trips": [1, 2]})
    drivers.put("d", {"trips": 3}, derived_from="drivers/c@2.1")
    drivers.put("e", {"trips": 4})
    fork = db.fork()
    db.erase("drivers", "b", reason="asked")
    question, before = db.what_if(1), everything(db)
    found = question.run()
    assert [(one.offset, one.type, one.code) for one in found.refused] == [
        (2, "redacted", "Erased"), (3, "row_put", "UnknownVersion"), (5, "entity_erased", "InvalidInput")]  # fmt: skip
    assert "erased" in found.text() and found.to_dict()["refused"][0]["code"] == "Erased"
    assert {row.entity for row in found.diff().rows} == {"c", "d"} and found.replayed == 1
    assert not fork.what_if(1).run().refused, "who still holds the values tells them again"
    with pytest.raises(Erased):
        db.what_if().edit("drivers/b@2.0", {"trips": 9})
    with pytest.raises(InvalidInput):
        db.what_if().edit("drivers/e@4", None)  # type: ignore[arg-type]
    assert db.what_if().edit("drivers/c@2.1", {"trips": 9}).run().refused[0].code == "Erased"
    assert everything(db) == before
    found.branch.check()


def test_what_lies_before_a_compaction_is_not_told_again() -> None:
    world = World()
    for trips in range(4):
        world.put("b", trips=trips)
    asked = world.db.what_if().drop(3)
    world.db.compact(below=4)
    assert [(one.type, one.code) for one in world.db.what_if(4).run().refused] == [("log_compacted", "InvalidInput")]
    for question in (asked, world.db.what_if(3), world.db.what_if().drop(4)):
        with pytest.raises(Pruned):
            question.run()
    pruned = world.db.event(2)
    with pytest.raises(Pruned):
        refuse(pruned)
    assert pruned.type == "pruned"


def test_training_sets_name_the_versions_of_the_branch() -> None:
    world = World()
    db = world.db
    world.put("b", trips=1)
    world.put("c", trips=2)
    service = db.create_service("ranker", features=["drivers:trips"])
    spine = {"driver": ["b", "c"], "time": [world.clock() / 1e6] * 2, "label": [0, 1]}
    db.record_training_set("march", service.training_set(spine), model="m@1")
    same = db.what_if(0).run()
    assert events_of(same.branch) == events_of(db) and not same.diff()
    assert [(one.offset, one.name) for one in same.kept] == [(db.head, "march")]
    later = db.what_if().add(lambda branch: branch.view("drivers").put("a", {"trips": 0}), after=1).run()
    record = later.branch.training_set_record("march")
    assert record.versions == ("drivers/b@3", "drivers/c@4") and record.as_of == 5 == record.offset - 1
    assert later.branch.lineage.impact("drivers/c@4").training_sets == ("training_set:march",)
    (without,) = db.what_if().drop(2).run().refused
    assert (without.type, without.code) == ("training_set_recorded", "UnknownVersion")


# -- questions that are refused ----------------------------------------------------------------------------------------


def test_questions_are_refused_before_they_are_run() -> None:
    told = Told([*opening(), Step(0, "delete", "a"), Step(0, "predict", ("scores", "a", None)), Step(0, "mark", "m")])
    db = told.db
    for wrong in (-1, db.head + 1, True, "1"):
        with pytest.raises(OffsetOutOfRange):
            db.what_if(wrong)  # type: ignore[arg-type]
    for wrong in (0, db.head + 1, True):
        with pytest.raises(OffsetOutOfRange):
            db.what_if().drop(wrong)
    with pytest.raises(OffsetOutOfRange):
        db.what_if().add(lambda branch: None, after=99)
    with pytest.raises(InvalidInput):
        db.what_if(5).drop(5)
    with pytest.raises(InvalidInput):
        db.what_if().edit("drivers/a@9", {"trips": 1})
    with pytest.raises(UnknownVersion):
        db.what_if().edit("scores/a@10", {"age": 1})
    with pytest.raises(InvalidCells):
        db.what_if().edit("riders/a@3.0", {"age": "old"})
    with pytest.raises(InvalidCells):
        db.what_if().edit("riders/a@3.0", {"height": 1})
    with pytest.raises(UnknownName):
        db.what_if().swap("nothing", None)
    assert db.what_if().drop()._start == db.head


def test_a_question_is_immutable_and_knows_where_it_forks() -> None:
    world = derived()
    first = world.db.what_if()
    second = first.edit("drivers/b@3", {"trips": 9, "city": MISSING}).edit("drivers/b@3", {"rating": 1.0})
    assert repr(first) == "WhatIf(after=6, dropped=0, edited=0, added=0, swapped=0)"
    assert repr(second.drop(6)) == "WhatIf(after=2, dropped=1, edited=1, added=0, swapped=0)"
    row = second.run().branch.view("drivers").get("b")
    assert (row["trips"], row["rating"], row["city"]) == (9, 1.0, None)
    head = world.db.head
    world.put("late", trips=1)
    assert second.run().original.head == head, "the head at which it was asked"


def test_rows_of_a_transaction_are_edited_one_by_one() -> None:
    told = Told(
        [*opening(), Step(0, "both", ("b", {"trips": 1, "note": "n"}, 5)), Step(0, "predict", ("scores", "a", None))]
    )
    found = told.db.what_if().edit("riders/a@9.1", {"age": 50}).edit("drivers/b@9.0", {"note": "other"}).run()
    branch = found.branch
    assert branch.view("riders").get("a")["age"] == 50 and branch.view("drivers").get("b")["note"] == "other"
    assert branch.view("drivers").get("b")["trips"] == 1 and branch.event(9).rows == 3
    assert branch.predictions()[0].inputs["age"] == 50
    branch.check()
