"""leaks: what many turns of one thing leave behind, by ``tracemalloc``: after a warm-up, bytes a turn."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.bench.data import FLOATS, filled, float_row
from vectordb import InvalidInput, Vector, VectorDB
from vectordb.serving import Predictor

ENTITIES = 12
EVENTS = 400
DIM = 8


class Leak(NamedTuple):
    """What one thing left behind."""

    what: str
    turns: int
    bytes_a_turn: float


def leaks(turns: int = 300) -> Iterator[Leak]:
    """Every thing that should leave nothing, in turn."""
    db, random = filled(EVENTS, ENTITIES), Random(2)
    items = db.create_view("items", entity="item", features={"profile": Vector(DIM)})
    items.put_many({"item": list(range(ENTITIES)), "profile": [_vector(random) for _ in range(ENTITIES)]})
    db.create_service("ranker", features=[f"drivers:{name}" for name in FLOATS])
    with TemporaryDirectory() as folder:
        for what, turn in _things(db, random, folder).items():
            yield Leak(what, turns, _left(turn, turns))
    db.close()


def _left(turn: Callable[[], Any], turns: int) -> float:
    for _ in range(turns):  # what is kept for later (plans, code, interned names) is kept by now
        turn()
    gc.collect()
    tracemalloc.start()
    try:
        turn()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(turns):
            turn()
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / turns
    finally:
        tracemalloc.stop()


def _things(db: VectorDB, random: Random, folder: str) -> dict[str, Callable[[], Any]]:
    drivers, items, service = db.view("drivers"), db.view("items"), db.service("ranker")
    predictor = Predictor(db, "ranker", lambda row: row["f0"], label="first@1", record=False)

    there = {"profile": {"$exists": True}}

    def entity() -> str:
        return f"d-{random.randrange(ENTITIES)}"

    def past() -> Any:
        return db.as_of(random.randrange(1, db.head + 1))

    return {
        "reads": lambda: drivers.get(entity()),
        "batches": lambda: drivers.get_many([entity() for _ in range(50)]),
        "services": lambda: (service.get(entity()), service.get_many([entity(), entity()])),
        "searches": lambda: items.search("profile", _vector(random), k=5),
        "filtered searches": lambda: items.search("profile", _vector(random), k=5, where=there),
        "pasts": lambda: past().view("drivers").get(entity()),
        "histories": lambda: drivers.history(entity()),
        "training sets": lambda: service.training_set({"driver": [entity()], "time": [db.at]}),
        "forks dropped": lambda: db.fork(50).view("drivers").put(entity(), float_row(random)),
        "subscriptions closed": partial(_subscribe, db),
        "refused writes": lambda: _refused(drivers, entity()),
        "predictor": lambda: predictor(entity()),
        "digests and proofs": lambda: (db.digest(), db.audit.proof(random.randrange(1, EVENTS))),
        "snapshots": lambda: db.fork(20).snapshot(f"{folder}/copy.jsonl"),
        "checkpoints": lambda: db.checkpoint(f"{folder}/checkpoint"),
    }


def _vector(random: Random) -> list[float]:
    return [random.random() for _ in range(DIM)]


def _subscribe(db: VectorDB) -> None:
    subscription = db.subscribe(1)
    subscription.poll()
    subscription.close()


def _refused(view: Any, entity: str) -> None:
    try:
        view.put(entity, {"f0": "no number"})
    except InvalidInput:
        return
    raise AssertionError("a text is no float")
