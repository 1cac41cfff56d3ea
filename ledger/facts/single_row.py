"""A single row was written: features of one entity got values, or it was deleted."""

from __future__ import annotations

import itertools
from typing import Any

from ledger.errors import InvalidInput
from ledger.facts.fact import Fact, Reading, take, take_event_time
from ledger.facts.origin import Origin, take_origin
from ledger.identity import Entity, entity_from_json, entity_to_json
from ledger.values.block import Block
from ledger.values.layout import Layout, heavy_in_tail
from ledger.values.rows import MISSING, header_of


class SingleRow(Fact):
    """One packed row of one view. ``row`` carries its reference and event time."""

    __slots__ = ("entity", "layout", "origin", "row")

    def __init__(self, layout: Layout, entity: Entity, row: bytes, origin: Origin | None = None) -> None:
        self.layout = layout
        self.entity = entity
        self.row = row
        self.origin = origin

    @property
    def rows(self) -> int:
        """One."""
        return 1

    @property
    def views(self) -> tuple[str, ...]:
        """Its view."""
        return (self.layout.view,)

    def blocks(self) -> tuple[Block]:
        """The row as a block of one."""
        heavy: dict[int, Any] = {
            self.layout.slots[place]: _HeavyOfOne(self.row, self.layout.slots[place]) for place in self.layout.heavy
        }
        return (Block(self.layout, (self.entity,), (self.row,), heavy),)

    def _envelope(self, time: int) -> dict[str, Any]:
        event_time = header_of(self.row)[1]
        data = {"view": self.layout.label, "entity": entity_to_json(self.entity)}
        return data if event_time == time else {**data, "event_time": event_time}

    def _origin(self) -> dict[str, Any]:
        return {} if self.origin is None else self.origin.to_json()


class _HeavyOfOne:
    """The heavy column of a block of one row: read from the row's tail when asked."""

    __slots__ = ("_row", "_slot")

    def __init__(self, row: bytes, slot: int) -> None:
        self._row = row
        self._slot = slot

    def __getitem__(self, place: int) -> bytes:
        return heavy_in_tail(self._row, self._slot)


class RowPut(SingleRow):
    """A row was put.

        {"view":"drivers@1","entity":"d-7","event_time":1,"values":[12,4.9,null]}
        {"view":"drivers@1","entity":"d-7","features":[1],"values":[4.9]}

    ``values`` stand by position of the view's version; a partial row names its positions in
    ``features``. ``event_time`` is left out where it equals the event's recorded time.
    """

    __slots__ = ()
    type = "row_put"

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        cells = self.layout.cells(self.row)
        kinds = self.layout.types
        written = [place for place, cell in enumerate(cells) if cell is not MISSING]
        data = self._envelope(time)
        if len(written) < len(cells):
            data["features"] = written
        data["values"] = [None if cells[place] is None else kinds[place].to_json(cells[place]) for place in written]
        return {**data, **self._origin()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> RowPut:
        """See the class."""
        layout = reading.layout_of(data.pop("view", ""))
        entity = entity_from_json(data.pop("entity", None))
        event_time = take_event_time(data, reading)
        values = take(data, "values", list)
        if "features" in data:
            values = _spread(layout, take(data, "features", list), values)
        cells = layout.decode(values)
        return cls(layout, entity, layout.pack(reading.ref, event_time, cells), take_origin(data, reading))


class EntityDeleted(SingleRow):
    """An entity was deleted: a tombstone on every feature, with its own event time.

    {"view":"drivers@1","entity":"d-7"}
    """

    __slots__ = ()
    type = "entity_deleted"

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {**self._envelope(time), **self._origin()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> EntityDeleted:
        """See the class."""
        layout = reading.layout_of(data.pop("view", ""))
        entity = entity_from_json(data.pop("entity", None))
        row = layout.tombstone(reading.ref, take_event_time(data, reading))
        return cls(layout, entity, row, take_origin(data, reading))


def _spread(layout: Layout, places: list[Any], values: list[Any]) -> list[Any]:
    good = len(places) == len(values) and all(type(place) is int for place in places)
    if not good or not places or any(a >= b for a, b in itertools.pairwise(places)):
        raise InvalidInput("a partial row names its positions in ascending order", features=places)
    if not 0 <= places[0] <= places[-1] < len(layout.names) or len(places) == len(layout.names):
        raise InvalidInput("a partial row's positions are some of its view's", features=places)
    cells: list[Any] = [MISSING] * len(layout.names)
    for place, value in zip(places, values, strict=True):
        cells[place] = value
    return cells
