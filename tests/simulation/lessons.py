"""The model of a service's pipeline: what it learnt of which rows, and what it makes of a row, in plain arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isclose, sqrt
from typing import Any, NamedTuple

NUMBERS = 2  # the first inputs; the last one is a category
UNKNOWN = "none"  # what stands for a category that is not there


class Lesson(NamedTuple):
    """One fit: the event, the kind of pipeline, means and scales of the numbers, categories in order."""

    offset: int
    scaled: bool
    means: tuple[float, ...]
    scales: tuple[float, ...]
    categories: tuple[str, ...]

    def apply(self, inputs: Sequence[Any]) -> list[float]:
        """A missing number is the mean, an unknown category nothing."""
        pairs = zip(inputs[:NUMBERS], self.means, self.scales)
        numbers = [((mean if value is None else value) - mean) / scale for value, mean, scale in pairs]
        kind = UNKNOWN if inputs[-1] is None else inputs[-1]
        return numbers + [float(kind == known) for known in self.categories]


class Predicted(NamedTuple):
    """One recorded prediction: id, entity, offset and clock of its read, inputs, and what the pipeline made of them."""

    id: str
    entity: Any
    offset: int
    as_of: int
    at: int
    inputs: tuple[Any, ...]
    output: float


@dataclass
class Lessons:
    """The versions of a service, its fits, and the predictions recorded of it."""

    defined: list[tuple[int, bool]] = field(default_factory=list)  # offset, and whether numbers are scaled
    fits: list[Lesson] = field(default_factory=list)
    predicted: list[Predicted] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)  # ids of predictions

    def branch(self, offset: int) -> Lessons:
        """Those of a fork."""
        return Lessons(
            [one for one in self.defined if one[0] <= offset],
            [one for one in self.fits if one.offset <= offset],
            [one for one in self.predicted if one.offset <= offset],
            set(self.erased),
        )

    def erase(self, entities: list[Any]) -> None:
        """Predictions of these entities are gone: the service reads every view."""
        self.erased |= {one.id for one in self.predicted if one.entity in entities}

    def scaled(self, offset: int) -> bool | None:
        """The kind of pipeline in force; None before there is a service."""
        return next((kind for at, kind in reversed(self.defined) if at <= offset), None)

    def fitted(self, offset: int) -> Lesson | None:
        """The last fit of that kind."""
        kind = self.scaled(offset)
        return next((one for one in reversed(self.fits) if one.offset <= offset and one.scaled is kind), None)

    def learn(self, offset: int, scaled: bool, rows: list[tuple[Any, ...]]) -> None:
        """Means of what is there, deviations with the gaps filled, and categories, of some rows."""
        columns = list(zip(*rows, strict=True))
        learnt = [_learn(column, scaled) for column in columns[:NUMBERS]]
        categories = sorted({UNKNOWN if kind is None else kind for kind in columns[-1]})
        self.fits.append(Lesson(offset, scaled, *zip(*learnt), tuple(categories)))  # type: ignore[arg-type]


def _learn(column: Sequence[Any], scaled: bool) -> tuple[float, float]:
    there = [Fraction(value) for value in column if value is not None]
    mean = float(sum(there, Fraction()) / len(there)) if there else 0.0  # ints
    filled = [Fraction(mean) if value is None else Fraction(value) for value in column]
    centre = sum(filled, Fraction()) / len(filled)  # ints
    variance = sum((value - centre) ** 2 for value in filled) / len(filled)  # ints
    return mean, sqrt(variance) if scaled and variance > 1e-24 else 1.0


def alike(found: Sequence[float], expected: Sequence[float]) -> bool:
    """Equal but for the last bits of a mean."""
    pairs = zip(found, expected, strict=True)
    return all(isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) for one, other in pairs)
