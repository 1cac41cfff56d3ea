"""Refusals: writes that are answered without being written, or refused, as operations of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vectordb import IdempotencyConflict, OffsetConflict, VectorDBError

if TYPE_CHECKING:
    from tests.simulation.workload import Workload


def retry(work: Workload) -> None:
    """A write again with its idempotency key: answered, not written; with other arguments refused."""
    if not work.keys:
        return
    _, view, entity, values, options = work.random.choice(work.keys)
    known = work.model.definitions[view][-1].features
    if not set(values) <= set(known):
        return  # a feature was removed since: the same call is now refused
    before = work.db.head
    receipt = work.db.view(view).put(entity, values, **options)
    assert receipt.replayed
    assert receipt.offset <= before
    with pytest.raises(IdempotencyConflict):
        work.db.view(view).put(entity, values, **{**options, "event_time": 1})
    assert work.db.head == before
    work.note(view, entity, "retry")


def refused(work: Workload) -> None:
    """Writes that break a rule: nothing changes."""
    view, entity = work.pick()
    name = work.random.choice(list(work.model.definitions[view][-1].features))
    bad: Any = {"trips": 1.5, "rating": float("nan"), "active": 1, "city": True, "bio": b"x", "seen": "2020-01-01"}
    before, digest = work.db.head, work.db.digest()
    target = work.db.view(view)
    with pytest.raises(VectorDBError):
        target.put(entity, {name: bad.get(name, [1.0, float("inf"), 0.0])})
    with pytest.raises(VectorDBError):
        target.put(entity, {"no_such_feature": 1})
    with pytest.raises(VectorDBError):
        target.put_many({"thing": [entity, 1.5], name: [work.value(name)] * 2})
    with pytest.raises(VectorDBError), work.db.transaction() as tx:
        tx.view(view).put(entity, {name: work.value(name)})
        tx.view(view).put(entity, {name: bad.get(name, [1.0])})
    assert (work.db.head, work.db.digest()) == (before, digest)
    work.note(view, entity, "refused")


def expected(work: Workload) -> None:
    """A write with the right ``expected_offset``, after one with a wrong one."""
    view, entity = work.pick()
    values, right = work.values(view, True), work.model.last_offset(view, entity)
    with pytest.raises(OffsetConflict):
        work.db.view(view).put(entity, values, expected_offset=right + 1)
    work.note(view, entity, "expected", *work.about(view, values, None))
    work.model.write([(view, entity, None, values)], work.now())
    work.db.view(view).put(entity, values, expected_offset=right)
