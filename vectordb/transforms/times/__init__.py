"""Instants and what comes round as numbers; and named functions of a value."""

from vectordb.transforms.times.cyclical import CyclicalFeatures
from vectordb.transforms.times.datetimes import DatetimeFeatures
from vectordb.transforms.times.function_transformer import FunctionTransformer

__all__ = ["CyclicalFeatures", "DatetimeFeatures", "FunctionTransformer"]
