"""Services: their names and definitions."""

from __future__ import annotations

from ledger import Request
from vectordb.serving.http.response import Response, json_response
from vectordb.serving.routes.call import Call


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
