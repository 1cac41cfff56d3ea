"""Forgotten vectors: no search finds them at any offset, every other answer is as if they had never been written."""

from __future__ import annotations

import gc
from array import array
from random import Random
from typing import Any

import pytest

from projections.vectors.bits import unpacked
from tests.projections.vectors.canonical import canonical
from tests.projections.vectors.erasing import erase, fresh_fold, reloaded
from tests.projections.vectors.world import ENTITIES, World, brute, shrink
from tests.vectordb.reachable import find_bytes, found_in
from vectordb import Category, Int, ManualClock, Vector, VectorDB, distance

QUERY = [0.25, -0.5, 0.75]
BUILDS = [(), (15,), (15, 45)]


def pairs(hits: Any) -> list[tuple[float, Any]]:
    return list(zip(hits.distances, hits.entities))


def written(world: World) -> list[Any]:
    return [entity for entity in ENTITIES if entity in world.db.state.rows.tables["v"].rows]


def compare(world: World, erased: set[Any], where: Any, recall: float) -> tuple[int, int]:
    """All hits of a search at one offset and several clocks against what ``get`` shows of the others."""
    offset = world.rng.randrange(2, world.db.head + 1)
    view = world.db.as_of(offset).view("v")
    asked = same = 0
    for at in (None, *world.clocks(offset)):
        truth = [hit for hit in brute(view, QUERY, where, at) if hit[1] not in erased or offset > world.again[hit[1]]]
        exact = pairs(view.search("v", QUERY, 100, where=where, at=at, exact=True))
        assert exact == truth, (offset, at, where)
        k = world.rng.choice([1, 3, 100])
        found = pairs(view.search("v", QUERY, k, where=where, at=at, recall=recall))
        assert len(found) == min(k, len(truth)) and set(found) <= set(truth)
        asked, same = asked + min(k, len(truth)), same + len(set(found) & set(truth[:k]))
    return asked, same


@pytest.mark.parametrize("ttl", [None, 30.0], ids=["forever", "ttl"])
@pytest.mark.parametrize("builds", BUILDS, ids=["no index", "index", "built again"])
@pytest.mark.parametrize("seed", range(2))
def test_searches_are_those_of_a_ledger_without_the_rows(
    seed: int, builds: tuple[int, ...], ttl: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink(monkeypatch, few=10 * (seed % 2))
    monkeypatch.setattr("projections.vectors.forgetting.ALONE", 2 * seed)
    world: Any = World(seed + 700, ttl)
    world.again, erased = {}, set()
    asked = same = 0
    for number in range(60):
        world.step()
        if number in builds:
            world.view.index("v").build(seed=seed)
        if number in (20, 30, 31, 50) and written(world):
            entity = world.rng.choice(written(world))
            erase(world.db, "v", entity)
            erased.add(entity)
            world.again[entity] = world.db.head
            world.db.state.vectors.check()
        if number >= 20 and number % 2:
            names = tuple(name for name in world.view.features if name != "v")
            where = world.where(names) if world.rng.random() < 0.6 else None
            more = compare(world, erased, where, 0.99)
            asked, same = asked + more[0], same + more[1]
    assert same >= 0.97 * asked
    found = canonical(world.db.state.vectors)
    assert found == canonical(fresh_fold(world.db)) == canonical(reloaded(world.db))
    assert reloaded(world.db).dump() == world.db.state.vectors.dump()
    world.db.state.vectors.check()


METRICS = [
    ("euclidean", "float32"), ("sqeuclidean", "float64"), ("cosine", "float16"), ("dot", "float32"),
    ("manhattan", "int8"), ("canberra", "float64"), ("correlation", "float32"), ("braycurtis", "float32"),
    ("hamming", "binary"), ("jaccard", "binary"),
]  # fmt: skip


def elements(rng: Random, dtype: str) -> list[float]:
    if dtype == "binary":
        return [int(rng.random() < 0.5) for _ in range(23)] + [1]
    if dtype == "int8":
        return [rng.randrange(-120, 121) for _ in range(6)]
    return [rng.gauss(0, 1) for _ in range(6)]


@pytest.mark.parametrize("metric, dtype", METRICS)
def test_every_metric_forgets(metric: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr("projections.vectors.forgetting.ALONE", 2)
    rng = Random(3)
    clock = ManualClock(1_700_000_000)
    db = VectorDB(clock=clock, seed=1, auto_index=False)
    kind = Vector(24 if dtype == "binary" else 6, metric=metric, dtype=dtype)
    view = db.create_view("v", entity="e", features={"v": kind, "w": Vector(2), "n": Int(), "c": Category()})
    history: list[tuple[int, int, Any]] = []  # offset, entity, stored elements

    def row() -> dict[str, Any]:
        return {"v": elements(rng, dtype), "w": [rng.random(), 1.0], "n": rng.randrange(9), "c": "Rome"}

    def note(entity: int) -> None:
        cell = view.get(entity)["v"]
        history.append((db.head, entity, unpacked(bytes(cell), 24) if dtype == "binary" else tuple(cell)))

    batch = [row() for _ in range(60)]
    view.put_many({"e": list(range(60)), **{name: [item[name] for item in batch] for name in batch[0]}})
    for entity in range(60):
        note(entity)
    if kind.metric in ("euclidean", "sqeuclidean", "cosine", "dot", "manhattan"):
        view.index("v").build()
    for _ in range(40):
        clock.advance(1)
        entity = rng.randrange(70)
        view.put(entity, row())
        note(entity)
    erased = {0, 59, *rng.sample(range(70), 6)}
    for entity in sorted(erased & set(view.entities())):
        erase(db, "v", entity)
    query = elements(rng, dtype)
    for offset in (2, 3, 20, db.head):
        latest = {entity: stored for at, entity, stored in history if at <= offset and entity not in erased}
        truth = sorted((distance(metric, query, stored), entity) for entity, stored in latest.items())
        past = db.as_of(offset).view("v")
        for exact, where in ((True, None), (False, None), (False, {"c": "Rome"})):
            assert pairs(past.search("v", query, 100, exact=exact, where=where)) == truth
            near = pairs(past.search("v", query, 5, exact=exact, where=where))
            assert len(near) == 5 and set(near) <= set(truth)
    assert not {hit.entity for hit in view.search("w", [0.5, 1.0], 100)} & erased
    assert canonical(db.state.vectors) == canonical(fresh_fold(db))


SECRET = [0.37041, -1.61803, 2.71828, 0.57721, 1.20205, -0.91596]
OTHER = [1.37041, -0.61803, 1.71828, 1.57721, 0.20205, -1.91596]


def told(index: bool, rows: int = 120) -> VectorDB:
    """Two vectors of one person, one in a batch and one put alone, among others; filters asked about them."""
    rng = Random(5)
    db = VectorDB(seed=1, auto_index=False)
    kind = Vector(6, metric="cosine")
    view = db.create_view("v", entity="e", features={"v": kind, "n": Int(), "c": Category()})
    vectors = [[rng.gauss(0, 1) for _ in range(6)] for _ in range(rows)]
    vectors[50] = SECRET
    names = [f"e{place}" for place in range(rows)]
    view.put_many({"e": names, "v": vectors, "n": list(range(1000, 1000 + rows)), "c": ["Rome", "Oslo"] * (rows // 2)})
    if index:
        view.index("v").build()
    for entity in ("e7", "e50", "e50", "e8"):
        view.put(entity, {"v": OTHER if entity == "e50" else elements(rng, "float32"), "n": 987_654_321_123, "c": "x"})
    view.put("e9", {"n": 3})
    view.put("e50", {"n": 987_654_321_125})
    for where in ({"n": {"$gt": 987_654_321_122}}, {"c": "x"}, {"n": 987_654_321_123}):
        view.search("v", SECRET, 5, where=where)
    return db


@pytest.mark.parametrize("index", [False, True])
def test_nothing_reachable_holds_a_forgotten_vector(index: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    db = told(index)
    vectors = db.state.vectors
    assert find_bytes(vectors, [SECRET], packages=(), most=1) and find_bytes(vectors, [OTHER], packages=(), most=1)
    assert erase(db, "v", "e50").vectors == 3
    gc.collect()
    wanted = [SECRET, OTHER, array("f", SECRET).tobytes(), 987_654_321_125]
    assert find_bytes(vectors, wanted) == [], "the log as it is now among them"
    assert found_in(vectors.dump(), wanted) == []
    assert find_bytes(reloaded(db), wanted, packages=()) == []
    rows = [[hit.entity for hit in db.as_of(n).view("v").search("v", SECRET, 200)] for n in range(2, db.head + 1)]
    assert all("e50" not in found and len(found) == 119 for found in rows)


def codes_of(db: VectorDB, lane: int) -> list[Any]:
    """The bits of every plane at a lane, the fine bytes, and what waits in the tail."""
    segment = db.state.vectors.fields["v"][0].index.find(lane)
    place = list(segment.ids).index(lane)
    if place >= segment.sealed.size:
        return [segment.pending[place - segment.sealed.size]]
    size, planes, fine = segment.sealed
    width = len(fine) // size
    return [*(plane >> place & 1 for plane in planes), fine[place * width : (place + 1) * width]]


def test_codes_of_a_forgotten_vector_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    monkeypatch.setattr("projections.vectors.build.WIDE_DIM", 5)  # so that there are fine bytes
    db = told(index=True)
    field = db.state.vectors.fields["v"][0]
    lanes = [lane for lane in range(len(field)) if db.state.log.entity(field.lanes.ref(lane)) == "e50"]
    others = [lane for lane in range(len(field)) if lane not in lanes]
    assert any(any(codes_of(db, lane)) for lane in lanes)
    before = [codes_of(db, lane) for lane in others]
    erase(db, "v", "e50")
    assert [codes_of(db, lane) for lane in others] == before
    for lane in lanes:
        codes = codes_of(db, lane)
        assert set(codes[-1]) <= {0, 128} and not any(codes[:-1]), "zeros, or the middle of every axis"
        assert field.elements(lane) == (0.0,) * 6


def test_an_index_whose_centres_tell_too_much_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    db = told(index=True)
    monkeypatch.setattr("projections.vectors.forgetting.ALONE", 1_000)
    assert erase(db, "v", "e50").unindexed == (0,)
    assert db.view("v").index("v").stats()["state"] == "none"
    assert len(db.view("v").search("v", SECRET, 200)) == 119
    db.view("v").index("v").build()
    assert len(db.view("v").search("v", SECRET, 200)) == 119
    monkeypatch.setattr("projections.vectors.forgetting.ALONE", 1)
    assert erase(db, "v", "e51").unindexed == ()


def test_a_build_learns_nothing_of_the_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros in place of most vectors do not bend the scale; none left builds too."""
    shrink(monkeypatch)
    rng = Random(2)
    db = VectorDB(seed=1, auto_index=False)
    view = db.create_view("v", entity="e", features={"v": Vector(3, metric="euclidean")})
    vectors = [[1_000 + rng.random() for _ in range(3)] for _ in range(90)]
    view.put_many({"e": list(range(90)), "v": vectors})
    for entity in range(70):
        erase(db, "v", entity)
    view.index("v").build()
    field = db.state.vectors.fields["v"][0]
    assert field.index.trained.scale.low > 990
    found = view.search("v", vectors[80], 3)
    assert found.entities[0] == 80 and len(view.search("v", vectors[3], 100)) == 20
    for entity in range(70, 90):
        erase(db, "v", entity)
    view.index("v").build()
    assert len(view.search("v", vectors[80], 3)) == 0


def test_a_row_without_a_vector_and_a_second_time_change_nothing() -> None:
    db = told(index=False)
    state = db.state
    before = canonical(state.vectors)
    note = db.create_view("w", entity="e", features={"n": Int()})
    note.put("e1", {"n": 1})
    assert erase(db, "w", "e1").vectors == 0
    refs = state.rows.tables["v"].refs("e9")
    assert state.vectors.forget_rows("v", [refs[1]]).vectors == 0
    assert {**before, "w": {}} == canonical(state.vectors)
    refs = list(state.rows.tables["v"].refs("e50"))
    assert erase(db, "v", "e50").vectors == 3
    assert state.vectors.forget_rows("v", refs).vectors == 0
    state.vectors.check()


def test_writes_after_it_are_as_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same name may be put again: a new entity, with its own lanes and deaths."""
    shrink(monkeypatch)
    db = told(index=True)
    erase(db, "v", "e50")
    view = db.view("v")
    view.put("e50", {"v": OTHER, "n": 1, "c": "y"})
    view.put("e50", {"v": SECRET, "n": 2, "c": "y"})
    assert view.search("v", SECRET, 1).entities == ["e50"]
    assert db.as_of(db.head - 1).view("v").search("v", OTHER, 1).entities == ["e50"]
    assert "e50" not in db.as_of(db.head - 2).view("v").search("v", OTHER, 200).entities
    assert canonical(db.state.vectors) == canonical(fresh_fold(db))
