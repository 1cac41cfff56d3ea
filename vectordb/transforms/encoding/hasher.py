"""FeatureHasher: names and values hashed into a fixed number of columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain
from math import isinf
from typing import Any, ClassVar, Final, Self

from ledger import CannotTransform, InvalidInput, NotANumber
from vectordb.batches.matrix import FeatureMatrix
from vectordb.transforms.base import WIDEST, Compiled, Transformer
from vectordb.transforms.encoding.categorical import check_dtype
from vectordb.transforms.encoding.murmur import murmur3_32
from vectordb.transforms.program import Program, Value
from vectordb.transforms.table import give

KEPT: Final = 4096  # hashes of categories that each feature keeps: 0.5 MB at most
KINDS: Final = ("dict", "pair", "string")


class FeatureHasher(Transformer):
    """Each name adds its value (``name=value`` adds 1) to the column of its hash, with the sign of the hash.

    ``transform`` takes what ``input_type`` says: mappings of names to values, lists of (name, value), lists of names;
    ``dict`` also takes columns (rows, frames, arrays, a feature matrix), whose names are those of the features: a text
    is hashed as ``name=text``, a number counts under its name. In a program it is given columns. Nothing is learnt but
    the names of the features. What is missing (None, NaN) adds nothing. What comes out is dense, so the default of
    ``n_features`` is 1024, not scikit-learn's 2**20. 0.2 us a value; 3 us a text that is new.

    Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (2009); MurmurHash3.

    >>> FeatureHasher(n_features=4).transform([{"dog": 1, "cat": 2}, {"dog": 2, "run": "fast"}])
    [[0.0, -1.0, 0.0, 2.0], [0.0, -2.0, 1.0, 0.0]]
    """

    _numeric = False
    _needs_fit: ClassVar[bool] = False

    def __init__(
        self,
        n_features: int = 1024,
        *,
        input_type: str = "dict",
        dtype: str = "float64",
        alternate_sign: bool = True,
    ) -> None:
        """What comes out is float64 whatever ``dtype`` says."""
        self.n_features = n_features
        self.input_type = input_type
        self.dtype = dtype
        self.alternate_sign = alternate_sign

    def _check(self) -> None:
        if type(self.n_features) is not int or not 1 <= self.n_features < 2**31:
            raise InvalidInput("n_features is a whole number from 1 to 2**31 - 1", n_features=self.n_features)
        if self.input_type not in KINDS:
            raise InvalidInput(f"input_type is one of {', '.join(KINDS)}", input_type=self.input_type)
        check_dtype(self.dtype)
        if not isinstance(self.alternate_sign, bool):
            raise InvalidInput("alternate_sign is True or False", alternate_sign=self.alternate_sign)

    # -- items -------------------------------------------------------------------------------------------

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Check the parameters; of columns the names are kept."""
        self._check()
        if X is None or self.input_type != "dict":
            return self
        columns, rows = _told_apart(X)
        return self if rows is not None else super().fit(columns, y)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Both."""
        if not hasattr(X, "__len__"):
            X = list(X)
        return self.fit(X, y).transform(X)

    def transform(self, X: Any) -> Any:
        """The hashed rows: as an array for an array, else as lists. Raises ``InvalidInput`` for no rows."""
        self._check()
        columns, rows = _told_apart(X) if self.input_type == "dict" else (None, X)
        if rows is None:
            return super().transform(columns)
        hashed = Hashed(self.n_features, self.alternate_sign, ())
        made = [hashed.of_items(self._items(row)) for row in rows]
        if not made:
            raise InvalidInput("Cannot vectorize empty sequence.")
        return self._wrapped(give(list(zip(*made)), len(made), "rows"), X)

    def transform_one(self, row: Any) -> tuple[float, ...]:
        """The outputs of one row: what ``input_type`` says, or values of features in order."""
        if self.input_type == "dict" and not isinstance(row, Mapping):
            return super().transform_one(row)
        self._check()
        return tuple(Hashed(self.n_features, self.alternate_sign, ()).of_items(self._items(row)))

    def _items(self, row: Any) -> Iterable[tuple[Any, Any]]:
        if self.input_type == "dict":
            if not isinstance(row, Mapping):
                raise InvalidInput("rows are mappings of names to values", row=row)
            return row.items()
        if isinstance(row, (str, bytes)):
            rule = "Samples can not be a single string. The input must be an iterable over iterables of strings."
            raise InvalidInput(rule, row=row)
        return row if self.input_type == "pair" else ((name, 1) for name in row)

    # -- the program -------------------------------------------------------------------------------------

    def _compile(self, labels: Any, kinds: Any) -> Compiled:
        """Kept where the names of the features are: else they are the labels, which differ from table to table."""
        if "n_features_in_" not in vars(self):
            self._changed()
        return super()._compile(labels, kinds)

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        self._check()
        if self.n_features > WIDEST:
            raise InvalidInput(f"a program has at most {WIDEST} hashed columns", n_features=self.n_features)
        fitted = "n_features_in_" in vars(self)
        names = self._names_in(0) if fitted else [value.label for value in values]
        hashed = program.constant(Hashed(self.n_features, self.alternate_sign, tuple(names)))
        template = f"{{0}}({', '.join(f'{{{number}}}' for number in range(1, len(values) + 1))})"
        return program.let_many(template, hashed, *values, labels=self._names_out([]))

    def _names_out(self, names: list[str]) -> list[str]:
        return [f"featurehasher{place}" for place in range(self.n_features)]

    # -- scikit-learn ------------------------------------------------------------------------------------

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        return cls(int(fitted.n_features), input_type=fitted.input_type, alternate_sign=fitted.alternate_sign)

    def _to_sklearn(self) -> Any:
        from sklearn.feature_extraction import FeatureHasher as Theirs

        return Theirs(self.n_features, input_type=self.input_type, alternate_sign=self.alternate_sign)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = self.input_type == "string"
        tags.input_tags.dict = self.input_type == "dict"
        return tags


def _told_apart(given: Any) -> tuple[Any, Any]:
    """Columns (whatever a table is read from), or rows that are mappings; None for the other."""
    columns = isinstance(given, (Mapping, FeatureMatrix)) or hasattr(given, "__array__") or hasattr(given, "dtypes")
    if columns or not hasattr(given, "__iter__"):
        return given, None
    rows = iter(given)
    first = next(rows, None)
    if first is None or isinstance(first, Mapping):
        return None, [] if first is None else chain([first], rows)
    return [first, *rows], None


class Slots(dict[Any, tuple[int, float]]):
    """The column and the sign of each text of one feature; bounded."""

    def __init__(self, label: str, width: int, alternate: bool) -> None:
        super().__init__()
        self.label = label
        self.width = width
        self.alternate = alternate

    def __missing__(self, text: str) -> tuple[int, float]:
        found = _slot(f"{self.label}={text}", self.width, self.alternate)
        if len(self) < KEPT:
            self[text] = found
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return Slots, (self.label, self.width, self.alternate)


@lru_cache(KEPT)
def _slot(name: str | bytes, width: int, alternate: bool) -> tuple[int, float]:
    found = murmur3_32(name.encode() if isinstance(name, str) else name)
    return abs(found) % width, -1.0 if alternate and found < 0 else 1.0


class Hashed:
    """The hashed columns of a row."""

    __slots__ = ("width", "alternate", "names", "slots")

    def __init__(self, width: int, alternate: bool, names: tuple[str, ...]) -> None:
        self.width = width
        self.alternate = alternate
        self.names = names
        self.slots = tuple((_slot(name, width, alternate), Slots(name, width, alternate), name) for name in names)

    def __reduce__(self) -> tuple[Any, ...]:
        return Hashed, (self.width, self.alternate, self.names)

    def __call__(self, *values: Any) -> list[float]:
        found = [0.0] * self.width
        for value, (slot, texts, name) in zip(values, self.slots):
            if isinstance(value, str):
                place, sign = texts[value]
                found[place] += sign
            elif value is not None and value == value:
                place, sign = slot
                found[place] += sign * _number(value, name)
        return found

    def of_items(self, items: Iterable[tuple[Any, Any]]) -> list[float]:
        """The same of names and values that come with the row."""
        found = [0.0] * self.width
        for name, value in items:
            if not isinstance(name, (str, bytes)):
                raise NotANumber("feature names must be strings", feature=repr(name), value=value)
            if isinstance(value, str):
                place, sign = _slot(f"{name!s}={value}", self.width, self.alternate)
                found[place] += sign
            elif value is not None and value == value:
                place, sign = _slot(name, self.width, self.alternate)
                found[place] += sign * _number(value, str(name))
        return found


def _number(value: Any, label: str) -> float:
    if type(value) is not float:
        if isinstance(value, bytes) or not hasattr(value, "__float__"):
            raise NotANumber("could not convert to a number", feature=label, value=value)
        value = float(value)
    if isinf(value):
        raise CannotTransform("a number is finite", feature=label, value=value)
    return value  # type: ignore[no-any-return]
