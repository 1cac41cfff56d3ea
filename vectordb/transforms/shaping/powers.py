"""Powers: the curves of Box and Cox and of Yeo and Johnson, and the way back; of the values of one feature each."""

from __future__ import annotations

from math import exp, expm1, inf, log, log1p
from sys import float_info
from typing import Final

from ledger import CannotTransform

EPS: Final = float_info.epsilon
TINY: Final = 1e-19  # exponents of Box and Cox that are taken for 0


class Curve:
    """A curve of one exponent; NaN stays, and a value without a finite result is refused."""

    __slots__ = ("label", "power")

    def __init__(self, power: float, label: str) -> None:
        self.power = power
        self.label = label

    def __call__(self, value: float) -> float:
        try:
            found = self._of(value)
        except (ValueError, OverflowError, ZeroDivisionError):
            found = inf
        if found - found != 0 and value == value:
            rule = f"{type(self).__name__} of a value is a finite number"
            raise CannotTransform(rule, feature=self.label, value=value, power=self.power)
        return found

    def _of(self, value: float) -> float:
        raise NotImplementedError


class YeoJohnson(Curve):
    """``expm1(l log1p(x)) / l``, of negative values ``-expm1((2 - l) log1p(-x)) / (2 - l)``; logarithms in the limit.

    Source: Yeo and Johnson, "A new family of power transformations to improve normality or symmetry" (2000).
    """

    __slots__ = ()

    def _of(self, value: float) -> float:
        if value < 0.0:
            return -_power(log1p(-value), 2.0 - self.power)
        return _power(log1p(value), self.power)


class YeoJohnsonBack(Curve):
    """The value that ``YeoJohnson`` brings to a number."""

    __slots__ = ()

    def _of(self, value: float) -> float:
        if value < 0.0:
            return -expm1(_root(-value, 2.0 - self.power))
        return expm1(_root(value, self.power))


class BoxCox(Curve):
    """``expm1(l log(x)) / l``, the logarithm in the limit; of values above 0.

    Source: Box and Cox, "An analysis of transformations" (1964).
    """

    __slots__ = ()

    def __call__(self, value: float) -> float:
        if value <= 0.0:
            rule = "The Box-Cox transformation can only be applied to strictly positive data"
            raise CannotTransform(rule, feature=self.label, value=value)
        return super().__call__(value)

    def _of(self, value: float) -> float:
        power, reach = self.power, log(value)
        if -TINY < power < TINY:
            return reach
        if power * reach < 709.0:
            return expm1(power * reach) / power
        return exp(power * reach - log(abs(power))) * (1.0 if power > 0.0 else -1.0) - 1.0 / power


class BoxCoxBack(Curve):
    """The value that ``BoxCox`` brings to a number."""

    __slots__ = ()

    def _of(self, value: float) -> float:
        return exp(value if self.power == 0.0 else log1p(self.power * value) / self.power)


def _power(reach: float, power: float) -> float:
    return reach if -EPS < power < EPS else expm1(power * reach) / power


def _root(value: float, power: float) -> float:
    return value if -EPS < power < EPS else log1p(power * value) / power
