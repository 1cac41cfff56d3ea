"""What was made of erased values is told as unfounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import Erased, ManualClock, UnknownVersion
from tests.vectordb.erasing.history import START, SUBJECT, opened, secretive
from vectordb import VectorDB
from vectordb.audit import Unfounded


def entangled(db: VectorDB) -> VectorDB:
    """Beside the subject: a version derived from it, one from that, a pipeline, a training set, and predictions."""
    secretive(db)
    visits = db.view("visits")
    visits.put("p2", {"rate": 0.75}, derived_from="visits/p1@18")
    service = db.create_service("visited", features=["visits:rate"])
    db.record_prediction(service.get("p2"), model="m", output=1.0)
    db.record_prediction(service.get("p3"), model="m", output=1.0)
    db.record_prediction(db.service("scaled").get("p1"), model="m", output=1.0)
    times = {"person": ["p1", SUBJECT], "time": [db.at, db.at]}
    db.record_training_set("week_1", db.create_service("plain", features=["people:rate"]).training_set(times))
    return db


def test_what_was_made_of_it_is_reported_and_unfounded(tmp_path: Path) -> None:
    db = entangled(opened(tmp_path / "events.jsonl"))
    with pytest.raises(UnknownVersion):
        db.audit.unfounded("people/nobody@3")
    through, apart, scaled = [found.id for found in db.predictions()][-3:]
    derived = [version.id for name in ("p1", "p2") for version in db.view("visits").history(name)]
    radius = db.audit.blast_radius("people", SUBJECT)
    assert list(radius.derived) == derived and radius.pipelines == ("scaled#1",)
    assert radius.training_sets == ("week_1",) and set(radius.served) == {through, scaled}
    assert db.audit.unfounded() == ()
    done = db.erase("people", SUBJECT, reason="request 7")
    reason = f"rests on values of the view people that event {done.offset} erased: request 7"
    wanted = [*derived, "pipeline:scaled#1", "training_set:week_1"]
    db.close()
    for lazy in (False, True):
        with VectorDB.open(tmp_path / "events.jsonl", clock=ManualClock(START), lazy=lazy) as again:
            assert again.audit.unfounded() == tuple(Unfounded(what, done.offset, reason) for what in wanted)
            for what in (*wanted, through, scaled):
                assert again.audit.unfounded(what) == (Unfounded(what, done.offset, reason),)
            assert again.audit.unfounded(again.prediction(scaled))[0].to_dict() == {
                "id": scaled, "by": done.offset, "reason": reason}  # fmt: skip
            assert again.audit.unfounded(again.view("visits").history("p2")[0])[0].id == derived[-1]
            assert again.audit.unfounded(apart) == () == again.audit.unfounded("pipeline:scored#1")
            assert again.as_of(done.offset - 1).audit.unfounded() == ()
            found = again.reproduce(through)
            assert found.matches and found.unfounded == (reason,)
            assert again.reproduce(apart).unfounded == ()
            with pytest.raises(Erased):
                again.audit.unfounded(f"people/{SUBJECT}@3")
            with pytest.raises(UnknownVersion):
                again.audit.unfounded("people/nobody@3")


def test_what_is_erased_later_is_no_longer_unfounded() -> None:
    db = entangled(opened(None))
    left = db.view("visits").history("p2")[0].id
    first = db.erase("people", SUBJECT, reason="request 7")
    second = db.erase("visits", "p1", reason="request 8")
    assert {one.id for one in db.audit.unfounded() if one.by == first.offset} == {
        left, "pipeline:scaled#1", "training_set:week_1"}  # fmt: skip
    assert [one.by for one in db.audit.unfounded(left)] == [first.offset, second.offset]
