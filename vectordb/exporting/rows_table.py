"""The current rows of a view as a table: one row an entity, as a batch read shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ledger import MISSING, to_micros
from vectordb.exporting.table import (
    CHUNK,
    ENTITY,
    STATUS,
    TIME,
    Field,
    Row,
    Table,
    feature_field,
    unique,
)
from vectordb.matrix import FeatureMatrix
from vectordb.plan import Status
from vectordb.view import View

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectordb.reader import Reader


def rows_table(reader: Reader, name: str, features: Iterable[str] | None, statuses: bool) -> Table:
    """Of a pinned reader: the entities that exist, in the order of their first write; erased ones do not exist."""
    view = View(reader, name)
    plan = reader.plan(name)
    names = plan.check_features(features)
    entities = view.entities()
    fields = [feature_field(one, plan.slot(one).kind) for one in names]

    def chunks() -> Iterator[list[Row]]:
        for start in range(0, len(entities), CHUNK):
            ids = entities[start : start + CHUNK]
            columns = matrix_columns(view.get_many(ids, names), fields, statuses)
            yield list(zip(ids, *columns))

    whole = (Field(view.definition.entity, ENTITY), *with_statuses(fields, statuses))
    return Table(name, reader.as_of_offset, whole, chunks, len(entities))


def with_statuses(fields: list[Field], statuses: bool) -> list[Field]:
    """The columns of features, and behind each where asked for that of its status."""
    if not statuses:
        return fields
    titles = unique([f"{one.name}__status" for one in fields], [one.name for one in fields])
    return [part for one, title in zip(fields, titles) for part in (one, Field(title, STATUS))]


def matrix_columns(matrix: FeatureMatrix, fields: list[Field], statuses: bool) -> list[list[Any]]:
    """The cells of a matrix feature by feature: values, None for null, ``MISSING`` where a read shows nothing."""
    found = []
    for one in fields:
        values = matrix.column(one.name)
        if one.kind == TIME:
            values = [None if value is None else to_micros(value) for value in values]
        states: list[Status] = []
        if statuses:
            states = [row.status_of(one.name) for row in matrix.rows]
        for place in [place for place, value in enumerate(values) if value is None]:
            state = states[place] if statuses else matrix[place].status_of(one.name)
            values[place] = None if state is Status.NULL else MISSING
        found.append(values)
        if statuses:
            found.append(states)
    return found
