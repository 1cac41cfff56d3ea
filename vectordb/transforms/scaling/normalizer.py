"""Normalizer: every row brought to length one."""

from __future__ import annotations

from collections.abc import Callable
from math import dist, fsum
from typing import Any, ClassVar, Final, Self

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.program import Program, Value
from vectordb.transforms.scaling.counterparts import adopt, lend

RULE: Final = "Input X contains NaN: a row with a missing value has no length"


def length_l1(*values: float) -> float:
    """The sum of magnitudes, rounded once; 1 of a row of zeros."""
    try:
        return fsum(map(abs, values)) or 1.0
    except OverflowError:
        return float("inf")


def length_l2(*values: float) -> float:
    """The Euclidean length, without overflow on the way; 1 of a row of zeros. ``dist`` is one C pass."""
    return dist(values, (0.0,) * len(values)) or 1.0


def length_max(*values: float) -> float:
    """The largest magnitude; 1 of a row of zeros."""
    return max(map(abs, values)) or 1.0


LENGTHS: Final[dict[str, Callable[..., float]]] = {"l1": length_l1, "l2": length_l2, "max": length_max}


class Normalizer(Transformer):
    """Each row divided by its length: ``l1`` (sum of magnitudes), ``l2`` (Euclidean) or ``max``; a row of zeros stays.

    There is nothing to learn: it transforms without a fit. NaN is refused.

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
        if not isinstance(self.norm, str) or self.norm not in LENGTHS:
            raise InvalidInput("norm is l1, l2 or max", norm=self.norm)

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        self._check()
        numbers = [program.present(value, RULE) for value in values]
        places = ", ".join(f"{{{place}}}" for place in range(len(numbers)))
        length = program.constant(LENGTHS[self.norm])
        whole = program.let(f"{{{len(numbers)}}}({places})", *numbers, length, blank=False)
        return [program.let("{0} / {1}", number, whole, blank=False) for number in numbers]

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        return adopt(cls, fitted, needs_fit=False)

    def _to_sklearn(self) -> Any:
        from sklearn.preprocessing import Normalizer as Theirs

        return lend(Theirs(**self.get_params()), self)
