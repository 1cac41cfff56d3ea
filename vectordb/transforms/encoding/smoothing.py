"""Smoothing: the mean of a category drawn to the mean of all, in whole numbers, rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

from ledger import InvalidInput
from projections import Moments


def mean_of(whole: Moments) -> float:
    """The mean; NaN of no numbers."""
    return nan if whole.mean is None else whole.mean


def type_of(classes: Sequence[Any], stated: str) -> str:
    """Whether labels are two at most, or more."""
    if stated == "binary" and len(classes) > 2:
        raise InvalidInput("a binary target has two labels at most", labels=list(classes[:10]))
    return "multiclass" if stated == "multiclass" or len(classes) > 2 else "binary"


def encode(own: Moments, whole: Moments, smooth: Any) -> float:
    """The encoding of a category; the mean of all where the category says nothing."""
    if not own.size:
        return mean_of(whole)
    return _by_variance(own, whole) if smooth == "auto" else _by_weight(own, whole, smooth)


def _by_variance(own: Moments, whole: Moments) -> float:
    """``l = n V / (n V + v)``; both variances are fractions of whole numbers, so their common parts stay out."""
    weight = whole.spread * own.size**3 * own.scale**2
    against = own.spread * whole.size**2 * whole.scale**2
    if not weight + against:
        return mean_of(whole)
    top = weight * own.total * whole.size * whole.scale + against * whole.total * own.size * own.scale
    return top / ((weight + against) * own.size * own.scale * whole.size * whole.scale)


def _by_weight(own: Moments, whole: Moments, smooth: float) -> float:
    """``(sum + m mean) / (n + m)``."""
    up, down = float(smooth).as_integer_ratio()
    top = own.total * down * whole.size * whole.scale + up * whole.total * own.scale
    return top / (own.scale * whole.size * whole.scale * (own.size * down + up))
