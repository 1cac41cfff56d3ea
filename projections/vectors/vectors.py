"""Vectors: the fold of every vector that was written, feature by feature."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from ledger import (
    ABSENT,
    NULL,
    ROW_BITS,
    TOMBSTONE,
    Block,
    Entity,
    EntityDeleted,
    Event,
    PlainRows,
    RowPut,
    RowsPut,
    SingleRow,
    TransactionCommitted,
    Vector,
    ViewDefined,
    header_of,
    source_at,
    word_at,
)
from projections.blobs import join_blobs, split_blobs
from projections.contract import Gone, Handler, Projection
from projections.history import FOREVER, row_as_of
from projections.rows import Rows
from projections.vectors.blocks import BlocksOf, runs_of
from projections.vectors.field import Field
from projections.vectors.field_dump import dump_field, load_field
from projections.vectors.forgetting import Forgotten

HELD: Final = 100_000  # entities


class Before(NamedTuple):
    """The newest write to a slot before another one, and the newest event time in the entity's row then."""

    source: int
    true_at: int
    had_vector: bool
    newest: int


class Vectors(Projection):
    """One ``Field`` a vector feature, by view and slot.

    Who was the newest vector before a write is asked of the rows **as of that write**: their history is a
    pure function of the log, so the answer is the same live and in a rebuild, and no second map of a million
    entities is kept (100 bytes an entity).
    """

    name = "vectors"
    essential = True
    handles = (ViewDefined, SingleRow, RowsPut, TransactionCommitted)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def reset(self) -> None:
        """No field."""
        self.fields: dict[str, dict[int, Field]] = {}
        # These three only save work; after a load they start empty.
        self._first_ahead: dict[tuple[str, Entity], int] = {}
        self._disturbed: set[tuple[str, int, Entity]] = set()
        self._held: dict[tuple[str, int, Entity], Before] = {}

    def handlers(self) -> dict[type, Handler]:
        """One handler a shape of write."""
        return {
            ViewDefined: self._view_defined,
            RowPut: self._row,
            EntityDeleted: self._row,
            RowsPut: self._blocks,
            TransactionCommitted: self._blocks,
        }

    def _view_defined(self, event: Event) -> None:
        for view in event.fact.views:
            layout = self.log.layouts.newest(view)
            fields = self.fields.setdefault(view, {})
            for kind, slot in zip(layout.types, layout.slots, strict=True):
                if isinstance(kind, Vector) and slot not in fields:
                    fields[slot] = Field(self.log, view, slot, kind)

    def _row(self, event: Event) -> None:
        fact: Any = event.fact
        fields = self.fields[fact.layout.view]
        if fields:
            for field in fields.values():
                self._write(field, fact.entity, fact.row, event.time)

    def apply_rows(self, run: PlainRows) -> None:
        """Fold many single rows without a vector."""
        for field in self.fields[run.layout.view].values():
            for entity, row, time in zip(run.entities, run.rows, run.times):
                self._write(field, entity, row, time)

    def _blocks(self, event: Event) -> None:
        for block in event.fact.blocks():
            for field in self.fields[block.layout.view].values():
                self._block(field, block, event.time)

    def _block(self, field: Field, block: Block, recorded: int) -> None:
        if not len(block):
            return
        data = block.heavy.get(field.slot)
        lanes = None
        if data is not None:
            lanes = _add(field, block, data)
            new = self._rows.tables[field.view].versions.keys().isdisjoint(block.entities)
            if new and block.is_complete and block.newest <= recorded and not _has_gaps(block, field.slot):
                return
        for place, (entity, row) in enumerate(block):
            self._write(field, entity, row, recorded, None if lanes is None else lanes[place])

    def _write(self, field: Field, entity: Entity, row: bytes, recorded: int, lane: int | None = None) -> None:
        """One row: a vector enters, and what it replaces dies."""
        ref, event_time, flags = header_of(row)
        word = word_at(row, field.slot)
        offset = ref >> ROW_BITS
        written = word not in (ABSENT, NULL)
        if written and lane is None:
            lane = field.add(ref)
        elif not written and lane is not None:
            field.kill(lane, offset)  # its place in the batch's column is only a gap
        ahead = self._has_ahead(field, entity, ref)
        rewrites = word != ABSENT or bool(flags & TOMBSTONE)
        before = self._before(field, entity, ref, event_time, rewrites)
        if written and lane is not None and (ahead or (before is not None and event_time < before.newest)):
            field.disturb(lane)  # a read may show other features of a newer write with it
        if before is None or not before.source:
            return
        late = event_time < before.true_at
        if written and lane is not None and late and before.true_at <= recorded:
            field.kill(lane, offset)  # something newer is there already
        # Under a null or a delete that is dated ahead an older vector is still to be seen.
        if (before.had_vector or ahead) and (late or not rewrites):
            self._disturb(field, entity, ref, before)
        elif before.had_vector and event_time <= recorded:
            field.kill(field.lanes.lane(before.source), offset)

    def _before(self, field: Field, entity: Entity, ref: int, event_time: int, rewrites: bool) -> Before | None:
        """What an entity's slot held right before a reference, whatever the clock.

        Found by one read of the history, and kept while writes leave the slot alone: each of them would
        otherwise walk back over all others to the slot's last write.
        """
        table = self._rows.tables[field.view]
        if entity not in table.versions:
            return None
        key = field.view, field.slot, entity
        held = self._held.pop(key, None)
        if held is None:
            row = row_as_of(table, self.log.row, entity, ref - 1, FOREVER, (field.slot,))
            if row is None:
                return None
            source, true_at = source_at(row, field.slot)
            had_vector = word_at(row, field.slot) not in (ABSENT, NULL)
            held = Before(source, true_at, had_vector, header_of(row)[1])
        if not rewrites:
            if len(self._held) >= HELD:
                self._held.clear()
            self._held[key] = held._replace(newest=max(held.newest, event_time))
        return held

    def _disturb(self, field: Field, entity: Entity, ref: int, before: Before) -> None:
        """What was written with an entity's vectors may no longer be what a read shows with them."""
        if not self._has_ahead(field, entity, ref):
            field.disturb(field.lanes.lane(before.source))
            return
        key = field.view, field.slot, entity
        if key in self._disturbed:  # since then every new lane is disturbed as it is written
            return
        self._disturbed.add(key)
        refs = self._rows.tables[field.view].refs(entity)
        for other in refs[: bisect_left(refs, ref)]:
            lane = field.lanes.lane(other)
            if lane >= 0:
                field.disturb(lane)

    def _has_ahead(self, field: Field, entity: Entity, limit: int) -> bool:
        """Whether an entity had a write dated ahead by a reference."""
        table, log = self._rows.tables[field.view], self.log
        if entity not in table.ahead:
            return False
        first = self._first_ahead.get((field.view, entity))
        if first is None:
            refs = table.refs(entity)
            first = next(ref for ref in refs if table.event_time_of(ref) > log.time_of(ref >> ROW_BITS))
            self._first_ahead[field.view, entity] = first
        return first <= limit

    # -- erasure -----------------------------------------------------------------------------------

    def forget(self, gone: Gone) -> bool:
        """Let go the vectors of rows that were erased; after a compaction everything is folded anew."""
        if not gone.entities:
            return super().forget(gone)
        self.forget_rows(gone.view, gone.rows)
        return True

    def forget_rows(self, view: str, refs: Iterable[int], blocks_of: BlocksOf | None = None) -> Forgotten:
        """Let go the vectors of some rows of a view, as of every offset: of all rows that were erased there.

        To be called inside a write section (sequence number and ``repairs`` odd, so that a search at work asks
        again), when the log holds the redacted events already. What is left of their batches is read from
        ``blocks_of(offset)``, by default the log's own. Afterwards nothing here refers to the old bytes: neither
        lanes, nor codes and deaths of an index, nor what filters kept; ``projections.vectors.forgetting`` says which
        aggregates stay. A row that has no vector, or lost it before, is passed over. A fork has lanes and an index
        of its own, over bytes that it shares with its own log: it keeps them. A build at work ends on what it took
        and is mended as it is adopted.

        10 us a row, and 1 ms for every segment that has some; linear in the deaths of the fields.
        """
        blocks = blocks_of or self._blocks_at
        asked, count, unindexed = list(refs), 0, []
        for slot, field in self.fields.get(view, {}).items():
            had_index = field.index is not None
            lanes = [lane for lane in map(field.lanes.lane, asked) if lane >= 0]
            count += field.forget(lanes, blocks)
            if had_index and field.index is None:
                unindexed.append(slot)
        self._first_ahead, self._disturbed, self._held = {}, set(), {}
        return Forgotten(count, tuple(unindexed))

    def _blocks_at(self, offset: int) -> Iterable[Block]:
        blocks: Iterable[Block] = self.log.event(offset).fact.blocks()
        return blocks

    # -- checkpoint --------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """Every field, one after the other, behind a head of their views and slots."""
        fields = [(view, slot, field) for view, fields in self.fields.items() for slot, field in fields.items()]
        head = {"views": list(self.fields), "fields": [[view, slot] for view, slot, _ in fields]}
        return join_blobs(head, [dump_field(field) for _, _, field in fields])

    def load(self, state: bytes) -> None:
        """Cut the fields out again."""
        head, dumps = split_blobs(state)
        self.reset()
        self.fields = {view: {} for view in head["views"]}
        for (view, slot), dump in zip(head["fields"], dumps, strict=True):
            kind = self.log.layouts.type_of(view, slot)
            assert isinstance(kind, Vector)
            self.fields[view][slot] = load_field(self.log, view, slot, kind, dump)

    def check(self) -> None:
        """Every structural rule of every field."""
        for fields in self.fields.values():
            for field in fields.values():
                field.check()

    def counts(self) -> dict[str, int]:
        """Vectors ever written, forgotten ones included, and how many of them an index covers."""
        fields = [field for fields in self.fields.values() for field in fields.values()]
        return {
            "vectors": sum(map(len, fields)),  # ints
            "indexed": sum(field.index.count for field in fields if field.index is not None),  # ints
        }


def _add(field: Field, block: Block, data: bytes) -> Sequence[int]:
    """The lanes of a block, row by row; consecutive unless rows of it were erased."""
    runs, size = runs_of(block), field.kind.size
    if len(runs) == 1:
        return field.add_block(runs[0].ref, data)
    view = memoryview(data)
    return [lane for ref, start, stop in runs for lane in field.add_block(ref, view[start * size : stop * size])]


def _has_gaps(block: Block, slot: int) -> bool:
    return any(word_at(row, slot) in (ABSENT, NULL) for row in block.rows)
