"""SimpleImputer: a statistic of the feature where a value is missing."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from typing import Any, ClassVar, Final, Self

from ledger import InvalidInput
from projections import NOTHING, moments
from vectordb.transforms.encoding.tally import COUNTS, Tally, tally
from vectordb.transforms.exact import MOMENT, Incremental
from vectordb.transforms.filling.missing import NUMBER, OTHER, Missing, is_blank, kind_of
from vectordb.transforms.filling.missing_indicator import MissingIndicator
from vectordb.transforms.program import FLOAT, Program, Value
from vectordb.transforms.shapes import SCALARS, Shape, each, optional, read_list, refuse, write_scalar
from vectordb.transforms.table import Table, read_table, to_floats

STRATEGIES: Final = ("mean", "median", "most_frequent", "constant")
TEXT_FILL: Final = "missing_value"


def _write_sums(held: Any) -> Any:
    return COUNTS.write(held) if isinstance(held, Tally) else MOMENT.write(held)


def _read_sums(plain: Any, place: str) -> Any:
    """Counts are a list of pairs, moments a list of four numbers."""
    items = read_list(plain, place)
    return COUNTS.read(plain, place) if all(isinstance(item, list) for item in items) else MOMENT.read(plain, place)


def _read_kinds(plain: Any, place: str) -> tuple[str, ...]:
    if not isinstance(plain, list) or not set(map(str, plain)) <= {NUMBER, OTHER}:
        raise refuse("number or category for each feature", place, plain)
    return tuple(plain)


class SimpleImputer(Incremental):
    """Fills missing values: with the ``mean`` or ``median`` of numbers, the ``most_frequent`` value (of equally
    frequent ones the smallest), or the ``constant`` ``fill_value`` (0, or "missing_value" for text).

    ``missing_values`` NaN or None: both are missing. A feature that is wholly missing is left out of the outputs,
    unless ``keep_empty_features``. ``add_indicator`` adds a column of 0 and 1 for each feature that had missing values
    in the fit. Means and counts are exact: ``partial_fit``, ``merge`` and ``retract`` give the bits of one fit; a median
    has none of them. ``statistics_`` has the fill of each feature, NaN for one that is left out.

    >>> SimpleImputer().fit([[1.0], [None], [4.0]]).transform([[None]])
    [[2.5]]
    """

    _numeric = False
    _state: ClassVar[dict[str, Shape]] = {
        "statistics_": SCALARS,
        "kinds_": Shape(list, _read_kinds),
        "empty_": SCALARS,
        "sums_": optional(each(Shape(_write_sums, _read_sums))),
    }

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
        if self.strategy not in STRATEGIES:
            raise InvalidInput("strategy is one of " + ", ".join(STRATEGIES), strategy=self.strategy)
        Missing(self.missing_values)
        if self.strategy == "constant" and self.fill_value is not None:
            write_scalar(self.fill_value)

    # -- learning ------------------------------------------------------------------------------------------

    def _learn(self, table: Table, y: Any) -> None:
        self.kinds_ = tuple(map(kind_of, table.columns, table.kinds))
        missing, labels = Missing(self.missing_values), table.labels
        for column, kind, label in zip(table.columns, self.kinds_, labels):
            if kind == OTHER and self.strategy in ("mean", "median"):
                to_floats(column, label)  # says which value is no number
        columns = [
            list(missing.column(*given, table.finite)) for given in zip(table.columns, table.kinds, labels)
        ]
        kinds = tuple(FLOAT if own == NUMBER else kind for own, kind in zip(self.kinds_, table.kinds))
        ready = table._replace(columns=columns, kinds=kinds, finite=True)
        if self.add_indicator:
            indicator = MissingIndicator(missing_values=self.missing_values, error_on_new=False)
            self.indicator_ = indicator._fit_table(ready, y)
        if self.strategy != "median":
            super()._learn(ready, y)
            return
        self.sums_ = None
        held = [sorted(missing.present(column)) for column in columns]
        self._settle([_median(values) if values else nan for values in held], [not values for values in held])

    def _sums_of(self, table: Table, y: Any) -> Sequence[Any]:
        missing = Missing(self.missing_values)
        given = zip(table.columns, table.kinds, table.labels)
        present = [missing.present(missing.column(*one, table.finite)) for one in given]
        if self.strategy == "mean":
            return list(map(moments, present))
        if self.strategy == "most_frequent":
            return list(map(tally, present, table.labels))
        return [NOTHING._replace(size=len(values)) for values in present]

    def _conclude(self) -> None:
        sums: Sequence[Any] = self.sums_
        fills = [nan if not held.size else self._fill(held, kind) for held, kind in zip(sums, self.kinds_)]
        self._settle(fills, [not held.size for held in sums])

    def _fill(self, held: Any, kind: str) -> Any:
        if isinstance(held, Tally):
            by_value = held.by_value()
            most = max(map(int, by_value.values()))
            return min((value for value, count in by_value.items() if count == most), key=_order)
        return held.mean if self.strategy == "mean" else self._constant(kind)

    def _constant(self, kind: str) -> Any:
        if self.fill_value is None:
            return 0.0 if kind == NUMBER else TEXT_FILL
        if kind != NUMBER:
            return self.fill_value
        if isinstance(self.fill_value, str):
            raise InvalidInput("a feature of numbers is filled with a number", fill_value=self.fill_value)
        return float(self.fill_value)

    def _settle(self, fills: list[Any], empty: list[bool]) -> None:
        """Fills, and which features had no value at all."""
        if self.keep_empty_features:
            blank = [self._constant(kind) if self.strategy == "constant" else 0.0 for kind in self.kinds_]
            fills = [other if gone else fill for fill, other, gone in zip(fills, blank, empty)]
        self.statistics_ = tuple(fills)
        self.empty_ = tuple(gone and not self.keep_empty_features for gone in empty)

    @property
    def partial_fit(self) -> Any:
        """``partial_fit(X, y=None)``: learn from more rows. A median, and an indicator, have none."""
        if self.strategy == "median" or self.add_indicator:
            raise AttributeError("a SimpleImputer of a median, or with an indicator, has no partial_fit")
        return self._fit_more

    def _fit_more(self, X: Any, y: Any = None) -> Self:
        if "n_features_in_" in vars(self):
            table = self._ready(read_table(X, "SimpleImputer"))
            if tuple(map(kind_of, table.columns, table.kinds)) != self.kinds_:
                raise InvalidInput("a feature of numbers stays one", kinds=self.kinds_)
        return Incremental.partial_fit(self, X, y)

    def _combined(self, other: Self, how: str) -> Self:
        self._check_sums(how)
        if vars(other).get("kinds_") != vars(self).get("kinds_"):
            raise InvalidInput("both have features of the same kinds", this=self, other=other)
        return super()._combined(other, how)

    def _check_sums(self, how: str) -> None:
        if self.strategy == "median" or self.add_indicator:
            raise InvalidInput(f"a SimpleImputer of a median, or with an indicator, cannot {how}", imputer=self)

    # -- transforming --------------------------------------------------------------------------------------

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        missing, outputs = Missing(self.missing_values), []
        for value, kind, fill, gone in zip(values, self.kinds_, self.statistics_, self.empty_):
            if not gone:
                test, value, constants = missing.test(program, value, kind)
                template = f"{{{len(constants) + 1}}} if {test} else {{0}}"
                filled = program.constant(fill)
                kept = FLOAT if kind == NUMBER else value.kind
                outputs.append(program.let(template, value, *constants, filled, kind=kept, blank=is_blank(fill)))
        return outputs + (self.indicator_._write(program, values) if self.add_indicator else [])

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        """Missing again where the indicator says so; a feature that was left out comes back missing."""
        if not self.add_indicator:
            raise InvalidInput("a SimpleImputer without add_indicator has no inverse")
        kept = [place for place, gone in enumerate(self.empty_) if not gone]
        filled = dict(zip(kept, values))
        flags = dict(zip(self.indicator_.features_, values[len(kept) :]))
        blank = program.constant(self.missing_values)
        outputs = []
        for place in range(self.n_features_in_):
            if place not in filled:
                outputs.append(program.let("{0}", blank, blank=True))
            elif place in flags:
                outputs.append(program.let("{2} if {1} else {0}", filled[place], flags[place], blank, blank=True))
            else:
                outputs.append(filled[place])
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        kept = [name for name, gone in zip(names, self.empty_) if not gone]
        return kept + (self.indicator_._names_out(names) if self.add_indicator else [])

    # -- the stored form -----------------------------------------------------------------------------------

    def _state_names(self) -> list[str]:
        return [*self._state, "indicator_"]

    def _write_state(self) -> dict[str, Any]:
        marked = list(self.indicator_.features_) if self.add_indicator else None
        return {**super()._write_state(), "indicator_": marked}

    def _read_state(self, plain: Any, place: str) -> None:
        super()._read_state(plain, place)
        lengths = {len(self.statistics_), len(self.kinds_), len(self.empty_), len(self.sums_ or self.kinds_)}
        if lengths != {self.n_features_in_} or not all(type(gone) is bool for gone in self.empty_):
            raise refuse("an item for each feature", place, sorted(lengths))
        for fill, kind, gone in zip(self.statistics_, self.kinds_, self.empty_):
            if kind == NUMBER and not gone and (type(fill) not in (int, float) or not isfinite(fill)):
                raise refuse("a fill that is a finite number", f"{place}.statistics_", fill)
        if (plain["indicator_"] is not None) is not bool(self.add_indicator):
            raise refuse("an indicator where there is one", f"{place}.indicator_", plain["indicator_"])
        if self.add_indicator:
            self.indicator_ = MissingIndicator(missing_values=self.missing_values, error_on_new=False)
            self.indicator_._restore(self.n_features_in_, plain["indicator_"], self.kinds_, f"{place}.indicator_")

    # -- scikit-learn --------------------------------------------------------------------------------------

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = cls(**{name: getattr(fitted, name) for name in (
            "missing_values", "strategy", "fill_value", "add_indicator", "keep_empty_features")})  # fmt: skip
        made._check()
        made.n_features_in_ = int(fitted.n_features_in_)
        if hasattr(fitted, "feature_names_in_"):
            made.feature_names_in_ = tuple(fitted.feature_names_in_.tolist())
        fills = fitted.statistics_.tolist()
        made.kinds_ = tuple(OTHER if isinstance(fill, str) else NUMBER for fill in fills)
        made.empty_ = tuple(is_blank(fill) for fill in fills)
        made.statistics_ = tuple(float(fill) if isinstance(fill, int) else fill for fill in fills)
        made.sums_ = None
        if made.add_indicator:
            places = fitted.indicator_.features_.tolist()
            made.indicator_ = MissingIndicator(missing_values=made.missing_values, error_on_new=False)
            made.indicator_._restore(made.n_features_in_, places, made.kinds_, "indicator_")
        return made

    def _to_sklearn(self) -> Any:
        """By a fit of scikit-learn's own on rows that have these statistics, which are then set exactly."""
        import numpy
        from sklearn.impute import SimpleImputer as Theirs

        made = Theirs(**{name: value for name, value in self.get_params(False).items() if name != "copy"})
        numbers = all(kind == NUMBER for kind in self.kinds_)
        full = [[1.0 if fill != fill else fill for fill in self.statistics_]]
        marked = set(self.indicator_.features_) if self.add_indicator else set()
        gaps = [[self.missing_values if place in marked or self.empty_[place] else full[0][place]
                 for place in range(self.n_features_in_)]]  # fmt: skip
        rows = [[gap if self.empty_[place] else one for place, (one, gap) in enumerate(zip(full[0], gaps[0]))], *gaps]
        made.fit(numpy.array(rows, dtype=float if numbers else object))
        made.statistics_ = numpy.array(self.statistics_, dtype=float if numbers else object)
        return made


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    middle = (ordered[half - 1] + ordered[half]) / 2.0
    return middle if isfinite(middle) else ordered[half - 1] / 2.0 + ordered[half] / 2.0


def _order(value: Any) -> tuple[Any, ...]:
    return (isinstance(value, str), value)


