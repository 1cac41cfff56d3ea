"""Categorical: what encoders of categories share; fitted from tallies, or made of categories alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from ledger import InvalidInput
from vectordb.transforms.counterparts import adopt, lend
from vectordb.transforms.encoding.categories import categories_of, given_categories, plain
from vectordb.transforms.encoding.tally import COUNTS, Tally, check_together, tally
from vectordb.transforms.exact import Incremental
from vectordb.transforms.program import Lookup
from vectordb.transforms.shapes import Shape, each, optional, refuse
from vectordb.transforms.table import Table, check_floats

UNKNOWN = "Found unknown categories during transform: a category is one that was seen in the fit (see handle_unknown)"


class Categorical(Incremental):
    """``sums_`` has a tally for each feature; None where it was made from scikit-learn's.

    What follows from the tallies is not stored beside them: other attributes of ``_state`` are None in the file where
    ``sums_`` is there. ``_settle`` derives the rest in both cases.
    """

    _numeric = False
    _state: ClassVar[Mapping[str, Shape]] = {"sums_": each(COUNTS)}
    categories: Any = "auto"
    categories_: tuple[tuple[Any, ...], ...]

    # -- learning ----------------------------------------------------------------------------------------

    def _as_numbers(self, table: Table) -> Table:
        for column, kind, label in zip(table.columns, table.kinds, table.labels):
            if kind in ("float", "number"):
                check_floats(column, label, nan_too=True)
        return table

    def _sums_of(self, table: Table, y: Any) -> Sequence[Tally]:
        found = [tally(column, label) for column, label in zip(table.columns, table.labels)]
        self._check_known(found, table)
        return found

    def _check_known(self, found: Sequence[Tally], table: Table) -> None:
        """Refuse given categories that do not fit the columns, and values outside them where none may be unknown."""
        if self._auto():
            return
        if len(self.categories) != len(found):
            raise InvalidInput("Shape mismatch: if categories is an array, it has to be of shape (n_features,).")
        for place, (held, given, kind) in enumerate(zip(found, self.categories, table.kinds)):
            label = table.labels[place]
            known = given_categories(given, label, kind in ("float", "int", "bool"))
            unknown = sorted(set(held.by_value()) - set(known), key=repr)
            if unknown and getattr(self, "handle_unknown", "ignore") == "error":
                rule = f"Found unknown categories {unknown[:10]} in column {place} during fit"
                raise InvalidInput(rule, feature=label)

    def _auto(self) -> bool:
        return isinstance(self.categories, str)

    def _check_categories(self) -> None:
        auto = isinstance(self.categories, str) and self.categories == "auto"
        if not auto and not isinstance(self.categories, (list, tuple)):
            raise InvalidInput("categories is 'auto' or a list with the categories of each feature")

    def _conclude(self) -> None:
        if self._auto():
            self.categories_ = tuple(categories_of(held.held) for held in self.sums_)
        else:
            self.categories_ = tuple(given_categories(given, "categories", False) for given in self.categories)
        self._learnt()
        self._settle()

    def _learnt(self) -> None:
        """Set what follows from the tallies."""

    def _settle(self) -> None:
        """Set what follows from the attributes that are stored."""

    # -- the stored form ---------------------------------------------------------------------------------

    def _write_state(self) -> dict[str, Any]:
        held = self.sums_ is not None
        return {
            name: None if held != (name == "sums_") else shape.write(getattr(self, name))
            for name, shape in self._state.items()
        }

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        held = plain["sums_"] is not None or len(self._state) == 1
        for name, shape in self._state.items():
            stated = held == (name == "sums_")
            if not stated and plain[name] is not None:
                raise refuse("either sums or what follows from them", f"{place}.{name}", plain[name])
            setattr(self, name, (shape if stated else optional(shape)).read(plain[name], f"{place}.{name}"))
        name = "sums_" if held else "categories_"
        if len(getattr(self, name)) != self.n_features_in_:
            raise refuse("an entry for each feature", f"{place}.{name}", len(getattr(self, name)))
        if held:
            check_together(self.sums_, f"{place}.sums_")
            self._check_given(place)
            self._conclude()
        else:
            self._check_derived(place)
            self._settle()

    def _check_given(self, place: str) -> None:
        if not self._auto() and len(self.categories) != self.n_features_in_:
            raise refuse("categories of each feature", place, len(self.categories))

    def _check_derived(self, place: str) -> None:
        """Refuse attributes from a file that do not fit together."""

    # -- scikit-learn ------------------------------------------------------------------------------------

    @classmethod
    def _adopted(cls, fitted: Any, **instead: Any) -> Self:
        """One with the parameters, features and categories of a fitted encoder of scikit-learn's."""
        made = adopt(cls, fitted, **instead)
        made.sums_ = None
        made.categories_ = tuple(plain_list(categories) for categories in fitted.categories_)
        return made

    def _lend(self, made: Any) -> Any:
        """Give features and categories to an encoder of scikit-learn's."""
        lend(made, self)
        made.categories_ = [array_of(categories) for categories in self.categories_]
        made._infrequent_enabled = False
        return made


def plain_list(values: Any) -> tuple[Any, ...]:
    """An array's values as plain ones."""
    return tuple(plain(value, "categories") for value in values.tolist())


def array_of(values: Sequence[Any]) -> Any:
    """Categories as an array, of objects unless all are numbers."""
    import numpy

    numbers = all(isinstance(value, (int, float)) for value in values)
    return numpy.array(values, dtype=None if numbers and values else object)


def lookup(
    categories: Sequence[Any], encoded: Sequence[Any], label: str, unknown: Any = None, kind: type[Lookup] = Lookup
) -> Lookup:
    """What each category becomes."""
    known = {category: code for category, code in zip(categories, encoded) if category == category}
    blank = encoded[-1] if categories and categories[-1] != categories[-1] else None
    return kind(known, label, UNKNOWN, unknown, blank)


DTYPES = frozenset({"float", "int", "float64", "float32", "float16", "int64", "int32", "int16", "int8"})


def check_dtype(dtype: Any) -> None:
    """Refuse what names no type of numbers."""
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise InvalidInput("dtype is the name of a type of numbers (what comes out is float64)", dtype=dtype)


def dtype_name(dtype: Any) -> str:
    """The name of a type of numpy's."""
    return str(getattr(dtype, "__name__", dtype))
