"""A small database with a clock that the test moves, and what the tests compare."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ledger import ManualClock
from vectordb import Category, Float, Int, VectorDB
from vectordb.testing import state_of

START = 1_767_225_600  # seconds, 2026-01-01T00:00:00Z

FEATURES = {"trips": Int(default=0), "rating": Float(), "city": Category()}
FULL = {"trips": 1, "rating": 4.5, "city": "Rome"}


class World:
    """``db`` with the view ``drivers`` (offset 1), its clock, and times relative to the start."""

    def __init__(self, *, ttl: Any = None, path: Any = None, **options: Any) -> None:
        self.clock = ManualClock(START)
        make = {"clock": self.clock, "seed": 1, **options}
        self.db = VectorDB(**make) if path is None else VectorDB.open(path, **make)
        self.drivers = self.db.create_view("drivers", entity="driver", features=FEATURES, ttl=ttl)

    def put(self, entity: Any, at: float | None = None, **values: Any) -> str:
        """Put, dated ``at`` seconds after the start (None: now); the version id."""
        event_time = None if at is None else START + at
        return self.drivers.put(entity, values, event_time=event_time).versions[0]

    def get(self, entity: Any, at: float | None = None) -> dict[str, Any]:
        """The values of a live read, valid at some seconds after the start."""
        return dict(self.drivers.get(entity, at=None if at is None else START + at))

    def tick(self, seconds: float = 1) -> None:
        """Move the clock."""
        self.clock.advance(seconds)


def when(seconds: float) -> datetime:
    """The instant some seconds after the start."""
    return datetime.fromtimestamp(START, UTC) + timedelta(seconds=seconds)


def everything(db: VectorDB) -> tuple[int, str, Mapping[str, Any], tuple[Any, ...]]:
    """Head, digest, state and definitions: what a refusal must leave as it was."""
    return db.head, db.digest(), state_of(db), (*db.views(), *db.services(), *db.models())
