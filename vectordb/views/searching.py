"""Searching: one vector feature at one offset and clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import (
    ABSENT,
    HEADER_SIZE,
    NULL,
    ROW_BITS,
    ROW_MASK,
    WORD,
    Entity,
    Instant,
    InvalidInput,
    Vector,
    heavy_cell,
    light_cell,
    source_at,
    to_micros,
    word_at,
)
from projections import (
    Ask,
    Effort,
    Feature,
    Field,
    Filter,
    Found,
    Node,
    effort_for,
    parse_where,
    search_exact,
    search_index,
)
from vectordb.state import State
from vectordb.views.hits import Hits
from vectordb.views.plan import Plan, Slot

if TYPE_CHECKING:
    from vectordb.reader import Reader

SMALL = 2_000  # below it, measuring every vector is faster than any index
MAX_K = 100_000


class Scope(NamedTuple):
    """What a search sees: an offset and a clock, and the field as of them."""

    offset: int
    at: int
    plan: Plan
    slot: Slot
    field: Field
    limit: int

    @property
    def kind(self) -> Vector:
        """The type of the feature."""
        assert isinstance(self.slot.kind, Vector)
        return self.slot.kind


def find_scope(reader: Reader, view: str, feature: str, at: int | None) -> Scope:
    """The scope of a search at a clock (None: the reader's); to be called through ``consistently``."""
    offset, plan = reader.as_of_offset, reader.plan(view)
    clock = reader.clock() if at is None else at
    reader.state.rows.check_clock(clock)
    slot = plan.slot(feature)
    if not isinstance(slot.kind, Vector):
        raise InvalidInput("search takes a Vector feature", view=plan.label, feature=feature, type=slot.kind.name)
    field = reader.state.vectors.fields[view][slot.place]
    return Scope(offset, clock, plan, slot, field, field.lanes.below(offset << ROW_BITS | ROW_MASK))


def search(
    reader: Reader,
    view: str,
    feature: str,
    query: Any,
    k: int,
    where: Mapping[str, Any] | None,
    at: Instant | None,
    exact: bool,
    recall: float,
) -> Hits:
    """The k nearest entities of a view."""
    _check(k, recall)
    scope = reader.consistently(find_scope, reader, view, feature, None if at is None else to_micros(at))
    elements = scope.kind.query(query)
    node = None if where is None else _parse(where, scope.plan)
    exact = exact or recall >= 1.0
    if not exact:
        reader.state.indexing.consider(scope.field)
    answer = reader.state.read_past(_find, reader, scope, elements, k, node, exact, recall)
    if answer is None:  # a compaction came between: it is asked of what there is now
        return search(reader, view, feature, query, k, where, at, exact, recall)
    found, measured = answer
    lanes = scope.field.lanes
    triples = [(hit.entity, hit.distance, lanes.ref(hit.lane)) for hit in found]
    return Hits(reader.state, scope.plan.label, scope.kind.metric, triples, scope.offset, scope.at, measured)


def _parse(where: Mapping[str, Any], plan: Plan) -> Node:
    return parse_where(where, dict(zip(plan.names, plan.layout.types)), plan.label)


def _check(k: int, recall: float) -> None:
    if type(k) is not int or not 1 <= k <= MAX_K:
        raise InvalidInput(f"k is an int from 1 to {MAX_K}", k=k)
    if type(recall) not in (int, float) or not 0 < recall <= 1:
        raise InvalidInput("a recall lies in 0 < recall <= 1", recall=recall)


def _find(
    reader: Reader, scope: Scope, elements: Any, k: int, node: Node | None, exact: bool, recall: float
) -> tuple[list[Found], bool] | None:
    """Hits, and whether every vector was measured; None where the scope is one from before a compaction."""
    field, index = scope.field, scope.field.index
    if reader.state.vectors.fields[field.view][scope.slot.place] is not field:
        return None
    regular = scope.at >= reader.state.log.time_of(scope.offset)
    sure = regular and node is None and scope.plan.ttl is None and is_exact(reader, field)
    accept = namer(reader, field) if sure else acceptor(reader, scope, node)
    ask = Ask(k, scope.limit, scope.offset if regular else None, accept)
    reading = field.reading(elements)
    effort = None if exact or index is None else effort_for(index.promises, recall, k)
    if index is None or effort is None or scope.limit < SMALL:
        return search_exact(field, reading, ask), True
    if index.is_outgrown:  # what it promised was for other rows: try harder until it is built again
        effort = Effort(effort.slack * 2.0, *(4 * number for number in effort[1:]))
    matching = _filter(reader, scope, node, regular)
    ask = ask._replace(matching=matching.of if matching.narrows else None)
    return search_index(field, index, elements, reading, effort, ask), False


def _filter(reader: Reader, scope: Scope, node: Node | None, regular: bool) -> Filter:
    plan = scope.plan
    names = node.features if node is not None else ()
    features = {name: Feature(*_seen(plan.slot(name))) for name in names}
    oldest = None if plan.ttl is None else scope.at - plan.ttl
    return Filter(scope.field, reader.state.rows, features, node, oldest, None if regular else scope.at)


def _seen(slot: Slot) -> tuple[int, Any, Any]:
    kind = slot.kind
    return slot.place, kind, None if kind.default is None else kind.check(kind.default)


def is_exact(reader: Reader, field: Field) -> bool:
    """Whether the lanes not yet dead at an offset are just the vectors that a read at a clock not before it shows.

    They are unless something was ever dated ahead (``projections.vectors.field``); too long lanes are not masked.
    """
    return not reader.state.rows.tables[field.view].ahead and not (field.index and field.index.longer)


def namer(reader: Reader, field: Field) -> Callable[[int], Entity | None]:
    """The entity of a lane, whose row need not be asked. 0.8 us, 1.5 among a million; the rows would take 5."""
    ref, entity = field.lanes.ref, reader.state.log.entity
    return lambda lane: entity(ref(lane))


def acceptor(reader: Reader, scope: Scope, node: Node | None) -> Callable[[int], Entity | None]:
    """Asks the rows about a lane: its entity where the reader sees this vector there and the filter holds. 3 us."""
    state, field, plan = reader.state, scope.field, scope.plan
    lanes, log, rows = field.lanes, state.log, state.rows
    limit, at, slot = scope.offset << ROW_BITS | ROW_MASK, scope.at, scope.slot.place
    oldest = None if plan.ttl is None else at - plan.ttl
    cells = Cells(state, plan, node.features if node is not None else ())
    wanted = (slot, *(plan.slot(name).place for name in node.features)) if node is not None else (slot,)

    def accept(lane: int) -> Entity | None:
        ref = lanes.ref(lane)
        entity = log.entity(ref)
        packed = rows.row(field.view, entity, limit, at, wanted)
        if packed is None:
            return None
        source, event_time = source_at(packed, slot)
        if source != ref or word_at(packed, slot) in (ABSENT, NULL) or (oldest is not None and event_time < oldest):
            return None
        if node is not None and not node.test(cells.reader(packed, oldest)):
            return None
        return entity

    return accept


class Cells:
    """How a filter reads packed rows: of a feature, whether a value exists, and the cell that a read shows. 1 us."""

    def __init__(self, state: State, plan: Plan, names: Iterable[str]) -> None:
        self._log = state.log
        self._pool = plan.layout.pool
        self._seen = {name: _seen(plan.slot(name)) for name in names}

    def unwritten(self, feature: str) -> tuple[bool, Any]:
        """Reads an entity that has no row: its defaults."""
        return False, self._seen[feature][2]

    def reader(self, packed: bytes, oldest: int | None) -> Callable[[str], tuple[bool, Any]]:
        """Reads one row; values older than ``oldest`` have expired."""

        def read(feature: str) -> tuple[bool, Any]:
            place, kind, default = self._seen[feature]
            word = word_at(packed, place)
            if word == ABSENT or (oldest is not None and source_at(packed, place)[1] < oldest):
                return False, default
            if word == NULL:
                return True, None
            if kind.heavy:
                return True, heavy_cell(kind, self._log.heavy(source_at(packed, place)[0], place))
            return True, light_cell(kind, kind.reader(packed, HEADER_SIZE + WORD * place)[0], self._pool)

        return read
