"""what_if: a history told again is the story told from the start without, with or with another step."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.replay.fixtures import EVENTS, V1, folders
from tests.vectordb.what_if.story import Step, Told, do, events_of, opening, random_steps, written
from tests.vectordb.world import everything
from vectordb import (
    InvalidInput,
    ManualClock,
    VectorDB,
)
from vectordb.transforms import MinMaxScaler, Pipeline, StandardScaler

GONE = {"redacted", "pruned", "entity_erased", "log_compacted"}
DATA = {"put", "rider", "rows", "both", "delete", "predict", "serve", "fit", "outcome"}


@pytest.mark.parametrize("name", ["erasure", "compaction"])
def test_a_story_with_gaps_is_told_again_without_what_is_gone(name: str) -> None:
    db = VectorDB.replay(V1 / name / EVENTS, clock=ManualClock("2027-01-01T00:00:00Z"))
    before, low = everything(db), db.state.log.pruned
    found = db.what_if(low).run()
    codes = {event.offset: "Erased" if event.type == "redacted" else "InvalidInput"
             for event in db.events(low + 1) if event.type in GONE}  # fmt: skip
    assert codes.items() <= {one.offset: one.code for one in found.refused}.items()
    rest = {one.code for one in found.refused if one.offset not in codes}
    assert rest <= {"UnknownVersion", "UnknownName", "InvalidInput"}, "what rests on it; a fit has no rows any more"
    assert found.replayed == db.head - low - len(found.refused) and found.text() and found.diff().text()
    found.branch.check()
    assert everything(db) == before


@pytest.mark.parametrize("name", folders(V1))
def test_every_story_told_again_unchanged_is_itself(name: str) -> None:
    db = VectorDB.replay(V1 / name / EVENTS, clock=ManualClock("2027-01-01T00:00:00Z"))
    large = name == "digits"
    before = db.digest() if large else everything(db)
    whole = max((event.offset for event in db.events() if event.type in GONE), default=0)
    for after in {db.head // 2} if large else {whole, max(whole, db.head // 2), db.head}:
        found = db.what_if(after).run()
        assert not found.refused and not found.dropped and not found.moved
        assert events_of(found.branch) == events_of(db) and (large or written(found.branch) == written(db))
        assert not found.diff() and found.replayed == db.head - after
        assert all(kept.reason.startswith(("it was fitted on moments", "its moments")) for kept in found.kept)
        found.branch.check()
    assert (db.digest() if large else everything(db)) == before


@pytest.mark.parametrize("seed", range(5))
def test_a_dropped_step_is_the_story_without_it(seed: int) -> None:
    random = Random(seed)
    steps = [*opening(), *random_steps(random, 40)]
    told = Told(steps)
    before = everything(told.db)
    places = [place for place, step in enumerate(steps) if step.kind in DATA and place > 7]
    for place in random.sample(places, 5):
        found = told.db.what_if().drop(told.offsets[place]).run()
        without = [*steps[:place], Step(steps[place].wait, "none"), *steps[place + 1 :]]
        expected = Told(list(waited(without)))
        assert written(found.branch) == written(expected.db), steps[place]
        assert not found.refused and found.dropped == (told.offsets[place],)
        assert stale(found.kept), "outputs of people are kept, and said to be"
        assert told.db.audit.diff(told.db, found.branch).counts == found.diff().counts
    assert everything(told.db) == before


def waited(steps: list[Step]) -> list[Step]:
    """The steps without those that do nothing; their time passes all the same."""
    found, wait = [], 0
    for step in steps:
        wait += step.wait
        if step.kind != "none":
            found.append(step._replace(wait=wait))
            wait = 0
    return found


def stale(kept: Any) -> bool:
    return all(one.name.startswith("ages/") and "none was given" in one.reason for one in kept)


@pytest.mark.parametrize("seed", range(4))
def test_an_edited_step_is_the_story_with_other_values(seed: int) -> None:
    random = Random(seed)
    steps = [*opening(), *random_steps(random, 40)]
    told = Told(steps)
    for place in [place for place, step in enumerate(steps) if step.kind in ("put", "rider", "rows")][:6]:
        step, offset = steps[place], told.offsets[place]
        new = {"age": 9, "score": -1.0} if step.given[0] == "riders" else {"trips": 7, "city": "Kyiv", "note": "ß"}
        if step.kind == "rows":
            row = len(step.given[1]) - 1
            entity, values = step.given[1][row]
            version = f"{step.given[0]}/{entity}@{offset}.{row}"
            other = step._replace(given=(step.given[0], [*step.given[1][:row], (entity, {**values, **new})]))
        else:
            version = f"{step.given[0]}/{step.given[1]}@{offset}"
            other = step._replace(given=(*step.given[:2], {**step.given[2], **new}, step.given[3]))
        found = told.db.what_if().edit(version, new).run()
        assert written(found.branch) == written(Told([*steps[:place], other, *steps[place + 1 :]]).db), step
        assert not found.refused and found.after == offset - 1


@pytest.mark.parametrize("seed", range(3))
def test_an_added_step_is_the_story_with_it(seed: int) -> None:
    random = Random(seed)
    steps = [*opening(), *random_steps(random, 30)]
    told = Told(steps)
    extra = Step(0, "rider", ("riders", "a", {"age": 77, "score": 7.0}, None))
    for place in random.sample(range(8, 37), 4):
        if not told.offsets[place]:
            continue
        found = told.db.what_if().add(lambda branch: do(branch, extra), after=told.offsets[place]).run()
        expected = Told([*steps[: place + 1], extra, *steps[place + 1 :]])
        assert written(found.branch) == written(expected.db)
        assert not found.refused and found.offset(told.offsets[place]) == told.offsets[place]


@pytest.mark.parametrize("seed", range(2))
def test_a_swapped_pipeline_is_the_story_with_another(seed: int) -> None:
    steps = random_steps(Random(seed), 30)
    told = Told([*opening(), *steps])
    found = told.db.what_if().swap("scores", MinMaxScaler()).run()
    assert written(found.branch) == written(Told([*opening(MinMaxScaler()), *steps]).db)
    assert not found.refused
    changed = {change.name for change in found.diff().definitions}
    assert {"scores"} == changed


def test_a_pipeline_is_swapped_at_the_fork_and_fitted_there() -> None:
    steps = random_steps(Random(3), 30)
    told = Told([*opening(), *steps])
    start = told.offsets[12]
    found = told.db.what_if(start).swap("scores", Pipeline([("scale", MinMaxScaler())])).run()
    branch = found.branch
    assert [event.type for event in branch.events(start + 1, start + 3)] == ["service_defined", "pipeline_fitted"]
    assert branch.service("scores").version == 2 and not found.refused
    for prediction in told.db.predictions("scores"):
        name = found.version(prediction.id)
        assert name is not None
        again = branch.prediction(name)
        assert (again.at, again.entity) == (prediction.at, prediction.entity)
        assert again.pipeline == prediction.pipeline if prediction.offset <= start else again.pipeline > 1
        assert branch.reproduce(name).matches
    gone = told.db.what_if(start).swap("scores", None).run()
    assert {one.type for one in gone.refused} <= {"pipeline_fitted"}
    assert len(gone.branch.predictions("scores")) == len(told.db.predictions("scores"))
    last = gone.branch.record_prediction(gone.branch.service("scores").get("a"), model="sum")
    assert last.pipeline == 0 and gone.branch.reproduce(last.id).matches


def test_a_fitted_pipeline_needs_no_fit() -> None:
    told = Told([*opening(), Step(0, "serve", ("ages", "a", 2.0))])
    fitted = StandardScaler().fit([[1, 1], [2, 3]])
    found = told.db.what_if().swap("ages", fitted).run()
    (prediction,) = found.branch.predictions()
    assert (
        prediction.pipeline == 1 and found.branch.reproduce(prediction.id).inputs and found.branch.head == told.db.head
    )
    with pytest.raises(InvalidInput):
        told.db.what_if(8).swap("ages", StandardScaler().fit([[1], [2]])).run()
    assert [one.type for one in told.db.what_if().swap("ages", StandardScaler().fit([[1], [2]])).run().refused] == [
        "service_defined", "predictions_recorded"]  # fmt: skip
