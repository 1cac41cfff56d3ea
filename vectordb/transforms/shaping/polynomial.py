"""PolynomialFeatures: products of powers of features, up to a degree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations, combinations_with_replacement, groupby
from math import comb
from typing import Any, ClassVar, Final, Self

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.checks import check_choice, check_flags, is_whole
from vectordb.transforms.counterparts import adopt, lend
from vectordb.transforms.program import Program, Value
from vectordb.transforms.shapes import INT, Shape, refuse
from vectordb.transforms.table import Table

MOST: Final = 2**16  # outputs: each is an expression of the program
WORK: Final = 2**24  # factors squared, all outputs together: what it costs to name and to write them
MISSING: Final = "Input X contains NaN. PolynomialFeatures does not accept missing values encoded as NaN natively."

Factors = tuple[int, ...]  # places of features, one a factor, in order


class PolynomialFeatures(Transformer):
    """Every product of features with at most ``degree`` factors: ``1, a, b, a^2, a b, b^2``.

    ``degree=(least, most)`` leaves products of fewer factors out; ``interaction_only``, those that have a feature
    twice; ``include_bias=False``, the 1. ``powers_`` has the exponent of each feature in each of the
    ``n_output_features_`` outputs, which are at most 65,536. NaN is refused. One multiplication an output: a product is
    its first factor times the product of the others. ``order`` is scikit-learn's and changes nothing.

    >>> products = PolynomialFeatures(2).fit({"a": [2.0], "b": [3.0]})
    >>> products.transform_one([2.0, 3.0]), products.get_feature_names_out()
    ((1.0, 2.0, 3.0, 4.0, 6.0, 9.0), ['1', 'a', 'b', 'a^2', 'a b', 'b^2'])
    """

    _nan = False
    _state: ClassVar[dict[str, Shape]] = {"n_output_features_": INT}

    n_output_features_: int

    def __init__(
        self,
        degree: int | Sequence[int] = 2,
        *,
        interaction_only: bool = False,
        include_bias: bool = True,
        order: str = "C",
    ) -> None:
        self.degree = degree
        self.interaction_only = interaction_only
        self.include_bias = include_bias
        self.order = order

    def _check(self) -> None:
        check_flags(interaction_only=self.interaction_only, include_bias=self.include_bias)
        check_choice("order", self.order, ("C", "F"))
        _, most = self._degrees()
        if most == 0 and not self.include_bias:
            rule = "Setting degree to zero and include_bias to False would result in an empty output array."
            raise InvalidInput(rule, degree=self.degree)

    def _degrees(self) -> tuple[int, int]:
        """The least and the most factors."""
        given: Any = self.degree
        if is_whole(given):
            given = (0, given)
        if isinstance(given, (str, Mapping)) or not hasattr(given, "__len__") or len(given) != 2:
            rule = f"degree must be a non-negative int or tuple (min_degree, max_degree), got {self.degree}."
            raise InvalidInput(rule)
        least, most = given
        if not is_whole(least) or not is_whole(most) or not 0 <= least <= most:
            rule = "degree=(min_degree, max_degree) must be non-negative integers that fulfil min_degree <= max_degree"
            raise InvalidInput(f"{rule}, got {self.degree}.")
        return int(least), int(most)

    def _learn(self, table: Table, y: Any) -> None:
        self.n_output_features_ = self._count(len(table.columns))

    def _count(self, width: int) -> int:
        """How many outputs there are; refused where they are too many."""
        least, most = self._degrees()
        found, work = int(self.include_bias), 0
        for factors in range(max(1, least), (min(most, width) if self.interaction_only else most) + 1):
            if factors**2 > WORK:
                raise InvalidInput("The products that would result have too many factors", degree=self.degree)
            more = comb(width if self.interaction_only else width + factors - 1, factors)
            found, work = found + more, work + more * factors**2
            if found > MOST:
                rule = f"The output that would result has {found} features or more, which is too large: at most {MOST}"
                raise InvalidInput(rule, features=width, degree=self.degree)
            if work > WORK:
                raise InvalidInput("The products that would result have too many factors", degree=self.degree)
        if not found:
            raise InvalidInput("there are fewer features than factors", features=width, degree=self.degree)
        return found

    def _products(self, width: int) -> Iterator[Factors]:
        least, most = self._degrees()
        choose = combinations if self.interaction_only else combinations_with_replacement
        most = min(most, width) if self.interaction_only else most
        found = chain.from_iterable(choose(range(width), factors) for factors in range(max(1, least), most + 1))
        return chain([()], found) if self.include_bias else found

    @property
    def powers_(self) -> tuple[tuple[int, ...], ...]:
        """The exponent of each feature in each output."""
        self._check_fitted()
        width = self.n_features_in_
        return tuple(tuple(map(factors.count, range(width))) for factors in self._products(width))

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        held: dict[Factors, Value] = {}
        held.update(((place,), program.present(value, MISSING)) for place, value in enumerate(values))
        labels = [value.label for value in values]
        outputs = []
        for factors in self._products(len(values)):
            value = _product(program, factors, held) if factors else program.let("1.0", label="1", blank=False)
            outputs.append(value._replace(label=_label(factors, labels)))
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        return [_label(factors, names) for factors in self._products(len(names))]

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        if self.n_output_features_ != self._count(self.n_features_in_):
            raise refuse("as many outputs as products", f"{place}.n_output_features_", self.n_output_features_)

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = adopt(cls, fitted)
        made.n_output_features_ = made._count(made.n_features_in_)
        return made

    def _to_sklearn(self) -> Any:
        import numpy
        from sklearn.preprocessing import PolynomialFeatures as Theirs

        made = Theirs(**self.get_params(False)).fit(numpy.zeros((1, self.n_features_in_)))
        return lend(made, self)


def _product(program: Program, factors: Factors, held: dict[Factors, Value]) -> Value:
    """The product, from that of all factors but the first, which is made where it is needed."""
    for start in range(len(factors) - 1, -1, -1):
        rest = factors[start:]
        if rest not in held:
            held[rest] = program.let("{0} * {1}", held[rest[1:]], held[rest[:1]], blank=False)
    return held[factors]


def _label(factors: Factors, names: Sequence[str]) -> str:
    if not factors:
        return "1"
    powers = ((names[place], len(list(own))) for place, own in groupby(factors))
    return " ".join(name if power == 1 else f"{name}^{power}" for name, power in powers)
