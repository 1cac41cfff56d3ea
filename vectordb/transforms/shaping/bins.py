"""KBinsDiscretizer: which of a few intervals a number lies in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any, ClassVar, Final, Self
from warnings import warn

from ledger import CannotTransform, InvalidInput
from vectordb.transforms.base import WIDEST, Transformer
from vectordb.transforms.checks import check_choice, check_draw, check_whole, is_whole
from vectordb.transforms.counterparts import adopt, lend
from vectordb.transforms.program import Program, Value
from vectordb.transforms.shapes import FLOATS, Shape, each, refuse
from vectordb.transforms.shaping.clusters import centres
from vectordb.transforms.shaping.draws import drawn
from vectordb.transforms.shaping.spacing import METHODS, evenly, percentages, points
from vectordb.transforms.table import Table

NARROW: Final = 1e-8  # bins that are no wider are dropped
MISSING: Final = "Input X contains NaN. KBinsDiscretizer does not accept missing values encoded as NaN natively."


class KBinsDiscretizer(Transformer):
    """The bin of each value: its number (``encode="ordinal"``), or a column a bin that is 1 or 0 (the others).

    ``bin_edges_`` has the edges of each feature, ``n_bins_`` how many bins they make. A bin includes its lower edge;
    values outside belong to the first or the last bin. ``strategy``: ``uniform`` (equally wide), ``quantile`` (equally
    many values, by ``quantile_method``) or ``kmeans`` (the middles between the centres of clusters). Bins no wider
    than 1e-8 are dropped with a warning (not of ``uniform``); a constant feature has one bin. NaN is refused.
    ``inverse_transform`` gives the middle of the bin, NaN of a constant feature. ``onehot`` is dense here.

    A fit on more than ``subsample`` rows draws that many with replacement, by ``random.Random(random_state)``.
    0.15 us a value; to fit, the time of sorting. Source of the quantiles: Hyndman and Fan (1996).

    >>> bins = KBinsDiscretizer(3, strategy="uniform", encode="ordinal").fit([[-2.0], [-1.0], [0.0], [1.0]])
    >>> bins.bin_edges_, bins.transform([[-1.0], [9.0]])
    (((-2.0, -1.0, 0.0, 1.0),), [[1.0], [2.0]])
    """

    _nan = False
    _state: ClassVar[dict[str, Shape]] = {"bin_edges_": each(FLOATS)}

    bin_edges_: tuple[tuple[float, ...], ...]
    n_bins_: tuple[int, ...]

    def __init__(
        self,
        n_bins: int | Sequence[int] = 5,
        *,
        encode: str = "onehot",
        strategy: str = "quantile",
        quantile_method: str = "averaged_inverted_cdf",
        dtype: str | None = None,
        subsample: int | None = 200_000,
        random_state: int | None = None,
    ) -> None:
        """``dtype`` is None or "float64", which comes out in any case."""
        self.n_bins = n_bins
        self.encode = encode
        self.strategy = strategy
        self.quantile_method = quantile_method
        self.dtype = dtype
        self.subsample = subsample
        self.random_state = random_state

    def _check(self) -> None:
        given: Any = self.n_bins
        if isinstance(given, (str, bytes, Mapping)) or not hasattr(given, "__len__"):
            check_whole("n_bins", given, 2)
        check_choice("encode", self.encode, ("onehot", "onehot-dense", "ordinal"))
        check_choice("strategy", self.strategy, ("uniform", "quantile", "kmeans"))
        check_choice("quantile_method", self.quantile_method, METHODS)
        if self.dtype not in (None, "float64"):
            raise InvalidInput("dtype is None or 'float64', which comes out", dtype=self.dtype)
        check_draw(self.subsample, self.random_state)

    def _learn(self, table: Table, y: Any) -> None:
        counts = self._counts(len(table.columns))
        table = drawn(table, self.subsample, self.random_state, again=True)
        self._settle(
            tuple(self._edges(column, counts[place], place) for place, column in enumerate(table.columns))
        )

    def _counts(self, width: int) -> list[int]:
        """How many bins each feature is to have."""
        given: Any = self.n_bins
        if is_whole(given):
            return [int(given)] * width
        given = list(given)
        if len(given) != width or any(hasattr(count, "__len__") for count in given):
            rule = "n_bins must be a scalar or array of shape (n_features,)."
            raise InvalidInput(rule, n_bins=given[:20], features=width)
        wrong = [place for place, count in enumerate(given) if not _is_count(count)]
        if wrong:
            shown = ", ".join(map(str, wrong))
            raise InvalidInput(
                f"KBinsDiscretizer received an invalid number of bins at indices {shown}. "
                "Number of bins must be at least 2, and must be an int."
            )
        return [int(count) for count in given]

    def _edges(self, column: list[float], count: int, place: int) -> tuple[float, ...]:
        least, most = min(column), max(column)
        if least == most:
            warn(f"Feature {place} is constant and will be replaced with 0.", UserWarning, stacklevel=6)
            return -inf, inf
        if self.strategy == "uniform":
            return tuple(evenly(least, most, count + 1))
        if self.strategy == "quantile":
            edges = points(sorted(column), percentages(count + 1), self.quantile_method)
        else:
            edges = _between_centres(column, least, most, count)
        kept = [edge for edge, below in zip(edges, [-inf, *edges]) if edge - below > NARROW]
        if len(kept) <= count:
            rule = f"Bins whose width are too small (i.e., <= 1e-8) in feature {place} are removed."
            warn(f"{rule} Consider decreasing the number of bins.", UserWarning, stacklevel=6)
        return tuple(kept) if len(kept) > 1 else (least, most)

    def _settle(self, edges: tuple[tuple[float, ...], ...]) -> None:
        self.bin_edges_ = edges
        self.n_bins_ = tuple(len(own) - 1 for own in edges)

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        find = program.constant(bisect_right)
        outputs: list[Value] = []
        for edges, value in zip(self.bin_edges_, values, strict=True):
            value = program.present(value, MISSING)
            inner, count = program.constant(edges[1:-1]), len(edges) - 1
            if self.encode == "ordinal":
                numbers = program.constant(tuple(map(float, range(count))))
                outputs.append(program.let("{1}[{2}({3}, {0})]", value, numbers, find, inner, blank=False))
            else:
                rows = program.constant(_one_hot(count))
                labels = _labels(value.label, count)
                outputs += program.let_many("{1}[{2}({3}, {0})]", value, rows, find, inner, labels=labels)
        return outputs

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        outputs, start = [], 0
        for edges, label in zip(self.bin_edges_, self._names_in(0)):
            middles = tuple(low * 0.5 + high * 0.5 for low, high in pairwise(edges))
            width = 1 if self.encode == "ordinal" else len(middles)
            kind = MiddleOfNumber if self.encode == "ordinal" else MiddleOfHot
            own = values[start : start + width]
            template = "".join(f"{{{place + 1}}}, " for place in range(width))
            middle = program.constant(kind(middles, label))
            outputs.append(program.let(f"{{0}}(({template}))", middle, *own, label=label, blank=True))
            start += width
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        if self.encode == "ordinal":
            return names
        return [label for name, count in zip(names, self.n_bins_) for label in _labels(name, count)]

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        place = f"{place}.bin_edges_"
        if len(self.bin_edges_) != self.n_features_in_:
            raise refuse("edges of each feature", place, len(self.bin_edges_))
        for number, edges in enumerate(self.bin_edges_):
            if len(edges) < 2 or any(not low <= high for low, high in pairwise(edges)):
                raise refuse("at least two edges that do not fall", f"{place}[{number}]", edges[:20])
        self._settle(self.bin_edges_)
        if sum(self.n_bins_) > WIDEST:  # ints
            raise refuse(f"at most {WIDEST} bins", place, sum(self.n_bins_))  # ints

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = adopt(cls, fitted)
        if not all(fitted.n_bins_.tolist()):  # all of a feature's were too narrow
            raise InvalidInput("a feature has at least one bin", n_bins_=fitted.n_bins_.tolist())
        made._settle(tuple(tuple(map(float, edges.tolist())) for edges in fitted.bin_edges_))
        return made

    def _to_sklearn(self) -> Any:
        import numpy
        from sklearn.preprocessing import KBinsDiscretizer as Theirs
        from sklearn.preprocessing import OneHotEncoder

        dtype = numpy.float64 if self.dtype else None
        made = lend(Theirs(**{**self.get_params(False), "dtype": dtype}), self)
        made.bin_edges_ = numpy.empty(len(self.bin_edges_), dtype=object)
        for place, edges in enumerate(self.bin_edges_):
            made.bin_edges_[place] = numpy.array(edges)
        made.n_bins_ = numpy.array(self.n_bins_)
        if self.encode != "ordinal":
            known = [numpy.arange(count) for count in self.n_bins_]
            sparse = self.encode == "onehot"
            made._encoder = OneHotEncoder(categories=known, sparse_output=sparse, dtype=numpy.float64)
            made._encoder.fit(numpy.zeros((1, len(known))))
        return made


class MiddleOfNumber:
    """The middle of a bin, by its number."""

    __slots__ = ("label", "middles")

    def __init__(self, middles: tuple[float, ...], label: str) -> None:
        self.middles = middles
        self.label = label

    def __call__(self, values: tuple[float, ...]) -> float:
        (value,) = values
        if not 0 <= value < len(self.middles):
            raise CannotTransform("a number of a bin", feature=self.label, value=value, bins=len(self.middles))
        return self.middles[int(value)]


class MiddleOfHot(MiddleOfNumber):
    """The middle of a bin, by a value a bin, of which the first of the largest counts."""

    __slots__ = ()

    def __call__(self, values: tuple[float, ...]) -> float:
        if not any(values) or any(value != value for value in values):
            rule = "Samples can not be inverted because they contain all zeros, or NaN"
            raise CannotTransform(rule, feature=self.label, value=values[:20])
        return self.middles[values.index(max(values))]


def _is_count(value: Any) -> bool:
    return hasattr(value, "__float__") and value == value and value >= 2 and int(value) == value


def _between_centres(column: list[float], least: float, most: float, count: int) -> list[float]:
    if len(column) < count:
        raise InvalidInput(f"n_samples={len(column)} should be >= n_clusters={count}.")
    edges = evenly(least, most, count + 1)
    found = centres(column, [low * 0.5 + high * 0.5 for low, high in pairwise(edges)])
    return [least, *(low * 0.5 + high * 0.5 for low, high in pairwise(found)), most]


def _one_hot(count: int) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(place == own) for place in range(count)) for own in range(count))


def _labels(name: str, count: int) -> list[str]:
    return [f"{name}_{float(place)}" for place in range(count)]
