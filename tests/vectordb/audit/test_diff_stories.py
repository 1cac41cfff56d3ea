"""diff and what_if over the stored stories."""

from __future__ import annotations

import pytest

from tests.replay.fixtures import EVENTS, V1, folders
from tests.vectordb.audit.test_diff import naive, told
from vectordb import ManualClock, VectorDB


def stored(name: str) -> VectorDB:
    return VectorDB.replay(V1 / name / EVENTS, clock=ManualClock("2027-01-01T00:00:00Z"))


@pytest.mark.parametrize("name", [name for name in folders(V1) if name != "digits"])
def test_stories_differ_as_a_comparison_of_every_row_says(name: str) -> None:
    db = stored(name)
    low = db.state.log.pruned
    for one, other in ((low, db.head), (max(low, db.head // 2), db.head), (db.head, max(low, db.head // 3))):
        assert told(db.audit.diff(one, other)) == naive(db.as_of(one), db.as_of(other))
    assert told(db.audit.diff(db.head, db)) == naive(db.as_of(db.head), db), "what expired since"


def test_a_six_that_was_scanned_upside_down() -> None:
    db = stored("digits")
    digest = db.digest()
    seen = db.predictions("reader", "scan-0006")
    (change,) = db.audit.diff(seen[0].id, seen[-1].id).predictions
    assert change.output is not None
    assert [output.index(max(output)) for output in change.output[1:]] == [9, 6]
    found = db.what_if().drop(27).run()  # had nobody corrected it
    difference = found.diff()
    assert (difference.counts["rows"], difference.counts["predictions"]) == (1, 3) and not found.refused
    assert {one.before for one in difference.predictions} == {
        prediction.id for prediction in db.predictions(entity="scan-0006") if prediction.offset > 27
    }
    name = found.version(seen[-1].id)
    assert name is not None and found.branch.prediction(name).output == seen[0].output
    assert db.audit.what_if(seen[-1].id, seen[0].inputs).output == seen[0].output
    assert (db.head, db.digest()) == (97, digest)
