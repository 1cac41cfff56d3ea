"""Derived writes as operations of a workload, and the lineage that a model of plain edges gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ledger import ROW_BITS, ROW_MASK, render_version
from tests.simulation.instants import given
from vectordb import Erased, Pruned, UnknownVersion

if TYPE_CHECKING:
    from tests.simulation.workload import Workload

Place = tuple[int, int]  # offset and row


def derive(work: Workload) -> None:
    """A put that says what it was derived from: rows that are there."""
    there = [write for writes in work.model.writes.values() for write in writes if write.offset >= max(1, work.pruned)]
    if not there:
        return
    sources = [(write.offset, write.row) for write in work.random.sample(there, min(len(there), 3))]
    view, entity = work.pick()
    values, event_time = work.values(view, True), work.event_time()
    work.note(view, entity, "derived", *work.about(view, values, event_time))
    names = [name_of(work, place) for place in sources]
    work.model.write([(view, entity, event_time, values)], work.now())
    work.model.edges.update((source, (work.model.head, 0)) for source in sources)
    work.db.view(view).put(entity, values, event_time=given(event_time), derived_from=names, transformation="simulated")


def name_of(work: Workload, place: Place) -> str:
    """The version id of a row."""
    log, ref = work.db.state.log, place[0] << ROW_BITS | place[1]
    return render_version(*log.owner(ref), ref, log.rows_at(place[0]))


def check_lineage(work: Workload) -> None:
    """What a row was derived from, and what from it, as of an offset; and that what is gone can be no source."""
    edges = sorted(work.model.edges)
    if not edges:
        return
    source, target = work.random.choice(edges)
    past = work.db.as_of(work.random.randint(work.pruned, work.db.head))
    offset = past.as_of_offset
    if offset >= target[0]:
        cone = past.lineage.cone(name_of(work, target))
        assert {(ref >> ROW_BITS, ref & ROW_MASK) for ref in cone.refs} == behind(work, target) | {target}
    try:
        name = name_of(work, source)
    except (Erased, Pruned):
        was_pruned = source[0] < work.pruned  # of what was erased too, the first that took it says so
        with pytest.raises((UnknownVersion, Pruned)[source not in work.model.erased : 1 + was_pruned]):
            work.db.state.log.owner(source[0] << ROW_BITS | source[1])
        return
    if offset >= source[0]:
        found = past.lineage.downstream(name).nodes
        shown = {(node.offset, node.row) for node in found if node.kind == "version"} - {source}
        assert shown == {place for place in after(work, source) if place[0] <= offset}


def behind(work: Workload, place: Place) -> set[Place]:
    """All that a row was derived from."""
    return closure({(target, source) for source, target in work.model.edges}, place)


def after(work: Workload, place: Place) -> set[Place]:
    """All that was derived from a row."""
    return closure(work.model.edges, place)


def closure(edges: set[tuple[Place, Place]], start: Place) -> set[Place]:
    """Every place that edges lead to."""
    found: set[Place] = set()
    ahead = [start]
    while ahead:
        place = ahead.pop()
        new = {target for source, target in edges if source == place} - found
        found |= new
        ahead += new
    return found
