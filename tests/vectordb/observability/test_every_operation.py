"""Every operation, called: each is told once, under its name, and answers as it does unobserved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.observability.conftest import Told
from tests.vectordb.world import START
from vectordb import Float, Int, ManualClock, Vector, VectorDB
from vectordb.observability import OPERATIONS, observe_everywhere
from vectordb.transforms import Pipeline, StandardScaler


def story(folder: Path) -> None:
    """Calls everything there is, once or more."""
    path = folder / "ledger.jsonl"
    db = VectorDB.open(path, clock=ManualClock(START), seed=1)
    _write(db)
    _read(db)
    _serve(db)
    _experiment(db)
    _look_back(db, folder)
    db.check()
    VectorDB.open(path, read_only=True).refresh()
    db.compact(below=db.head)
    db.erase("drivers", "c", reason="asked for")
    db.close()
    VectorDB.connect(path.with_suffix(".db")).close()
    VectorDB.replay(path)


def _write(db: VectorDB) -> None:
    drivers = db.create_view("drivers", entity="driver", features={"trips": Int(), "rating": Float(), "p": Vector(2)})
    drivers.put("a", {"trips": 1, "rating": 2.0, "p": [1.0, 2.0]}, event_time=START)
    drivers.put_many({"driver": ["b", "c"], "trips": [1, 2], "rating": [3.0, 4.0]}, event_time=START)
    drivers.load({"driver": ["b", "d"], "trips": [5, 6], "rating": [3.0, 4.0]}, event_time=START)
    drivers.delete("d")
    with db.transaction() as tx:
        tx.view("drivers").put("e", {"trips": 3, "rating": 3.0}, event_time=START)
    db.mark("written")


def _read(db: VectorDB) -> None:
    drivers = db.view("drivers")
    drivers.get("a")
    drivers.get_many(["a", "b"])
    drivers.history("a")
    drivers.search("p", [1.0, 2.0])
    drivers.search_many("p", [[1.0, 2.0], [0.0, 1.0]])
    drivers.index("p").build()
    drivers.statistics()
    drivers.drift(db.head)
    drivers.entities()
    len(drivers)
    db.event(1), db.digest(), db.version("drivers/a@2")


def _serve(db: VectorDB) -> None:
    ranker = db.create_service("ranker", features=["drivers:trips"], pipeline=Pipeline([("s", StandardScaler())]))
    ranker.fit()
    rows = ranker.get("a"), ranker.get("b")
    ranker.get_many(["a", "b"])
    ranker.pipeline_drift()
    db.create_model("risk", "linear", features=["trips"], coefficients=[1.0], intercept=0.0)
    one = db.record_prediction(rows[0], model="risk")
    db.record_predictions(rows, model="gbm@1", outputs=[1, 2])
    db.prediction(one.id), db.predictions(), db.reproduce(one.id)
    ranker.parity()
    spine = ranker.training_set({"driver": ["a", "b"], "time": [START + 1, START + 2]})
    db.record_training_set("march", spine)
    db.training_set_record("march")


def _experiment(db: VectorDB) -> None:
    exp = db.create_experiment("ranking", arms={"x": 0.5, "y": 0.5}, unit="driver", metrics={"buys": "sum"})
    units = [f"u-{number}" for number in range(40)]
    exp.expose_many(units)
    exp.expose("v")
    exp.record("u-1", "buys", 2.0)
    exp.record_many({"driver": units, "value": list(range(40))}, metric="buys")
    exp.assign("u-1"), exp.assign_many(["u-1"]), exp.select("drivers"), exp.dry_run(traffic=0.5)
    exp.exposures(), exp.history(), exp.uncounted("buys")
    exp.analyze("buys"), exp.effects("buys", [db.head]), exp.scorecard(["buys"])
    exp.reallocation("buys"), exp.reallocate("buys")
    exp.ramp(0.9), exp.reweight({"x": 0.4, "y": 0.6}), exp.force("w", "x"), exp.unforce("w")
    exp.stop(ship="y"), exp.resume(), exp.restart_buckets()


def _look_back(db: VectorDB, folder: Path) -> None:
    one = db.predictions()[0].id
    audit, lineage = db.audit, db.lineage
    audit.explain(one), audit.changes(one), audit.diff(1, 2), audit.what_if(one, {}), audit.verify()
    audit.bisect(lambda past: past.as_of_offset > 2)
    audit.root(), audit.tree_head(), audit.proof(1), audit.consistency(1), audit.bundle(one), audit.kit(one)
    audit.blast_radius("drivers", "a"), audit.unfounded()
    lineage.upstream(one), lineage.downstream("drivers/a@2"), lineage.definitions(), lineage.impact(2)
    lineage.paths("drivers/a@2", one), lineage.cone(one), lineage.openlineage()
    _export(db, folder)
    db.what_if().drop(3).run()
    db.as_of(1), db.fork()
    db.snapshot(folder / "copy.jsonl"), db.checkpoint(folder / "checkpoint.json")


def _export(db: VectorDB, folder: Path) -> None:
    spine = db.service("ranker").training_set({"driver": ["a", "b"], "time": [START + 1, START + 2]})
    db.export.log(folder / "a.jsonl"), db.export.view("drivers", folder / "a.csv")
    db.export.history("drivers", folder / "b.csv"), db.export.training_set(spine, folder / "a.npz")
    db.export.lineage(folder / "c.csv"), db.export.tallies(folder / "d.csv")
    db.export.everything(folder / "a.sqlite")


def test_every_operation_is_told(tmp_path: Path, told: Told) -> None:
    with observe_everywhere(told):
        story(tmp_path)
    assert {call.error for call in told} == {None}
    evaluations = {"feature_flag.evaluation"}
    assert set(told.names) - evaluations == {one.name for one in OPERATIONS}
    assert all(call.attributes["db.system.name"] == "vectordb" for call in told if call.operation not in evaluations)
    plain = {str, int, float, bool}
    assert {type(value) for call in told for value in call.attributes.values()} <= plain
    ids = {"a", "b", "c", "d", "e", "u-1"}
    assert not [call for call in told if ids & {str(value) for value in call.attributes.values()}]


def test_the_log_is_the_same_with_and_without(tmp_path: Path, told: Told) -> None:
    folders = tmp_path / "plain", tmp_path / "observed"
    for folder in folders:
        folder.mkdir()
    story(folders[0])
    with observe_everywhere(told):
        story(folders[1])
    plain, observed = (_lines(folder / "ledger.jsonl") for folder in folders)
    assert plain == observed


def _lines(path: Path) -> Any:
    return path.read_bytes()


@pytest.mark.parametrize("noun", ["view", "service", "experiment"])
def test_collections_are_named(tmp_path: Path, told: Told, noun: str) -> None:
    with observe_everywhere(told):
        story(tmp_path)
    found = {call.attributes.get("db.collection.name") for call in told if call.operation.startswith(f"{noun}.")}
    assert found == {{"view": "drivers", "service": "ranker", "experiment": "ranking"}[noun]}
