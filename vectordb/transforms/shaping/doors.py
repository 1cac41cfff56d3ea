"""Doors: what taking a shaper over from scikit-learn, and giving one back, have in common."""

from __future__ import annotations

from typing import Any, TypeVar

from ledger import InvalidInput
from vectordb.transforms.base import Transformer

Own = TypeVar("Own", bound=Transformer)


def parameters_from(fitted: Any) -> dict[str, Any]:
    """The parameters of a transformer of scikit-learn's as plain values."""
    return {name: _plain(value) for name, value in fitted.get_params(deep=False).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, type):
        return value.__name__
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return type(value)(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def adopt(made: Own, fitted: Any) -> Own:
    """Check the parameters, and take over how many features there are and how they are called."""
    made._check()
    made.n_features_in_ = int(fitted.n_features_in_)
    names = getattr(fitted, "feature_names_in_", None)
    if names is not None:
        made.feature_names_in_ = tuple(map(str, names.tolist()))
    return made


def lend(made: Any, own: Transformer) -> Any:
    """Give the same to a transformer of scikit-learn's."""
    made.n_features_in_ = own.n_features_in_
    if "feature_names_in_" in vars(own):
        import numpy

        made.feature_names_in_ = numpy.array(own.feature_names_in_, dtype=object)
    return made


def check_finite(values: Any, name: str) -> None:
    """Refuse numbers taken over that are not finite."""
    if any(value - value != 0 for value in values):
        raise InvalidInput("what a transformer learnt is finite", attribute=name)
