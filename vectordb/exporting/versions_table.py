"""The history of a view as a table: one row a version, in the order of the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ledger import MISSING, ROW_BITS, Event, EventPruned, to_micros
from vectordb.exporting.events_table import count_gaps
from vectordb.exporting.table import (
    BOOL,
    ENTITY,
    INT,
    JSON,
    TEXT,
    TIME,
    Field,
    Row,
    Table,
    chunked,
    feature_field,
    unique,
)
from vectordb.plan import Plan
from vectordb.version import read_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectordb.reader import Reader

OWN = {
    "version": TEXT, "offset": INT, "row": INT, "event_time": TIME, "recorded_time": TIME, "deleted": BOOL,
}  # fmt: skip
BEHIND = {"derived_from": JSON, "transformation": TEXT}


def versions_table(reader: Reader, name: str, features: Iterable[str] | None) -> Table:
    """Of a pinned reader: what was written, late, future-dated and deleting versions too. Not written is missing."""
    plan = reader.consistently(reader.plan, name)
    names = plan.check_features(features)
    fields = [feature_field(one, plan.slot(one).kind) for one in names]
    left_out: Counter[str] = Counter()
    titles = unique([*OWN, plan.definition.entity, *BEHIND], names)
    own = [Field(title, kind) for title, kind in zip(titles, (*OWN.values(), ENTITY, *BEHIND.values()))]

    def rows() -> Iterator[Row]:
        for event in reader.events():
            if isinstance(event.fact, EventPruned):
                left_out["pruned events"] += 1
            elif name in event.views:
                count_gaps(event, left_out, name)
                yield from _rows(reader, plan, names, event, [one.kind == TIME for one in fields])

    whole = (*own[:7], *fields, *own[7:])
    return Table(f"{name} history", reader.as_of_offset, whole, lambda: chunked(rows()), None, left_out)


def _rows(reader: Reader, plan: Plan, names: tuple[str, ...], event: Event, times: list[bool]) -> Iterator[Row]:
    view, log = plan.definition.name, reader.state.log
    for block in event.fact.blocks():
        if block.layout.view != view:
            continue
        for place, entity in enumerate(block.entities):
            one = read_version(log, plan, entity, event.offset << ROW_BITS | block.first + place)
            values = [one.values.get(name, MISSING) for name in names]
            for at, is_time in enumerate(times):
                if is_time and values[at] is not None and values[at] is not MISSING:
                    values[at] = to_micros(values[at])
            moments = to_micros(one.event_time), to_micros(one.recorded_time)
            own = (one.id, one.offset, one.row, *moments, one.deleted, entity)
            yield (*own, *values, list(one.derived_from) or None, one.transformation)
