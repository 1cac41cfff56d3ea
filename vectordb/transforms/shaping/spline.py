"""SplineTransformer: a feature as the values of B-splines, smooth bumps side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any, ClassVar, Final, Self

from ledger import InvalidInput
from vectordb.transforms.base import WIDEST, Transformer
from vectordb.transforms.checks import check_choice, check_flags, check_whole
from vectordb.transforms.counterparts import adopt, lend
from vectordb.transforms.program import Program, Value
from vectordb.transforms.shapes import FLOATS, Shape, each, refuse
from vectordb.transforms.shaping.basis import MISSING, Basis
from vectordb.transforms.shaping.spacing import evenly, of_percentages
from vectordb.transforms.table import Table
from vectordb.views.quantiles import quantiles

EXTRAPOLATIONS: Final = ("error", "constant", "linear", "continue", "periodic")
STEEPEST: Final = 100  # degrees: a value takes the square of it
CLOSEST: Final = 1e-300  # below, a slope between two knots may be infinite


class SplineTransformer(Transformer):
    """The values of ``n_knots + degree - 1`` B-splines of each feature (``periodic``: ``n_knots - 1``).

    ``knots``: ``uniform`` from the least value to the greatest, ``quantile``, or rows of places with an entry a
    feature. ``extrapolation``: what comes of values outside them (see ``Basis``). ``include_bias=False`` leaves the
    last spline of each feature out: together they are always 1. ``handle_missing="zeros"`` gives zeros for NaN, which
    is refused else. ``knots_`` has the knots of each feature, ``degree`` further ones on either side included.
    Output is dense; ``order`` is scikit-learn's and changes nothing. 4 us a value of degree 3.

    Source: de Boor, "On calculating with B-splines" (1972); equal distances beyond the ends as in Eilers and Marx,
    "Flexible smoothing with B-splines and penalties" (1996).

    >>> splines = SplineTransformer(n_knots=3, degree=2).fit([[0.0], [1.0], [4.0]])
    >>> splines.transform([[2.0], [9.0]])
    [[0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """

    _state: ClassVar[dict[str, Shape]] = {"knots_": each(FLOATS)}

    knots_: tuple[tuple[float, ...], ...]
    n_features_out_: int

    def __init__(
        self,
        n_knots: int = 5,
        degree: int = 3,
        *,
        knots: str | Sequence[Sequence[float]] = "uniform",
        extrapolation: str = "constant",
        include_bias: bool = True,
        order: str = "C",
        handle_missing: str = "error",
        sparse_output: bool = False,
    ) -> None:
        self.n_knots = n_knots
        self.degree = degree
        self.knots = knots
        self.extrapolation = extrapolation
        self.include_bias = include_bias
        self.order = order
        self.handle_missing = handle_missing
        self.sparse_output = sparse_output

    @property
    def _nan(self) -> bool:  # type: ignore[override]
        return self.handle_missing == "zeros"

    def _check(self) -> None:
        check_whole("n_knots", self.n_knots, 2)
        check_whole("degree", self.degree, 0)
        if self.degree > STEEPEST:
            raise InvalidInput(f"a spline has a degree of at most {STEEPEST}", degree=self.degree)
        if isinstance(self.knots, str):
            check_choice("knots", self.knots, ("uniform", "quantile"))
        check_choice("extrapolation", self.extrapolation, EXTRAPOLATIONS)
        check_flags(include_bias=self.include_bias, sparse_output=self.sparse_output)
        check_choice("order", self.order, ("C", "F"))
        check_choice("handle_missing", self.handle_missing, ("error", "zeros"))
        if self.sparse_output:
            raise InvalidInput("output is dense", sparse_output=self.sparse_output)

    def _as_numbers(self, table: Table) -> Table:
        try:
            return super()._as_numbers(table)
        except InvalidInput as error:
            if "contains NaN" not in str(error):
                raise
            raise InvalidInput(MISSING, **error.values) from error

    def _learn(self, table: Table, y: Any) -> None:
        if table.rows < 2:
            rule = f"Found array with {table.rows} sample(s) (shape={(table.rows, len(table.columns))})"
            raise InvalidInput(f"{rule} while a minimum of 2 is required by SplineTransformer.")
        if isinstance(self.knots, str):
            places = [self._placed(column) for column in table.columns]
        else:
            places = _given(self.knots, len(table.columns))
        count = len(places[0])
        if self.extrapolation == "periodic" and count <= self.degree:
            rule = f"Periodic splines require degree < n_knots. Got n_knots={count} and degree={self.degree}."
            raise InvalidInput(rule)
        self._settle(tuple(self._extended(own) for own in places))

    def _placed(self, column: list[float]) -> list[float]:
        """The knots inside; of a feature without values all are 0."""
        ordered = sorted(value for value in column if value == value) or [0.0]
        if self.knots == "quantile":
            return quantiles(ordered, of_percentages(evenly(0.0, 1.0, int(self.n_knots))))
        return evenly(ordered[0], ordered[-1], int(self.n_knots))

    def _extended(self, own: list[float]) -> tuple[float, ...]:
        """With further knots on either side: at the distance of the outer two, or as they come round."""
        degree = int(self.degree)
        if self.extrapolation == "periodic":
            period = own[-1] - own[0]
            below = [knot - period for knot in own[len(own) - degree - 1 : -1]]
            above = [knot + period for knot in own[1 : degree + 1]]
        else:
            first, last = own[1] - own[0], own[-1] - own[-2]
            below = evenly(own[0] - degree * first, own[0] - first, degree)
            above = evenly(own[-1] + last, own[-1] + degree * last, degree)
        made = (*below, *own, *above)
        if not all(map(isfinite, made)):
            raise InvalidInput("knots are finite, those beyond the ends too", knots=(own[0], own[-1]))
        if any(0.0 < high - low < CLOSEST for low, high in pairwise(made)):
            rule = f"knots that differ are at least {CLOSEST:g} apart: splines divide by their distances"
            raise InvalidInput(rule, knots=(own[0], own[-1]))
        return made

    def _settle(self, knots: tuple[tuple[float, ...], ...]) -> None:
        self.knots_ = knots
        self.n_features_out_ = len(knots) * self._width()

    def _width(self) -> int:
        """How many outputs a feature has."""
        lost = 2 * self.degree if self.extrapolation == "periodic" else self.degree
        return len(self.knots_[0]) - lost - 1 - (not self.include_bias)

    def _basis(self, place: int, label: str) -> Basis:
        bias, zeros = bool(self.include_bias), self.handle_missing == "zeros"
        return Basis(self.knots_[place], int(self.degree), self.extrapolation, bias, zeros, label)

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        outputs: list[Value] = []
        for place, value in enumerate(map(program.number, values)):
            basis = program.constant(self._basis(place, value.label))
            labels = self._names_out([value.label])
            outputs += program.let_many("{1}({0})", value, basis, labels=labels)
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        return [f"{name}_sp_{place}" for name in names for place in range(self._width())]

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        place = f"{place}.knots_"
        if len(self.knots_) != self.n_features_in_:
            raise refuse("knots of each feature", place, len(self.knots_))
        periodic = self.extrapolation == "periodic"
        for number, own in enumerate(self.knots_):
            least = max(2, self.degree + 1 if periodic else 2) + 2 * self.degree
            if len(own) < least or len(own) != len(self.knots_[0]):
                raise refuse("as many knots as splines need", f"{place}[{number}]", len(own))
            if not all(map(isfinite, own)) or any(low > high for low, high in pairwise(own)):
                raise refuse("finite knots that do not fall", f"{place}[{number}]", own[:20])
        self._settle(self.knots_)
        if self.n_features_out_ > WIDEST:
            raise refuse(f"at most {WIDEST} outputs", place, self.n_features_out_)

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = adopt(cls, fitted)
        made._settle(tuple(tuple(spline.t.tolist()) for spline in fitted.bsplines_))
        return made

    def _to_sklearn(self) -> Any:
        import numpy
        from scipy.interpolate import BSpline
        from sklearn.preprocessing import SplineTransformer as Theirs

        given = self.get_params(False)
        if not isinstance(self.knots, str):
            given["knots"] = numpy.array(self.knots, dtype=float)
        made = lend(Theirs(**given), self)
        periodic = self.extrapolation == "periodic"
        matrix = numpy.eye(self._width() + (not self.include_bias))
        matrix = numpy.concatenate((matrix, matrix[: self.degree])) if periodic else matrix
        further = self.extrapolation in ("periodic", "continue")
        made.bsplines_ = [
            BSpline.construct_fast(numpy.array(own), matrix, self.degree, extrapolate=further) for own in self.knots_
        ]
        made.n_features_out_ = self.n_features_out_
        return made


def _given(knots: Any, width: int) -> list[list[float]]:
    """The knots of each feature, from rows with an entry a feature."""
    rows = knots.tolist() if hasattr(knots, "tolist") else knots
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in rows):
        raise InvalidInput("knots is 'uniform', 'quantile' or rows with an entry a feature", knots=knots)
    if len(rows) < 2:
        raise InvalidInput("Number of knots, knots.shape[0], must be >= 2.", knots=rows)
    if any(len(row) != width for row in rows):
        raise InvalidInput("knots.shape[1] == n_features is violated.", features=width)
    try:
        columns = [list(map(float, column)) for column in zip(*rows)]
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"knots are numbers: {error}", knots=rows[:20]) from error
    for column in columns:
        if not all(map(isfinite, column)) or not all(low < high for low, high in pairwise(column)):
            raise InvalidInput("knots must be sorted without duplicates.", knots=column[:20])
    return columns
