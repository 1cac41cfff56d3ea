"""Clip: values kept within limits."""

from __future__ import annotations

from typing import Any, ClassVar

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.checks import is_number
from vectordb.transforms.program import Program, Value
from vectordb.transforms.table import Table


class Clip(Transformer):
    """Values below ``lower`` become it, values above ``upper`` likewise; NaN stays. Each is None (no limit), a number,
    or one of these a feature.

    >>> Clip(lower=0.0, upper=[1.0, None]).transform([[-1.0, 9.0], [2.0, -9.0]])
    [[0.0, 9.0], [1.0, 0.0]]
    """

    _needs_fit: ClassVar[bool] = False

    def __init__(self, lower: Any = None, upper: Any = None) -> None:
        self.lower = lower
        self.upper = upper

    def _check(self) -> None:
        for name, limit in (("lower", self.lower), ("upper", self.upper)):
            limits = limit if isinstance(limit, (list, tuple)) else [limit]
            if not all(one is None or is_number(one) for one in limits):
                raise InvalidInput(f"{name} is None, a finite number, or one a feature", **{name: limit})

    def _learn(self, table: Table, y: Any) -> None:
        self._limits(len(table.columns))

    def _limits(self, width: int) -> list[tuple[float | None, float | None]]:
        """Both limits of every feature."""
        self._check()
        found = []
        for name, limit in (("lower", self.lower), ("upper", self.upper)):
            if isinstance(limit, (list, tuple)) and len(limit) != width:
                raise InvalidInput(f"{name} has a limit for each feature", features=width, limits=len(limit))
            found.append(limit if isinstance(limit, (list, tuple)) else [limit] * width)
        pairs = list(zip(*found))
        wrong = [pair for pair in pairs if None not in pair and pair[0] > pair[1]]
        if wrong:
            raise InvalidInput("a lower limit is not above the upper one", limits=wrong[:10])
        return pairs

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        pairs = zip(map(program.number, values), self._limits(len(values)))
        return [write_limits(program, number, *limits) for number, limits in pairs]


def write_limits(program: Program, number: Value, low: float | None, high: float | None) -> Value:
    """A number within limits; None and NaN are no limit."""
    for limit, template in ((low, "{1} if {0} < {1} else {0}"), (high, "{1} if {0} > {1} else {0}")):
        if limit is not None and limit == limit:
            number = program.let(template, number, program.constant(float(limit)))
    return number
