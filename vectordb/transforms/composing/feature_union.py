"""FeatureUnion: transformers side by side on the same features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.composing.checks import DROP, PASSTHROUGH, check_fitted_on, check_parts, check_union
from vectordb.transforms.composing.composite import SideBySide, fit_part
from vectordb.transforms.composing.outputs import passed, passed_columns, prefixed, weighted, weighted_columns
from vectordb.transforms.program import Program, Value
from vectordb.transforms.table import Table


class FeatureUnion(SideBySide):
    """``transformer_list`` has (name, transformer), or (name, "passthrough" or "drop"); each sees all features, and
    the outputs stand one after the other, as ``name__feature``. ``transformer_weights`` multiplies those of a name.

    >>> from vectordb.transforms import MinMaxScaler
    >>> both = FeatureUnion([("range", MinMaxScaler()), ("raw", "passthrough")]).fit({"km": [1.0, 3.0]})
    >>> both.transform_one([2.0]), both.get_feature_names_out()
    ((0.5, 2.0), ['range__km', 'raw__km'])
    """

    def __init__(
        self,
        transformer_list: Sequence[Any],
        *,
        n_jobs: int | None = None,
        transformer_weights: Mapping[str, float] | None = None,
        verbose: bool = False,
        verbose_feature_names_out: bool = True,
    ) -> None:
        """``n_jobs`` and ``verbose`` are scikit-learn's, and change nothing here."""
        self.transformer_list = transformer_list
        self.n_jobs = n_jobs
        self.transformer_weights = transformer_weights
        self.verbose = verbose
        self.verbose_feature_names_out = verbose_feature_names_out

    def _check(self) -> None:
        check_parts(self.transformer_list, FeatureUnion, [PASSTHROUGH, DROP])
        check_union(self.transformer_weights, self.verbose_feature_names_out)
        unknown = set(self.transformer_weights or ()) - {name for name, _ in self._children()}
        if unknown:
            raise InvalidInput("a weight belongs to a part of the union", unknown=sorted(unknown))

    def _children(self) -> Sequence[tuple[str, Any]]:
        parts = self.transformer_list
        return [(part[0], part[1]) for part in parts] if isinstance(parts, (list, tuple)) else ()

    def _replace_child(self, name: str, value: Any) -> None:
        self.transformer_list = [(own, value if own == name else part) for own, part in self._children()]

    def _parts(self) -> Iterator[tuple[str, Transformer | None]]:
        """The parts that give something; None passes all through."""
        for name, part in self._children():
            if part not in (DROP, None):
                yield name, part if isinstance(part, Transformer) else None

    @property
    def _needs_target(self) -> bool:  # type: ignore[override]
        return any(part is not None and part._needs_target for _, part in self._parts())

    def _fit_parts(self, table: Table, y: Any, given: bool = True) -> list[list[Any]]:
        columns: list[list[Any]] = []
        for name, part in self._parts():
            weight = self._weight(name)
            if part is None:
                columns += weighted_columns(passed_columns(table), weight)
            else:
                columns += fit_part(table, part, y, weight, given)
        return columns

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        outputs: list[Value] = []
        for name, part in self._parts():
            own = passed(program, values) if part is None else program.through(name, part, values)
            outputs += weighted(program, own, self._weight(name))
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        parts = [(name, names if part is None else part._names_out(names)) for name, part in self._parts()]
        return prefixed(parts, self.verbose_feature_names_out)

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        for _, part in self._parts():
            if part is not None:
                check_fitted_on(part, self.n_features_in_, "part of a fitted union", place)
