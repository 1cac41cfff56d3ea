"""OrdinalEncoder: the place of a category among the sorted ones."""

from __future__ import annotations

from math import nan
from numbers import Integral
from typing import Any, ClassVar, Self

from ledger import CannotTransform, InvalidInput, NotANumber
from vectordb.transforms.encoding.categorical import check_dtype, dtype_name, lookup
from vectordb.transforms.encoding.categories import is_nan
from vectordb.transforms.encoding.infrequent import Grouping
from vectordb.transforms.program import Program, Value


class OrdinalEncoder(Grouping):
    """0.0, 1.0, ... in the order of ``categories_``: one look-up a value, 0.05 us.

    NaN becomes ``encoded_missing_value``, an unknown category ``unknown_value`` where ``handle_unknown`` is
    "use_encoded_value"; None is a category like others, sorted last. Infrequent categories share the place after the
    frequent ones. ``sums_`` holds counts, so ``partial_fit``, ``merge`` and ``retract`` give the bits of one fit on the
    same rows. What comes out is float64 whatever ``dtype`` says. Semantics: scikit-learn's OrdinalEncoder.

    >>> encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit([["b"], ["a"]])
    >>> encoder.transform([["a"], ["b"], ["c"]])
    [[0.0], [1.0], [-1.0]]
    """

    _nan_apart: ClassVar[bool] = True

    def __init__(
        self,
        *,
        categories: Any = "auto",
        dtype: str = "float64",
        handle_unknown: str = "error",
        unknown_value: int | float | None = None,
        encoded_missing_value: int | float = nan,
        min_frequency: int | float | None = None,
        max_categories: int | None = None,
    ) -> None:
        """A ``dtype`` of whole numbers refuses a NaN that could not be one."""
        self.categories = categories
        self.dtype = dtype
        self.handle_unknown = handle_unknown
        self.unknown_value = unknown_value
        self.encoded_missing_value = encoded_missing_value
        self.min_frequency = min_frequency
        self.max_categories = max_categories

    def _check(self) -> None:
        self._check_categories()
        self._check_frequencies()
        check_dtype(self.dtype)
        if not _is_code(self.encoded_missing_value):
            rule = "encoded_missing_value is a whole number or nan"
            raise InvalidInput(rule, encoded_missing_value=self.encoded_missing_value)
        self._check_unknown()

    def _check_unknown(self) -> None:
        unknown = self.unknown_value
        if self.handle_unknown not in ("error", "use_encoded_value"):
            rule = "handle_unknown is 'error' or 'use_encoded_value'"
            raise InvalidInput(rule, handle_unknown=self.handle_unknown)
        if self.handle_unknown == "error" and unknown is not None:
            rule = "unknown_value should only be set when handle_unknown is 'use_encoded_value'"
            raise NotANumber(rule, unknown_value=unknown)
        if self.handle_unknown != "error" and not _is_code(unknown):
            rule = "unknown_value should be an integer or nan when handle_unknown is 'use_encoded_value'"
            raise NotANumber(rule, unknown_value=unknown)
        if unknown != unknown and not self.dtype.startswith("float"):
            rule = "When unknown_value is nan, the dtype parameter should be a float dtype"
            raise InvalidInput(rule, dtype=self.dtype)

    def _settle(self) -> None:
        """Refuse codes that would be taken for another category's."""
        for place, categories in enumerate(self.categories_):
            own = self._groupable(categories)
            taken = len(own) - len(self.infrequent_places_[place] or ())
            if self.unknown_value is not None and 0 <= self.unknown_value < taken:
                rule = "The used value for unknown_value is one of those already used for encoding the seen categories"
                raise InvalidInput(rule, unknown_value=self.unknown_value, feature=place)
            if len(own) < len(categories):
                self._check_missing(place, taken)

    def _check_missing(self, place: int, taken: int) -> None:
        code = self.encoded_missing_value
        if code != code and not self.dtype.startswith("float"):
            rule = "There are missing values: set encoded_missing_value to a non-nan value, or dtype to a float"
            raise InvalidInput(rule, dtype=self.dtype, feature=place)
        if 0 <= code < taken:
            rule = "encoded_missing_value is already used to encode a known category"
            raise InvalidInput(rule, encoded_missing_value=code, feature=place)

    def _codes(self, place: int) -> list[float]:
        """The code of each category."""
        codes = [float(slot) for slot in self._slots(place)[0]]
        missing = len(codes) < len(self.categories_[place])
        return [*codes, float(self.encoded_missing_value)] if missing else codes

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        unknown = None if self.unknown_value is None else float(self.unknown_value)
        outputs = []
        for place, value in enumerate(values):
            codes = self._codes(place)
            known = program.constant(lookup(self.categories_[place], codes, value.label, unknown))
            blank = unknown != unknown or any(code != code for code in codes)
            outputs.append(program.let("{1}[{0}]", value, known, blank=blank))
        return outputs

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        outputs = []
        for place, (value, label) in enumerate(zip(values, self._names_in(0))):
            decoded = program.constant(self._uncode(place, label))
            made = program.let("{1}({0})", program.number(value), decoded, label=label, kind="category", blank=True)
            outputs.append(made)
        return outputs

    def _uncode(self, place: int, label: str) -> Uncode:
        """The category of each code; of equal codes the missing one comes first, then the unknown one."""
        known: dict[Any, Any] = {float(slot): shown for slot, shown in enumerate(self._shown(place))}
        if self.unknown_value is not None:
            known[_code(self.unknown_value)] = None
        if len(self._groupable(self.categories_[place])) < len(self.categories_[place]):
            known[_code(self.encoded_missing_value)] = nan
        return Uncode(known, label)

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = cls._adopted(fitted, dtype=dtype_name(fitted.dtype))
        made._adopt_groups(fitted)
        return made

    def _to_sklearn(self) -> Any:
        import numpy
        from sklearn.preprocessing import OrdinalEncoder as Theirs

        made = self._lend(Theirs(**{**self.get_params(False), "dtype": numpy.float64}))
        self._lend_groups(made)
        made._missing_indices = {
            place: len(own) - 1 for place, own in enumerate(self.categories_) if own and is_nan(own[-1])
        }
        return made


def _is_code(value: Any) -> bool:
    return isinstance(value, Integral) or (isinstance(value, float) and value != value)


def _code(value: float) -> float | None:
    """A code under which something can be found: NaN is None."""
    return float(value) if value == value else None


class Uncode:
    """The category of a code."""

    __slots__ = ("known", "label")

    def __init__(self, known: dict[Any, Any], label: str) -> None:
        self.known = known
        self.label = label

    def __call__(self, code: float) -> Any:
        key = code if code == code else None
        if key not in self.known:
            rule = "an inverse takes the code of a category"
            raise CannotTransform(rule, feature=self.label, value=code)
        return self.known[key]
