"""LabelEncoder: the place of a label among the sorted ones."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from ledger import CannotTransform, InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.encoding.categorical import array_of, lookup, plain_list
from vectordb.transforms.encoding.categories import CATEGORIES, categories_of, key_of
from vectordb.transforms.program import Program, Value
from vectordb.transforms.shapes import Shape
from vectordb.transforms.table import Table


class LabelEncoder(Transformer):
    """0, 1, ... in the order of ``classes_``: for labels, which are one list, not columns. 0.05 us a label.

    ``fit``, ``transform`` and ``inverse_transform`` take a list (or an array, and then give one). An unknown label is
    refused. In a program it takes one column. Semantics: scikit-learn's LabelEncoder.

    >>> encoder = LabelEncoder()
    >>> encoder.fit_transform(["paris", "paris", "tokyo", "amsterdam"])
    [1, 1, 2, 0]
    >>> encoder.inverse_transform([0, 2])
    ['amsterdam', 'tokyo']
    """

    _numeric = False
    _state: ClassVar[Mapping[str, Shape]] = {"classes_": CATEGORIES}
    classes_: tuple[Any, ...]

    def fit(self, y: Any) -> Self:  # type: ignore[override]
        """Learn the labels."""
        labels = _labels(y)
        self._forget()
        self.n_features_in_ = 1
        self.classes_ = categories_of({key_of(label, "y") for label in labels})
        return self

    def _learn(self, table: Table, y: Any) -> None:
        if len(table.columns) != 1:
            raise InvalidInput("labels are one column", columns=len(table.columns))
        self.classes_ = categories_of({key_of(label, "y") for label in table.columns[0]})

    def transform(self, y: Any) -> Any:
        """The places of labels."""
        self._check_fitted()
        known = lookup(self.classes_, range(len(self.classes_)), "y")
        return _like(y, [_place(known, label) for label in _labels(y)])

    def fit_transform(self, y: Any) -> Any:  # type: ignore[override]
        """Both."""
        return self.fit(y).transform(y)

    def inverse_transform(self, y: Any) -> Any:
        """The labels of places; raises ``CannotTransform`` for a place that has none."""
        self._check_fitted()
        places = _labels(y)
        unseen = [place for place in places if isinstance(place, str) or place not in range(len(self.classes_))]
        if unseen:
            raise CannotTransform(f"y contains previously unseen labels: {unseen[:10]}", feature="y", value=unseen[0])
        return _like(y, [self.classes_[int(place)] for place in places])

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        codes = [float(place) for place in range(len(self.classes_))]
        return [
            program.let("{1}[{0}]", value, program.constant(lookup(self.classes_, codes, value.label)), blank=False)
            for value in values
        ]

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = cls()
        made.n_features_in_ = 1
        made.classes_ = plain_list(fitted.classes_)
        return made

    def _to_sklearn(self) -> Any:
        from sklearn.preprocessing import LabelEncoder as Theirs

        made = Theirs()
        made.classes_ = array_of(self.classes_)
        return made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.one_d_labels = True
        return tags


def _labels(y: Any) -> Sequence[Any]:
    """A list of labels; a column vector is one too."""
    found = y.tolist() if hasattr(y, "tolist") else y
    if isinstance(found, (str, bytes)) or not hasattr(found, "__iter__"):
        raise InvalidInput("y should be a 1d array: labels in a list", type=type(y).__name__)
    found = list(found)
    if any(isinstance(label, (list, tuple)) for label in found):
        if not all(isinstance(label, (list, tuple)) and len(label) == 1 for label in found):
            raise InvalidInput("y should be a 1d array: labels in a list, got rows of several", y=found[:3])
        found = [label[0] for label in found]
    return found


def _like(given: Any, made: list[Any]) -> Any:
    """A list, or an array for an array."""
    return sys.modules["numpy"].asarray(made) if hasattr(given, "__array__") and "numpy" in sys.modules else made


def _place(known: Any, label: Any) -> Any:
    try:
        return known[label]
    except (CannotTransform, TypeError):
        raise CannotTransform(f"y contains previously unseen labels: {label!r}", feature="y", value=label) from None
