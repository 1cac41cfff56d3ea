"""Where predictions stand in the log, by service and entity, as of any offset."""

from __future__ import annotations

from ledger import ROW_BITS, ROW_MASK
from vectordb import Int, VectorDB


def test_references_in_order_up_to_a_limit() -> None:
    db = VectorDB()
    db.create_view("v", entity="e", features={"x": Int(default=1)})
    first, second = (db.create_service(name, features=["v:x"]) for name in ("first", "second"))
    db.record_predictions(first.get_many(["a", 1, "1", "a"]), model="m@1", outputs=[1, 2, 3, 4])
    db.record_prediction(second.get("a"), model="m@1", output=5)
    db.record_prediction(first.get("a"), model="m@1", output=6)
    found = db.state.predictions
    limit = db.head << ROW_BITS | ROW_MASK
    base = 4 << ROW_BITS
    everything = [base, base | 1, base | 2, base | 3, 5 << ROW_BITS, 6 << ROW_BITS]
    assert list(found.refs(limit)) == everything
    assert list(found.refs(limit, "first")) == [*everything[:4], everything[5]]
    assert list(found.refs(limit, "first", "a")) == [base, base | 3, everything[5]]
    assert list(found.refs(limit, "first", 1)) == [base | 1] and list(found.refs(limit, "first", "1")) == [base | 2]
    assert list(found.refs(5 << ROW_BITS | ROW_MASK)) == everything[:5]
    assert list(found.refs(3 << ROW_BITS | ROW_MASK)) == list(found.refs(limit, "third")) == []
    assert found.counts() == {"predictions": 6}
    found.check()
