"""Quick reads: one row of a service at the head, with everything that can be known beforehand looked up.

Measured on ten features: 0.6 us, where the general way takes 5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vectordb.service_plan import ServicePlan
from vectordb.service_row import ServiceRow

if TYPE_CHECKING:
    from vectordb.state import State

QuickRead = Callable[[Any], "ServiceRow | None"]


def quick_read(state: State, plan: ServicePlan) -> QuickRead | None:
    """Reads a row, or gives None where the general way has to: unless definitions and tables are those of now,
    nobody is writing, the entity is known by a plain id, and nothing in its views is dated ahead.
    """
    if len(plan.kinds) != 1 or plan.requests:
        return None
    fold, catalog, log, clock = state.fold, state.catalog, state.log, state.clock
    revision, repairs = catalog.revision, fold.repairs
    tables = [state.rows.tables[view] for view in plan.views]
    table, rows_get = tables[0], tables[0].rows.get
    others = tables[1:]
    no_request: dict[str, Any] = {}

    def read(entity: Any) -> ServiceRow | None:
        sequence = fold.sequence
        kind = type(entity)
        if (kind is not str and kind is not int) or sequence & 1:
            return None
        if catalog.revision != revision or fold.repairs != repairs:
            return None
        now, last = clock(), log.last_time
        if now < last:
            now = last
        raw = rows_get(entity)
        if raw is None or table.newest > now:
            return None
        raws = (raw,)
        for other in others:
            if other.newest > now:
                return None
            raws += (other.rows.get(entity),)  # type: ignore[assignment]
        row = ServiceRow(plan, (entity,), raws, no_request, log.head, now)
        return row if fold.sequence == sequence else None

    return read
