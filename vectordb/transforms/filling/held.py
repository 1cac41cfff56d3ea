"""What an imputer holds of a feature: its kind, the sums or counts of its values, and how many were missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Self

from ledger import InvalidInput
from projections import NOTHING, moments
from vectordb.transforms.encoding.categories import order, value_of
from vectordb.transforms.encoding.tally import COUNTS, Tally, tally
from vectordb.transforms.exact import MOMENT
from vectordb.transforms.filling.missing import EMPTY
from vectordb.transforms.shapes import Shape


class Held(NamedTuple):
    """``sums`` are ``Moments`` for a mean, a ``Tally`` for the most frequent, and a bare size for a constant."""

    kind: str
    sums: Any
    gaps: int

    def merge(self, other: Self) -> Held:
        """That of both; a feature of numbers is not one of text."""
        if EMPTY not in (self.kind, other.kind) and self.kind != other.kind:
            raise InvalidInput("a feature of numbers stays one", this=self.kind, other=other.kind)
        return held(
            other.kind if self.kind == EMPTY else self.kind, self.sums.merge(other.sums), self.gaps + other.gaps
        )

    def retract(self, other: Self) -> Held:
        """Without what was merged before."""
        if other.gaps > self.gaps or other.kind not in (EMPTY, self.kind):
            raise InvalidInput("only rows that were added are taken back", missing=self.gaps, taken=other.gaps)
        return held(self.kind, self.sums.retract(other.sums), self.gaps - other.gaps)


def held(kind: str, sums: Any, gaps: int) -> Held:
    """In the one form that it has: without values, there is no kind."""
    return Held(kind if sums.size else EMPTY, sums, gaps)


def hold(strategy: str, kind: str, present: Sequence[Any], rows: int, label: str) -> Held:
    """What a strategy needs of the values of a column that are not missing."""
    if strategy == "mean":
        sums: Any = moments(present)
    elif strategy == "most_frequent":
        sums = tally(present, label)
    else:
        sums = NOTHING._replace(size=len(present))
    return held(kind, sums, rows - len(present))


def mode(counts: Tally) -> Any:
    """The most frequent value, of equally frequent ones the smallest; numbers are smaller than text."""
    found: dict[Any, int] = {}
    for key in sorted(counts.held, key=order):
        found[value_of(key)] = found.get(value_of(key), 0) + counts.held[key]
    return max(found, key=found.__getitem__)  # the first of equally frequent ones


SUMS: Final[dict[str, Shape]] = {"mean": MOMENT, "most_frequent": COUNTS, "constant": MOMENT}
