"""SimpleImputer: a statistic of the feature where a value is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, nan
from typing import Any, ClassVar, Final, Self

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.checks import check_flags, is_number
from vectordb.transforms.exact import Incremental
from vectordb.transforms.filling.counterpart import from_theirs, to_theirs
from vectordb.transforms.filling.held import SUMS, Held, hold, mode
from vectordb.transforms.filling.missing import NUMBER, NUMERIC, OTHER, Missing, is_blank, resolved
from vectordb.transforms.filling.missing_indicator import MissingIndicator, check_kinds
from vectordb.transforms.program import FLOAT, Program, Value
from vectordb.transforms.scaling.learnt import COUNT, median
from vectordb.transforms.shapes import BOOL, SCALARS, TEXTS, Shape, each, optional, refuse
from vectordb.transforms.table import Table, read_table, to_floats, without_infinities

STRATEGIES: Final = ("mean", "median", "most_frequent", "constant")
TEXT_FILL: Final = "missing_value"
COUNTS: Final = optional(each(COUNT))


class SimpleImputer(Incremental):
    """Fills missing values: with the ``mean`` or ``median`` of numbers, the ``most_frequent`` value (of equally
    frequent ones the smallest), or the ``constant`` ``fill_value`` (0, or "missing_value" for text).

    ``missing_values`` NaN or None: both are missing. Each feature is one of numbers or not, by its own values. One that
    is wholly missing is left out of the outputs, unless ``keep_empty_features`` (then filled with 0 or the constant).
    ``add_indicator`` adds a column of 0.0 and 1.0 for each feature that had missing values in the fit. ``statistics_``
    has the fill of each feature, NaN for one that is left out.

    Means and counts are exact: ``partial_fit``, ``merge`` and ``retract`` give the bits of one fit, the indicator
    included; a median has none of them. 0.3 us a value to fit, 0.03 us to fill. Semantics: scikit-learn's.

    >>> SimpleImputer().fit([[1.0], [None], [4.0]]).transform([[None]])
    [[2.5]]
    """

    _numeric = False
    _by_column = ("statistics_", "kinds_", "empty_", "gaps_", "sums_")
    _state: ClassVar[dict[str, Shape]] = {"statistics_": SCALARS, "kinds_": TEXTS, "empty_": each(BOOL)}

    statistics_: tuple[Any, ...]
    kinds_: tuple[str, ...]
    empty_: tuple[bool, ...]
    gaps_: tuple[int, ...]
    indicator_: MissingIndicator | None

    def __init__(
        self,
        *,
        missing_values: Any = nan,
        strategy: str = "mean",
        fill_value: Any = None,
        copy: bool = True,
        add_indicator: bool = False,
        keep_empty_features: bool = False,
    ) -> None:
        """``copy`` is scikit-learn's and changes nothing: what is given is never written to."""
        self.missing_values = missing_values
        self.strategy = strategy
        self.fill_value = fill_value
        self.copy = copy
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features

    def _check(self) -> None:
        Missing(self.missing_values)
        if not isinstance(self.strategy, str) or self.strategy not in STRATEGIES:
            raise InvalidInput("strategy is one of " + ", ".join(STRATEGIES), strategy=self.strategy)
        check_flags(add_indicator=self.add_indicator, keep_empty_features=self.keep_empty_features)
        fill = self.fill_value
        if self.strategy == "constant" and not (fill is None or isinstance(fill, (str, bool)) or is_number(fill)):
            raise InvalidInput("fill_value is a finite number, text or None", fill_value=fill)

    def _as_numbers(self, table: Table) -> Table:
        return without_infinities(table)

    # -- learning ----------------------------------------------------------------------------------------

    def _learn(self, table: Table, y: Any) -> None:
        missing = Missing(self.missing_values)
        self.kinds_ = missing.kinds(table)
        for column, kind, label in zip(table.columns, self.kinds_, table.labels):
            if kind == OTHER and self.strategy in ("mean", "median"):
                to_floats(column, label)  # says which value is no number
        ready = missing.columns(table, resolved(self.kinds_))
        if self.strategy != "median":
            super()._learn(ready, y)
            return
        present = [sorted(missing.present(column)) for column in ready.columns]
        self.sums_ = None
        self.gaps_ = tuple(table.rows - len(values) for values in present)
        self._settle(list(map(median, present)), [not values for values in present])

    def _sums_of(self, table: Table, y: Any) -> Sequence[Held]:
        """Of a table whose columns are ready."""
        missing = Missing(self.missing_values)
        return [
            hold(self.strategy, kind, missing.present(column), table.rows, label)
            for kind, column, label in zip(self.kinds_, table.columns, table.labels)
        ]

    def _conclude(self) -> None:
        self.kinds_ = tuple(held.kind for held in self.sums_)
        self.gaps_ = tuple(held.gaps for held in self.sums_)
        empty = [not held.sums.size for held in self.sums_]
        shown = zip(self.sums_, empty, self._kinds())
        self._settle([nan if gone else self._fill(held.sums, kind) for held, gone, kind in shown], empty)

    def _fill(self, sums: Any, kind: str) -> Any:
        if self.strategy == "most_frequent":
            return mode(sums)
        return sums.mean if self.strategy == "mean" else self._constant(kind)

    def _constant(self, kind: str) -> Any:
        if self.fill_value is None:
            return 0.0 if kind == NUMBER else TEXT_FILL
        if kind == NUMBER and isinstance(self.fill_value, str):
            raise InvalidInput("a feature of numbers is filled with a number", fill_value=self.fill_value)
        return float(self.fill_value) if kind == NUMBER else self.fill_value

    def _kinds(self) -> tuple[str, ...]:
        """Kinds of which none is open."""
        return resolved(self.kinds_, self.strategy == "constant" and isinstance(self.fill_value, str))

    def _settle(self, fills: list[Any], empty: list[bool]) -> None:
        """Take fills, and which features had no value at all."""
        if self.keep_empty_features:
            zeros = {NUMBER: 0.0, OTHER: 0}
            other = [self._constant(kind) if self.strategy == "constant" else zeros[kind] for kind in self._kinds()]
            fills = [blank if gone else fill for fill, blank, gone in zip(fills, other, empty)]
        self.statistics_ = tuple(fills)
        self.empty_ = tuple(gone and not self.keep_empty_features for gone in empty)
        self._mark()

    def _mark(self) -> None:
        self.indicator_ = None
        if self.add_indicator:
            self.indicator_ = MissingIndicator(missing_values=self.missing_values, error_on_new=False)
            self.indicator_._settle(self._kinds(), self.gaps_)

    def _columnwise(self) -> Sequence[Transformer]:
        return [] if self.add_indicator else [self]

    # -- in pieces ---------------------------------------------------------------------------------------

    @property
    def partial_fit(self) -> Any:
        """``partial_fit(X, y=None)``: learn from more rows, the same as one fit on all of them. A median has none."""
        if self.strategy == "median":
            raise AttributeError("a SimpleImputer of a median has no partial_fit")
        return self._fit_more

    def _fit_more(self, X: Any, y: Any = None) -> Self:
        if "n_features_in_" not in vars(self):
            return self.fit(X, y)
        self._check_sums("partial_fit")
        more = type(self)(**self.get_params(False))
        joined = self.merge(more._fit_table(self._ready(read_table(X, type(self).__name__)), y))
        for name, value in vars(joined).items():
            setattr(self, name, value)
        return self

    def _check_sums(self, how: str) -> None:
        if self.strategy == "median":
            raise InvalidInput(
                f"a SimpleImputer of medians cannot {how}: a median is of all rows at once", imputer=self
            )
        super()._check_sums(how)

    # -- transforming ------------------------------------------------------------------------------------

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        missing, outputs = Missing(self.missing_values), []
        for value, kind, fill, gone in zip(values, self._kinds(), self.statistics_, self.empty_):
            if not gone:
                test, value, constants = missing.test(program, value, kind)
                template = f"{{{len(constants) + 1}}} if {test} else {{0}}"  # of what stands last
                kept = type(fill) is float if value.kind == FLOAT else value.kind not in NUMERIC
                constants, shown = [*constants, program.constant(fill)], value.kind if kept else OTHER
                outputs.append(program.let(template, value, *constants, kind=shown, blank=False))
        return outputs + (self.indicator_._write(program, values) if self.indicator_ else [])

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        """Missing again where the indicator says so; a feature that was left out comes back missing."""
        if self.indicator_ is None:
            raise InvalidInput("'inverse_transform' works only when 'SimpleImputer' has 'add_indicator=True'")
        kept = [place for place, gone in enumerate(self.empty_) if not gone]
        filled = dict(zip(kept, values))
        flags = dict(zip(self.indicator_.features_, values[len(kept) :]))
        outputs = []
        for place, kind in enumerate(self._kinds()):
            numbers = kind == NUMBER and (place not in filled or filled[place].kind == FLOAT)
            marker = nan if numbers and is_blank(self.missing_values) else self.missing_values
            shown, blank = (FLOAT if numbers and type(marker) is float else OTHER), program.constant(marker)
            if place not in filled:
                outputs.append(program.let("{0}", blank, kind=shown, blank=True))
            elif place in flags:
                template = "{2} if {1} else {0}"
                outputs.append(program.let(template, filled[place], flags[place], blank, kind=shown, blank=True))
            else:
                outputs.append(filled[place])
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        kept = [name for name, gone in zip(names, self.empty_) if not gone]
        return kept + (self.indicator_._names_out(names) if self.indicator_ else [])

    # -- the stored form ---------------------------------------------------------------------------------

    def _state_names(self) -> list[str]:
        return [*self._state, "sums_", "indicator_"]

    def _write_state(self) -> dict[str, Any]:
        sums = None if self.sums_ is None else [SUMS[self.strategy].write(held.sums) for held in self.sums_]
        gaps = COUNTS.write(self.gaps_ if self.add_indicator else None)
        return {**super()._write_state(), "sums_": sums, "indicator_": gaps}

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        width, kinds = self.n_features_in_, self.kinds_
        check_kinds(kinds, width, f"{place}.kinds_")
        if plain["sums_"] is not None and self.strategy == "median":
            raise refuse("no sums of medians", f"{place}.sums_", plain["sums_"])
        sums = optional(each(SUMS.get(self.strategy, SUMS["mean"]), width)).read(plain["sums_"], f"{place}.sums_")
        gaps = optional(each(COUNT, width)).read(plain["indicator_"], f"{place}.indicator_")
        if (gaps is not None) is not bool(self.add_indicator):
            raise refuse("counts of missing values for an indicator", f"{place}.indicator_", gaps)
        self.gaps_ = gaps or (0,) * width
        self.sums_ = None if sums is None else tuple(map(Held, kinds, sums, self.gaps_))
        self._check_fills(place)
        self._mark()

    def _check_fills(self, place: str) -> None:
        for name in ("statistics_", "empty_"):
            if len(getattr(self, name)) != self.n_features_in_:
                raise refuse("an entry for each feature", f"{place}.{name}", len(getattr(self, name)))
        for fill, kind, gone in zip(self.statistics_, self._kinds(), self.empty_):
            number = type(fill) in (int, float) and -inf < fill < inf
            if not gone and (fill is None or not (number if kind == NUMBER else number or type(fill) in (str, bool))):
                raise refuse("a fill that is a finite number, or text", f"{place}.statistics_", fill)

    # -- scikit-learn ------------------------------------------------------------------------------------

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        return from_theirs(cls, fitted)

    def _to_sklearn(self) -> Any:
        return to_theirs(self)
