"""The point-in-time join equals a brute-force oracle over the events, and says what was learnt too late."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from tests.vectordb.world import START, when
from vectordb import (
    Category,
    Float,
    Int,
    InvalidInput,
    ManualClock,
    OffsetOutOfRange,
    Request,
    Service,
    Status,
    TimeOutOfRange,
    Vector,
    VectorDB,
)

TTL = 40


class Write(NamedTuple):
    """One row as it was written: a value of None is null, an absent name not written; ``values`` None is a delete."""

    offset: int
    row: int
    entity: str
    event_time: float
    recorded: float
    values: dict[str, Any] | None


class Ledger:
    """A database, and a plain list of what was written to it."""

    def __init__(self, seed: int, steps: int = 120) -> None:
        self.random = random.Random(seed)
        self.clock = ManualClock(START)
        self.db = VectorDB(clock=self.clock)
        self.view = self.db.create_view(
            "v", entity="e", ttl=TTL, features={"a": Int(default=7), "b": Float(), "c": Category()}
        )
        self.service = self.db.create_service("s", features=["v:a", "v:b", "v:c"])
        self.writes: list[Write] = []
        self.now = float(START)
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        rng = self.random
        self.clock.advance(1)
        self.now += 1
        late = rng.choice((0, 0, 0, 3, 15, 15, -10))
        entity = rng.choice("xyz")
        if rng.random() < 0.1:
            receipt = self.view.delete(entity, event_time=self.now - late)
            self.writes.append(Write(receipt.offset, 0, entity, self.now - late, self.now, None))
            return
        rows = [(rng.choice("xyz"), self.values()) for _ in range(rng.choice((1, 1, 3)))]
        if len(rows) == 1:
            receipt = self.view.put(rows[0][0], rows[0][1], event_time=self.now - late)
        else:
            receipt = self.view.put_many(
                [{"e": entity, **values} for entity, values in rows], event_time=self.now - late
            )
        for place, (entity, values) in enumerate(rows):
            self.writes.append(Write(receipt.offset, place, entity, self.now - late, self.now, values))

    def values(self) -> dict[str, Any]:
        rng = self.random
        full = {"a": rng.randrange(100), "b": rng.choice((None, rng.random())), "c": rng.choice("pqr")}
        return full if rng.random() < 0.5 else dict(rng.sample(sorted(full.items(), key=lambda item: item[0]), 2))

    def judged(self, entity: str, time: float, feature: str, known: Callable[[Write], bool]) -> tuple[Any, Status]:
        """The newest value within the time to live, by looking at every write."""
        able = [
            write
            for write in self.writes
            if write.entity == entity
            and write.event_time <= time
            and known(write)
            and (write.values is None or feature in write.values)
        ]
        best = max(able, key=lambda write: (write.event_time, write.offset, write.row), default=None)
        default = 7 if feature == "a" else None
        if best is None or best.values is None:
            return default, Status.MISSING
        if best.event_time < time - TTL:
            return default, Status.EXPIRED
        value = best.values[feature]
        return value, Status.NULL if value is None else Status.PRESENT


def moments(ledger: Ledger, count: int = 120) -> dict[str, list[Any]]:
    rng = ledger.random
    edges = [write.event_time + edge for write in ledger.writes for edge in (0, TTL, TTL + 1)]
    times = [rng.choice((rng.choice(edges), START + rng.randrange(150))) for _ in range(count)]
    return {"e": [rng.choice(["x", "y", "z", "nobody"]) for _ in range(count)], "time": times}


def compare(
    ledger: Ledger, spine: dict[str, list[Any]], known_at: Any, known: Sequence[Callable[[Write], bool]]
) -> None:
    joined = ledger.service.training_set(spine, known_at=known_at)
    assert len(joined) == len(spine["e"]) and joined.entities == spine["e"]
    for feature in ("a", "b", "c"):
        values, statuses = joined.column(feature), joined.statuses(feature)
        for place, (entity, time) in enumerate(zip(spine["e"], spine["time"])):
            expected = ledger.judged(entity, time, feature, known[place])
            assert (values[place], statuses[place]) == expected, (place, entity, time, feature)


@pytest.mark.parametrize("seed", range(8))
def test_the_join_is_that_of_the_oracle(seed: int) -> None:
    ledger = Ledger(seed)
    spine = moments(ledger)
    rows = len(spine["e"])
    compare(ledger, spine, None, [lambda write: True] * rows)
    middle = ledger.writes[len(ledger.writes) // 2].offset
    compare(ledger, spine, middle, [lambda write: write.offset <= middle] * rows)
    compare(ledger, spine, when(60), [lambda write: write.recorded <= START + 60] * rows)
    each = [ledger.random.randrange(ledger.db.head + 1) for _ in range(rows)]
    compare(ledger, spine, each, [lambda write, limit=limit: write.offset <= limit for limit in each])  # type: ignore[misc]


@pytest.mark.parametrize("seed", range(4))
def test_the_past_joins_what_it_knew(seed: int) -> None:
    ledger = Ledger(seed)
    middle = ledger.writes[50].offset
    spine = moments(ledger, 60)
    service: Service = ledger.db.as_of(middle).service("s")
    replayed = VectorDB.replay(ledger.db.events(), as_of=middle, clock=ledger.clock).service("s")
    assert service.training_set(spine).to_rows() == replayed.training_set(spine).to_rows()
    assert service.training_set(spine).to_rows() == ledger.service.training_set(spine, known_at=middle).to_rows()


@pytest.mark.parametrize("seed", range(4))
def test_a_row_of_the_set_is_what_a_read_valid_then_gives(seed: int) -> None:
    ledger = Ledger(seed)
    spine = moments(ledger, 50)
    joined = ledger.service.training_set(spine)
    for place, row in enumerate(joined):
        read = ledger.service.get(spine["e"][place], at=spine["time"][place])
        assert dict(row) == dict(read) and row.status == read.status and row.versions == read.versions
        assert {name: joined.version_ids(name)[place] for name in joined.names} == read.versions
        times = read.rows["v"].event_times
        assert {name: joined.event_times(name)[place] for name in joined.names} == times


@pytest.mark.parametrize("seed", range(4))
def test_leakage_counts_what_was_not_known_at_the_moment(seed: int) -> None:
    ledger = Ledger(seed)
    spine = moments(ledger)
    joined = ledger.service.training_set(spine)
    honest = ledger.service.training_set(spine, known_at=[_instant(ledger, time) for time in spine["time"]])
    leakage = joined.leakage()
    differing = set()
    for name in joined.names:
        rows = [
            row
            for row, pair in enumerate(zip(joined.version_ids(name), honest.version_ids(name)))
            if pair[0] != pair[1]
        ]
        differing.update(rows)
        assert leakage.features[name].rows == len(rows) and leakage.features[name].examples == tuple(rows[:10])
    assert leakage.rows == len(differing) > 0 and leakage.share == len(differing) / len(joined)
    assert all(one.rows == 0 for one in honest.leakage().features.values())
    assert set(leakage.to_dict()) == {"rows", "share", "features"}


def _instant(ledger: Ledger, time: float) -> int:
    """The last offset recorded by a time."""
    return max((write.offset for write in ledger.writes if write.recorded <= time), default=2 if time >= START else 0)


def test_two_kinds_requests_and_labels() -> None:
    clock = ManualClock(START)
    db = VectorDB(clock=clock)
    users = db.create_view("users", entity="user", features={"age": Int(), "taste": Vector(2)})
    items = db.create_view("items", entity="item", features={"price": Float()})
    service = db.create_service("s", features=["users:age", Request("km", Float()), "items:price", "users:taste"])
    users.put("u", {"age": 30, "taste": [1, 2]})
    items.put("i", {"price": 9.5})
    clock.advance(10)
    users.put("u", {"age": 31})
    rows = [{"user": "u", "item": "i", "time": when(s), "km": float(s), "label": s > 5} for s in (0, 9, 10)]
    joined = service.training_set(rows)
    assert joined.column("age") == [30, 30, 31] and joined.column("price") == [9.5] * 3
    assert joined.column("km") == [0.0, 9.0, 10.0] and joined.extra == {"label": [False, True, True]}
    assert joined.numeric == ("age", "km", "price") and joined.vectors("taste").to_rows() == [[1.0, 2.0]] * 3
    assert joined.entities[0] == ("u", "i") and joined.times == [when(0), when(9), when(10)]
    assert joined.version_ids("km") == [None] * 3 and joined.statuses("km") == [Status.PRESENT] * 3
    assert joined.event_times("km") == [None] * 3 and joined.leakage().features["km"].rows == 0


def test_a_spine_is_refused_with_its_rule() -> None:
    ledger = Ledger(0, steps=3)
    service = ledger.service
    for bad in (7, "x", {"e": ["x"]}, {"e": ["x"], "time": []}, [("x",)], [{"e": "x"}], [("x", when(0)), ("x",)]):
        with pytest.raises(InvalidInput):
            service.training_set(bad)
    good = [("x", when(0))]
    with pytest.raises(OffsetOutOfRange):
        service.training_set(good, known_at=ledger.db.head + 1)
    with pytest.raises(TimeOutOfRange):
        service.training_set(good, known_at=when(10) + timedelta(days=1))
    for bad in (1.5, [1, 2], True, [None]):
        with pytest.raises(InvalidInput):
            service.training_set(good, known_at=bad)
    assert service.training_set([]).shape == (0, 3) and service.training_set([]).leakage().share == 0.0


def test_where_they_coincide_it_is_what_merge_asof_gives() -> None:
    pandas = pytest.importorskip("pandas")
    rng = random.Random(5)
    clock = ManualClock(START)
    db = VectorDB(clock=clock)
    view = db.create_view("v", entity="e", ttl=30, features={"a": Float()})
    service = db.create_service("s", features=["v:a"])
    rows = [(f"e{rng.randrange(5)}", START + step, rng.random()) for step in range(200)]
    clock.advance(1_000)
    for entity, time, value in rows:
        view.put(entity, {"a": value}, event_time=time)
    spine = sorted(((f"e{rng.randrange(6)}", START + rng.randrange(250)) for _ in range(300)), key=lambda one: one[1])
    left = pandas.DataFrame(spine, columns=["e", "time"])
    right = pandas.DataFrame(rows, columns=["e", "time", "a"])
    expected = pandas.merge_asof(left, right, on="time", by="e", tolerance=30)["a"].tolist()
    found = service.training_set(spine).column("a")
    assert found == [None if value != value else value for value in expected]
