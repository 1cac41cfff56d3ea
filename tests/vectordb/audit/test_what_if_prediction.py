"""audit.what_if: a prediction with other inputs is what a branch with those features would have predicted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.replay.fixtures import EVENTS, V1
from tests.vectordb.audit.tales import Tale
from vectordb import Erased, InvalidInput, ManualClock, VectorDB
from vectordb.what_if import PredictionWhatIf


@pytest.fixture
def tale() -> Tale:
    return Tale(1, 0, rich=True)


def test_without_a_change_it_is_the_prediction_itself(tale: Tale) -> None:
    db = VectorDB.replay(V1 / "pipeline" / EVENTS, clock=ManualClock("2027-01-01T00:00:00Z"))
    for prediction in db.predictions():
        found = db.audit.what_if(prediction, {})
        assert found.transformed == prediction.row.transformed and found.before == prediction.output
        assert found.inputs == () and (found.unchecked or found.changed is False)


def test_a_changed_feature_gives_what_a_branch_with_it_gives(tale: Tale) -> None:
    db = tale.db
    prediction = db.record_prediction(db.service("scores").get("b"), model="sum")
    head, digest = db.head, db.digest()
    found = db.audit.what_if(prediction.id, {"age": 40})
    branch = db.fork(prediction.as_of)
    branch.view("riders").put("b", {"age": 40})
    other = branch.record_prediction(branch.service("scores").get("b"), model="sum")
    assert found.output == other.output != prediction.output and found.changed is True
    assert found.transformed == other.row.transformed
    assert dict(found.row) == branch.service("scores").get("b").to_dict()
    assert [tuple(one) for one in found.inputs] == [("age", 2, 40)]
    assert found.row.vector() == branch.service("scores").get("b").vector()  # type: ignore[attr-defined]
    assert found.row.inputs["age"] == 40 and len(found.row) == 2  # type: ignore[attr-defined]
    assert (db.head, db.digest()) == (head, digest)
    told = json.loads(json.dumps(found.to_dict()))
    assert told["inputs"] == [{"field": "age", "before": 2, "after": 40}] and told["output"] == found.output


def test_it_is_asked_of_what_was_pinned_whatever_came_later(tale: Tale) -> None:
    db = tale.db
    prediction = db.record_prediction(db.service("scores").get("a"), model="sum")
    before = db.audit.what_if(prediction, {"score": 3.5})
    db.view("riders").put("a", {"age": 100, "score": 100.0})
    db.service("scores").fit()
    db.create_model("sum", "linear", features=["age"], coefficients=[9.0], intercept=0.0, replace=True)
    assert db.audit.what_if(prediction, {"score": 3.5}) == before
    assert db.as_of(prediction.offset).audit.what_if(prediction.id, {"score": 3.5}) == before


def test_a_model_may_be_given_and_is_needed_where_none_is_data(tale: Tale) -> None:
    db = tale.db
    row = db.service("ages").get("a", request={"km": 2.0})
    prediction = db.record_prediction(row, model="human", output=7.0)
    found = db.audit.what_if(prediction, {"km": 5})
    assert (
        found.unchecked and found.output is None and found.changed is None and dict(found.row) == {"age": 1, "km": 5.0}
    )
    asked = []
    db.audit.what_if(prediction, {"km": 5}, model=lambda row: asked.append((row.to_dict(), row.vector())))
    assert asked == [({"age": 1, "km": 5.0}, [1, 5.0])]
    again = db.audit.what_if(prediction, {"km": 5}, model=lambda row: row["age"] + row["km"])
    assert (again.output, again.before, again.transformed) == (6.0, 7.0, "") and isinstance(again, PredictionWhatIf)
    db.create_model("one", "linear", features=["age"], coefficients=[1.0], intercept=0.0)
    other = db.record_prediction(row, model="one")
    assert db.audit.what_if(other, {"age": 3}).output == 3.0
    assert "numbers" in db.audit.what_if(other, {"age": None}).unchecked


@pytest.mark.parametrize("values", [{"height": 1}, {"age": "old"}, {"age": 1.5}])
def test_what_the_service_does_not_take_is_refused(tale: Tale, values: dict[str, Any]) -> None:
    prediction = tale.db.record_prediction(tale.db.service("ages").get("a"), model="human", output=1)
    with pytest.raises(InvalidInput):
        tale.db.audit.what_if(prediction, values)


def test_what_is_pinned_outlives_a_compaction_and_not_an_erasure() -> None:
    db = Tale(1, 0, rich=True).db
    one, other = (db.record_prediction(db.service("scores").get(name), model="sum") for name in "ab")
    expected = db.audit.what_if(one, {"age": 9})
    db.view("riders").put("a", {"age": 1, "score": 0.0})
    db.compact(below=db.head)
    assert db.audit.what_if(one, {"age": 9}) == expected and expected.changed
    db.erase("riders", "b", reason="asked")
    with pytest.raises(InvalidInput):
        db.audit.what_if(one, None)  # type: ignore[arg-type]
    for asked in (other, other.id):
        with pytest.raises(Erased):
            db.audit.what_if(asked, {"age": 9})
