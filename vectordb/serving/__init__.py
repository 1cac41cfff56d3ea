"""Serving: a database behind the server that a team already runs, and a predictor for inside any model server.

``Application`` is callable as WSGI (``wsgi``) and as ASGI (``asgi``). Each request is an ``exchange``: its head is read
and checked (``http``, ``authorization``, ``limits``), its path found and answered (``routes``). ``predictor`` stands
alone; the application serves those that it is given.

Its paths, as ``GET /`` lists them too, with what a query may say and which need ``writes``:

    GET  /                                            this list
    GET  /health                                      whether it serves, and at which offset
    GET  /metrics                                     Prometheus text
    POST /get-online-features                         features of entities
    POST /push                                        write a data frame to a view
    GET  /v2                                          name, version and extensions of the server
    GET  /v2/health/live                              whether it is up
    GET  /v2/health/ready                             whether it serves
    GET  /v2/models/{model}                           inputs and outputs of a model
    GET  /v2/models/{model}/ready                     whether the model serves
    POST /v2/models/{model}/infer                     outputs for entities
    GET  /v2/models/{model}/versions/{version}        inputs and outputs of a version
    GET  /v2/models/{model}/versions/{version}/ready  whether the version serves
    POST /v2/models/{model}/versions/{version}/infer  outputs of a version
    GET  /views                                       names of the views
    GET  /views/{view}                                the definition of a view
    POST /views/{view}/rows                           write rows, in one event
    POST /views/{view}/search                         the nearest vectors
    GET  /views/{view}/{entity...}                    the row of an entity
    GET  /services                                    names of the services
    GET  /services/{service}                          the definition of a service
    GET  /experiments                                 names of the experiments
    GET  /experiments/{experiment}                    the definition of an experiment
    GET  /experiments/{experiment}/assign/{unit...}   the arm of a unit, and why
    POST /experiments/{experiment}/assign             the arms of units
    POST /experiments/{experiment}/expose             record which arms units met
    GET  /predictions/{id...}                         a recorded prediction
    GET  /reproductions/{id...}                       a prediction computed again
    GET  /explanations/{id...}                        what a prediction rests on
"""

from vectordb.serving.application import Application
from vectordb.serving.authorization import BearerToken
from vectordb.serving.http.request import HttpRequest
from vectordb.serving.limits import Limits
from vectordb.serving.predictor import LedgerModel, Predictor, Served

__all__ = [
    "Application",
    "BearerToken",
    "HttpRequest",
    "LedgerModel",
    "Limits",
    "Predictor",
    "Served",
]
