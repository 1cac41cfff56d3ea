"""One database with every type of feature, and the rows that it should show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ledger import ManualClock
from vectordb import Bool, Category, Float, Int, Text, Timestamp, Vector, VectorDB, View

START = 1_767_225_600  # seconds, 2026-01-01T00:00:00Z
TYPES = {
    "trips": Int(default=0),
    "rating": Float(),
    "vip": Bool(),
    "city": Category(),
    "since": Timestamp(),
    "note": Text(),
    "profile": Vector(3),
    "code": Vector(12, dtype="binary", metric="hamming"),
}
IDS = ["d-1", "d-2", "d-3", "d-4"]
COLUMNS: dict[str, list[Any]] = {
    "trips": [12, 2**53, -3, 0],
    "rating": [4.5, None, -0.0, 1e300],
    "vip": [True, False, None, True],
    "city": ["Rome", "Oslo", None, "Rome"],
    "since": [datetime(2020, 1, 2, 3, 4, 5, 678901, UTC), None, datetime(1960, 1, 1, tzinfo=UTC), None],
    "note": ["", "häuser 北", None, "plain"],
    "profile": [[1.0, 2.0, 3.0], None, [0.5, 0.25, -1.0], [0.0, 0.0, 1.0]],
    "code": [[1] * 12, [0, 1] * 6, None, [1] + [0] * 11],
}


def bits(code: list[int] | None) -> bytes | None:
    """The stored bytes of a binary vector, first bit highest."""
    if code is None:
        return None
    return int("".join(map(str, code)).ljust(16, "0"), 2).to_bytes(2, "big")


def micros(time: datetime | None) -> int | None:
    return None if time is None else (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def shown() -> dict[str, list[Any]]:
    """The columns as Arrow holds them: instants as microseconds, bits packed."""
    return {
        **COLUMNS,
        "since": list(map(micros, COLUMNS["since"])),
        "code": list(map(bits, COLUMNS["code"])),
    }


def make() -> tuple[VectorDB, View]:
    db = VectorDB(clock=ManualClock(START))
    view = db.create_view("drivers", entity="driver", features=TYPES)
    view.put_many({"driver": IDS, **COLUMNS})
    return db, view


def twin(db: VectorDB, name: str = "copies") -> Any:
    """An empty view of the same features."""
    return db.create_view(name, entity="driver", features=TYPES)


def same(one: Any, other: Any) -> bool:
    """Whether two views hold the same rows."""
    ids = one.entities()
    return bool(ids == other.entities() and plain(one, ids) == plain(other, ids))


def plain(view: Any, ids: list[Any]) -> list[list[Any]]:
    rows = view.get_many(ids).to_rows()
    return [[cell.tolist() if isinstance(cell, memoryview) else cell for cell in row] for row in rows]
