"""What every model that is data does."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from decimal import Context, Decimal
from math import inf
from typing import Any, ClassVar, NoReturn

from ledger import DefinitionError, InvalidInput, ModelDefinition

Output = float | list[float]


class Model:
    """A model whose parameters are plain data; ``predict`` is a pure function of a row.

    Arithmetic is in a stated order over float64 (``math.fsum``, one rounding), and ``exp`` comes from
    ``decimal``, so an output has the same bits on every Python and every platform.
    """

    kind: ClassVar[str]
    known: ClassVar[frozenset[str]]  # parameter names besides ``features``

    def __init__(self, definition: ModelDefinition) -> None:
        self.definition = definition
        parameters = definition.parameters
        unknown = set(parameters) - self.known - {"features"}
        if unknown:
            self.refuse("a model of this kind has only known parameters", unknown=sorted(unknown))
        features = parameters.get("features")
        self.features = tuple(features) if isinstance(features, (list, tuple)) else ()
        if not self.features or any(type(name) is not str for name in self.features):
            self.refuse("a model names its features in order", features=parameters.get("features"))
        self.read(parameters)

    def __repr__(self) -> str:
        more = ", ..." if len(self.features) > SHOWN else ""
        return f"{type(self).__name__}({self.definition.label}, features=[{', '.join(self.features[:SHOWN])}{more}])"

    def read(self, parameters: dict[str, Any]) -> None:
        """Take the parameters; refuse what cannot be computed with."""
        raise NotImplementedError

    def predict(self, row: Mapping[str, Any]) -> Output:
        """The output for a row of inputs by name: a number, or a list of numbers.

        Raises ``InvalidInput`` where an input is missing or no number, or the output is beyond float64.
        """
        return self.evaluate([self._number(row, name) for name in self.features])

    def evaluate(self, values: list[float]) -> Output:
        """The output for numbers in the order of ``features``."""
        raise NotImplementedError

    def _number(self, row: Mapping[str, Any], name: str) -> float:
        if name not in row:
            raise InvalidInput("a model's features are inputs of the row", model=self.definition.label, feature=name)
        value = row[name]
        if isinstance(value, (int, float)) and abs(value) <= MAX_FLOAT:  # bool is 0 or 1
            return float(value)
        raise InvalidInput("a model's inputs are numbers", model=self.definition.label, feature=name, value=value)

    def numbers(self, value: Any, name: str, count: int) -> list[float]:
        """A list of exactly ``count`` numbers."""
        good = isinstance(value, (list, tuple)) and len(value) == count
        if not good or any(type(item) not in (int, float) or not abs(item) <= MAX_FLOAT for item in value):
            self.refuse(f"{name} is a list of {count} numbers", value=value)
        return [float(item) for item in value]

    def refuse(self, rule: str, **values: Any) -> NoReturn:
        """Raise ``DefinitionError`` with the model's name."""
        raise DefinitionError(rule, model=self.definition.label, kind=self.definition.kind, **values)


MAX_FLOAT = sys.float_info.max
SHOWN = 5  # features in a repr
_CONTEXT = Context(prec=40, Emax=999_999, Emin=-999_999)


def exact_exp(x: float) -> float:
    """e to the x, correctly rounded (20 us). ``math.exp`` differs in the last bit between C libraries.

    >>> exact_exp(1.0), exact_exp(-800.0), exact_exp(800.0)
    (2.718281828459045, 0.0, inf)
    """
    if x > 709.8:
        return inf
    return float(_CONTEXT.exp(Decimal(x))) if x > -750.0 else 0.0
