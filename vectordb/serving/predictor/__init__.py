"""The predictor: a service, a model and an experiment as one callable, also as MLflow takes one."""

from vectordb.serving.predictor.ledger_model import LedgerModel
from vectordb.serving.predictor.predictor import Predictor
from vectordb.serving.predictor.served import Served

__all__ = ["LedgerModel", "Predictor", "Served"]
