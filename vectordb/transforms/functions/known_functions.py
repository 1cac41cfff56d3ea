"""The functions that a FunctionTransformer may name: there are no others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ledger import CannotTransform, InvalidInput


class Known(NamedTuple):
    """A function of one float: as a template where plain arithmetic does, else as a callable; and NumPy's name of it.

    A template gives no more than it was given: it cannot overflow.
    """

    ufunc: str
    function: Callable[[float], float] | None = None
    template: str = ""


def _sigmoid(value: float) -> float:
    if value >= 0:
        return 1.0 / (1.0 + math.exp(-value))
    small = math.exp(value)
    return small / (1.0 + small)


def _whole(round_it: Callable[[float], int]) -> Callable[[float], float]:
    """As a float, with the sign of what was rounded: -0.5 becomes -0.0."""
    return lambda value: math.copysign(float(round_it(value)), value)


FUNCTIONS: Final[dict[str, Known]] = {
    "identity": Known("positive", template="{0}"),
    "log": Known("log", math.log),
    "log1p": Known("log1p", math.log1p),
    "log10": Known("log10", math.log10),
    "log2": Known("log2", math.log2),
    "exp": Known("exp", math.exp),
    "expm1": Known("expm1", math.expm1),
    "sqrt": Known("sqrt", math.sqrt),
    "square": Known("square", lambda value: value * value),
    "abs": Known("absolute", template="abs({0})"),
    "sign": Known("sign", template="1.0 if {0} > 0.0 else -1.0 if {0} < 0.0 else {0} + 0.0"),
    "reciprocal": Known("reciprocal", lambda value: 1.0 / value),
    "negative": Known("negative", template="-{0}"),
    "sin": Known("sin", math.sin),
    "cos": Known("cos", math.cos),
    "tan": Known("tan", math.tan),
    "tanh": Known("tanh", math.tanh),
    "sigmoid": Known("expit", _sigmoid),
    "floor": Known("floor", _whole(math.floor)),
    "ceil": Known("ceil", _whole(math.ceil)),
    "round": Known("rint", _whole(round)),
    "is_missing": Known("isnan", template="0.0 if {0} == {0} else 1.0"),
}
NAMES_OF_UFUNCS: Final = {known.ufunc: name for name, known in FUNCTIONS.items()} | {"fabs": "abs"}


class Named:
    """A known function on the values of one feature; NaN stays, and what has no finite result is refused."""

    __slots__ = ("_function", "label", "name")

    def __init__(self, name: str, label: str) -> None:
        self.name = name
        self.label = label
        self._function: Any = FUNCTIONS[name].function

    def __call__(self, value: float) -> float:
        if value != value:
            return value
        try:
            found: float = self._function(value)
        except (ValueError, OverflowError, ZeroDivisionError):
            found = math.inf
        if found in (math.inf, -math.inf):
            raise CannotTransform(f"{self.name} of a value is a finite number", feature=self.label, value=value)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return Named, (self.name, self.label)


def check_function(name: Any, parameter: str) -> None:
    """Refuse what is no name of a known function: nothing else can be stored and loaded without running code."""
    if name is not None and (not isinstance(name, str) or name not in FUNCTIONS):
        rule = f"{parameter} is None or the name of a known function: a callable cannot be stored as data"
        raise InvalidInput(rule, given=name, known=list(FUNCTIONS))
