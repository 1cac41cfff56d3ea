"""Feast's feature server: ``/get-online-features`` and ``/push``, in its JSON.

An answer has one entry of ``results`` for each requested feature, in the order of ``metadata.feature_names``
(feast/protos/feast/serving/ServingService.proto), each with a value, a status and an event time for each entity.
A value is what a read gives, so a missing or expired one is its default, and the status tells: PRESENT, NULL_VALUE,
NOT_FOUND, OUTSIDE_MAX_AGE. Entity columns are named by kinds of entity; request inputs stand among them, as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ledger import Instant, Request
from vectordb.matrix import FeatureMatrix
from vectordb.reader import Reader
from vectordb.service import Service
from vectordb.service_row import ServiceRow
from vectordb.serving.call import Call
from vectordb.serving.fields import entities_of, entity_lists
from vectordb.serving.refusal import BadRequest
from vectordb.serving.response import Response, json_response
from vectordb.serving.stamps import EPOCH, NULL_VALUE, PRESENT, Stamp, stamps_of, time_text
from vectordb.serving.strict_json import rfc_3339
from vectordb.serving.view_routes import idempotency_key, written
from vectordb.transformed_matrix import TransformedMatrix
from vectordb.transformed_row import inputs_of


class Column(NamedTuple):
    """A requested feature: its name in the answer, and values and stamps in the order of the entities."""

    name: str
    values: Sequence[Any]
    stamps: Sequence[Stamp]


def get_online_features(call: Call) -> Response:
    """Features of entities, all at one offset and clock."""
    body = call.body
    reader, at = call.reader_of(body), call.at_of(body)
    features, service = body.items("features", call.limits.batch, None), body.text("feature_service", None)
    columns = entity_lists(body.object("entities"), call.limits.batch)
    full = body.flag("full_feature_names", False)
    body.done()
    if (features is None) == (service is None):
        raise BadRequest("a request names features, or a feature_service")
    call.rows = len(next(iter(columns.values())))
    if features is not None:
        found = list(_of_features(reader, [_ref(one) for one in features], columns, at, full))
    else:
        found = list(_of_service(Service(reader, service), columns, at, full))
    if call.app.join_keys:
        keys = [Column(name, ids, [Stamp(PRESENT, EPOCH)] * len(ids)) for name, ids in columns.items()]
        found = [*keys, *found]
    return json_response(_answer(found))


def _answer(columns: Sequence[Column]) -> dict[str, Any]:
    names = [column.name for column in columns]
    if len(set(names)) != len(names):
        raise BadRequest("features of one name need full_feature_names", names=names[:20])
    results = [
        {
            "values": column.values,
            "statuses": [stamp.status for stamp in column.stamps],
            "event_timestamps": [stamp.event_time for stamp in column.stamps],
        }
        for column in columns
    ]
    return {"metadata": {"feature_names": names}, "results": results}


# -- features by name --------------------------------------------------------------------------------------------


def _ref(given: Any) -> tuple[str, str]:
    view, colon, feature = given.partition(":") if isinstance(given, str) else ("", "", "")
    if not (colon and view and feature):
        raise BadRequest("a feature reads view:feature", given=str(given)[:100])
    return view, feature


def _of_features(
    reader: Reader, refs: list[tuple[str, str]], columns: dict[str, Any], at: Instant | None, full: bool
) -> Iterator[Column]:
    now = reader.consistently(lambda: reader.pinned(reader.as_of_offset, reader.clock()))  # one read of all the views
    matrices: dict[str, FeatureMatrix] = {}
    used: set[str] = set()
    for name in dict.fromkeys(view for view, _ in refs):
        view = now.view(name)
        kind = view.definition.entity
        if kind not in columns:
            raise BadRequest("entities have a column for each kind of entity", kind=kind, given=sorted(columns)[:20])
        used.add(kind)
        wanted = dict.fromkeys(feature for of, feature in refs if of == name)
        matrices[name] = view.get_many(entities_of(columns[kind]), list(wanted), at=at)
    _check_used(columns, used)
    stamps = {name: [stamps_of(row) for row in matrix.rows] for name, matrix in matrices.items()}
    for name, feature in refs:
        shown = f"{name}__{feature}" if full else feature
        yield Column(shown, matrices[name].column(feature), [one[feature] for one in stamps[name]])


def _check_used(columns: dict[str, Any], used: set[str]) -> None:
    if columns.keys() - used:
        raise BadRequest("entities are of kinds that are read", unknown=sorted(columns.keys() - used)[:20])


# -- a feature service -------------------------------------------------------------------------------------------


def _of_service(service: Service, columns: dict[str, Any], at: Instant | None, full: bool) -> Iterator[Column]:
    kinds, definition = service.entity_kinds, service.definition
    requested = {item.name for item in definition.features if isinstance(item, Request)}.intersection(columns)
    _check_used(columns, requested.union(kinds))
    ids = {kind: entities_of(columns[kind]) for kind in kinds if kind in columns}
    request = {name: columns[name] for name in requested}
    matrix = service.get_many(ids, request=request or None, at=at)
    rows = matrix.rows
    if isinstance(matrix, TransformedMatrix):
        times = [_newest(inputs_of(row)) for row in rows]
        for name in matrix.names:
            values = matrix.column(name)
            yield Column(name, values, [_made(value, time) for value, time in zip(values, times)])
        return
    stamps = [{view: stamps_of(part) for view, part in row.rows.items()} for row in rows]
    for key, item in zip(definition.keys, definition.features):
        values = matrix.column(key)
        if isinstance(item, Request):
            asked = time_text(matrix.at_micros)
            yield Column(key, values, [Stamp(NULL_VALUE if one is None else PRESENT, asked) for one in values])
        else:
            named = f"{item.view}__{item.feature}" if full or ":" in key else key
            yield Column(named, values, [one[item.view][item.feature] for one in stamps])


def _made(value: float, time: str) -> Stamp:
    """What a pipeline made: of the newest of its inputs' times."""
    return Stamp(PRESENT if value == value else NULL_VALUE, time)


def _newest(row: ServiceRow) -> str:
    times = [one for part in row.rows.values() for one in part.event_times.values() if one is not None]
    return rfc_3339(max(times)) if times else EPOCH


# -- push --------------------------------------------------------------------------------------------------------


def push(call: Call) -> Response:
    """Write a data frame to a view, ``push_source_name``; ``event_timestamp`` says when each row was true."""
    body = call.body
    view = call.writable.view(body.text("push_source_name"))
    frame = dict(body.object("df"))
    if body.text("to", "online") not in ("online", "online_and_offline"):
        raise BadRequest("there is one store: to is online, or online_and_offline")
    for name in ("allow_registry_cache", "transform_on_write"):
        body.flag(name, None)
    body.done()
    times = frame.pop("event_timestamp", None)
    options = {"event_time": times, "idempotency_key": idempotency_key(call, None)}
    return written(call, view, frame, options, 200)
