"""RobustScaler: centred on the median, scaled by a range of quantiles."""

from __future__ import annotations

from math import isfinite, nan
from statistics import NormalDist
from typing import Any, ClassVar, Self

from ledger import InvalidInput
from vectordb.transforms.checks import check_flags, check_quantile_range
from vectordb.transforms.counterparts import adopt, floats, lend
from vectordb.transforms.program import Program, Value
from vectordb.transforms.scaling.centred import unwrite_centred, write_centred
from vectordb.transforms.scaling.learnt import CENTRES, SCALES, Quantiles, median, present, stretch
from vectordb.transforms.shapes import Shape, optional
from vectordb.transforms.table import Table
from vectordb.views.quantiles import quantiles


class RobustScaler(Quantiles):
    """``(x - center_) / scale_``: the median, and the distance of two percentiles (``quantile_range``), by linear
    interpolation. NaN is left out of the fit and stays NaN; a distance of (nearly) nothing, below 2.2e-15, is 1.

    ``unit_variance`` divides so that normally distributed values come out with variance 1, for percentiles that differ
    and are neither 0 nor 100. Nothing is learnt in pieces, merged or retracted. 0.2 us a value to fit. Formulas:
    scikit-learn's RobustScaler.

    >>> scaler = RobustScaler().fit([[1.0], [2.0], [3.0], [4.0], [100.0]])
    >>> scaler.center_, scaler.scale_
    ((3.0,), (2.0,))
    """

    center_: tuple[float, ...] | None
    scale_: tuple[float, ...] | None
    _by_column = ("center_", "scale_")
    _state: ClassVar[dict[str, Shape]] = {"center_": optional(CENTRES), "scale_": optional(SCALES)}

    def __init__(
        self,
        *,
        with_centering: bool = True,
        with_scaling: bool = True,
        quantile_range: tuple[float, float] = (25.0, 75.0),
        copy: bool = True,
        unit_variance: bool = False,
    ) -> None:
        """``copy`` is scikit-learn's and changes nothing: what is given is never written to."""
        self.with_centering = with_centering
        self.with_scaling = with_scaling
        self.quantile_range = quantile_range
        self.copy = copy
        self.unit_variance = unit_variance

    def _check(self) -> None:
        flags = {"with_centering": self.with_centering, "with_scaling": self.with_scaling}
        check_flags(**flags, unit_variance=self.unit_variance)
        check_quantile_range(self.quantile_range)
        low, high = self.quantile_range
        if self.unit_variance and not 0 < low < high < 100:
            rule = "Invalid quantile range: unit_variance takes two that differ, between 0 and 100"
            raise InvalidInput(rule, quantile_range=self.quantile_range)

    def _learn(self, table: Table, y: Any) -> None:
        columns = [sorted(present(column)) for column in table.columns]
        self.center_ = tuple(map(median, columns)) if self.with_centering else None
        self.scale_ = tuple(map(self._scale, columns, table.labels)) if self.with_scaling else None

    def _scale(self, ordered: list[float], label: str) -> float:
        if not ordered:
            return nan
        shares = [float(end) / 100.0 for end in self.quantile_range]
        low, high = quantiles(ordered, shares)
        width = stretch(high - low)
        if self.unit_variance:
            normal = NormalDist()
            width /= normal.inv_cdf(shares[1]) - normal.inv_cdf(shares[0])
        if not isfinite(width):
            raise InvalidInput("the distance of two quantiles is a float64", feature=label, quantiles=[low, high])
        return width

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        return write_centred(program, values, self.center_, self.scale_)

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        return unwrite_centred(program, values, self.center_, self.scale_)

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = adopt(cls, fitted)
        for name in cls._state:
            setattr(made, name, None if getattr(fitted, name) is None else floats(fitted, name))
        return made

    def _to_sklearn(self) -> Any:
        from sklearn.preprocessing import RobustScaler as Theirs

        return lend(Theirs(**self.get_params()), self, *self._state)
