"""Rows were put: a batch of one view in one event."""

from __future__ import annotations

import itertools
from array import array
from typing import Any, NamedTuple

from ledger.errors import InvalidInput
from ledger.facts.fact import Fact, Reading, check_event_time, take, take_event_time
from ledger.facts.origin import Origin, take_origin
from ledger.identity import ROW_MASK, Entity, entity_from_json, entity_to_json
from ledger.values.block import Block, build_block, build_deletes
from ledger.values.column_codec import column_from_json, column_to_json, decode_words, encode_words
from ledger.values.columns import Column
from ledger.values.layout import Layout


class Rejection(NamedTuple):
    """A row that a batch left out: its place in the caller's batch, and why.

    ``entity`` and ``value`` are as ``repr`` shows them, since they may be anything: the id 0 reads ``0``, the id "0"
    reads ``'0'``.
    """

    row: int
    entity: str
    feature: str | None
    value: str
    rule: str


class RowsPut(Fact):
    """A batch of rows was put.

        {"view":"drivers@1","entities":["d-7",8],"columns":[{"list":[12,9]},{"list":[4.9,null]}]}

    ``columns`` stand by position of the view's version, or of ``features`` where some positions were not
    written at all; their forms are in ``ledger.values.column_codec``. ``event_time`` holds for all rows,
    ``event_times`` (base64 of int64) for one each. ``rejected`` records what ``on_error="reject"`` left out.
    """

    __slots__ = ("block", "origin", "rejected")
    type = "rows_put"

    def __init__(self, block: Block, origin: Origin | None = None, rejected: tuple[Rejection, ...] = ()) -> None:
        self.block = block
        self.origin = origin
        self.rejected = rejected

    @property
    def rows(self) -> int:
        """Rows written."""
        return len(self.block)

    @property
    def views(self) -> tuple[str, ...]:
        """Its view."""
        return (self.block.layout.view,)

    def blocks(self) -> tuple[Block]:
        """Its one block."""
        return (self.block,)

    def row(self, number: int) -> bytes:
        """The packed row of that number."""
        return self.block.rows[number]

    def entity(self, number: int) -> Entity:
        """The entity of a row."""
        return self.block.entities[number]

    def heavy_at(self, number: int, slot: int) -> Any:
        """The Text or Vector of a row."""
        return self.block.heavy_at(number, slot)

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {**block_to_json(self.block, time), **said_of(self.origin, self.rejected)}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> RowsPut:
        """See the class."""
        origin = take_origin(data, reading)
        rejected = take_rejected(data)
        block = take_block(data, reading, 0)
        if not len(block) and not rejected:
            raise InvalidInput("a batch has at least one row, written or rejected", offset=reading.offset)
        return cls(block, origin, rejected)


def block_to_json(block: Block, time: int) -> dict[str, Any]:
    """The stored form of one block."""
    layout = block.layout
    data: dict[str, Any] = {"view": layout.label, "entities": [entity_to_json(entity) for entity in block.entities]}
    times = block.event_times()
    if len(set(times)) > 1:
        data["event_times"] = encode_words(times)
    elif times and times[0] != time:
        data["event_time"] = times[0]
    if block.is_delete:
        return {**data, "deleted": True}
    columns = block.columns()
    if len(columns) < len(layout.types):
        data["features"] = list(columns)
    data["columns"] = [
        column_to_json(layout.types[place], columns[place], len(block), layout.pool) for place in columns
    ]
    return data


def take_block(data: dict[str, Any], reading: Reading, first: int) -> Block:
    """Take one block out of its stored form; its rows are numbered from ``first``."""
    layout = reading.layout_of(data.pop("view", ""))
    raw = take(data, "entities", list)
    entities = raw if set(map(type, raw)) == {str} and all(raw) else [entity_from_json(entity) for entity in raw]
    if first + len(entities) > ROW_MASK:
        raise InvalidInput("an event has fewer than 2**24 rows", rows=first + len(entities))
    times = _take_times(data, reading, len(entities))
    ref = reading.ref + first
    if "deleted" in data:
        if data.pop("deleted") is not True or not entities:
            raise InvalidInput("a stored delete says true, and names entities", view=layout.label)
        each = times if isinstance(times, array) else [times] * len(entities)
        return build_deletes(layout, entities, ref, each)
    places = take(data, "features", list) if "features" in data else list(range(len(layout.types)))
    columns = take(data, "columns", list)
    _check_places(layout, places, columns)
    checked = {
        place: column_from_json(layout.types[place], column, len(entities), layout.pool)
        for place, column in zip(places, columns, strict=True)
    }
    check_rows_written(checked, len(entities))
    return build_block(layout, entities, checked, ref, times)


def check_rows_written(columns: dict[int, Column], rows: int) -> None:
    """Refuse rows that wrote no feature at all."""
    if rows and all(column.missing for column in columns.values()):
        empty = set(range(rows))
        for column in columns.values():
            empty.intersection_update(column.missing)
        if empty:
            raise InvalidInput("a put writes at least one feature", row=min(empty))


def _take_times(data: dict[str, Any], reading: Reading, rows: int) -> int | array[int]:
    if "event_times" not in data:
        return take_event_time(data, reading)
    times = decode_words(data.pop("event_times"), "q", rows)
    for extreme in (min(times), max(times)) if times else ():
        check_event_time(extreme)
    return times


def _check_places(layout: Layout, places: list[Any], columns: list[Any]) -> None:
    good = len(places) == len(columns) and all(type(place) is int for place in places)
    if not good or any(a >= b for a, b in itertools.pairwise(places)):
        raise InvalidInput("columns stand in ascending order of position", features=places)
    if places and not 0 <= places[0] <= places[-1] < len(layout.types):
        raise InvalidInput("a column's position is one of its view's", features=places)


def said_of(origin: Origin | None, rejected: tuple[Rejection, ...]) -> dict[str, Any]:
    """The stored form of what is said of a batch beside its rows: what is set."""
    data = {} if origin is None else origin.to_json()
    return {**data, "rejected": [list(rejection) for rejection in rejected]} if rejected else data


def take_rejected(data: dict[str, Any]) -> tuple[Rejection, ...]:
    """Take the rejections out of a stored form."""
    return tuple(map(_rejection, take(data, "rejected", list))) if "rejected" in data else ()


def _rejection(item: Any) -> Rejection:
    if type(item) is not list or [type(part) for part in item] not in _REJECTIONS:
        raise InvalidInput("a rejection names row, entity, feature, value and rule", value=item)
    return Rejection(*item)


_REJECTIONS = ([int, str, str, str, str], [int, str, type(None), str, str])
