"""Normalizer: every row brought to length one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import fsum, inf, sqrt
from operator import mul
from typing import Any, ClassVar, Final, Self

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.counterparts import adopt, lend
from vectordb.transforms.program import Program, Value
from vectordb.transforms.scaling.learnt import TINY

MISSING: Final = "Input X contains NaN. The transformer does not accept missing values."
SHRUNK: Final = 2.0**-600  # times the numbers of a row whose squares are beyond float64


class Normalizer(Transformer):
    """Each row divided by its length: ``l1`` (sum of magnitudes), ``l2`` (Euclidean) or ``max``.

    There is nothing to learn: it transforms without a fit. NaN is refused. A row of (nearly) no length, below 2.2e-15,
    stays as it is; one of 1e308 comes to length one like others. Sums are rounded once. 0.7 us a row and 0.1 us a
    value. Formulas: scikit-learn's Normalizer.

    >>> Normalizer().transform([[3.0, 4.0]])
    [[0.6, 0.8]]
    """

    _nan: ClassVar[bool] = False
    _needs_fit: ClassVar[bool] = False

    def __init__(self, norm: str = "l2", *, copy: bool = True) -> None:
        """``copy`` is scikit-learn's and changes nothing: what is given is never written to."""
        self.norm = norm
        self.copy = copy

    def _check(self) -> None:
        if not isinstance(self.norm, str) or self.norm not in NORMS:
            raise InvalidInput("norm is l1, l2 or max", norm=self.norm)

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        self._check()
        numbers = [program.present(value, MISSING) for value in values]
        places = ", ".join(f"{{{place}}}" for place in range(1, len(numbers) + 1))
        labels = [value.label for value in values]
        return program.let_many(f"{{0}}(({places},))", program.constant(ToLength(self.norm)), *numbers, labels=labels)

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        return adopt(cls, fitted, needs_fit=False)

    def _to_sklearn(self) -> Any:
        from sklearn.preprocessing import Normalizer as Theirs

        return lend(Theirs(**self.get_params()), self)


def _l1(row: Sequence[float]) -> float:
    return fsum(map(abs, row))


def _l2(row: Sequence[float]) -> float:
    """No ``math.hypot`` or ``math.dist``: their last bit is not promised to be the same in every Python."""
    try:
        total = fsum(map(mul, row, row))
    except OverflowError:
        total = inf
    if total < inf:
        return sqrt(total)
    shrunk = [value * SHRUNK for value in row]
    return sqrt(fsum(map(mul, shrunk, shrunk))) / SHRUNK


def _max(row: Sequence[float]) -> float:
    return max(map(abs, row))


NORMS: Final[dict[str, Callable[[Sequence[float]], float]]] = {"l1": _l1, "l2": _l2, "max": _max}


class ToLength:
    """A row divided by its norm."""

    __slots__ = ("name", "norm")

    def __init__(self, name: str) -> None:
        self.name = name
        self.norm = NORMS[name]

    def __reduce__(self) -> tuple[Any, ...]:
        return ToLength, (self.name,)

    def __call__(self, row: Sequence[float]) -> list[float]:
        try:
            length = self.norm(row)
        except OverflowError:
            length = inf
        if length < TINY:
            return list(row)
        if length == inf:
            return self._of_long(row)
        return [value / length for value in row]

    def _of_long(self, row: Sequence[float]) -> list[float]:
        """Of a row whose length is beyond float64: of a part of it, whose length is not."""
        part = 2.0 ** -(len(row).bit_length() + 1)
        shrunk = [value * part for value in row]
        length = self.norm(shrunk)
        return [value / length for value in shrunk]
