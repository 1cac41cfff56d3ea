"""OneHotEncoder: a column of 0 and 1 for each category."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import fsum, isfinite
from typing import Any, Self

from ledger import CannotTransform, InvalidInput
from vectordb.transforms.counterparts import plain_value
from vectordb.transforms.encoding.categorical import check_dtype, dtype_name, lookup
from vectordb.transforms.encoding.categories import plain
from vectordb.transforms.encoding.infrequent import Grouping
from vectordb.transforms.program import Lookup, Program, Value

UNKNOWNS = ("error", "ignore", "infrequent_if_exist", "warn")


class OneHotEncoder(Grouping):
    """1.0 in the place of the category, 0.0 elsewhere: one look-up of a tuple a feature, 0.05 us and 0.01 us
    a column. 0.15 us a value to fit.

    ``categories_`` are sorted (numbers, then text, None, NaN); 1, 1.0 and True are one category. ``sums_`` holds
    counts, so ``partial_fit``, ``merge`` and ``retract`` give the bits of one fit on the same rows. What comes out is
    dense float64 whatever ``sparse_output`` and ``dtype`` say. A ``feature_name_combiner`` of one's own works, but is
    not stored. Semantics: scikit-learn's OneHotEncoder.

    >>> encoder = OneHotEncoder(handle_unknown="ignore").fit([["b"], ["a"], [None]])
    >>> encoder.categories_, encoder.transform_one(["b"]), encoder.transform_one(["c"])
    ((('a', 'b', None),), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0))
    """

    def __init__(
        self,
        *,
        categories: Any = "auto",
        drop: Any = None,
        sparse_output: bool = False,
        dtype: str = "float64",
        handle_unknown: str = "error",
        min_frequency: int | float | None = None,
        max_categories: int | None = None,
        feature_name_combiner: Any = "concat",
    ) -> None:
        """``drop``: None, "first", "if_binary", or the category of each feature that has no column."""
        self.categories = categories
        self.drop = drop
        self.sparse_output = sparse_output
        self.dtype = dtype
        self.handle_unknown = handle_unknown
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.feature_name_combiner = feature_name_combiner

    def _check(self) -> None:
        self._check_categories()
        self._check_frequencies()
        check_dtype(self.dtype)
        if self.handle_unknown not in UNKNOWNS:
            raise InvalidInput(f"handle_unknown is one of {', '.join(UNKNOWNS)}", handle_unknown=self.handle_unknown)
        listed = isinstance(self.drop, (list, tuple)) or hasattr(self.drop, "tolist")
        if not listed and self.drop not in (None, "first", "if_binary"):
            raise InvalidInput("drop is None, 'first', 'if_binary' or a category of each feature", drop=self.drop)
        combiner = self.feature_name_combiner
        if combiner != "concat" and not callable(combiner):
            raise InvalidInput("feature_name_combiner is 'concat' or callable", feature_name_combiner=combiner)

    def _settle(self) -> None:
        self.drop_idx_ = None if self.drop is None else tuple(self._dropped())

    # -- what is dropped ---------------------------------------------------------------------------------

    def _dropped(self) -> list[int | None]:
        """The place among a feature's categories of the one without a column."""
        if not isinstance(self.drop, str):
            return self._dropped_of(plain_value(self.drop))
        found = []
        for place in range(len(self.categories_)):
            slots, width = self._slots(place)
            drops = width == 2 if self.drop == "if_binary" else width > 0
            found.append(slots.index(0) if drops else None)
        return found

    def _dropped_of(self, given: Sequence[Any]) -> list[int | None]:
        if len(given) != len(self.categories_):
            rule = f"`drop` should have length equal to the number of features ({len(self.categories_)})"
            raise InvalidInput(rule, drop=len(given))
        found: list[int | None] = []
        for place, (value, own) in enumerate(zip(given, self.categories_)):
            value = plain(value, "drop")
            if value not in own:
                raise InvalidInput("The following categories were supposed to be dropped, but were not found in the "
                                   f"training data: {value!r}", feature=place)
            number = own.index(value)
            if number in (self.infrequent_places_[place] or ()):
                raise InvalidInput(f"Unable to drop category {value!r} from feature {place} because it is infrequent")
            found.append(number)
        return found

    def _dropped_slot(self, place: int) -> int | None:
        number = None if self.drop_idx_ is None else self.drop_idx_[place]
        return None if number is None else self._slots(place)[0][number]

    def _columns(self, place: int) -> list[Any]:
        """The categories that have a column."""
        dropped = self._dropped_slot(place)
        return [category for slot, category in enumerate(self._shown(place)) if slot != dropped]

    # -- the program -------------------------------------------------------------------------------------

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        outputs = []
        for place, value in enumerate(values):
            names = self._names_of(value.label, place)
            known = program.constant(self._lookup(place, value.label))
            if len(names) > 1:
                outputs += program.let_many("{1}[{0}]", value, known, labels=names)
            elif names:
                outputs.append(program.let("{1}[{0}][0]", value, known, label=names[0], blank=False))
            else:  # no column, but an unknown category is refused
                program.let("{1}[{0}]", value, known, kind="category")
        return outputs

    def _lookup(self, place: int, label: str) -> Lookup:
        slots, width = self._slots(place)
        dropped = self._dropped_slot(place)
        rows = [_unit(slot, width, dropped) for slot in range(width)]
        unknown, kind = None, Lookup
        if self.handle_unknown != "error":
            zeros = tuple(0.0 for slot in range(width) if slot != dropped)
            shared = self.infrequent_places_[place] is not None and self.handle_unknown != "ignore"
            unknown = rows[-1] if shared else zeros
            kind = Warned if self.handle_unknown == "warn" or self.drop is not None else Lookup
        return lookup(self.categories_[place], [rows[slot] for slot in slots], label, unknown, kind)

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        outputs, start = [], 0
        for place, label in enumerate(self._names_in(0)):
            columns, dropped = self._columns(place), self._dropped_slot(place)
            own = [program.number(value) for value in values[start : start + len(columns)]]
            start += len(columns)
            none = None if dropped is None else self._shown(place)[dropped]
            made = Unhot(columns, label, none, dropped is not None or self._lenient(place))
            template = f"{{0}}({', '.join(f'{{{number}}}' for number in range(1, len(own) + 1))})"
            constant = program.constant(made)
            outputs.append(program.let(template, constant, *own, label=label, kind="category", blank=True))
        return outputs

    def _lenient(self, place: int) -> bool:
        """Whether a row of zeros stands for an unknown category."""
        if self.handle_unknown == "ignore":
            return True
        return self.handle_unknown != "error" and self.infrequent_places_[place] is None

    # -- names -------------------------------------------------------------------------------------------

    def _names_of(self, label: str, place: int) -> list[str]:
        if self.feature_name_combiner == "concat":
            return [f"{label}_{category}" for category in self._columns(place)]
        names = [self.feature_name_combiner(label, category) for category in self._columns(place)]
        if not all(isinstance(name, str) for name in names):
            raise InvalidInput("When `feature_name_combiner` is a callable, it should return a Python string.")
        return names

    def _names_out(self, names: list[str]) -> list[str]:
        return [name for place, label in enumerate(names) for name in self._names_of(label, place)]

    # -- scikit-learn ------------------------------------------------------------------------------------

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = cls._adopted(fitted, dtype=dtype_name(fitted.dtype), sparse_output=False)
        made._adopt_groups(fitted)
        return made

    def _to_sklearn(self) -> Any:
        import numpy
        from sklearn.preprocessing import OneHotEncoder as Theirs

        made = self._lend(Theirs(**{**self.get_params(False), "dtype": numpy.float64, "sparse_output": False}))
        self._lend_groups(made)
        made._set_drop_idx()
        made._n_features_outs = made._compute_n_features_outs()
        return made


def _unit(one: int, width: int, dropped: int | None) -> tuple[float, ...]:
    return tuple(float(slot == one) for slot in range(width) if slot != dropped)


class Warned(Lookup):
    """A look-up that warns of an unknown category, which would look like another one."""

    def __missing__(self, value: Any) -> Any:
        found = super().__missing__(value)
        if value == value or self.blank is None:
            what = "as the infrequent category" if any(found) else "as all zeros"
            warnings.warn(
                f"Found unknown categories in column {self.label} during transform. These unknown categories will be "
                f"encoded {what}.",
                UserWarning,
                stacklevel=2,
            )
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return Warned, super().__reduce__()[1]


class Unhot:
    """The category of a feature's columns: the greatest, the first of equal ones."""

    __slots__ = ("columns", "label", "none", "allowed")

    def __init__(self, columns: Sequence[Any], label: str, none: Any, allowed: bool) -> None:
        """``none`` is what columns of zeros stand for, if they are ``allowed``."""
        self.columns = columns
        self.label = label
        self.none = none
        self.allowed = allowed

    def __call__(self, *values: float) -> Any:
        if not all(map(isfinite, values)):
            raise CannotTransform("an inverse takes finite numbers", feature=self.label, value=values[:20])
        if not values or fsum(values) == 0:
            if self.allowed:
                return self.none
            rule = "a row of zeros can not be inverted when drop=None and handle_unknown='error'"
            raise CannotTransform(rule, feature=self.label, value=values[:20])
        return self.columns[values.index(max(values))]
