"""Edges where two rules meet: each was once a wrong answer, a raw error, or a cost without a bound."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from vectordb import (
    Category,
    DigestMismatch,
    Float,
    Int,
    InvalidEntity,
    InvalidInput,
    LedgerLocked,
    OffsetOutOfRange,
    Text,
    UnknownName,
    UnknownVersion,
    Vector,
    VectorDB,
)


def test_a_text_may_grow_wider_and_its_predictions_still_load(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with VectorDB.open(path) as db:
        db.create_view("v", entity="e", features={"t": Text(max_bytes=5)})
        view = db.create_view("v", entity="e", features={"t": Text(max_bytes=100)}, replace=True)
        view.put("a", {"t": "x" * 50})
        service = db.create_service("s", features=["v:t"])
        made = db.record_prediction(service.get("a"), model="m@1", output=1)
        db.create_view("v", entity="e", features={"t": Text(max_bytes=2)}, replace=True)
    with VectorDB.open(path) as again:
        assert again.reproduce(made.id).inputs


def test_one_ledger_has_one_lock_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    with VectorDB.open(path) as db:
        link.symlink_to(path)
        with pytest.raises(LedgerLocked):
            VectorDB.open(link)
        monkeypatch.chdir(tmp_path)
        with VectorDB.open("a.jsonl", read_only=True) as reader:
            monkeypatch.chdir("/")
            db.mark("m")
            assert reader.refresh() == 1


def test_a_version_id_of_a_prediction_is_no_version_of_a_view_of_that_name() -> None:
    db = VectorDB()
    db.create_view("ranker", entity="e", features={"x": Float()}).put("a", {"x": 1.0})
    service = db.create_service("ranker", features=["ranker:x"])
    made = db.record_prediction(service.get("a"), model="m@1", output=1)
    with pytest.raises(UnknownVersion):
        db.version(made.id)
    assert db.prediction(made.id).output == 1


def test_a_replay_before_the_fork_is_not_written_as_a_fork(tmp_path: Path) -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Float()})
    for number in range(4):
        view.put("a", {"x": float(number)})
    db.fork(5).snapshot(tmp_path / "fork.jsonl")
    early = VectorDB.replay(tmp_path / "fork.jsonl", as_of=2)
    assert early.view("v").get("a")["x"] == 0.0
    with pytest.raises(InvalidInput):
        early.snapshot(tmp_path / "early.jsonl")
    assert not (tmp_path / "early.jsonl").exists()


def test_the_cost_of_a_wide_batch_grows_with_its_width() -> None:
    """Eight times the features: eight times the time, not sixty-four. Medians, and a wide margin."""
    seconds = []
    for features in (250, 2000):
        db = VectorDB()
        view = db.create_view("v", entity="e", features={f"f{place}": Float() for place in range(features)})
        event = view.put_many({"e": list(range(300)), "f0": [1.0] * 300}).event
        runs = []
        for _ in range(3):
            start = time.perf_counter()
            assert event.payload["features"] == [0]
            runs.append(time.perf_counter() - start)
        seconds.append(sorted(runs)[1])
    assert seconds[1] < 30 * seconds[0]


def test_an_event_that_would_not_fit_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.block.MAX_BLOCK_BYTES", 10_000)
    db = VectorDB()
    view = db.create_view("v", entity="e", features={f"f{place}": Float() for place in range(100)})
    with pytest.raises(InvalidInput, match="load"):
        view.put_many({"e": list(range(50)), "f0": [1.0] * 50})
    assert db.head == 1


def test_a_small_batch_costs_the_same_however_many_categories_there_are() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"c": Category()})
    view.load({"e": range(60_000), "c": [f"c{place}" for place in range(60_000)]})
    runs = []
    for _ in range(9):
        start = time.perf_counter()
        view.put_many({"e": [1], "c": ["c1"]})
        runs.append(time.perf_counter() - start)
    assert sorted(runs)[4] < 0.002


def test_a_load_that_cannot_be_whole_writes_nothing() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    for rows in ({"e": [1, 2, 3], "x": [1, 2]}, {"e": [1], "x": iter([1])}, None, 5):
        with pytest.raises(InvalidInput):
            view.load(rows, chunk_rows=2)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        view.load({"e": [1], "x": [1]}, chunk_rows="x")  # type: ignore[arg-type]
    assert db.head == 1


def test_what_is_no_sequence_of_ids_is_not_read_as_one() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    service = db.create_service("s", features=["v:x"])
    for wrong in ("d-7", b"d-7", {"e": ["x"]}):
        with pytest.raises(InvalidEntity):
            view.get_many(wrong)
    with pytest.raises(InvalidEntity):
        service.get_many("d-7")


def test_an_empty_view_is_still_a_view() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    assert bool(view)
    assert len(view) == 0


def test_arguments_of_the_wrong_type_are_refused_by_name() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    near = VectorDB().create_view("v", entity="e", features={"p": Vector(2)})
    refused: list[tuple[type[Exception], Any]] = [
        (OffsetOutOfRange, lambda: db.wait("x")),  # type: ignore[arg-type]
        (OffsetOutOfRange, lambda: db.subscribe("x")),  # type: ignore[arg-type]
        (OffsetOutOfRange, lambda: db.events("a")),  # type: ignore[arg-type]
        (UnknownName, lambda: db.model(5)),  # type: ignore[arg-type]
        *((InvalidInput, lambda k=k: next(near.neighbours("p", k))) for k in (0, True, "2", 10**6)),
        (InvalidInput, lambda: view.put("a", {"x": 1}, tags=5)),
        (InvalidInput, lambda: view.put("a", {"x": 1}, derived_from=5)),  # type: ignore[arg-type]
        (InvalidInput, lambda: view.put_many(None)),  # type: ignore[arg-type]
        (TypeError, lambda: view.put("a", {"x": 1}, colour=1)),
        (TypeError, lambda: db.transaction(colour=1)),
    ]
    for kind, call in refused:
        with pytest.raises(kind):
            call()
    assert db.head == 1


def test_an_empty_put_names_its_entity() -> None:
    view = VectorDB().create_view("v", entity="e", features={"x": Int()})
    with pytest.raises(InvalidInput) as caught:
        view.put("a", {})
    assert caught.value.values["entity"] == "a"


def test_numpy_values_without_a_dimension_are_no_columns() -> None:
    numpy = pytest.importorskip("numpy")
    view = VectorDB().create_view("v", entity="e", features={"x": Int()})
    for rows in ({"e": numpy.array(1), "x": [1]}, {"e": [1], "x": numpy.array(1)}):
        with pytest.raises(InvalidInput):
            view.put_many(rows)


def test_a_damaged_symlinked_ledger_is_still_damage(tmp_path: Path) -> None:
    path, link = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    with VectorDB.open(path) as db:
        db.mark("m")
    path.write_bytes(path.read_bytes().replace(b'"m"', b'"n"'))
    link.symlink_to(path)
    with pytest.raises(DigestMismatch):
        VectorDB.open(link)
