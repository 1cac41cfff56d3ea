"""A transaction: several writes, one event."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import (
    MISSING,
    ROW_BITS,
    Block,
    DefinitionConflict,
    Entity,
    Fact,
    Instant,
    InvalidInput,
    Layout,
    TransactionCommitted,
    blank_unused,
    build_block,
    build_deletes,
    check_entity,
    to_micros,
)
from vectordb.batches.batch import Batch, batch_bound, check_batch, raw_batch
from vectordb.call_arguments import said_time
from vectordb.receipt import Receipt
from vectordb.writer import make_meta, make_origin

if TYPE_CHECKING:
    from vectordb.database import VectorDB


class _Write(NamedTuple):
    layout: Layout
    batch: Batch
    deletes: bool

    def block(self, ref: int, time: int) -> Block:
        times = time if self.batch.event_times is None else self.batch.event_times
        if self.deletes:
            return build_deletes(self.layout, self.batch.entities, ref, [times if isinstance(times, int) else times[0]])
        return build_block(self.layout, self.batch.entities, self.batch.columns, ref, times)

    def again(self, layout: Layout) -> _Write:
        """The same for the same definition in a ledger that was replayed meanwhile: its categories have other codes."""
        columns = dict(self.batch.columns)
        for place, column in columns.items():
            if self.layout.types[place].coded:
                values, empty = self.layout.pool.values_by_code, {*column.nulls, *column.missing}
                codes = (0 if row in empty else layout.pool[values[code]] for row, code in enumerate(column.data))
                columns[place] = column._replace(data=array("q", codes))
        return _Write(layout, self.batch._replace(columns=columns), self.deletes)


class Transaction(AbstractContextManager["Transaction"]):
    """Collects writes and commits them as one event when the ``with`` block ends without an error.

    Values are checked when they are put; reads inside the block do not see them. ``receipt`` is there
    after the block (None when nothing was put). An error in the block commits nothing.

    >>> from vectordb import Int, VectorDB
    >>> db = VectorDB()
    >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int()})
    >>> with db.transaction(actor="etl") as tx:
    ...     tx.view("drivers").put("d-7", {"trips": 12})
    ...     tx.view("drivers").delete("d-8")
    >>> tx.receipt.versions
    ('drivers/d-7@2.0', 'drivers/d-8@2.1')
    """

    def __init__(
        self, db: VectorDB, *, expected_head: int | None = None, idempotency_key: str | None = None, **meta: Any
    ) -> None:
        self._db = db
        self._writes: list[_Write] = []
        self._said: list[Any] = []
        self._expected_head = expected_head
        self._key = idempotency_key
        self._meta = make_meta(**meta)
        self.receipt: Receipt | None = None
        self._done = False
        self._db.state.log.layouts.pool.holders.add(self)

    def view(self, name: str) -> TransactionView:
        """The writes of one view; raises ``UnknownName``."""
        return TransactionView(self, self._db, name)

    def __repr__(self) -> str:
        return f"Transaction(writes={len(self._writes)}, receipt={self.receipt})"

    def add(self, layout: Layout, batch: Batch, said: list[Any], deletes: bool = False) -> None:
        """Add the rows of one write; ``said`` are its arguments as given. Raises ``InvalidInput`` after the block."""
        if self._done:
            raise InvalidInput("a transaction takes writes inside its with block", view=layout.view)
        self._writes.append(_Write(layout, batch, deletes))
        self._said.append([layout.view, *said])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done = True
        try:
            if kind is None and self._writes:
                self.receipt = self._commit()
        finally:
            self._release()

    def _release(self) -> None:
        """What was erased meanwhile may be forgotten now."""
        log = self._db.state.log
        pool = log.layouts.pool
        pool.holders.discard(self)
        if pool.pending:
            with self._db.state.lock:
                blank_unused(log, set())

    def _commit(self) -> Receipt:
        state, writer = self._db.state, self._db.writer
        with state.lock:
            origin = make_origin(writer, (), None, self._key, ["transaction", *self._said])
            replayed = writer.replayed(origin)
            if replayed is not None:
                return replayed
            state.log.check_head(self._expected_head)
            self._writes = [self._current(write, state.log.layouts.newest(write.layout.view)) for write in self._writes]

            def committed(offset: int, time: int) -> Fact:
                return TransactionCommitted(self._blocks(offset << ROW_BITS, time), origin)

            bound = sum(batch_bound(write.layout, write.batch) for write in self._writes)  # ints
            plain = origin is None and self._meta is None
            return writer.commit(committed, self._meta, bound if plain else None)

    def _current(self, write: _Write, newest: Layout) -> _Write:
        """A write under the definition in force, where that is still the one it was made for."""
        if newest is write.layout:
            return write
        if newest.label == write.layout.label and newest.pool is not write.layout.pool:
            newest.pool.holders.add(self)
            return write.again(newest)
        rule = "a view keeps its definition while a transaction writes to it"
        raise DefinitionConflict(rule, view=write.layout.view, written_for=write.layout.label, now=newest.label)

    def _blocks(self, ref: int, time: int) -> tuple[Block, ...]:
        blocks: list[Block] = []
        for write in self._writes:
            blocks.append(write.block(ref, time))
            ref += len(blocks[-1])
        return tuple(blocks)


class TransactionView:
    """The writes of one view within a transaction."""

    def __init__(self, transaction: Transaction, db: VectorDB, name: str) -> None:
        self._transaction = transaction
        self._layout = db.state.log.layouts.newest(name)
        self._entity_kind = db.consistently(db.plan, name).definition.entity
        self.name = name

    def put(
        self, entity: Entity, values: Mapping[str, Any], *, event_time: Instant | None = None, nan: str = "refuse"
    ) -> None:
        """Write some or all features of one entity; raises what ``LiveView.put`` raises of its values, at once."""
        entity = check_entity(entity)
        self._layout.encode_slowly(values, entity, nan)  # refuses here, naming the entity
        columns = {name: [value] for name, value in values.items() if value is not MISSING}
        self.put_many({self._entity_kind: [entity], **columns}, event_time=event_time, nan=nan)

    def put_many(self, rows: Any, *, event_time: Any = None, nan: str = "refuse") -> None:
        """Write a batch of rows; as ``LiveView.put_many``, always refusing bad rows."""
        raw = raw_batch(self._layout, self._entity_kind, rows, event_time)
        batch = check_batch(self._layout, raw, nan, "refuse")
        if not batch.entities:
            raise InvalidInput("a batch has at least one row", view=self.name)
        self._transaction.add(self._layout, batch, [raw.entities, raw.columns, said_time(raw.event_time), nan])

    def delete(self, entity: Entity, *, event_time: Instant | None = None) -> None:
        """Write a tombstone; as ``LiveView.delete``."""
        times = None if event_time is None else to_micros(event_time)
        batch = Batch([check_entity(entity)], {}, times)
        self._transaction.add(self._layout, batch, ["delete", entity, said_time(event_time)], deletes=True)
