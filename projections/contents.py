"""Contents: what a projection says as of an offset, as pairs of a place and a value, in one order.

Two projections agree when their contents are equal pair by pair, and where they do not, the place says what differs.
A projection at a later head gives the same contents as of an offset as one that was folded up to there: only what is
known of the past counts. With ``whole`` (both stand at the offset) the state that only the head has is told too.
Not told: what follows from the rest for speed alone (an index over vectors, caches).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from ledger import ABSENT, NULL, ROW_BITS, ROW_MASK, Entity, Erased, Pruned, source_at, word_at
from projections.catalog import Catalog
from projections.contract import Projection
from projections.experiments import Experiments
from projections.experiments.exposures import Exposures
from projections.experiments.trial import Trial
from projections.experiments.trial_dump import load_trials
from projections.history import FOREVER
from projections.lineage import Lineage
from projections.predictions import Predictions
from projections.rows import Rows
from projections.table import Table
from projections.timeline import Timeline
from projections.vectors.field import Field
from projections.vectors.vectors import Vectors

Pair: TypeAlias = tuple[str, Any]


def contents(projection: Projection, offset: int, whole: bool) -> Iterator[Pair]:
    """The pairs of a built-in projection; of any other, its dump. A pass over the state, 1 to 10 us an entry."""
    for kind, tell in TELLERS.items():
        if isinstance(projection, kind):
            return tell(projection, offset, whole)
    return iter([("the dump", projection.dump())])


def _catalog(catalog: Catalog, offset: int, whole: bool) -> Iterator[Pair]:
    for shelf in catalog.shelves:
        for name in shelf.names(offset):
            for number, (at, definition) in enumerate(shelf.versions(name, offset), 1):
                yield f"{shelf.noun} {name}@{number}", (at, definition.to_json())
    for mark, at in catalog.marks.items():
        if at <= offset:
            yield f"mark {mark!r}", at


# -- rows ----------------------------------------------------------------------------------------------------------


def _rows(rows: Rows, offset: int, whole: bool) -> Iterator[Pair]:
    limit = offset << ROW_BITS | ROW_MASK
    for definition in rows.catalog.views.newest(offset):
        view, table = definition.name, rows.tables[definition.name]
        slots = rows.log.layouts[definition.label].slots
        for entity in list(table.rows):
            refs = rows.refs(view, entity, limit)
            if refs:
                yield f"versions of {view}/{entity!r}", tuple(refs)
                yield from _row(rows, view, entity, (limit, offset), slots)
        if whole:
            yield from _head(table, view)
    if whole:
        yield "views", sorted(rows.tables)


def _row(rows: Rows, view: str, entity: Entity, known: tuple[int, int], slots: tuple[int, ...]) -> Iterator[Pair]:
    """The row that a read shows at the clock of the offset, and at the end of time; in values and their sources."""
    limit, offset = known
    for clock, at in (("", rows.log.time_of(offset)), (" at any later time", FOREVER)):
        packed = _survived(rows.row, view, entity, limit, at, slots)
        shown = packed
        if isinstance(packed, bytes):
            shown = [(word_at(packed, slot), source_at(packed, slot)) for slot in slots]
        yield f"row of {view}/{entity!r}{clock}", shown


def _head(table: Table, view: str) -> Iterator[Pair]:
    """What a table has of the head alone: the packed rows that live reads take, and what the fold goes on from."""
    for entity, row in table.rows.items():
        yield f"current row of {view}/{entity!r}", row
    for entity in filter(table.versions.__contains__, table.rows):  # a checkpoint keeps another order
        held = table.versions[entity]
        ordered = tuple(map(list, held.ordered)) if isinstance(held, Timeline) else None
        yield f"timeline of {view}/{entity!r}", ordered
    yield f"entities of {view} with several versions", len(table.versions)
    yield f"newest event time of {view}", table.newest
    yield f"deleted entities of {view}", sorted(map(repr, table.dead))
    yield f"entities of {view} dated ahead", sorted(map(repr, table.ahead))


def _survived(read: Callable[..., Any], *arguments: Any) -> Any:
    """What a read gives; where values are erased, that they are."""
    try:
        return read(*arguments)
    except Erased:
        return "erased"


# -- lineage and predictions ---------------------------------------------------------------------------------------


def _lineage(lineage: Lineage, offset: int, whole: bool) -> Iterator[Pair]:
    for at in sorted(lineage.declared(1, offset)):
        yield f"sources of event {at}", lineage.upstream(at << ROW_BITS)
    for ref, derived in lineage.derived(offset):
        yield f"events derived from row {ref & ROW_MASK} of event {ref >> ROW_BITS}", tuple(derived)


def _predictions(predictions: Predictions, offset: int, whole: bool) -> Iterator[Pair]:
    limit = offset << ROW_BITS | ROW_MASK
    yield "predictions", tuple(predictions.refs(limit))
    for service in predictions.catalog.services.names(offset):
        refs = tuple(predictions.refs(limit, service))
        yield f"predictions of {service}", refs
        for owner in dict.fromkeys(_survived(predictions.log.owner, ref) for ref in refs):
            if owner != "erased":
                yield f"predictions of {service}/{owner[1]!r}", tuple(predictions.refs(limit, *owner))


# -- experiments ---------------------------------------------------------------------------------------------------


def _experiments(experiments: Experiments, offset: int, whole: bool) -> Iterator[Pair]:
    """Of every version of an experiment what it counted last; and with ``whole`` all that was recorded."""
    shelf = experiments.catalog.experiments
    for name in shelf.names(offset):
        versions = shelf.versions(name, offset)
        ends = [*(at - 1 for at, _ in versions[1:]), offset]
        for (_, definition), end in zip(versions, ends):
            yield from _counted(experiments, definition.label, name, end)
    if whole:
        for (name, bucket), trial in load_trials(experiments.dump()):
            yield from _recorded(trial, f"{name}, bucket version {bucket}")


def _counted(experiments: Experiments, label: str, name: str, offset: int) -> Iterator[Pair]:
    tallies = experiments.tallies(name, offset)
    yield f"units of {label}", tuple(experiments.units(name, offset))
    yield f"counts of {label}", (tallies.exposed, tallies.conflicted, tallies.forced)
    for metric, defined in tallies.definition.metrics.items():
        yield f"tallies of {label}, {metric}", tallies.moments(metric)
        yield f"values of {label}, {metric}", experiments.unit_values(name, metric, offset)
        if defined.over:
            yield f"joint tallies of {label}, {metric}", tallies.joint(metric)


def _recorded(trial: Trial, place: str) -> Iterator[Pair]:
    held: Exposures = trial.exposures
    columns = zip(held.names, held.arms, held.times, held.propensities, held.since, held.until)
    for unit, *exposure in columns:
        yield f"exposure of {unit!r} in {place}", exposure
    yield f"forced units of {place}", sorted(held.forced.items())
    yield f"later exposures of {place}", sorted(held.other_exposures())
    for metric, outcomes in sorted(trial.outcomes.items()):
        for row in zip(outcomes.units, outcomes.values, outcomes.times, outcomes.refs):
            yield f"outcome of {metric} at {row[3] >> ROW_BITS}.{row[3] & ROW_MASK} in {place}", row


# -- vectors -------------------------------------------------------------------------------------------------------


def _vectors(vectors: Vectors, offset: int, whole: bool) -> Iterator[Pair]:
    """Lane by lane: which write, and at which offset another one took its place."""
    for definition in vectors.catalog.views.newest(offset):
        for slot, field in sorted(vectors.fields[definition.name].items()):
            yield from _lanes(field, f"vector of {definition.name}, slot {slot}", offset, whole)


def _lanes(field: Field, place: str, offset: int, whole: bool) -> Iterator[Pair]:
    """Told without the lanes that hold no vector: of rows that were erased, and gaps of a batch's column."""
    limit = offset << ROW_BITS | ROW_MASK
    dead = dict(zip(field.death_lanes, field.death_offsets))
    empty = {lane for lane, died in dead.items() if _holds_none(field, lane, died)}
    kept: Sequence[int] = range(len(field.lanes))
    if empty:
        kept = [lane for lane in kept if lane not in empty]
    for number, lane in enumerate(kept[: bisect_left(kept, field.lanes.below(limit))]):
        died = dead.get(lane, offset + 1)
        yield f"{place}, lane {number}", (field.lanes.ref(lane), died if died <= offset else None)
    if whole:
        deaths = [(bisect_left(kept, lane), died) for lane, died in dead.items() if lane not in empty]
        yield f"{place}, lanes", len(kept)
        yield f"{place}, deaths", sorted(deaths)
        restless = {bisect_left(kept, lane) for lane in field.restless if lane not in empty}
        yield f"{place}, lanes that filters cannot trust", sorted(restless)


def _holds_none(field: Field, lane: int, died: int) -> bool:
    ref = field.lanes.ref(lane)
    if died > ref >> ROW_BITS:
        return False
    try:
        return word_at(field.log.row(ref), field.slot) in (ABSENT, NULL)
    except (Erased, Pruned):
        return True


TELLERS: Final[dict[type[Projection], Callable[[Any, int, bool], Iterator[Pair]]]] = {
    Catalog: _catalog,
    Rows: _rows,
    Lineage: _lineage,
    Predictions: _predictions,
    Experiments: _experiments,
    Vectors: _vectors,
}
