"""Online features: columns of features or of a feature service, each with its stamps, all of one offset and clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ledger import Entity, FeatureRef, Instant, Request, from_micros
from vectordb.pipelines.transformed_matrix import TransformedMatrix
from vectordb.reader import Reader
from vectordb.services.service import Service
from vectordb.serving.fields import entities_of
from vectordb.serving.refusal import BadRequest
from vectordb.serving.stamps import NEVER, NULL_VALUE, PRESENT, Stamp, Stamped, Stamps, stamped

Columns = Mapping[str, list[Any]]  # as they were asked: ids by kind of entity, and request inputs


class Column(NamedTuple):
    """A requested feature: its name in the answer, and values and stamps in the order of the entities."""

    name: str
    values: Sequence[Any]
    stamped: Stamped


# -- features by name --------------------------------------------------------------------------------------------


def columns_of_features(
    reader: Reader, refs: Sequence[tuple[str, str]], given: Columns, at: Instant | None, full: bool
) -> list[Column]:
    """Of ``(view, feature)`` pairs; to be called through ``consistently``."""
    views = dict.fromkeys(view for view, _ in refs)
    kinds = {view: reader.view(view).definition.entity for view in views}
    missing = sorted(set(kinds.values()) - given.keys())
    if missing:
        raise BadRequest("entities have a column for each kind of entity", kind=missing[0], given=sorted(given)[:20])
    check_used(given, kinds.values())
    ids = {kind: entities_of(given[kind]) for kind in set(kinds.values())}
    if at is None and len(views) > 1:
        at = from_micros(reader.clock())  # the same for all of them
    values, stamps = {}, {}
    for view, kind in kinds.items():
        wanted = dict.fromkeys(feature for of, feature in refs if of == view)
        values[view] = matrix = reader.view(view).get_many(ids[kind], list(wanted), at=at)
        stamps[view] = stamps_of(reader, view, ids[kind], matrix.at_micros)
    return [
        Column(f"{view}__{feature}" if full else feature, values[view].column(feature), stamps[view].of(feature))
        for view, feature in refs
    ]


def stamps_of(reader: Reader, view: str, ids: Sequence[Entity], at: int) -> Stamps:
    """The stamps of a view's features for some entities; to be called through ``consistently``."""
    return Stamps(reader.plan(view), [reader.packed(view, entity, at) for entity in ids], at)


def check_used(given: Columns, known: Iterable[str]) -> None:
    """Refuse columns that nothing reads."""
    unknown = given.keys() - set(known)
    if unknown:
        raise BadRequest("entities are of kinds that are read", unknown=sorted(unknown)[:20])


# -- a feature service -------------------------------------------------------------------------------------------


def columns_of_service(service: Service, given: Columns, at: Instant | None, full: bool) -> list[Column]:
    """Of the inputs of a service, or of what its pipeline makes of them; to be called through ``consistently``."""
    reader, kinds, definition = service._reader, service.entity_kinds, service.definition
    requested = {item.name for item in definition.features if isinstance(item, Request)}.intersection(given)
    check_used(given, requested.union(kinds))
    ids = {kind: entities_of(given[kind]) for kind in kinds if kind in given}
    request = {name: given[name] for name in requested}
    alone = ids[kinds[0]] if len(kinds) == 1 and len(ids) == 1 else ids  # as the quick way takes it
    matrix = service.get_many(alone, request=request or None, at=at)
    kind_of = {item.view: reader.view(item.view).definition.entity for item in _refs(service)}
    stamps = {view: stamps_of(reader, view, ids[kind], matrix.at_micros) for view, kind in kind_of.items()}
    if isinstance(matrix, TransformedMatrix):
        return list(_made(service, matrix, stamps))
    found = []
    for key, item in zip(definition.keys, definition.features):
        values = matrix.column(key)
        if isinstance(item, Request):
            states = [Stamp(NULL_VALUE if one is None else PRESENT, matrix.at_micros) for one in values]
            found.append(Column(key, values, stamped(states)))
        else:
            named = f"{item.view}__{item.feature}" if full or ":" in key else key
            found.append(Column(named, values, stamps[item.view].of(item.feature)))
    return found


def _refs(service: Service) -> list[FeatureRef]:
    return [item for item in service.definition.features if isinstance(item, FeatureRef)]


def _made(service: Service, matrix: TransformedMatrix, stamps: Mapping[str, Stamps]) -> Iterator[Column]:
    """What a pipeline made: of the newest of its inputs' times."""
    every = [[one.micros for one in stamps[item.view].each(item.feature)] for item in _refs(service)]
    newest = [max(times, default=NEVER) for times in zip(*every)]
    for name in matrix.names:
        values = matrix.column(name)
        states = [Stamp(PRESENT if one == one else NULL_VALUE, time) for one, time in zip(values, newest)]
        yield Column(name, values, stamped(states))
