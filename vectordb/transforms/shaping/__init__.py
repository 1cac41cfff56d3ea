"""Shapers: a feature's distribution brought to a known form, its bins, its powers and its splines."""

from vectordb.transforms.shaping.bins import KBinsDiscretizer
from vectordb.transforms.shaping.polynomial import PolynomialFeatures
from vectordb.transforms.shaping.power import PowerTransformer
from vectordb.transforms.shaping.quantile import QuantileTransformer
from vectordb.transforms.shaping.spline import SplineTransformer

__all__ = ["KBinsDiscretizer", "PolynomialFeatures", "PowerTransformer", "QuantileTransformer", "SplineTransformer"]
