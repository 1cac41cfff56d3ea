"""Fillers: what stands where a value is missing."""

from vectordb.transforms.filling.missing_indicator import MissingIndicator
from vectordb.transforms.filling.simple_imputer import SimpleImputer

__all__ = ["MissingIndicator", "SimpleImputer"]
