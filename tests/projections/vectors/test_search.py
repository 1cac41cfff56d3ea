"""Searches through the public API against brute force over ``view.get``, at every offset and clock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projections.vectors.world import World, brute, shrink
from vectordb import Int, InvalidInput, UnknownName, Vector, VectorDB

SEEDS = range(4)
QUERY = [0.25, -0.5, 0.75]


def pairs(hits: Any) -> list[tuple[float, Any]]:
    return list(zip(hits.distances, hits.entities))


def names_of(view: Any) -> tuple[str, ...]:
    return tuple(name for name in view.features if name != "v")


@pytest.mark.parametrize("ttl", [None, 30.0], ids=["forever", "ttl"])
@pytest.mark.parametrize("seed", SEEDS)
def test_exact_search_is_brute_force_bit_for_bit_at_every_offset(seed: int, ttl: float | None) -> None:
    world = World(seed, ttl)
    for _ in range(40):
        world.step()
    for offset in range(1, world.db.head + 1):
        view = world.db.as_of(offset).view("v")
        for at in (None, *world.clocks(offset)):
            where = world.where(names_of(view)) if world.rng.random() < 0.6 else None
            k = world.rng.choice([1, 3, 100])
            found = view.search("v", QUERY, k, where=where, at=at, exact=True)
            assert pairs(found) == brute(view, QUERY, where, at)[:k], (offset, at, where)
            assert found.exact and found.as_of == offset
    world.db.check()


@pytest.mark.parametrize("ttl", [None, 30.0], ids=["forever", "ttl"])
@pytest.mark.parametrize("seed", SEEDS)
def test_masks_never_lose_a_match(seed: int, ttl: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With FEW boundless a filtered search measures what the masks let through, so a lost lane is a lost hit."""
    shrink(monkeypatch, few=10**9)
    world = World(seed + 100, ttl)
    for number in range(60):
        world.step()
        if number in (25, 50):
            world.view.index("v").build(seed=seed)
        if number < 25 or not len(world.db.state.vectors.fields["v"][0].lanes):
            continue
        world.db.check()
        offset = world.db.head if number % 2 else world.rng.randrange(2, world.db.head + 1)
        view = world.db.as_of(offset).view("v")
        for at in (None, *world.clocks(offset)):
            where = world.where(names_of(view))
            found = view.search("v", QUERY, 100, where=where, at=at)
            assert pairs(found) == brute(view, QUERY, where, at), (number, offset, at, where)


@pytest.mark.parametrize("ttl", [None, 30.0], ids=["forever", "ttl"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_index_gives_k_live_matches_in_order(seed: int, ttl: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a dead, future, expired or filtered-out hit; always k where k live matches exist."""
    shrink(monkeypatch)
    world = World(seed + 200, ttl)
    asked = same = 0
    for number in range(60):
        world.step()
        if number in (20, 45):
            world.view.index("v").build(seed=seed)
        if number < 20:
            continue
        offset = world.db.head if number % 2 else world.rng.randrange(2, world.db.head + 1)
        view = world.db.as_of(offset).view("v")
        for at in (None, *world.clocks(offset)):
            where = world.where(names_of(view)) if world.rng.random() < 0.6 else None
            k = world.rng.choice([1, 3, 10, 100])
            truth = brute(view, QUERY, where, at)
            found = pairs(view.search("v", QUERY, k, where=where, at=at, recall=0.99))
            assert len(found) == min(k, len(truth)), (number, offset, at, where)
            places = [truth.index(hit) for hit in found]
            assert places == sorted(set(places)), "known, distinct and in order of (distance, entity)"
            asked += min(k, len(truth))
            same += len(set(found) & set(truth[:k]))
    assert same >= 0.97 * asked
    world.db.check()


@pytest.mark.parametrize("seed", range(3))
def test_a_replay_and_a_fork_answer_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    world = World(seed + 300)
    for _ in range(40):
        world.step()
    middle = world.db.head // 2
    for other, upto in (
        (VectorDB.replay(world.db.events(), clock=world.clock), world.db.head),
        (world.db.fork(seed=1), world.db.head),
        (world.db.fork(middle, seed=1), middle),
    ):
        for offset in range(2, upto + 1, 5):
            mine, theirs = world.db.as_of(offset).view("v"), other.as_of(offset).view("v")
            assert pairs(mine.search("v", QUERY, 50, exact=True)) == pairs(theirs.search("v", QUERY, 50, exact=True))
        other.check()


def test_a_fork_has_an_index_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    world = World(7)
    for _ in range(30):
        world.step()
    world.view.index("v").build()
    fork = world.db.fork(seed=3)
    assert fork.view("v").index("v").stats()["state"] == "none"
    before = pairs(world.view.search("v", QUERY, 5))
    fork.view("v").put("fork", {"v": QUERY})
    assert fork.view("v").search("v", QUERY, 1).entities == ["fork"]
    fork.view("v").index("v").build()
    assert fork.view("v").search("v", QUERY, 1).entities == ["fork"]
    assert pairs(world.view.search("v", QUERY, 5)) == before
    world.view.index("v").drop()
    assert world.view.index("v").stats()["state"] == "none" and fork.view("v").index("v").stats()["state"] == "ready"


def test_the_vector_feature_itself_comes_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    db = VectorDB(auto_index=False, seed=1)
    first = Vector(2, metric="euclidean")
    view = db.create_view("v", entity="e", features={"v": first})
    view.put_many({"e": list(range(30)), "v": [[number, 0] for number in range(30)]})
    view.index("v").build()
    second = Vector(2, metric="manhattan")
    db.create_view("v", entity="e", features={"w": second}, replace=True)
    with pytest.raises(UnknownName):
        db.view("v").search("v", [0, 0])
    assert db.as_of(2).view("v").search("v", [4.2, 0], 2).entities == [4, 5]
    view.put_many({"e": list(range(6)), "w": [[number, 1] for number in range(6)]})
    assert view.search("w", [3, 0], 1).distances == [1.0]
    db.create_view("v", entity="e", features={"v": first, "w": second}, replace=True)
    assert view.search("v", [4.2, 0], 2).entities == [4, 5], "added again with the same type it resumes"
    view.put(99, {"v": [4.2, 0.0]})
    assert view.search("v", [4.2, 0], 1).entities == [99]
    db.check()


def test_ties_go_by_entity_and_k_may_exceed_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    db = VectorDB(auto_index=False, seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric="euclidean")})
    ids: list[Any] = ["b", "a", 3, 2, ("a", 1), ("a", 0), (1, "a"), 10, "aa"]
    view.put_many({"e": ids, "v": [[1, 1]] * len(ids)})
    wanted: list[Any] = [2, 3, 10, "a", "aa", "b", (1, "a"), ("a", 0), ("a", 1)]
    assert view.search("v", [0, 0], 50, exact=True).entities == wanted
    for k in range(1, 11):
        assert view.search("v", [0, 0], k, exact=True).entities == wanted[:k]
    view.put_many({"e": list(range(100, 140)), "v": [[number, 5] for number in range(40)]})
    view.index("v").build()
    for k in (1, 4, 9):
        assert view.search("v", [0, 0], k, recall=0.99).entities == wanted[:k]


def test_an_exact_search_goes_on_until_k_have_passed() -> None:
    """However many nearer ones a filter refuses, or were written again since, and however many tie."""
    db = VectorDB(auto_index=False, seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric="euclidean"), "n": Int()})
    count = 500
    rows = {"e": list(range(count)), "v": [[number, 0] for number in range(count)], "n": list(range(count))}
    view.put_many(rows)
    assert view.search("v", [0, 0], 3, where={"n": {"$gte": count - 3}}, exact=True).entities == [497, 498, 499]
    assert view.search("v", [0, 0], 9, where={"n": {"$gte": count - 3}}, exact=True).entities == [497, 498, 499]
    view.put_many({"e": list(range(400)), "v": [[1000, 0]] * 400})
    assert view.search("v", [0, 0], 2, exact=True).entities == [400, 401]
    view.put_many({"e": list(reversed(range(count))), "v": [[1, 1]] * count})
    assert view.search("v", [0, 0], 3, exact=True).entities == [0, 1, 2]
    past = db.as_of(2).view("v").search("v", [0, 0], 2, where={"n": {"$gte": 499}}, exact=True)
    assert past.entities == [499]


def test_a_null_is_never_a_hit_at_any_clock() -> None:
    """Also where the null came in a batch, whose column has a gap of zeros in its place."""
    db = VectorDB(auto_index=False, seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric="euclidean")})
    view.put(1, {"v": [1, 1]}, event_time=500)
    view.put_many({"e": [1, 2], "v": [None, [2, 2]]}, event_time=600)
    assert view.get(1, at=700)["v"] is None
    assert view.search("v", [0, 0], at=700).entities == [2]
    assert view.search("v", [0, 0], at=550).entities == [1]
    assert view.search("v", [0, 0]).entities == [2]


def test_every_vector_may_be_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    db = VectorDB(auto_index=False, seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric="euclidean")})
    view.put_many({"e": list(range(40)), "v": [[number, 0] for number in range(40)]})
    for entity in range(40):
        view.delete(entity)
    view.index("v").build()
    assert view.search("v", [3, 0]).entities == []
    assert db.as_of(2).view("v").search("v", [3, 0], 1).entities == [3]
    view.put(7, {"v": [3, 0]})
    assert view.search("v", [3, 0]).entities == [7]


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine", "dot", "manhattan"])
@pytest.mark.parametrize("size", [1e-310, 1e-9, 1e9, 1e38, 1e160, 1e200, 1.7e308])
def test_any_finite_query_is_answered(metric: str, size: float, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
    db = VectorDB(auto_index=False, seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric=metric, dtype="float64")})
    view.put_many({"e": list(range(60)), "v": [[number % 8 - 3.7, number / 9 - 3] for number in range(60)]})
    view.index("v").build()
    truth = view.search("v", [size, -size], 60, exact=True)
    found = view.search("v", [size, -size], 5)
    assert len(found) == 5 and set(pairs(found)) <= set(pairs(truth))


def test_what_a_search_refuses() -> None:
    world = World(1)
    for k in (0, -1, True, 1.0, "3", 10**6):
        with pytest.raises(InvalidInput):
            world.view.search("v", QUERY, k)
    for recall in (0, -0.5, 1.01, True, "high", None):
        with pytest.raises(InvalidInput):
            world.view.search("v", QUERY, recall=recall)
    with pytest.raises(InvalidInput):
        world.view.search("n", QUERY)
    with pytest.raises(UnknownName):
        world.view.search("nothing", QUERY)
    with pytest.raises(UnknownName):
        world.view.search("v", QUERY, where={"nothing": 1})
    assert world.view.search("v", QUERY).entities == [] and world.view.search("v", QUERY, where={}).entities == []


def test_hits_carry_what_they_found() -> None:
    db = VectorDB(auto_index=False, seed=1)
    view = db.create_view("v", entity="e", features={"v": Vector(2, metric="euclidean")})
    view.put("a", {"v": [0, 0]})
    receipt = view.put_many({"e": ["b", "c"], "v": [[3, 4], [6, 8]]})
    hits = view.search("v", [0, 0], 3)
    assert [(hit.entity, hit.distance, hit.score) for hit in hits] == [
        ("a", 0.0, 1.0),
        ("b", 5.0, 1 / 6),
        ("c", 10.0, 1 / 11),
    ]
    assert hits.versions[1:] == list(receipt.versions) and hits[1].version == receipt.versions[0]
    assert hits[1:] == [hits[1], hits[2]] and hits.scores[0] == 1.0
    assert hits == view.search("v", [0, 0], 3) and hits != view.search("v", [0, 1], 3) and hits != 3
    assert hits.without("a", 1).entities == ["b"] and hits.view == "v@1" and hits.as_of == 3
    assert hits.to_rows()[0] == {"entity": "a", "distance": 0.0, "score": 1.0, "version": hits.versions[0]}
    assert "3 found" in repr(hits) and db.version(hits[1].version)["v"].tolist() == [3.0, 4.0]
