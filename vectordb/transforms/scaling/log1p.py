"""Log1p: the logarithm of one more than a value."""

from __future__ import annotations

from math import expm1, log1p
from typing import Any, ClassVar, Final

from ledger import CannotTransform
from vectordb.transforms.base import Transformer
from vectordb.transforms.counterparts import lend
from vectordb.transforms.program import Program, Refusal, Value

RULE: Final = "a value whose log1p is taken is above -1"


class Log1p(Transformer):
    """``log(1 + x)``, exact near 0; the inverse is ``exp(y) - 1``. NaN stays NaN; a value of -1 or below is refused.

    Nothing is learnt. 0.08 us a value.

    >>> Log1p().transform([[0.0], [1e-20]])
    [[0.0], [1e-20]]
    """

    _needs_fit: ClassVar[bool] = False

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        taken = program.constant(log1p)
        return [
            program.let(
                "{2}({0}) if {0} <= -1.0 else {1}({0})",
                program.number(value),
                taken,
                program.constant(Refusal(value.label, RULE)),
            )
            for value in values
        ]

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        return [program.let("{1}({0})", value, program.constant(Expm1(value.label))) for value in values]

    def _to_sklearn(self) -> Any:
        """One that makes NaN and infinities of what is refused here."""
        import numpy
        from sklearn.preprocessing import FunctionTransformer as Theirs

        given = {"func": numpy.log1p, "inverse_func": numpy.expm1, "feature_names_out": "one-to-one"}
        return lend(Theirs(**given, check_inverse=False), self)


class Expm1:
    """``exp(y) - 1`` of one feature; one beyond float64 is refused."""

    __slots__ = ("label",)

    def __init__(self, label: str) -> None:
        self.label = label

    def __call__(self, value: float) -> float:
        try:
            return expm1(value)
        except OverflowError:
            rule = "the inverse of log1p is a float64"
            raise CannotTransform(rule, feature=self.label, value=value) from None
