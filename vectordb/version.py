"""A version: what one row of one event wrote to one entity."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ledger import (
    ABSENT,
    HEADER_SIZE,
    NULL,
    ROW_BITS,
    ROW_MASK,
    TOMBSTONE,
    WORD,
    Entity,
    Erased,
    Log,
    Pruned,
    UnknownVersion,
    VersionId,
    from_micros,
    header_of,
    heavy_cell,
    light_cell,
    parse_version,
    render_version,
    word_at,
)
from vectordb.plan import Plan


@dataclass(frozen=True)
class Version:
    """One write of one entity. ``values`` holds only what it wrote, None for null; a delete wrote none."""

    id: str
    entity: Entity
    offset: int
    row: int
    event_time: datetime
    recorded_time: datetime
    deleted: bool
    values: dict[str, Any]
    derived_from: tuple[str, ...] = ()
    transformation: str | None = None
    ref: int = field(default=0, repr=False)


def read_version(log: Log, plan: Plan, entity: Entity, ref: int) -> Version:
    """The version of a reference, its values named by the plan's version of the view."""
    packed = log.row(ref)
    _, event_time, flags = header_of(packed)
    offset = ref >> ROW_BITS
    origin = getattr(log.event(offset).fact, "origin", None)
    derived = tuple(version_id(log, source) for source in origin.derived_from) if origin else ()
    return Version(
        id=render_version(plan.definition.name, entity, ref, log.rows_at(offset)),
        entity=entity,
        offset=offset,
        row=ref & ROW_MASK,
        event_time=from_micros(event_time),
        recorded_time=from_micros(log.time_of(offset)),
        deleted=bool(flags & TOMBSTONE),
        values=_written(log, plan, packed, ref),
        derived_from=derived,
        transformation=origin.transformation if origin else None,
        ref=ref,
    )


def _written(log: Log, plan: Plan, packed: bytes, ref: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, slot in plan.slots.items():
        word = word_at(packed, slot.place)
        if word == NULL:
            values[name] = None
        elif word != ABSENT and slot.kind.heavy:
            values[name] = slot.kind.show(heavy_cell(slot.kind, log.heavy(ref, slot.place)))
        elif word != ABSENT:
            raw = slot.kind.reader(packed, HEADER_SIZE + WORD * slot.place)[0]
            values[name] = slot.kind.show(light_cell(slot.kind, raw, plan.layout.pool))
    return values


def find_row(log: Log, version_id: str, limit: int) -> VersionId:
    """The parts of a version id (or prediction id) that names a row of the log up to an offset, exactly.

    An id has ``.row`` where its event has more than one row, and only there.
    """
    wanted = parse_version(version_id)
    known = 1 <= wanted.offset <= limit
    several = known and log.rows_at(wanted.offset) > 1
    if not known or several is not (wanted.row is not None):
        raise UnknownVersion("a version id names a row of the log", id=version_id, as_of=limit)
    owner = log.owner(wanted.ref)
    if owner != (wanted.collection, wanted.entity):
        found = render_version(*owner, wanted.ref, log.rows_at(wanted.offset))
        raise UnknownVersion("a version id names the entity that was written", id=version_id, found=found)
    return wanted


def version_id(log: Log, ref: int) -> str:
    """The version id of a reference; of a row that is gone ``erased@offset.row`` or ``pruned@offset.row``."""
    try:
        view, entity = log.owner(ref)
    except (Erased, Pruned) as gone:
        return f"{gone.code.lower()}@{ref >> ROW_BITS}.{ref & ROW_MASK}"
    return render_version(view, entity, ref, log.rows_at(ref >> ROW_BITS))
