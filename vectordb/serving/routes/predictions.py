"""Predictions: what was recorded, reproduced and explained. Ids are the rest of the path, ``ranker/d-7@42``."""

from __future__ import annotations

from typing import Any

from ledger import entity_to_json
from vectordb.serving.http.response import Response, json_response
from vectordb.serving.routes.call import Call


def get_prediction(call: Call) -> Response:
    """What a prediction recorded."""
    found = call.reader.prediction(call.names["id"])
    names = ("id", "service", "model", "output", "inputs", "states", "assignment", "versions", "as_of", "at", "offset")
    body: dict[str, Any] = {name: getattr(found, name) for name in names}
    body |= {"recorded_time": found.recorded_time, "entities": [entity_to_json(one) for one in found.entities]}
    return json_response(body)


def reproduce(call: Call) -> Response:
    """The prediction computed again, and compared bit for bit."""
    found = call.reader.reproduce(call.names["id"])
    body = {name: getattr(found, name) for name in ("id", "matches", "inputs", "output", "recomputed", "unchecked")}
    body |= {"drifted": [one._asdict() for one in found.drifted], "missing": list(found.missing)}
    return json_response({**body, "unfounded": list(found.unfounded)})


def explain(call: Call) -> Response:
    """Why it is what it is: every input with its version and times, the pipeline, the variant."""
    return json_response(call.reader.audit.explain(call.names["id"]).to_dict())
