"""The paths of an application, all of them; the listing is the interface.

``as_of``, ``as_of_time``, ``as_of_mark`` and ``as_of_prediction`` (one of them, in the query or in the body) read the
past, and ``at`` what was valid at a time.
"""

from __future__ import annotations

from typing import Final

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
from vectordb.serving.routes.route import AS_OF, NOTHING, READ, Answer, Route

MODEL: Final = "/v2/models/{model}"
VERSION: Final = MODEL + "/versions/{version}"


def _inference(
    method: str, pattern: str, answer: Answer, query: frozenset[str] = NOTHING, write: str = "", open: bool = False
) -> Route:
    return Route(method, pattern, answer, query, write, style="inference", open=open)


ROUTES: Final = (
    Route("GET", "/health", status.health, open=True),
    Route("GET", "/metrics", status.metrics, slow=True),
    # Feast's feature server
    Route("POST", "/get-online-features", feast.get_online_features, READ, style="feast"),
    Route("POST", "/push", feast.push, write="push", style="feast", slow=True),
    # the Open Inference Protocol v2
    _inference("GET", "/v2", inference.server),
    _inference("GET", "/v2/health/live", inference.live, open=True),
    _inference("GET", "/v2/health/ready", inference.ready, open=True),
    _inference("GET", MODEL, inference.model, AS_OF),
    _inference("GET", MODEL + "/ready", inference.model_ready, AS_OF),
    _inference("POST", MODEL + "/infer", inference.infer, READ, write="predict"),
    _inference("GET", VERSION, inference.model, AS_OF),
    _inference("GET", VERSION + "/ready", inference.model_ready, AS_OF),
    _inference("POST", VERSION + "/infer", inference.infer, READ, write="predict"),
    # views and services
    Route("GET", "/views", views.list_views, AS_OF),
    Route("GET", "/views/{view}", views.get_view, AS_OF),
    Route("POST", "/views/{view}/rows", writes.put_rows, write="rows", slow=True),
    Route("POST", "/views/{view}/search", search.search, READ, slow=True),
    Route("GET", "/views/{view}/{entity...}", views.get_row, READ),
    Route("GET", "/services", services.list_services, AS_OF),
    Route("GET", "/services/{service}", services.get_service, AS_OF),
    # experiments
    Route("GET", "/experiments", experiments.list_experiments, AS_OF),
    Route("GET", "/experiments/{experiment}", experiments.get_experiment, AS_OF),
    Route("GET", "/experiments/{experiment}/assign/{unit...}", experiments.assign, AS_OF),
    Route("POST", "/experiments/{experiment}/assign", experiments.assign_many, AS_OF),
    Route("POST", "/experiments/{experiment}/expose", experiments.expose, write="expose", slow=True),
    # predictions, by their ids
    Route("GET", "/predictions/{id...}", predictions.get_prediction, AS_OF),
    Route("GET", "/reproductions/{id...}", predictions.reproduce, AS_OF, slow=True),
    Route("GET", "/explanations/{id...}", predictions.explain, AS_OF, slow=True),
)
