"""Learnt numbers of features: their shapes in a file, and what the fits of several scalers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isfinite, nan
from sys import float_info
from typing import Any, Final

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.shapes import FLOAT, INT, Shape, each, refuse

TINY: Final = 10 * float_info.epsilon


def _read_finite(plain: Any, place: str) -> float:
    value: float = FLOAT.read(plain, place)
    if value in (inf, -inf):
        raise refuse("a finite number, or NaN where there was none", place, plain)
    return value


def _read_width(plain: Any, place: str) -> float:
    value: float = FLOAT.read(plain, place)
    if value < 0.0:
        raise refuse("a distance", place, plain)
    return value


def _read_scale(plain: Any, place: str) -> float:
    value = _read_finite(plain, place)
    if value <= 0.0:
        raise refuse("a number above 0, or NaN where there was none", place, plain)
    return value


def _read_count(plain: Any, place: str) -> int:
    value: int = INT.read(plain, place)
    if value < 0:
        raise refuse("how many there are", place, plain)
    return value


COUNT: Final = Shape(INT.write, _read_count)
COUNTS: Final = each(COUNT)
CENTRES: Final = each(Shape(FLOAT.write, _read_finite))
WIDTHS: Final = each(Shape(FLOAT.write, _read_width))  # infinite where it is beyond float64
SCALES: Final = each(Shape(FLOAT.write, _read_scale))


class Learnt(Transformer):
    """Has an entry a feature in every learnt tuple: a file in which one is shorter or longer is refused."""

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        for name in self._state:
            held = getattr(self, name)
            if isinstance(held, tuple) and len(held) != self.n_features_in_:
                raise refuse("an entry for each feature", f"{place}.{name}", len(held))

    def _refuse_pieces(self, how: str, why: str) -> InvalidInput:
        return InvalidInput(f"a {type(self).__name__} cannot {how}: {why}", transformer=self)


class Quantiles(Learnt):
    """Rests on quantiles: those of rows in pieces do not give those of all of them."""

    def merge(self, other: Any) -> Any:
        """Refused."""
        raise self._refuse_pieces("merge", "quantiles are of all rows at once; fit on all of them")

    def retract(self, other: Any) -> Any:
        """Refused."""
        raise self._refuse_pieces("retract", "quantiles are of all rows at once; fit on those that stay")


def blank_of(constant: float) -> bool | None:
    """Whether a value is blank that is made of another one and a constant: yes where that is NaN, else as before."""
    return None if constant == constant else True


def present(column: Sequence[float]) -> list[float]:
    """The numbers of a column without NaN."""
    return [value for value in column if value == value]


def stretch(width: float) -> float:
    """What a feature is divided by: 1 where its width is (nearly) nothing, as scikit-learn has it."""
    return 1.0 if width < TINY else width


def median(ordered: Sequence[float]) -> float:
    """The middle of sorted numbers, NaN of none."""
    if not ordered:
        return nan
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    middle = (low + high) / 2.0
    return middle if isfinite(middle) else low / 2.0 + high / 2.0
