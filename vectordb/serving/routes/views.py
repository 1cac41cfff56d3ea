"""Views: their names, definitions and rows."""

from __future__ import annotations

from typing import Any

from ledger import entity_to_json
from vectordb.serving.http.response import Response, in_seconds, json_response
from vectordb.serving.routes.call import Call
from vectordb.views.row import Row


def list_views(call: Call) -> Response:
    """The names of the views."""
    return json_response({"views": call.reader.views()})


def get_view(call: Call) -> Response:
    """The definition of a view; its time to live in seconds."""
    return json_response(in_seconds(call.reader.view(call.names["view"]).definition.to_json(), "ttl"))


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
