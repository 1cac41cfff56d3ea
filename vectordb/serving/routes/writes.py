"""Writes of rows: columns as they were sent, checked, put, and told by a receipt."""

from __future__ import annotations

from typing import Any

from ledger import entity_from_json
from vectordb.receipt import Receipt
from vectordb.serving.http.fields import check_length
from vectordb.serving.http.refusal import BadRequest
from vectordb.serving.http.response import Response, json_response
from vectordb.serving.routes.call import Call
from vectordb.views.live_view import LiveView
from vectordb.views.view import View


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
    call: Call, view: LiveView, columns: dict[str, Any], options: dict[str, Any], status: int = 201
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
