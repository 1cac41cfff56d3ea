"""A spine: the labelled moments of a training set, each an entity of every kind and a time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Entity,
    InvalidInput,
    OffsetOutOfRange,
    TimeOutOfRange,
    check_entity,
    from_micros,
    to_micros,
)
from vectordb.batches.batch import check_columns
from vectordb.interop import given_columns

if TYPE_CHECKING:
    from vectordb.reader import Reader

TIME = "time"


class Spine(NamedTuple):
    """Entity columns by kind, the time of every row in microseconds, and the columns that are neither."""

    entities: dict[str, list[Entity]]
    times: array[int]
    extra: dict[str, Sequence[Any]]


def read_spine(rows: Any, kinds: Sequence[str]) -> Spine:
    """Columns ``{kind: ids, "time": times, ...}``, a table of another library, rows, or tuples (entity, ..., time)."""
    given = given_columns(rows)
    columns = _transpose(rows, kinds) if given is None else given
    check_columns(columns)
    missing = [name for name in (*kinds, TIME) if name not in columns]
    if missing:
        rule = "a spine has a column for every kind of entity, and time"
        raise InvalidInput(rule, missing=missing, given=list(columns))
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise InvalidInput("the columns of a spine are equally long", columns=sizes)
    entities = {kind: [check_entity(entity) for entity in columns[kind]] for kind in kinds}
    times = array("q", map(to_micros, columns[TIME]))
    return Spine(entities, times, {name: column for name, column in columns.items() if name not in (*kinds, TIME)})


def _transpose(rows: Any, kinds: Sequence[str]) -> dict[str, Any]:
    if isinstance(rows, (str, bytes)) or not isinstance(rows, Iterable):
        raise InvalidInput("a spine is columns or rows", type=type(rows).__name__)
    held = list(rows)
    names = list(held[0]) if held and isinstance(held[0], Mapping) else [*kinds, TIME]
    for row in held:
        fits = set(row) == set(names) if isinstance(row, Mapping) else _is_tuple(row) and len(row) == len(names)
        if not fits:
            rule = "the rows of a spine are alike: (entity, ..., time), or mappings"
            raise InvalidInput(rule, row=row, columns=names)
    cells = [[row[name] for name in names] if isinstance(row, Mapping) else row for row in held]
    return {name: [row[place] for row in cells] for place, name in enumerate(names)}


def _is_tuple(row: Any) -> bool:
    return isinstance(row, Sequence) and not isinstance(row, (str, bytes))


def known_limits(reader: Reader, known_at: Any, rows: int) -> list[int]:
    """The greatest reference that every row may know: ``known_at`` is None, an offset, a time, or one of them a row."""
    if known_at is None:
        return [_limit(reader.as_of_offset)] * rows
    if isinstance(known_at, (int, datetime, str)):
        return [_limit(_offset(reader, known_at))] * rows
    if not isinstance(known_at, Sequence) or len(known_at) != rows:
        size = len(known_at) if hasattr(known_at, "__len__") else None
        raise InvalidInput("known_at is an offset, a time, or one for each row", rows=rows, given=size)
    return [_limit(_offset(reader, one)) for one in known_at]


def recorded_limits(reader: Reader, times: Sequence[int]) -> list[int]:
    """The greatest reference that was recorded by each of some times."""
    head, offset_at = reader.as_of_offset, reader.state.log.offset_at
    return [_limit(min(head, offset_at(time))) for time in times]


def _limit(offset: int) -> int:
    return offset << ROW_BITS | ROW_MASK


def _offset(reader: Reader, known_at: Any) -> int:
    head = reader.as_of_offset
    if isinstance(known_at, int) and not isinstance(known_at, bool):
        if not 0 <= known_at <= head:
            raise OffsetOutOfRange("known_at is an offset of the log", offset=known_at, first=0, last=head)
        return known_at
    if not isinstance(known_at, (datetime, str)):
        raise InvalidInput("known_at is an int (an offset) or a datetime", value=known_at)
    micros, clock = to_micros(known_at), reader.clock()
    if micros > clock:
        rule = "known_at does not lie after the clock"
        raise TimeOutOfRange(rule, time=from_micros(micros), clock=from_micros(clock))
    return min(head, reader.state.log.offset_at(micros))
