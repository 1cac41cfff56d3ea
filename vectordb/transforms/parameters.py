"""Parameters: what the constructor of a transformer takes, kept untouched, and their plain form."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from math import isfinite
from typing import Any

from ledger import InvalidInput
from vectordb.transforms.shapes import read_scalar, refuse, write_scalar


def parameters_of(kind: Any) -> tuple[str, ...]:
    """The names of a class's parameters, in order."""
    return _signature(kind)[0]


def defaults_of(kind: Any) -> dict[str, Any]:
    """The defaults of a class's parameters."""
    return _signature(kind)[1]


@cache
def _signature(kind: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    known = [
        parameter
        for parameter in inspect.signature(kind.__init__).parameters.values()
        if parameter.name != "self" and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    defaults = {parameter.name: parameter.default for parameter in known if parameter.default is not parameter.empty}
    return tuple(parameter.name for parameter in known), defaults


def write_parameter(value: Any, place: str) -> Any:
    """Plain data, from which ``read_parameter`` makes the value again; refused where there is none."""
    if hasattr(value, "to_dict") and hasattr(value, "get_params") and not isinstance(value, type):
        return {"transformer": value.to_dict()}
    if hasattr(value, "to_plain"):
        return value.to_plain()
    if isinstance(value, (list, tuple)):
        items = [write_parameter(item, f"{place}[{number}]") for number, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {"dict": [[write_parameter(key, place), write_parameter(held, place)] for key, held in value.items()]}
    if isinstance(value, slice):
        return {"slice": [write_parameter(end, place) for end in (value.start, value.stop, value.step)]}
    if hasattr(value, "tolist"):
        return write_parameter(value.tolist(), place)
    try:
        return write_scalar(value)
    except InvalidInput:
        rule = "a parameter that is stored is plain data: numbers, text, lists, transformers"
        raise InvalidInput(rule, parameter=place, value=value) from None


def read_parameter(plain: Any, place: str, makers: Mapping[str, Callable[[Any, str], Any]], depth: int = 0) -> Any:
    """See ``write_parameter``; ``makers`` make what stands under a word of its own (``transformer``, ``types``)."""
    if depth > 32:
        raise refuse("at most 32 levels", place, "deeper")
    if isinstance(plain, list):
        return [read_parameter(item, f"{place}[{number}]", makers, depth + 1) for number, item in enumerate(plain)]
    if isinstance(plain, Mapping) and len(plain) == 1:
        ((word, held),) = plain.items()
        if word in makers:
            return makers[word](held, place)
        if word in ("tuple", "slice", "dict"):
            items = read_parameter(held, place, makers, depth + 1)
            try:
                return {"tuple": tuple, "slice": lambda ends: slice(*ends), "dict": dict}[word](items)  # type: ignore[operator]
            except (TypeError, ValueError):
                raise refuse(f"a {word}", place, held) from None
    return read_scalar(plain, place)


def same_parameter(one: Any, other: Any) -> bool:
    """Whether a value is a parameter's default: NaN is, of NaN."""
    if one is other:
        return True
    both_float = isinstance(one, float) and isinstance(other, float)
    if both_float and not (isfinite(one) and isfinite(other)):
        return repr(one) == repr(other)
    return type(one) is type(other) and bool(one == other)
