"""Forks as operations of a workload: each is written to, erased from and compacted beside its parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.compare import compare_reader
from tests.simulation.serving import check_predictions, check_service
from tests.simulation.steps import Step
from tests.simulation.trialing import check_trials
from vectordb import ManualClock

if TYPE_CHECKING:
    from tests.simulation.workload import Workload

MOST = 2  # that live at once
OPERATIONS = (
    "put", "put", "partial", "delete", "batch", "transaction", "define_again", "erase", "erase", "compact", "derive",
    "serve", "fit", "predict", "design", "amend", "expose", "outcome", "retry", "refused", "expected", "mark",
)  # fmt: skip


def branch(work: Workload) -> None:
    """Make a fork, or go on with one: three steps of its own; the parent is as it was."""
    before, first = work.db.digest(), max(work.pruned, len(work.views))
    if not work.branches or work.random.random() < 0.3:
        work.branches = [*work.branches[1 - MOST :], branch_of(work, work.random.randint(first, work.db.head))]
    other = work.random.choice(work.branches)
    for _ in range(3):
        other.do(Step(work.random.choice(OPERATIONS), work.random.getrandbits(32)))
    check_branch(work, other)
    other.db.check()
    assert work.db.digest() == before


def branch_of(work: Workload, offset: int) -> Workload:
    """A workload that goes on from a past of another one, with a clock of its own."""
    other = type(work).__new__(type(work))
    vars(other).update(vars(work))
    other.clock = ManualClock(work.clock() / 1e6)
    other.random = type(work.random)()
    other.steps, other.branches, other.keys = [], [], []
    other.model = work.model.branch(offset)
    other.trials, other.lessons = work.trials.branch(offset), work.lessons.branch(offset)
    other.rules = {key: set(met) for key, met in work.rules.items()}
    other.path = other.follower = None
    other.db = work.db.fork(offset, clock=other.clock, seed=work.random.getrandbits(32))
    return other


def check_branch(work: Workload, other: Workload) -> None:
    """A fork shows what its own model says, now and before."""
    head, now = other.db.head, other.now()
    other.met = work.met
    compare_reader(other, other.db, head, now, read_rules=("fork",), sample=3)
    offset = other.random.randint(other.pruned, head)
    past, time = other.db.as_of(offset), other.model.times[offset]
    compare_reader(other, past, offset, time, read_rules=("fork", "as_of"), sample=3)
    at = other.random.choice(other.model.times[max(1, other.pruned) :])
    compare_reader(other, past, offset, at, read_rules=("fork", "as_of", "at"), ask_at=at / 1e6, sample=2)
    check_service(other, other.db, head, now, rules=("fork",))
    check_trials(other, other.db, head)
    check_predictions(other, past, offset)
