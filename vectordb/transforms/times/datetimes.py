"""DatetimeFeatures: parts of an instant, such as its month, its weekday and its hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from math import nan
from typing import Any, Final

from ledger import CannotTransform, InvalidInput, InvalidTime, from_micros, to_micros
from vectordb.transforms.base import Transformer
from vectordb.transforms.program import Program, Value
from vectordb.transforms.table import Table

MINUTE: Final = 60_000_000  # in microseconds
DAY_MINUTES: Final = 1440
DEFAULT: Final = ("year", "month", "day", "dayofweek", "hour", "minute", "second")


def _ends_month(moment: datetime) -> bool:
    return (moment + timedelta(days=1)).month != moment.month


# Monday is 0; weeks are those of ISO 8601, whose week 1 has the year's first Thursday.
PARTS: Final[dict[str, Callable[[datetime], float]]] = {
    "year": lambda moment: moment.year,
    "month": lambda moment: moment.month,
    "day": lambda moment: moment.day,
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
    "second": lambda moment: moment.second,
    "microsecond": lambda moment: moment.microsecond,
    "dayofweek": datetime.weekday,
    "dayofyear": lambda moment: moment.timetuple().tm_yday,
    "week": lambda moment: moment.isocalendar().week,
    "quarter": lambda moment: (moment.month + 2) // 3,
    "is_weekend": lambda moment: moment.weekday() > 4,
    "is_month_start": lambda moment: moment.day == 1,
    "is_month_end": _ends_month,
}
TIMESTAMP: Final = "timestamp"
KNOWN: Final = (*PARTS, TIMESTAMP)


class DatetimeFeatures(Transformer):
    """Parts of each instant as floats, ``features`` of them a feature: ``signed_up_month``, ``signed_up_hour``.

    An instant is what it is all over vectordb: an aware datetime, RFC 3339 text, or seconds since 1970 UTC as int or
    float, in the years 1684 to 2255; None and NaN give NaN. A datetime without an offset, and a bool, are refused.

    ``features``: year, month, day, hour, minute, second, microsecond, dayofweek (Monday is 0), dayofyear, week (of
    ISO 8601), quarter, is_weekend, is_month_start, is_month_end (0 or 1), and timestamp (seconds since 1970 UTC).
    ``utc_offset`` is in minutes: the parts are those of a clock that is so far ahead of UTC. There are no names of
    time zones: what they mean depends on the machine's database, and changes with it. 3 us a value.

    >>> parts = DatetimeFeatures(["month", "hour"], utc_offset=60).fit({"at": [0]})
    >>> parts.transform_one({"at": "2026-01-31T23:30:00Z"}), parts.get_feature_names_out()
    ((2.0, 0.0), ['at_month', 'at_hour'])
    """

    _numeric = False

    def __init__(self, features: Sequence[str] = DEFAULT, *, utc_offset: int = 0) -> None:
        self.features = features
        self.utc_offset = utc_offset

    def _check(self) -> None:
        features: Any = self.features
        if isinstance(features, str) or not hasattr(features, "__iter__") or not list(features):
            raise InvalidInput("features is a list of parts of an instant", features=features, known=list(KNOWN))
        unknown = [one for one in features if not isinstance(one, str) or one not in KNOWN]
        if unknown or len(set(features)) != len(list(features)):
            raise InvalidInput("each feature is a known part of an instant, once", features=features, known=list(KNOWN))
        offset = self.utc_offset
        if type(offset) is not int or not -DAY_MINUTES < offset < DAY_MINUTES:
            raise InvalidInput("utc_offset is whole minutes, within a day", utc_offset=offset)

    def _learn(self, table: Table, y: Any) -> None:
        for column, label in zip(table.columns, table.labels):
            clock = Clock(("year",), self.utc_offset, label)
            for value in column:
                clock(value)

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        outputs = []
        for value in values:
            clock = program.constant(Clock(tuple(self.features), self.utc_offset, value.label))
            labels = self._names_out([value.label])
            outputs += program.let_many("{1}({0})", value, clock, labels=labels, blank=value.blank)
        return outputs

    def _names_out(self, names: list[str]) -> list[str]:
        return [f"{name}_{feature}" for name in names for feature in self.features]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True  # instants as text
        return tags


class Clock:
    """The parts of an instant, as a clock at an offset from UTC shows them; one feature has it."""

    __slots__ = ("features", "label", "offset")

    def __init__(self, features: tuple[str, ...], offset: int, label: str) -> None:
        self.features = features
        self.offset = offset
        self.label = label

    def __call__(self, value: Any) -> tuple[float, ...]:
        if value is None or value != value:
            return (nan,) * len(self.features)
        try:
            micros = to_micros(value)
        except InvalidTime as error:
            raise CannotTransform(error.rule, feature=self.label, value=value) from error
        moment = from_micros(micros + self.offset * MINUTE)
        return tuple(
            micros / 1_000_000 if feature == TIMESTAMP else float(PARTS[feature](moment)) for feature in self.features
        )
