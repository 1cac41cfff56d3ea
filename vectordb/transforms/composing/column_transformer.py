"""ColumnTransformer: a transformer for each group of features, by name, place or type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.composing.checks import (
    DROP,
    PASSTHROUGH,
    check_fitted_on,
    check_part,
    check_parts,
    check_union,
)
from vectordb.transforms.composing.composite import SideBySide, fit_part
from vectordb.transforms.composing.of_type import OfType
from vectordb.transforms.composing.outputs import passed, passed_columns, prefixed, weighted, weighted_columns
from vectordb.transforms.copying import learnt_copy, unfitted
from vectordb.transforms.parameters import read_parameter, write_parameter
from vectordb.transforms.program import Program, Value
from vectordb.transforms.shapes import INTS, read_list, refuse
from vectordb.transforms.table import Table


class ColumnTransformer(SideBySide):
    """``transformers`` has (name, transformer or "passthrough" or "drop", columns).

    Columns are names, places, a slice, a mask of bools, or ``OfType("number")``; one may be used twice. ``remainder``
    says what becomes of the others. Fitted copies stand in ``transformers_``; what was given is not touched.

    >>> from vectordb.transforms import OneHotEncoder, StandardScaler
    >>> parts = [("n", StandardScaler(), OfType("number")), ("c", OneHotEncoder(), ["city"])]
    >>> ready = ColumnTransformer(parts).fit({"km": [1.0, 3.0], "city": ["Rome", "Oslo"]})
    >>> ready.transform_one({"km": 3.0, "city": "Rome"}), ready.get_feature_names_out()
    ((1.0, 0.0, 1.0), ['n__km', 'c__city_Oslo', 'c__city_Rome'])
    """

    def __init__(
        self,
        transformers: Sequence[Any],
        *,
        remainder: Any = DROP,
        sparse_threshold: float = 0.3,
        n_jobs: int | None = None,
        transformer_weights: Mapping[str, float] | None = None,
        verbose: bool = False,
        verbose_feature_names_out: bool = True,
    ) -> None:
        """``sparse_threshold``, ``n_jobs`` and ``verbose`` are scikit-learn's, and change nothing here."""
        self.transformers = transformers
        self.remainder = remainder
        self.sparse_threshold = sparse_threshold
        self.n_jobs = n_jobs
        self.transformer_weights = transformer_weights
        self.verbose = verbose
        self.verbose_feature_names_out = verbose_feature_names_out

    def _check(self) -> None:
        check_parts(self.transformers, ColumnTransformer, [PASSTHROUGH, DROP], length=3)
        check_part("remainder", self.remainder, "ColumnTransformer", [PASSTHROUGH, DROP])
        check_union(self.transformer_weights, self.verbose_feature_names_out)

    def _children(self) -> Sequence[tuple[str, Any]]:
        parts = self.transformers
        return [(part[0], part[1]) for part in parts] if isinstance(parts, (list, tuple)) else ()

    def _replace_child(self, name: str, value: Any) -> None:
        self.transformers = [(part[0], value if part[0] == name else part[1], part[2]) for part in self.transformers]

    @property
    def named_transformers_(self) -> dict[str, Any]:
        """The fitted parts by name."""
        return {name: part for name, part, _ in self.transformers_}

    @property
    def _needs_target(self) -> bool:  # type: ignore[override]
        parts = [*dict(self._children()).values(), self.remainder]
        return any(isinstance(part, Transformer) and part._needs_target for part in parts)

    def _fit_parts(self, table: Table, y: Any, given: bool = True) -> list[list[Any]]:
        columns: list[list[Any]] = []
        fitted: list[tuple[str, Any, tuple[int, ...]]] = []
        for name, part, places in self._resolved(table):
            own, picked = unfitted(part), table.pick(places)
            weight = self._weight(name)
            if isinstance(own, Transformer) and places:
                columns += fit_part(picked, own, y, weight, given)
            elif own == PASSTHROUGH:
                columns += weighted_columns(passed_columns(picked), weight)
            fitted.append((name, own, tuple(places)))
        self.transformers_ = tuple(fitted)
        return columns

    def _resolved(self, table: Table) -> list[tuple[str, Any, list[int]]]:
        """Every part with the places of its columns, the remainder last."""
        found = [(name, part, _places(columns, table, name)) for name, part, columns in self.transformers]
        used = {place for _, _, places in found for place in places}
        rest = [place for place in range(len(table.columns)) if place not in used]
        return [*found, ("remainder", self.remainder, rest)] if rest else found

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        outputs: list[Value] = []
        for name, part, places in self.transformers_:
            own = [values[place] for place in places]
            if isinstance(part, Transformer):
                own = program.through(name, part, own) if own else []
            elif part != PASSTHROUGH:
                continue
            outputs += weighted(program, passed(program, own), self._weight(name))
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        found = []
        for name, part, places in self.transformers_:
            own = [names[place] for place in places]
            if isinstance(part, Transformer):
                found.append((name, part._names_out(own) if own else []))
            elif part == PASSTHROUGH:
                found.append((name, own))
        return prefixed(found, self.verbose_feature_names_out)

    # -- merging -------------------------------------------------------------------------------------------

    def merge(self, other: Self) -> Self:
        """As if fitted on the rows of both; every part has to be able to."""
        return self._combined(other, "merge")

    def retract(self, other: Self) -> Self:
        """Without the rows of another, which were part of it; every part has to be able to."""
        return self._combined(other, "retract")

    def _combined(self, other: Self, how: str) -> Self:
        self._check_fitted()
        if type(other) is type(self):
            other._check_fitted()
        if type(other) is not type(self) or _outline(self) != _outline(other):
            raise InvalidInput("both have the same parts of the same features", this=self, other=other)
        made = learnt_copy(self)
        parts = []
        for (name, part, places), (_, more, _) in zip(self.transformers_, other.transformers_, strict=True):
            if isinstance(part, Transformer) and places and part._needs_fit:
                if not hasattr(part, how):
                    raise InvalidInput(f"{type(part).__name__} cannot {how}", part=name)
                part = getattr(part, how)(more)
            parts.append((name, part, places))
        made.transformers_ = tuple(parts)
        return made

    # -- the stored form -----------------------------------------------------------------------------------

    def _state_names(self) -> list[str]:
        return ["transformers_"]

    def _write_state(self) -> dict[str, Any]:
        parts = [[name, write_parameter(part, name), list(places)] for name, part, places in self.transformers_]
        return {"transformers_": parts}

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        from vectordb.transforms.registry import transformer_from_dict

        parts = []
        for number, item in enumerate(read_list(plain["transformers_"], f"{place}.transformers_")):
            here = f"{place}.transformers_[{number}]"
            if not isinstance(item, list) or len(item) != 3 or type(item[0]) is not str:
                raise refuse("name, transformer, columns", here, item)
            part = read_parameter(item[1], here, {"transformer": transformer_from_dict})
            places = INTS.read(item[2], here)
            if not all(0 <= one < self.n_features_in_ for one in places):
                raise refuse("columns that there are", here, item[2])
            if isinstance(part, Transformer) and places:
                check_fitted_on(part, len(places), "part of a fitted ColumnTransformer", here)
            if not isinstance(part, Transformer) and part not in (DROP, PASSTHROUGH):
                raise refuse("a transformer, drop or passthrough", here, item[1])
            parts.append((item[0], part, places))
        self._check_stored(parts, f"{place}.transformers_")
        self.transformers_ = tuple(parts)

    def _check_stored(self, parts: list[tuple[str, Any, tuple[int, ...]]], place: str) -> None:
        """Refuse parts that are not those of the definition: names, transformers, and columns where they are named."""
        width = self.n_features_in_
        table = Table([[]] * width, ("",) * width, 0, vars(self).get("feature_names_in_"))
        defined = [(name, part, columns) for name, part, columns in self.transformers]
        if len(parts) == len(defined) + 1:
            defined.append(("remainder", self.remainder, OfType("number")))
        if [name for name, _, _ in parts] != [name for name, _, _ in defined]:
            raise refuse("the parts of its definition", place, [name for name, _, _ in parts][:20])
        for (name, part, places), (_, own, columns) in zip(parts, defined):
            if _form(part) != _form(own):
                raise refuse("the part that its definition has", f"{place}.{name}", part)
            if not isinstance(columns, OfType) and tuple(_places(columns, table, name)) != places:
                raise refuse("the columns that its definition names", f"{place}.{name}", list(places)[:20])


def _form(part: Any) -> Any:
    """What two parts have in common that are fitted from the same definition."""
    return unfitted(part).to_dict() if isinstance(part, Transformer) else part or DROP


def _outline(held: ColumnTransformer) -> list[Any]:
    """What two that are merged have in common: features, and parts by name, kind and columns."""
    parts = [
        (name, type(part) if isinstance(part, Transformer) else part, places)
        for name, part, places in held.transformers_
    ]
    return [held.n_features_in_, vars(held).get("feature_names_in_"), held.transformer_weights, parts]


def _places(columns: Any, table: Table, part: str) -> list[int]:
    """The places of a choice of columns."""
    count = len(table.columns)
    if isinstance(columns, OfType):
        return columns.places(table.kinds)
    if isinstance(columns, (str, int)) and not isinstance(columns, bool):
        columns = [columns]
    if isinstance(columns, slice):
        bounds = [_place(end, table, part) if isinstance(end, str) else end for end in (columns.start, columns.stop)]
        closed = bounds[1] is not None and isinstance(columns.stop, str)  # by name, the last one counts
        try:
            return list(range(count))[slice(bounds[0], bounds[1] + 1 if closed else bounds[1], columns.step)]
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"a slice of columns: {error}", part=part, columns=columns) from error
    if callable(columns) or not hasattr(columns, "__iter__"):
        raise InvalidInput("columns are names, places, a slice, a mask, or OfType", part=part, columns=columns)
    chosen = [one.item() if hasattr(one, "item") else one for one in columns]
    if chosen and all(isinstance(one, bool) for one in chosen):
        if len(chosen) != count:
            raise InvalidInput("a mask has a bool for each column", part=part, columns=count, mask=len(chosen))
        return [place for place, wanted in enumerate(chosen) if wanted]
    return [_place(one, table, part) for one in chosen]


def _place(one: Any, table: Table, part: str) -> int:
    if isinstance(one, int) and not isinstance(one, bool) and -len(table.columns) <= one < len(table.columns):
        return one % len(table.columns)
    if isinstance(one, str) and table.names is not None and one in table.names:
        return table.names.index(one)
    known = list(table.names or range(len(table.columns)))
    raise InvalidInput("a column that the transformer works on is there", part=part, column=one, known=known[:20])
