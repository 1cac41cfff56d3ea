"""The paths of an application, all of them; the listing is the interface, and ``GET /`` gives it.

``as_of``, ``as_of_time``, ``as_of_mark`` and ``as_of_prediction`` (one of them, in the query or in the body) read the
past, and ``at`` what was valid at a time.
"""

from __future__ import annotations

from typing import Final

from vectordb.serving.http.response import Response, json_response
from vectordb.serving.routes import (
    experiments,
    feast,
    inference,
    predictions,
    search,
    services,
    status,
    views,
    writes,
)
from vectordb.serving.routes.call import Call
from vectordb.serving.routes.route import AS_OF, NOTHING, READ, Answer, Route

MODEL: Final = "/v2/models/{model}"
VERSION: Final = MODEL + "/versions/{version}"
EXPERIMENT: Final = "/experiments/{experiment}"


def _list_paths(call: Call) -> Response:
    """All of these, as they stand here."""
    return json_response({"paths": [route.to_dict() for route in ROUTES]})


def _inference(
    method: str,
    pattern: str,
    does: str,
    answer: Answer,
    query: frozenset[str] = NOTHING,
    write: str = "",
    open: bool = False,
) -> Route:
    return Route(method, pattern, does, answer, query, write, style="inference", open=open)


ROUTES: Final = (
    Route("GET", "/", "this list", _list_paths),
    Route("GET", "/health", "whether it serves, and at which offset", status.health, open=True),
    Route("GET", "/metrics", "Prometheus text", status.metrics, slow=True),
    # Feast's feature server
    Route("POST", "/get-online-features", "features of entities", feast.get_online_features, READ, style="feast"),
    Route("POST", "/push", "write a data frame to a view", feast.push, write="push", style="feast", slow=True),
    # the Open Inference Protocol v2
    _inference("GET", "/v2", "name, version and extensions of the server", inference.server),
    _inference("GET", "/v2/health/live", "whether it is up", inference.live, open=True),
    _inference("GET", "/v2/health/ready", "whether it serves", inference.ready, open=True),
    _inference("GET", MODEL, "inputs and outputs of a model", inference.model, AS_OF),
    _inference("GET", MODEL + "/ready", "whether the model serves", inference.model_ready, AS_OF),
    _inference("POST", MODEL + "/infer", "outputs for entities", inference.infer, READ, write="predict"),
    _inference("GET", VERSION, "inputs and outputs of a version", inference.model, AS_OF),
    _inference("GET", VERSION + "/ready", "whether the version serves", inference.model_ready, AS_OF),
    _inference("POST", VERSION + "/infer", "outputs of a version", inference.infer, READ, write="predict"),
    # views and services
    Route("GET", "/views", "names of the views", views.list_views, AS_OF),
    Route("GET", "/views/{view}", "the definition of a view", views.get_view, AS_OF),
    Route("POST", "/views/{view}/rows", "write rows, in one event", writes.put_rows, write="rows", slow=True),
    Route("POST", "/views/{view}/search", "the nearest vectors", search.search, READ, slow=True),
    Route("GET", "/views/{view}/{entity...}", "the row of an entity", views.get_row, READ),
    Route("GET", "/services", "names of the services", services.list_services, AS_OF),
    Route("GET", "/services/{service}", "the definition of a service", services.get_service, AS_OF),
    # experiments
    Route("GET", "/experiments", "names of the experiments", experiments.list_experiments, AS_OF),
    Route("GET", EXPERIMENT, "the definition of an experiment", experiments.get_experiment, AS_OF),
    Route("GET", EXPERIMENT + "/assign/{unit...}", "the arm of a unit, and why", experiments.assign, AS_OF),
    Route("POST", EXPERIMENT + "/assign", "the arms of units", experiments.assign_many, AS_OF),
    Route("POST", EXPERIMENT + "/expose", "record which arms units met", experiments.expose, write="expose", slow=True),
    # predictions, by their ids
    Route("GET", "/predictions/{id...}", "a recorded prediction", predictions.get_prediction, AS_OF),
    Route("GET", "/reproductions/{id...}", "a prediction computed again", predictions.reproduce, AS_OF, slow=True),
    Route("GET", "/explanations/{id...}", "what a prediction rests on", predictions.explain, AS_OF, slow=True),
)
