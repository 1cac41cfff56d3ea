"""Views: definitions, rows, similarity search, and writes of rows."""

from __future__ import annotations

from typing import Any

from ledger import Request, entity_from_json, entity_to_json
from vectordb.receipt import Receipt
from vectordb.serving.call import Call
from vectordb.serving.fields import check_length
from vectordb.serving.refusal import BadRequest
from vectordb.serving.response import Response, json_response
from vectordb.views.row import Row
from vectordb.views.view import View


def list_views(call: Call) -> Response:
    """The names of the views."""
    return json_response({"views": call.reader.views()})


def get_view(call: Call) -> Response:
    """The definition of a view."""
    return json_response(call.reader.view(call.names["view"]).definition.to_json())


def list_services(call: Call) -> Response:
    """The names of the services."""
    return json_response({"services": call.reader.services()})


def get_service(call: Call) -> Response:
    """The definition of a service: its inputs and whether it has a pipeline."""
    service = call.reader.service(call.names["service"])
    definition = service.definition
    inputs = [
        {"name": key, **({"request": item.type.definition()} if isinstance(item, Request) else {"of": str(item)})}
        for key, item in zip(definition.keys, definition.features)
    ]
    pipeline = definition.pipeline is not None
    body = {"name": definition.name, "version": definition.version, "inputs": inputs, "pipeline": pipeline}
    return json_response({**body, "entities": list(service.entity_kinds)})


def get_row(call: Call) -> Response:
    """The row of an entity of a view, with statuses, versions and times."""
    view = call.reader.view(call.names["view"])
    call.rows = 1
    return json_response(row_body(view.get(call.entity("entity"), at=call.at)))


def row_body(row: Row) -> dict[str, Any]:
    """A row as plain data."""
    return {
        "view": row.view,
        "entity": entity_to_json(row.entity),
        "found": row.found,
        "values": row.to_dict(),
        "status": dict(row.status),
        "versions": row.versions,
        "version": row.version,
        "event_time": row.event_time,
        "as_of": row.as_of,
        "at": row.at,
    }


# -- search ------------------------------------------------------------------------------------------------------


def search(call: Call) -> Response:
    """The nearest entities of one ``query``, or of each of ``queries``."""
    body = call.body
    view = call.reader_of(body).view(call.names["view"])
    feature, k = body.text("feature"), body.whole("k", 10, 1, call.limits.k)
    options: dict[str, Any] = {"where": body.object("where", None), "at": call.at_of(body)}
    options |= {"exact": body.flag("exact", False), "recall": body.take("recall", 0.95)}
    one, many = body.items("query", 1 << 20, None), body.items("queries", call.limits.queries, None)
    body.done()
    if (one is None) == (many is None):
        raise BadRequest("a search has a query, or queries")
    queries = [_vector(query) for query in ([one] if many is None else many)]
    call.rows = len(queries)
    if many is None:
        return json_response(_hits(view.search(feature, queries[0], k, **options)))
    return json_response({"searches": [_hits(hits) for hits in view.search_many(feature, queries, k, **options)]})


def _vector(query: Any) -> list[Any]:
    if type(query) is list and all(type(number) in (int, float) for number in query):
        return query
    raise BadRequest("a query is a list of numbers", type=type(query).__name__)


def _hits(hits: Any) -> dict[str, Any]:
    return {"hits": hits.to_rows(), "as_of": hits.as_of, "at": hits.at, "exact": hits.exact}


# -- writes ------------------------------------------------------------------------------------------------------


def put_rows(call: Call) -> Response:
    """Write ``rows``: columns by name, or a list of objects; one event."""
    body = call.body
    view = call.writable.view(call.names["view"])
    rows = body.take("rows")
    columns = rows if type(rows) is dict else rows_to_columns(rows, call.limits.batch)
    options: dict[str, Any] = {"on_error": body.text("on_error", "refuse")}
    times = body.take("event_time", None)
    options |= {"event_time": times, "idempotency_key": idempotency_key(call, body.text("idempotency_key", None))}
    body.done()
    return written(call, view, columns, options)


def written(
    call: Call, view: Any, columns: dict[str, Any], options: dict[str, Any], status: int = 201
) -> Response:
    """Put columns, and tell what was written."""
    kind = view.definition.entity
    columns = checked_columns(view, columns, call.limits.batch)
    call.rows = len(columns[kind])
    return json_response(receipt_body(view.put_many(columns, **options)), status)


def checked_columns(view: View, columns: dict[str, Any], limit: int) -> dict[str, Any]:
    """Columns that ``put_many`` can be given: lists of one length, the entities as ids."""
    kind = view.definition.entity
    if kind not in columns:
        raise BadRequest("rows name their entities in a column of their kind", kind=kind, given=sorted(columns)[:20])
    for name, column in columns.items():
        if type(column) is not list:
            raise BadRequest("a column is a list", column=name, type=type(column).__name__)
        check_length(column, name, limit)
    return {**columns, kind: [entity_from_json(one) for one in columns[kind]]}


def rows_to_columns(rows: Any, limit: int) -> dict[str, list[Any]]:
    """Columns of a list of objects that have the same keys: an absent key would be no null."""
    if type(rows) is not list:
        raise BadRequest("rows are columns, or a list of objects", type=type(rows).__name__)
    check_length(rows, "rows", limit)
    if not all(type(row) is dict and row.keys() == rows[0].keys() for row in rows):
        raise BadRequest("rows of one write are objects with the same keys; columns may be written apart")
    return {name: [row[name] for row in rows] for name in rows[0]}


def idempotency_key(call: Call, given: str | None) -> str | None:
    """Of the body, or of the Idempotency-Key header."""
    return given if given is not None else call.idempotency_key


def receipt_body(receipt: Receipt) -> dict[str, Any]:
    """A receipt as plain data."""
    return {
        "offset": receipt.offset,
        "recorded_time": receipt.recorded_time,
        "versions": list(receipt.versions),
        "replayed": receipt.replayed,
        "rejected": [one._asdict() for one in receipt.rejected],
    }
