"""Counterparts: taking over what a fitted object of scikit-learn's has learnt, and giving it what one of ours has."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, TypeVar

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.parameters import defaults_of, parameters_of, same_parameter

Own = TypeVar("Own", bound=Transformer)


def adopt(kind: type[Own], fitted: Any, needs_fit: bool = True, **instead: Any) -> Own:
    """One of ours with the parameters and the features of a fitted object; ``instead``: parameters that differ here.

    A parameter that is unknown here (of a scikit-learn to come) is refused unless it is at its default there.
    """
    given, known = fitted.get_params(deep=False), parameters_of(kind)  # an older scikit-learn has fewer
    _check_known({name: value for name, value in given.items() if name not in known}, type(fitted))
    made = kind(**{**{name: plain_value(value) for name, value in given.items() if name in known}, **instead})
    made._check()
    return adopt_features(made, fitted, needs_fit)


def _check_known(others: Mapping[str, Any], kind: type) -> None:
    for name, value in others.items():
        if not same_parameter(value, defaults_of(kind).get(name)):
            raise InvalidInput("an option that can be honoured here", type=kind.__name__, parameter=name, value=value)


def adopt_features(made: Own, fitted: Any, needs_fit: bool = True) -> Own:
    """How many features a fitted object has seen, and their names where it knows them."""
    if needs_fit or hasattr(fitted, "n_features_in_"):
        made.n_features_in_ = int(fitted.n_features_in_)
    names = getattr(fitted, "feature_names_in_", None)
    if names is not None:
        made.feature_names_in_ = tuple(map(str, names))
    return made


def plain_value(value: Any) -> Any:
    """A value without NumPy's types: an array is a list, a type its name."""
    if isinstance(value, type):
        return value.__name__
    if hasattr(value, "tolist"):
        return plain_value(value.tolist())
    return type(value)(map(plain_value, value)) if type(value) in (list, tuple) else value


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
