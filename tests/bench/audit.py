"""Audit: the event at which a value turned, found among a million; a prediction explained; a database verified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.data import FLOATS, entities_of, filled, make_puts
from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.report import main
from vectordb import VectorDB
from vectordb.transforms import ColumnTransformer, OfType, Pipeline, SimpleImputer, StandardScaler

SIZE = 1_000_000
CALLS = 20
EXPLAINED = 200


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Bisection over all events, explanations of predictions of ten features and three steps, and verification."""
    entities = entities_of(size)
    db = filled(size, entities)
    yield _bisecting(db, size, entities)
    yield from _explaining(db)
    yield _verifying(size // 10)
    db.close()


def _bisecting(db: VectorDB, size: int, entities: int) -> Benchmark:
    """A write to one entity is asked for: the first after which its value is the last one."""
    entity = f"d-{entities // 2}"
    name = next(iter(FLOATS))
    last = db.view("drivers").get(entity)[name]

    def ours(_: None) -> int:
        found = 0
        for _ in range(CALLS):
            found = db.audit.bisect(lambda past: past.view("drivers").get(entity)[name] == last).offset
        return found

    def replay(_: None) -> int:
        """What a log without reads of the past does: every event from the first on."""
        current: dict[str, Any] = {}
        for offset, (written, values) in enumerate(make_puts(size, entities), 2):  # the view is the first event
            current[written] = values
            if written == entity and current[entity][name] == last:
                return offset
        return 0

    does = "as_of, view and get at each of 2 + log2(n) offsets"
    candidates = [
        Candidate("ours", does, CALLS, ours, answer=lambda _, found: found),
        Candidate("a replay", "events in order into a dict, until it turns", 1, replay, answer=lambda _, found: found),
    ]
    return Benchmark("bisect for the change of a feature", "turns/s", candidates, bar=Bar(200), predicted=1_000)


def _explaining(db: VectorDB) -> Iterator[Benchmark]:
    names = list(FLOATS)
    scaled = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    steps = [("numbers", ColumnTransformer([("n", scaled, OfType("number"))])), ("again", StandardScaler())]
    ranker = db.create_service("ranker", features=[f"drivers:{one}" for one in names], pipeline=Pipeline(steps))
    ranker.fit()
    outputs = list(ranker.get("d-0"))
    db.create_model("risk", "logistic", features=outputs, coefficients=[0.1] * len(outputs), intercept=0.0)
    found = [db.record_prediction(ranker.get(f"d-{place % 7}"), model="risk").id for place in range(EXPLAINED)]

    def told(what: str) -> Candidate:
        def run(_: None) -> None:
            for one in found:
                explained = db.audit.explain(one)
                if what == "inputs":
                    assert explained.inputs
                elif what == "steps":
                    assert len(explained.steps) == 3
                else:
                    assert explained.to_dict()["reproduction"]["matches"]

        return Candidate("ours", f"db.audit.explain(id), its {what}", EXPLAINED, run)

    for what, operation in (
        ("inputs", "explain a prediction of ten features"),
        ("steps", "explain it with its pipeline, step by step"),
        ("whole", "explain it whole: cone, reproduction, plain data"),
    ):
        bar = Bar(1_000) if what == "inputs" else None
        yield Benchmark(operation, "predictions/s", [told(what)], bar=bar)


def _verifying(size: int) -> Benchmark:
    size = max(size, 10)
    db = filled(size, entities_of(size))

    def run(_: None) -> None:
        assert db.audit.verify().ok

    return Benchmark("verify", "events/s", [Candidate("ours", "db.audit.verify()", size, run)], repeats=3)


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
