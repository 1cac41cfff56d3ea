"""The state that a database and its pasts share: the log, the views folded from it, lock and clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Clock,
    Entity,
    FittedPipeline,
    Journal,
    ServiceDefinition,
    UnknownName,
    free_in_children,
    header_of,
)
from projections import Experiments, Fold, Lineage, Predictions, Projection, Rows, Table, Vectors
from vectordb.batches.gather import Gather
from vectordb.process_fork import note_state
from vectordb.services.plan import ServicePlan
from vectordb.views.indexing import Indexing
from vectordb.views.plan import Plan

if TYPE_CHECKING:
    from vectordb.observability.observation import Observers

T = TypeVar("T")
G = TypeVar("G", bound=Gather)
TRIES = 3
SERVED_BYTES = 256 << 20  # of the packed rows of all lists of features
SERVICE_PLANS = 256  # versions of services and pipelines whose plans are kept
GATHERS = 64  # lists of features whose packed rows are kept


class State:
    """Everything a reader reads. It decides nothing; ``vectordb.writer`` does."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        projections: Sequence[Projection] = (),
        auto_index: bool = True,
        served_bytes: int = SERVED_BYTES,
    ) -> None:
        self.journal = journal
        self.log = journal.log
        self.clock = clock
        self.lock = free_in_children(RLock())
        self.rows = Rows()
        self.lineage = Lineage()
        self.predictions = Predictions()
        self.vectors = Vectors(self.rows)
        self.experiments = Experiments()
        self.indexing = Indexing(self, auto_index)
        built_in = (self.rows, self.lineage, self.predictions, self.vectors, self.experiments)
        self.fold = Fold(self.log, (*built_in, *projections))
        self.catalog = self.fold.catalog
        self.served_bytes = served_bytes
        self.aside: dict[Any, Any] = {}  # what packages above keep with the state, each under its own key
        self.observers: Observers | None = None  # the hooks of the database, once there was one
        self.database = object()  # one for a state and those that take its place: see vectordb.persistence.refreshing
        self._plans: dict[tuple[str, int], Plan] = {}
        self._gathers: dict[Any, Gather] = {}
        self._service_plans: dict[Any, ServicePlan] = {}
        note_state(self)

    # -- reading without a lock ----------------------------------------------------------------------

    def read(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function of the live views answers at one offset.

        Tried without a lock; when writes came between three times, or a view is behind, under the lock.
        """
        fold = self.fold
        for _ in range(TRIES):
            sequence = fold.sequence
            if sequence & 1:
                continue
            try:
                answer = function(*arguments)
            except (LookupError, RuntimeError, ValueError):
                if fold.sequence == sequence:
                    raise
                continue
            if fold.sequence == sequence:
                return answer
        return self.read_locked(function, *arguments)

    def read_past(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function of the unchanging past answers; only a rebuild can come between."""
        fold = self.fold
        repairs = fold.repairs
        if not repairs & 1:
            try:
                answer = function(*arguments)
            except (LookupError, RuntimeError, ValueError):
                return self.read_locked(function, *arguments)  # a rebuild or a growing dict came between, or it is so
            if fold.repairs == repairs:
                return answer
        return self.read_locked(function, *arguments)

    def read_locked(self, function: Callable[..., T], *arguments: Any) -> T:
        """The same under the lock, with every view healed first."""
        with self.lock:
            self.heal()
            return function(*arguments)

    def heal(self) -> None:
        """Rebuild the built-in views that are behind. The caller holds the lock."""
        if self.fold.repairs & 1:
            self.fold.heal()

    def heal_all(self) -> None:
        """Rebuild every projection that is behind, the caller's own too. The caller holds the lock."""
        self.heal()
        if self.fold.behind:
            self.fold.heal(essential=False)

    def cut_short(self, error: BaseException) -> None:
        """Undo what a write that does not go on has left; every view is folded anew before its next answer."""
        self.log.repair()
        self.log.chain.cut(self.log.head)
        self.fold.all_behind(error)

    def snapshot(self, path: str | os.PathLike[str]) -> int:
        """Write the log as it is now to a file; writers, erasures among them, go on meanwhile."""
        with self.lock:
            pinned = self.journal.pinned()
        try:
            return self.journal.snapshot(path, pinned=pinned)
        finally:
            with self.lock:
                pinned.release(self.log)

    # -- small answers -------------------------------------------------------------------------------

    def now(self) -> int:
        """The clock, but never before the last recorded time: a clock that stepped back hides no write."""
        now, last = self.clock(), self.log.last_time
        return now if now > last else last

    def plan(self, view: str, offset: int | None = None) -> Plan:
        """How rows of a view are read as of an offset (None = now)."""
        definition = self.catalog.views.get(view, offset)
        plan = self._plans.get((view, definition.version))
        if plan is None:
            plan = self._plans[view, definition.version] = Plan(definition, self.log.layouts[definition.label])
        return plan

    def service_plan(
        self, definition: ServiceDefinition, plans: dict[str, Plan], fitted: FittedPipeline | None
    ) -> ServicePlan:
        """How rows of a service are read under some definitions of its views, and a version of its pipeline."""
        key = (definition.label, fitted and fitted.version, *(plan.label for plan in plans.values()))
        found = self._service_plans.get(key)
        if found is None:
            if any(self._plans.get((view, plan.definition.version)) is not plan for view, plan in plans.items()):
                raise RuntimeError("a follower began anew while a read was under way")  # which is tried again
            while len(self._service_plans) >= SERVICE_PLANS:
                self._service_plans.pop(next(iter(self._service_plans)), None)
            found = self._service_plans[key] = ServicePlan(self, definition, plans, fitted)
        return found

    def gather(self, key: Any, make: Callable[[], G]) -> G:
        """What reads some features of one kind of entity; kept under a key that names all versions in it."""
        found = self._gathers.get(key)
        if found is None:
            with self.lock:
                while len(self._gathers) >= GATHERS:
                    self._gathers.pop(next(iter(self._gathers))).retire()
                found = self._gathers.setdefault(key, make())
        return found  # type: ignore[return-value]  # a key always makes the same kind

    def bound_served(self, grown: Gather) -> None:
        """Let go the rows of other lists of features, those first asked for first, while all take too much.

        The caller holds the lock.
        """
        gathers = list(self._gathers.values())
        excess = sum(gather.held.nbytes for gather in gathers) - self.served_bytes  # ints
        for gather in gathers:
            if excess > 0 and gather is not grown:
                excess -= gather.held.nbytes
                gather.held.clear()

    def forget(self) -> None:
        """Let go what was made of rows: after an erasure it is made anew. The caller holds the lock."""
        for gather in self._gathers.values():
            gather.retire()
        for kept in (self._gathers, self._service_plans, self.aside):
            kept.clear()
        self.catalog.revision += 1

    def if_newest(self, view: str, offset: int, at: int, take: Callable[[Table], T]) -> T | None:
        """What ``take`` finds in the table of a view, where as of an offset and at a clock its current rows are seen.

        None where they are not, or where a write came between. 40 ns a row instead of 2 us from the history.
        """
        sequence, table = self.fold.sequence, self.rows.tables.get(view)
        if sequence & 1 or offset != self.log.head or table is None or not self.rows.floor <= at >= table.newest:
            return None
        found = take(table)
        return found if self.fold.sequence == sequence else None

    def live_row(self, view: str, entity: Entity, now: int) -> bytes | None:
        """The packed row of an entity at the head; the versions answer where something is dated ahead."""
        table = self.rows.tables.get(view)
        if table is None:
            raise UnknownName("no view of that name is defined", view=view)
        packed = table.rows.get(entity)
        if packed is None or header_of(packed)[1] <= now:
            return packed
        return self.past_row(view, entity, self.log.head, now)

    def past_row(self, view: str, entity: Entity, offset: int, at: int) -> bytes | None:
        """The packed row of an entity as known at an offset and valid at a time."""
        return self.rows.row(view, entity, offset << ROW_BITS | ROW_MASK, at, self.plan(view, offset).wanted)
