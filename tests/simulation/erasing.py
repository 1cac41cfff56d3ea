"""Erasures and compactions as operations of a workload: what the log loses, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vectordb import Erased, InvalidInput, Pruned

if TYPE_CHECKING:
    from tests.simulation.workload import Workload


def erase(work: Workload) -> None:
    """Entities of a view are erased: the model never heard of them, but offsets, times and digests stay."""
    view = work.random.choice(work.views)
    stories = [entity for entity in work.entities if work.model.stories.get((view, entity))]
    if not stories:
        with pytest.raises(InvalidInput):  # the others may be units of an experiment, which is something to erase
            work.db.erase(view, "nobody", reason="simulation")
        return
    gone = work.random.sample(stories, min(len(stories), work.random.choice([1, 1, 1, 2])))
    one = work.model.stories[view, gone[0]][-1]
    digests = [work.db.digest(offset) for offset in range(work.db.head + 1)]
    root = work.db.audit.root()
    done = work.db.erase(view, gone, reason="simulation")
    told_erased(work, view, gone, work.now())
    assert 0 < done.lines <= len(done.versions) + len(done.predictions) + sum(done.experiments.values())  # ints
    assert [work.db.digest(offset) for offset in range(len(digests))] == digests
    assert work.db.audit.root(len(digests) - 1) == root
    with pytest.raises(Erased):
        work.db.state.log.owner(one.offset << 24 | one.row)


def told_erased(work: Workload, view: str, gone: list[Any], time: int) -> None:
    """Tell the model."""
    work.model.erase(view, gone, time)
    work.trials.erase(gone)
    work.lessons.erase(gone)
    work.rewritten = work.db.head
    work.keys = [key for key in work.keys if key[1] != view or key[2] not in gone]
    for entity in gone:
        work.note(view, entity, "erase")


def compact(work: Workload) -> int:
    """The log is compacted below an offset; earlier pasts are refused, later ones show what they showed.

    How many rows went; -1: the log was too short.
    """
    first, last = work.pruned + 1, work.db.head - 1
    if last <= first:
        return -1
    below = work.random.randint(first, (first + last) // 2)
    root = work.db.audit.root()
    done = work.db.compact(below=below)
    told_compacted(work, below, work.now())
    assert work.db.audit.root(work.db.head - 1) == root
    with pytest.raises(Pruned):
        work.db.as_of(below - 1)
    return done.rows


def told_compacted(work: Workload, below: int, time: int) -> None:
    """Tell the model."""
    work.model.other(time)
    work.model.let_go({target for _, target in work.model.edges if is_pruned(work, target)})
    work.pruned = below
    work.rewritten = work.db.head
    work.keys = [key for key in work.keys if key[0] >= below]  # those of events that are gone are forgotten with them
    for view, entity in list(work.rules):
        work.note(view, entity, "compact")


def is_pruned(work: Workload, place: tuple[int, int]) -> bool:
    """Whether a compaction let a row go."""
    try:
        work.db.state.log.owner(place[0] << 24 | place[1])
    except Pruned:
        return True
    return False
