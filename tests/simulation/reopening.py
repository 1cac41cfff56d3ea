"""Reopening and following as operations of a workload: checkpoints, lazy files, and a reader that lags behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.simulation.compare import compare_reader
from tests.simulation.serving import check_service
from tests.simulation.trialing import check_trials
from vectordb import VectorDB

if TYPE_CHECKING:
    from tests.simulation.workload import Workload


def saved_of(work: Workload) -> Path:
    """Where a workload keeps its checkpoint."""
    return Path(f"{work.path}.checkpoint")


def checkpoint(work: Workload) -> None:
    """Save what is folded so far; a later reopening finds it as it is, or stale, or damaged."""
    work.db.checkpoint(saved_of(work))
    if work.random.random() < 0.1:
        data = bytearray(saved_of(work).read_bytes())
        data[work.random.randrange(len(data))] ^= 1 << work.random.randrange(8)
        saved_of(work).write_bytes(data)


def restart(work: Workload) -> None:
    """Close, and open again."""
    reopen(work, (work.model.head, work.db.digest()))
    for view, entity in list(work.rules):
        work.note(view, entity, "restart")


def reopen(work: Workload, expect: Any = None) -> None:
    """Eager or lazy, with the checkpoint that there is or without."""
    work.db.close()
    work.branches = []  # a fork of a lazy ledger ends with its parent
    options: dict[str, Any] = {"lazy": work.random.random() < 0.5}
    if work.random.random() < 0.7:
        options["checkpoint"] = saved_of(work)
    assert work.path is not None
    work.db = VectorDB.open(work.path, clock=work.clock, expect=expect, **options)
    use_files(work)


def use_files(work: Workload) -> None:
    """Have the ledger's file handled by calls that can be made to fail."""
    journal: Any = work.db.state.journal
    journal.files = journal.store.files = work.files


def open_follower(work: Workload) -> VectorDB:
    """A reader of the same file."""
    assert work.path is not None
    work.followed = work.pruned
    return VectorDB.open(work.path, clock=work.clock, read_only=True, lazy=work.random.random() < 0.5)


def follow(work: Workload) -> None:
    """The follower catches up: once, by a thread, or by beginning anew."""
    follower, way = work.follower, work.random.random()
    assert follower is not None
    if way < 0.1:
        follower.close()
        work.follower = open_follower(work)
    elif way < 0.3:
        with follower.follow(interval=0.001):
            assert follower.wait(work.db.head, timeout=20)
            while follower.digest() != work.db.digest():
                follower.refresh()
    else:
        assert follower.refresh() == work.db.head
    work.followed = work.pruned
    assert work.follower is not None and work.follower.digest() == work.db.digest()


def check_follower(work: Workload) -> None:
    """It shows the offset that it knows, and what it knows of: no later erasure, no later compaction."""
    follower = work.follower
    if follower is None:
        return
    head = follower.head
    now = max(work.clock(), work.model.times[head])
    known: dict[str, Any] = {"known": head, "sample": 2}
    compare_reader(work, follower, head, now, read_rules=("follower",), **known)
    offset = work.random.randint(work.followed, head)
    past, time = follower.as_of(offset), work.model.times[offset]
    compare_reader(work, past, offset, time, read_rules=("follower", "as_of"), **known)
    at = work.random.choice(work.model.times[max(1, work.followed) : head + 1])
    compare_reader(work, past, offset, at, read_rules=("follower", "as_of", "at"), ask_at=at / 1e6, **known)
    check_service(work, follower, head, now, rules=("follower",), known=head)
    if head >= work.rewritten:
        check_trials(work, follower, head)
