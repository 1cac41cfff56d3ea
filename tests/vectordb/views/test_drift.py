"""Drift between two readings of a view: judged by NumPy and SciPy, and by a fresh replay."""

from __future__ import annotations

import json
from math import inf, log, nextafter
from random import Random
from typing import Any

import pytest

from tests.vectordb.views.test_statistics import story
from tests.vectordb.world import FEATURES, START, World
from vectordb import (
    Bool,
    Category,
    Float,
    Int,
    InvalidInput,
    ManualClock,
    OffsetOutOfRange,
    Text,
    UnknownName,
    VectorDB,
)
from vectordb.views.drift import FLOOR, CategoryDrift, FeatureDrift, NumberDrift, Shares, ViewDrift, bin_edges


def moved(then: list[Any], now: list[Any], kind: Any = None, bins: int = 10) -> Any:
    """The drift of one feature of equally many entities, from one event to the next."""
    db = VectorDB(clock=ManualClock(START))
    view = db.create_view("v", entity="e", features={"x": kind or Float()})
    for values in (then, now):
        view.put_many({"e": list(range(len(values))), "x": values})
    return view.drift(2, bins=bins)["x"]


def normal(seed: int, middle: float = 0.0, width: float = 1.0, size: int = 400) -> list[float]:
    rng = Random(seed)
    return [rng.gauss(middle, width) for _ in range(size)]


# -- numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [2, 5, 10, 20])
@pytest.mark.parametrize("scale", [1.0, 1e300, 1e-300])
@pytest.mark.parametrize("offset", [0.0, 1e15])
def test_numbers_are_judged_by_scipy(bins: int, scale: float, offset: float) -> None:
    np, stats = pytest.importorskip("numpy"), pytest.importorskip("scipy.stats")
    then = [offset + scale * value for value in normal(1)]
    now = [offset + scale * value for value in normal(2, 0.4, 1.3)]
    if offset and scale < 1:
        then, now = normal(3, offset, 3.0), normal(4, offset + 1, 3.0)
    found = moved(then, now, bins=bins)
    assert found.ks == pytest.approx(stats.ks_2samp(then, now).statistic, rel=1e-12)
    assert found.wasserstein == pytest.approx(stats.wasserstein_distance(then, now), rel=1e-9)
    counts = [binned(np, values, found.edges) for values in (then, now)]
    assert [list(found.bins_then), list(found.bins_now)] == counts
    p, q = (np.maximum(np.array(count) / 400, FLOOR) for count in counts)
    p, q = p / p.sum(), q / q.sum()
    assert found.psi == pytest.approx(float(((q - p) * np.log(q / p)).sum()), rel=1e-9)
    assert found.kl == pytest.approx(stats.entropy(q, p), rel=1e-9)
    from scipy.spatial.distance import jensenshannon

    assert found.js == pytest.approx(jensenshannon(*counts) ** 2, rel=1e-9)


def binned(np: Any, values: list[float], edges: tuple[float, ...]) -> list[int]:
    return np.bincount(np.digitize(values, edges, right=True), minlength=len(edges) + 1).tolist()  # type: ignore[no-any-return]


def test_edges_are_quantiles_of_the_reference() -> None:
    np = pytest.importorskip("numpy")
    values = sorted(normal(5))
    assert bin_edges(values, 4) == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75]).tolist(), rel=1e-15)
    assert moved(normal(5), normal(6), bins=4).bins_then == (100, 100, 100, 100)


def test_nothing_moved_is_no_drift() -> None:
    found = moved(normal(1), normal(1))
    assert (found.psi, found.kl, found.js, found.ks, found.ks_p_value, found.wasserstein) == (0, 0, 0, 0, 1, 0)


def test_more_drift_is_more_in_every_measure() -> None:
    small, large = moved(normal(1), normal(2, 0.2)), moved(normal(1), normal(2, 2.0))
    for name in ("psi", "kl", "js", "ks", "wasserstein"):
        assert getattr(small, name) < getattr(large, name)
    assert small.ks_p_value > large.ks_p_value and large.psi > 0.25


@pytest.mark.parametrize("now", [0.0, 2.0])
def test_a_constant_that_moves_is_seen_either_way(now: float) -> None:
    found = moved([1.0] * 20, [now] * 20)
    assert found.psi > 5 and found.js == log(2) and (found.ks, found.wasserstein) == (1.0, 1.0)
    assert found.edges == (nextafter(1.0, -inf), 1.0) and found.bins_then == (0, 20, 0)
    same = moved([1.0] * 20, [1.0] * 20)
    assert (same.psi, same.kl, same.js, same.ks, same.wasserstein) == (0, 0, 0, 0, 0)


def test_bools_and_ints() -> None:
    flags = moved([True] * 30 + [False] * 70, [True] * 60 + [False] * 40, Bool())
    expected = (0.6 - 0.3) * log(0.6 / 0.3) + (0.4 - 0.7) * log(0.4 / 0.7)
    assert flags.psi == pytest.approx(expected, rel=2e-3), "the floor of empty bins takes a little"
    assert (flags.ks, flags.wasserstein) == (pytest.approx(0.3), pytest.approx(0.3))
    ints = moved([2**53 - step for step in range(5)], [-(2**53) + step for step in range(5)], Int())
    assert ints.ks == 1.0 and ints.wasserstein == pytest.approx(2.0**54, rel=1e-15)


def test_extremes_stay_plain() -> None:
    found = moved([-1.79e308] * 3 + [1.79e308], [1.79e308] * 4)
    assert found.wasserstein is None and found.ks == 0.75
    json.dumps(found.to_dict(), allow_nan=False)
    lowest = -1.7976931348623157e308
    assert -inf not in moved([lowest] * 4, [0.0] * 4).edges


def test_new_values_outside_the_reference_fall_into_open_bins() -> None:
    found = moved([1.0, 2.0, 3.0, 4.0], [-100.0, 0.0, 100.0, 1000.0], bins=2)
    assert found.edges == (2.5,) and found.bins_now == (2, 2)


# -- categories and status ---------------------------------------------------------------------------------


def test_categories() -> None:
    found = moved(["a"] * 5 + ["b"] * 4 + [1], ["a"] * 5 + ["1"] * 5, Category())
    assert isinstance(found, CategoryDrift)
    assert (found.new, found.gone) == (("1",), (1, "b"))
    # in order: 1, "1", "a", "b"
    p, q = ([max(share, FLOOR) for share in shares] for shares in ((0.1, 0, 0.5, 0.4), (0, 0.5, 0.5, 0)))
    p, q = ([share / sum(whole) for share in whole] for whole in (p, q))
    assert found.psi == pytest.approx(sum((b - a) * log(b / a) for a, b in zip(p, q)), rel=1e-12)
    assert found.kl == pytest.approx(sum(b * log(b / a) for a, b in zip(p, q)), rel=1e-12)
    assert found.js == pytest.approx(0.5 * log(2), rel=1e-12) and found.floor == 1e-4


def test_shares_of_statuses_then_and_now() -> None:
    world = World(ttl=100)
    world.put("d", trips=1, rating=None)
    world.put("e", trips=1)
    before = world.db.head
    world.tick(101)
    world.put("f", rating=2.0)
    found = world.drivers.drift(before)
    assert found["trips"].then == Shares(1.0, 0.0, 0.0, 0.0)
    assert found["trips"].now == Shares(0.0, 0.0, 1 / 3, 2 / 3)
    assert found["rating"].then == Shares(0.0, 0.5, 0.5, 0.0)
    assert found["rating"].now == Shares(1 / 3, 0.0, 1 / 3, 1 / 3)
    trips = found["trips"]
    assert isinstance(trips, NumberDrift)
    assert (trips.psi, trips.ks, trips.wasserstein, trips.edges) == (None, None, None, ()), "no value is present now"


def test_an_empty_view_and_all_null(world: World) -> None:
    found = world.drivers.drift(1)
    assert (found.since_entities, found.entities) == (0, 0)
    assert found["trips"].then == Shares(0.0, 0.0, 0.0, 0.0)
    world.put("d", trips=None, rating=None, city=None)
    later: Any = world.drivers.drift(1)
    assert later["city"].now == Shares(0.0, 1.0, 0.0, 0.0) and later["city"].psi is None
    world.put("d", city="Rome")
    assert world.drivers.drift(1, ["city"])["city"].to_dict()["new"] == ["Rome"]


def test_other_types_compare_their_shares() -> None:
    found = moved(["a", None], ["bb", "c"], Text())
    assert type(found) is FeatureDrift and (found.then.null, found.now.null) == (0.5, 0.0)


# -- two readings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_drift_between_any_offsets_is_that_of_fresh_replays(seed: int) -> None:
    db = story(seed, 40)
    for late in range(5, db.head + 1, 7):
        since = Random(late).randrange(1, late)
        past = db.as_of(late).view("v")
        found = past.drift(since)
        then, now = (VectorDB.replay(db.events(), as_of=offset).as_of(offset).view("v") for offset in (since, late))
        assert found == now.drift(then)
        assert found == past.drift(db.as_of(since).view("v"))
        assert (found.since, found.as_of, found.at) == (since, late, db.as_of(late).at)


def test_the_clocks_of_both_readings(world: World) -> None:
    world.put("d", trips=1)
    world.tick(50)
    found = world.drivers.drift(2, at=START + 20)
    assert (found.since_at.timestamp(), found.at.timestamp()) == (START, START + 20)
    assert (found.since_label, found.label) == ("drivers@1", "drivers@1")


def test_features_of_one_definition_only_are_listed(world: World) -> None:
    features = {"trips": Int(default=0), "city": Category(), "fare": Float()}
    world.db.create_view("drivers", entity="driver", features=features, replace=True)
    found = world.drivers.drift(1)
    assert (list(found), found.added, found.removed) == (["trips", "city"], ("fare",), ("rating",))
    some = world.drivers.drift(1, ["rating", "city"])
    assert (list(some), some.added, some.removed) == (["city"], (), ("rating",))
    with pytest.raises(UnknownName):
        world.drivers.drift(1, ["nothing"])


def test_a_fork_is_another_reading(world: World) -> None:
    for place in range(10):
        world.put(place, trips=place)
    branch = world.db.fork(1)
    branch.create_view("drivers", entity="driver", features={**FEATURES, "extra": Category()}, replace=True)
    world.db.create_view("drivers", entity="driver", features={**FEATURES, "extra": Float()}, replace=True)
    for place in range(10):
        branch.view("drivers").put(place, {"trips": place + 3})
    found = world.drivers.drift(branch.view("drivers"))
    trips: Any = found["trips"]
    assert trips.wasserstein == 3.0 and found.retyped == ("extra",) and "extra" not in found


def test_numbers_of_different_types_are_compared() -> None:
    views = []
    for kind in (Int(), Float()):
        views.append(VectorDB().create_view("v", entity="e", features={"x": kind}))
        views[-1].put("a", {"x": 1})
    drift: Any = views[1].drift(views[0])["x"]
    assert (drift.type, drift.psi, drift.ks) == ("float", 0.0, 0.0)


# -- refusals and the result -------------------------------------------------------------------------------


@pytest.mark.parametrize("since", [99, -1, "1", True, 1.0])
def test_since_is_an_offset_of_the_log_or_a_view(world: World, since: Any) -> None:
    with pytest.raises(OffsetOutOfRange):
        world.drivers.drift(since)


def test_since_has_to_know_the_view(world: World) -> None:
    with pytest.raises(UnknownName):
        world.drivers.drift(0)


@pytest.mark.parametrize("bins", [1, 0, -3, 2.0, True, 1_001])
def test_bins_are_a_number(world: World, bins: Any) -> None:
    with pytest.raises(InvalidInput):
        world.drivers.drift(1, bins=bins)


def test_plain_data() -> None:
    db = story(2)
    found = db.view("v").drift(20)
    assert isinstance(found, ViewDrift) and len(found) == len(db.view("v").features) - 1
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["added"] == ["late"] and plain["since"] == 20
    assert plain["features"]["x"] == found["x"].to_dict()
    assert set(plain["features"]["x"]["then"]) == {"present", "null", "missing", "expired"}
