"""Small models as data: their outputs can be verified with no code at hand, to the same bits everywhere."""

from vectordb.models.build import build_model, check_model
from vectordb.models.model import Model

__all__ = ["Model", "build_model", "check_model"]
