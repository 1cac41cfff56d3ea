"""Rewriting: the rows of an event of the parent, packed for another offset of the branch.

What does not fit there is refused while the fact is made, which is before the log has it.

Where the branch reads the view as the parent did, a row stays as it is but for its reference. Where the view is
defined otherwise there, or values are edited, the write is done again by the names of the features.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Any, NamedTuple

from ledger import (
    MISSING,
    ROW_BITS,
    WORD,
    Block,
    Entity,
    EntityDeleted,
    Fact,
    InvalidInput,
    Layout,
    Log,
    Origin,
    RowPut,
    RowsPut,
    SingleRow,
    TransactionCommitted,
    build_block,
    build_deletes,
    header_of,
)
from vectordb.batches.batch import Raw, check_batch

Edits = Mapping[int, Mapping[str, Any]]
pack_ref = Struct("=q").pack


class Target(NamedTuple):
    """The layout that a view's rows get in the branch, and whether it packs them alike."""

    layout: Layout
    same: bool


class Rewriting:
    """Makes the facts of rows for a branch."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._targets: dict[str, Target] = {}

    def target(self, old: Layout) -> Target:
        """Where rows of a layout of the parent go: the newest definition of their view."""
        newest = self._log.layouts.newest(old.view)
        found = self._targets.get(old.label)
        if found is None or found.layout is not newest:
            found = self._targets[old.label] = Target(newest, _packs_alike(old, newest))
        return found

    def single(self, fact: SingleRow, edit: Mapping[str, Any] | None, origin: Origin | None) -> Any:
        """What makes the fact of a row put, or of a delete, once its offset is known."""
        layout, same = self.target(fact.layout)
        entity, event_time = fact.entity, header_of(fact.row)[1]
        if isinstance(fact, EntityDeleted):
            return lambda offset, time: EntityDeleted(
                layout, entity, layout.tombstone(offset << ROW_BITS, event_time), origin
            )
        if same and edit is None:
            rest = fact.row[WORD:]
            return lambda offset, time: RowPut(layout, entity, pack_ref(offset << ROW_BITS) + rest, origin)
        cells = layout.encode_slowly({**_values(fact.layout, fact.layout.cells(fact.row)), **(edit or {})}, entity)

        def row_put(offset: int, time: int) -> Fact:
            return RowPut(layout, entity, layout.pack(offset << ROW_BITS, event_time, cells), origin)

        return row_put

    def batch(self, fact: RowsPut, edits: Edits, origin: Origin | None) -> Any:
        """The same of a batch."""
        place = self.target(fact.block.layout)
        return lambda offset, time: RowsPut(
            self._block(fact.block, place, offset << ROW_BITS, edits), origin, fact.rejected
        )

    def transaction(self, fact: TransactionCommitted, edits: Edits, origin: Origin | None) -> Any:
        """The same of a transaction."""
        places = [self.target(block.layout) for block in fact.writes]

        def blocks(ref: int) -> tuple[Block, ...]:
            pairs = zip(fact.writes, places)
            return tuple(self._block(block, place, ref + block.first, edits) for block, place in pairs)

        return lambda offset, time: TransactionCommitted(blocks(offset << ROW_BITS), origin)

    def _block(self, block: Block, target: Target, ref: int, edits: Edits) -> Block:
        own = {row - block.first: edit for row, edit in edits.items() if block.first <= row < block.first + len(block)}
        times = block.event_times()
        if block.is_delete:
            return build_deletes(target.layout, block.entities, ref, times)
        if not target.same or own:
            return _rebuilt(block, target.layout, ref, own)
        rows = tuple([pack_ref(number) + row[WORD:] for number, row in enumerate(block.rows, ref)])
        return Block(target.layout, block.entities, rows, block.heavy, block.first, times, block.is_complete)


def _packs_alike(old: Layout, new: Layout) -> bool:
    return (
        old.pool is new.pool
        and list(old.features.items()) == list(new.features.items())
        and (old.slots, old.slot_words) == (new.slots, new.slot_words)
    )


def _values(layout: Layout, cells: Any) -> dict[str, Any]:
    """What cells show, by feature; those that were not written are left out."""
    return {
        name: None if cell is None else kind.show(cell)
        for name, kind, cell in zip(layout.names, layout.types, cells)
        if cell is not MISSING
    }


def _rebuilt(block: Block, layout: Layout, ref: int, edits: Edits) -> Block:
    """A block written again by the names of its features."""
    rows = [{**_values(block.layout, block.cells(place)), **edits.get(place, {})} for place in range(len(block))]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name, MISSING) for row in rows] for name in names}
    entities: list[Entity] = list(block.entities)
    batch = check_batch(layout, Raw(entities, columns, None), "refuse", "refuse")
    if not batch.columns and entities:
        raise InvalidInput("a put writes at least one feature", view=layout.view, rows=len(entities))
    return build_block(layout, batch.entities, batch.columns, ref, block.event_times())
