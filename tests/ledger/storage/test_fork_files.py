"""Files of forks: the parent's lines with their digests, then the fork's own, under a header that binds both."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import ManualClock
from tests.ledger.storage.samples import SEED, START, counter, fill, reopened, told
from vectordb import VectorDB


def parent() -> tuple[VectorDB, ManualClock]:
    clock = ManualClock(START)
    return fill(VectorDB(clock=clock, seed=SEED), clock), clock


def test_a_fork_at_every_offset_reopens_and_verifies(tmp_path: Path) -> None:
    db, clock = parent()
    for offset in range(db.head + 1):
        branch = db.fork(offset, seed=offset)
        for own in range(2):
            path = tmp_path / f"fork-{offset}-{own}.jsonl"
            branch.snapshot(path)
            with VectorDB.open(path, clock=clock) as again:
                assert told(again) == told(branch)
                again.check()
            with VectorDB.open(path, clock=clock, lazy=True) as left:
                assert told(left) == told(branch)
            branch.mark(f"own {own}")


def test_a_forks_file_repeats_its_parents_lines(tmp_path: Path) -> None:
    db, _ = parent()
    db.snapshot(tmp_path / "parent")
    branch = db.fork(4, seed=1)
    branch.mark("mine")
    branch.snapshot(tmp_path / "fork")
    ours, theirs = (tmp_path / "fork").read_bytes().splitlines(), (tmp_path / "parent").read_bytes().splitlines()
    assert ours[1:5] == theirs[1:5]
    assert ours[0] != theirs[0]
    header = branch.header
    assert header.parent is not None
    assert (header.parent.ledger_id, header.parent.offset) == (db.header.ledger_id, 4)
    assert (header.parent.digest, header.parent.genesis) == (db.digest(4), db.digest(0))


def test_forks_of_one_offset_differ_from_their_first_event_on(tmp_path: Path) -> None:
    db, _ = parent()
    branches = [db.fork(5, seed=seed) for seed in range(3)]
    for branch in branches:
        branch.mark("same")
    assert len({branch.digest(5) for branch in branches}) == 1
    assert len({branch.digest(6) for branch in branches}) == 3
    assert db.digest(5) == branches[0].digest(5)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_fork_of_an_opened_ledger_never_touches_its_file(tmp_path: Path, lazy: bool) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 6, lazy=lazy) as db:
        before = path.read_bytes()
        branch = db.fork(3)
        branch.view("numbers").put("mine", {"n": 1})
        assert (db.head, branch.head, path.read_bytes()) == (6, 4, before)
        db.view("numbers").put("theirs", {"n": 1})
        assert not branch.view("numbers").get("theirs").found
        branch.snapshot(tmp_path / "fork.jsonl")
    with reopened(tmp_path / "fork.jsonl") as again:
        assert (again.head, again.view("numbers").get("mine")["n"]) == (4, 1)


def test_a_fork_of_a_reopened_fork_goes_on(tmp_path: Path) -> None:
    db, clock = parent()
    for depth in range(1, 6):
        db = db.fork(db.head - 1 if depth % 2 else db.head, seed=100 + depth)
        db.mark(f"depth {depth}")
        path = tmp_path / f"{depth}.jsonl"
        db.snapshot(path)
        with VectorDB.replay(path, clock=clock) as fresh:
            assert told(fresh) == told(db)
            db = fresh
    ancestors, known = [], db.header.parent
    while known is not None:
        ancestors.append(known.offset)
        known = known.parent
    assert ancestors == sorted(ancestors, reverse=True)


def test_a_fork_below_its_parents_branch_names_the_ledger_that_wrote_it(tmp_path: Path) -> None:
    db, clock = parent()
    branch = db.fork(6, seed=1)
    branch.mark("mine")
    twig = branch.fork(2, seed=2)
    twig.mark("twig")
    assert twig.header.parent is not None
    assert (twig.header.parent.ledger_id, twig.header.parent.offset) == (db.header.ledger_id, 2)
    twig.snapshot(tmp_path / "twig.jsonl")
    with VectorDB.open(tmp_path / "twig.jsonl", clock=clock) as again:
        assert told(again) == told(twig)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_fork_outlives_the_database_it_came_from(tmp_path: Path, lazy: bool) -> None:
    """``fork`` is a branch in memory: closing the parent's file takes nothing from it."""
    db = counter(tmp_path / "ledger.jsonl", 6, lazy=lazy)
    branch = db.fork(5)
    db.close()
    branch.view("numbers").put("mine", {"n": 1})
    assert [event.offset for event in branch.events()] == [1, 2, 3, 4, 5, 6]
    assert branch.as_of(3).view("numbers").get("e3")["n"] == 3
    branch.snapshot(tmp_path / "fork.jsonl")
    reopened(tmp_path / "fork.jsonl").close()


def test_many_generations_reopen(tmp_path: Path) -> None:
    """Ancestry is nested in the header: a deep one must still be read."""
    db = VectorDB(clock=ManualClock(START), seed=SEED)
    for generation in range(120):
        db.mark(f"g{generation}")
        db = db.fork(seed=generation)
    db.snapshot(tmp_path / "deep.jsonl")
    with reopened(tmp_path / "deep.jsonl") as again:
        assert (again.head, again.digest()) == (120, db.digest())
