"""Random histories: after every event, and as of every offset before it, tallies are those of a recount."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from ledger import Entity
from projections import Experiments
from tests.projections.experiments.naive import Counted, count, exact
from tests.projections.experiments.world import UNITS, World, step


def agree(experiments: Experiments, counted: Counted, experiment: str, offset: int) -> None:
    """Everything that is told of one experiment at one offset is what the judge says."""
    tallies = experiments.tallies(experiment, offset)
    assert tallies.exposed == counted.exposed and list(tallies.exposed)[:2] == ["a", "b"]
    assert tallies.conflicted == len(counted.conflicted) and tallies.forced == len(counted.forced)
    for metric, by_arm in counted.values.items():
        found = tallies.moments(metric)
        assert list(found) == list(tallies.exposed)
        for arm, moments in found.items():
            size, total, squares = exact(list(by_arm[arm].values()))
            assert moments.size == size and Fraction(moments.total, moments.scale) == total
            assert Fraction(moments.squares, moments.scale**2) == squares
        values = experiments.unit_values(experiment, metric, offset)
        assert {arm: dict(pairs) for arm, pairs in values.items()} == by_arm
    ratios(experiments, counted, experiment, offset)
    for unit in UNITS:
        assert experiments.arm_of(experiment, unit, offset) == counted.first.get(unit)
    units = experiments.units(experiment, offset)
    assert {one.unit: one[1:4] for one in units} == {unit: first[:3] for unit, first in counted.first.items()}
    assert {one.unit for one in units if one.conflicted} == counted.conflicted


def ratios(experiments: Experiments, counted: Counted, experiment: str, offset: int) -> None:
    """Joint moments, over the units that both metrics count."""
    tallies = experiments.tallies(experiment, offset)
    for metric, definition in tallies.definition.metrics.items():
        if definition.over:
            for arm, found in tallies.joint(metric).items():
                tops, bottoms = counted.values[metric][arm], counted.values[definition.over][arm]
                pairs = [(Fraction(tops[unit]), Fraction(bottoms[unit])) for unit in tops if unit in bottoms]
                assert found.size == len(pairs)
                first, second = [top for top, _ in pairs], [bottom for _, bottom in pairs]
                for column, value in ((first, found.y), (second, found.x)):
                    assert Fraction(value, found.scale) == added(column)
                for one, two, value in (
                    (first, first, found.yy),
                    (second, second, found.xx),
                    (first, second, found.yx),
                ):
                    assert Fraction(value, found.scale**2) == added([a * b for a, b in zip(one, two)])


def added(values: list[Fraction]) -> Fraction:
    """The sum."""
    return sum(values, Fraction())  # ints


def told(world: World, name: str) -> range:
    """Offsets at which an experiment is defined."""
    versions = world.fold.catalog.experiments.versions(name)
    return range(versions[0][0], world.log.head + 1) if versions else range(0)


@pytest.mark.parametrize("seed", range(12))
def test_tallies_are_those_of_a_recount_after_every_event_and_as_of_every_offset(seed: int) -> None:
    world, random = World(), Random(seed)
    judged: dict[tuple[str, int], Counted] = {}
    for _ in range(45):
        step(world, random)
        for name in "xy":
            for offset in told(world, name):
                if (name, offset) not in judged:
                    judged[name, offset] = count(world.events, name, offset, set())
                if offset == world.log.head or random.random() < 0.25:
                    agree(world.experiments, judged[name, offset], name, offset)
    for (name, offset), counted in judged.items():
        agree(world.experiments, counted, name, offset)
    world.experiments.check()


@pytest.mark.parametrize("seed", range(20, 28))
def test_a_replay_and_a_dump_give_the_same(seed: int) -> None:
    world, random = World(), Random(seed)
    for _ in range(60):
        step(world, random)
    again, loaded = world.again(), world.again()
    loaded.load(world.experiments.dump())
    assert again.dump() == loaded.dump() == world.experiments.dump()
    for experiments in (again, loaded):
        experiments.check()
        assert experiments.counts() == world.experiments.counts()
        for name in "xy":
            for offset in told(world, name):
                agree(experiments, count(world.events, name, offset, set()), name, offset)
    world.reopen()
    for _ in range(20):
        step(world, random)
    for name in "xy":
        for offset in told(world, name):
            agree(world.experiments, count(world.events, name, offset, set()), name, offset)
    world.experiments.check()


@pytest.mark.parametrize("seed", range(40, 50))
def test_a_unit_that_was_erased_was_never_there(seed: int) -> None:
    world, random = World(), Random(seed)
    for _ in range(60):
        step(world, random)
    gone: set[Entity] = set()
    for unit in random.sample(UNITS, 4):
        gone.add(unit)
        left = world.again(without=gone)
        for name in "xy":
            for offset in told(world, name):
                agree(left, count(world.events, name, offset, gone), name, offset)
        left.check()
    loaded = world.again()
    loaded.load(left.dump())
    assert loaded.dump() == left.dump() and loaded.counts() == left.counts()
    for name in "xy":
        agree(loaded, count(world.events, name, world.log.head, gone), name, world.log.head)


@pytest.mark.parametrize("seed", range(60, 66))
def test_other_rules_of_attribution(seed: int) -> None:
    world, random = World(), Random(seed)
    for _ in range(60):
        step(world, random)
    for name in "xy":
        for offset in told(world, name):
            rules = {
                "window": random.choice([None, 3, 8]),
                "until": random.choice([None, 12, 25]),
                "first_arm": random.random() < 0.5,
            }
            counted = count(world.events, name, offset, set(), **rules)
            for metric, by_arm in counted.values.items():
                values = world.experiments.unit_values(name, metric, offset, **rules)
                assert {arm: dict(pairs) for arm, pairs in values.items()} == by_arm


@pytest.mark.parametrize("seed", range(70, 76))
def test_many_looks_are_the_same_as_one_by_one(seed: int) -> None:
    world, random = World(), Random(seed)
    for _ in range(80):
        step(world, random)
    experiments, offsets = world.experiments, list(told(world, "x"))
    for some in (offsets, random.sample(offsets, 20)):
        for metric in ("spend", "visits", "rating"):
            one_by_one = [experiments.tallies("x", offset).moments(metric) for offset in some]
            assert experiments.looks("x", metric, some) == one_by_one
            ratio = [offset for offset in some if experiments.tallies("x", offset).definition.metrics[metric].over]
            joint_one_by_one = [experiments.tallies("x", offset).joint(metric) for offset in ratio]
            assert experiments.joint_looks("x", metric, ratio) == joint_one_by_one
