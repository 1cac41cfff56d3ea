"""A training set as a table: one row a moment, with the entities, the time, the inputs and the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ledger import InvalidInput, to_micros
from vectordb.exporting.rows_table import matrix_columns, with_statuses
from vectordb.exporting.table import (
    BOOL,
    CHUNK,
    ENTITY,
    FLOAT,
    INT,
    TEXT,
    TIME,
    Field,
    Row,
    Table,
    feature_field,
    unique,
)
from vectordb.interop import given_column
from vectordb.training.training_set import TrainingSet

LABELS: Final[Mapping[type, str]] = {bool: BOOL, int: INT, float: FLOAT, str: TEXT, datetime: TIME}
WORDS: Final = {"int": INT, "float": FLOAT, "bool": BOOL}


def moments_table(training_set: TrainingSet, statuses: bool) -> Table:
    """In the order of the spine. A NaN among labels is null, as pandas has it."""
    check_training_set(training_set)
    spine, names = training_set.spine, training_set.names
    kinds, beside = training_set.kinds, training_set.beside
    fields = [
        feature_field(name, beside[name].kind) if name in beside else Field(name, WORDS[kinds[name]], None, True)
        for name in names
    ]
    labels = {str(name): _plain(str(name), column) for name, column in training_set.extra.items()}
    titles = unique([*spine.entities, "time", *labels], names)
    types = [*([ENTITY] * len(spine.entities)), TIME, *(kind for kind, _ in labels.values())]
    around = [Field(title, kind) for title, kind in zip(titles, types)]
    size = len(spine.entities)

    def chunks() -> Iterator[list[Row]]:
        for start in range(0, len(training_set), CHUNK):
            stop = start + CHUNK
            ids = [column[start:stop] for column in spine.entities.values()]
            inputs = matrix_columns(training_set[start:stop], fields, statuses)
            own = [cells[start:stop] for _, cells in labels.values()]
            yield list(zip(*ids, spine.times[start:stop], *inputs, *own))

    whole = (*around[: size + 1], *with_statuses(fields, statuses, titles), *around[size + 1 :])
    return Table("training set", training_set.as_of, whole, chunks, len(training_set))


def check_training_set(given: object) -> None:
    """Refuse anything else."""
    if not isinstance(given, TrainingSet):
        raise InvalidInput("what is exported here is what service.training_set gave", type=type(given).__name__)


def _plain(name: str, column: Sequence[Any]) -> tuple[str, list[Any]]:
    """The kind of a column of labels, and its cells in Python's own values."""
    if "\0" in name:
        raise InvalidInput("the name of a column has no NUL", column=name)
    cells = [None if value != value else value for value in _values(name, column)]
    types = {type(value) for value in cells if value is not None}
    if types == {int, float}:
        return FLOAT, [None if value is None else float(value) for value in cells]
    kinds = {next((LABELS[base] for base in kind.__mro__ if base in LABELS), "") for kind in types} or {FLOAT}
    (kind, *more) = kinds
    if more or not kind:
        rule = "a column of labels is of one kind: bool, int, float, text or aware datetime"
        raise InvalidInput(rule, column=name, types=sorted(one.__name__ for one in types))
    if kind == TEXT:
        _check_text(name, cells)
    if kind == TIME:
        cells = [None if value is None else to_micros(value) for value in cells]
    return kind, cells


def _values(name: str, column: Any) -> list[Any]:
    """A caller's column as Python's own values; scalars of NumPy are unpacked."""
    if not hasattr(column, "isna") and getattr(getattr(column, "dtype", None), "kind", "") == "M":
        raise InvalidInput("a column of times is of aware datetimes: NumPy's have no zone", column=name)
    held = given_column(column)
    values = held.tolist() if hasattr(held, "tolist") else held
    return [value.item() if hasattr(value, "item") else value for value in values]


def _check_text(name: str, cells: list[Any]) -> None:
    for cell in cells:
        try:
            str.encode(cell or "")
        except UnicodeEncodeError as error:
            raise InvalidInput("text of a file is what UTF-8 holds", column=name, value=ascii(cell)) from error
