"""Extremes: what scalers share that rest on the smallest and the largest value of a feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any, ClassVar, Self

from vectordb.transforms.copying import learnt_copy
from vectordb.transforms.exact import check_alike
from vectordb.transforms.scaling.learnt import Learnt, present
from vectordb.transforms.table import Table, read_table


class Extremes(Learnt):
    """Fitted in pieces and merged, as if on all rows at once; an extreme that is taken back does not tell the next.

    A subclass says what is picked of the values of a feature (``_picks``), and what follows (``_conclude``).
    """

    _picks: ClassVar[Mapping[str, Callable[[Sequence[float]], float]]] = {}
    n_samples_seen_: int

    def _conclude(self) -> None:
        raise NotImplementedError

    def _learn(self, table: Table, y: Any) -> None:
        self.n_samples_seen_ = table.rows
        columns = list(map(present, table.columns))
        for name, pick in self._picks.items():
            setattr(self, name, tuple(map(pick, columns)))
        self._conclude()

    def _join(self, other: Self) -> None:
        """Take the extremes of another one in."""
        self.n_samples_seen_ += other.n_samples_seen_
        for name, pick in self._picks.items():
            pairs = zip(getattr(self, name), getattr(other, name), strict=True)
            setattr(self, name, tuple(pick(present(pair)) for pair in pairs))
        self._conclude()

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from more rows: the same as one fit on all of them."""
        if "n_features_in_" not in vars(self):
            return self.fit(X, y)
        more = type(self)(**self.get_params(False))
        self._join(more._fit_table(self._ready(read_table(X, type(self).__name__)), y))
        return self

    def merge(self, other: Self) -> Self:
        """A new transformer, as if it had been fitted on the rows of both."""
        check_alike(self, other)
        made = learnt_copy(self)
        made._join(other)
        return made

    def retract(self, other: Self) -> Self:
        """Refused."""
        raise self._refuse_pieces("retract", "an extreme that is taken back does not tell the next; fit on what stays")


def least(values: Sequence[float]) -> float:
    """The smallest number, 0.0 where it is -0.0; NaN of none."""
    return min(values, default=nan) + 0.0


def most(values: Sequence[float]) -> float:
    """The largest number, 0.0 where it is -0.0; NaN of none."""
    return max(values, default=nan) + 0.0


def furthest(values: Sequence[float]) -> float:
    """The largest distance from 0; NaN of none."""
    return max(map(abs, values), default=nan)
