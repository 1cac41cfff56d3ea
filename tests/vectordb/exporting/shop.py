"""A database with every type of feature, state of a value and kind of id; and plain expectations of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.vectordb.world import START
from vectordb import Bool, Category, Float, Int, ManualClock, Status, Text, Timestamp, Vector, VectorDB

FEATURES = {
    "count": Int(default=7),
    "price": Float(),
    "open": Bool(),
    "city": Category(),
    "note": Text(),
    "seen": Timestamp(),
    "p": Vector(3),
    "bits": Vector(12, dtype="binary", metric="hamming"),
}
IDS: list[Any] = ["1", 1, ("a", 2), "say \"no\",\nor 'yes'", "Zürich 東京 🚲", -5]
PRICES = [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, None]
NOTES = ["", "=1+1", 'a "b", c\r\nd', "東京", None, "plain"]


def rows() -> list[dict[str, Any]]:
    """A row for each id: nulls and gaps are spread over them."""
    found = []
    for place, (price, note) in enumerate(zip(PRICES, NOTES)):
        row: dict[str, Any] = {"price": price, "note": note, "open": place % 2 == 0, "count": place - 2**53 + 1}
        row |= {"city": "Rome" if place % 2 else place, "seen": START + place / 8, "p": [place + 1, 0.1, -2.5]}
        row |= {"bits": [place % 2, 1] * 6}
        found.append(row)
    for place, gap in ((0, "count"), (1, "city"), (2, "p"), (3, "note"), (4, "seen"), (5, "open")):
        found[place].pop(gap)
        found[(place + 1) % 6][gap] = None
    return found


def shop(**options: Any) -> VectorDB:
    """The rows, put one by one (offsets 2 to 7); then one id deleted, and one written late."""
    db = VectorDB(clock=ManualClock(START + 100), seed=1, **options)
    goods = db.create_view("goods", entity="good", features=FEATURES)
    for entity, row in zip(IDS, rows()):
        goods.put(entity, row, event_time=START)
    goods.put("gone", {"count": 1})
    goods.delete("gone")
    goods.put("1", {"price": 9.5}, event_time=START - 10)
    return db


def shown(db: Any, entity: Any) -> dict[str, Any]:
    """What single reads show of an entity, missing values left out: the oracle of a row of a file."""
    row = db.view("goods").get(entity)
    states = {Status.MISSING, Status.EXPIRED}
    gaps = [name for name in row if row.status_of(name) in states and FEATURES[name].default is None]
    return {name: value for name, value in row.items() if name not in gaps}


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same as a JSON file has it."""
    found = {}
    for name, value in values.items():
        if isinstance(value, memoryview):
            value = value.tolist()
        elif hasattr(value, "isoformat"):
            value = value.isoformat(timespec="microseconds")
        found[name] = value
    return found


def same_bits(a: Any, b: Any) -> bool:
    """Equal, and floats to the last bit."""
    if isinstance(a, float) and isinstance(b, float):
        return a.hex() == b.hex()
    return type(a) is type(b) and bool(a == b)
