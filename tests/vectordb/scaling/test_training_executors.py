"""Training sets and fits on an executor: the bits of the serial ones."""

from __future__ import annotations

import random
from concurrent.futures import Executor
from typing import Any

import pytest

import vectordb.batches.executors
import vectordb.training.join
from vectordb import Category, Float, Int, ManualClock, Request, VectorDB
from vectordb.training.training_set import TrainingSet
from vectordb.transforms import StandardScaler

ENTITIES, MOMENTS, PIECE = 40, 300, 64


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("vectordb.batches.executors", "vectordb.training.training_set", "vectordb.training.join"):
        for name, value in (("PIECE", PIECE), ("WORTH", 100)):
            monkeypatch.setattr(f"{module}.{name}", value, raising=False)
    monkeypatch.setattr(vectordb.batches.executors.pieces_of, "__defaults__", (PIECE,))


def filled() -> tuple[VectorDB, dict[str, Any]]:
    """Two views with late and partial writes, and a spine over them."""
    rng, clock = random.Random(3), ManualClock(1_700_000_000)
    db = VectorDB(clock=clock, seed=1)
    left = db.create_view("left", entity="e", ttl=90, features={"n": Int(default=1), "x": Float(), "c": Category()})
    right = db.create_view("right", entity="e", features={"y": Float()})
    for number in range(400):
        values = {"n": number, "x": rng.random(), "c": f"c{number % 3}"}
        some = dict(rng.sample(sorted(values.items()), rng.choice([1, 3])))
        left.put(number % ENTITIES, some, event_time=1_700_000_000 + rng.randrange(400))
        right.put(number % ENTITIES, {"y": rng.random()}, event_time=1_700_000_000 + rng.randrange(400))
        clock.advance(1)
    db.create_service("s", features=["left:n", "left:x", "left:c", "right:y", Request("km", Float())])
    times = [1_700_000_000 + rng.randrange(420) for _ in range(MOMENTS)]
    ids = [rng.randrange(ENTITIES + 2) for _ in range(MOMENTS)]
    return db, {"e": ids, "time": times, "km": [float(n) for n in range(MOMENTS)], "label": [n % 2 for n in ids]}


def shown(found: TrainingSet) -> Any:
    return (
        bytes(found.numbers.raw),
        [found.column(name) for name in found.names],
        found.version_ids("x"),
        list(found.extra["label"]),
    )


def test_a_shared_training_set_equals_the_serial_one(executor: Executor) -> None:
    db, spine = filled()
    told: list[tuple[int, int]] = []
    service = db.service("s")
    alone = service.training_set(spine)
    shared = service.training_set(spine, executor=executor, progress=lambda done, total: told.append((done, total)))
    assert repr(shown(alone)) == repr(shown(shared))
    assert told == [(min(done, MOMENTS), MOMENTS) for done in range(PIECE, MOMENTS + PIECE, PIECE)]
    known = [200] * MOMENTS
    assert repr(shown(service.training_set(spine, known))) == repr(
        shown(service.training_set(spine, known, executor=executor))
    )
    assert len(service.training_set({"e": [], "time": [], "km": [], "label": []}, executor=executor)) == 0


def test_a_join_in_workers_equals_the_serial_one(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where each row may know less than the one before, and where entities were deleted or are unknown."""
    db, spine = filled()
    for entity in range(0, ENTITIES, 7):
        db.view("left").delete(entity, event_time=1_700_000_200)
    service, known = db.service("s"), [20 + 2 * number for number in range(MOMENTS)]
    alone = [service.training_set(spine), service.training_set(spine, known)]
    sent: list[int] = []
    send = vectordb.training.join._sent

    def counted(*arguments: Any) -> Any:
        sent.append(len(arguments[2]))
        return send(*arguments)

    monkeypatch.setattr(vectordb.training.join, "_sent", counted)
    shared = [service.training_set(spine, executor=executor), service.training_set(spine, known, executor=executor)]
    assert len(sent) > ENTITIES // 2  # of two views and two sets
    for one, other in zip(alone, shared):
        assert repr(shown(one)) == repr(shown(other))
        assert one._raws == other._raws
        assert one.leakage() == other.leakage()
    monkeypatch.setattr("vectordb.training.join.DEAR", 0)
    sent.clear()
    assert repr(shown(service.training_set(spine, executor=executor))) == repr(shown(alone[0]))
    assert sent == []


def test_a_shared_fit_on_a_spine_equals_the_serial_one(executor: Executor) -> None:
    db, spine = filled()
    features = ["left:n", "left:x", "right:y"]
    rows = {name: spine[name] for name in ("e", "time", "label")}
    alone = db.create_service("alone", features=features, pipeline=StandardScaler())
    shared = db.create_service("shared", features=features, pipeline=StandardScaler())
    first, second = alone.fit(rows, as_of=db.head), shared.fit(rows, as_of=db.head - 1, executor=executor)
    facts = [db.event(receipt.offset).fact.fitted.to_json() for receipt in (first, second)]  # type: ignore[attr-defined]
    assert facts[0]["pipeline"] == facts[1]["pipeline"]
    assert facts[0]["spine"] == facts[1]["spine"] != ""
