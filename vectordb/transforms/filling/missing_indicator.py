"""MissingIndicator: 1 where a value is missing, else 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import nan
from typing import Any, ClassVar, Final, Self

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.checks import check_flags
from vectordb.transforms.counterparts import adopt, lend
from vectordb.transforms.filling.missing import EMPTY, NUMBER, OTHER, Missing, resolved
from vectordb.transforms.program import Program, Refusal, Value
from vectordb.transforms.shapes import INTS, TEXTS, Shape, refuse
from vectordb.transforms.table import Table, without_infinities

FEATURES: Final = ("missing-only", "all")
NEW: Final = "The feature has missing values in transform but has no missing values in fit (error_on_new)"


class MissingIndicator(Transformer):
    """A column for each feature that had missing values in the fit (``missing-only``), or for ``all``. 0.05 us a value.

    ``missing_values`` NaN or None: both are missing. With ``error_on_new`` a value that is missing in a feature that
    had none is refused. Outputs are 0.0 and 1.0, where scikit-learn gives bools, and always dense. ``features_`` are
    the places of the features.

    >>> MissingIndicator().fit([[1.0, None], [2.0, 3.0]]).transform([[4.0, None]])
    [[1.0]]
    """

    _numeric = False
    _state: ClassVar[dict[str, Shape]] = {"features_": INTS, "kinds_": TEXTS}

    features_: tuple[int, ...]
    kinds_: tuple[str, ...]

    def __init__(
        self,
        *,
        missing_values: Any = nan,
        features: str = "missing-only",
        sparse: bool | str = "auto",
        error_on_new: bool = True,
    ) -> None:
        """``sparse`` "auto" and False are the same here; True is refused."""
        self.missing_values = missing_values
        self.features = features
        self.sparse = sparse
        self.error_on_new = error_on_new

    def _check(self) -> None:
        Missing(self.missing_values)
        if not isinstance(self.features, str) or self.features not in FEATURES:
            raise InvalidInput("features is missing-only or all", features=self.features)
        if self.sparse not in (False, "auto"):
            raise InvalidInput("sparse is False or auto: outputs are dense", sparse=self.sparse)
        check_flags(error_on_new=self.error_on_new)

    def _as_numbers(self, table: Table) -> Table:
        return without_infinities(table)

    def _learn(self, table: Table, y: Any) -> None:
        missing = Missing(self.missing_values)
        kinds = missing.kinds(table)
        columns = missing.columns(table, resolved(kinds)).columns
        self._settle(kinds, [table.rows - len(missing.present(column)) for column in columns])

    def _settle(self, kinds: Sequence[str], gaps: Iterable[int]) -> None:
        """Take kinds, and how many values of each feature are missing."""
        self.kinds_ = tuple(kinds)
        self.features_ = tuple(place for place, count in enumerate(gaps) if count or self.features == "all")

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        missing, outputs = Missing(self.missing_values), []
        for place, (value, kind) in enumerate(zip(values, resolved(self.kinds_))):
            wanted = place in self.features_
            if wanted or self.error_on_new:
                test, value, constants = missing.test(program, value, kind)
                there = "1.0"
                if not wanted:
                    constants = [*constants, program.constant(Refusal(value.label, NEW))]
                    there = f"{{{len(constants)}}}({{0}})"
                flag = program.let(f"{there} if {test} else 0.0", value, *constants, blank=False)
                outputs += [flag] if wanted else []
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        return [f"missingindicator_{names[place]}" for place in self.features_]

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        check_kinds(self.kinds_, self.n_features_in_, f"{place}.kinds_")
        places = self.features_
        if list(places) != sorted(set(places)) or not set(places) <= set(range(self.n_features_in_)):
            raise refuse("places of features, in order", f"{place}.features_", list(places))
        if self.features == "all" and len(places) != self.n_features_in_:
            raise refuse("the places of all features", f"{place}.features_", list(places))

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = adopt(cls, fitted)
        made.features_ = tuple(fitted.features_.tolist())
        made.kinds_ = (OTHER,) * made.n_features_in_  # it does not say; numbers can stand there too
        return made

    def _to_sklearn(self) -> Any:
        import numpy
        from sklearn.impute import MissingIndicator as Theirs

        made = lend(Theirs(**{**self.get_params(False), "missing_values": their_marker(self)}), self)
        made.features_ = numpy.array(self.features_, dtype=int)
        made._n_features, made._precomputed = self.n_features_in_, False
        return made


def check_kinds(kinds: Sequence[str], width: int, place: str) -> None:
    """Refuse kinds from a file that there are not."""
    if len(kinds) != width or not set(kinds) <= {NUMBER, OTHER, EMPTY}:
        raise refuse("number, category or none for each feature", place, list(kinds))


def their_marker(own: Any) -> Any:
    """``missing_values`` as scikit-learn takes it: None is nothing that can be among numbers there."""
    return nan if own.missing_values is None and OTHER not in own.kinds_ else own.missing_values
