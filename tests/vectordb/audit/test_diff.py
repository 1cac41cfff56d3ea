"""diff: against a naive comparison of every row, over random ledgers, forks and strangers."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from tests.vectordb.audit.tales import START, Tale
from tests.vectordb.world import FULL, World
from vectordb import Float, Int, InvalidInput, ManualClock, Past, Reader, UnknownName, Vector, VectorDB
from vectordb.audit import Difference, FieldChange, Tally
from vectordb.audit import ground as ground_of_two

Shown = dict[str, tuple[str, str]]


def shown(reader: Reader, view: str) -> dict[Any, tuple[bool, Shown]]:
    """Every written entity by type and id: whether it exists, and of each feature status and bits."""
    if view not in reader.views():
        return {}
    found = {}
    for entity in reader.written_entities(view):
        row = reader.view(view).get(entity)
        cells = {}
        for name, status in row.status.items():
            if status != "missing":
                cells[name] = (str(status), repr(row.cell(name)) if status == "present" else "")
        found[repr(entity)] = (row.found, cells)
    return found


def naive(before: Reader, after: Reader) -> dict[str, dict[str, tuple[str, Any]]]:
    """By view and entity what changed, and the cells that differ: everything is compared."""
    result: dict[str, dict[str, tuple[str, Any]]] = {}
    for view in {*before.views(), *after.views()}:
        was, now = shown(before, view), shown(after, view)
        for entity in {*was, *now}:
            (there, old), (here, new) = was.get(entity, (False, {})), now.get(entity, (False, {}))
            cells = {name for name in {*old, *new} if old.get(name) != new.get(name)}
            change = {(True, False): "removed", (False, True): "added"}.get((there, here), "changed")
            if cells or there != here:
                result.setdefault(view, {})[entity] = (change, cells)
    return result


def told(difference: Difference) -> dict[str, dict[str, tuple[str, Any]]]:
    return {
        view: {repr(row.entity): (row.change, {cell.feature for cell in row.cells}) for row in rows}
        for view, rows in difference.views().items()
    }


@pytest.mark.parametrize("seed", range(8))
def test_two_offsets_differ_as_a_comparison_of_every_row_says(seed: int) -> None:
    tale = Tale(seed)
    db, random = tale.db, Random(seed)
    for _ in range(12):
        one, other = random.randrange(db.head + 1), random.randrange(db.head + 1)
        found = db.audit.diff(one, other)
        assert told(found) == naive(db.as_of(one), db.as_of(other)), (one, other)
        assert bool(found) or one == other or db.digest(one) != db.digest(other)
        back = db.audit.diff(other, one)
        assert [(row.entity, row.view) for row in back.rows] == [(row.entity, row.view) for row in found.rows] or (
            sorted(map(repr, told(back))) == sorted(map(repr, told(found)))
        )


@pytest.mark.parametrize("seed", range(8))
def test_two_clocks_differ_by_what_expires_and_what_was_dated_ahead(seed: int) -> None:
    tale = Tale(seed, 40)
    db = tale.db
    tale.clock.advance(1000)
    times = [START + second for second in range(0, int(tale.clock() / 1e6 - START), 130)]
    for one in times:
        before, after = db.as_of(time=one), db.as_of(time=times[-1])
        assert told(db.audit.diff(before, after)) == naive(before, after), one
    for back in (500, tale.clock() // 1_000_000 - START - 60):  # the last lies before what was recorded
        same = Past(db.state, db.head, after.clock() - back * 1_000_000)
        assert told(db.audit.diff(db, same)) == naive(db, same)


@pytest.mark.parametrize("seed", range(8))
def test_a_fork_differs_from_its_parent_by_what_both_did_since(seed: int) -> None:
    tale = Tale(seed, 40)
    db, at = tale.db, tale.db.head
    other = Tale(seed + 100, 0)
    other.clock = tale.clock
    other.db = db.fork(at)
    deeper = other.db.fork(at - 5)
    for _ in range(12):
        tale.step()
        other.step()
    assert told(db.audit.diff(db, other.db)) == naive(db, other.db)
    assert told(db.audit.diff(at - 3, other.db)) == naive(db.as_of(at - 3), other.db)
    assert told(db.audit.diff(deeper, db)) == naive(deeper, db)
    again = VectorDB.replay(other.db.events(), clock=tale.clock)
    assert told(db.audit.diff(again, db)) == naive(again, db), "strangers are compared row by row"
    assert not db.audit.diff(again, other.db)


def test_only_what_was_touched_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.drivers.put_many({"driver": [f"d-{place}" for place in range(500)], "trips": [1] * 500})
    at = world.db.head
    world.put("d-7", trips=2)
    read: list[Any] = []
    packed = Past.packed

    def counted(self: Past, view: str, entity: Any, at: int) -> Any:
        read.append(entity)
        return packed(self, view, entity, at)

    monkeypatch.setattr(Past, "packed", counted)
    assert [row.entity for row in world.db.audit.diff(at, world.db.head).rows] == ["d-7"]
    branch = world.db.fork(at)
    branch.view("drivers").put("d-9", {"trips": 5})
    assert [row.entity for row in world.db.audit.diff(world.db, branch).rows] == ["d-7", "d-9"]
    assert len(read) == 6, read


def test_bits_are_compared_and_versions_are_not() -> None:
    world = World()
    world.put("d", rating=0.0)
    world.put("d", rating=0.0)
    world.put("d", rating=-0.0)
    assert not world.db.audit.diff(2, 3) and not world.db.audit.diff(2, 3).rows
    (row,) = world.db.audit.diff(3, 4).rows
    (cell,) = row.cells
    assert (repr(cell.before), repr(cell.after)) == ("0.0", "-0.0")
    assert (cell.version_before, cell.version_after) == ("drivers/d@3", "drivers/d@4")


def test_definitions_name_the_field_that_changed() -> None:
    world = World()
    db = world.db
    db.create_view("drivers", entity="driver", features={"trips": Int(default=1), "age": Int()}, ttl=9, replace=True)
    db.create_model("risk", "linear", features=["trips"], coefficients=[1.0], intercept=0.0)
    db.create_model("risk", "linear", features=["trips"], coefficients=[2.0], intercept=0.0, replace=True)
    db.mark("release")
    found = db.audit.diff(1, db.head)
    view, model, mark = found.definitions
    assert (view.kind, view.name, view.change, view.before, view.after) == ("view", "drivers", "changed", 1, 2)
    fields = {one.field: (one.before, one.after) for one in view.fields}
    assert fields["features.trips.default"] == (0, 1) and fields["ttl"] == (None, 9_000_000)
    assert fields["features.age"][0] is None and fields["features.rating"][1] is None
    assert (model.change, model.before, model.after, mark) == (
        "added",
        None,
        2,
        ("mark", "release", "added", None, 5, ()),
    )
    assert db.audit.diff(db.head, 1).definitions[1].change == "removed"
    (changed,) = db.audit.diff(3, 4).definitions
    assert changed.fields == (FieldChange("parameters.coefficients", [1.0], [2.0]),)


def test_the_order_of_features_is_a_difference_too() -> None:
    db = VectorDB()
    db.create_view("v", entity="e", features={"a": Int(), "b": Int()})
    db.create_view("v", entity="e", features={"b": Int(), "a": Int()}, replace=True)
    (changed,) = db.audit.diff(1, 2).definitions
    assert [field.field for field in changed.fields] == ["features"]


def test_neighbours_that_differ() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"at": Vector(2, metric="euclidean")})
    view.put_many({"e": ["a", "b", "c"], "at": [[0, 0], [1, 0], [9, 9]]})
    view.put("a", {"at": [5, 5]})
    view.put("b", {"at": [2, 0]})
    queries = [("v", "at", [0, 0], 2), ("v", "at", [9, 9], 1)]
    (one,) = db.audit.diff(2, 4, neighbours=queries).neighbours
    assert (one.query, one.entered, one.left, one.moved) == (0, (), (), (("b", 1.0, 2.0), ("a", 0.0, 50**0.5))[::-1])
    view.put("c", {"at": [0, 1]})
    (one, two) = db.audit.diff(2, 5, neighbours=queries).neighbours
    assert one.entered == (("c", 1.0),) and one.left == (("a", 0.0),) and one.moved == (("b", 1.0, 2.0),)
    assert two.query == 1
    assert [hit[0] for hit in db.audit.diff(0, 2, neighbours=queries).neighbours[0].entered] == ["a", "b"]
    with pytest.raises(InvalidInput):
        db.audit.diff(0, 1, neighbours=[("v", "at")])


def test_tallies_by_metric_and_arm() -> None:
    tale = Tale(3, 0, rich=True)
    experiment = tale.db.experiment("look")
    experiment.expose_many([f"u-{number}" for number in range(20)])
    at = tale.db.head
    arm = experiment.assign("u-1").arm
    experiment.record("u-1", "buy", 4.0)
    (change,) = tale.db.audit.diff(at, at + 1).tallies
    units = sum(one.arm == arm for one in experiment.assign_many([f"u-{number}" for number in range(20)]))
    assert (change.experiment, change.metric, change.arm) == ("look", "buy", arm)
    assert change.before == Tally(units, 0.0, 0.0)
    assert change.after is not None and (change.after.units, change.after.mean) == (units, 4.0 / units)
    tale.put()
    assert not tale.db.audit.diff(at + 1, at + 2).tallies
    first = tale.db.audit.diff(0, at).tallies
    assert {one.metric for one in first} == {"", "buy"} and all(one.before is None for one in first)
    assert {one.arm: one.after.units for one in first if not one.metric and one.after}[arm] == units


def served(tale: Tale) -> tuple[str, str]:
    """Two predictions of one entity, with a write between."""
    db = tale.db
    one = db.record_prediction(db.service("scores").get("a"), model="sum")
    db.view("riders").put("a", {"age": 9, "score": 0.5})
    tale.clock.advance(5)
    return one.id, db.record_prediction(db.service("scores").get("a"), model="sum").id


def test_two_predictions_input_by_input() -> None:
    tale = Tale(1, 0, rich=True)
    one, other = served(tale)
    found = tale.db.audit.diff(one, tale.db.prediction(other))
    (change,) = found.predictions
    age, score = change.inputs
    assert (age.feature, age.before, age.after, age.status_before) == ("age", 1, 9, "present")
    assert (age.version_before, age.version_after) == ("riders/a@3.0", "riders/a@10")
    assert score.before == score.after == 0.5 and score.version_before != score.version_after
    rows = [tale.db.service("scores")._at(tale.db.as_of(prediction=name)).get("a") for name in (one, other)]
    fields = {field.field: (field.before, field.after) for field in change.fields}
    assert fields["transformed.age"] == (rows[0]["age"], rows[1]["age"])
    assert change.output == FieldChange("output", *fields["output"])
    assert fields["output"] == tuple(tale.db.prediction(name).output for name in (one, other))
    assert not tale.db.audit.diff(one, one) and tale.db.audit.diff(one, one).counts["predictions"] == 0
    assert json.loads(json.dumps(found.to_dict()))["predictions"][0]["change"] == "changed"


def test_predictions_of_other_services_and_other_ledgers() -> None:
    tale = Tale(1, 0, rich=True)
    one, _ = served(tale)
    db = tale.db
    plain = db.record_prediction(db.service("ages").get("a"), model="human", output=1)
    (change,) = db.audit.diff(one, plain).predictions
    inputs = {cell.feature: (cell.status_before, cell.status_after) for cell in change.inputs}
    assert inputs["score"] == ("present", "undefined") and inputs["km"] == ("undefined", "present")
    assert {"service", "model", "pipeline"} <= {field.field for field in change.fields}
    stranger = VectorDB.replay(db.events(), clock=tale.clock)
    (change,) = db.audit.diff(plain, stranger.prediction(one)).predictions
    assert "transformed" in {field.field for field in change.fields}, "its digest alone is known here"
    for wrong in (3, None):
        with pytest.raises(InvalidInput):
            db.audit.diff(one, wrong)


def test_predictions_of_two_states() -> None:
    tale = Tale(1, 0, rich=True)
    at = tale.db.head
    one, other = served(tale)
    found = tale.db.audit.diff(at, tale.db.head)
    assert [(change.change, change.before, change.after) for change in found.predictions] == [
        ("added", None, one), ("added", None, other)]  # fmt: skip
    branch = tale.db.fork(at)
    tale.clock.set(tale.db.prediction(one).at)
    branch.view("riders").put("a", {"age": 5})
    branch.record_prediction(branch.service("scores").get("a"), model="sum")
    changed, removed = tale.db.audit.diff(tale.db, branch).predictions
    assert (changed.change, changed.before, removed.change, removed.before) == ("changed", one, "removed", other)
    assert [cell.feature for cell in changed.inputs] == ["age"] and changed.output is not None


def test_a_limit_cuts_what_is_listed_and_not_what_is_counted() -> None:
    world = World()
    world.drivers.put_many({"driver": ["b", "a", 2, ("t", 1)], "trips": [1, 2, 3, 4]})
    found = world.db.audit.diff(0, 2, limit=2)
    assert [row.entity for row in found.rows] == [2, "a"], "ints, then texts, then tuples"
    assert found.counts["rows"] == 4 and found.truncated and "(2 more)" in str(found)
    assert not world.db.audit.diff(0, 2).truncated
    none = world.db.audit.diff(0, 2, limit=0)
    assert none and not none.rows
    for wrong in (-1, 1.5, True):
        with pytest.raises(InvalidInput):
            world.db.audit.diff(0, 1, limit=wrong)


def test_views_may_be_picked() -> None:
    tale = Tale(5, 30)
    head = tale.db.head
    assert set(tale.db.audit.diff(0, head, views=["riders"]).views()) == {"riders"}
    assert tale.db.audit.diff(0, head, views="riders") == tale.db.audit.diff(0, head, views=["riders"])
    with pytest.raises(UnknownName):
        tale.db.audit.diff(0, head, views=["nothing"])
    with pytest.raises(InvalidInput):
        tale.db.audit.diff(0, 2.5)


def test_the_text_and_the_plain_data() -> None:
    world = World()
    world.put("d-7", **FULL)
    world.put("d-7", trips=2, city=None)
    world.put("d-8", trips=3)
    world.drivers.delete("d-7")
    db = world.db
    assert str(db.audit.diff(2, 3)) == ('2 -> 3: 1 row\nrows of drivers\n  ~ "d-7"  trips 1 -> 2, city "Rome" -> null')
    text = db.audit.diff(3, 5).text()
    assert '- "d-7"  trips 2, rating 4.5, city null' in text and '+ "d-8"  trips 3' in text
    assert str(db.audit.diff(5, 5)) == "5 -> 5: no difference"
    data = json.loads(json.dumps(db.audit.diff(0, 5).to_dict()))
    assert data["counts"]["rows"] == 1 and data["rows"][0]["entity"] == "d-8"
    assert data["definitions"][0]["kind"] == "view"
    with pytest.raises(AttributeError):
        db.audit.diff(0, 1).rows = ()  # type: ignore[misc]


def test_every_section_has_a_line() -> None:
    tale = Tale(2, 0, rich=True)
    served(tale)
    tale.db.view("drivers").put("x", {"place": [1, 2, 3]})
    tale.db.experiment("look").expose("u-1")
    tale.db.mark("m")
    found = tale.db.audit.diff(0, tale.db.head, neighbours=[("drivers", "place", [0, 0, 0], 1)])
    text = found.text()
    for part in ("+ view drivers", "+ scores/a@9", 'neighbours\n  ~ query 0 of drivers:place  +"x"', "exposed to"):
        assert part in text, text
    moved = tale.db.audit.diff(found.after and tale.db.head - 2, 0, neighbours=[("drivers", "place", [0, 0, 0], 1)])
    assert '-"x" at' in moved.text()
    wide = tale.db.audit.diff(0, 1).text()
    assert wide.count("\n") == 2


def test_a_redefinition_without_effect_changes_no_row() -> None:
    world = World()
    world.put("d", **FULL)
    features = {"trips": Int(default=5), "rating": Float(), "city": world.drivers.definition.features["city"]}
    world.db.create_view("drivers", entity="driver", features={**features, "more": Int(default=1)}, replace=True)
    found = world.db.audit.diff(2, 3)
    assert not found.rows and found.definitions


def test_a_fork_outlives_the_state_of_its_parent() -> None:
    world = World()
    world.put("d", **FULL)
    branch = VectorDB.replay(world.db.events(), clock=ManualClock(START)).fork(2)
    assert ground_of_two.common_offset(branch.as_of(1), branch.as_of(2)) == 1
    assert ground_of_two.common_offset(branch.as_of(1), world.db.as_of(2)) is None
    assert not branch.audit.diff(branch, world.db).rows
