"""The rules that arguments of the statistics keep; each refusal states the rule and the value."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum, isfinite
from operator import index
from typing import Any, Final

from ledger import InvalidInput

SLACK: Final = 1e-9


def check_number(name: str, value: Any) -> float:
    """A finite number.

    >>> check_number("effect", 3)
    3.0
    """
    kind = type(value)
    if kind is float and isfinite(value):
        return float(value)
    boolean = kind is bool or kind.__name__.startswith(("bool", "complex")) or getattr(value, "shape", ()) != ()
    if kind is not float and (boolean or not hasattr(kind, "__float__")):
        raise InvalidInput(f"{name} is a finite number", **{name: value})
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise InvalidInput(f"{name} is a finite number", **{name: value}) from error
    if not isfinite(number):
        raise InvalidInput(f"{name} is a finite number", **{name: value})
    return number


def check_positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    number = check_number(name, value)
    if number <= 0.0:
        raise InvalidInput(f"{name} is above 0", **{name: value})
    return number


def check_share(name: str, value: Any) -> float:
    """A number strictly between 0 and 1: an error rate, a power, a level.

    >>> check_share("alpha", 0.05)
    0.05
    """
    number = check_number(name, value)
    if not 0.0 < number < 1.0:
        raise InvalidInput(f"{name} is between 0 and 1, both excluded", **{name: value})
    return number


def check_probability(name: str, value: Any) -> float:
    """A number from 0 to 1, both included."""
    number = check_number(name, value)
    if not 0.0 <= number <= 1.0:
        raise InvalidInput(f"{name} is from 0 to 1", **{name: value})
    return number


def check_count(name: str, value: Any, least: int = 0) -> int:
    """A whole number of at least ``least``."""
    try:
        number = index(value)
    except TypeError as error:
        raise InvalidInput(f"{name} is a whole number", **{name: value}) from error
    if isinstance(value, bool) or number < least:
        raise InvalidInput(f"{name} is a whole number of at least {least}", **{name: value})
    return number


def check_weights(weights: Iterable[Any]) -> tuple[float, ...]:
    """Weights of arms: none negative, together 1 (within 1e-9); never replaced by equal ones.

    >>> check_weights([0.5, 0.5, 0])
    (0.5, 0.5, 0.0)
    """
    checked = tuple(check_number("weight", weight) for weight in weights)
    for weight in checked:
        if weight < 0.0:
            raise InvalidInput("a weight is not negative", weight=weight, weights=checked)
    if abs(fsum(checked) - 1.0) > SLACK:
        raise InvalidInput("the weights of the arms sum to 1", total=fsum(checked), weights=checked)
    return checked
