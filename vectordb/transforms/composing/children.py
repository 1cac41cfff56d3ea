"""What transformers made of others share: their parts, copies of them, and their outputs side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.program import FLOAT, Program, Value
from vectordb.transforms.table import Table, check_floats

PASSTHROUGH: Final = "passthrough"
DROP: Final = "drop"
NUMERIC: Final = frozenset({"int", "bool", "number"})


class Composite(Transformer):
    """A transformer made of others. Numbers are checked here, once: the parts take what it takes."""

    _numeric = False

    def _as_numbers(self, table: Table) -> Table:
        for column, kind, label in zip(table.columns, table.kinds, table.labels):
            if kind == FLOAT:
                check_floats(column, label, nan_too=True)
        return table


def unfitted(value: Any) -> Any:
    """A copy of a transformer that has learnt nothing, parts included; of anything else, itself."""
    if isinstance(value, Transformer):
        return type(value)(**{name: unfitted(held) for name, held in value.get_params(False).items()})
    if isinstance(value, (list, tuple)):
        return type(value)(unfitted(item) for item in value)
    return value


def check_parts(parts: Any, who: str, words: Sequence[str]) -> None:
    """Refuse parts that are not (name, transformer, ...) with names of their own."""
    if not isinstance(parts, (list, tuple)) or not parts:
        raise InvalidInput(f"{who} is made of a list of parts, at least one", parts=parts)
    for part in parts:
        if not isinstance(part, (list, tuple)) or len(part) < 2 or not isinstance(part[0], str):
            raise InvalidInput(f"a part of a {who} is (name, transformer)", part=part)
        if not isinstance(part[1], Transformer) and part[1] not in words and part[1] is not None:
            rule = f"a part of a {who} is a transformer of this package, or one of {', '.join(words)}"
            raise InvalidInput(rule, name=part[0], type=type(part[1]).__name__)
    repeated = [name for name, count in Counter(part[0] for part in parts).items() if count > 1]
    if repeated or any("__" in part[0] or not part[0] for part in parts):
        raise InvalidInput("names of parts are unique and have no '__'", names=[part[0] for part in parts][:20])


def passed(program: Program, values: Iterable[Value]) -> list[Value]:
    """Values as they are, numbers as floats."""
    return [program.number(value) if value.kind in NUMERIC else value for value in values]


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
    return table._replace(columns=columns, kinds=tuple(kinds), names=names)


def fit_through(table: Table, part: Transformer, y: Any) -> Table:
    """Fit a part and take the table through it, by its own ``fit_transform`` where that differs (cross-fitting)."""
    own = part._fit_transform_table(table, y)
    return table_out(table, part) if own is None else with_columns(table, part, own, [FLOAT] * len(own))
