"""QuantileTransformer: the share of a feature's values that are below; uniform, or as a normal deviate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from math import isfinite, nan
from typing import Any, ClassVar, Self
from warnings import warn

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.checks import check_choice, check_draw, check_flags, check_whole
from vectordb.transforms.counterparts import adopt, lend
from vectordb.transforms.program import Program, Value
from vectordb.transforms.shapes import FLOATS, INT, Shape, each, refuse
from vectordb.transforms.shaping.draws import drawn
from vectordb.transforms.shaping.shares import NormalShare, OfNormalShare, OfShare, Share
from vectordb.transforms.shaping.spacing import evenly, of_percentages
from vectordb.transforms.table import Table
from vectordb.views.quantiles import quantiles


class QuantileTransformer(Transformer):
    """The place of a value among the quantiles of its feature, from 0 to 1; or the normal deviate of that place.

    ``quantiles_`` has a row a share in ``references_`` and an entry a feature; between two of them a value is placed in
    proportion, and one that several quantiles are equal to in the middle of these. Values outside get the bounds: 0
    and 1, or about -5.2 and 5.2 (``output_distribution="normal"``: shares below 1e-7 and above 1 - 1e-7). NaN is left
    out of the fit and stays NaN; a feature without values gives NaN only. ``ignore_implicit_zeros`` is scikit-learn's
    for sparse input, which is not taken: True warns.

    A fit on more than ``subsample`` rows (None: never) draws that many without replacement, by
    ``random.Random(random_state)``, where scikit-learn asks NumPy's generator: then the quantiles differ from its.
    0.5 us a value; to fit, the time of sorting. Quantiles: type 7 of Hyndman and Fan (1996).

    >>> shares = QuantileTransformer(n_quantiles=5).fit([[0.0], [2.5], [4.5], [5.0], [9.0]])
    >>> shares.transform([[2.0], [4.75], [-1.0], [10.0]])
    [[0.2], [0.625], [0.0], [1.0]]
    """

    _state: ClassVar[dict[str, Shape]] = {"n_quantiles_": INT, "references_": FLOATS, "quantiles_": each(FLOATS)}

    n_quantiles_: int
    references_: tuple[float, ...]
    quantiles_: tuple[tuple[float, ...], ...]

    def __init__(
        self,
        *,
        n_quantiles: int = 1000,
        output_distribution: str = "uniform",
        ignore_implicit_zeros: bool = False,
        subsample: int | None = 10_000,
        random_state: int | None = None,
        copy: bool = True,
    ) -> None:
        """``copy`` is scikit-learn's and changes nothing: what is given is never written to."""
        self.n_quantiles = n_quantiles
        self.output_distribution = output_distribution
        self.ignore_implicit_zeros = ignore_implicit_zeros
        self.subsample = subsample
        self.random_state = random_state
        self.copy = copy

    def _check(self) -> None:
        check_whole("n_quantiles", self.n_quantiles, 1)
        check_choice("output_distribution", self.output_distribution, ("uniform", "normal"))
        check_flags(ignore_implicit_zeros=self.ignore_implicit_zeros)
        check_draw(self.subsample, self.random_state)
        if self.subsample is not None and self.n_quantiles > self.subsample:
            raise InvalidInput(
                "The number of quantiles cannot be greater than the number of samples used. "
                f"Got {self.n_quantiles} quantiles and {self.subsample} samples."
            )

    def _learn(self, table: Table, y: Any) -> None:
        if self.ignore_implicit_zeros:
            rule = "'ignore_implicit_zeros' takes effect only with sparse matrix. This parameter has no effect."
            warn(rule, UserWarning, stacklevel=4)
        if self.n_quantiles > table.rows:
            rule = f"n_quantiles ({self.n_quantiles}) is greater than the total number of samples ({table.rows})."
            warn(f"{rule} n_quantiles is set to n_samples.", UserWarning, stacklevel=4)
        self.n_quantiles_ = min(int(self.n_quantiles), table.rows)
        self.references_ = tuple(evenly(0.0, 1.0, self.n_quantiles_))
        table = drawn(table, self.subsample, self.random_state, again=False)
        shares = of_percentages(self.references_)
        self._settle([_quantiles(column, shares) for column in table.columns])

    def _settle(self, columns: Sequence[Sequence[float]]) -> None:
        self.quantiles_ = tuple(zip(*(accumulate(column, max) for column in columns)))

    def _columns(self) -> list[tuple[float, ...]]:
        return list(zip(*self.quantiles_))

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        kind = NormalShare if self.output_distribution == "normal" else Share
        return self._placed(program, values, kind)

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        kind = OfNormalShare if self.output_distribution == "normal" else OfShare
        return self._placed(program, values, kind)

    def _placed(self, program: Program, values: list[Value], kind: type[Share]) -> list[Value]:
        outputs = []
        for own, value in zip(self._columns(), map(program.number, values), strict=True):
            known = own[0] == own[0]
            place = program.constant(kind(own, self.references_) if known else nan)
            outputs.append(program.let("{1}({0})" if known else "{1}", value, place, blank=value.blank or not known))
        return outputs

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        count, shares = self.n_quantiles_, self.references_
        if count < 1 or len(shares) != count or len(self.quantiles_) != count:
            raise refuse("as many shares and quantiles as n_quantiles_ says", f"{place}.n_quantiles_", count)
        ends = (shares[0], shares[-1])
        if any(not low < high for low, high in pairwise(shares)) or ends != (0.0, float(count > 1)):
            raise refuse("shares that rise from 0 to 1", f"{place}.references_", shares[:20])
        for number, row in enumerate(self.quantiles_):
            if len(row) != self.n_features_in_:
                raise refuse("an entry a feature", f"{place}.quantiles_[{number}]", len(row))
        for number, own in enumerate(self._columns()):
            missing = all(value != value for value in own)
            if not missing and (not all(map(isfinite, own)) or any(low > high for low, high in pairwise(own))):
                raise refuse(f"quantiles of feature {number} that do not fall", f"{place}.quantiles_", own[:20])

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = adopt(cls, fitted)
        made.n_quantiles_ = int(fitted.n_quantiles_)
        made.references_ = tuple(map(float, fitted.references_.tolist()))
        made._settle([list(map(float, column)) for column in fitted.quantiles_.T.tolist()])
        return made

    def _to_sklearn(self) -> Any:
        import numpy
        from sklearn.preprocessing import QuantileTransformer as Theirs

        made = lend(Theirs(**self.get_params(False)), self)
        made.n_quantiles_ = self.n_quantiles_
        made.references_ = numpy.array(self.references_)
        made.quantiles_ = numpy.array(self.quantiles_)
        return made


def _quantiles(column: list[float], shares: Sequence[float]) -> list[float]:
    ordered = sorted(value for value in column if value == value)
    return quantiles(ordered, shares) if ordered else [nan] * len(shares)
