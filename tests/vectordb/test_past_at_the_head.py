"""A past that is pinned to the head is read from the current rows; once others came, from the history: the same."""

from __future__ import annotations

import random
from typing import Any

from tests.vectordb.world import START
from vectordb import Category, Float, Int, ManualClock, Past, VectorDB

KINDS = {"n": Int(default=3), "x": Float(), "city": Category(default="none")}
VALUES: dict[str, list[Any]] = {"n": [1, 2**40, None], "x": [0.5, -0.0, None], "city": ["r", 7, None]}


def seen(past: Past) -> Any:
    """Everything that a batch read and a list of entities give, also at an earlier and a later clock."""
    found = []
    for at in (None, START + 5, START + 10**6):
        for view in ("left", "right"):
            matrix = past.view(view).get_many(["a", "b", "c", "nobody"], at=at)
            found.append((matrix.numbers.raw.tobytes(), matrix.to_rows()))
            found.append((past.found_entities(view, at), matrix.as_of))
    return found


def test_the_history_says_what_the_current_rows_said() -> None:
    rng, clock = random.Random(5), ManualClock(START)
    db = VectorDB(clock=clock, seed=1)
    for view, ttl in (("left", 20), ("right", None)):
        db.create_view(view, entity="e", ttl=ttl, features=KINDS)
    kept: list[tuple[Past, Any]] = []
    for _ in range(120):
        view, entity = db.view(rng.choice(["left", "right"])), rng.choice("abc")
        if rng.random() < 0.1:
            view.delete(entity)
        else:
            names = rng.sample(sorted(VALUES), rng.choice([1, 3, 3]))
            late = rng.choice([None, None, None, db.clock() / 1e6 - 3, db.clock() / 1e6 + 4])
            view.put(entity, {name: rng.choice(VALUES[name]) for name in names}, event_time=late)
        clock.advance(rng.choice([0, 1, 3]))
        past = db.as_of(db.head)
        kept.append((past, seen(past)))
    assert all(seen(past) == expected for past, expected in kept)
