"""The lineage graph against one told again from the stored events, at any offset."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.vectordb.lineage.naive import Arc, Naive
from tests.vectordb.lineage.world import World
from vectordb import VectorDB

SEEDS = range(4)


def assert_same(reader: Any, naive: Naive, nodes: list[str]) -> None:
    lineage = reader.lineage
    for node in nodes:
        for found, (ids, arcs) in (
            (lineage.upstream(node), naive.upstream(node)),
            (lineage.downstream(node), naive.downstream(node)),
        ):
            assert set(found.ids) == ids and len(found) == len(ids), node
            assert {Arc(*edge) for edge in found.edges} == arcs and len(found.edges) == len(arcs), node
        after = naive.downstream(node)[0]
        impact = lineage.impact(node).to_dict()
        told = {name for kind in impact["counts"] for name in impact[kind]}
        assert told == after - {node}, node


@pytest.mark.parametrize("seed", SEEDS)
def test_the_graph_is_the_naive_one_at_any_offset(seed: int) -> None:
    world, random = World(seed), Random(seed)
    for offset in [world.db.head, *random.sample(range(12, world.db.head), 3)]:
        naive = Naive(world.db, offset)
        nodes = random.sample(sorted(naive.nodes), 15)
        assert_same(world.db.as_of(offset), naive, nodes)


def test_live_a_fork_a_replay_and_a_lazy_file_tell_the_same(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    world = World(11, steps=30, path=path)
    naive = Naive(world.db, world.db.head)
    nodes = Random(5).sample(sorted(naive.nodes), 8)
    assert_same(world.db, naive, nodes)
    fork = world.db.fork(world.db.head - 5)
    earlier = Naive(fork, fork.head)
    kept = [node for node in nodes if node in earlier.nodes]
    assert kept
    assert_same(fork, earlier, kept)
    world.db.checkpoint(tmp_path / "checkpoint")
    world.db.close()
    for options in ({}, {"lazy": True}, {"checkpoint": tmp_path / "checkpoint"}):
        with VectorDB.open(path, clock=world.clock, **options) as db:
            assert_same(db, naive, nodes)


def test_the_graph_grows_with_the_log() -> None:
    """Asked after every few writes: what is worked out at the first question is kept up, not kept as it was."""
    world = World(3, steps=12)
    for _ in range(6):
        naive = Naive(world.db, world.db.head)
        assert_same(world.db, naive, Random(world.db.head).sample(sorted(naive.nodes), 5))
        for _ in range(3):
            world.step()


@pytest.mark.parametrize("seed", SEEDS)
def test_paths_are_all_the_simple_ones(seed: int) -> None:
    world, random = World(seed, steps=25), Random(seed)
    naive = Naive(world.db, world.db.head)
    tried = 0
    for _ in range(60):
        end = random.choice(sorted(naive.nodes))
        start = random.choice(sorted(naive.upstream(end)[0]))
        expected = naive.paths(start, end)
        if len(expected) > 500:
            continue
        found = world.db.lineage.paths(start, end, limit=1000)
        assert set(found) == expected and len(found) == len(expected), (start, end)
        assert world.db.lineage.paths(start, end, limit=2) == found[:2]
        tried += 1
    assert tried > 20


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cone_is_what_is_upstream_by_value(seed: int) -> None:
    world = World(seed)
    naive = Naive(world.db, world.db.head)
    values = {arc for arc in naive.arcs if arc.kind in ("derived", "input")}
    for name in Random(seed).sample(world.ids, 10):
        expected = {name}
        while True:
            more = expected | {arc.source for arc in values if arc.target in expected}
            if more == expected:
                break
            expected = more
        cone = world.db.lineage.cone(name)
        assert set(cone) == expected and len(cone) == len(expected) and cone.id == name
        assert list(cone.refs) == sorted(cone.refs)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_impact_of_an_event_is_that_of_all_it_wrote(seed: int) -> None:
    world = World(seed, steps=30)
    lineage, naive = world.db.lineage, Naive(world.db, world.db.head)
    for event in Random(seed).sample(list(world.db.events()), 12):
        written = [name for (offset, _), name in naive.names.items() if offset == event.offset]
        if not written:
            continue
        expected = set().union(*(naive.downstream(name)[0] for name in written)) - set(written)
        impact = lineage.impact(event.offset)
        told = {name for kind in impact.counts for name in getattr(impact, kind)}
        assert told == expected and impact.total == len(expected) and impact.of == event.offset
