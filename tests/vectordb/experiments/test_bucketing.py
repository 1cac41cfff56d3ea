"""Hashing of units: uniform, independent between experiments, stable, typed, and nobody moves in a ramp."""

from __future__ import annotations

from bisect import bisect_right
from hashlib import sha256
from itertools import accumulate, combinations
from math import fsum, nan, sqrt
from random import Random
from typing import Any

import pytest

from ledger import SEGMENTS
from vectordb import InvalidInput
from vectordb.experiments.bucketing import Hasher, Splitter, fractions

HALVES = {"a": 0.5, "b": 0.5}
SCRIPTS = ["user-1", "пользователь", "用户编号", "ユーザー", "مستخدم", "उपयोगकर्ता"]
SCRIPTS += ["😀👍🏽", "é", "e\u0301", "\x00", "\U0010ffff"]


def by_hand(salt: str, body: bytes) -> tuple[float, float]:
    raw = salt.encode()
    digest = sha256(str(len(raw)).encode() + b":" + raw + b"," + body).digest()
    first, second = (int.from_bytes(digest[at : at + 8], "big") >> 11 for at in (0, 8))
    return first / 2**53, second / 2**53


# -- the digest --------------------------------------------------------------------------------------------


def test_fractions_never_change() -> None:
    assert fractions("checkout", "u-1") == (0.3390164766743644, 0.5096340279112148)


@pytest.mark.parametrize("salt", ["s", "соль", "a:b,c", "😀"])
def test_fractions_are_those_of_the_documented_bytes(salt: str) -> None:
    for text in SCRIPTS:
        assert fractions(salt, text) == by_hand(salt, b"s" + text.encode())
    for number in (0, 1, -1, 2**64, -(2**64), 10**300):
        assert fractions(salt, number) == by_hand(salt, b"i" + str(number).encode())
    assert fractions(salt, ("eu", 7)) == by_hand(salt, b"t3:seu,2:i7,")
    assert fractions(salt, ("é",)) == by_hand(salt, b"t3:s\xc3\xa9,")


def test_units_keep_their_type() -> None:
    units: list[Any] = [1, "1", (1,), ("1",), (1, 1), ("1", "1"), ("1,1",), (11,), ("1", 1), (1, "1"), -1, "-1", "i1"]
    units += ["t1:1", ("a", "b"), ("a,b",), ("a", "b", "c"), ("ab", "c"), ("a", "bc"), ("2:sa,", "b"), "1:i1,"]
    assert len({fractions("s", unit) for unit in units}) == len(units)


def test_salt_and_unit_never_run_together() -> None:
    assert fractions("a", "b,sc") != fractions("a,sb", "c")
    assert Hasher("ab").digest("c") != Hasher("a").digest("bc")


NO_UNITS = ["", (), ("",), True, (1, True), 1.5, None, b"x", ((1,),), "\ud800", ("\ud800",), 1 << 5000]


@pytest.mark.parametrize("unit", NO_UNITS)
def test_what_is_no_unit_is_refused(unit: Any) -> None:
    split = Splitter("s", HALVES)
    for call in (lambda: split.arm(unit), lambda: split.arms([unit]), lambda: fractions("s", unit)):
        with pytest.raises(InvalidInput):
            call()


@pytest.mark.parametrize("salt", ["", None, 5, "\ud800"])
def test_a_salt_is_a_text(salt: Any) -> None:
    with pytest.raises(InvalidInput, match="salt"):
        Hasher(salt)


def test_a_subclass_of_a_text_is_that_text() -> None:
    class Name(str):
        __slots__ = ()

    assert fractions("s", Name("a")) == fractions("s", "a")


# -- splits ------------------------------------------------------------------------------------------------


def test_an_arm_is_where_the_split_fraction_falls() -> None:
    rng = Random(1)
    for case in range(60):
        cuts = sorted(rng.random() for _ in range(rng.randrange(5)))
        weights = [high - low for low, high in zip([0.0, *cuts], [*cuts, 1.0])]
        names, traffic = [f"arm{place}" for place in range(len(weights))], rng.choice([0.0, 0.3, 1.0, rng.random()])
        split = Splitter(f"s{case}", dict(zip(names, weights)), traffic)
        for unit in range(50):
            inside, where = fractions(f"s{case}", unit)
            ends = list(accumulate(weights))[:-1]
            assert split.arm(unit) == (names[bisect_right(ends, where)] if inside < traffic else None)


def test_many_are_the_same_as_one_by_one() -> None:
    units: list[Any] = [*SCRIPTS, *range(-50, 50), ("eu", 7), (1,), 1 << 100, *map(str, range(500))]
    split = Splitter("соль", {"a": 0.2, "b": 0.3, "c": 0.5}, 0.7)
    assert split.arms(iter(units)) == [split.arm(unit) for unit in units]


def test_an_arm_without_weight_gets_nobody() -> None:
    for weights in ({"a": 0.0, "b": 1.0}, {"a": 0.3, "none": 0.0, "b": 0.7}, {"b": 1.0 - 5e-10, "none": 0.0}):
        split = Splitter("s", weights)
        split._hasher = Edge()  # type: ignore[assignment]
        seen = {split.arm(unit) for unit in Edge.DIGESTS}
        assert seen <= {name for name, weight in weights.items() if weight}


class Edge:
    """A hasher that gives the very ends of the range."""

    DIGESTS = ("00", "ff", "80", "7f")

    def digest(self, unit: str) -> bytes:
        return bytes.fromhex(unit) * 32


def test_the_ends_of_ranges_are_half_open() -> None:
    split = Splitter("s", HALVES, 0.5)
    split._hasher = Half()  # type: ignore[assignment]
    assert [split.arm(unit) for unit in ("below below", "below at", "at below")] == ["a", "b", None]


class Half:
    """A hasher of fractions just below and at a half."""

    AT = {"at": b"\x80" + b"\0" * 7, "below": b"\x7f" + b"\xff" * 7}

    def digest(self, unit: str) -> bytes:
        return b"".join(self.AT[word] for word in unit.split()) + b"\0" * 16


def test_no_fraction_is_one() -> None:
    full = Splitter("s", HALVES, 1.0)
    full._hasher = Edge()  # type: ignore[assignment]
    assert full.arm("ff") == "b"
    assert (int.from_bytes(b"\xff" * 8, "big") >> 11) / 2**53 < 1.0
    none = Splitter("s", HALVES, 0.0)
    assert none.arms(range(1_000)) == [None] * 1_000


def test_raising_traffic_moves_nobody() -> None:
    units = list(range(20_000))
    before: list[str | None] = [None] * len(units)
    for traffic in (0.0, 1e-4, 0.01, 0.05, 0.2, 0.5, 0.50001, 0.99, 1.0):
        now = Splitter("ramp", {"a": 0.1, "b": 0.6, "c": 0.3}, traffic).arms(units)
        assert all(old is None or old == new for old, new in zip(before, now))
        share = 1.0 - now.count(None) / len(units)
        assert abs(share - traffic) <= 5.0 * sqrt(traffic * (1.0 - traffic) / len(units))
        before = now


def test_moving_weight_moves_only_those_who_must() -> None:
    units = list(range(20_000))
    then = Splitter("w", {"a": 0.5, "b": 0.5}).arms(units)
    now = Splitter("w", {"a": 0.6, "b": 0.4}).arms(units)
    moved = [pair for pair in zip(then, now) if pair[0] != pair[1]]
    assert set(moved) == {("b", "a")} and abs(len(moved) / len(units) - 0.1) < 0.01


def test_propensity_is_the_share_that_is_seen() -> None:
    split = Splitter("s", {"a": 0.25, "b": 0.75}, 0.4)
    assert [split.propensity(arm) for arm in ("a", "b", None)] == pytest.approx([0.1, 0.3, 0.6], rel=1e-15)
    with pytest.raises(InvalidInput, match="arm"):
        split.propensity("z")


@pytest.mark.parametrize(
    ("weights", "traffic"),
    [
        ({"a": 0.5, "b": 0.4}, 1.0),
        ({"a": 0.5, "b": 0.5 + 2e-9}, 1.0),
        ({}, 1.0),
        ({"a": -0.5, "b": 1.5}, 1.0),
        ({"a": nan, "b": 1.0}, 1.0),
        ({"a": True}, 1.0),
        ({"a": "1"}, 1.0),
        (HALVES, -0.1),
        (HALVES, 1.1),
        (HALVES, nan),
        (HALVES, None),
    ],
)
def test_bad_plans_are_refused(weights: Any, traffic: Any) -> None:
    with pytest.raises(InvalidInput):
        Splitter("s", weights, traffic)


def test_weights_may_miss_one_by_their_rounding() -> None:
    weights = dict.fromkeys("abcdefghij", 0.1)
    assert set(Splitter("s", weights).arms(range(1_000))) == set(weights)
    Splitter("s", {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3 + 5e-10})


# -- chance ------------------------------------------------------------------------------------------------


def test_500_experiments_are_uniform_and_pairwise_independent() -> None:
    """Chi-squares with known distributions: 500 of 9 degrees, 124,750 pairs of one, each within five deviations."""
    units, uniform, masks = [f"u-{number}" for number in range(2_000)], [], []
    for number in range(500):
        digest = Hasher(f"experiment-{number}").digest
        shares = [int.from_bytes(digest(unit)[8:16], "big") >> 11 for unit in units]
        uniform.append(chi_square([share * 10 >> 53 for share in shares], 10))
        masks.append(sum((share >> 52) << place for place, share in enumerate(shares)))
    assert abs(fsum(uniform) / 500 - 9.0) < 5.0 * sqrt(18.0 / 500) and max(uniform) < 45.0
    pairs = [independence(one, two, len(units)) for one, two in combinations(masks, 2)]
    assert abs(fsum(pairs) / len(pairs) - 1.0) < 5.0 * sqrt(2.0 / len(pairs))
    assert 0.009 < sum(pair > 6.6349 for pair in pairs) / len(pairs) < 0.011
    assert max(pairs) < 40.0


def test_traffic_says_nothing_about_the_split() -> None:
    units, found = range(2_000), []
    for number in range(200):
        pairs = [fractions(f"e{number}", unit) for unit in units]
        inside, second = (sum((pair[at] >= 0.5) << place for place, pair in enumerate(pairs)) for at in (0, 1))
        found.append(independence(inside, second, len(units)))
    assert abs(fsum(found) / 200 - 1.0) < 5.0 * sqrt(2.0 / 200) and max(found) < 20.0


def chi_square(cells: list[int], bins: int) -> float:
    mean = len(cells) / bins
    return fsum((cells.count(cell) - mean) ** 2 / mean for cell in range(bins))


def independence(one: int, two: int, size: int) -> float:
    """The 2x2 chi-square of two sets of units, as bits."""
    first, second, both = one.bit_count(), two.bit_count(), (one & two).bit_count()
    gap = both * size - first * second
    return gap * gap * size / (first * second * (size - first) * (size - second))


# -- layers ------------------------------------------------------------------------------------------------


def test_a_segment_is_the_fraction_in_ten_thousandths() -> None:
    hasher, seen = Hasher("home"), [0] * 10
    for unit in range(5_000):
        segment = hasher.segment(unit)
        assert segment == int(fractions("home", unit)[0] * SEGMENTS)
        seen[segment // 1_000] += 1
    assert min(seen) > 400 and max(seen) < 600
