"""Counterparts: taking over what a fitted object of scikit-learn's has learnt, and giving it what one of ours has."""

from __future__ import annotations

from math import inf
from typing import Any, TypeVar

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.parameters import parameters_of

Own = TypeVar("Own", bound=Transformer)


def adopt(kind: type[Own], fitted: Any, needs_fit: bool = True) -> Own:
    """One of ours with the parameters, the number of features and their names of a fitted object."""
    known = [name for name in parameters_of(kind) if hasattr(fitted, name)]  # an older scikit-learn has fewer
    made = kind(**{name: plain(getattr(fitted, name)) for name in known})
    made._check()
    if needs_fit or hasattr(fitted, "n_features_in_"):
        made.n_features_in_ = int(fitted.n_features_in_)
    names = getattr(fitted, "feature_names_in_", None)
    if names is not None:
        made.feature_names_in_ = tuple(map(str, names))
    return made


def plain(value: Any) -> Any:
    """A value without NumPy's types; an array is a tuple."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    found = value.tolist() if hasattr(value, "tolist") else value
    return tuple(found) if isinstance(found, list) else found


def floats(fitted: Any, name: str) -> tuple[float, ...]:
    """What a fitted object has learnt of each feature; infinite where it overflowed there, which is refused."""
    found = tuple(map(float, getattr(fitted, name)))
    if inf in found or -inf in found:
        raise InvalidInput("what is taken over is finite", attribute=name, value=found[:20])
    return found


def lend(made: Any, own: Transformer, *learnt: str) -> Any:
    """An object of scikit-learn's with the features of ours, and with what it has learnt as arrays."""
    from numpy import array

    if "n_features_in_" in vars(own):
        made.n_features_in_ = own.n_features_in_
    if "feature_names_in_" in vars(own):
        made.feature_names_in_ = array(own.feature_names_in_, dtype=object)
    for name in learnt:
        value = getattr(own, name)
        setattr(made, name, array(value) if isinstance(value, tuple) else value)
    return made
