"""The ground of two states: the events that both have, and what has been touched since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import ref

from ledger import (
    Entity,
    ExperimentDefined,
    ExposuresRecorded,
    OutcomesRecorded,
    SingleRow,
    VectorDBError,
    header_of,
)

if TYPE_CHECKING:
    from vectordb.past import Past
    from vectordb.state import State

Entities = dict[Entity, None]
GROUND: Final = "ground of forks"  # the key of a mark that an erasure or a compaction lets go
REDACTED: Final = "redacted"  # the type of an event whose values were destroyed: nobody knows what it wrote


class Forked(NamedTuple):
    """Where a fork left the state of its parent, as long as that is in memory.

    ``ground`` is what the parent kept aside then. An erasure lets go what is aside, on either side: from then on one of
    the two holds values that the other lost, and their events are the same no more.
    """

    parent: ref[State]
    offset: int
    ground: object


def note_fork(branch: State, parent: State, offset: int) -> None:
    """Remember a fork's parent: its header would say too, but only once every digest is computed."""
    branch.aside[Forked] = Forked(ref(parent), offset, parent.aside.setdefault(GROUND, object()))


def common_offset(before: Past, after: Past) -> int | None:
    """The last offset up to which both have the very same events; None where neither comes from the other."""
    others = {id(state): limit for state, limit in _ancestry(after)}
    for state, limit in _ancestry(before):
        if id(state) in others:
            return min(limit, others[id(state)])
    return None


def _ancestry(past: Past) -> Iterable[tuple[State, int]]:
    """The states whose events a past has, each up to an offset."""
    state, limit = past.state, past.as_of_offset
    while True:
        yield state, limit
        forked: Forked | None = state.aside.get(Forked)
        parent = None if forked is None else forked.parent()
        if forked is None or parent is None or parent.aside.get(GROUND) is not forked.ground:
            return
        state, limit = parent, min(limit, forked.offset)


@dataclass
class Touched:
    """What some events wrote. ``whole``: not all of them could be read, so anything may have been written."""

    rows: dict[str, Entities] = field(default_factory=dict)
    experiments: set[str] = field(default_factory=set)
    whole: bool = False

    def add(self, fact: Any) -> None:
        """Take in an event. 0.3 us an entity."""
        self.whole = self.whole or fact.type == REDACTED
        if isinstance(fact, SingleRow):
            self.rows.setdefault(fact.layout.view, {})[fact.entity] = None
        elif isinstance(fact, ExperimentDefined):
            self.experiments.add(fact.definition.name)
        elif isinstance(fact, (ExposuresRecorded, OutcomesRecorded)):
            self.experiments.add(fact.experiment.partition("@")[0])
        for block in fact.blocks() if not isinstance(fact, SingleRow) else ():
            self.rows.setdefault(block.layout.view, {}).update(dict.fromkeys(block.entities))


def touched_since(past: Past, start: int | None) -> Touched:
    """What the events after an offset wrote; everything for None, without reading them. 2 us an event."""
    found = Touched()
    if start is None:
        found.whole = True
        return found
    log = past.state.log
    for offset in range(start + 1, past.as_of_offset + 1):
        try:
            found.add(log.event(offset).fact)
        except VectorDBError:  # erased or pruned: what it wrote is not known any more
            found.whole = True
            return found
    return found


def aged_between(past: Past, view: str, common: int, first: int, last: int) -> Entities | None:
    """Entities with a write of the common events dated from ``first`` to before ``last``: those that expire between.

    Such a write was recorded at ``first`` or later, so only events from then on are read; None where the view has
    fewer entities than that, or some event cannot be read.
    """
    log = past.state.log
    start = log.offset_at(first - 1) + 1
    if common - start > 4 * len(past.state.rows.tables[view].rows):
        return None
    found: Entities = {}
    for offset in range(start, common + 1):
        try:
            fact = log.event(offset).fact
        except VectorDBError:
            return None
        if fact.type == REDACTED:
            return None
        for block in fact.blocks():
            if block.layout.view == view:
                found.update((entity, None) for entity, row in block if first <= header_of(row)[1] < last)
    return found
