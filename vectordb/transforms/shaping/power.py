"""PowerTransformer: a feature made more like a normal one, by a power of its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from ledger import InvalidInput
from projections import moments
from vectordb.transforms.base import Transformer
from vectordb.transforms.checks import check_choice, check_flags
from vectordb.transforms.counterparts import adopt, lend
from vectordb.transforms.program import Program, Value
from vectordb.transforms.scaling.standard import StandardScaler
from vectordb.transforms.shapes import FLOATS, Shape, optional, refuse
from vectordb.transforms.shaping.likelihood import box_cox_power, yeo_johnson_power
from vectordb.transforms.shaping.powers import EPS, BoxCox, BoxCoxBack, Curve, YeoJohnson, YeoJohnsonBack
from vectordb.transforms.table import Table


class PowerTransformer(Transformer):
    """Each feature by its curve of Yeo and Johnson, or of Box and Cox (values above 0), then to mean 0 and variance 1.

    ``lambdas_`` has the exponent of each feature, found by Brent's method where the likelihood of a normal sample is
    largest; where ``standardize``, ``means_`` and ``scales_`` are what a ``StandardScaler`` learns from the
    transformed values. NaN is left out of the fit and stays NaN. A constant feature has exponent 1 (``yeo-johnson``)
    or is refused (``box-cox``); one without values is refused. An exponent under which the values of a feature all run
    into one (years to the power of -70; scikit-learn's outputs are equal then) is not taken: the nearest that keeps
    them apart is. A value without a finite result is refused, by the inverse too. 0.4 us a value; 5 us to fit.

    Sources: Yeo and Johnson, "A new family of power transformations" (2000); Box and Cox, "An analysis of
    transformations" (1964).

    >>> curve = PowerTransformer(standardize=False).fit([[1.0], [2.0], [3.0], [9.0], [30.0]])
    >>> round(curve.lambdas_[0], 4), round(curve.transform_one([3.0])[0], 4)
    (-0.4655, 1.0215)
    """

    _by_column = ("lambdas_", "means_", "scales_")
    _state: ClassVar[dict[str, Shape]] = {
        "lambdas_": FLOATS,
        "means_": optional(FLOATS),
        "scales_": optional(FLOATS),
    }

    lambdas_: tuple[float, ...]
    means_: tuple[float, ...] | None
    scales_: tuple[float, ...] | None

    def __init__(self, method: str = "yeo-johnson", *, standardize: bool = True, copy: bool = True) -> None:
        """``copy`` is scikit-learn's and changes nothing: what is given is never written to."""
        self.method = method
        self.standardize = standardize
        self.copy = copy

    def _check(self) -> None:
        check_choice("method", self.method, ("yeo-johnson", "box-cox"))
        check_flags(standardize=self.standardize)

    def _learn(self, table: Table, y: Any) -> None:
        self.lambdas_ = tuple(self._power(column, label) for column, label in zip(table.columns, table.labels))
        self.means_ = self.scales_ = None
        if self.standardize:
            curves = [self._curve(power, label) for power, label in zip(self.lambdas_, table.labels)]
            made = [list(map(curve, column)) for curve, column in zip(curves, table.columns)]
            scaler = StandardScaler()._fit_table(table._replace(columns=made), None)
            self.means_, self.scales_ = scaler.mean_, scaler.scale_

    def _power(self, column: list[float], label: str) -> float:
        values = [value for value in column if value == value]
        if not values:
            raise InvalidInput("Column must not be all nan.", feature=label)
        if self.method == "box-cox":
            if min(values) <= 0.0:
                rule = "The Box-Cox transformation can only be applied to strictly positive data"
                raise InvalidInput(rule, feature=label, value=min(values))
            if min(values) == max(values):
                raise InvalidInput("Data must not be constant.", feature=label, value=values[0], n_samples=len(values))
            return box_cox_power(values)
        return 1.0 if _is_constant(values) else yeo_johnson_power(values)

    def _curve(self, power: float, label: str) -> Curve:
        return YeoJohnson(power, label) if self.method == "yeo-johnson" else BoxCox(power, label)

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        outputs = []
        for place, value in enumerate(map(program.number, values)):
            curve = self._curve(self.lambdas_[place], value.label)
            value = program.let("{1}({0})", value, program.constant(curve))
            if self.means_ is not None and self.scales_ is not None:
                mean, scale = program.constant(self.means_[place]), program.constant(self.scales_[place])
                value = program.let("({0} - {1}) / {2}", value, mean, scale)
            outputs.append(value)
        return outputs

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        outputs, kind = [], YeoJohnsonBack if self.method == "yeo-johnson" else BoxCoxBack
        for place, value in enumerate(values):
            if self.means_ is not None and self.scales_ is not None:
                mean, scale = program.constant(self.means_[place]), program.constant(self.scales_[place])
                value = program.let("{0} * {2} + {1}", value, mean, scale)
            curve = program.constant(kind(self.lambdas_[place], self._names_in(0)[place]))
            outputs.append(program.let("{1}({0})", value, curve))
        return outputs

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        for name in self._state:
            held = getattr(self, name)
            if (held is None) != (name != "lambdas_" and not self.standardize):
                raise refuse("means and scales where it standardizes, and only there", f"{place}.{name}", held)
            if held is None:
                continue
            if len(held) != self.n_features_in_ or any(value - value != 0 for value in held):
                raise refuse("a finite number a feature", f"{place}.{name}", held[:20])
            if name == "scales_" and not all(value > 0 for value in held):
                raise refuse("scales above 0", f"{place}.{name}", held[:20])

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = adopt(cls, fitted)
        made.lambdas_ = tuple(map(float, fitted.lambdas_.tolist()))
        made.means_ = made.scales_ = None
        if made.standardize:
            made.means_ = tuple(fitted._scaler.mean_.tolist())
            made.scales_ = tuple(fitted._scaler.scale_.tolist())
        for name in cls._state:
            held = getattr(made, name) or ()
            if any(value - value != 0 for value in held):
                raise InvalidInput("what is taken over is finite", attribute=name, value=held[:20])
        return made

    def _to_sklearn(self) -> Any:
        import numpy
        from sklearn.preprocessing import PowerTransformer as Theirs
        from sklearn.preprocessing import StandardScaler as TheirScaler

        made = lend(Theirs(**self.get_params(False)), self)
        made.lambdas_ = numpy.array(self.lambdas_)
        if self.means_ is not None:
            scaler = TheirScaler(copy=False).set_output(transform="default")
            scaler.mean_, scaler.scale_ = numpy.array(self.means_), numpy.array(self.scales_)
            scaler.var_, scaler.n_features_in_ = scaler.scale_**2, self.n_features_in_
            made._scaler = scaler
        return made


def _is_constant(values: list[float]) -> bool:
    """As a ``StandardScaler`` has it: nothing is left of the variance beside the rounding of the mean."""
    held = moments(values)
    if held.variance is None:  # beyond float64
        return False
    bound = held.size * (held.mean or 0.0) * EPS
    return held.variance <= held.size * EPS * held.variance + bound * bound
