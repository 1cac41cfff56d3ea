"""OpenLineage events have the shape that the specification 2-0-2 and its facets ask for."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.vectordb.lineage.world import World
from vectordb import Float, Int, VectorDB
from vectordb.transforms import StandardScaler

DIGITS = Path(__file__).parents[3] / "replay_fixtures" / "v1" / "digits" / "events.jsonl"
URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+")
FACET = re.compile(r"https://openlineage\.io/spec/facets/\d+-\d+-\d+/(\w+)\.json#/\$defs/(\w+)")
NAMES = {
    "schema": "SchemaDatasetFacet", "version": "DatasetVersionDatasetFacet",
    "columnLineage": "ColumnLineageDatasetFacet", "jobType": "JobTypeJobFacet",
}  # fmt: skip


def check_event(event: dict[str, Any]) -> None:
    """Required keys and their types: RunEvent of 2-0-2, and the facets that are used."""
    assert {"eventTime", "producer", "schemaURL", "run", "job"} <= set(event)
    assert event["schemaURL"] == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
    assert event["eventType"] in ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None and URI.fullmatch(event["producer"])
    assert str(UUID(event["run"]["runId"])) == event["run"]["runId"]
    check_named(event["job"])
    kind = event["job"]["facets"]["jobType"]
    assert isinstance(kind["processingType"], str) and isinstance(kind["integration"], str)
    for dataset in event["inputs"] + event["outputs"]:
        check_named(dataset)
        fields = dataset["facets"]["schema"]["fields"]
        assert all(isinstance(one["name"], str) and isinstance(one["type"], str) for one in fields)
        assert isinstance(dataset["facets"]["version"]["datasetVersion"], str)
    known = {(one["namespace"], one["name"]): {field["name"] for field in one["facets"]["schema"]["fields"]}
             for one in event["inputs"]}  # fmt: skip
    for dataset in event["outputs"]:
        own = {field["name"] for field in dataset["facets"]["schema"]["fields"]}
        check_columns(dataset["facets"]["columnLineage"], own, known)


def check_named(part: dict[str, Any]) -> None:
    assert isinstance(part["namespace"], str) and isinstance(part["name"], str) and part["namespace"] and part["name"]
    for name, facet in part["facets"].items():
        assert URI.fullmatch(facet["_producer"])
        found = FACET.fullmatch(facet["_schemaURL"])
        assert found and found[1] == found[2] == NAMES[name]


def check_columns(facet: dict[str, Any], own: set[str], known: dict[tuple[str, str], set[str]]) -> None:
    assert set(facet["fields"]) <= own
    inputs = [one for field in facet["fields"].values() for one in field["inputFields"]] + facet.get("dataset", [])
    for one in inputs:
        assert one["field"] in known[one["namespace"], one["name"]]
        for how in one["transformations"]:
            assert how["type"] in ("DIRECT", "INDIRECT") and isinstance(how["masking"], bool)
            assert isinstance(how["subtype"], str) and isinstance(how["description"], str)


@pytest.mark.parametrize("seed", range(3))
def test_every_run_has_the_shape_of_the_specification(seed: int) -> None:
    world = World(seed)
    runs = world.db.lineage.openlineage()
    for event in json.loads(json.dumps(runs)):
        check_event(event)
    assert len({event["run"]["runId"] for event in runs}) == len(runs)
    assert VectorDB.replay(world.db.events()).lineage.openlineage() == runs
    branch = world.db.fork().lineage.openlineage()
    assert branch and not {event["run"]["runId"] for event in branch} & {event["run"]["runId"] for event in runs}
    told = {event["outputs"][0]["facets"]["version"]["datasetVersion"] for event in runs}
    made = ("pipeline_fitted", "predictions_recorded", "training_set_recorded")
    expected = {event.offset for event in world.db.events() if event.type in made or "derived_from" in event.payload}
    assert told == set(map(str, expected)) and [event["eventTime"] for event in runs] == sorted(
        event["eventTime"] for event in runs
    )
    later = sorted(expected)[len(expected) // 2]
    versions = [int(event["outputs"][0]["facets"]["version"]["datasetVersion"]) for event in runs]
    assert world.db.lineage.openlineage(later) == [run for run, version in zip(runs, versions) if version >= later]


def test_a_story_is_told_run_by_run() -> None:
    db = VectorDB(seed=1)
    raw = db.create_view("raw", entity="e", features={"n": Int(), "m": Float()})
    clean = db.create_view("clean", entity="e", features={"x": Float(), "y": Float()})
    one, two = raw.put("a", {"n": 1}, event_time=0), raw.put("b", {"n": 2, "m": 1.0}, event_time=0)
    clean.put("a", {"x": 1.0}, derived_from=[*one.versions, *two.versions], transformation="sum@1", event_time=0)
    service = db.create_service("s", features=["clean:x"], pipeline=StandardScaler())
    service.fit()
    db.record_training_set("t", service.training_set({"e": ["a"], "time": [9]}))
    p = db.record_prediction(service.get("a"), model="m@1", output=1)
    derived, fit, joined, predicted = db.lineage.openlineage(producer="https://example.org/x")
    assert all(event["producer"] == "https://example.org/x" for event in (derived, fit, joined, predicted))
    assert derived["job"]["name"] == "sum@1"
    assert [(one["name"], one["facets"]["version"]["datasetVersion"]) for one in derived["inputs"]] == [("raw", "4")]
    assert derived["outputs"][0]["name"] == "clean"
    columns = derived["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert [one["field"] for one in columns["x"]["inputFields"]] == ["n", "m"] and list(columns) == ["x"]
    assert columns["x"]["inputFields"][0]["transformations"][0]["description"] == "sum@1"
    assert (fit["job"]["name"], fit["outputs"][0]["name"]) == ("s.fit", "pipeline.s")
    assert joined["outputs"][0]["name"] == "training_set.t"
    assert list(joined["outputs"][0]["facets"]["columnLineage"]["fields"]) == ["x"]
    assert {(one["name"], one["facets"]["version"]["datasetVersion"]) for one in predicted["inputs"]} == {
        ("clean", str(p.as_of)), ("pipeline.s", "7")}  # fmt: skip
    fields = predicted["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert fields["output"]["inputFields"][0]["transformations"][0]["description"] == "s#1 then m@1"
    assert db.lineage.upstream(p.id).openlineage() == [
        event for event in db.lineage.openlineage() if event["job"]["name"] != "s.training_set"]  # fmt: skip


def test_the_runs_of_real_predictions_have_it_too() -> None:
    db = VectorDB.replay(DIGITS)
    runs = db.lineage.openlineage()
    for event in json.loads(json.dumps(runs)):
        check_event(event)
    derived = [event for event in db.events() if "derived_from" in event.payload]
    assert len(runs) == len([*derived, *db.events(type="predictions_recorded")])
    made = {one["name"] for event in runs for one in event["outputs"]}
    assert derived and made >= {"prediction.reader", "prediction.quick"}


def test_columns_beyond_number_stand_for_the_dataset() -> None:
    db = VectorDB()
    wide = {f"f{n}": Int() for n in range(150)}
    view = db.create_view("wide", entity="e", features=wide)
    first = view.put("a", dict.fromkeys(wide, 1))
    view.put("b", dict.fromkeys(wide, 2), derived_from=first.versions)
    event = db.lineage.openlineage()[0]
    check_event(event)
    facet = event["outputs"][0]["facets"]["columnLineage"]
    assert facet["fields"] == {} and len(facet["dataset"]) == 150
    assert facet["dataset"][0]["transformations"][0]["type"] == "INDIRECT"


def test_what_was_derived_from_a_prediction_reads_its_output() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    view.put("a", {"x": 1})
    p = db.record_prediction(db.create_service("s", features=["v:x"]).get("a"), model="m", output=1)
    db.create_view("w", entity="e", features={"y": Int()})
    with db.transaction() as tx:
        tx.view("w").put("a", {"y": 1})
    db.view("w").put_many({"e": ["a", "b"], "y": [1, 2]}, derived_from=[p.id])
    event = db.lineage.openlineage()[-1]
    check_event(event)
    assert event["job"]["name"] == "w.derive" and [one["name"] for one in event["inputs"]] == ["prediction.s"]
    assert event["outputs"][0]["facets"]["columnLineage"]["fields"]["y"]["inputFields"][0]["field"] == "output"
