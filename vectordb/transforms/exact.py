"""What is learnt from exact sums or counts: fitted in pieces, merged and retracted without losing a bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Self

from ledger import InvalidInput
from projections import Moments
from vectordb.transforms.base import Transformer
from vectordb.transforms.copying import learnt_copy
from vectordb.transforms.executors import shared_sums
from vectordb.transforms.shapes import INT, Shape, each, refuse
from vectordb.transforms.table import Table, read_table


def check_alike(one: Transformer, other: Any) -> None:
    """Refuse to combine fitted transformers of other kinds, parameters or features."""
    one._check_fitted()
    if type(other) is not type(one):
        raise InvalidInput("transformers of one kind and equal parameters are combined", this=one, other=other)
    other._check_fitted()
    if other.to_dict()["parameters"] != one.to_dict()["parameters"]:
        raise InvalidInput("transformers of one kind and equal parameters are combined", this=one, other=other)
    if other.n_features_in_ != one.n_features_in_:
        raise InvalidInput("both have the same features", this=one.n_features_in_, other=other.n_features_in_)
    names, others = vars(one).get("feature_names_in_"), vars(other).get("feature_names_in_")
    if names and others and names != others:
        raise InvalidInput("both have the same features", this=names[:20], other=others[:20])


class Incremental(Transformer):
    """Holds ``sums_``: for each feature (or whatever the subclass says) something with ``merge`` and ``retract``.

    A subclass gives the sums of a table (``_sums_of``), and what follows from ``sums_`` (``_conclude``). ``merge``
    equals fitting on both, ``retract`` takes back what was merged, bit for bit.
    One that was made from scikit-learn's has none (``sums_`` is None): it transforms, and no more.
    """

    sums_: Any
    _by_piece: ClassVar[bool] = True  # the sums of rows do not depend on the others

    def _sums_of(self, table: Table, y: Any) -> Sequence[Any]:
        raise NotImplementedError

    def _conclude(self) -> None:
        raise NotImplementedError

    def _learn(self, table: Table, y: Any) -> None:
        self.sums_ = shared_sums(self, table, y)
        self._conclude()

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from more rows: the same as one fit on all of them."""
        if "sums_" not in vars(self):
            return self.fit(X, y)
        self._check_sums("partial_fit")
        table = self._ready(read_table(X, type(self).__name__))
        self._check()
        more = self._sums_of(table, y)
        held = self.sums_
        self.sums_ = tuple(own.merge(other) for own, other in zip(held, more, strict=True))
        try:
            self._conclude()
        except InvalidInput:
            self.sums_ = held  # what more rows broke is as it was
            self._conclude()
            raise
        return self

    def merge(self, other: Self) -> Self:
        """A new transformer, as if it had been fitted on the rows of both."""
        return self._combined(other, "merge")

    def retract(self, other: Self) -> Self:
        """A new transformer without the rows of another, which were part of it; refused where they cannot have been."""
        return self._combined(other, "retract")

    def _combined(self, other: Self, how: str) -> Self:
        check_alike(self, other)
        self._check_sums(how)
        other._check_sums(how)
        made = learnt_copy(self)
        pairs = zip(self.sums_, other.sums_, strict=True)
        made.sums_ = tuple(getattr(held, how)(more) for held, more in pairs)
        made._conclude()
        return made

    def _check_sums(self, how: str) -> None:
        if self.sums_ is None:
            who = type(self).__name__
            raise InvalidInput(f"a {who} made from scikit-learn's has no sums and no counts, and cannot {how}: fit one")


def _read_moments(plain: Any, place: str) -> Moments:
    size, total, squares, scale = each(INT, 4).read(plain, place)
    if size < 0 or squares < 0 or scale < 1 or scale & (scale - 1) or (not size and (total or squares)):
        raise refuse("sums of numbers: size, total, squares, and a power of two", place, plain)
    if size * squares < total * total:
        raise refuse("sums of squares that some numbers have", place, plain)
    return Moments(size, total, squares, scale)


MOMENT: Final = Shape(each(INT, 4).write, _read_moments)
MOMENTS: Final = each(MOMENT)
