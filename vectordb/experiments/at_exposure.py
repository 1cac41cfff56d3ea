"""Features of units just before their exposure: known at the offset before it, valid at its event time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ledger import ROW_BITS, ROW_MASK, Entity, FeatureType, InvalidInput, check_entity
from projections import ExposedUnit, parse_where
from vectordb.training.join import join
from vectordb.views.plan import Plan
from vectordb.views.searching import Cells

if TYPE_CHECKING:
    from vectordb.reader import Reader

Read = Callable[[str], tuple[bool, Any]]  # of a feature: whether it was written, and what a read shows


def features_of(reader: Reader, kind: str) -> dict[str, FeatureType]:
    """Every feature of that kind of entity as ``view:feature``, with its type."""
    catalog, offset = reader.state.catalog, reader.as_of_offset
    plans = [reader.plan(view) for view in catalog.views.names(offset)]
    return {
        f"{plan.definition.name}:{name}": slot.kind
        for plan in plans
        if plan.definition.entity == kind
        for name, slot in plan.slots.items()
    }


def check_feature(reader: Reader, kind: str, name: Any) -> FeatureType:
    """The type of one of them, by name."""
    known = features_of(reader, kind)
    found = known.get(name) if isinstance(name, str) else None
    if found is None:
        rule = "a feature of the experiment's units reads view:feature"
        raise InvalidInput(rule, feature=name, unit=kind, known=sorted(known)[:20])
    return found


def values_at_exposure(reader: Reader, units: Sequence[ExposedUnit], name: str) -> list[Any]:
    """What a read of one feature would have shown of each unit. 3 us a unit."""
    return [read(name)[1] for read in reads_at_exposure(reader, units, [name])]


def reads_at_exposure(reader: Reader, units: Sequence[ExposedUnit], names: Iterable[str]) -> Iterator[Read]:
    """Of each unit what reads some features at its exposure. The names are checked."""
    wanted: dict[str, list[str]] = {}
    for name in names:
        view, _, feature = name.partition(":")
        wanted.setdefault(view, []).append(feature)
    columns = [_View(reader, view, features).reads(units) for view, features in wanted.items()]
    places = {view: place for place, view in enumerate(wanted)}
    for own in zip(*columns):

        def read(name: str, own: tuple[Read, ...] = own) -> tuple[bool, Any]:
            view, _, feature = name.partition(":")
            return own[places[view]](feature)

        yield read


class _View:
    """Some features of one view, as the reader's offset defines them."""

    def __init__(self, reader: Reader, view: str, features: Sequence[str]) -> None:
        self._reader = reader
        self._view = view
        self._plan: Plan = reader.plan(view)
        self._slots = [self._plan.slot(feature).place for feature in features]
        self._cells = Cells(reader.state, self._plan, features)

    def reads(self, units: Sequence[ExposedUnit]) -> Iterator[Read]:
        ids, times = [one.unit for one in units], [one.event_time for one in units]
        limits = [(one.offset - 1) << ROW_BITS | ROW_MASK for one in units]
        ttl, cells = self._plan.ttl, self._cells
        for raw, time in zip(join(self._reader.state, self._view, self._slots, ids, times, limits), times):
            yield cells.unwritten if raw is None else cells.reader(raw, None if ttl is None else time - ttl)


def excluded_units(reader: Reader, kind: str, units: Sequence[ExposedUnit], rule: Any) -> set[Entity]:
    """The units that a rule leaves out: a ``where`` over ``view:feature`` at the exposure, or a collection of units."""
    if isinstance(rule, Mapping):
        node = parse_where(rule, features_of(reader, kind), f"features of {kind}")
        reads = reads_at_exposure(reader, units, node.features) if node.features else (_nothing for _ in units)
        return {one.unit for one, read in zip(units, reads) if node.test(read)}
    if isinstance(rule, (str, bytes)) or not isinstance(rule, Iterable):
        raise InvalidInput("exclude is a where over view:feature, or a collection of units", exclude=rule)
    return {check_entity(unit) for unit in rule}


def _nothing(feature: str) -> tuple[bool, Any]:
    return False, None
