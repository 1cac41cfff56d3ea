"""A transformed gather: packed rows of one kind of entity taken through a pipeline, and held as what comes out.

It holds rows as any gather does: bounded, dropped by a write inside its section, within their window of clocks
(a transformation does not change what its inputs last), added only if nothing was written since they were read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ledger import WORD, CannotTransform, Entity
from vectordb.batches.executors import PIECE, Sharing
from vectordb.batches.gather import Gather, Item, Packed
from vectordb.batches.packing import Raw
from vectordb.batches.row_cache import RowCache
from vectordb.pipelines.applied_pipeline import AppliedPipeline, Task, cutter, transform
from vectordb.views.plan import Plan

if TYPE_CHECKING:
    from vectordb.services.row import ServiceRow
    from vectordb.state import State


class TransformedGather(Gather):
    """``kinds`` are the outputs; there is nothing beside the numbers."""

    __slots__ = ("_applied", "_raw")

    def __init__(self, state: State, items: Sequence[Item], plans: dict[str, Plan], applied: AppliedPipeline) -> None:
        super().__init__(state, items, plans)
        self._applied = applied
        self._raw = Gather(state, items, plans)
        self.kinds = applied.kinds
        self.others = ()
        self._cut = cutter(applied.width)
        ttls = [plan.ttl for plan in plans.values() if plan.ttl is not None]
        self.held = RowCache(WORD * applied.width, min(ttls, default=None), state.served_bytes)

    def reattach(self) -> None:
        """Hold rows of the tables of now alone. Under the lock."""
        if self.held.capacity and not self._is_attached():
            self._attach()

    def keep(self, sequence: int, row: ServiceRow, packed: bytes) -> None:
        """Hold what the pipeline made of one row, if nothing was written since the ``sequence`` that it was read at."""
        if self.held.capacity:
            columns = [[raw] for raw in row._raws]
            self._hold(sequence, row.at_micros, row.entities, columns, {row.entities[0]: packed}, {})

    def _packed(
        self, entities: Sequence[Entity], columns: Sequence[Sequence[Raw]], at: int, shared: Sharing
    ) -> Packed:
        """Outputs of entities, piece by piece. The raw rows are unpacked here, the executor takes them through."""
        rows: list[bytes] = []
        pieces: list[tuple[bytes, bytes]] = []
        tasks = list(self._pieces(columns, at)) if len(entities) <= PIECE else self._pieces(columns, at)
        try:
            for joined in shared.each(transform, tasks, len(entities)):
                pieces.append((joined, b""))
                rows += [row for (row,) in self._cut(joined)]
                if len(rows) < len(entities):
                    shared.tell(len(rows), len(entities))
        except CannotTransform as error:
            done = len(rows)
            raise self._located(error, entities[done:], [column[done:] for column in columns], at) from error
        return Packed(dict(zip(entities, rows)), {}, pieces)

    def _pieces(self, columns: Sequence[Sequence[Raw]], at: int) -> Iterator[Task]:
        raw = self._raw
        for packing, piece, clock in raw._tasks(columns, at):
            numbers, words = packing.rows(piece, clock)
            others = {key: column.shown() for key, column in raw.columns(words).items()}
            yield self._applied.task(numbers, others)

    def _located(
        self, error: CannotTransform, entities: Sequence[Entity], columns: Sequence[Sequence[Raw]], at: int
    ) -> CannotTransform:
        """The error with the entity of the first row that cannot be transformed."""
        for start, task in zip(range(0, len(entities), PIECE), self._pieces(columns, at)):
            found = self._applied.locate(task, entities[start : start + PIECE], error)
            if found is not error:
                return found
        return error
