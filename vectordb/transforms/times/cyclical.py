"""CyclicalFeatures: a number that comes round, such as an hour, as a place on a circle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, inf, nan, pi, remainder, sin
from typing import Any, ClassVar, Final

from ledger import CannotTransform, InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.program import Program, Value
from vectordb.transforms.shapes import FLOATS, Shape, refuse
from vectordb.transforms.table import Table

SMALLEST: Final = 1e-300  # a quarter of it is exact, too
LARGEST: Final = 1e300


class CyclicalFeatures(Transformer):
    """``sin(2 pi x / period)`` and ``cos(2 pi x / period)`` of each feature: two columns a feature, NaN of NaN.

    ``period``: one number for all features, one a feature in their order, or a mapping by name; 24 for hours, 7 for
    weekdays, 365.25 for days. ``drop_original=False`` keeps the feature in front of its two. ``periods_`` has one a
    feature. Names: ``hour_sin``, ``hour_cos``. 0.6 us a value.

    The remainder of a division by a quarter of a turn is exact, and only of that an angle is made: the error is below
    2 ulp however many turns ``x`` is away, and quarters of a turn give 0, 1 and -1 exactly.

    >>> hours = CyclicalFeatures(period=24).fit({"hour": [0, 6, 12]})
    >>> hours.transform_one({"hour": 18}), hours.get_feature_names_out()
    ((-1.0, 0.0), ['hour_sin', 'hour_cos'])
    """

    _state: ClassVar[dict[str, Shape]] = {"periods_": FLOATS}

    def __init__(
        self, period: float | Sequence[float] | Mapping[str, float] = 24.0, *, drop_original: bool = True
    ) -> None:
        self.period = period
        self.drop_original = drop_original

    def _check(self) -> None:
        if type(self.drop_original) is not bool:
            raise InvalidInput("drop_original is True or False", drop_original=self.drop_original)
        period: Any = self.period
        given = period.values() if isinstance(period, Mapping) else period if _is_sequence(period) else [period]
        for one in given:
            _check_period(one)

    def _learn(self, table: Table, y: Any) -> None:
        self.periods_ = tuple(float(period) for period in self._given(table.labels))

    def _given(self, labels: Sequence[str]) -> list[Any]:
        """The period of each feature."""
        period: Any = self.period
        if isinstance(period, Mapping):
            if set(period) != set(labels):
                raise InvalidInput("period has an entry a feature", given=list(period)[:20], features=labels[:20])
            return [period[label] for label in labels]
        if not _is_sequence(period):
            return [period] * len(labels)
        if len(period) != len(labels):
            raise InvalidInput("period has an entry a feature", given=len(period), features=len(labels))
        return list(period)

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        outputs = []
        for period, value in zip(self.periods_, map(program.number, values), strict=True):
            if not self.drop_original:
                outputs.append(value)
            circle = program.constant(Circle(period, value.label))
            labels = [f"{value.label}_sin", f"{value.label}_cos"]
            outputs += program.let_many("{1}({0})", value, circle, labels=labels, blank=value.blank)
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        endings = ("_sin", "_cos") if self.drop_original else ("", "_sin", "_cos")
        return [f"{name}{ending}" for name in names for ending in endings]

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        super()._read_state(plain, place)
        if len(self.periods_) != self.n_features_in_:
            raise refuse("a period a feature", f"{place}.periods_", len(self.periods_))
        for number, period in enumerate(self.periods_):
            if not SMALLEST <= period <= LARGEST:
                raise refuse("a period above 0", f"{place}.periods_[{number}]", period)


class Circle:
    """The sine and the cosine of a place on a circle of some length, which one feature has."""

    __slots__ = ("label", "period", "quarter")

    def __init__(self, period: float, label: str) -> None:
        self.period = period
        self.quarter = period / 4
        self.label = label

    def __call__(self, value: float) -> tuple[float, float]:
        if value != value:
            return nan, nan
        if value in (inf, -inf):
            raise CannotTransform("a number is finite", feature=self.label, value=value)
        # Both remainders are exact, and their difference is a whole number of quarters: -2 to 2.
        turn = remainder(value, self.period)
        rest = remainder(turn, self.quarter)
        angle = rest / self.period * (2 * pi)
        quarters = round((turn - rest) / self.quarter) % 4
        sine, cosine = sin(angle), cos(angle)
        if quarters == 0:
            return sine, cosine
        if quarters == 1:
            return cosine, 0.0 - sine  # of a zero, no -0.0
        if quarters == 2:
            return 0.0 - sine, -cosine
        return -cosine, sine + 0.0


def _is_sequence(value: Any) -> bool:
    return hasattr(value, "__len__") and hasattr(value, "__iter__") and not isinstance(value, (str, bytes))


def _check_period(period: Any) -> None:
    number = not isinstance(period, (bool, str, bytes)) and hasattr(period, "__float__")
    if not number or not SMALLEST <= period <= LARGEST:
        raise InvalidInput("a period is a number above 0 (1e-300 to 1e300)", period=period)
