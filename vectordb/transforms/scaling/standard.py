"""StandardScaler: centred on the mean, scaled to unit variance; from exact sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, nan
from sys import float_info
from typing import Any, ClassVar, Self

from projections import Moments, moments
from vectordb.transforms.checks import check_flags
from vectordb.transforms.counterparts import adopt, floats, lend, plain_value
from vectordb.transforms.exact import MOMENTS, Incremental
from vectordb.transforms.program import Program, Value
from vectordb.transforms.scaling.centred import unwrite_centred, write_centred
from vectordb.transforms.scaling.learnt import CENTRES, COUNTS, SCALES, WIDTHS
from vectordb.transforms.shapes import Shape, optional, refuse
from vectordb.transforms.table import Table

EPS = float_info.epsilon


class StandardScaler(Incremental):
    """``(x - mean_) / scale_`` for each feature; NaN is left out of the fit and stays NaN.

    ``scale_`` is the deviation over n (ddof 0), and 1 for a constant feature. ``mean_``, ``var_``, ``scale_`` and
    ``n_samples_seen_`` have an entry a feature; they come from exact sums, so ``partial_fit``, ``merge`` and
    ``retract`` give the bits of one fit on the same rows in any order. 0.3 us a value to fit.

    Constant: var <= n eps var + (n mean eps)^2. Source: Chan, Golub and LeVeque, "Algorithms for computing the sample
    variance" (1983).

    >>> scaler = StandardScaler().fit([[1.0], [2.0], [None], [4.0]])
    >>> scaler.mean_, scaler.var_
    ((2.3333333333333335,), (1.5555555555555556,))
    """

    _by_column = ("mean_", "var_", "scale_", "n_samples_seen_", "sums_")
    _state: ClassVar[dict[str, Shape]] = {
        "mean_": optional(CENTRES),
        "var_": optional(WIDTHS),
        "scale_": optional(SCALES),
        "n_samples_seen_": COUNTS,
        "sums_": optional(MOMENTS),
    }

    mean_: tuple[float, ...] | None
    scale_: tuple[float, ...] | None

    def __init__(self, *, copy: bool = True, with_mean: bool = True, with_std: bool = True) -> None:
        """``copy`` is scikit-learn's and changes nothing: what is given is never written to."""
        self.copy = copy
        self.with_mean = with_mean
        self.with_std = with_std

    def _check(self) -> None:
        check_flags(with_mean=self.with_mean, with_std=self.with_std)

    def _sums_of(self, table: Table, y: Any) -> Sequence[Moments]:
        return [moments([value for value in column if value == value]) for column in table.columns]

    def _conclude(self) -> None:
        sums: Sequence[Moments] = self.sums_
        means = tuple(nan if held.mean is None else held.mean for held in sums)
        self.n_samples_seen_ = tuple(held.size for held in sums)
        self.mean_ = means if self.with_mean or self.with_std else None
        self.var_ = self.scale_ = None
        if self.with_std:
            self.var_ = tuple(_variance(held) for held in sums)
            self.scale_ = tuple(map(_scale, sums))

    def _centres(self) -> tuple[float, ...] | None:
        return self.mean_ if self.with_mean else None

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        return write_centred(program, values, self._centres(), self.scale_)

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        return unwrite_centred(program, values, self._centres(), self.scale_)

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        needed = {"mean_": self.with_mean or self.with_std, "var_": self.with_std, "scale_": self.with_std}
        for name in self._state:
            held = getattr(self, name)
            if name in needed and (held is not None) is not bool(needed[name]):
                raise refuse("what the parameters need", f"{place}.{name}", held)
            if held is not None and len(held) != self.n_features_in_:
                raise refuse("an entry for each feature", f"{place}.{name}", len(held))

    # -- scikit-learn ------------------------------------------------------------------------------------

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = adopt(cls, fitted)
        for name in ("mean_", "var_", "scale_"):
            held = getattr(fitted, name)
            setattr(made, name, None if held is None else floats(fitted, name))
        seen = plain_value(fitted.n_samples_seen_)
        made.n_samples_seen_ = tuple(map(int, seen if isinstance(seen, list) else [seen] * made.n_features_in_))
        made.sums_ = None
        return made

    def _to_sklearn(self) -> Any:
        from sklearn.preprocessing import StandardScaler as Theirs

        made = lend(Theirs(**self.get_params(False)), self, "mean_", "var_", "scale_", "n_samples_seen_")
        if len(set(self.n_samples_seen_)) == 1:
            made.n_samples_seen_ = made.n_samples_seen_[0]
        return made


def _variance(held: Moments) -> float:
    found = held.variance
    return nan if not held.size else inf if found is None else found


def _scale(held: Moments) -> float:
    """The deviation, which exists where the variance is beyond float64; 1 of a constant feature."""
    if not held.size:
        return nan
    mean, variance, count = held.mean or 0.0, _variance(held), held.size
    if variance == inf:  # beyond float64: the rule holds of smaller numbers alike
        mean, deviation = mean * 2.0**-600, (held.deviation or 0.0) * 2.0**-600
        variance = deviation * deviation
    if variance <= count * EPS * variance + (count * mean * EPS) * (count * mean * EPS):
        return 1.0
    return held.deviation or 1.0
