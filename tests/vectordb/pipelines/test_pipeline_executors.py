"""Fitting and transforming with an executor: the bits of the serial run, errors with their entity, progress."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

import pytest

import vectordb.batches.executors
import vectordb.transforms.executors
from vectordb import CannotTransform, Category, Float, ManualClock, VectorDB
from vectordb.batches.executors import Sharing
from vectordb.transforms import (
    ColumnTransformer,
    FeatureUnion,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    Pipeline,
    PowerTransformer,
    RobustScaler,
    SimpleImputer,
    StandardScaler,
    TargetEncoder,
    Transformer,
    Winsorizer,
)
from vectordb.transforms.executors import fit_shared
from vectordb.transforms.table import read_table

ROWS = 3_000


@pytest.fixture(params=["threads", "processes"], scope="module")
def executor(request: Any) -> Iterator[Executor]:
    """Two of either."""
    if request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    else:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            yield pool


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of 500 rows, shared from 1,000 on."""
    for module in ("vectordb.batches.executors", "vectordb.batches.gather", "vectordb.pipelines.transformed_gather",
                   "vectordb.services.batch", "vectordb.transforms.executors"):  # fmt: skip
        for name, value in (("PIECE", 500), ("WORTH", 1_000)):
            monkeypatch.setattr(f"{module}.{name}", value, raising=False)
    monkeypatch.setattr(vectordb.batches.executors.pieces_of, "__defaults__", (500,))


def filled() -> VectorDB:
    """Numbers with gaps and categories."""
    db = VectorDB(clock=ManualClock(1_700_000_000), seed=1)
    view = db.create_view("v", entity="e", features={"a": Float(), "b": Float(), "c": Category(), "d": Category()})
    ids = [f"e{number}" for number in range(ROWS)]
    a = [None if number % 7 == 0 else number / 3 for number in range(ROWS)]
    columns = {"a": a, "b": [float(number % 11) for number in range(ROWS)], "c": [f"c{n % 5}" for n in range(ROWS)]}
    view.put_many({"e": ids, **columns, "d": [n % 3 for n in range(ROWS)]})
    return db


def pipeline() -> ColumnTransformer:
    numbers = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    parts = [("n", numbers, ["a", "b"]), ("c", OneHotEncoder(), ["c"]), ("d", OrdinalEncoder(), ["d"])]
    return ColumnTransformer(parts)


def test_equal_to_serial(executor: Executor) -> None:
    db = filled()
    features = ["v:a", "v:b", "v:c", "v:d"]
    alone = db.create_service("alone", features=features, pipeline=pipeline())
    shared = db.create_service("shared", features=features, pipeline=pipeline())
    alone.fit()
    told: list[tuple[int, int]] = []
    shared.fit(executor=executor, progress=lambda done, total: told.append((done, total)))
    assert alone.pipeline is not None and shared.pipeline is not None
    assert alone.pipeline.to_dict() == shared.pipeline.to_dict()
    assert told[-1] == (ROWS, ROWS) and [done for done, _ in told] == sorted(done for done, _ in told)
    ids, seen = [f"e{number}" for number in reversed(range(ROWS))], []
    expected = alone.get_many(ids).numbers.raw.tobytes()
    found = shared.get_many(ids, executor=executor, progress=lambda done, total: seen.append((done, total)))
    assert found.numbers.raw.tobytes() == expected and len(seen) > 3 and seen[-1] == (ROWS, ROWS)
    assert shared.get_many(ids).numbers.raw.tobytes() == expected


def test_a_spine_of_several_kinds(executor: Executor) -> None:
    db = filled()
    other = db.create_view("w", entity="f", features={"x": Float()})
    other.put_many({"f": ["p", "q"], "x": [1.0, 5.0]})
    ids = [f"e{number}" for number in range(ROWS)]
    many: dict[str, Any] = {"e": ids, "f": ["p", "q"] * (ROWS // 2)}
    pair = db.create_service("pair", features=["v:b", "w:x"], pipeline=StandardScaler())
    again = db.create_service("again", features=["v:b", "w:x"], pipeline=StandardScaler())
    pair.fit(spine={**many, "time": [db.at] * ROWS})
    again.fit(spine={**many, "time": [db.at] * ROWS}, executor=executor)
    assert pair.pipeline is not None and again.pipeline is not None
    assert pair.pipeline.to_dict() == again.pipeline.to_dict()
    assert pair.get_many(many).to_rows() == again.get_many(many, executor=executor).to_rows()


def test_a_refusal_names_its_entity(executor: Executor) -> None:
    db = filled()
    service = db.create_service("s", features=["v:a", "v:b", "v:c", "v:d"], pipeline=pipeline())
    service.fit()
    db.view("v").put("e2345", {"c": "new"})
    ids = [f"e{number}" for number in range(ROWS)]
    with pytest.raises(CannotTransform) as caught:
        service.get_many(ids, executor=executor)
    assert caught.value.values["entity"] == "e2345" and caught.value.values["value"] == "new"


def of_many_steps() -> dict[str, Transformer]:
    """What is learnt column by column, in pieces of rows, and only of all of it."""
    kept = SimpleImputer(strategy="median", keep_empty_features=True)
    return {
        "steps": Pipeline([("fill", SimpleImputer()), ("power", PowerTransformer()), ("scale", RobustScaler())]),
        "median": Pipeline([("fill", kept), ("bound", Winsorizer()), ("scale", StandardScaler())]),
        "mixed": Pipeline([("fill", SimpleImputer(add_indicator=True)), ("range", MinMaxScaler())]),
        "union": FeatureUnion([("a", StandardScaler()), ("b", Pipeline([("fill", SimpleImputer())]))]),
        "passed": Pipeline([("all", "passthrough"), ("scale", StandardScaler(with_std=False))]),
        "within": Pipeline([("both", FeatureUnion([("a", StandardScaler())])), ("scale", RobustScaler())]),
        "weighted": ColumnTransformer(
            [("n", StandardScaler(), ["a", "b"]), ("t", TargetEncoder(), ["b"])],
            transformer_weights={"n": 2.0, "t": 1.0},
        ),
    }


@pytest.mark.parametrize("name", of_many_steps())
def test_every_kind_of_step_learns_the_same(executor: Executor, name: str) -> None:
    """Feature ``z`` is never there: the step that leaves it out gives the next one nothing."""
    db = VectorDB(clock=ManualClock(1_700_000_000), seed=1)
    view = db.create_view("v", entity="e", features={"a": Float(), "z": Float(), "b": Float()})
    a = [None if number % 7 == 0 else (number * 37 % 101) / 3 for number in range(ROWS)]
    ids, b = [f"e{number}" for number in range(ROWS)], [float(number % 11 + 1) for number in range(ROWS)]
    view.put_many({"e": ids, "a": a, "b": b})
    features = ["v:a", "v:z", "v:b"] if name in ("steps", "median", "passed") else ["v:a", "v:b"]
    spine = {"e": ids, "time": [db.at] * ROWS, "label": [number % 2 for number in range(ROWS)]}
    found = []
    for helper in (None, executor):
        service = db.create_service(f"s{len(found)}", features=features, pipeline=of_many_steps()[name])
        service.fit(spine=spine, target="label", executor=helper)
        assert service.fitted is not None
        found.append(service.fitted.pipeline)
    assert found[0] == found[1]


def test_a_fit_that_breaks_a_rule_says_so_and_changes_nothing(executor: Executor) -> None:
    db = filled()
    service = db.create_service("s", features=["v:a", "v:b"], pipeline=PowerTransformer(method="box-cox"))
    errors, head = [], db.head
    for helper in (None, executor):
        with pytest.raises(Exception, match="strictly positive") as caught:
            service.fit(executor=helper)
        errors.append((type(caught.value), caught.value.values))
    assert errors[0] == errors[1] and errors[0][1]["feature"] == "b"
    assert db.head == head and service.fitted is None


class Fatal(StandardScaler):
    """Ends the process that learns a column."""

    def _sums_of(self, table: Any, y: Any) -> Any:
        os._exit(7)


def test_a_worker_that_dies_gives_its_own_error() -> None:
    table = read_table({"a": [1.0] * ROWS, "b": [2.0] * ROWS}, "test")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(BrokenProcessPool):
        fit_shared(Fatal(), table, None, Sharing(pool))


def test_fitted_in_threads_the_transformer_of_the_caller_is_told_once() -> None:
    """Workers learn copies: what is given is fitted whole, also a second time."""
    table = read_table({"a": [float(n) for n in range(ROWS)], "b": [1.0] * ROWS}, "test")
    with ThreadPoolExecutor(3) as pool:
        shared = fit_shared(Pipeline([("scale", StandardScaler())]), table, None, Sharing(pool))
        again = fit_shared(shared, table, None, Sharing(pool))
    alone = fit_shared(Pipeline([("scale", StandardScaler())]), table, None, Sharing())
    assert again.to_dict() == shared.to_dict() == alone.to_dict()
