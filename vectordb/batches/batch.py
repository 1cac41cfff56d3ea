"""A batch: what ``put_many`` was given, as checked columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ledger import (
    MISSING,
    BadCell,
    Column,
    Entity,
    Instant,
    InvalidCells,
    InvalidInput,
    Layout,
    Rejection,
    check_column,
    check_entities,
    to_micros,
)
from vectordb.interop import given_column, given_columns

EVENT_TIME = "event_time"


class Batch(NamedTuple):
    """Entities, columns by position in the view's version, and event times (None: the recorded time)."""

    entities: list[Entity]
    columns: dict[int, Column]
    event_times: int | array[int] | None
    rejected: tuple[Rejection, ...] = ()


class Raw(NamedTuple):
    """A caller's batch, column by column, nothing checked but its shape."""

    entities: Sequence[Any]
    columns: dict[str, Any]
    event_time: Any

    def without(self, rows: set[int]) -> Raw:
        """The same without some rows."""
        keep = [row for row in range(len(self.entities)) if row not in rows]
        time = [self.event_time[row] for row in keep] if _is_column(self.event_time) else self.event_time
        columns = {name: _picked(column, keep) for name, column in self.columns.items()}
        return Raw([self.entities[row] for row in keep], columns, time)


def _picked(column: Any, rows: Sequence[int]) -> list[Any]:
    """Some cells of a column; Python takes no row out of a view of two dimensions."""
    cells = column.tolist() if isinstance(column, memoryview) else column
    return [cells[row] for row in rows]


def raw_batch(layout: Layout, entity_kind: str, rows: Any, event_time: Any) -> Raw:
    """Columns of ``{entity: ids, feature: values}``, of a table of another library, or of an iterable of such rows.

    A column (or key) ``event_time`` gives each row its own, unless the view has a feature of that name.
    """
    given = given_columns(rows)
    columns = columns_of_rows(rows) if given is None else given
    event_time = given_column(event_time)
    check_columns(columns)
    if entity_kind not in columns:
        raise InvalidInput(
            "a batch names its entities under the view's kind of entity", expected=entity_kind, given=sorted(columns)
        )
    entities = columns.pop(entity_kind)
    if EVENT_TIME in columns and EVENT_TIME not in layout.features:
        if event_time is not None:
            raise InvalidInput("event times are given once, as a column or as an argument", column=EVENT_TIME)
        event_time = columns.pop(EVENT_TIME)
    sized = {**columns, EVENT_TIME: event_time} if _is_column(event_time) else columns
    uneven = {name: len(column) for name, column in sized.items() if len(column) != len(entities)}
    if uneven:
        raise InvalidInput("columns are as long as the entities", view=layout.view, rows=len(entities), columns=uneven)
    return Raw(entities, columns, event_time)


def check_columns(columns: Mapping[str, Any]) -> None:
    """Refuse columns that are not sequences of values."""
    for name, column in columns.items():
        if isinstance(column, (str, bytes, Mapping, set)) or not is_sized(column):
            raise InvalidInput("a column is a sequence of values", column=name, type=type(column).__name__)


def is_sized(value: Any) -> bool:
    """Whether a value has a length (a NumPy array of no dimension has the method, and no length)."""
    try:
        len(value)
    except TypeError:
        return False
    return True


def check_batch(layout: Layout, raw: Raw, nan: str, on_error: str) -> Batch:
    """The checked batch; every bad row refuses it, or (``on_error="reject"``) is left out and reported."""
    batch, bad = _check(layout, raw, nan)
    if not bad:
        return batch
    codes: list[Any] = [column.data for place, column in batch.columns.items() if layout.types[place].coded]
    layout.pool.refused.update(*codes)
    if on_error == "refuse":
        cells = [_bad_cell(layout, raw, name, cell) for name, cell in bad[:10]]
        raise InvalidCells("every cell obeys its feature's type; nothing was written", cells=cells, count=len(bad))
    rejected = tuple(
        Rejection(cell.row, shown(raw.entities[cell.row]), name, shown(cell.value), cell.rule)
        for name, cell in sorted(bad, key=lambda item: item[1].row)
    )
    batch, still = _check(layout, raw.without({cell.row for _, cell in bad}), nan)
    assert not still, still
    return batch._replace(rejected=rejected)


def batch_bound(layout: Layout, batch: Batch) -> int:
    """A size in bytes that the encoded event surely does not exceed."""
    rows = len(batch.entities)
    ids = sum(len(entity) if isinstance(entity, str) else 1300 for entity in batch.entities)  # ints
    bound = 8_192 + 8 * rows + 6 * ids + 16 * rows
    for place, column in batch.columns.items():
        bound += 8 * (len(column.nulls) + len(column.missing))
        if isinstance(column.data, list):
            bound += 6 * sum(map(len, column.data)) + 4 * rows  # ints
        elif isinstance(column.data, bytes):
            bound += 2 * len(column.data) + 4 * rows
        else:
            bound += 30 * min(rows, 16) + 11 * rows + 64
            if layout.types[place].coded:
                values = layout.pool.values_by_code
                known = {code for code in set(column.data) if code < len(values)}  # a gap holds code 0 of an empty pool
                bound += sum(6 * len(str(values[code])) + 8 for code in known)  # ints
    return bound


def _check(layout: Layout, raw: Raw, nan: str) -> tuple[Batch, list[tuple[str | None, BadCell]]]:
    bad: list[tuple[str | None, BadCell]] = []
    entities, bad_ids = check_entities(raw.entities)
    bad.extend((None, cell) for cell in bad_ids)
    unknown = [name for name in raw.columns if name not in layout.features]
    if unknown:
        cells = [
            {
                "view": layout.view,
                "feature": name,
                "entity": None,
                "value": None,
                "rule": "the view has no such feature",
            }
            for name in unknown
        ]
        raise InvalidCells("every column is a feature of the view", cells=cells)
    columns: dict[int, Column] = {}
    for place, (name, kind) in enumerate(layout.features.items()):
        if name in raw.columns:
            column, bad_cells = check_column(kind, raw.columns[name], layout.pool, nan)
            bad.extend((name, cell) for cell in bad_cells)
            if len(column.missing) < len(entities) or not entities:
                columns[place] = column
    bad.extend((None, cell) for cell in _empty_rows(columns, len(entities), {cell.row for _, cell in bad}))
    times, bad_times = _check_times(raw.event_time)
    bad.extend((EVENT_TIME, cell) for cell in bad_times)
    return Batch(entities, columns, times), bad


def _empty_rows(columns: dict[int, Column], rows: int, known: set[int]) -> list[BadCell]:
    """Rows that write no feature at all."""
    if any(not column.missing for column in columns.values()):
        return []
    empty = set(range(rows)).difference(known)
    for column in columns.values():
        empty.intersection_update(column.missing)
    return [BadCell(row, MISSING, "a put writes at least one feature") for row in sorted(empty)]


def _check_times(event_time: Any) -> tuple[int | array[int] | None, list[BadCell]]:
    if event_time is None or not _is_column(event_time):
        return None if event_time is None else to_micros(event_time), []
    bad: list[BadCell] = []
    times = array("q")
    for row, value in enumerate(event_time):
        try:
            times.append(to_micros(value))
        except InvalidInput as error:
            bad.append(BadCell(row, value, error.rule))
            times.append(0)
    return times, bad


def _is_column(event_time: Instant | Sequence[Instant] | None) -> bool:
    return event_time is not None and not isinstance(event_time, str) and is_sized(event_time)


def columns_of_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Columns of an iterable of rows; ``MISSING`` where a row has no such key."""
    try:
        items = list(rows)
    except TypeError:
        raise InvalidInput("a batch is columns, or an iterable of rows", type=type(rows).__name__) from None
    for place, row in enumerate(items):
        if not isinstance(row, Mapping):
            raise InvalidInput("a row of a batch is a mapping", row=place, type=type(row).__name__)
    names = dict.fromkeys(name for row in items for name in row)
    return {name: [row.get(name, MISSING) for row in items] for name in names}


def _bad_cell(layout: Layout, raw: Raw, name: str | None, cell: BadCell) -> dict[str, Any]:
    entity = raw.entities[cell.row]
    return {
        "view": layout.view,
        "feature": name,
        "entity": entity,
        "row": cell.row,
        "value": cell.value,
        "rule": cell.rule,
    }


def shown(value: Any) -> str:
    """A readable form of any value, at most 200 characters, that UTF-8 can hold."""
    return repr(value)[:200].encode("utf-8", "backslashreplace").decode()
