"""Rows: the current row of every entity, and every version behind it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from typing import Any

from ledger import (
    Entity,
    EntityDeleted,
    Event,
    LogCompacted,
    PlainRows,
    Pruned,
    RowPut,
    RowsPut,
    SingleRow,
    TransactionCommitted,
    ViewDefined,
    from_micros,
    header_of,
    named,
    recode,
)
from projections.blobs import join_blobs, split_blobs
from projections.contract import Gone, Handler, Projection
from projections.history import row_as_of
from projections.table import OLDEST, Table
from projections.table_dump import dump_table, load_table
from projections.timeline import Timeline


class Rows(Projection):
    """Current rows and bitemporal versions, one ``Table`` a view."""

    name = "rows"
    version = 2
    essential = True
    handles = (ViewDefined, SingleRow, RowsPut, TransactionCommitted, LogCompacted)

    def reset(self) -> None:
        """No view, no row."""
        self.tables: dict[str, Table] = {}
        self.floor = OLDEST  # the earliest clock that rows are kept for

    def handlers(self) -> dict[type, Handler]:
        """One handler a shape of write."""
        return {
            ViewDefined: self._view_defined,
            RowPut: self._row,
            EntityDeleted: self._row,
            RowsPut: self._blocks,
            TransactionCommitted: self._blocks,
            LogCompacted: self._compacted,
        }

    def _view_defined(self, event: Event) -> None:
        for view in event.fact.views:
            if view not in self.tables:
                self.tables[view] = Table(self._event_time)

    def _row(self, event: Event) -> None:
        fact: Any = event.fact
        self.tables[fact.layout.view].put(fact.entity, fact.row, event.time)

    def apply_rows(self, run: PlainRows) -> None:
        """Fold many single rows: as a block, where each became true when it was recorded."""
        table = self.tables[run.layout.view]
        if run.event_times == run.times:
            block = run.block()
            table.put_block(block, block.newest)
            return
        for entity, row, time in zip(run.entities, run.rows, run.times):
            table.put(entity, row, time)

    def _blocks(self, event: Event) -> None:
        for block in event.fact.blocks():
            self.tables[block.layout.view].put_block(block, event.time)

    def _compacted(self, event: Event) -> None:
        self.set_floor()

    def set_floor(self) -> None:
        """Take the earliest clock that rows are kept for from the log."""
        self.floor = self.log.time_of(self.log.pruned) if self.log.pruned else OLDEST

    def _event_time(self, ref: int) -> int:
        return int(header_of(self.log.row(ref))[1])

    def forget(self, gone: Gone) -> bool:
        """Take entities out of a table, with all their versions."""
        if not gone.entities:
            return not gone.events
        self.tables[gone.view].forget(gone.entities)
        return True

    # -- read --------------------------------------------------------------------------------------

    def row(self, view: str, entity: Entity, limit: int, at: int, slots: Sequence[int]) -> bytes | None:
        """The packed row of an entity as known at a reference and valid at a time; ``Pruned`` before a compaction."""
        if at < self.floor:
            self.check_clock(at)
        return row_as_of(self.tables[view], self.log.row, entity, limit, at, slots)

    def check_clock(self, at: int) -> None:
        """Refuse a clock from before the bound of a compaction."""
        if at < self.floor:
            values = {"at": from_micros(at), "first": from_micros(self.floor), "below": self.log.pruned}
            raise Pruned("a read is valid at a clock from which rows are kept", **values)

    def refs(self, view: str, entity: Entity, limit: int) -> Sequence[int]:
        """The references of an entity's writes up to a limit, in order of offset."""
        refs = self.tables[view].refs(entity)
        return refs[: bisect_right(refs, limit)]

    def last_ref(self, view: str, entity: Entity) -> int:
        """The entity's last write by offset; 0 where there is none."""
        refs = self.tables[view].refs(entity)
        return refs[-1] if refs else 0

    def entities(self, view: str, limit: int) -> list[Entity]:
        """Entities written up to a limit, in order of their first write."""
        table = self.tables[view]
        return [entity for entity in list(table.rows) if table.refs(entity)[0] <= limit]

    # -- checkpoint --------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """The category pool, and every table, packed."""
        dumps = {view: dump_table(table) for view, table in self.tables.items()}
        head = {"pool": named(self.log), "views": {view: table for view, (table, _) in dumps.items()}}
        return join_blobs(head, [blob for _, blobs in dumps.values() for blob in blobs])

    def load(self, state: bytes) -> None:
        """Take the tables; category codes are turned into those of this log's pool. 0.6 s a million rows."""
        head, blobs = split_blobs(state)
        pool = self.log.layouts.pool
        codes = [pool[category] for category in head["pool"]]
        if codes == list(range(len(codes))):
            codes = []
        self.reset()
        self.set_floor()
        for view, data in head["views"].items():
            coded = self.log.layouts.coded_slots(view) if codes else ()
            recoded = partial(recode, slots=coded, codes=codes) if coded else None
            self.tables[view] = load_table(data, blobs, self._event_time, recoded)

    def check(self) -> None:
        """Every structural rule of every table, and that versions name rows of their own."""
        for table in self.tables.values():
            table.check()
            for entity in table.versions:
                assert all(header_of(self.log.row(ref))[0] == ref for ref in table.refs(entity)), entity

    def counts(self) -> dict[str, int]:
        """Entities ever written, their versions, and those whose line is bent."""
        tables = list(self.tables.values())
        return {
            "entities": sum(len(table.rows) for table in tables),  # ints
            "versions": sum(len(table.refs(entity)) for table in tables for entity in table.rows),  # ints
            "bent": sum(isinstance(held, Timeline) for table in tables for held in table.versions.values()),  # ints
        }
