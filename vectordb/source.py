"""The source: what answers readers inside this package, as packed rows, plans, definitions and references."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ledger import (
    FOUND,
    ROW_BITS,
    ROW_MASK,
    Entity,
    FittedPipeline,
    Instant,
    ModelDefinition,
    ServiceDefinition,
    UnknownName,
    header_of,
    parse_label,
    to_micros,
)
from vectordb.batches.executors import Sharing
from vectordb.batches.gather import Gather
from vectordb.pipelines.transformed_row import TransformedRow
from vectordb.services.plan import ServicePlan
from vectordb.services.quick_reads import QuickBatch, QuickRead
from vectordb.services.row import ServiceRow
from vectordb.services.service import read_one
from vectordb.state import State
from vectordb.views.plan import Plan
from vectordb.views.row import Row

if TYPE_CHECKING:
    from vectordb.past import Past

T = TypeVar("T")


class Source:
    """Base of ``Reader``; for the modules of this package, not for callers.

    An answer is of (offset, clock). What is to be called through ``consistently`` says so: an event may be folded
    meanwhile, and then it is asked again.
    """

    __slots__ = ()
    live: ClassVar[bool] = False  # whether it follows the head
    state: State

    # -- what differs between now and the past -----------------------------------------------------

    @property
    def as_of_offset(self) -> int:
        """The offset that reads see: the head, or the one that is pinned."""
        raise NotImplementedError

    def clock(self) -> int:
        """The clock that reads use, in microseconds."""
        raise NotImplementedError

    def pinned(self, offset: int, at: int) -> Past:
        """A past of the same database at another offset and clock."""
        raise NotImplementedError

    def consistently(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function of the views answers, all at one offset."""
        raise NotImplementedError

    def plan(self, view: str) -> Plan:
        """How rows of a view are read."""
        raise NotImplementedError

    def packed(self, view: str, entity: Entity, at: int) -> bytes | None:
        """The packed row of an entity; to be called through ``consistently``."""
        raise NotImplementedError

    # -- rows ----------------------------------------------------------------------------------------

    def row(self, view: str, entity: Entity, at: Instant | None = None) -> Row:
        """The row of one entity of a view."""
        micros = None if at is None else to_micros(at)
        return self.consistently(self._row, view, entity, micros)

    def _row(self, view: str, entity: Entity, at: int | None) -> Row:
        return self.read_row(view, entity, self.clock() if at is None else at)  # no event of the offset lies after it

    def read_row(self, view: str, entity: Entity, at: int) -> Row:
        """The row of one entity; to be called through ``consistently``."""
        return Row(self.state, self.plan(view), entity, self.packed(view, entity, at), self.as_of_offset, at)

    def gathered(
        self, gather: Gather, ids: Sequence[Entity], at: int, own_clock: bool, shared: Sharing
    ) -> tuple[bytes, bytes]:
        """Numbers and words of many entities; ``own_clock``: ``at`` is the reader's. Through ``consistently``."""
        return gather.past(ids, self.as_of_offset, at, shared)

    def written_entities(self, view: str) -> list[Entity]:
        """Entities of a view that were ever written, deleted ones included, in order of their first write."""
        return self.consistently(self._written, view)

    def _written(self, view: str) -> list[Entity]:
        self.plan(view)
        return self.state.rows.entities(view, self.as_of_offset << ROW_BITS | ROW_MASK)

    def found_entities(self, view: str, at: Instant | None = None) -> list[Entity]:
        """Entities of a view that exist."""
        return self.consistently(self._found, view, None if at is None else to_micros(at))

    def _found(self, view: str, at: int | None) -> list[Entity]:
        clock = self.clock() if at is None else at
        found = self.state.if_newest(view, self.as_of_offset, clock, lambda table: table.living())
        if found is not None:
            return found
        return [entity for entity in self._written(view) if _exists(self.packed(view, entity, clock))]

    def count(self, view: str) -> int:
        """How many entities of a view exist."""
        return len(self.found_entities(view))

    # -- services ------------------------------------------------------------------------------------

    def service_row(self, plan: ServicePlan, ids: Mapping[str, Entity], request: dict[str, Any]) -> ServiceRow:
        """The row of a service under a plan, its request inputs checked already."""
        return self.consistently(read_one, self, plan, ids, request, self.clock())

    def transformed_row(self, plan: ServicePlan, ids: Mapping[str, Entity], request: dict[str, Any]) -> TransformedRow:
        """The same through the plan's pipeline."""
        row = self.service_row(plan, ids, request)
        return TransformedRow(row, plan.applied, plan.applied.pack_row(row))

    def fitted_pipeline(self, definition: ServiceDefinition) -> FittedPipeline | None:
        """The version of a service's pipeline that reads use; to be called through ``consistently``."""
        return self.state.catalog.pipeline(definition, self.as_of_offset)

    def quick(self, plan: ServicePlan, revision: int) -> QuickRead | None:
        """What reads one row of a service without looking anything up; None where there is no such way."""
        return None

    def quick_many(self, plan: ServicePlan, revision: int) -> QuickBatch | None:
        """The same for many rows."""
        return None

    # -- definitions ---------------------------------------------------------------------------------

    def service_definition(self, name: str) -> ServiceDefinition:
        """The definition of a service that reads use; to be called through ``consistently``."""
        return self.state.catalog.services.get(name, self.as_of_offset)

    def model_definition(self, label: str) -> ModelDefinition:
        """The definition of a model, by ``name`` (its version here) or ``name@version``."""
        return self.consistently(self._model_definition, label)

    def _model_definition(self, label: str) -> ModelDefinition:
        if not isinstance(label, str):
            raise UnknownName("a model is named by text", model=label)
        name, version = parse_label(label)
        models = self.state.catalog.models
        newest = models.get(name, self.as_of_offset)
        if version is None:
            return newest
        if version > newest.version:
            raise UnknownName("the model has no such version here", model=label, newest=newest.version)
        return models.version(name, version)


def _exists(packed: bytes | None) -> bool:
    return packed is not None and bool(header_of(packed)[2] & FOUND)
