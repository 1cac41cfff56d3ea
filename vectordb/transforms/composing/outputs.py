"""Outputs of parts: passed on, weighted, and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ledger import InvalidInput
from vectordb.transforms.program import OTHER_NUMBERS, Program, Value
from vectordb.transforms.table import Table, to_floats


def passed(program: Program, values: Iterable[Value]) -> list[Value]:
    """Values as they are, numbers as floats."""
    return [program.number(value) if value.kind in OTHER_NUMBERS else value for value in values]


def passed_columns(table: Table) -> list[list[Any]]:
    """Columns of a table as ``passed`` gives them."""
    return [
        to_floats(column, label) if kind in OTHER_NUMBERS else column
        for column, kind, label in zip(table.columns, table.kinds, table.labels)
    ]


def weighted(program: Program, values: Sequence[Value], weight: Any) -> list[Value]:
    """Outputs times the weight of their part."""
    if weight is None:
        return list(values)
    factor = program.constant(float(weight))
    return [program.let("{0} * {1}", program.number(value), factor) for value in values]


def weighted_columns(columns: list[list[Any]], weight: Any) -> list[list[Any]]:
    """Columns times the weight of their part."""
    if weight is None:
        return columns
    factor = float(weight)
    return [[value * factor for value in to_floats(column, "")] for column in columns]


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
