"""Which segments of a layer an experiment has: chosen by its seed, from what is free, and kept as far as can be."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random
from typing import Any

import pytest

from ledger import SEGMENTS
from tests.vectordb.experiments.lab import UNITS, Lab, arms_of, told
from tests.vectordb.experiments.naive_layer import naive_take
from vectordb import DefinitionError, VectorDB
from vectordb.experiments.bucketing import Hasher
from vectordb.experiments.layers import EVERY, choose, layers_of

# -- the choice of segments --------------------------------------------------------------------------------


def members(mask: int) -> set[int]:
    return {number for number in range(SEGMENTS) if mask >> number & 1}


def mask_of(numbers: set[int]) -> int:
    return sum(1 << number for number in numbers)  # ints


@pytest.mark.parametrize("seed", range(3))
def test_what_is_taken_is_what_a_naive_layer_gives(seed: int) -> None:
    random = Random(seed)
    taken = set(random.sample(range(SEGMENTS), random.randrange(8_000)))
    share = random.randrange(SEGMENTS - len(taken)) / SEGMENTS
    found = choose(0, EVERY & ~mask_of(taken), round(share * SEGMENTS), f"s{seed}")
    assert members(found) == naive_take(taken, share, f"s{seed}")


def test_experiments_of_a_layer_exclude_each_other() -> None:
    a = choose(0, EVERY, 2_500, "x")
    b = choose(0, EVERY & ~a, 5_000, "x")
    assert not a & b and (a.bit_count(), b.bit_count()) == (2_500, 5_000)
    rest = choose(0, EVERY & ~a & ~b, 9_999, "y")
    assert rest == EVERY & ~a & ~b  # all that is free, where that is less


def test_another_seed_takes_others() -> None:
    assert choose(0, EVERY, 2_000, "one") != choose(0, EVERY, 2_000, "another")
    assert choose(0, EVERY, 2_000, "one") == choose(0, EVERY, 2_000, "one")


def test_what_is_taken_is_spread_over_the_layer() -> None:
    owned = members(choose(0, EVERY, 5_000, "s"))
    assert all(400 < sum(number // 1_000 == place for number in owned) < 600 for place in range(10))  # ints


def test_every_share_of_four_digits_is_taken() -> None:
    for wanted in (0, 1, 3, 7, 2_500, 3_333, 9_999, 10_000):
        assert choose(0, EVERY, wanted, "s").bit_count() == wanted


def test_growing_and_shrinking_keep_what_can_be_kept() -> None:
    small = choose(0, EVERY, 2_000, "s")
    other = choose(0, EVERY & ~small, 3_000, "t")
    large = choose(small, EVERY & ~other, 6_000, "s")
    assert small & large == small and not large & other and large.bit_count() == 6_000
    back = choose(large, EVERY & ~other, 2_000, "s")
    assert back & large == back and back.bit_count() == 2_000
    assert choose(small, EVERY & ~other, 2_000, "s") == small


# -- experiments of a layer --------------------------------------------------------------------------------


def test_layers_exclude_one_another(lab: Lab) -> None:
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    found = {name: lab.make(name, layer="home", share=share) for name, share in shares.items()}
    units = {name: {one.unit for one in e.assign_many(UNITS) if one.arm} for name, e in found.items()}
    assert sorted(unit for some in units.values() for unit in some) == sorted(UNITS)
    for left, right in combinations(units.values(), 2):
        assert not left & right
    other = lab.make("d", layer="search", share=1.0)
    assert None not in arms_of(other)


def test_a_share_that_is_not_free_is_refused(lab: Lab) -> None:
    a = lab.make("a", layer="home", share=0.7)
    bits = lab.bits
    with pytest.raises(DefinitionError, match="free") as caught:
        lab.make("b", layer="home", share=0.3001)
    assert caught.value.values == {"layer": "home", "share": 0.3001, "free": 0.3, "taken": {"a": 0.7}}
    with pytest.raises(DefinitionError, match="whole segments"):
        lab.make("b", layer="home", share=0.00015)
    assert lab.bits == bits
    a.stop()
    lab.make("b", layer="home", share=0.3001)
    bits = lab.bits
    with pytest.raises(DefinitionError, match="free"):
        a.resume()
    assert lab.bits == bits


def test_takes_and_returns_are_those_of_a_naive_layer(lab: Lab) -> None:
    a = naive_take(set(), 0.4, "a")
    b = naive_take(a, 0.35, "salt")
    lab.make("a", layer="home", share=0.4)
    lab.make("b", layer="home", share=0.35, salt="salt")
    assert (_segments(lab.db, "a"), _segments(lab.db, "b")) == (a, b)
    lab.db.experiment("a").stop()
    lab.make("c", layer="home", share=0.6)
    segment = Hasher("layer:home").segment
    for name, owned in (("a", set()), ("b", b), ("c", naive_take(b, 0.6, "c"))):
        assert _segments(lab.db, name) == owned
        inside = [unit for unit in UNITS if segment(unit) in owned]
        assert [found.unit for found in lab.db.experiment(name).assign_many(UNITS) if found.arm] == inside


def test_a_share_grows_and_shrinks_without_moving_others(lab: Lab) -> None:
    lab.make("a", layer="home", share=0.2)
    lab.make("b", layer="home", share=0.3)
    small, other = _segments(lab.db, "a"), _segments(lab.db, "b")
    lab.make("a", layer="home", share=0.6, replace=True)
    large = _segments(lab.db, "a")
    assert small < large and len(large) == 6_000 and not large & other
    lab.make("a", layer="home", share=0.2, replace=True)
    assert _segments(lab.db, "a") < large and len(_segments(lab.db, "a")) == 2_000
    lab.make("a", layer="search", share=0.2, replace=True)
    assert layers_of(lab.db.state).shares("home", lab.db.head) == {"b": 0.3}


def test_layers_are_the_same_after_any_history_and_a_replay(lab: Lab, tmp_path: Any) -> None:
    random = Random(3)
    seen = {}
    for step in range(60):
        name, layer = f"e{random.randrange(6)}", random.choice(["home", "search"])
        known = name in lab.db.experiments()
        try:
            if known and random.random() < 0.4:
                one = lab.db.experiment(name)
                (one.stop if one.running else one.resume)()
            else:
                share = random.randrange(1, 5_000) / SEGMENTS
                lab.make(name, layer=layer, share=share, salt=f"s{step}", replace=True)
        except DefinitionError as error:
            assert "free" in error.rule
        seen[lab.db.head] = _all_segments(lab.db, lab.db.head)
        for shelf in ("home", "search"):
            held = [mine for where, mine in seen[lab.db.head].values() if where == shelf]
            assert Counter(number for mine in held for number in mine).most_common(1)[0][1] == 1 if any(held) else True
    lab.db.snapshot(tmp_path / "copy.jsonl")
    fresh = VectorDB.replay(tmp_path / "copy.jsonl")
    backwards = VectorDB.replay(tmp_path / "copy.jsonl")
    for offset in sorted(seen):
        assert _all_segments(fresh, offset) == seen[offset] == _all_segments(lab.db, offset)
    for offset in sorted(seen, reverse=True):
        assert _all_segments(backwards, offset) == seen[offset]
        assert told(fresh.as_of(offset)) == told(lab.db.as_of(offset))
    middle = sorted(seen)[len(seen) // 2]
    assert _all_segments(lab.db.fork(middle), middle) == seen[middle]


def _segments(db: VectorDB, name: str) -> set[int]:
    return _all_segments(db, db.head)[name][1]


def _all_segments(db: VectorDB, offset: int) -> dict[str, tuple[str, set[int]]]:
    past, found = db.as_of(offset), {}
    for name in past.experiments():
        definition = past.experiment(name).definition
        mask = layers_of(db.state).segments(definition, offset)
        found[name] = (definition.layer, {number for number in range(SEGMENTS) if mask >> number & 1})
        wanted = round(definition.share * SEGMENTS) if definition.running else 0
        assert len(found[name][1]) == wanted
    return found
