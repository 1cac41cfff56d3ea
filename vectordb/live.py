"""The live reader: the database as it is now, and the way to its pasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ledger import Entity
from vectordb.batches.executors import Sharing
from vectordb.batches.gather import Gather
from vectordb.past import Past
from vectordb.reader import Reader
from vectordb.services.plan import ServicePlan
from vectordb.services.quick_reads import QuickBatch, QuickRead, quick_batch, quick_read, quick_transformed
from vectordb.views.plan import Plan

T = TypeVar("T")


class Live(Reader):
    """Every read at (head, clock), both taken once a call; ``as_of`` pins them. ``VectorDB`` adds the writes."""

    live = True

    @property
    def as_of_offset(self) -> int:
        """The head: live reads see everything."""
        return self.state.log.head

    @property
    def head(self) -> int:
        """The last offset; 0 when nothing has happened."""
        return self.state.log.head

    def clock(self) -> int:
        """The clock, but never before the last recorded time, in microseconds."""
        return self.state.now()

    def pinned(self, offset: int, at: int) -> Past:
        """A past at an offset and clock, unchecked."""
        return Past(self.state, offset, at)

    def consistently(self, function: Callable[..., T], *arguments: Any) -> T:
        """Lock-free, tried again when a write came between, or when a follower began anew and this met both states."""
        state = self.state
        try:
            answer = state.read(function, *arguments)
        except (LookupError, RuntimeError, ValueError):
            if self.state is state:
                raise
        else:
            if self.state is state:
                return answer
        return self.consistently(function, *arguments)

    def plan(self, view: str) -> Plan:
        """The newest definition of a view."""
        return self.state.plan(view)

    def gathered(
        self, gather: Gather, ids: Sequence[Entity], at: int, own_clock: bool, shared: Sharing
    ) -> tuple[bytes, bytes]:
        """From the rows that are held, where no other clock is asked for."""
        return gather.live(ids, at, shared) if own_clock else super().gathered(gather, ids, at, own_clock, shared)

    def quick(self, plan: ServicePlan, revision: int) -> QuickRead | None:
        """Reads rows of a service for as long as nothing is defined anew since a revision of the catalog."""
        make = quick_transformed if plan.transforms else quick_read
        read = make(plan.state, plan, revision)
        return read if self.state is plan.state else None  # looked at last: a follower may have begun anew meanwhile

    def quick_many(self, plan: ServicePlan, revision: int) -> QuickBatch | None:
        """The same for many rows."""
        read = quick_batch(plan.state, plan, revision, _row_again)
        return read if self.state is plan.state else None

    def packed(self, view: str, entity: Entity, at: int) -> bytes | None:
        """From the current rows."""
        return self.state.live_row(view, entity, at)


def _row_again(plan: ServicePlan, ids: Sequence[Entity], offset: int, at: int, place: int) -> Any:
    """One row of a batch that a service of one kind of entity read, as of its offset and clock."""
    past, entity = Past(plan.state, offset, at), {plan.kinds[0]: ids[place]}
    return past.transformed_row(plan, entity, {}) if plan.transforms else past.service_row(plan, entity, {})
