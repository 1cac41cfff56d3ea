"""Experiments: assignment, and exposures where writes are on."""

from __future__ import annotations

from vectordb.experiments import Assignment
from vectordb.serving.http.fields import entities_of
from vectordb.serving.http.response import Response, in_seconds, json_response
from vectordb.serving.routes.call import Call


def list_experiments(call: Call) -> Response:
    """The names of the experiments."""
    return json_response({"experiments": call.reader.experiments()})


def get_experiment(call: Call) -> Response:
    """The definition of an experiment; the windows of its metrics in seconds."""
    body = call.reader.experiment(call.names["experiment"]).definition.to_json()
    if "metrics" in body:
        body["metrics"] = [[name, in_seconds(metric, "window")] for name, metric in body["metrics"]]
    return json_response(body)


def assign(call: Call) -> Response:
    """The arm of one unit, and why; nothing is written."""
    call.rows = 1
    experiment = call.reader.experiment(call.names["experiment"])
    return json_response(experiment.assign(call.entity("unit")).to_dict())


def assign_many(call: Call) -> Response:
    """The same for ``units``."""
    body = call.body
    experiment = call.reader_of(body).experiment(call.names["experiment"])
    units = entities_of(body.items("units", call.limits.batch))
    body.done()
    call.rows = len(units)
    return json_response(_body(experiment.assign_many(units)))


def expose(call: Call) -> Response:
    """Record that ``units`` met their arms, each once: those that they are assigned to, or ``arms``, one a unit."""
    body = call.body
    experiment = call.writable.experiment(call.names["experiment"])
    units = entities_of(body.items("units", call.limits.batch))
    arms, at = body.items("arms", call.limits.batch, None), body.instant("event_time")
    body.done()
    call.rows = len(units)
    return json_response(_body(experiment.expose_many(units, arms=arms, event_time=at)), 201)


def _body(found: list[Assignment]) -> dict[str, list[dict[str, object]]]:
    return {"assignments": [one.to_dict() for one in found]}
