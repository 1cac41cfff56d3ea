"""TargetEncoder: a category as the mean of the target beside it, drawn to the mean of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, nan
from numbers import Real
from typing import Any, ClassVar, Self

from ledger import InvalidInput
from vectordb.transforms.encoding.categorical import Categorical, array_of, lookup, plain_list
from vectordb.transforms.encoding.categories import CATEGORIES
from vectordb.transforms.encoding.folds import folds_of
from vectordb.transforms.encoding.labelled import (
    LABELS,
    NUMBERS,
    TALLIES,
    by_category,
    classes_of,
    moments_of,
    sort_held,
    sort_of,
    target_of,
)
from vectordb.transforms.encoding.smoothing import encode, mean_of, type_of
from vectordb.transforms.encoding.tally import Tally
from vectordb.transforms.exact import check_alike
from vectordb.transforms.program import Program, Value
from vectordb.transforms.shapes import FLOATS, TEXT, Shape, each, optional, refuse
from vectordb.transforms.table import Table

TYPES = ("auto", "continuous", "binary", "multiclass")


class TargetEncoder(Categorical):
    """The smoothed mean of the target for each category; an unknown one gets the mean of all. 0.05 us a value.

    ``smooth`` "auto": ``l mean + (1 - l) target_mean_`` with ``l = n V / (n V + v)``, V the variance of the target and
    v that within the category. A number m: ``(sum + m target_mean_) / (n + m)``. Both are worked out in whole numbers
    and rounded once. A target of labels: of two, the share of the greater; of more, a column for each
    (``encodings_`` then has features times classes). ``target_type`` "auto" takes a target with a fraction for
    continuous; state it where pieces may differ.

    ``fit_transform`` is cross-fitted: each row is encoded by the other folds. Folds are ``cv`` parts, stratified by
    label, shuffled by ``random.Random(random_state)`` (not NumPy's generator), or a list of (train, test) places.
    ``sums_`` holds exact sums: ``partial_fit``, ``merge``, ``retract`` give the bits of one fit on the same rows.

    Source: Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes" (2001).

    >>> encoder = TargetEncoder(smooth=2.0).fit([["a"], ["a"], ["b"], ["b"], ["b"]], [1, 0, 1, 1, 0])
    >>> encoder.target_mean_, encoder.encodings_
    (0.6, ((0.55, 0.64),))
    """

    _needs_target = True
    _state: ClassVar[Mapping[str, Shape]] = {
        "sums_": TALLIES,
        "categories_": each(CATEGORIES),
        "encodings_": each(FLOATS),
        "means_": FLOATS,
        "target_type_": TEXT,
        "classes_": optional(CATEGORIES),
    }
    encodings_: tuple[tuple[float, ...], ...]
    means_: tuple[float, ...]
    classes_: tuple[Any, ...] | None

    def __init__(
        self,
        categories: Any = "auto",
        target_type: str = "auto",
        smooth: Any = "auto",
        cv: Any = 5,
        shuffle: bool = True,
        random_state: int | None = 0,
    ) -> None:
        """The default of ``random_state`` gives the same folds each time; None does not."""
        self.categories = categories
        self.target_type = target_type
        self.smooth = smooth
        self.cv = cv
        self.shuffle = shuffle
        self.random_state = random_state

    def _check(self) -> None:
        self._check_categories()
        if self.target_type not in TYPES:
            raise InvalidInput(f"target_type is one of {', '.join(TYPES)}", target_type=self.target_type)
        smooth, cv = self.smooth, self.cv
        if smooth != "auto" and not (isinstance(smooth, Real) and 0 <= float(smooth) < inf):
            raise InvalidInput("smooth is 'auto' or a number from 0", smooth=smooth)
        if not isinstance(cv, (list, tuple)) and not (type(cv) is int and cv >= 2):
            raise InvalidInput("cv is a number of folds from 2, or a list of (train, test)", cv=cv)
        if self.random_state is not None and type(self.random_state) is not int:
            raise InvalidInput("random_state is a whole number or None", random_state=self.random_state)

    @property
    def _by_piece(self) -> bool:  # type: ignore[override]
        """A piece of the rows does not show whether the target has fractions."""
        return self.target_type != "auto"

    @property
    def target_mean_(self) -> float | tuple[float, ...]:
        """The mean of the target; of several classes, the share of each."""
        self._check_fitted()
        return self.means_ if self.target_type_ == "multiclass" else self.means_[0]

    # -- learning ----------------------------------------------------------------------------------------

    def _sums_of(self, table: Table, y: Any) -> Sequence[Tally]:
        values = target_of(y, table.rows)
        found = by_category(table, values, self._sort_of(values))
        self._check_known(found, table)
        return found

    def _sort_of(self, values: Sequence[Any]) -> str:
        """Whether a target is one of numbers; once fitted it stays what it is."""
        held = sort_held(vars(self).get("sums_") or ())
        if self.target_type != "auto":
            return NUMBERS if self.target_type == "continuous" else LABELS
        sort = sort_of(values)
        if held == LABELS and sort == NUMBERS:
            raise InvalidInput("the target was one of labels so far: state target_type='continuous'")
        return held or sort

    def _combined(self, other: Self, how: str) -> Self:
        check_alike(self, other)
        sorts = {sort_held(part.sums_ or ()) for part in (self, other)} - {None}
        if len(sorts) > 1:
            raise InvalidInput("the target of one is of labels, of the other of numbers: state target_type")
        return super()._combined(other, how)

    def _learnt(self) -> None:
        whole = self.sums_[0].whole()
        numbers = self.target_type == "continuous" or sort_held(self.sums_) == NUMBERS
        self.classes_ = None if numbers else classes_of(whole)
        self.target_type_ = "continuous" if self.classes_ is None else type_of(self.classes_, self.target_type)
        self.means_, self.encodings_ = self._encoded(self.sums_)

    def _encoded(self, sums: Sequence[Tally]) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
        """The means of the target and the encodings, a feature's classes side by side."""
        binary = self.target_type_ == "binary"
        wholes = moments_of(sums[0].whole(), self.classes_, binary)
        encodings = []
        for held, categories in zip(sums, self.categories_):
            known = held.by_value()
            parts = [moments_of(known.get(category), self.classes_, binary) for category in categories]
            for place, whole in enumerate(wholes):
                encodings.append(tuple(encode(part[place], whole, self.smooth) for part in parts))
        return tuple(mean_of(whole) for whole in wholes), tuple(encodings)

    def _check_derived(self, place: str) -> None:
        width, classes = len(self.means_), self.classes_
        if self.target_type_ not in TYPES[1:] or (classes is None) != (self.target_type_ == "continuous"):
            raise refuse("a type of target, with classes unless it is continuous", f"{place}.target_type_", classes)
        if width != (len(classes or ()) if self.target_type_ == "multiclass" else 1):
            raise refuse("a mean for each column of a feature", f"{place}.means_", width)
        lengths = [len(own) for own in self.categories_ for _ in range(width)]
        if [len(own) for own in self.encodings_] != lengths:
            raise refuse("an encoding for each category", f"{place}.encodings_", lengths[:20])

    # -- cross-fitting -----------------------------------------------------------------------------------

    def _fit_transform_table(self, table: Table, y: Any) -> list[list[Any]] | None:
        self._fit_table(table, y)
        values = target_of(y, table.rows)
        labels = None if self.classes_ is None else values
        columns: list[list[Any]] = [[nan] * table.rows for _ in self.encodings_]
        for train, test in folds_of(self.cv, table.rows, labels, self.shuffle, self.random_state):
            part = table._replace(columns=[[own[place] for place in train] for own in table.columns], rows=len(train))
            sums = by_category(part, [values[place] for place in train], NUMBERS if labels is None else LABELS)
            self._fill(columns, table, test, *self._encoded(sums))
        return columns

    def _fill(self, columns: list[list[Any]], table: Table, test: list[int], means: Any, encodings: Any) -> None:
        width = len(means)
        for number, (column, encoding) in enumerate(zip(columns, encodings)):
            place, which = divmod(number, width)
            known = lookup(self.categories_[place], encoding, table.labels[place], means[which])
            own = table.columns[place]
            for row in test:
                column[row] = known[own[row]]

    # -- the program -------------------------------------------------------------------------------------

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        outputs: list[Value] = []
        width = len(self.means_)
        for place, value in enumerate(values):
            own = self.encodings_[place * width : (place + 1) * width]
            if self.target_type_ == "multiclass":
                encoded = lookup(self.categories_[place], list(zip(*own)), value.label, self.means_)
                names = self._names_out([value.label])
                outputs += program.let_many("{1}[{0}]", value, program.constant(encoded), labels=names)
            else:
                encoded = lookup(self.categories_[place], own[0], value.label, self.means_[0])
                outputs.append(program.let("{1}[{0}]", value, program.constant(encoded), blank=False))
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        if self.target_type_ != "multiclass":
            return names
        return [f"{name}_{label}" for name in names for label in self.classes_ or ()]

    # -- scikit-learn ------------------------------------------------------------------------------------

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        cv = fitted.cv if isinstance(fitted.cv, int) else 5
        made = cls._adopted(fitted, cv=cv, shuffle=True, random_state=0)  # folds are drawn otherwise here
        made.target_type_ = str(fitted.target_type_)
        made.classes_ = None if fitted.classes_ is None else plain_list(fitted.classes_)
        made.encodings_ = tuple(tuple(encoding.tolist()) for encoding in fitted.encodings_)
        means = fitted.target_mean_.tolist()
        made.means_ = tuple(means) if isinstance(means, list) else (means,)
        return made

    def _to_sklearn(self) -> Any:
        import numpy
        from sklearn.preprocessing import TargetEncoder as Theirs

        cv = self.cv if isinstance(self.cv, int) else 5
        made = self._lend(Theirs(self.categories, target_type=self.target_type, smooth=self.smooth, cv=cv))
        made.target_type_ = self.target_type_
        made.classes_ = None if self.classes_ is None else array_of(self.classes_)
        made.encodings_ = [numpy.array(own) for own in self.encodings_]
        made.target_mean_ = numpy.array(self.means_) if self.target_type_ == "multiclass" else self.means_[0]
        return made
