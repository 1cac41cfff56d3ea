"""An erasure as the vectors see it: the log's events are swapped for redacted ones, and rows left the tables."""

from __future__ import annotations

from copy import copy
from typing import Any

from ledger import ROW_BITS, ROW_MASK, Block, Erased, Fact, RowsPut
from projections import Rows, Vectors
from projections.vectors.forgetting import Forgotten
from vectordb import VectorDB


class Hole(Fact):
    """A single row that was erased."""

    __slots__ = ()
    type = "hole"

    def row(self, number: int) -> bytes:
        raise Erased("the row was erased", row=number)

    entity = row
    heavy_at = row


class Gapped(RowsPut):
    """Batches from which rows are gone; the others keep their numbers."""

    __slots__ = ("_blocks", "_places")

    def __init__(self, blocks: tuple[Block, ...]) -> None:
        super().__init__(blocks[0])
        self._blocks = blocks
        self._places = {number_of(row): (block, place) for block in blocks for place, row in enumerate(block.rows)}

    def blocks(self) -> Any:
        return self._blocks

    def _find(self, number: int) -> tuple[Block, int]:
        if number not in self._places:
            raise Erased("the row was erased", row=number)
        return self._places[number]

    def row(self, number: int) -> bytes:
        block, place = self._find(number)
        return block.rows[place]

    def entity(self, number: int) -> Any:
        block, place = self._find(number)
        return block.entities[place]

    def heavy_at(self, number: int, slot: int) -> Any:
        block, place = self._find(number)
        return block.heavy_at(place, slot)


def number_of(row: bytes) -> int:
    return int.from_bytes(row[:8], "little") & ROW_MASK


def recut(block: Block, gone: set[int]) -> Block:
    """A block without the rows of some numbers."""
    kept = [place for place, row in enumerate(block.rows) if number_of(row) not in gone]
    fresh = copy(block)
    fresh.entities = [block.entities[place] for place in kept]
    fresh.rows = tuple(block.rows[place] for place in kept)
    fresh.heavy = {}
    for slot, data in block.heavy.items():
        cells = [block.heavy_at(place, slot) for place in kept]
        fresh.heavy[slot] = b"".join(cells) if isinstance(data, bytes) else cells
    return fresh


def redact(db: VectorDB, view: str, entity: Any) -> list[int]:
    """Swap the events of an entity in segments of this log's own, and take it out of the rows; its references."""
    state, log = db.state, db.state.log
    table = state.rows.tables[view]
    refs = list(table.refs(entity))
    gone: dict[int, set[int]] = {}
    for ref in refs:
        gone.setdefault(ref >> ROW_BITS, set()).add(ref & ROW_MASK)
    for place, old in enumerate(log._segments):
        mine = [offset for offset in gone if old.first <= offset < old.first + len(old.times)]
        if mine:
            segment: Any = copy(old)
            columns = [list(segment.payloads), list(segment.shapes), list(segment.entities)]
            for offset in mine:
                at, fact = offset - segment.first, log.event(offset).fact
                blocks = tuple(recut(block, gone[offset]) for block in fact.blocks())
                hole = Gapped(blocks) if blocks else Hole()
                columns[0][at], columns[1][at], columns[2][at] = hole, type(hole), None
            sealed = type(segment.payloads)
            segment.payloads, segment.shapes, segment.entities = (sealed(column) for column in columns)
            log._segments[place], log._payloads[place] = segment, segment.payloads
    log._recent = {}
    for held in (table.rows, table.versions):
        held.pop(entity, None)
    table.ahead.discard(entity)
    table.dead.discard(entity)
    return refs


def erase(db: VectorDB, view: str, entity: Any) -> Forgotten:
    """The whole section, as a writer does it."""
    state = db.state
    with state.lock:
        state.fold.sequence += 1
        state.fold.repairs += 1
        forgotten = state.vectors.forget_rows(view, redact(db, view, entity))
        state.fold.sequence += 1
        state.fold.repairs += 1
    return forgotten


def fresh_fold(db: VectorDB) -> Vectors:
    """The vectors folded anew from the log as it is."""
    log = db.state.log
    rows = Rows()
    vectors = Vectors(rows)
    for projection in (rows, vectors):
        projection.bind(log, db.state.catalog)
    for event in log.events():
        for folded in (rows, vectors):
            handlers: dict[Any, Any] = folded.handlers()
            handle = next((handlers[base] for base in type(event.fact).__mro__ if base in handlers), None)
            if handle is not None:
                handle(event)
    return vectors


def reloaded(db: VectorDB, dump: bytes | None = None) -> Vectors:
    """The vectors of a dump."""
    vectors = Vectors(db.state.rows)
    vectors.bind(db.state.log, db.state.catalog)
    vectors.load(db.state.vectors.dump() if dump is None else dump)
    return vectors
