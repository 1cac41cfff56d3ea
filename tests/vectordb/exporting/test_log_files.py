"""The log, histories, lineage and tallies, against the calls that read them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.exporting.shop import FEATURES, IDS, plain
from tests.vectordb.world import START, World
from vectordb import Float, Text, VectorDB, Version
from vectordb.lineage import LineageGraph


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_log(db: VectorDB, tmp_path: Path) -> None:
    db.view("goods").put("x", {"price": 2.0}, actor="etl", tags=["a", "b"])
    told = db.export.log(tmp_path / "log.jsonl", digests=True)
    lines = read(tmp_path / "log.jsonl")
    assert told.rows == db.head == len(lines)
    for line, event in zip(lines, db.events()):
        assert (line["offset"], line["type"], line["digest"]) == (event.offset, event.type, event.digest)
        assert line["recorded_time"] == event.recorded_time.isoformat(timespec="microseconds")
        assert line["payload"] == json.loads(json.dumps(event.payload)) and line["rows"] == event.rows
    assert (lines[-1]["actor"], lines[-1]["tags"], lines[0]["actor"]) == ("etl", ["a", "b"], None)
    told = db.export.log(tmp_path / "part.csv", start=2, stop=4)
    assert told.rows == 2 and "digest" not in told.columns
    assert db.export.log(tmp_path / "part.csv", type="entity_deleted").rows == 1
    assert db.export.log(tmp_path / "part.csv", view="goods").rows == db.head


def test_history(db: VectorDB, tmp_path: Path) -> None:
    goods = db.view("goods")
    goods.put_many({"good": ["a", "b"], "count": [1, None], "price": [0.5, 0.25]})
    with db.transaction() as tx:
        tx.view("goods").put("c", {"price": 1.0})
    other = db.create_view("other", entity="x", features={"y": Float()})
    source = goods.history("a")[0].id
    other.put("o", {"y": 1.0}, derived_from=[source], transformation="half@1")
    told = db.export.history("goods", tmp_path / "goods.jsonl")
    ids = [*IDS, "gone", "a", "b", "c"]
    wanted = sorted((one for entity in ids for one in goods.history(entity)), key=lambda one: (one.offset, one.row))
    assert read(tmp_path / "goods.jsonl") == list(map(_line, wanted))
    assert told.rows == len(wanted) == 12
    db.export.history("other", tmp_path / "other.jsonl")
    (line,) = read(tmp_path / "other.jsonl")
    assert (line["derived_from"], line["transformation"], line["y"]) == ([source], "half@1", 1.0)


def _line(one: Version) -> dict[str, Any]:
    entity = list(one.entity) if isinstance(one.entity, tuple) else one.entity
    times = {"event_time": one.event_time, "recorded_time": one.recorded_time}
    own = {"version": one.id, "offset": one.offset, "row": one.row, **plain(times), "deleted": one.deleted}
    values = plain({name: one.values[name] for name in FEATURES if name in one.values})
    behind = {"derived_from": list(one.derived_from) or None, "transformation": one.transformation}
    return {**own, "good": entity, **values, **behind}


def test_history_of_a_past_and_of_names_that_clash(tmp_path: Path) -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"offset": Float(), "row": Float()})
    view.put("a", {"offset": 0.5})
    view.put("a", {"row": 1.5})
    told = db.as_of(2).export.history("v", tmp_path / "v.jsonl", features=["offset"])
    (line,) = read(tmp_path / "v.jsonl")
    assert told.columns[:4] == ("version", "offset_", "row", "event_time")
    assert (line["offset"], line["offset_"]) == (0.5, 2)


def test_history_across_definitions(tmp_path: Path) -> None:
    """Rows of older versions of the view, by the names of the version that the reader has; as ``view.history``."""
    db = VectorDB()
    names = [{"a": Float(), "b": Text()}, {"b": Text(), "c": Float()}, {"c": Float(), "a": Float(), "b": Text()}]
    for place, features in enumerate(names):
        view = db.create_view("v", entity="e", features=features, replace=True)
        view.put("x", {name: str(place) if name == "b" else float(place) for name in features})
        view.put_many({"e": ["x", "y"], "b": [f"{place}", None]})
    for offset in (3, 6, 9):
        past = db.as_of(offset)
        past.export.history("v", tmp_path / "v.jsonl")
        wanted = [one for entity in ("x", "y") for one in past.view("v").history(entity)]
        wanted.sort(key=lambda one: (one.offset, one.row))
        lines = read(tmp_path / "v.jsonl")
        assert [line["version"] for line in lines] == [one.id for one in wanted]
        own = [{name: line[name] for name in past.view("v").features if name in line} for line in lines]
        assert own == [one.values for one in wanted]


def test_erased_rows_are_left_out_and_counted(world: World, tmp_path: Path) -> None:
    for place in range(3):
        world.put("d-7", trips=place)
    world.drivers.put_many({"driver": ["d-7", "d-8"], "trips": [9, 10]})
    source = world.drivers.history("d-7")[0].id
    world.drivers.put("d-9", {"trips": 1}, derived_from=[source], transformation="copy@1")
    world.db.erase("drivers", "d-7", reason="asked for")
    history = world.db.export.history("drivers", tmp_path / "a.jsonl")
    log = world.db.export.log(tmp_path / "b.jsonl")
    rows = world.db.export.view("drivers", tmp_path / "c.jsonl")
    edges = world.db.export.lineage(tmp_path / "d.jsonl")
    assert history.left_out == {"erased rows": 4} and history.rows == 2
    assert [line["driver"] for line in read(tmp_path / "a.jsonl")] == ["d-8", "d-9"]
    assert log.left_out == {"erased rows": 4} and log.rows == world.db.head
    assert [line["driver"] for line in read(tmp_path / "c.jsonl")] == ["d-8", "d-9"] and rows.left_out == {}
    assert any(line["source_status"] == "erased" for line in read(tmp_path / "d.jsonl")) and edges.rows
    for name in "abcd":
        assert "d-7" not in (tmp_path / f"{name}.jsonl").read_text()


def test_what_is_left_of_erased_predictions_and_exposures(tmp_path: Path) -> None:
    db = lineage_story()
    exp = db.create_experiment("ranking", arms={"x": 1.0}, unit="driver")
    exp.expose_many(["a", "b"])
    db.erase("drivers", "a", reason="asked for")
    told = db.export.everything(tmp_path / "all.sqlite")
    redacted = [event for event in db.events() if event.type == "redacted"]
    assert told[0].rows == db.head and redacted
    rows = told[0].left_out["erased rows"]
    assert rows + told[0].left_out["redacted events"] == len(redacted)  # of one row or record each
    db.export.lineage(tmp_path / "edges.jsonl")
    text = (tmp_path / "edges.jsonl").read_text() + (tmp_path / "all.sqlite").read_bytes().decode("latin-1")
    assert "drivers/a@" not in text and "ranker/a@" not in text


def test_pruned_rows_are_left_out_and_counted(world: World, tmp_path: Path) -> None:
    for place in range(5):
        world.put("d-7", trips=place, rating=1.0, city="Rome")
        world.tick()
    world.drivers.put_many({"driver": ["d-7", "d-8"], "trips": [9, 10], "rating": [1.0, 1.0], "city": ["Oslo", "Oslo"]})
    world.put("d-7", trips=10, rating=1.0, city="Rome")
    world.db.compact(below=world.db.head)
    history = world.db.export.history("drivers", tmp_path / "a.jsonl")
    kept = sorted(one.id for entity in ("d-7", "d-8") for one in world.drivers.history(entity))
    assert sorted(line["version"] for line in read(tmp_path / "a.jsonl")) == kept
    assert history.left_out == {"pruned events": 5, "pruned rows": 1}
    log = world.db.export.log(tmp_path / "b.jsonl")
    assert log.left_out["pruned events"] == 5 and log.rows == world.db.head - 5
    assert world.db.export.log(tmp_path / "b.jsonl", view="drivers").left_out["pruned events"] == 5
    assert world.db.export.lineage(tmp_path / "c.jsonl").left_out == {"pruned events": 5}


def test_lineage_has_every_edge_of_the_graph(tmp_path: Path) -> None:
    db = lineage_story()
    told = db.export.lineage(tmp_path / "edges.jsonl")
    found = {(line["source"], line["target"], line["kind"], line["offset"]) for line in read(tmp_path / "edges.jsonl")}
    assert found == _edges(db.lineage, [one.id for one in db.predictions()])
    assert told.rows == len(read(tmp_path / "edges.jsonl"))
    before = db.as_of(3).export.lineage(tmp_path / "past.jsonl")
    assert before.rows < told.rows and before.as_of == 3


def _edges(graph: LineageGraph, ids: list[str]) -> set[tuple[Any, ...]]:
    parts = [graph.definitions(), *map(graph.upstream, ids), graph.upstream("training_set:march")]
    parts.append(graph.upstream("model:risk"))
    return {(edge.source, edge.target, edge.kind, edge.offset) for part in parts for edge in part.edges}


def lineage_story() -> VectorDB:
    world = World()
    db = world.db
    raw = world.put("a", trips=1)
    world.drivers.put("b", {"trips": 2}, derived_from=[raw], transformation="copy@1")
    ranker = db.create_service("ranker", features=["drivers:trips"])
    db.create_model("risk", "linear", features=["trips"], coefficients=[1.0], intercept=0.0)
    for entity in ("a", "b"):
        db.record_prediction(ranker.get(entity), model="risk")
    db.record_training_set("march", ranker.training_set({"driver": ["b"], "time": [START + 1]}))
    return db


def test_tallies(world: World, tmp_path: Path) -> None:
    metrics = {"buys": "sum", "any_buy": "any"}
    exp = world.db.create_experiment("ranking", arms={"x": 0.5, "y": 0.5}, unit="user", metrics=metrics)
    world.db.create_experiment("bare", arms={"on": 1.0}, unit="user").expose("u")
    units = [f"u-{place}" for place in range(50)]
    exp.expose_many(units)
    values = {unit: 0.1 * place for place, unit in enumerate(units)}
    exp.record_many({"user": units, "value": list(values.values())}, metric="buys")
    told = world.db.export.tallies(tmp_path / "t.jsonl")
    lines = read(tmp_path / "t.jsonl")
    assert told.rows == len(lines) == 5
    for arm in ("x", "y"):
        own = [Fraction(values[one.unit]) for one in exp.exposures() if one.arm == arm]
        (line,) = [line for line in lines if (line["arm"], line["metric"]) == (arm, "buys")]
        assert (line["exposed"], line["units"], line["weight"]) == (len(own), len(own), 0.5)
        assert Fraction(int(line["total"]), int(line["scale"])) == sum(own)  # Fractions, exact
        assert Fraction(int(line["squares"]), int(line["scale"]) ** 2) == sum(one * one for one in own)
        assert line["mean"] == float(sum(own) / len(own))  # Fractions, exact
    (bare,) = [line for line in lines if line["experiment"] == "bare"]
    assert (bare["exposed"], bare["metric"], bare["units"]) == (1, None, None)
    assert world.db.export.tallies(tmp_path / "t.csv", experiment="ranking").rows == 4
    assert world.db.as_of(1).export.tallies(tmp_path / "t.csv").rows == 0


def test_everything_in_one_database(tmp_path: Path) -> None:
    db = lineage_story()
    told = db.export.everything(tmp_path / "all.sqlite")
    with closing(sqlite3.connect(tmp_path / "all.sqlite")) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master ORDER BY rowid")]
        sizes = [connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names]
        joined = connection.execute(
            "SELECT d.driver, h.offset FROM drivers d JOIN drivers_history h ON h.driver = d.driver ORDER BY 2"
        ).fetchall()
    assert names == ["events", "lineage", "tallies", "drivers", "drivers_history"]
    assert sizes == [one.rows for one in told] and sizes[0] == db.head
    assert joined == [("a", 2), ("b", 3)]
    assert {one.nbytes for one in told} == {(tmp_path / "all.sqlite").stat().st_size}


@pytest.mark.parametrize("ending", ["csv", "npz", "sqlite"])
def test_every_table_in_every_format(tmp_path: Path, ending: str) -> None:
    db = lineage_story()
    spine = db.service("ranker").training_set({"driver": ["b"], "time": [START + 1]})
    path = tmp_path / f"t.{ending}"
    told = [
        db.export.log(path), db.export.history("drivers", path), db.export.lineage(path), db.export.tallies(path),
        db.export.view("drivers", path), db.export.training_set(spine, path),
    ]  # fmt: skip
    assert [one.rows for one in told][:2] == [db.head, 2] and all(one.format == ending for one in told)
