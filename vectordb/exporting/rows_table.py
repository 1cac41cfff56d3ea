"""The current rows of a view as a table: one row an entity, as a batch read shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ledger import MISSING, EntityErased, to_micros
from vectordb.batches.matrix import FeatureMatrix
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
from vectordb.views.plan import Status
from vectordb.views.view import View

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectordb.reader import Reader


def rows_table(reader: Reader, name: str, features: Iterable[str] | None, statuses: bool) -> Table:
    """Of a pinned reader: the entities that exist, in the order of their first write; erased ones do not exist."""
    view = View(reader, name)
    plan = reader.plan(name)
    names = plan.check_features(features)
    head = reader.state.log.head
    entities = view.entities()
    fields = [feature_field(one, plan.slot(one).kind) for one in names]

    left_out: Counter[str] = Counter()

    def chunks() -> Iterator[list[Row]]:
        for start in range(0, len(entities), CHUNK):
            ids = entities[start : start + CHUNK]
            matrix = view.get_many(ids, names)
            rows = list(zip(ids, *matrix_columns(matrix, fields, statuses)))
            if was_erased_since(reader, head):
                left_out["erased rows"] += matrix.found.count(False)
                rows = [row for row, found in zip(rows, matrix.found) if found]
            yield rows

    kind = view.definition.entity
    whole = (Field(kind, ENTITY), *with_statuses(fields, statuses, [kind]))
    return Table(name, reader.as_of_offset, whole, chunks, len(entities), left_out)


def was_erased_since(reader: Reader, head: int) -> bool:
    """Whether entities were erased while a file was written: their ids are not to be in it."""
    later = reader.state.log.events(head + 1)
    return any(isinstance(event.fact, EntityErased) for event in later)


def with_statuses(fields: list[Field], statuses: bool, taken: Iterable[str] = ()) -> list[Field]:
    """The columns of features, and behind each where asked for that of its status."""
    if not statuses:
        return fields
    titles = unique([f"{one.name}__status" for one in fields], [*taken, *(one.name for one in fields)])
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
