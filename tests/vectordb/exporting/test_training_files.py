"""Training sets as files: entities, times, inputs and labels of every kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.world import START, World, when
from vectordb import Float, InvalidInput, Request

MOMENTS = {"driver": ["d-7", "d-8", "d-7"], "time": [START + 1, START + 2, START - 1]}


def served(world: World) -> Any:
    world.put("d-7", at=0, trips=3, rating=0.1, city="Rome")
    world.put("d-8", at=0, trips=None, city=None)
    features = ["drivers:trips", "drivers:rating", "drivers:city", Request("km", Float())]
    return world.db.create_service("ranker", features=features)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_rows_in_the_order_of_the_spine(world: World, tmp_path: Path) -> None:
    labels = {"bought": [True, False, None], "paid": [1, 2.5, None], "how": ["a", None, "c"]}
    spine = served(world).training_set({**MOMENTS, "km": [1.5, None, 3], **labels, "due": [when(1), None, when(2)]})
    told = world.db.export.training_set(spine, tmp_path / "t.jsonl", statuses=True)
    assert told.columns[:4] == ("driver", "time", "trips", "trips__status") and told.what == "training set"
    lines = read(tmp_path / "t.jsonl")
    assert [line["driver"] for line in lines] == MOMENTS["driver"]
    assert [datetime.fromisoformat(line["time"]) for line in lines] == spine.times
    for name in spine.names:
        assert [line.get(name) for line in lines] == spine.column(name)
        assert [line[f"{name}__status"] for line in lines] == [str(one) for one in spine.statuses(name)]
    for name, column in labels.items():
        assert [line[name] for line in lines] == column
    due = ["2026-01-01T00:00:01.000000+00:00", None, "2026-01-01T00:00:02.000000+00:00"]
    assert [line["due"] for line in lines] == due
    assert "rating" not in lines[1] and lines[1]["trips"] is None  # missing, and null


def test_several_kinds_of_entity_and_a_label_named_like_an_input(world: World, tmp_path: Path) -> None:
    items = world.db.create_view("items", entity="item", features={"price": Float()})
    items.put(4, {"price": 2.0}, event_time=START)
    world.put("d-7", at=0, trips=3)
    pairs = world.db.create_service("pairs", features=["drivers:trips", "items:price"])
    spine = pairs.training_set({"driver": ["d-7"], "item": [4], "time": [START], "trips": [9]})
    told = world.db.export.training_set(spine, tmp_path / "t.jsonl")
    (line,) = read(tmp_path / "t.jsonl")
    assert told.columns == ("driver", "item", "time", "trips", "price", "trips_")
    assert (line["driver"], line["item"], line["trips"], line["price"], line["trips_"]) == ("d-7", 4, 3, 2.0, 9)


def test_labels_of_one_kind_only(world: World, tmp_path: Path) -> None:
    service = served(world)
    for column in (["a", 1, None], [[1], None, None], [b"x", None, None]):
        spine = service.training_set({**MOMENTS, "km": [1.0] * 3, "label": column})
        with pytest.raises(InvalidInput, match="label"):
            world.db.export.training_set(spine, tmp_path / "t.jsonl")
    with pytest.raises(InvalidInput, match="training_set gave"):
        world.db.export.training_set({"a": 1}, tmp_path / "t.jsonl")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_labels_of_numpy_and_npz(world: World, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    labels = {"y": numpy.array([1.5, numpy.nan, 2.5]), "n": numpy.arange(3, dtype="int32")}
    spine = served(world).training_set({**MOMENTS, "km": [1.5, 2.0, 3.0], **labels})
    world.db.export.training_set(spine, tmp_path / "t.npz")
    with numpy.load(tmp_path / "t.npz", allow_pickle=False) as found:
        assert numpy.array_equal(found["y"], labels["y"], equal_nan=True)
        assert found["n"].dtype == numpy.int64 and found["n"].tolist() == [0, 1, 2]
        assert found["time"].tolist() == [one.astimezone(UTC).replace(tzinfo=None) for one in spine.times]
        assert numpy.array_equal(found["rating"], spine.numbers.column(1), equal_nan=True)
    world.db.export.training_set(spine, tmp_path / "t.jsonl")
    assert [line["y"] for line in read(tmp_path / "t.jsonl")] == [1.5, None, 2.5]


def test_more_rows_than_a_chunk(world: World, tmp_path: Path) -> None:
    service, size = served(world), 2_500
    told: list[Any] = []
    times = [START + place for place in range(size)]
    spine = service.training_set({"driver": ["d-7"] * size, "time": times, "km": [1.0] * size})
    world.db.export.training_set(spine, tmp_path / "t.csv", progress=lambda *one: told.append(one))
    assert told == [(1_000, size), (2_000, size), (2_500, size)]
    assert len((tmp_path / "t.csv").read_text().splitlines()) == size + 1
