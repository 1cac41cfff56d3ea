"""The simulation: random histories, compared with the model after every step, now and at any past.

``--sim-seeds N --sim-steps M --sim-first-seed S`` run more; a failure names its seed and step.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.compare import compare_reader
from tests.simulation.deriving import check_lineage
from tests.simulation.instants import SECOND
from tests.simulation.rules import RULES, required_pairs
from tests.simulation.workload import Workload
from vectordb import VectorDB


def test_every_reader_agrees_with_the_model(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    seeds, steps, first = (request.config.getoption(f"--sim-{name}") for name in ("seeds", "steps", "first-seed"))
    pairs: Counter[frozenset[str]] = Counter()
    for seed in range(first, first + seeds):
        path = tmp_path / f"{seed}.jsonl"
        work = Workload(seed, str(path))
        for step in range(steps):
            operation = "none"
            try:
                operation = work.step()
                check_now(work)
                check_past(work)
                check_lineage(work)
                check_instances(work, path, step)
            except BaseException as error:
                error.add_note(f"simulation: --sim-first-seed {seed}, step {step}, after {operation}")
                raise
        work.db.check()
        work.db.close()
        pairs.update(work.pairs)
    never = sorted(map(sorted, required_pairs() - set(pairs)))
    assert not never or seeds * steps < 600, f"pairs of rules never met: {never}"
    assert {rule for pair in pairs for rule in pair} == set(RULES)


def check_now(work: Workload) -> None:
    now = work.now()
    compare_reader(work, work.db, work.db.head, now)
    if work.random.random() < 0.3:
        at = now + work.random.choice([-30, -10, -1, 1, 40]) * SECOND
        if at >= work.model.times[work.pruned]:
            compare_reader(work, work.db, work.db.head, at, read_rules=("at",), ask_at=seconds(at))


def seconds(micros: int) -> float:
    return micros // SECOND if micros % SECOND == 0 else micros / SECOND


def check_past(work: Workload) -> None:
    offset = work.random.randint(work.pruned, work.db.head)
    past = work.db.as_of(offset)
    time = work.model.times[offset]
    if offset:
        compare_reader(work, past, offset, time, read_rules=("as_of",))
    at = work.random.choice(work.model.times[max(1, work.pruned) :])
    if work.random.random() < 0.4:
        compare_reader(work, past, offset, at, read_rules=("as_of", "at"), ask_at=seconds(at))
    known = max(n for n, recorded in enumerate(work.model.times) if recorded <= at)
    assert work.db.as_of(time=seconds(at)).head == known


def check_instances(work: Workload, path: Path, step: int) -> None:
    """A fresh replay, a reopened file (eager or lazy) and a fork show the same, at their head and before."""
    db, offset = work.db, work.random.randint(work.pruned, work.db.head)
    instances = [(VectorDB.replay(db.events(), clock=work.clock), db.head)]
    with VectorDB.open(path, clock=work.clock, read_only=True, lazy=bool(step % 2)) as reopened:
        instances.append((reopened, db.head))
        instances.append((db.fork(offset, seed=step), offset))
        for instance, head in instances:
            now = max(work.clock(), work.model.times[head])
            compare_reader(work, instance, head, now, sample=3)
            past = work.random.randint(work.pruned, head)
            time = work.model.times[past]
            compare_reader(work, instance.as_of(past), past, time, read_rules=("as_of",), sample=3)
            if step % 10 == 0:
                instance.check()
    if step % 10 == 0:
        assert instances[0][0].digest() == reopened.digest() == db.digest()
