"""The simulation of searches: exact ones equal brute force over the model, the index never shows what is not there.

Collections of a simulation are small, so the sizes from which an index is used, cut and sealed are made
small too. The options are those of ``test_simulation``.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from math import log, sqrt
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

import projections.vectors.build
import projections.vectors.bytescale
import projections.vectors.calibration
import projections.vectors.exact
import projections.vectors.field
import projections.vectors.field_dump
import projections.vectors.search
import projections.vectors.segment
import vectordb.views.searching
from tests.simulation.compare import compare_reader
from tests.simulation.instants import SECOND, given
from tests.simulation.search_workload import SearchWorkload
from tests.simulation.searching import WAYS, Searching, rendered
from vectordb import VectorDB

SHARE = 3  # a step here costs three of ``test_simulation``
SURE = 1e-6  # the chance that a sound index fails


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters of 30, tails of 6, an index for every collection."""
    monkeypatch.setattr(vectordb.views.searching, "SMALL", 0)
    monkeypatch.setattr(projections.vectors.search, "FEW", 8)
    monkeypatch.setattr(projections.vectors.segment, "TAIL", 6)
    monkeypatch.setattr(projections.vectors.field, "BULK", 32)
    monkeypatch.setattr(projections.vectors.build, "CLUSTER_SIZE", 30)
    monkeypatch.setattr(projections.vectors.exact, "CHUNK", 50)
    monkeypatch.setattr(projections.vectors.build, "CENTRE_SAMPLE", 200)
    monkeypatch.setattr(projections.vectors.build, "AXES_SAMPLE", 100)
    monkeypatch.setattr(projections.vectors.calibration, "SAMPLE", 20)
    table = cache(projections.vectors.bytescale.table_of)  # the costliest part of a small build, a pure function
    monkeypatch.setattr(projections.vectors.bytescale, "table_of", table)
    monkeypatch.setattr(projections.vectors.field_dump, "table_of", table)


def test_every_search_agrees_with_the_model(request: pytest.FixtureRequest, tmp_path: Path, small: None) -> None:
    seeds, steps, first = (request.config.getoption(f"--sim-{name}") for name in ("seeds", "steps", "first-seed"))
    recalls: list[tuple[float, float]] = []
    met: Counter[str] = Counter()
    for seed in range(first, first + seeds):
        searching = run(seed, max(1, steps // SHARE), tmp_path / f"{seed}.jsonl")
        recalls += searching.recalls
        met += searching.met
    print(f"\nsimulation of searches: {dict(met)}")
    if seeds * steps >= 600:
        assert met.keys() == set(WAYS), met
    assert_kept(recalls)


def run(seed: int, steps: int, path: Path) -> Searching:
    work = SearchWorkload(seed, path)
    searching = Searching(work)
    for step in range(steps):
        operation = "none"
        try:
            operation = work.step()
            check_now(work, searching)
            check_past(work, searching)
            check_follower(work, searching)
            if step % 6 == 5:
                check_instances(work, searching, step)
        except BaseException as error:
            error.add_note(f"simulation: --sim-first-seed {seed}, step {step}, after {operation}, {work.spaces}")
            raise
    work.db.check()
    work.close()
    return searching


def assert_kept(recalls: list[tuple[float, float]]) -> None:
    """The mean recall is at least the mean promise less the sampling error of n searches that had more matches than k.

    By Bernstein's inequality n numbers in 0..1 whose means are at least p and variances at most p (1 - p) fall short
    by more than t with a chance of at most exp(-n t^2 / (2 v + 2 t / 3)), v the mean of p (1 - p).
    """
    size, chance = len(recalls), log(1 / SURE)
    recall = fmean([recall for recall, _ in recalls])
    promise = fmean([promise for _, promise in recalls])
    variance = fmean([promise * (1 - promise) for _, promise in recalls])
    bound = (chance / 3 + sqrt(chance * chance / 9 + 2 * size * variance * chance)) / size
    print(f"recall {recall:.4f} of {size} searches, promised {promise:.4f} less {bound:.4f}")
    assert recall >= promise - bound


def check_now(work: SearchWorkload, searching: Searching) -> None:
    now, head = work.now(), work.db.head
    searching.check(work.db, head, now, times=2)
    compare_reader(work, work.db, head, now, sample=2)
    if work.random.random() < 0.5:
        at = now + work.random.choice([-100, -30, -10, -1, 1, 40, 200]) * SECOND
        if at >= work.model.times[work.pruned]:
            searching.check(work.db, head, at, ask_at=given(at))


def check_past(work: SearchWorkload, searching: Searching) -> None:
    offset = work.random.randint(max(1, work.pruned), work.db.head)
    past = work.db.as_of(offset)
    searching.check(past, offset, work.model.times[offset])
    at = work.random.choice(work.model.times[max(1, work.pruned) :]) + work.random.choice([-10, 0, 0, 30]) * SECOND
    at = max(at, work.model.times[work.pruned])
    searching.check(past, offset, at, ask_at=given(at))


def check_follower(work: SearchWorkload, searching: Searching) -> None:
    """Another instance that built with the same seeds at the same offsets is the same, searches included."""
    work.follower.refresh()
    compare_instances(work, searching, work.follower, same_index=work.alike)


def check_instances(work: SearchWorkload, searching: Searching, step: int) -> None:
    """A replay, a fork, a snapshot and a checkpoint answer alike; what a checkpoint holds is the index too."""
    db, head, offset = work.db, work.db.head, work.random.randint(max(1, work.pruned), work.db.head)
    for name, instance in instances(work, offset).items():
        compare_instances(work, searching, instance, same_index=name == "checkpoint")
        now = max(work.clock(), work.model.times[instance.head])
        searching.check(instance, instance.head, now)
        instance.check()
        assert instance.digest() == db.digest(instance.head)
        instance.close()
    assert db.head == head


def instances(work: SearchWorkload, offset: int) -> dict[str, VectorDB]:
    saved, copy = work.path.with_suffix(f".saved-{work.changes}"), work.path.with_suffix(".copy")
    if not saved.exists():  # else that of an earlier step: what came since is folded on top of it
        work.db.checkpoint(saved)
    work.db.snapshot(copy)
    options: Any = {"clock": work.clock, "read_only": True, "auto_index": False}
    return {
        "replay": VectorDB.replay(work.db.events(), clock=work.clock),
        "prefix": VectorDB.replay(work.path, as_of=offset, clock=work.clock),
        "fork": work.db.fork(offset, seed=offset),
        "snapshot": VectorDB.open(copy, **options),
        "checkpoint": VectorDB.open(work.path, checkpoint=saved, **options),
    }


def compare_instances(work: SearchWorkload, searching: Searching, other: VectorDB, *, same_index: bool) -> None:
    """Equal answers as of the head of another instance; equal indexes where both have read and built alike."""
    head = other.head
    asked = searching.question(head, work.model.times[head])
    if asked is None:
        return
    where = {"where": asked.where, "k": work.random.choice([1, 5, 10, 30])}
    pasts = [db.as_of(head).view(asked.view) for db in (work.db, other)]
    mine, theirs = (past.search(asked.feature, asked.query, exact=True, **where) for past in pasts)
    assert rendered(mine) == rendered(theirs)
    assert mine.versions == theirs.versions
    if same_index:
        mine, theirs = (past.search(asked.feature, asked.query, **where) for past in pasts)
        assert (rendered(mine), mine.versions, mine.exact) == (rendered(theirs), theirs.versions, theirs.exact)
        ours, other_stats = (past.index(asked.feature).stats() for past in pasts)
        assert ours == other_stats
