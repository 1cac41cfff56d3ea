"""What transformers made of others share: their parts, copies of them, and their outputs side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from sys import float_info
from typing import Any, Final

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.parameters import parameters_of
from vectordb.transforms.program import FLOAT, Program, Value
from vectordb.transforms.table import Table, check_floats, to_floats

PASSTHROUGH: Final = "passthrough"
DROP: Final = "drop"
NUMERIC: Final = frozenset({"int", "bool", "number"})


class Composite(Transformer):
    """A transformer made of others. Numbers are checked here, once: the parts take what it takes."""

    _numeric = False
    _hands_on = True

    def _as_numbers(self, table: Table) -> Table:
        for column, kind, label in zip(table.columns, table.kinds, table.labels):
            if kind == FLOAT and not table.finite:
                check_floats(column, label, nan_too=True)
        return table._replace(finite=True)


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


def passed(program: Program, values: Iterable[Value]) -> list[Value]:
    """Values as they are, numbers as floats."""
    return [program.number(value) if value.kind in NUMERIC else value for value in values]


def passed_columns(table: Table) -> list[list[Any]]:
    """Columns of a table as ``passed`` gives them."""
    return [
        to_floats(column, label) if kind in NUMERIC else column
        for column, kind, label in zip(table.columns, table.kinds, table.labels)
    ]


def weighted_columns(columns: list[list[Any]], weight: Any) -> list[list[Any]]:
    """Columns times the weight of their part."""
    if weight is None:
        return columns
    factor = float(weight)
    return [[value * factor for value in to_floats(column, "")] for column in columns]


def weighted(program: Program, values: Sequence[Value], weight: Any) -> list[Value]:
    """Outputs times the weight of their part."""
    if weight is None:
        return list(values)
    factor = program.constant(float(weight))
    return [program.let("{0} * {1}", program.number(value), factor) for value in values]


def prefixed(names: Sequence[tuple[str, Sequence[str]]], verbose: bool) -> list[str]:
    """Names of outputs of named parts, with the part's in front where ``verbose``; else they have to differ."""
    if verbose:
        return [f"{part}__{name}" for part, own in names for name in own]
    found = [name for _, own in names for name in own]
    repeated = [name for name, count in Counter(found).items() if count > 1]
    if repeated:
        rule = "output names of different parts differ (verbose_feature_names_out=True puts the part's name in front)"
        raise InvalidInput(rule, repeated=repeated[:10])
    return found


def table_out(table: Table, part: Transformer) -> Table:
    """A table through a fitted part."""
    ready = part._ready(table)
    compiled = part._compile(ready.labels, ready.kinds)
    columns = compiled.fused.columns(ready.rows, ready.columns)
    return with_columns(table, part, columns, [value.kind for value in compiled.outputs])


def with_columns(table: Table, part: Transformer, columns: list[list[Any]], kinds: Sequence[str]) -> Table:
    """A part's outputs as a table, with names where the table had some."""
    names = None if table.names is None else tuple(part.get_feature_names_out(table.names))
    return table._replace(columns=columns, kinds=tuple(kinds), names=names, finite=False)


def fit_through(table: Table, part: Transformer, y: Any) -> Table:
    """Fit a part and take the table through it, by its own ``fit_transform`` where that differs (cross-fitting)."""
    table = table.unpacked()
    own = part._fit_transform_table(table, y)
    return table_out(table, part) if own is None else with_columns(table, part, own, [FLOAT] * len(own))


def fit_part(table: Table, part: Transformer, y: Any, weight: Any, given: bool) -> list[list[Any]]:
    """Fit one of several parts; the columns that it gives, times its weight.

    A fit alone asks for none; then they are made only of a part with a weight, which is refused where they are text.
    """
    if given or weight is not None:
        return weighted_columns(fit_through(table, part, y).columns, weight)
    part._fit_table(table, y)
    return []
