"""CountEncoder: a category as how often it was seen."""

from __future__ import annotations

from typing import Any

from ledger import InvalidInput
from vectordb.transforms.encoding.categorical import Categorical, lookup
from vectordb.transforms.program import Program, Value


class CountEncoder(Categorical):
    """The number of rows of the fit with the category, or their share where ``normalize``. 0.05 us a value.

    None and NaN are categories. An unknown one becomes 0.0, or is refused (``handle_unknown`` "error"). ``counts_`` has
    a number for each of ``categories_``; ``partial_fit``, ``merge`` and ``retract`` give the bits of one fit on the
    same rows.

    >>> encoder = CountEncoder().fit([["a"], ["b"], ["a"]])
    >>> encoder.transform([["a"], ["c"]])
    [[2.0], [0.0]]
    """

    counts_: tuple[tuple[int, ...], ...]

    def __init__(self, *, normalize: bool = False, handle_unknown: str = "value") -> None:
        """``handle_unknown``: "value" or "error"."""
        self.normalize = normalize
        self.handle_unknown = handle_unknown

    def _check(self) -> None:
        if not isinstance(self.normalize, bool):
            raise InvalidInput("normalize is True or False", normalize=self.normalize)
        if self.handle_unknown not in ("value", "error"):
            raise InvalidInput("handle_unknown is 'value' or 'error'", handle_unknown=self.handle_unknown)

    def _learnt(self) -> None:
        counts = [held.by_value() for held in self.sums_]
        self.counts_ = tuple(
            tuple(own[category] for category in categories) for own, categories in zip(counts, self.categories_)
        )

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        unknown = 0.0 if self.handle_unknown == "value" else None
        outputs = []
        for place, value in enumerate(values):
            total = self.sums_[place].size if self.normalize else 1
            shares: list[Any] = [count / total for count in self.counts_[place]]
            known = program.constant(lookup(self.categories_[place], shares, value.label, unknown))
            outputs.append(program.let("{1}[{0}]", value, known, blank=False))
        return outputs
