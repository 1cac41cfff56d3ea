"""Uses, the inverse of what predictions say, and the closure of what writes declare."""

from __future__ import annotations

from random import Random

from ledger import ROW_BITS
from projections import Uses
from tests.vectordb.lineage.world import World
from vectordb import Int, VectorDB
from vectordb.lineage import dependents


def uses_of(db: VectorDB) -> Uses:
    return Uses(db.state.log, db.state.catalog, db.state.predictions)


def test_uses_are_the_inverse_of_the_predictions_at_any_limit() -> None:
    world = World(8, steps=60)
    db, uses = world.db, uses_of(world.db)
    for head in (10, 30, db.head):
        uses.upto(head)
        assert uses.end == head
        limit = head << ROW_BITS | (1 << ROW_BITS) - 1
        read: dict[int, list[int]] = {}
        made: dict[str, list[int]] = {}
        for one in db.as_of(head).predictions():
            ref = one.offset << ROW_BITS | (int(one.id.rpartition(".")[2]) if db.event(one.offset).rows > 1 else 0)
            for source in {ref for ref in one.row.sources if ref}:
                read.setdefault(source, []).append(ref)
            for name in (f"service:{one.service}", f"model:{one.model}"):
                made.setdefault(name, []).append(ref)
        assert {source: list(uses.of_row(source, limit)) for source in read} == read
        assert {name: list(uses.of_definition(name, limit)) for name in made} == made
        assert uses.counts() == {"rows": len(read), "reads": sum(map(len, read.values()))}  # ints
        earlier = 9 << ROW_BITS
        assert all(ref <= earlier for source in read for ref in uses.of_row(source, earlier))
    assert list(uses.of_row(1, 1 << 60)) == [] == list(uses.of_definition("model:none", 1 << 60))


def test_an_assignment_is_free_data_and_names_an_experiment_or_none() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    view.put("a", {"x": 1})
    row = db.create_service("s", features=["v:x"]).get("a")
    trial = db.create_experiment("trial", arms={"a": 1.0}, unit="e", metrics={"m": "sum"})
    trial.ramp(0.5)
    named = {"trial": "experiment:trial@2", "trial@1": "experiment:trial@1", "trial@3": "", "trial@01": "",
             "trial@x": "", "other@1": "", "": ""}  # fmt: skip
    for name, expected in named.items():
        one = db.record_prediction(row, model="m", output=1, assignment={"experiment": name, "arm": "a"})
        graph = db.lineage.upstream(one)
        assert graph.of_kind("experiment") == ((expected,) if expected else ())
        arms = [edge.transformation for edge in graph.edges if edge.source.startswith("experiment:")]
        assert arms == (["a"] if expected else [])
    for assignment in ({"experiment": 7}, {"experiment": None}, {}, {"arm": "a"}, {"experiment": "trial", "arm": 7}):
        db.record_prediction(row, model="m", output=1, assignment=assignment)
    assert db.lineage.downstream("experiment:trial@2").of_kind("prediction") == ("s/a@6", f"s/a@{db.head}")
    assert db.lineage.upstream("experiment:trial@1").of_kind("service") == ("service:s@1",)


def test_the_closure_is_the_naive_one_and_rises() -> None:
    random = Random(1)
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    ids: list[str] = []
    behind: dict[str, set[str]] = {}
    for number in range(120):
        sources = random.sample(ids, min(len(ids), random.randrange(4)))
        columns = {"e": [f"e{number}", f"f{number}"][: 1 + number % 2], "x": [1, 2][: 1 + number % 2]}
        receipt = view.put_many(columns, derived_from=sources)
        for one in receipt.versions:
            behind[one] = {one}.union(*(behind[source] for source in sources))
        ids += receipt.versions
    for name in random.sample(ids, 40):
        cone = db.lineage.cone(name)
        assert set(cone) == behind[name] and list(cone.refs) == sorted(set(cone.refs))
        assert list(cone.offsets) == sorted(set(cone.offsets))
    lineage = db.state.lineage
    declared = [event.offset for event in db.events() if "derived_from" in event.payload]
    assert lineage.declared(1, db.head) == declared and lineage.declared(50, 60) == [
        offset for offset in declared if 50 <= offset <= 60]  # fmt: skip
    several = [cone.refs[-1] for cone in map(db.lineage.cone, ids[-5:])]
    union = set().union(*(db.lineage.cone(name).refs for name in ids[-5:]))
    assert set(lineage.closure(several, lambda leaf: ())) == union


def test_erased_rows_are_still_found_by_what_came_of_them() -> None:
    """Edges hold no value of an entity, so an erasure leaves them."""
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Int()})
    view.put("a", {"x": 1})
    view.put("b", {"x": 1}, derived_from="v/a@2")
    db.erase("v", "a", reason="asked")
    assert dependents(db, [2 << ROW_BITS]).versions == ("v/b@3",)
    db.check()
