"""Lineage: which rows an event was derived from, and which events came of a row."""

from __future__ import annotations

from ledger import ROW_BITS
from projections import contents
from tests.contracts.saga import tell
from vectordb import Int, VectorDB


def ref(offset: int, row: int = 0) -> int:
    return offset << ROW_BITS | row


def test_edges_lead_both_ways() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    view.put("a", {"x": 1})
    view.put_many({"e": ["b", "c"], "x": [1, 2]}, derived_from="v/a@2")
    view.put("d", {"x": 1}, derived_from=["v/c@3.1", "v/a@2", "v/a@2"])
    lineage = db.state.lineage
    assert lineage.upstream(ref(3)) == lineage.upstream(ref(3, 1)) == (ref(2),)
    assert lineage.upstream(ref(4)) == (ref(3, 1), ref(2)) and lineage.upstream(ref(2)) == ()
    assert list(lineage.downstream(ref(2), 99)) == [3, 4] and list(lineage.downstream(ref(3, 1), 99)) == [4]
    assert list(lineage.downstream(ref(2), 3)) == [3] and list(lineage.downstream(ref(3), 99)) == []
    assert lineage.counts() == {"edges": 3}


def test_both_directions_agree_on_everything_that_happened() -> None:
    db = tell()
    lineage = db.state.lineage
    lineage.check()
    for event in db.events():
        for source in lineage.upstream(ref(event.offset)):
            assert event.offset in lineage.downstream(source, db.head)
            assert event.offset not in lineage.downstream(source, event.offset - 1)


def test_edges_are_compared_after_a_compaction_too() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    for x in range(3):
        view.put("a", {"x": x})
    view.put("d", {"x": 1}, derived_from=["v/a@2", "v/a@4"])
    db.compact(below=4)
    lineage = db.state.lineage
    told = {"sources of event 5": (ref(2), ref(4)), "events derived from row 0 of event 2": (5,)}
    assert dict(contents(lineage, 5, True)) == {**told, "events derived from row 0 of event 4": (5,)}
    assert not dict(contents(lineage, 4, True)) and db.audit.verify().ok
    del lineage._down[ref(2)]
    wrong = [check.name for check in db.audit.verify().checks if check.difference is not None]
    assert wrong == ["structure of lineage", "fold of lineage"]
