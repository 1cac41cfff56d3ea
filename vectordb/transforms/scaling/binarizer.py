"""Binarizer: 1 above a threshold, else 0."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.checks import is_number
from vectordb.transforms.counterparts import adopt, lend
from vectordb.transforms.program import Program, Value


class Binarizer(Transformer):
    """1.0 for every value above ``threshold``, else 0.0. There is nothing to learn; NaN is refused.

    >>> Binarizer(threshold=1.0).transform([[0.5], [1.5]])
    [[0.0], [1.0]]
    """

    _nan: ClassVar[bool] = False
    _needs_fit: ClassVar[bool] = False

    def __init__(self, *, threshold: float = 0.0, copy: bool = True) -> None:
        """``copy`` is scikit-learn's and changes nothing: what is given is never written to."""
        self.threshold = threshold
        self.copy = copy

    def _check(self) -> None:
        if not is_number(self.threshold):
            raise InvalidInput("threshold is a number", threshold=self.threshold)

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        self._check()
        above = program.constant(float(self.threshold))
        rule = "Input X contains NaN: a missing value is not above or below"
        numbers = [program.present(value, rule) for value in values]
        return [program.let("1.0 if {0} > {1} else 0.0", number, above, blank=False) for number in numbers]

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        return adopt(cls, fitted, needs_fit=False)

    def _to_sklearn(self) -> Any:
        from sklearn.preprocessing import Binarizer as Theirs

        return lend(Theirs(**self.get_params()), self)
