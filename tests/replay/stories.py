"""The stories of replay_fixtures/v1: small ledgers, one rule each, the same bytes on every Python.

A story is a function without arguments that returns a database and the earlier offsets at which its state
is recorded. Clocks are manual and ids seeded, so building it again gives the same file.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from vectordb import (
    MISSING,
    Bool,
    Category,
    Float,
    Int,
    ManualClock,
    Metric,
    Request,
    Text,
    Timestamp,
    Vector,
    VectorDB,
)
from vectordb.transforms import (
    ColumnTransformer,
    CountEncoder,
    DatetimeFeatures,
    OfType,
    OneHotEncoder,
    Pipeline,
    RobustScaler,
    SimpleImputer,
    StandardScaler,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = 3600


class Told(NamedTuple):
    """A database, and the offsets before its head whose state the story records."""

    db: VectorDB
    at: tuple[int, ...]


STORIES: dict[str, Callable[[], Told]] = {}


def story(build: Callable[[], Told]) -> Callable[[], Told]:
    """Put a builder among the stories, under its own name."""
    STORIES[build.__name__] = build
    return build


def day(number: float) -> datetime:
    """The instant that many days after the start."""
    return START + timedelta(days=number)


def begin(seed: int) -> tuple[VectorDB, ManualClock]:
    clock = ManualClock(START)
    return VectorDB(clock=clock, seed=seed), clock


DRIVERS = {"trips": Int(default=0), "rating": Float(), "city": Category()}


@story
def late_arrival() -> Told:
    """What was true earlier but learnt later enters the history and overwrites nothing newer."""
    db, clock = begin(1)
    drivers = db.create_view("drivers", entity="driver", features=DRIVERS)
    clock.set(day(10))
    drivers.put("d-7", {"trips": 12, "city": "Rome"})
    clock.set(day(11))
    drivers.put("d-7", {"trips": 9, "rating": 4.5, "city": "Oslo"}, event_time=day(5))
    drivers.put("d-7", {"trips": 13}, event_time=day(10))  # the same event time: the later offset wins
    clock.set(day(12))
    drivers.put("d-7", {"trips": 7}, event_time=day(4))
    ids, trips = ["d-7", "d-8", "d-7"], [1, 2, 14]
    drivers.put_many({"driver": ids, "trips": trips}, event_time=[day(3), day(3), day(11)])
    return Told(db, (0, 1, 2, 3, 4, 5))


@story
def future_date() -> Told:
    """A write dated ahead is in the log at once and visible once the clock is there."""
    db, clock = begin(2)
    prices = db.create_view("prices", entity="item", features={"price": Float(), "label": Text(default="none")})
    prices.put("tea", {"price": 3.0, "label": "today"})
    clock.advance(HOUR)
    prices.put("tea", {"price": 2.5}, event_time=day(1))
    prices.put("new", {"price": 9.0, "label": "launch"}, event_time=day(2))
    clock.advance(HOUR)
    prices.put("tea", {"label": "still today"})
    clock.set(day(1))  # exactly the instant of the sale: it holds from then on
    db.mark("sale")
    clock.set(day(1.5))
    prices.put("tea", {"price": 2.75}, event_time=day(3))
    return Told(db, (2, 3, 4, 5, 6))


@story
def partial_writes() -> Told:
    """A write carries some features; the others keep theirs, each with its own source. Null is not missing."""
    db, clock = begin(3)
    drivers = db.create_view("drivers", entity="driver", features=DRIVERS)
    for values in ({"trips": 1}, {"rating": 4.0}, {"city": "Rome", "rating": None}, {"trips": 2}):
        clock.advance(HOUR)
        drivers.put("d-7", values)
    clock.advance(HOUR)
    rows = {"driver": ["d-7", "d-8"], "trips": [MISSING, 5], "rating": [4.25, MISSING]}
    drivers.put_many(rows)
    clock.advance(HOUR)
    drivers.put("d-8", {"trips": None})
    return Told(db, (2, 3, 4, 5, 6))


@story
def redefinition() -> Told:
    """Features come, go and come back; defaults and time to live follow the reader's version of the view."""
    db, clock = begin(4)
    users = db.create_view("users", entity="user", features={"age": Int(), "score": Float(default=0.5)})
    users.put("ann", {"age": 41, "score": 0.75})
    clock.advance(HOUR)
    added = {"age": Int(default=-1), "score": Float(default=0.5), "tier": Category(default="basic")}
    db.create_view("users", entity="user", features=added, replace=True)
    users.put("bob", {"age": 30, "score": 0.25, "tier": "gold"})
    clock.advance(HOUR)
    removed = {"age": Int(default=-1), "tier": Category(default="basic")}
    db.create_view("users", entity="user", features=removed, replace=True, owner="growth")
    users.put("ann", {"tier": "silver"})
    users.put("cid", {"age": 20, "tier": "gold"})
    clock.advance(HOUR)
    resumed = {"tier": Category(default="none"), "score": Float(), "age": Int(default=-1)}
    db.create_view("users", entity="user", features=resumed, replace=True, ttl=2 * HOUR)
    clock.advance(HOUR)
    users.put("bob", {"score": 0.125})
    return Told(db, (2, 3, 4, 5, 7, 8))


@story
def deletion_and_return() -> Told:
    """A delete hides every feature; late rows stay hidden, newer ones revive only what they carry."""
    db, clock = begin(5)
    drivers = db.create_view("drivers", entity="driver", features=DRIVERS)
    drivers.put("d-7", {"trips": 12, "rating": 4.5, "city": "Rome"})
    clock.set(day(5))
    drivers.delete("d-7", event_time=day(4))
    clock.set(day(6))
    drivers.put("d-7", {"trips": 99, "city": "Oslo"}, event_time=day(3))  # before the delete: hidden
    clock.set(day(7))
    drivers.put("d-7", {"rating": 3.5})
    clock.set(day(8))
    drivers.delete("ghost")  # never written: a late row may still come, and is hidden
    drivers.put("ghost", {"trips": 1}, event_time=day(2))
    drivers.put_many({"driver": ["d-8", "d-9"], "trips": [1, 2]})
    clock.set(day(9))
    drivers.delete("d-9", actor="support", tags=["request-17"])
    return Told(db, (2, 3, 4, 5, 6, 7, 8))


@story
def expiry() -> Told:
    """Every feature ages by its own write; both ends of the window count; no older value resurfaces."""
    db, clock = begin(6)
    features = {"speed": Float(default=0.0), "gear": Int(), "note": Text()}
    cars = db.create_view("cars", entity="car", features=features, ttl=HOUR)
    cars.put("c-1", {"speed": 50.5, "gear": 3, "note": "start"})
    clock.advance(HOUR)  # exactly the time to live: still there
    db.mark("edge")
    cars.put("c-1", {"gear": 4})
    clock.advance(1e-6)  # one microsecond more: speed and note are gone, gear is not
    db.mark("past the edge")
    cars.put("c-1", {"gear": 2}, event_time=START)  # late: neither the winner nor a substitute
    clock.advance(2 * HOUR)
    cars.put("c-2", {"speed": 10.0, "note": None}, event_time=START)
    return Told(db, (2, 3, 4, 5, 6))


@story
def idempotent_retry() -> Told:
    """A retry with the same key and arguments is the first write; the log does not grow."""
    db, clock = begin(7)
    drivers = db.create_view("drivers", entity="driver", features=DRIVERS)
    for _ in range(2):
        clock.advance(60)
        drivers.put("d-7", {"trips": 1, "rating": 5.0}, idempotency_key="put-1")
        drivers.put_many({"driver": ["d-8", "d-9"], "trips": [2, 3]}, idempotency_key="batch-1")
        drivers.delete("d-9", idempotency_key="delete-1")
        with db.transaction(idempotency_key="tx-1", actor="etl") as tx:
            tx.view("drivers").put("d-6", {"trips": 6})
    drivers.put("d-7", {"trips": 2}, expected_offset=2, idempotency_key="put-2")
    return Told(db, (2, 3, 4, 5))


@story
def transaction_over_two_views() -> Told:
    """Rows of several views in one event: one offset, numbered on, seen all at once."""
    db, clock = begin(8)
    accounts = db.create_view("accounts", entity="account", features={"cents": Int(default=0), "open": Bool()})
    db.create_view("transfers", entity="transfer", features={"cents": Int(), "note": Text(), "at": Timestamp()})
    accounts.put_many({"account": ["a", "b", "c"], "cents": [500, 100, 0], "open": [True, True, False]})
    clock.advance(60)
    with db.transaction(actor="bank", correlation="c-1", causation="order-5", tags=["eu", "night"]) as tx:
        tx.view("accounts").put("a", {"cents": 200})
        tx.view("accounts").put_many({"account": ["b", "b"], "cents": [300, 400]})  # the later row wins
        tx.view("transfers").put("t-1", {"cents": 300, "note": "rent", "at": day(0)}, event_time=day(-1))
        tx.view("accounts").delete("c")
    clock.advance(60)
    with db.transaction() as tx:
        tx.view("accounts").delete("a")
        tx.view("accounts").put("a", {"open": True})  # the same event time: the later row wins its feature
    return Told(db, (2, 3, 4))


@story
def backfill_of_one_entity_in_one_batch() -> Told:
    """A batch may hold one entity many times, in any order of event time, around what is there already."""
    db, clock = begin(9)
    meters = db.create_view("meters", entity="meter", features={"kwh": Float(), "state": Category(), "n": Int()})
    clock.set(day(15))
    meters.put("m-1", {"kwh": 15.5, "state": "live", "n": 15})
    clock.set(day(20))
    days = [9, 2, 17, 4, 15, 11, 6, 1, 13, 8, 3, 18, 10, 5, 16, 7, 12, 14, 9, 22]
    rows = {"kwh": [number + 0.25 for number in days], "n": [*days[:-1], None], "state": ["back", "fill"] * 10}
    rows["n"][3] = MISSING
    meters.put_many({"meter": ["m-1"] * 20, **rows}, event_time=[day(number) for number in days], actor="backfill")
    clock.set(day(21))
    meters.put("m-1", {"kwh": 4.75}, event_time=day(4))
    clock.set(day(23))
    db.mark("after the last reading")
    return Told(db, (2, 3, 4))


@story
def fork() -> Told:
    """A fork of a fork: its file repeats the ancestors' lines with their digests, under its own header."""
    db, clock = begin(10)
    drivers = db.create_view("drivers", entity="driver", features=DRIVERS)
    drivers.put("d-7", {"trips": 1, "rating": 4.0, "city": "Rome"})
    clock.advance(HOUR)
    drivers.put("d-7", {"trips": 2})
    drivers.put("d-7", {"trips": 3})  # the branch leaves before this
    branch = db.fork(3, seed=11)
    clock.advance(HOUR)
    branch.view("drivers").put("d-7", {"trips": 30, "city": "Oslo"})
    branch.view("drivers").put("d-8", {"trips": 8})
    twig = branch.fork(4, seed=12)
    clock.advance(HOUR)
    twig.view("drivers").put("d-9", {"trips": 9, "city": "Rome"})
    twig.mark("what if")
    return Told(twig, (0, 2, 3, 4, 5))


ALL_TYPES = {
    "whole": Int(default=-3, description="a count"),
    "real": Float(default=-0.0),
    "yes": Bool(default=True),
    "kind": Category(default=7),
    "words": Text(default="—", max_bytes=64),
    "when": Timestamp(default="1969-12-31T23:59:59.999999Z"),
    "f64": Vector(3, metric="euclidean", dtype="float64"),
    "f32": Vector(2),
    "f16": Vector(2, metric="dot", dtype="float16", default=[0.5, -2.0]),
    "i8": Vector(3, metric="manhattan", dtype="int8"),
    "u8": Vector(3, metric="minkowski", p=3, dtype="uint8"),
    "bits": Vector(11, metric="hamming", dtype="binary"),
}


def sample(number: int) -> dict[str, object]:
    """A complete row of every type, different for every number."""
    part = number / 7
    return {
        "whole": (-1) ** number * (2**53 - number),
        "real": (-part) * 10.0 ** (number * 9 - 90),
        "yes": number % 3 == 0,
        "kind": ["1", 1, "Ünïcode", "多", 2**53][number % 5],
        "words": ["", "naïve “quotes”\n\t\\", "雪\u2028\U0001f427", "\x00\x7f"][number % 4],
        "when": START + timedelta(microseconds=number - 8),
        "f64": [part, -1e300, 5e-324],
        "f32": [part, 1.0],
        "f16": [65504.0, -part],
        "i8": [-128, 127, number],
        "u8": [0, 255, number],
        "bits": [bit == number % 11 for bit in range(11)],
    }


@story
def all_types() -> Told:
    """Every feature type, written alone and in batches, present, null and missing; ids of every kind."""
    db, clock = begin(13)
    things = db.create_view("things", entity="thing", features=ALL_TYPES, tags=["ä", "b"], description="tout, 全部")
    nothing = dict.fromkeys(ALL_TYPES)
    for number, entity in enumerate(["d-7", 7, "7", ("eu", 7), ("7",), -1, 2**70, "ключ @1.2/\"'", "[1]"]):
        clock.advance(1)
        things.put(entity, {**sample(number), **({"real": -0.0} if number == 1 else {})})
    things.put("null", nothing)
    things.put("part", {"words": "only", "bits": [1] * 11})
    small = [{"thing": ("batch", number), **sample(number)} for number in range(3)]
    small[1] = {"thing": "batch null", **nothing}
    del small[2]["f16"], small[2]["kind"]
    things.put_many(small)
    clock.advance(1)
    large = [{"thing": number, **sample(number)} for number in range(18)]
    large[4] = {"thing": 4, **nothing}
    large[9] = {"thing": 9, "words": "alone"}
    del large[10]["f16"], large[10]["bits"]
    things.put_many(large)
    things.delete(("eu", 7))
    return Told(db, (3, 12))


TREE = {"feature": [1, 0, 0, 0, 0], "threshold": [20.0, 30.5, 0.0, 0.0, 0.0]}
TREE |= {"left": [1, 3, -1, -1, -1], "right": [2, 4, -1, -1, -1], "value": [0.0, 0.0, 0.9, 0.1, 0.4]}


@story
def prediction() -> Told:
    """Predictions over two kinds of entity and request inputs; what they read changes later."""
    db, clock = begin(14)
    users = db.create_view("users", entity="user", ttl=24 * HOUR, features={"age": Int(), "name": Text()})
    items = db.create_view("items", entity="item", features={"price": Float(default=1.5), "name": Text()})
    users.put_many({"user": [1, 2, "x"], "age": [41, 19, 30], "name": ["Ann", "Bob", "Xi"]})
    items.put(("eu", 7), {"price": 19.9, "name": "tea"})
    items.put("free", {"price": None, "name": "air"})
    inputs = ["users:age", "items:price", Request("km", Float(default=1.0)), Request("slot", Category())]
    pairs = db.create_service("pairs", features=inputs, owner="ml")
    db.create_service("names", features=["users:name", "items:name"])
    numbers = ["age", "price", "km"]
    db.create_model("cost", "linear", features=numbers, coefficients=[0.1, 0.3, -0.7], intercept=1e-3)
    db.create_model("buys", "logistic", features=numbers, coefficients=[0.03, -0.2, 0.5], intercept=-0.1)
    weights = [[0.1, -0.2, 0.3], [0.05, 0.02, -0.4], [-0.07, 0.1, 0.0]]
    db.create_model("which", "logistic", features=numbers, coefficients=weights, intercept=[0.1, 0.2, 0.3])
    db.create_model("risk", "tree", features=["age", "price"], **TREE)
    clock.advance(HOUR)
    row = pairs.get({"user": 1, "item": ("eu", 7)}, request={"km": 3.1, "slot": "am"})
    for model in ("cost", "buys", "which", "risk"):
        db.record_prediction(row, model=model)
    read_at = db.head
    users.put(1, {"age": 42}, event_time=START + timedelta(minutes=90))  # dated ahead
    items.put(("eu", 7), {"price": 5.0}, event_time=START - timedelta(days=1))  # late: changes nothing
    items.put(("eu", 7), {"price": 25.0})
    many = {"user": [1, 2, "x", "unknown"], "item": [("eu", 7), "new", "new", ("eu", 7)]}
    matrix = pairs.get_many(many, request={"km": [0.1, 0.2, 0.3, 0.4], "slot": ["am", "pm", 3, "am"]})
    db.record_predictions(matrix[:3], model="cost", actor="batch", idempotency_key="cost-1")
    db.record_predictions(matrix, model="external@9", outputs=[{"p": [0.1, 1e-300]}, None, "no", 3])
    past = db.as_of(read_at).service("pairs")
    db.record_prediction(past.get({"user": 2, "item": "free"}, request={"slot": 1}), model="human", output=True)
    clock.advance(30 * HOUR)  # the users' features have expired
    db.create_model("cost", "linear", features=["price"], coefficients=[2.0], intercept=0.0, replace=True)
    aged = pairs.get({"user": 2, "item": "new"}, request={"slot": "pm", "km": 8})
    db.record_prediction(aged, model="cost", assignment={"experiment": "x", "arm": "b"})
    names = db.service("names").get({"user": 1, "item": "free"})
    db.record_prediction(names, model="spell@1", output=names["users:name"] or "expired")
    db.create_service("pairs", features=["users:age", "items:price"], replace=True)
    users.delete(2)
    return Told(db, (5, 12, 16, 19))


@story
def pipeline() -> Told:
    """A pipeline is fitted, fitted again and replaced; predictions come back through the one they were served with."""
    db, clock = begin(15)
    features = {**DRIVERS, "seen": Timestamp()}
    drivers = db.create_view("drivers", entity="driver", ttl=48 * HOUR, features=features)
    cities = ["Rome", "Oslo", "Rome", None, "Bonn", "Oslo", "Rome", "Oslo"]
    ids, rating = [f"d-{number}" for number in range(8)], [0.1, 2.5, None, 4.9, 1e-3, 3.3, 0.7, 4.1]
    seen = [START - timedelta(hours=number) for number in range(8)]
    columns = {"trips": [3, 1, 4, 1, 5, 9, 2, 6], "rating": rating, "city": cities, "seen": seen}
    drivers.put_many({"driver": ids, **columns})
    keys = ["drivers:trips", "drivers:rating", "drivers:city", "drivers:seen"]
    ranker = db.create_service("ranker", features=keys, pipeline=_usual())
    clock.advance(HOUR)
    ranker.fit(actor="trainer")
    names = [name for name in ranker.get("d-0") if not name.startswith("seen")]  # NaN of an unknown driver
    weights = [round(0.3 - place / 10, 3) for place in range(len(names))]
    db.create_model("risk", "logistic", features=names, coefficients=weights, intercept=0.25)
    db.record_predictions(ranker.get_many([*ids, "nobody"]), model="risk")
    drivers.put("d-1", {"rating": 2.75, "city": "Kyiv"})  # a city that the pipeline has not seen
    db.record_prediction(ranker.get("d-1"), model="risk")
    first = db.head
    clock.advance(HOUR)
    ranker.fit()
    db.record_prediction(db.as_of(first).service("ranker").get("d-1"), model="human", output="no")
    scaled = ["drivers:trips", Request("km", Float(default=2.0))]
    scores = db.create_service("ranker", features=scaled, pipeline=RobustScaler(), replace=True)
    spine = {"driver": ids[:5], "time": [START] * 5, "km": [1.0, 2.0, 4.0, 8.0, 16.0]}
    scores.fit(spine=spine, as_of=first)
    db.record_prediction(scores.get("d-5", request={"km": 3.0}), model="human", output={"score": 0.5})
    given = ColumnTransformer([("c", CountEncoder(), [0])]).fit([["Rome"], ["Rome"], ["Oslo"]])
    counts = db.create_service("counts", features=["drivers:city"], pipeline=given)
    clock.advance(100 * HOUR)  # every value has expired
    db.record_predictions(counts.get_many(["d-0", "d-3"]), model="human", outputs=[1, 2])
    return Told(db, (3, 5, first, db.head - 2))


def _usual() -> ColumnTransformer:
    numbers = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    parts = [
        ("numbers", numbers, OfType("number")),
        ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ("seen", DatetimeFeatures(features=["hour", "is_weekend"]), OfType("timestamp")),
    ]
    return ColumnTransformer(parts, verbose_feature_names_out=False)


@story
def experiment() -> Told:
    """Units are split, exposed and counted; the traffic grows, weights move, buckets start anew, an arm is shipped."""
    db, clock = begin(16)
    users = db.create_view("users", entity="user", features={"age": Int(), "plan": Category()})
    ids = [f"user-{number}" for number in range(60)]
    plans = ["free", "paid", None]
    users.put_many({"user": ids, "age": [20 + number % 9 for number in range(60)],
                    "plan": [plans[number % 3] for number in range(60)]})  # fmt: skip
    metrics = {"spend": Metric(covariate="users:age"), "visits": "count", "paid": {"aggregate": "any", "window": HOUR}}
    arms = {"control": 0.5, "treatment": 0.5}
    ranking = db.create_experiment(
        "ranking", unit="user", arms=arms, traffic=0.5, sticky=True, forced={"user-0": "treatment"}, metrics=metrics
    )
    clock.advance(HOUR)
    ranking.expose_many(ids)
    first = db.head
    clock.advance(HOUR / 2)
    for number, entity in enumerate(ids[:40]):
        ranking.record(entity, "spend", number / 7)
    ranking.record_many({"user": ids[5:30], "value": [1.0] * 25}, metric="visits")
    ranking.record("user-9", "paid", 1.0, event_time=START)  # before it was exposed: kept, not counted
    ranking.ramp(1.0, reason="no harm seen")
    clock.advance(HOUR)
    ranking.expose_many(ids)
    ranking.record_many({"user": ids[3:12], "value": [1.0] * 9}, metric="paid")  # an hour is over for the first ones
    ranking.reweight({"control": 0.2, "treatment": 0.8}, reason="more of the better")
    db.mark("weights")
    targeted = db.create_experiment(
        "offer", unit="user", arms={"a": 0.25, "b": 0.75}, layer="page", share=0.4, holdout="year",
        holdout_share=0.1, view="users", where={"plan": "paid"}, metrics={"spend": "sum"}, salt="offer-1",
    )  # fmt: skip
    targeted.expose_many(ids)
    db.create_experiment("other", unit="user", arms=arms, layer="page", share=0.6)
    service = db.create_service("ages", features=["users:age"])
    answer = ranking.assign("user-7")
    db.record_prediction(service.get("user-7"), model="human", output=1, assignment=answer)
    ranking.restart_buckets(salt="ranking-2")
    ranking.expose_many(ids[:20])
    ranking.stop(ship="treatment", reason="decided")
    return Told(db, (first, db.head - 3))


@story
def provenance() -> Told:
    """Where values come from: sources, transformations, actors, marks; and the rows that a batch left out."""
    db, clock = begin(15)
    raw = db.create_view("raw", entity="sensor", features={"volts": Float(), "unit": Category()})
    clean = db.create_view("clean", entity="sensor", features={"mean": Float()})
    rows = {"sensor": ["s-1", "s-2", "s-3", ""], "volts": [1.5, "high", 2.5, 3.0], "unit": ["V", "V", "mV", "V"]}
    receipt = raw.put_many(rows, on_error="reject", actor="loader", correlation="run-1")
    clock.advance(HOUR)
    first, second = receipt.versions
    put = clean.put("s-1", {"mean": 2.0}, derived_from=[second, first], transformation="mean@2")
    db.mark("release-7", actor="ops", tags=["weekly"])
    clock.advance(HOUR)
    clean.put("s-1", {"mean": 2.25}, derived_from=put.versions, causation=put.versions[0])
    return Told(db, (3, 4, 5))


@story
def clock_steps_back() -> Told:
    """Recorded time never goes back, whatever the clock does; nor does the clock that reads use."""
    db, clock = begin(16)
    drivers = db.create_view("drivers", entity="driver", features=DRIVERS)
    clock.set(day(2))
    drivers.put("d-7", {"trips": 1})
    clock.set(day(1))
    drivers.put("d-7", {"trips": 2})
    drivers.put("d-7", {"trips": 3}, event_time=day(1))
    clock.set(day(3))
    drivers.put("d-7", {"rating": 4.0})
    return Told(db, (2, 3, 4))
