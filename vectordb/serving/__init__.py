"""Serving: a database behind the server that a team already runs, and a predictor for inside any model server.

``Application`` is callable as WSGI (``wsgi``) and as ASGI (``asgi``). Each request is an ``exchange``: its head is read
and checked (``http``, ``authorization``, ``limits``), its path found and answered (``routes``). ``predictor`` stands
alone; the application serves those that it is given.
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
