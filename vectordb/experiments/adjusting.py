"""Adjusting: p-values of many tests, for their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vectordb.experiments.stats.many import benjamini_hochberg, holm
from vectordb.experiments.stats.result import Result


@dataclass(frozen=True)
class AdjustedTest(Result):
    """One of many tests. ``holm`` keeps the chance of any false rejection, ``benjamini_hochberg`` their share."""

    name: str
    p: float | None
    holm: float | None
    benjamini_hochberg: float | None


@dataclass(frozen=True)
class Adjustments(Result):
    """Tests in their order. One without a p-value is not counted among them."""

    tests: tuple[AdjustedTest, ...]
    alpha: float
    method: str = "Holm; Benjamini-Hochberg"
    assumptions: tuple[str, ...] = ("Benjamini-Hochberg: tests are independent or positively dependent",)

    def __getitem__(self, name: str) -> AdjustedTest:
        """One test by name."""
        for test in self.tests:
            if test.name == name:
                return test
        raise KeyError(name)


def adjust(named: Sequence[tuple[str, float | None]], alpha: float) -> Adjustments:
    """P-values by name, adjusted.

    >>> found = adjust([("a", 0.01), ("b", None), ("c", 0.04)], 0.05)
    >>> [(test.name, test.holm, test.benjamini_hochberg) for test in found.tests]
    [('a', 0.02, 0.02), ('b', None, None), ('c', 0.04, 0.04)]
    """
    known = [p for _, p in named if p is not None]
    both = zip(holm(known, alpha).adjusted, benjamini_hochberg(known, alpha).adjusted)
    tests = [AdjustedTest(name, p, *(next(both) if p is not None else (None, None))) for name, p in named]
    return Adjustments(tuple(tests), alpha)
