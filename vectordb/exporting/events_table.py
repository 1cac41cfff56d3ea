"""The log as a table: one row an event, its payload in the stored form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import Event, EventPruned
from vectordb.exporting.table import INT, JSON, TEXT, TIME, Field, Row, Table, chunked

if TYPE_CHECKING:
    from vectordb.reader import Reader

FIELDS = (
    Field("offset", INT),
    Field("recorded_time", TIME),
    Field("type", TEXT),
    Field("views", JSON),
    Field("rows", INT),
    Field("actor", TEXT),
    Field("correlation", TEXT),
    Field("causation", TEXT),
    Field("tags", JSON),
    Field("payload", JSON),
)
ROWS = [field.name for field in FIELDS].index("rows")
DIGEST = Field("digest", TEXT)


class Asked(NamedTuple):
    """Which events."""

    start: int = 1
    stop: int | None = None
    type: str | None = None
    view: str | None = None
    digests: bool = False


def events_table(reader: Reader, asked: Asked) -> Table:
    """Of a pinned reader. An event of which something was taken is there with what is left of it, and is counted: by
    its rows, or of predictions, exposures and outcomes as one of ``redacted events``.
    """
    events = reader.events(asked.start, asked.stop, type=asked.type, view=asked.view)
    left_out: Counter[str] = Counter()
    fields = (*FIELDS, DIGEST) if asked.digests else FIELDS
    whole = asked.type is None and asked.view is None
    size = len(events) if whole and not reader.state.log.pruned else None

    def rows() -> Iterator[Row]:
        if not whole and reader.state.log.pruned:  # what they were is not kept, so no filter finds them
            every = reader.events(asked.start, asked.stop)
            left_out["pruned events"] += sum(isinstance(event.fact, EventPruned) for event in every)  # ints
        for event in events:
            if isinstance(event.fact, EventPruned):
                left_out["pruned events"] += whole
            else:
                count_gaps(event, left_out)
                yield _row(event, asked.digests)

    return Table("events", reader.as_of_offset, fields, lambda: chunked(rows(), weigh=_weight), size, left_out)


def _weight(row: Row) -> int:
    """An event weighs as much as its rows: a thousand batches of 50,000 rows are gigabytes."""
    return max(1, int(row[ROWS]))


def _row(event: Event, digests: bool) -> Row:
    meta = event.meta
    said = (None, None, None, None) if meta is None else (*meta[:3], list(meta.tags) or None)
    row: Row = (event.offset, event.time, event.type, list(event.views), event.rows, *said, event.payload)
    return (*row, event.digest) if digests else row


def count_gaps(event: Event, left_out: Counter[str], view: str | None = None) -> None:
    """Count the rows of an event that are gone: all, or those of one view."""
    gaps: Any = getattr(event.fact, "gaps", ())
    if view is None and event.fact.redaction is not None and not gaps:
        left_out["redacted events"] += 1
    for gap in gaps:
        if view is None or gap.view.partition("@")[0] == view:
            left_out[f"{gap.why} rows"] += gap.size
