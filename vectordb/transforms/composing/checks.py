"""Checks: the rules that parts of transformers keep, and the words that stand for a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sys import float_info
from typing import Any, Final

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.parameters import parameters_of

PASSTHROUGH: Final = "passthrough"
DROP: Final = "drop"


def check_deep(transformer: Transformer) -> None:
    """Refuse parameters that break a rule, of the parts too, before anything is fitted."""
    transformer._check()
    for value in (*dict(transformer._children()).values(), *transformer.get_params(False).values()):
        if isinstance(value, Transformer):
            check_deep(value)


def check_parts(parts: Any, who: type[Transformer], words: Sequence[str], length: int = 2) -> None:
    """Refuse parts that are not (name, transformer, ...) with names of their own."""
    known = who.__name__
    if not isinstance(parts, (list, tuple)) or not parts:
        raise InvalidInput(f"{known} is made of a list of parts, at least one", parts=parts)
    for part in parts:
        if not isinstance(part, (list, tuple)) or len(part) != length or not isinstance(part[0], str):
            fields = "name, transformer, columns" if length == 3 else "name, transformer"
            raise InvalidInput(f"a part of a {known} is ({fields})", part=part)
        check_part(part[0], part[1], known, words)
    names = [part[0] for part in parts]
    if len(set(names)) < len(names) or any("__" in name or not name for name in names):
        raise InvalidInput("names of parts are unique and have no '__'", names=names[:20])
    if not set(names).isdisjoint(parameters_of(who)):
        raise InvalidInput(f"names of parts are none of {known}'s parameters", names=names[:20])


def check_part(name: str, part: Any, known: str, words: Sequence[str]) -> None:
    """Refuse a part that is no transformer and none of the words; None is one of them."""
    if isinstance(part, Transformer) or part is None or (isinstance(part, str) and part in words):
        return
    rule = f"a part of a {known} is a transformer of this package, or one of {', '.join(words)}"
    raise InvalidInput(rule, name=name, type=type(part).__name__)


def check_union(weights: Any, verbose_names: Any) -> None:
    """Refuse weights that are no finite numbers by name, and a choice of names that is no bool."""
    if type(verbose_names) is not bool:
        raise InvalidInput("verbose_feature_names_out is True or False", verbose_feature_names_out=verbose_names)
    if weights is None:
        return
    if not isinstance(weights, Mapping):
        raise InvalidInput("transformer_weights has a number by name of a part", transformer_weights=weights)
    for name, weight in weights.items():
        number = not isinstance(weight, (bool, str, bytes)) and hasattr(weight, "__float__")
        if not number or not -float_info.max <= weight <= float_info.max:
            raise InvalidInput("a weight is a finite number", name=name, weight=weight)


def check_fitted_on(part: Transformer, width: int, what: str, place: str) -> None:
    """Refuse a stored part that has not learnt, or has learnt from another number of features."""
    if not part.is_fitted:
        raise InvalidInput(f"every {what} is fitted", place=place)
    if vars(part).get("n_features_in_", width) != width:
        raise InvalidInput(f"every {what} takes what it is given", place=place, features=width, part=part)
