"""What is compared after every step: now, at a past, by a follower, and by instances that were made anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.simulation.compare import compare_reader
from tests.simulation.deriving import check_lineage
from tests.simulation.instants import SECOND
from tests.simulation.reopening import check_follower, saved_of
from tests.simulation.serving import check_predictions, check_service
from tests.simulation.steps import History
from tests.simulation.trialing import check_trials
from tests.simulation.workload import Workload
from vectordb import VectorDB


def check(work: Workload) -> None:
    """All of it."""
    check_now(work)
    check_past(work)
    check_lineage(work)
    check_follower(work)
    check_instance(work)


def check_now(work: Workload) -> None:
    now, head = work.now(), work.db.head
    compare_reader(work, work.db, head, now)
    check_service(work, work.db, head, now)
    check_trials(work, work.db, head)
    if work.random.random() < 0.3:
        at = now + work.random.choice([-30, -10, -1, 1, 40]) * SECOND
        if at >= work.model.times[work.pruned]:
            compare_reader(work, work.db, head, at, read_rules=("at",), ask_at=seconds(at))
            check_service(work, work.db, head, at, rules=("at",), ask_at=seconds(at))


def seconds(micros: int) -> float:
    return micros // SECOND if micros % SECOND == 0 else micros / SECOND


def check_past(work: Workload) -> None:
    offset = work.random.randint(work.pruned, work.db.head)
    past = work.db.as_of(offset)
    time = work.model.times[offset]
    if offset:
        compare_reader(work, past, offset, time, read_rules=("as_of",))
        check_service(work, past, offset, time, rules=("as_of",))
        check_trials(work, past, offset)
        check_predictions(work, past, offset)
    at = work.random.choice(work.model.times[max(1, work.pruned) :])
    if work.random.random() < 0.4:
        compare_reader(work, past, offset, at, read_rules=("as_of", "at"), ask_at=seconds(at))
    known = max(n for n, recorded in enumerate(work.model.times) if recorded <= at)
    assert work.db.as_of(time=seconds(at)).head == known


def check_instance(work: Workload) -> None:
    """A fresh replay, the file read anew or a fork shows the same, at its head and before."""
    db, whole = work.db, work.random.random() < 0.1
    way = work.random.choice(("replay", "file", "file", "fork"))
    instance = instance_of(work, way)
    try:
        head, now = instance.head, max(work.clock(), work.model.times[instance.head])
        rules = ("fork",) if way == "fork" else ()
        compare_reader(work, instance, head, now, read_rules=rules, sample=3)
        past = work.random.randint(work.pruned, head)
        time = work.model.times[past]
        compare_reader(work, instance.as_of(past), past, time, read_rules=("as_of", *rules), sample=3)
        check_service(work, instance, head, now, rules=rules)
        check_trials(work, instance, head)
        check_predictions(work, instance, head)
        if whole:
            instance.check()
            assert instance.digest() == db.digest(head)
    finally:
        instance.close()


def instance_of(work: Workload, way: str) -> VectorDB:
    """Another instance of the same ledger."""
    db, rnd = work.db, work.random
    if way == "replay":
        return VectorDB.replay(db.events(), clock=work.clock)
    if way == "fork":
        return db.fork(rnd.randint(work.pruned, db.head), seed=rnd.getrandbits(32))
    options: dict[str, Any] = {"lazy": rnd.random() < 0.5}
    if rnd.random() < 0.5:
        options["checkpoint"] = saved_of(work)
    return VectorDB.open(str(work.path), clock=work.clock, read_only=True, **options)


def run(work: Workload, steps: int) -> None:
    """So many steps, each checked."""
    for number in range(steps):
        operation = "none"
        try:
            operation = work.step()
            check(work)
        except BaseException as error:
            error.add_note(f"simulation: --sim-first-seed {work.seed}, step {number}, after {operation}")
            raise
    work.close()


def replay(history: History, path: Path, after: Callable[[Workload], None] = check) -> BaseException | None:
    """Tell a history anew, with a check after every step; what it raised, None where it went through."""
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    work: Workload | None = None
    try:
        work = Workload(history.seed, str(path))
        for step in history.steps:
            work.do(step)
            after(work)
    except Exception as error:
        return error
    finally:
        if work is not None:
            work.release()
    return None
