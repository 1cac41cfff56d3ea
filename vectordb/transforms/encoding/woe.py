"""WOEEncoder: a category as its weight of evidence for a binary target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, log
from numbers import Real
from typing import Any, ClassVar

from ledger import InvalidInput
from vectordb.transforms.encoding.categorical import Categorical, lookup
from vectordb.transforms.encoding.labelled import LABELS, TALLIES, by_category, classes_of, sort_held, target_of
from vectordb.transforms.encoding.tally import Tally
from vectordb.transforms.program import Program, Value
from vectordb.transforms.shapes import Shape, refuse
from vectordb.transforms.table import Table


class WOEEncoder(Categorical):
    """``ln(((pos + r) / (P + 2 r)) / ((neg + r) / (N + 2 r)))`` for each category. 0.05 us a value.

    ``pos`` and ``neg`` are rows of the category with the greater and the smaller label, ``P`` and ``N`` those of all,
    ``r`` the ``regularization``. None and NaN are categories. An unknown one becomes 0.0 (no evidence), or is refused
    (``handle_unknown`` "error"). Of one label alone 0 and 1 are known to be negative and positive. ``sums_`` holds
    counts, so ``partial_fit``, ``merge`` and ``retract`` give the bits of one fit on the same rows.

    Source: Good, "Probability and the Weighing of Evidence" (1950).

    >>> encoder = WOEEncoder(regularization=0.5).fit([["a"], ["a"], ["b"], ["b"]], [1, 1, 0, 0])
    >>> encoder.encodings_
    ((1.6094379124341003, -1.6094379124341003),)
    """

    _needs_target = True
    _state: ClassVar[Mapping[str, Shape]] = {"sums_": TALLIES}
    encodings_: tuple[tuple[float, ...], ...]

    def __init__(self, *, regularization: float = 1.0, handle_unknown: str = "value") -> None:
        """``handle_unknown``: "value" or "error"."""
        self.regularization = regularization
        self.handle_unknown = handle_unknown

    def _check(self) -> None:
        strength: Any = self.regularization
        if not (isinstance(strength, Real) and 0 < float(strength) < inf):
            raise InvalidInput("regularization is a number above 0", regularization=strength)
        if self.handle_unknown not in ("value", "error"):
            raise InvalidInput("handle_unknown is 'value' or 'error'", handle_unknown=self.handle_unknown)

    def _sums_of(self, table: Table, y: Any) -> Sequence[Tally]:
        return by_category(table, target_of(y, table.rows), LABELS)

    def _check_given(self, place: str) -> None:
        if sort_held(self.sums_) not in (LABELS, None):
            raise refuse("a target of labels", f"{place}.sums_.target", "numbers")

    def _learnt(self) -> None:
        whole = self.sums_[0].whole()
        self.classes_ = classes_of(whole)
        ends = _ends(self.classes_)
        totals = _of_ends(whole, ends)
        self.encodings_ = tuple(
            tuple(_evidence(_of_ends(known[category], ends), totals, self.regularization) for category in categories)
            for known, categories in zip((held.by_value() for held in self.sums_), self.categories_)
        )

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        unknown = 0.0 if self.handle_unknown == "value" else None
        outputs = []
        for place, value in enumerate(values):
            known = lookup(self.categories_[place], self.encodings_[place], value.label, unknown)
            outputs.append(program.let("{1}[{0}]", value, program.constant(known), blank=False))
        return outputs

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags

        tags = super().__sklearn_tags__()
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


def _ends(classes: Sequence[Any]) -> tuple[Any, Any]:
    """The negative and the positive label."""
    if len(classes) > 2:
        raise InvalidInput("Unknown label type: a binary target has two labels", labels=list(classes[:10]))
    if len(classes) == 2:
        return classes[0], classes[1]
    if not classes or classes[0] in (0, 1):
        return 0, 1
    raise InvalidInput("a binary target has two labels; of one alone only 0 and 1 are told apart", labels=list(classes))


def _of_ends(known: Tally | None, ends: tuple[Any, Any]) -> tuple[int, int]:
    counts = {} if known is None else known.by_value()
    return counts.get(ends[0], 0), counts.get(ends[1], 0)


def _evidence(own: tuple[int, int], totals: tuple[int, int], strength: float) -> float:
    """In whole numbers up to the logarithm."""
    up, down = float(strength).as_integer_ratio()
    negative, positive = (count * down + up for count in own)
    all_negative, all_positive = (count * down + 2 * up for count in totals)
    top, bottom = positive * all_negative, negative * all_positive
    # A ratio that float64 does not hold well is left to the logarithms of whole numbers.
    if abs(top.bit_length() - bottom.bit_length()) > 1000:
        return log(top) - log(bottom)
    return log(top / bottom)
