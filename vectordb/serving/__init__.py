"""Serving: a database behind the server that a team already runs, and a predictor for inside any model server.

``Application`` is callable as WSGI and as ASGI; see ``vectordb.serving.routes`` for its paths.
"""

from vectordb.observability import Family, Sample
from vectordb.observability import prometheus_text as render_metrics
from vectordb.serving.application import Application
from vectordb.serving.authorization import BearerToken
from vectordb.serving.ledger_model import LedgerModel
from vectordb.serving.limits import Limits
from vectordb.serving.predictor import Predictor
from vectordb.serving.request import HttpRequest
from vectordb.serving.served import Served

__all__ = [
    "Application",
    "BearerToken",
    "Family",
    "HttpRequest",
    "LedgerModel",
    "Limits",
    "Predictor",
    "Sample",
    "Served",
    "render_metrics",
]
