"""Outcomes of a call, checked: one, rows, or columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import repeat
from math import isfinite
from typing import Any, Final, NamedTuple

from ledger import MISSING, Entity, InvalidCells, InvalidInput, Outcome, UnknownName, check_entity, to_micros
from vectordb.batches.batch import check_columns, columns_of_rows
from vectordb.experiments.stats.inputs import check_number

SIMPLE: Final = frozenset({str, int})
BOOLS: Final = frozenset({"bool", "bool_"})
NAMES: Final = ("metric", "value", "event_time")
ROW_BYTES: Final = 64  # of an encoded outcome but for its texts: the value, the time, quotes, brackets and commas


class Columns(NamedTuple):
    """What a caller gave, column by column; an event time of None is the recorded time."""

    units: Sequence[Any]
    metrics: Sequence[Any]
    values: Sequence[Any]
    times: Sequence[Any] | None


def check_outcome(metric: Any, value: Any, known: Collection[str]) -> float:
    """The value of one outcome of a known metric; True and False are 1 and 0, NumPy's too."""
    if not isinstance(metric, str) or metric not in known:
        raise UnknownName("the experiment has no such metric", metric=metric, known=sorted(known))
    return float(value) if type(value).__name__ in BOOLS else check_number("an outcome", value)


def raw_outcomes(rows: Any, unit: str, metric: str | None) -> Columns:
    """Columns of ``{unit: ids, "metric": ..., "value": ...}``, or of an iterable of such rows.

    One ``metric`` for all may be given beside them; so may it as a text in place of its column.
    """
    columns = dict(rows) if isinstance(rows, Mapping) else columns_of_rows(rows)
    if metric is not None and "metric" in columns:
        raise InvalidInput("the metric is given once, as a column or as an argument", metric=metric)
    shared = columns.pop("metric", None) if isinstance(columns.get("metric"), str) else metric
    check_columns(columns)
    wanted = {unit, "value"} | (set() if shared is not None else {"metric"})
    if not wanted <= set(columns) <= wanted | set(NAMES):
        raise InvalidInput("outcomes have these columns", expected=sorted(wanted), given=sorted(map(str, columns)))
    uneven = {name: len(column) for name, column in columns.items() if len(column) != len(columns[unit])}
    if uneven:
        raise InvalidInput("columns are as long as the units", units=len(columns[unit]), columns=uneven)
    metrics = [shared] * len(columns[unit]) if shared is not None else columns["metric"]
    return Columns(columns[unit], metrics, columns["value"], columns.get("event_time"))


def check_outcomes(raw: Columns, unit: str, known: Collection[str]) -> list[tuple[Entity, str, float, int | None]]:
    """Rows of unit, metric, value and time (None: the recorded one); every bad cell refuses them all. 0.2 us a row."""
    if not len(raw.units):
        raise InvalidInput("at least one outcome is recorded", rows=0)
    values: Any = raw.values.tolist() if hasattr(raw.values, "tolist") else raw.values
    if raw.times is None and _is_plain(raw.units, raw.metrics, values, known):
        return list(zip(raw.units, raw.metrics, values, repeat(None)))
    found: list[tuple[Entity, str, float, int | None]] = []
    bad: list[dict[str, Any]] = []
    times = repeat(None) if raw.times is None else raw.times
    for place, cells in enumerate(zip(raw.units, raw.metrics, values, times)):
        try:
            found.append(_checked(*cells, known))
        except (InvalidInput, UnknownName) as error:
            bad.append({"row": place, unit: cells[0], "metric": cells[1], "value": cells[2], "rule": error.rule})
    if bad:
        raise InvalidCells("every outcome obeys its rules; nothing was written", cells=bad[:10], count=len(bad))
    return found


def timed(rows: Sequence[tuple[Entity, str, float, int | None]], time: int) -> tuple[Outcome, ...]:
    """The outcomes, once the recorded time is known."""
    return tuple([Outcome(unit, metric, value, time if at is None else at) for unit, metric, value, at in rows])


def most_bytes(label: str, rows: Sequence[tuple[Entity, str, float, int | None]]) -> int:
    """A size that the encoded event of some outcomes does not exceed: a character takes six bytes at most."""
    if len(rows) == 1:
        texts = len(str(rows[0][0])) + len(rows[0][1])
    else:
        texts = sum([len(str(row[0])) + len(row[1]) for row in rows])  # ints
    return 512 + len(label) + 6 * texts + ROW_BYTES * len(rows)


def _checked(
    unit: Any, metric: Any, value: Any, time: Any, known: Collection[str]
) -> tuple[Entity, str, float, int | None]:
    missing = [name for name, cell in zip(("unit", *NAMES), (unit, metric, value)) if cell is MISSING]
    if missing:
        raise InvalidInput("an outcome has a unit, a metric and a value", missing=missing)
    number = check_outcome(metric, value, known)
    return check_entity(unit), metric, number, None if time is None or time is MISSING else to_micros(time)


def _is_plain(units: Sequence[Any], metrics: Sequence[Any], values: Sequence[Any], known: Collection[str]) -> bool:
    """Whether all rows are right as they are: told without a look at each."""
    return (
        set(map(type, values)) == {float}
        and all(map(isfinite, values))
        and set(map(type, metrics)) == {str}
        and set(metrics) <= set(known)
        and SIMPLE.issuperset(map(type, units))
        and all((unit and unit.isascii()) if type(unit) is str else unit.bit_length() < 64 for unit in units)
    )
