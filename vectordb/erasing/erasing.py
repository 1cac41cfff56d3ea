"""Erasing: an entity leaves the ledger, in memory and in its file, for good."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ledger import (
    ABSENT,
    NULL,
    ROW_BITS,
    Entity,
    EntityErased,
    Event,
    InvalidInput,
    Unfounded,
    blank_unused,
    check_entity,
    codes_at,
    parse_version,
    render_entity,
    render_version,
    word_at,
)
from projections import Gone
from vectordb.batches.batch import shown
from vectordb.batches.entity_ids import check_ids
from vectordb.erasing.erasure import BlastRadius, Erasure
from vectordb.erasing.finding import Found, find
from vectordb.erasing.redacting import Without
from vectordb.lineage.dependents import dependents
from vectordb.writer import make_meta

if TYPE_CHECKING:
    from vectordb.database import VectorDB
    from vectordb.reader import Reader
    from vectordb.state import State


def erase(db: VectorDB, view: str, entities: Entity | Iterable[Entity], reason: str, meta: dict[str, Any]) -> Erasure:
    """See ``VectorDB.erase``."""
    state, made = db.state, make_meta(**meta)
    ids = _checked(state, view, entities)
    _check_reason(reason, ids)
    with state.lock:
        state.heal()
        found = find(state, view, ids)
        if not found.offsets:
            rule = "an erasure takes something: the log knows nothing of these entities in this view"
            raise InvalidInput(rule, view=view, entities=[render_entity(entity) for entity in ids[:20]])
        radius = _radius(db, found)
        unfounded = _unfounded(radius)
        gone = _gone(state, found)
        codes = codes_at(state.log, found.rows)
        receipt = db.writer.rewrite(gone, lambda now: EntityErased(view, len(ids), reason, now, unfounded), made)
        blank_unused(state.log, codes)
    return Erasure(**vars(radius), offset=receipt.offset, lines=len(gone.events), reason=reason)


def blast_radius(reader: Reader, view: str, entities: Entity | Iterable[Entity]) -> BlastRadius:
    """See ``Audit.blast_radius``."""
    state = reader.state
    ids = _checked(state, view, entities)
    with state.lock:
        state.heal_all()
        return _radius(reader.pinned(state.log.head, state.now()), find(state, view, ids))


def _checked(state: State, view: str, entities: Entity | Iterable[Entity]) -> list[Entity]:
    """The ids; a text, a number or a tuple is one."""
    state.catalog.views.get(view)
    given = [entities] if isinstance(entities, (str, int, tuple)) else list(check_ids(entities, "erase"))
    ids = list(dict.fromkeys(map(check_entity, given)))
    if not ids:
        raise InvalidInput("at least one entity is erased", view=view)
    return ids


def _check_reason(reason: str, ids: list[Entity]) -> None:
    if not isinstance(reason, str) or not reason.strip():
        raise InvalidInput("an erasure has a reason, in text", reason=reason)
    if Without(ids, 0).names_one(reason):
        raise InvalidInput("the reason of an erasure stays in the log: it does not name the entity", reason=reason)


def _touched(state: State, found: Found) -> list[Event]:
    return [state.log.event(offset) for offset in found.offsets]


def _gone(state: State, found: Found) -> Gone:
    """What is left of every event, and what the views have to drop."""
    by, texts = state.log.head + 1, frozenset(map(shown, found.entities))
    without = Without(found.entities, by, texts)
    rows = {**found.rows, **found.predictions}
    events = [without.left_of(event, rows.get(event.offset, ())) for event in _touched(state, found)]
    return Gone(events, found.view, found.entities, found.row_refs, frozenset(found.prediction_refs))


def _radius(reader: Reader, found: Found) -> BlastRadius:
    state, log = reader.state, reader.state.log
    destroyed = [*found.row_refs, *found.prediction_refs]
    made = dependents(reader, destroyed)
    own = {_id(state, ref) for ref in destroyed}
    slots = [slot for slot in log.layouts.slots(found.view).values() if _is_vector(state, found.view, slot)]
    rows = [(ref, log.row(ref)) for ref in found.row_refs]
    return BlastRadius(
        view=found.view,
        entities=len(found.entities),
        versions=tuple(_id(state, ref) for ref, _ in rows),
        vectors=sum(word_at(row, slot) not in (ABSENT, NULL) for _, row in rows for slot in slots),  # ints
        predictions=tuple(_id(state, ref) for ref in found.prediction_refs),
        experiments=_by_experiment(found),
        derived=tuple(version for version in made.versions if version not in own and _is_there(version)),
        pipelines=tuple(name.partition(":")[2] for name in made.pipelines),
        training_sets=tuple(name.partition(":")[2] for name in made.training_sets),
        served=tuple(prediction for prediction in made.predictions if prediction not in own and _is_there(prediction)),
        views=_other_views(state, found),
        forks=tuple(sorted(other.header.ledger_id for other in log.relatives())),
    )


def _unfounded(radius: BlastRadius) -> Unfounded:
    versions = tuple(parse_version(name).ref for name in radius.derived)
    return Unfounded(versions, radius.pipelines, radius.training_sets)


def _is_vector(state: State, view: str, slot: int) -> bool:
    return state.log.layouts.type_of(view, slot).name == "vector"


def _is_there(name: str) -> bool:
    """Whether an id names a row, not the place of one that was erased or pruned before."""
    return "/" in name


def _id(state: State, ref: int) -> str:
    return render_version(*state.log.owner(ref), ref, state.log.rows_at(ref >> ROW_BITS))


def _by_experiment(found: Found) -> dict[str, int]:
    """How many events of each experiment name the entities."""
    names = list(found.records.values())
    return {name: names.count(name) for name in sorted(set(names))}


def _other_views(state: State, found: Found) -> tuple[str, ...]:
    """Other views of the same kind of entity that know one of them."""
    layouts, tables = state.log.layouts, state.rows.tables
    return tuple(
        view
        for view, table in tables.items()
        if view != found.view
        and layouts.entity_kind(view) == found.kind
        and any(table.refs(entity) for entity in found.entities)
    )
