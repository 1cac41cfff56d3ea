"""The lineage graph where rows were erased or pruned, and in a kit: against the graph of before, told without them."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.vectordb.lineage.naive import Arc, Naive
from tests.vectordb.lineage.test_dependents import story
from tests.vectordb.lineage.world import DRIVERS, World
from vectordb import Erased, Float, Int, Pruned, VectorDB
from vectordb.lineage.dot import quoted
from vectordb.transforms import StandardScaler


class Remains(Naive):
    """What the graph of a log is once some rows are gone. ``left`` is the erased log, ``gone`` the ids of before."""

    def __init__(self, whole: VectorDB, limit: int, left: VectorDB, gone: set[str]) -> None:
        super().__init__(whole, limit)
        self.gone = gone
        self.renamed = {name: f"erased@{at}.{row}" for (at, row), name in self.names.items() if name in gone}
        redacted = (event for event in left.events(1, limit + 1) if event.type == "redacted")
        self.silent = {event.offset for event in redacted if "derived_from" not in event.payload}
        kept = list(filter(self.stays, self.arcs))
        self.arcs = [arc._replace(source=self.now(arc.source), target=self.now(arc.target)) for arc in kept]
        self.arcs += self.served(kept)

    def now(self, name: str) -> str:
        return self.renamed.get(name, name)

    def stays(self, arc: Arc) -> bool:
        if arc.kind in ("input", "made"):
            return arc.target not in self.gone
        if arc.kind == "derived":
            return not (arc.target in self.gone and arc.offset in self.silent)
        return arc.kind != "serves" and not (arc.source in self.gone and "fitted" in arc.kind)

    @staticmethod
    def served(arcs: list[Arc]) -> list[Arc]:
        """Use is told by the predictions that are left."""
        made = [arc for arc in arcs if arc.kind == "made"]
        services = {arc.target: arc.source for arc in made if arc.source.startswith("service:")}
        return [
            Arc(services[arc.target], arc.source, "serves", None, arc.offset)
            for arc in made
            if arc.source.startswith(("model:", "experiment:"))
        ]


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5])
def test_an_erased_graph_is_the_one_of_before_without_what_is_gone(seed: int) -> None:
    random, world = Random(seed), World(seed, steps=30)
    whole = VectorDB.replay(list(world.db.events()), clock=world.clock)
    erasure = world.db.erase("drivers", random.sample(DRIVERS, 2), reason="asked")
    gone = {*erasure.versions, *erasure.predictions}
    for db in (world.db, VectorDB.replay(list(world.db.events()), clock=world.clock)):
        for limit in (whole.head, random.randrange(12, whole.head)):
            naive, lineage = Remains(whole, limit, db, gone), db.as_of(limit).lineage
            there = [name for name in naive.names.values() if name not in gone]
            for node in random.sample(there, min(12, len(there))) + ["service:ranker@1", "feature:drivers:trips"]:
                for found, (ids, arcs) in (
                    (lineage.upstream(node), naive.upstream(node)),
                    (lineage.downstream(node), naive.downstream(node)),
                ):
                    assert set(found.ids) == ids and {Arc(*edge) for edge in found.edges} == arcs, node
                    assert found.dot() and {*found.ordered()} == ids
            assert_impacts(lineage, naive, limit)
            told = lineage.openlineage()
            assert len(told) <= len(whole.as_of(limit).lineage.openlineage())


def assert_impacts(lineage: Any, naive: Remains, limit: int) -> None:
    """Each event that wrote rows has the impact of its rows, erased ones too."""
    for offset in {offset for offset, _ in naive.names}:
        own = {naive.now(name) for (at, _), name in naive.names.items() if at == offset}
        told = lineage.impact(offset).to_dict()
        found = {name for kind in told["counts"] for name in told[kind]}
        assert found == set().union(*(naive.downstream(name)[0] for name in own)) - own, offset


def test_erased_values_and_predictions_are_named_and_still_lead_on() -> None:
    db = story()
    prediction = db.prediction("s/a@10")
    db.view("clean").put("c", {"x": 1.0}, derived_from=prediction.id, transformation="copy@1")
    last = f"clean/c@{db.head}"
    db.erase("raw", "a", reason="asked")
    cone = db.lineage.cone(last)
    assert list(cone) == ["erased@2.0", "clean/a@5", "s/a@10", last]
    assert [node.status for node in cone.nodes] == ["erased", "present", "present", "present"]
    assert "style=dashed" in db.lineage.upstream(last).dot()
    assert db.lineage.impact(2).training_sets == ("training_set:t",) and last in db.lineage.impact(2).versions
    with pytest.raises(Erased):
        db.lineage.downstream("raw/a@2")
    db.erase("clean", "a", reason="asked")
    told = [(node.id, node.kind) for node in db.lineage.cone(last).nodes]
    assert told == [("erased@10.0", "prediction"), (last, "version")]
    assert "prediction.s" not in {one["outputs"][0]["name"] for one in db.lineage.openlineage()}
    assert [one["inputs"] for one in db.lineage.upstream(last).openlineage()] == [[]], "a run whose source is gone"
    assert db.lineage.impact("service:s").predictions == () == db.lineage.impact("model:m@1").predictions


def test_a_batch_of_predictions_without_one_of_them() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    view.put_many({"e": ["a", "b"], "x": [1, 2]})
    rows = db.create_service("s", features=["v:x"]).get_many(["a", "b"])
    db.record_predictions(rows, model="m", outputs=[1, 2])
    assert len(db.lineage.impact("service:s").predictions) == 2
    db.erase("v", "a", reason="asked")
    assert db.lineage.impact("service:s").predictions == db.lineage.impact("model:m").predictions == ("s/b@4.1",)
    assert db.lineage.downstream("model:m").ids == ("model:m", "s/b@4.1")


def test_a_pruned_graph_has_no_edge_that_was_not_there() -> None:
    world = World(5, steps=60)
    db = world.db
    was = {name: (db.lineage.upstream(name), db.lineage.downstream(name)) for name in world.ids}
    old = db.as_of(45)
    done = db.compact(below=46)
    assert done.pruned
    ever = {edge[2:] for pair in was.values() for graph in pair for edge in graph.edges}
    asked = 0
    for name, before in was.items():
        try:
            now = db.lineage.upstream(name), db.lineage.downstream(name)
        except Pruned:
            continue
        asked += 1
        assert set(now[0].ids) <= set(before[0].ids) | {node.id for node in now[0].nodes if node.status == "pruned"}
        for found in now:
            assert {edge[2:] for edge in found.edges if edge.kind != "may be fitted"} <= ever
            assert found.dot() and found.openlineage() is not None
    rows = [event for event in db.events() if event.type in ("row_put", "rows_put", "transaction_committed")]
    assert asked >= len(rows), "what is left is answered for"
    pruned = next(offset for offset in range(1, 46) if db.event(offset).type == "pruned")
    for ask in (lambda: db.lineage.impact(pruned), old.lineage.openlineage):
        with pytest.raises(Pruned):
            ask()
    assert db.as_of(46).lineage.openlineage()


def test_a_fit_from_before_a_compaction_cannot_be_read_again() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Float(), "y": Float()})
    view.put("a", {"x": 1.0, "y": 1.0})
    view.put("a", {"x": 2.0})
    db.create_service("s", features=["v:x"], pipeline=StandardScaler()).fit()
    view.put("a", {"x": 3.0})
    db.mark("end")
    assert db.lineage.impact(2).pipelines == () and db.lineage.impact(3).pipelines == ("pipeline:s#1",)
    db.compact(below=db.head)
    (edge,) = db.lineage.downstream("v/a@2").edges
    assert edge[1:3] == ("pipeline:s#1", "may be fitted"), "version 3 was read, and is gone"


def test_in_a_kit_the_graph_has_what_the_kit_has(tmp_path: Path) -> None:
    world = World(0, steps=40)
    batch = next(one for one in world.db.predictions() if "." in one.id.rpartition("@")[2])
    path = tmp_path / "kit.jsonl"
    world.db.audit.kit(batch.id, path)
    kit = VectorDB.replay(path)
    assert list(kit.lineage.cone(batch.id)) == list(world.db.lineage.cone(batch.id))
    assert kit.lineage.impact(f"service:{batch.service}").predictions == (batch.id,)
    for name in kit.lineage.definitions().ids:
        assert set(kit.lineage.downstream(name).ids) <= set(world.db.lineage.downstream(name).ids)


def test_many_rows_derived_from_many_are_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many edges as pairs, and not as many steps for each of them as there are sources."""
    db, size, calls = VectorDB(), 60, [0]
    view = db.create_view("v", entity="e", features={"x": Int()})
    columns = {"e": list(range(size)), "x": [1] * size}
    view.put("root", {"x": 1})
    first = view.put_many(columns, derived_from="v/root@2").versions
    view.put_many(columns, derived_from=first, transformation="mix@1")
    upstream = type(db.state.lineage).upstream

    def counted(lineage: Any, ref: int) -> Any:
        calls[0] += 1
        return upstream(lineage, ref)

    monkeypatch.setattr(type(db.state.lineage), "upstream", counted)
    found = db.lineage.downstream("v/root@2")
    assert len(found.edges) == size + size * size and {edge.transformation for edge in found.edges} == {None, "mix@1"}
    assert calls[0] <= 2 * size, "sources are not looked through for each edge"


def test_a_label_shows_what_a_browser_would_read_as_something_else() -> None:
    assert quoted("a&lt;b") == '"a&amp;lt;b"'
