"""The paths of an application, all of them; the listing is the interface.

``as_of``, ``as_of_time``, ``as_of_mark`` and ``as_of_prediction`` (one of them, in the query or in the body) read the
past, and ``at`` what was valid at a time.
"""

from __future__ import annotations

from typing import Final

from vectordb.serving import (
    experiment_routes,
    feast_routes,
    inference_routes,
    prediction_routes,
    status_routes,
    view_routes,
)
from vectordb.serving.route import AS_OF, READ, Route

MODEL: Final = "/v2/models/{model}"
VERSION: Final = MODEL + "/versions/{version}"


def _inference(method: str, pattern: str, answer: object, **options: object) -> Route:
    return Route(method, pattern, answer, style="inference", **options)  # type: ignore[arg-type]


ROUTES: Final = (
    Route("GET", "/health", status_routes.health, open=True),
    Route("GET", "/metrics", status_routes.metrics, slow=True),
    # Feast's feature server
    Route("POST", "/get-online-features", feast_routes.get_online_features, READ, style="feast"),
    Route("POST", "/push", feast_routes.push, write="push", style="feast", slow=True),
    # the Open Inference Protocol v2
    _inference("GET", "/v2", inference_routes.server),
    _inference("GET", "/v2/health/live", inference_routes.live, open=True),
    _inference("GET", "/v2/health/ready", inference_routes.ready, open=True),
    _inference("GET", MODEL, inference_routes.model, query=AS_OF),
    _inference("GET", MODEL + "/ready", inference_routes.model_ready, query=AS_OF),
    _inference("POST", MODEL + "/infer", inference_routes.infer, query=READ, write="predict"),
    _inference("GET", VERSION, inference_routes.model, query=AS_OF),
    _inference("GET", VERSION + "/ready", inference_routes.model_ready, query=AS_OF),
    _inference("POST", VERSION + "/infer", inference_routes.infer, query=READ, write="predict"),
    # views and services
    Route("GET", "/views", view_routes.list_views, AS_OF),
    Route("GET", "/views/{view}", view_routes.get_view, AS_OF),
    Route("POST", "/views/{view}/rows", view_routes.put_rows, write="rows", slow=True),
    Route("POST", "/views/{view}/search", view_routes.search, READ, slow=True),
    Route("GET", "/views/{view}/{entity...}", view_routes.get_row, READ),
    Route("GET", "/services", view_routes.list_services, AS_OF),
    Route("GET", "/services/{service}", view_routes.get_service, AS_OF),
    # experiments
    Route("GET", "/experiments", experiment_routes.list_experiments, AS_OF),
    Route("GET", "/experiments/{experiment}", experiment_routes.get_experiment, AS_OF),
    Route("GET", "/experiments/{experiment}/assign/{unit...}", experiment_routes.assign, AS_OF),
    Route("POST", "/experiments/{experiment}/assign", experiment_routes.assign_many, AS_OF),
    Route("POST", "/experiments/{experiment}/expose", experiment_routes.expose, write="expose", slow=True),
    # predictions, by their ids
    Route("GET", "/predictions/{id...}", prediction_routes.get_prediction, AS_OF),
    Route("GET", "/reproductions/{id...}", prediction_routes.reproduce, AS_OF, slow=True),
    Route("GET", "/explanations/{id...}", prediction_routes.explain, AS_OF, slow=True),
)
