"""Composite: what transformers made of others share; how their parts are fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vectordb.transforms.base import Transformer
from vectordb.transforms.composing.outputs import weighted_columns
from vectordb.transforms.program import FLOAT
from vectordb.transforms.table import Table, without_infinities


class Composite(Transformer):
    """A transformer made of others. Numbers are checked here, once: the parts take what it takes."""

    _numeric = False
    _hands_on = True

    def _as_numbers(self, table: Table) -> Table:
        return without_infinities(table)

    def _fit_parts(self, table: Table, y: Any, given: bool = True) -> list[list[Any]]:
        """Fit the parts; the columns that they give, where they are asked for (``given``)."""
        raise NotImplementedError

    def _learn(self, table: Table, y: Any) -> None:
        self._fit_parts(table, y, given=False)

    def _fit_transform_table(self, table: Table, y: Any) -> list[list[Any]] | None:
        """The columns of the fit where a part cross-fits; else what the fitted whole gives is the same."""
        if not self._needs_target:
            self._fit_table(table, y)
            return None
        self._check()
        self._forget()
        ready = self._as_numbers(table)
        self._see(ready)
        return self._fit_parts(ready, y)


class SideBySide(Composite):
    """Parts whose outputs stand one after the other, each times the weight of its part."""

    transformer_weights: Mapping[str, float] | None

    def _weight(self, name: str) -> float | None:
        return None if self.transformer_weights is None else self.transformer_weights.get(name)


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
