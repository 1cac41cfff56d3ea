"""Changes of a prediction's inputs against a walk through every offset and every instant of a coarse clock."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from ledger import to_micros
from tests.replay.fixtures import V1, folders, replayed
from tests.vectordb.world import FEATURES, START, World, when
from vectordb import Category, Float, Int, Prediction, Pruned, Request, UnknownName, UnknownVersion, VectorDB

INPUTS = ["drivers:trips", "drivers:rating", "drivers:city", Request("km", Float(default=1.0))]
SECOND = 1_000_000


def told(changes: Any) -> list[tuple[Any, ...]]:
    """What a test compares: which input, why, since when, and to what."""
    return [(c.input, c.cause, c.offset, c.after.value, c.after.status, c.after.version) for c in changes]


# -- one rule each -----------------------------------------------------------------------------------------------


def predicted(world: World) -> str:
    service = world.db.create_service("ranker", features=INPUTS)
    return world.db.record_prediction(service.get("d-7"), model="m", output=1.0).id


def test_a_write_changes_what_it_carries_and_a_delete_everything() -> None:
    world = World()
    world.put("d-7", trips=1, rating=4.5)
    found = predicted(world)
    world.tick()
    world.put("d-8", trips=9)
    world.put("d-7", trips=2)
    world.drivers.delete("d-7")
    assert told(world.db.audit.changes(found)) == [
        ("trips", "write", 6, 2, "present", "drivers/d-7@6"),
        ("trips", "delete", 7, 0, "missing", None),
        ("rating", "delete", 7, None, "missing", None),
    ]
    first = world.db.audit.changes(found)[0]
    assert (first.before.value, first.before.version, first.time) == (1, "drivers/d-7@2", when(1))
    assert (first.view, first.feature, first.entity) == ("drivers", "trips", "d-7")


def test_a_late_write_changes_nothing_that_is_newer() -> None:
    world = World()
    world.put("d-7", trips=1)
    found = predicted(world)
    world.tick()
    world.put("d-7", at=-60, trips=2, rating=3.0)
    assert told(world.db.audit.changes(found)) == [("rating", "write", 5, 3.0, "present", "drivers/d-7@5")]


def test_a_value_dated_ahead_changes_the_input_when_the_clock_is_there() -> None:
    world = World()
    world.put("d-7", trips=1)
    found = predicted(world)
    world.tick()
    world.put("d-7", at=30, trips=2)
    world.tick(28)
    world.put("d-8", trips=1)
    assert world.db.audit.changes(found) == ()
    world.tick()
    (change,) = world.db.audit.changes(found)
    assert told([change]) == [("trips", "became visible", 6, 2, "present", "drivers/d-7@5")]
    assert change.time == when(30)
    assert world.db.as_of(time=change.time).view("drivers").get("d-7")["trips"] == 2
    assert world.db.as_of(6).audit.changes(found) == ()  # its clock stands before that


def test_a_value_expires_one_microsecond_after_its_time_to_live() -> None:
    world = World(ttl=60)
    world.put("d-7", trips=5)
    found = predicted(world)
    world.tick(60)
    assert world.db.audit.changes(found) == ()
    world.tick(1e-6)
    (change,) = world.db.audit.changes(found)
    assert told([change]) == [("trips", "expired", 4, 0, "expired", "drivers/d-7@2")]
    assert to_micros(change.time) == START * SECOND + 60 * SECOND + 1


def test_a_new_version_of_the_view_changes_defaults_and_takes_features_away() -> None:
    world = World()
    found = predicted(world)
    features = {"trips": Int(default=-1), "city": Category()}
    world.db.create_view("drivers", entity="driver", features=features, replace=True)
    assert told(world.db.audit.changes(found)) == [
        ("trips", "definition", 4, -1, "missing", None),
        ("rating", "definition", 4, None, "undefined", None),
    ]


def test_what_led_to_the_read_stands_before_what_followed() -> None:
    world = World()
    world.put("d-7", trips=1)
    found = predicted(world)
    world.put("d-7", trips=2)
    before = world.db.audit.changes(found, before=True)
    assert [(c.input, c.cause, c.offset) for c in before] == [
        ("trips", "definition", 1), ("rating", "definition", 1), ("city", "definition", 1),
        ("trips", "write", 2), ("trips", "write", 5)]  # fmt: skip
    assert before[0].before.status == "undefined"
    assert before[-1:] == world.db.audit.changes(found)


def test_a_prediction_is_given_by_id_or_as_itself_and_has_to_be_known() -> None:
    world = World()
    world.put("d-7", trips=1)
    found = predicted(world)
    world.put("d-7", trips=2)
    assert isinstance(world.db.prediction(found), Prediction)
    assert world.db.audit.changes(world.db.prediction(found)) == world.db.audit.changes(found)
    with pytest.raises(UnknownVersion):
        world.db.as_of(3).audit.changes(found)
    with pytest.raises(UnknownVersion):
        world.db.audit.changes("drivers/d-7@2")


def test_changes_are_plain_data_on_request() -> None:
    world = World()
    found = predicted(world)
    world.put("d-7", trips=2)
    (change,) = world.db.audit.changes(found)
    assert change.to_dict() == {
        "input": "trips", "view": "drivers", "feature": "trips", "entity": "d-7", "cause": "write", "offset": 4,
        "time": "2026-01-01T00:00:00+00:00", "before": {"value": 0, "status": "missing", "version": None},
        "after": {"value": 2, "status": "present", "version": "drivers/d-7@4"}}  # fmt: skip


# -- any history -------------------------------------------------------------------------------------------------


def walk(db: VectorDB, prediction: Prediction, before: bool) -> list[tuple[Any, ...]]:
    """Every offset, and at each every second and the microsecond after it; what changed from one to the next."""
    at, end = to_micros(prediction.at), to_micros(db.at)
    found: list[tuple[Any, ...]] = []
    if before:
        found += _walk(db, prediction, range(prediction.as_of + 1), lambda time: min(time, at), None, at)
    offsets = range(prediction.as_of, db.head + 1)
    return found + _walk(db, prediction, offsets, lambda time: max(time, at), at, max(at, end))


def _walk(db: VectorDB, prediction: Prediction, offsets: range, clock_of: Any, start: Any, end: int) -> list[Any]:
    clocks = [clock_of(to_micros(db.as_of(offset).at)) for offset in offsets]
    instant = clocks[0] if start is None else start
    state, found = shown(db, prediction, offsets[0], instant), []
    for place, offset in enumerate(offsets):
        if place:
            instant = clocks[place]
            state = _note(db, prediction, offset, instant, state, found, "event")
        until = clocks[place + 1] if place + 1 < len(clocks) else end
        second = instant // SECOND * SECOND
        grid = sorted(t + extra for t in range(second, until + SECOND, SECOND) for extra in (0, 1))
        for tick in [t for t in grid if instant < t <= until]:
            state = _note(db, prediction, offset, tick, state, found, "clock")
    return found


def _note(db: Any, prediction: Any, offset: int, at: int, state: Any, found: list[Any], by: str) -> Any:
    now = shown(db, prediction, offset, at)
    found += [(key, by, offset, at, state[key], now[key]) for key in now if now[key] != state[key]]
    return now


def shown(db: VectorDB, prediction: Prediction, offset: int, at: int) -> dict[str, Any]:
    """Value, status and version of every feature, by the reads that everybody uses."""
    past, states = db.as_of(offset), {}
    for item in prediction.definition.features[:3]:
        try:
            row = past.view(item.view).get(prediction.entity, at=at / SECOND)
            name = item.feature
            states[name] = (row[name], str(row.status[name]), row.versions[name])
        except UnknownName:
            states[item.feature] = (None, "undefined", None)
    return states


def random_world(seed: int) -> tuple[World, list[str]]:
    """Writes of every kind around a few predictions, on a clock of whole seconds."""
    random, predictions = Random(seed), []
    world = World(ttl=random.choice([None, 5, 20]))
    service = world.db.create_service("ranker", features=INPUTS)
    for _ in range(30):
        world.tick(random.choice([0, 0, 1, 2, 5]))
        step = random.random()
        now = (to_micros(world.db.at) // SECOND) - START
        at = random.choice([None, None, now - 4, now + 3, now + 7])
        entity = random.choice(["d-7", "d-7", "d-8"])
        names = random.sample(["trips", "rating", "city"], random.choice([1, 2, 3]))
        if step < 0.6:
            values = {"trips": random.choice([3, 4, None]), "rating": random.choice([1.5, None]), "city": "Rome"}
            carried = [name for name in names if name in world.drivers.features] or ["city"]
            world.put(entity, at, **{name: values[name] for name in carried})
        elif step < 0.7:
            world.drivers.delete(entity, event_time=None if at is None else START + at)
        elif step < 0.8:
            kept = {name: FEATURES[name] for name in [*names, "city"]} | random.choice([{}, {"trips": Int(default=7)}])
            world.db.create_view("drivers", entity="driver", features=kept, ttl=random.choice([None, 4]), replace=True)
        else:
            row = _read(world, service, random)
            if row is not None:
                predictions.append(world.db.record_prediction(row, model="m", output=1).id)
    world.tick(random.choice([0, 3, 30]))
    return world, predictions


def _read(world: World, service: Any, random: Random) -> Any:
    """A read now, of a past, or valid at another time; None where the view has lost a feature."""
    try:
        if random.random() < 0.3:
            return world.db.as_of(random.randint(2, world.db.head)).service("ranker").get("d-7")
        at = random.choice([None, None, to_micros(world.db.at) / SECOND + random.choice([-6, 4])])
        return service.get("d-7", at=at)
    except UnknownName:
        return None


@pytest.mark.parametrize("seed", range(12))
def test_changes_are_those_of_a_walk_through_every_moment(seed: int) -> None:
    world, predictions = random_world(seed)
    for prediction in predictions:
        for before in (False, True):
            changes = world.db.audit.changes(prediction, before=before)
            found = [
                (c.input, "clock" if c.cause in ("expired", "became visible") else "event", c.offset, to_micros(c.time),
                 (c.before.value, c.before.status, c.before.version), (c.after.value, c.after.status, c.after.version))
                for c in changes
            ]  # fmt: skip
            assert found == walk(world.db, world.db.prediction(prediction), before), prediction


@pytest.mark.parametrize("name", [name for name in folders(V1) if name != "digits"])
def test_every_prediction_of_the_stories_has_its_changes(name: str) -> None:
    db = replayed(name)
    for prediction in db.predictions():
        if prediction.as_of < db.state.log.pruned:
            with pytest.raises(Pruned):
                db.audit.changes(prediction)
            continue
        last: dict[str, Any] = {}
        for change in db.audit.changes(prediction, before=True):
            assert change.input not in last or last[change.input].after == change.before
            assert change.before != change.after
            last[change.input] = change
        live = db.as_of(db.head)
        for key, change in last.items():
            if change.after.status not in ("undefined", "expired"):
                row = live.view(change.view).get(change.entity, at=db.at)
                assert row.versions[change.feature] == change.after.version, (prediction.id, key)
