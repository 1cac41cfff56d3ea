"""Statistics of a view: judged by NumPy, by the standard library's exact statistics, and by reading every row."""

from __future__ import annotations

import json
import statistics
from datetime import timedelta
from math import sqrt
from random import Random
from typing import Any

import pytest

from projections import moments
from tests.vectordb.world import FEATURES, START, World, when
from vectordb import (
    Bool,
    Category,
    Float,
    Int,
    InvalidInput,
    ManualClock,
    Status,
    Text,
    Timestamp,
    UnknownName,
    Vector,
    VectorDB,
    View,
)
from vectordb.views.quantiles import quantiles
from vectordb.views.statistics import SHARES, CategoryStatistics, NumberStatistics, ViewStatistics

EVERY = {
    "n": Int(default=7),
    "x": Float(),
    "b": Bool(),
    "c": Category(default="none"),
    "t": Text(),
    "when": Timestamp(),
    "v": Vector(3, metric="euclidean"),
}


def one_float(values: list[Any], **options: Any) -> Any:
    db = VectorDB(clock=ManualClock(START))
    view = db.create_view("v", entity="e", features={"x": options.pop("kind", Float())})
    if values:
        view.put_many({"e": list(range(len(values))), "x": values})
    return view.statistics()["x"]


def story(seed: int, steps: int = 60, ttl: float | None = 40) -> VectorDB:
    """Partial, late, future-dated, null and deleting writes of every type, with a redefinition on the way."""
    rng, clock = Random(seed), ManualClock(START)
    db = VectorDB(clock=clock, seed=seed)
    view = db.create_view("v", entity="e", features=EVERY, ttl=ttl)
    for step in range(steps):
        clock.advance(rng.random() * 4)
        if step == steps // 2:
            view = db.create_view("v", entity="e", features={**EVERY, "late": Int()}, ttl=ttl, replace=True)
        entity = rng.randrange(12)
        if rng.random() < 0.1 and entity in view:
            view.delete(entity)
            continue
        values = drawn(rng)
        if step > steps // 2 and rng.random() < 0.5:
            values["late"] = step
        view.put(entity, values, event_time=clock() / 1e6 + rng.choice((0, 0, -5, -50, 3)))
    return db


def drawn(rng: Random) -> dict[str, Any]:
    values = {
        "n": rng.randrange(5),
        "x": rng.gauss(0, 1),
        "b": rng.random() < 0.5,
        "c": rng.choice(["a", "b", 1, "1"]),
        "t": "é" * rng.randrange(5),
        "when": START + rng.randrange(100),
        "v": [rng.random() for _ in range(3)],
    }
    kept = rng.sample(sorted(values), rng.randrange(1, 8))
    return {name: None if rng.random() < 0.15 else values[name] for name in kept}


def judged(view: View, at: Any = None) -> dict[str, dict[str, Any]]:
    """Counts, present values and event times of every feature, row by row."""
    found: dict[str, dict[str, Any]] = {
        name: {"counts": dict.fromkeys(Status, 0), "values": [], "times": []} for name in view.features
    }
    for entity in view.entities(at=at):
        row = view.get(entity, at=at)
        for name, held in found.items():
            held["counts"][row.status_of(name)] += 1
            if row.status_of(name) is Status.PRESENT:
                held["values"].append(row[name])
                held["times"].append(row.event_times[name])
    return found


def check(view: View, at: Any = None) -> None:
    """The statistics agree with what the rows say."""
    found = view.statistics(at=at)
    assert found.entities == len(view.entities(at=at)) and list(found) == list(view.features)
    for name, rows in judged(view, at).items():
        feature, values = found[name], rows["values"]
        counts = (feature.present, feature.null, feature.missing, feature.expired)
        assert counts == tuple(rows["counts"][status] for status in Status)
        if rows["times"]:
            assert feature.freshness is not None
            assert (feature.freshness.oldest, feature.freshness.newest) == (min(rows["times"]), max(rows["times"]))
        else:
            assert feature.freshness is None
        check_values(feature, values)


def check_values(feature: Any, values: list[Any]) -> None:
    if feature.type in ("int", "float", "bool"):
        assert feature.mean == (float(statistics.mean(values)) if values else None)
        assert feature.std == (float(statistics.stdev(map(float, values))) if len(values) > 1 else None)
        assert (feature.min, feature.max) == ((min(values), max(values)) if values else (None, None))
    elif feature.type == "category":
        assert feature.distinct == len({(type(value), value) for value in values})
        assert dict(feature.top) == {value: values.count(value) for value in values}
    elif feature.type == "text":
        lengths = [len(value) for value in values]
        expected = (min(lengths), statistics.mean(lengths), max(lengths)) if values else (None,) * 3
        assert (feature.min_length, feature.mean_length, feature.max_length) == expected
    elif feature.type == "timestamp":
        assert (feature.min, feature.max) == ((min(values), max(values)) if values else (None, None))
    else:
        norms = [sqrt(sum(element**2 for element in value)) for value in values]
        assert feature.mean_norm == (pytest.approx(statistics.mean(norms), rel=1e-14) if values else None)


# -- against the rows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ttl", [None, 40])
@pytest.mark.parametrize("seed", range(4))
def test_statistics_are_those_of_the_rows(seed: int, ttl: float | None) -> None:
    db = story(seed, ttl=ttl)
    check(db.view("v"))
    for at in (START - 1, START + 30, START + 1_000):
        check(db.view("v"), at)


@pytest.mark.parametrize("seed", range(3))
def test_statistics_of_the_past_are_those_of_a_fresh_replay(seed: int) -> None:
    db = story(seed)
    for offset in range(1, db.head + 1):
        past = db.as_of(offset).view("v")
        fresh = VectorDB.replay(db.events(), as_of=offset)
        assert past.statistics() == fresh.view("v").statistics(at=past.statistics().at)
        assert past.statistics() == fresh.as_of(offset).view("v").statistics()
        if offset % 10 == 0:
            check(past)
    assert db.as_of(db.head).view("v").statistics() == db.view("v").statistics(at=db.as_of(db.head).at)


def test_a_bulk_put_and_single_puts_give_the_same(world: World) -> None:
    rng = Random(5)
    rows = [{"trips": rng.randrange(9), "rating": rng.random(), "city": rng.choice("ab")} for _ in range(50)]
    for place, row in enumerate(rows):
        world.drivers.put(place, row)
    single = world.drivers.statistics()
    bulk = World().drivers
    bulk.put_many({"driver": list(range(50)), **{name: [row[name] for row in rows] for name in FEATURES}})
    assert bulk.statistics().features == single.features


# -- numbers -----------------------------------------------------------------------------------------------

EXTREME: dict[str, list[float]] = {
    "huge": [1e308, 1.5e308, -1e308, 1.7e308, 3.0],
    "tiny": [1e-308, 2e-308, 5e-324, -3e-308, 0.0],
    "mixed": [1e308, 1e-308, -1e-308, 1.0, -1e308],
    "offset": [1e15 + step for step in (0, 1, 2, 3, 4, 4, 4)],
    "constant": [0.1] * 10,
    "two": [1.0, 2.0],
    "zeros": [0.0, -0.0],
    "plain": [Random(1).gauss(3, 2) for _ in range(1_000)],
}


@pytest.mark.parametrize("name", EXTREME)
def test_mean_and_deviation_are_exact(name: str) -> None:
    """``statistics`` of the standard library sums fractions and rounds once."""
    values = EXTREME[name]
    found = one_float(values)
    assert (found.mean, found.std) == (statistics.mean(values), statistics.stdev(values))
    assert (found.min, found.max, found.present) == (min(values), max(values), len(values))


@pytest.mark.parametrize("name", EXTREME)
def test_quantiles_are_those_of_numpy(name: str) -> None:
    np = pytest.importorskip("numpy")
    values = EXTREME[name]
    found = one_float(values).quantiles
    assert list(found) == list(SHARES)
    if name == "huge" or name == "mixed":  # NumPy's own difference overflows
        assert list(found.values()) == sorted(found.values())
        assert all(min(values) <= value <= max(values) for value in found.values())
    else:
        assert list(found.values()) == pytest.approx(np.quantile(values, SHARES).tolist(), rel=1e-14, abs=5e-324)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 101])
def test_quantiles_of_any_size_and_share(size: int) -> None:
    np = pytest.importorskip("numpy")
    ordered = sorted(Random(size).uniform(-1, 1) for _ in range(size))
    parts = [step / 40 for step in range(41)]
    assert quantiles(ordered, parts) == pytest.approx(np.quantile(ordered, parts).tolist(), rel=1e-15)


def test_moments_do_not_depend_on_the_order() -> None:
    rng = Random(3)
    values = [rng.gauss(0, 1) * 10 ** rng.randrange(-200, 200) for _ in range(200)]
    first = moments(values)
    rng.shuffle(values)
    assert moments(values) == first
    assert moments([]).mean is None and moments([1.0]).std is None


def test_a_deviation_beyond_float64_is_none() -> None:
    found = one_float([-1.79e308, 1.79e308])
    assert found.std is None and found.mean == 0.0
    assert found.quantiles[0.5] == 0.0


def test_ints_and_bools_are_exact() -> None:
    found = one_float([2**53, 2**53 - 1, -(2**53)], kind=Int())
    assert found.mean == (2**53 - 1) / 3 and type(found.max) is int and found.max == 2**53
    flags = one_float([True, False, True, True], kind=Bool())
    assert (flags.mean, flags.min, flags.max, flags.quantiles[0.5]) == (0.75, False, True, 1.0)
    assert flags.std == 0.5


# -- few values --------------------------------------------------------------------------------------------


def test_an_empty_view(world: World) -> None:
    found = world.drivers.statistics()
    assert (found.entities, list(found), found.as_of) == (0, ["trips", "rating", "city"], 1)
    trips, city = found["trips"], found["city"]
    assert isinstance(trips, NumberStatistics) and isinstance(city, CategoryStatistics)
    assert (trips.present, trips.mean, trips.quantiles, trips.freshness) == (0, None, None, None)
    assert (city.distinct, city.top) == (0, ())


def test_one_entity(world: World) -> None:
    world.put("d", trips=3, rating=0.1, city="Rome")
    found: Any = world.drivers.statistics()
    assert (found["trips"].mean, found["trips"].std, found["trips"].min) == (3.0, None, 3)
    assert set(found["rating"].quantiles.values()) == {0.1}
    assert found["city"].top == (("Rome", 1),)


def test_all_null(world: World) -> None:
    world.put("d", trips=None, rating=None, city=None)
    found: Any = world.drivers.statistics()
    assert [(item.null, item.present, item.freshness) for item in found.values()] == [(1, 0, None)] * 3
    assert (found["trips"].mean, found["city"].distinct) == (None, 0)


def test_defaults_are_not_values(world: World) -> None:
    world.put("d", rating=1.0)
    trips: Any = world.drivers.statistics()["trips"]
    assert (trips.missing, trips.present, trips.mean) == (1, 0, None)


def test_deleted_entities_do_not_count(world: World) -> None:
    world.put("d", trips=1)
    world.put("e", trips=5)
    world.drivers.delete("e")
    found: Any = world.drivers.statistics()
    assert (found.entities, found["trips"].mean) == (1, 1.0)
    assert world.db.as_of(3).view("drivers").statistics().entities == 2


# -- time --------------------------------------------------------------------------------------------------


def test_expired_values_are_counted_and_left_out() -> None:
    world = World(ttl=10)
    world.put("d", trips=1)
    world.tick(6)
    world.put("d", rating=2.0)
    world.put("e", trips=9)
    world.tick(4)
    assert world.drivers.statistics()["trips"].present == 2, "both ends of the window count"
    world.tick(0.000001)
    trips: Any = world.drivers.statistics()["trips"]
    assert (trips.present, trips.expired, trips.missing, trips.mean) == (1, 1, 0, 9.0)
    assert world.drivers.statistics()["rating"].present == 1, "each feature ages by its own write"
    assert world.drivers.statistics(at=START + 5)["trips"].present == 1


def test_freshness_is_in_seconds_and_like_numpy() -> None:
    np = pytest.importorskip("numpy")
    world = World()
    ages = [0.25, 3, 10, 1_000, 86_400]
    for place, age in enumerate(ages):
        world.put(place, at=-age, trips=1)
    fresh = world.drivers.statistics()["trips"].freshness
    assert fresh is not None
    assert list(fresh.age_quantiles.values()) == pytest.approx(np.quantile(ages, SHARES).tolist(), rel=1e-12)
    assert (fresh.oldest, fresh.newest) == (when(-86_400), when(-0.25))


def test_what_was_read_stands_in_the_result(world: World) -> None:
    world.put("d", trips=1)
    world.tick(5)
    live, past = world.drivers.statistics(), world.db.as_of(2).view("drivers").statistics()
    assert (live.as_of, live.at, live.label) == (2, when(5), "drivers@1")
    assert (past.as_of, past.at) == (2, when(0))
    assert world.drivers.statistics(at=when(3)).at == when(3)


# -- other types -------------------------------------------------------------------------------------------


def test_top_categories_are_twenty_and_ties_go_by_type_then_value() -> None:
    values: list[Any] = [*range(15), *map(str, range(15)), "z", "z"]
    found = one_float(values, kind=Category())
    assert found.distinct == 31 and len(found.top) == 20
    assert found.top[0] == ("z", 2)
    assert [value for value, _ in found.top[1:]] == [*range(15), "0", "1", "10", "11"]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8", "uint8"])
def test_vector_norms(dtype: str) -> None:
    found = one_float([[3, 4], [0, 1], None], kind=Vector(2, dtype=dtype, metric="euclidean"))
    assert (found.mean_norm, found.present, found.null) == (3.0, 2, 1)


def test_norms_of_bits_and_beyond_float64() -> None:
    bits = one_float([[1] * 9, [0] * 8 + [1]], kind=Vector(9, dtype="binary", metric="hamming"))
    assert bits.mean_norm == 2.0
    huge = one_float([[1.7e308, 1.7e308]], kind=Vector(2, dtype="float64", metric="euclidean"))
    assert huge.mean_norm is None


# -- the result --------------------------------------------------------------------------------------------


def test_plain_data() -> None:
    found = story(1).view("v").statistics()
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["entities"] == found.entities and list(plain["features"]) == list(found)
    number: Any = found["x"]
    assert plain["features"]["x"]["quantiles"]["0.5"] == number.quantiles[0.5]
    assert plain["features"]["x"] == number.to_dict()
    assert plain["at"] == found.at.isoformat()


def test_some_features_in_the_order_asked(world: World) -> None:
    assert list(world.drivers.statistics(["city", "trips"])) == ["city", "trips"]
    with pytest.raises(UnknownName):
        world.drivers.statistics(["nothing"])
    for wrong in ("trips", ["trips", "trips"]):
        with pytest.raises(InvalidInput):
            world.drivers.statistics(wrong)


def test_results_are_frozen(world: World) -> None:
    found = world.drivers.statistics()
    assert isinstance(found, ViewStatistics) and len(found) == 3
    with pytest.raises(AttributeError):
        found.entities = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        found["trips"].present = 3  # type: ignore[misc]


def test_a_clock_ahead_of_every_write_sees_ages_grow(world: World) -> None:
    world.put("d", trips=1)
    later = world.drivers.statistics(at=when(0) + timedelta(days=1))["trips"].freshness
    assert later is not None and set(later.age_quantiles.values()) == {86_400.0}
