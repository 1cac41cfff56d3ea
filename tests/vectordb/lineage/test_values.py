"""What the graph gives out: values that are shown, ordered and drawn, and what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from ledger import parse_version
from tests.vectordb.lineage.world import World
from vectordb import Int, InvalidInput, OffsetOutOfRange, UnknownName, UnknownVersion, VectorDB
from vectordb.lineage.dot import quoted


@pytest.fixture(scope="module")
def world() -> World:
    return World(2, steps=50)


@pytest.fixture
def small() -> VectorDB:
    """raw (2) -> clean (3) -> a batch of two (4); a prediction of a service (6)."""
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int(), "y": Int()})
    view.put("raw", {"x": 1})
    view.put("clean", {"x": 2}, derived_from="v/raw@2", transformation="clean@1")
    view.put_many({"e": ["a", "b"], "x": [3, 4]}, derived_from=["v/clean@3", "v/raw@2"])
    service = db.create_service("s", features=["v:x"])
    db.record_prediction(service.get("a"), model="m", output=1)
    return db


def test_a_small_graph_is_told_in_the_order_of_the_log(small: VectorDB) -> None:
    found = small.lineage.upstream("s/a@6")
    assert found.ids == (
        "model:m", "view:v@1", "feature:v:x", "v/raw@2", "v/clean@3", "v/a@4.0", "service:s@1", "s/a@6",
    )  # fmt: skip
    assert [tuple(edge) for edge in found.edges] == [
        ("view:v@1", "feature:v:x", "defines", None, 1),
        ("v/raw@2", "v/clean@3", "derived", "clean@1", 3),
        ("v/raw@2", "v/a@4.0", "derived", None, 4),
        ("v/clean@3", "v/a@4.0", "derived", None, 4),
        ("feature:v:x", "service:s@1", "reads", None, 5),
        ("model:m", "s/a@6", "made", None, 6),
        ("v/a@4.0", "s/a@6", "input", None, 6),
        ("service:s@1", "s/a@6", "made", None, 6),
    ]
    assert found.of_kind("version") == ("v/raw@2", "v/clean@3", "v/a@4.0") and "v/b@4.1" not in found
    assert found.node("v/a@4.0")[1:4] == ("version", 4, 0) and found.root == "s/a@6" and len(found) == 8
    assert small.lineage.paths("v/raw@2", "s/a@6") == (
        ("v/raw@2", "v/clean@3", "v/a@4.0", "s/a@6"),
        ("v/raw@2", "v/a@4.0", "s/a@6"),
    )
    assert small.lineage.paths("v/a@4.0", "v/raw@2") == () == small.lineage.paths("v/b@4.1", "s/a@6")
    assert small.lineage.paths("v/raw@2", "v/raw@2") == (("v/raw@2",),)


def test_an_impact_counts_each_kind(small: VectorDB) -> None:
    impact = small.lineage.impact("feature:v:x")
    assert (impact.services, impact.models, impact.predictions) == (("service:s@1",), ("model:m",), ("s/a@6",))
    assert impact.counts | {"services": 0, "models": 0, "predictions": 0} == dict.fromkeys(impact.counts, 0)
    assert impact.total == 3 and json.loads(json.dumps(impact.to_dict()))["counts"] == impact.counts
    assert small.lineage.impact("feature:v:y").total == 0
    assert small.lineage.impact(1).services == ("service:s@1",), "the event that defined the view"
    assert small.lineage.impact("v/raw@2").versions == ("v/clean@3", "v/a@4.0", "v/b@4.1")
    with pytest.raises(FrozenInstanceError):
        impact.of = "other"  # type: ignore[misc]


def test_a_past_sees_what_was_recorded_by_then(small: VectorDB) -> None:
    assert small.as_of(3).lineage.downstream("v/raw@2").ids == ("v/raw@2", "v/clean@3")
    assert small.as_of(5).lineage.impact("v/a@4.0").total == 0
    assert small.as_of(4).lineage.impact("feature:v:x").total == 0
    for name in ("v/a@4.0", "s/a@6", "service:s@1", "model:m", 4):
        with pytest.raises((UnknownVersion, UnknownName, OffsetOutOfRange)):
            small.as_of(3).lineage.impact(name)


def test_a_depth_counts_edges(small: VectorDB) -> None:
    assert small.lineage.upstream("s/a@6", depth=0).ids == ("s/a@6",)
    assert small.lineage.upstream("s/a@6", depth=1).of_kind("version") == ("v/a@4.0",)
    assert small.lineage.downstream("v/raw@2", depth=1).ids == ("v/raw@2", "v/clean@3", "v/a@4.0", "v/b@4.1")
    for wrong in (-1, 1.5, True, "1"):
        with pytest.raises(InvalidInput):
            small.lineage.upstream("s/a@6", depth=wrong)  # type: ignore[arg-type]


def test_a_node_goes_by_many_names(small: VectorDB) -> None:
    lineage = small.lineage
    expected = lineage.upstream("v/clean@3")
    version = small.view("v").history("clean")[0]
    assert lineage.upstream(version) == expected == lineage.upstream(parse_version("v/clean@3"))
    assert lineage.upstream(expected.node("v/clean@3")) == expected
    assert lineage.cone(parse_version("v/b@4.1")) == lineage.cone("v/b@4.1")
    prediction = small.prediction("s/a@6")
    assert lineage.upstream(prediction) == lineage.upstream("s/a@6")
    assert list(lineage.cone(prediction)) == ["v/raw@2", "v/clean@3", "v/a@4.0", "s/a@6"]
    assert lineage.upstream("view:v").root == "view:v@1" and lineage.downstream("service:s").root == "service:s@1"


@pytest.mark.parametrize(
    "name",
    ["v/raw@3", "v/nobody@2", "v/a@4", "v/raw@99", "w/raw@2", "raw", "", "view:", "view:w@1", "view:v@2", "view:v@01",
     "feature:v:z", "service:s@2", "pipeline:s#1", "model:n", "experiment:e@1", "training_set:t", "entity:e", 7.5, None,
     b"v/raw@2", ["v/raw@2"]],
)  # fmt: skip
def test_what_is_not_there_is_refused(small: VectorDB, name: Any) -> None:
    lineage = small.lineage
    for ask in (lineage.upstream, lineage.downstream, lineage.impact, lambda one: lineage.paths(one, "s/a@6"),
                lambda one: lineage.paths("s/a@6", one), lineage.cone):  # fmt: skip
        with pytest.raises((UnknownName, UnknownVersion, InvalidInput)) as caught:
            ask(name)
        assert caught.value.values


def test_offsets_of_no_event_and_limits_of_no_paths_are_refused(small: VectorDB) -> None:
    for offset in (0, -1, 7):
        with pytest.raises(OffsetOutOfRange):
            small.lineage.impact(offset)
    for limit in (0, -1, 1.5, True, None):
        with pytest.raises(InvalidInput):
            small.lineage.paths("v/raw@2", "s/a@6", limit=limit)  # type: ignore[arg-type]


def test_a_write_refuses_unknown_and_later_sources(small: VectorDB) -> None:
    view, head = small.view("v"), small.head
    for source in (f"v/raw@{head + 1}", f"v/new@{head + 1}", "v/raw@3", "service:s@1"):
        with pytest.raises(InvalidInput if ":" in source else UnknownVersion):
            view.put("new", {"x": 1}, derived_from=source)
    assert small.head == head
    view.put("new", {"x": 1}, derived_from="s/a@6")
    assert small.lineage.impact("v/raw@2").versions[-1] == f"v/new@{head + 1}", "through a prediction"
    assert list(small.lineage.cone(f"v/new@{head + 1}")) == [
        "v/raw@2", "v/clean@3", "v/a@4.0", "s/a@6", f"v/new@{head + 1}"]  # fmt: skip


def test_definitions_alone_are_a_graph(world: World) -> None:
    found = world.db.lineage.definitions()
    assert {node.kind for node in found.nodes} == {
        "view", "feature", "service", "pipeline", "model", "experiment", "training_set"}  # fmt: skip
    assert not any(edge.kind in ("serves", "input", "derived") for edge in found.edges)
    assert {edge.target for edge in found.edges if edge.source == "feature:drivers:rating"} >= {
        "service:ranker@1", "service:pairs@1", "experiment:trial@1"}  # fmt: skip


def test_the_same_question_gets_the_same_answer(world: World) -> None:
    fresh = VectorDB.replay(world.db.events())
    for name in world.ids[-8:]:
        told = world.db.lineage.downstream(name), world.db.lineage.upstream(name)
        again = fresh.lineage.downstream(name), fresh.lineage.upstream(name)
        assert told == again and [one.to_dict() for one in told] == [one.to_dict() for one in again]


def test_nodes_are_in_topological_order_where_stated(world: World) -> None:
    for name in world.ids[::6]:
        for found in (world.db.lineage.upstream(name), world.db.lineage.downstream(name)):
            ordered = found.ordered()
            assert sorted(ordered) == sorted(found.ids)
            if any(edge.kind == "trained" for edge in found.edges):
                continue  # there may be a cycle
            places = {one: place for place, one in enumerate(ordered)}
            assert all(places[edge.source] < places[edge.target] for edge in found.edges)


def test_a_cycle_through_a_model_ends() -> None:
    """Its training set was derived from its own predictions."""
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    view.put("a", {"x": 1}, event_time=0)
    service = db.create_service("s", features=["v:x"])
    one = db.record_prediction(service.get("a"), model="m", output=1)
    view.put("b", {"x": 1}, derived_from=one.id, event_time=0)
    db.record_training_set("t", service.training_set({"e": ["b"], "time": [5]}), model="m")
    found = db.lineage.upstream("model:m")
    assert set(found.ids) >= {"model:m", "training_set:t", one.id, "v/a@2", "service:s@1"}
    assert set(found.ordered()) == set(found.ids)
    assert db.lineage.impact(one.id).models == ("model:m",)
    assert db.lineage.impact("v/a@2").predictions == (one.id,)
    assert ("model:m", one.id, "v/b@5", "training_set:t") in db.lineage.paths("model:m", "training_set:t")


# -- exports


def test_a_graph_is_json(world: World) -> None:
    found = world.db.lineage.upstream(world.ids[-1])
    data = json.loads(json.dumps(found.to_dict()))
    assert [node["id"] for node in data["nodes"]] == list(found.ids) and data["root"] == found.root
    assert [tuple(edge.values()) for edge in data["edges"]] == [tuple(edge) for edge in found.edges]
    assert data["as_of"] == world.db.head


LABEL = re.compile(r'label="((?:[^"\\]|\\.)*)"')


def unquoted(text: str) -> str:
    """What Graphviz shows for a label: backslash pairs undone."""
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


def test_dot_quotes_whatever_an_id_holds() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    odd = ['a"];x', "back\\", "\\N", "new\nline", "é", ("eu", 'q"'), 7, "7", "<b>", "->", "{|}"]
    ids = [view.put(entity, {"x": 1}).versions[0] for entity in odd]
    last = view.put("last", {"x": 1}, derived_from=ids, transformation='t"\\').versions[0]
    graph = db.lineage.upstream(last)
    text = graph.dot()
    lines = text.splitlines()
    assert lines[0] == "digraph lineage {" and lines[-1] == "}" and text.endswith("}\n")
    nodes = [line for line in lines if " -> " not in line.partition("[")[0] and "label=" in line]
    assert [unquoted(LABEL.search(line)[1]) for line in nodes] == list(graph.ids)  # type: ignore[index]
    edges = [line for line in lines if re.match(r"  n\d+ -> n\d+ ", line)]
    assert len(edges) == len(odd) and len(nodes) + len(edges) + 3 == len(lines)
    assert all(unquoted(LABEL.search(line)[1]) == 'derived: t"\\' for line in edges)  # type: ignore[index]
    whole = re.compile(r'  n\d+( -> n\d+)? \[label="(?:[^"\\]|\\.)*"(, \w+=\w+)*\];')
    assert all(map(whole.fullmatch, nodes + edges))
    assert quoted("a\0b\r\n") == '"a\N{REPLACEMENT CHARACTER}b\\n"'


def test_values_are_shown(world: World) -> None:
    found = world.db.lineage.upstream(world.ids[-1])
    assert repr(found).startswith(f"Lineage({world.ids[-1]!r}, ") and "nodes" in repr(found)
    assert repr(world.db.lineage) == f"LineageGraph(as_of={world.db.head})"
    cone = world.db.lineage.cone(world.ids[-1])
    assert repr(cone).startswith("Cone(") and cone.to_dict()["id"] == world.ids[-1] == cone[-1]
    assert cone[:2] == tuple(cone)[:2] and world.ids[-1] in cone and "v/x@1" not in cone
    assert hash(cone) == hash(world.db.lineage.cone(world.ids[-1])) and cone != list(cone)
    assert [node["status"] for node in cone.to_dict()["nodes"]] == ["present"] * len(cone)
    with pytest.raises(UnknownName):
        found.node("v/none@1")
