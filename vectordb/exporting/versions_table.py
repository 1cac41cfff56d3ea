"""The history of a view as a table: one row a version, in the order of the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ledger import MISSING, ROW_BITS, TOMBSTONE, Event, EventPruned, header_of, render_version
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
from vectordb.views.version import version_id

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
                yield from _rows(reader, name, fields, event)

    whole = (*own[:7], *fields, *own[7:])
    return Table(f"{name} history", reader.as_of_offset, whole, lambda: chunked(rows()), None, left_out)


def _rows(reader: Reader, view: str, fields: Sequence[Field], event: Event) -> Iterator[Row]:
    offset, count, log = event.offset, event.rows, reader.state.log
    origin: Any = getattr(event.fact, "origin", None)
    derived = [version_id(log, source) for source in origin.derived_from] if origin else []
    behind = derived or None, origin.transformation if origin else None
    for block in event.fact.blocks():
        if block.layout.view != view:
            continue
        places = [block.layout.names.index(one.name) if one.name in block.layout.names else None for one in fields]
        for place, (entity, packed) in enumerate(block):
            row = block.first + place
            _, event_time, flags = header_of(packed)
            version = render_version(view, entity, offset << ROW_BITS | row, count)
            own = (version, offset, row, event_time, event.time, bool(flags & TOMBSTONE), entity)
            cells = block.cells(place)
            values = [MISSING if at is None else _shown(one, cells[at]) for one, at in zip(fields, places)]
            yield (*own, *values, *behind)


def _shown(field: Field, cell: Any) -> Any:
    return cell if field.vector is None or cell is None or cell is MISSING else field.vector.show(cell)
