"""Feast's feature server: ``/get-online-features`` and ``/push``, in its JSON.

An answer has one entry of ``results`` for each requested feature, in the order of ``metadata.feature_names``
(feast/protos/feast/serving/ServingService.proto), each with a value, a status and an event time for each entity.
A value is what a read gives, so a missing or expired one is its default, and the status tells: PRESENT, NULL_VALUE,
NOT_FOUND, OUTSIDE_MAX_AGE. Entity columns are named by kinds of entity; request inputs stand among them, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vectordb.services.service import Service
from vectordb.serving.call import Call
from vectordb.serving.fields import entity_lists
from vectordb.serving.online import Column, columns_of_features, columns_of_service
from vectordb.serving.refusal import BadRequest
from vectordb.serving.response import Response
from vectordb.serving.stamps import NEVER, PRESENT, Stamp, stamped
from vectordb.serving.strict_json import dump_json
from vectordb.serving.view_routes import written


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
    rows = len(next(iter(columns.values())))
    if features is not None:
        refs = [_ref(one) for one in features]
        check_names([feature for _, feature in refs] if not full else features)
        call.count(rows, len(refs))
        found = reader.consistently(columns_of_features, reader, refs, columns, at, full)
    else:
        asked = Service(reader, service)
        call.count(rows, len(asked.features))
        found = reader.consistently(columns_of_service, asked, columns, at, full)
    if call.app.join_keys:
        keys = [Column(name, ids, stamped([Stamp(PRESENT, NEVER)] * len(ids))) for name, ids in columns.items()]
        found = [*keys, *found]
    return Response(200, _answer(found))


def _ref(given: Any) -> tuple[str, str]:
    view, colon, feature = given.partition(":") if isinstance(given, str) else ("", "", "")
    if not (colon and view and feature):
        raise BadRequest("a feature reads view:feature", given=str(given)[:100])
    return view, feature


def check_names(names: Sequence[str]) -> None:
    """Refuse a name that stands twice."""
    if len(set(names)) != len(names):
        raise BadRequest("features of one name need full_feature_names, and each is asked once", names=names[:20])


def _answer(columns: Sequence[Column]) -> bytes:
    """The JSON of columns; statuses and times that several share are written once: 1.5 us a float of 17 digits."""
    names = [column.name for column in columns]
    check_names(names)
    written: dict[int, bytes] = {}
    results = []
    for column in columns:
        own = id(column.stamped)
        if own not in written:
            statuses, times = map(dump_json, column.stamped)
            written[own] = b',"statuses":%b,"event_timestamps":%b}' % (statuses, times)
        results.append(b'{"values":%b%b' % (dump_json(column.values), written[own]))
    return b'{"metadata":{"feature_names":%b},"results":[%b]}' % (dump_json(names), b",".join(results))


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
    options = {"event_time": times, "idempotency_key": call.idempotency_key}
    return written(call, view, frame, options, 200)
