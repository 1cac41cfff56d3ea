"""Small layouts, facts and logs for the tests of this room."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from ledger import (
    Bool,
    Category,
    Column,
    Event,
    Fact,
    FeatureType,
    Float,
    Int,
    Layout,
    Log,
    Meta,
    Origin,
    RowPut,
    RowsPut,
    Text,
    Timestamp,
    TransactionCommitted,
    Vector,
    ViewDefined,
    ViewDefinition,
    build_block,
    check_column,
    new_header,
)
from ledger.layouts import Layouts

T0 = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z

EVERY_TYPE: dict[str, FeatureType] = {
    "trips": Int(),
    "rating": Float(),
    "active": Bool(),
    "city": Category(),
    "note": Text(),
    "seen": Timestamp(),
    "profile": Vector(3, metric="euclidean"),
}
A_ROW: dict[str, Any] = {
    "trips": 12,
    "rating": -0.0,
    "active": True,
    "city": "Rome",
    "note": "caffè",
    "seen": "2026-01-01T00:00:00Z",
    "profile": [0.5, -1.0, 2.0],
}


class Colour(str, Enum):  # noqa: UP042 - what many hosts still write
    """A str whose own text differs from the text that it is."""

    RED = "red"


def definition(name: str = "drivers", version: int = 1, **features: FeatureType) -> ViewDefinition:
    return ViewDefinition(name, version, "driver", features or EVERY_TYPE)


def layout_of(**features: FeatureType) -> Layout:
    return Layouts().define(definition(**features))


def new_log(seed: int = 1) -> Log:
    return Log(new_header(T0, seed))


def append(log: Log, fact: Fact, time: int | None = None, meta: Meta | None = None) -> Event:
    event = Event(log.head + 1, T0 + log.head if time is None else time, fact, meta, log)
    log.append(event)
    return event


def define(log: Log, name: str = "drivers", version: int = 1, **features: FeatureType) -> Layout:
    append(log, ViewDefined(definition(name, version, **features)))
    return log.layouts.newest(name)


def next_ref(log: Log) -> int:
    return log.head + 1 << 24


def row_put(
    log: Log, layout: Layout, entity: Any, values: Mapping[str, Any], origin: Origin | None = None, at: int = T0
) -> RowPut:
    return RowPut(layout, entity, layout.pack(next_ref(log), at, layout.encode(values)), origin)


def columns_of(layout: Layout, columns: Mapping[str, Any]) -> dict[int, Column]:
    checked = {}
    for name, values in columns.items():
        place = layout.names.index(name)
        checked[place], bad = check_column(layout.types[place], values, layout.pool)
        assert not bad, bad
    return checked


def rows_put(
    log: Log, layout: Layout, entities: list[Any], columns: Mapping[str, Any], at: int | Iterable[int] = T0
) -> RowsPut:
    times = at if isinstance(at, int) else array("q", at)
    return RowsPut(build_block(layout, entities, columns_of(layout, columns), next_ref(log), times))


def transaction(log: Log, *writes: tuple[Layout, list[Any], Mapping[str, Any]]) -> TransactionCommitted:
    blocks = []
    ref = next_ref(log)
    for layout, entities, columns in writes:
        blocks.append(build_block(layout, entities, columns_of(layout, columns), ref, T0))
        ref += len(entities)
    return TransactionCommitted(tuple(blocks))


def contents(log: Log) -> list[bytes]:
    """Everything that a log says, for comparing two of them."""
    return [log.body(offset) + log.digest(offset) for offset in range(1, log.head + 1)]
