"""MissingIndicator: 1 where a value is missing, else 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Self

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.filling.missing import NUMBER, OTHER, Missing, kind_of
from vectordb.transforms.program import Program, Refusal, Value
from vectordb.transforms.shapes import INTS, Shape, each, refuse
from vectordb.transforms.shapes import TEXT as TEXT_SHAPE
from vectordb.transforms.table import Table

FEATURES: Final = ("missing-only", "all")


class MissingIndicator(Transformer):
    """A column for each feature that had missing values in the fit (``missing-only``), or for ``all``.

    With ``error_on_new`` a value that is missing in a feature that had none is refused. Outputs are 0.0 and 1.0, where
    scikit-learn gives bools; ``sparse`` is its own and changes nothing. ``features_`` are the places of the features.

    >>> MissingIndicator().fit([[1.0, None], [2.0, 3.0]]).transform([[4.0, None]])
    [[1.0]]
    """

    _numeric = False
    _state: ClassVar[dict[str, Shape]] = {"features_": INTS, "kinds_": each(TEXT_SHAPE)}

    def __init__(
        self,
        *,
        missing_values: Any = float("nan"),
        features: str = "missing-only",
        sparse: Any = "auto",
        error_on_new: bool = True,
    ) -> None:
        self.missing_values = missing_values
        self.features = features
        self.sparse = sparse
        self.error_on_new = error_on_new

    def _check(self) -> None:
        if self.features not in FEATURES:
            raise InvalidInput("features is missing-only or all", features=self.features)
        Missing(self.missing_values)

    def _learn(self, table: Table, y: Any) -> None:
        missing = Missing(self.missing_values)
        self.kinds_ = tuple(map(kind_of, table.columns, table.kinds))
        columns = [missing.column(*given) for given in zip(table.columns, table.kinds, table.labels)]
        gaps = [len(missing.present(column)) < table.rows for column in columns]
        self.features_ = tuple(place for place, gap in enumerate(gaps) if gap or self.features == "all")

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        missing, outputs = Missing(self.missing_values), []
        for place, (value, kind) in enumerate(zip(values, self.kinds_)):
            wanted = place in self.features_
            if wanted or self.error_on_new:
                test, value, constants = missing.test(program, value, kind)
                other = "1.0"
                if not wanted:
                    rule = "a feature without missing values in the fit has none now (error_on_new)"
                    refusal = program.constant(Refusal(value.label, rule))
                    constants, other = [*constants, refusal], f"{{{len(constants) + 1}}}({{0}})"
                flag = program.let(f"{other} if {test} else 0.0", value, *constants, blank=False)
                outputs += [flag] if wanted else []
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        return [f"missingindicator_{names[place]}" for place in self.features_]

    def _read_state(self, plain: Any, place: str) -> None:
        super()._read_state(plain, place)
        self._restore(self.n_features_in_, plain["features_"], self.kinds_, place)

    def _restore(self, width: int, features: Any, kinds: Sequence[str], place: str) -> None:
        """Take what was learnt, checked."""
        places = INTS.read(features, place)
        if list(places) != sorted(set(places)) or not all(0 <= one < width for one in places):
            raise refuse("places of features, in order", place, features)
        if len(kinds) != width or not set(kinds) <= {NUMBER, OTHER}:
            raise refuse("number or category for each feature", place, list(kinds))
        self.n_features_in_ = width
        self.features_ = places
        self.kinds_ = tuple(kinds)

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = cls(missing_values=fitted.missing_values, features=fitted.features, error_on_new=fitted.error_on_new)
        width = int(fitted.n_features_in_)
        made._restore(width, fitted.features_.tolist(), (NUMBER,) * width, "features_")
        if hasattr(fitted, "feature_names_in_"):
            made.feature_names_in_ = tuple(fitted.feature_names_in_.tolist())
        return made

    def _to_sklearn(self) -> Any:
        import numpy
        from sklearn.impute import MissingIndicator as Theirs

        given = {"missing_values": self.missing_values, "features": self.features, "error_on_new": self.error_on_new}
        other = 1.0 if self.missing_values != 1.0 else 2.0
        row = [self.missing_values if place in self.features_ else other for place in range(self.n_features_in_)]
        numbers = all(kind == NUMBER for kind in self.kinds_)
        return Theirs(**given).fit(numpy.array([row], dtype=float if numbers else object))
