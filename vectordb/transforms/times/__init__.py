"""Instants and what comes round as numbers."""

from vectordb.transforms.times.cyclical import CyclicalFeatures
from vectordb.transforms.times.datetimes import DatetimeFeatures

__all__ = ["CyclicalFeatures", "DatetimeFeatures"]
