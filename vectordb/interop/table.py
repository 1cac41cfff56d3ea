"""A table: columns in Arrow's layout, for whoever takes ``__arrow_c_stream__``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from ledger import InvalidInput
from vectordb.interop.c_data.capsules import array_of, schema_of, stream_of
from vectordb.interop.c_data.column import Column, cut
from vectordb.interop.c_data.column import table as struct_of

BATCH: Final = 1 << 16  # rows of a batch of a stream


class Table:
    """Named columns of equally many rows, immutable; exported without a copy, as often as it is asked.

    A stream of it has batches of at most 65,536 rows, which share its memory. It is a copy of what was read: it
    outlives the database, no later write changes it, and no erasure reaches it (drop it when who is in it is erased).

    ``pyarrow.table(t)``, ``polars.DataFrame(t)``, ``pandas.DataFrame.from_arrow(t)`` and ``duckdb.sql("from t")`` take
    it as it is, and so do ``put_many``, ``load`` and ``training_set``.

    >>> from vectordb.interop.c_data.column import texts
    >>> t = Table({"city": texts(["Rome", None])})
    >>> len(t), t.names, t.to_columns()
    (2, ('city',), {'city': ['Rome', None]})
    """

    def __init__(self, columns: dict[str, Column]) -> None:
        wrong = [name for name in columns if type(name) is not str or not name.isprintable()]
        if wrong:
            raise InvalidInput("the name of a column is printable text", names=wrong)
        sizes = {name: column.cells.length for name, column in columns.items()}
        if len(set(sizes.values())) > 1:
            raise InvalidInput("the columns of a table are equally long", columns=sizes)
        self._columns = columns
        self._rows = max(sizes.values(), default=0)
        self._struct = struct_of(list(columns), list(columns.values()), self._rows)

    def __len__(self) -> int:
        return self._rows

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in order."""
        return tuple(self._columns)

    @property
    def formats(self) -> dict[str, str]:
        """The format string of every column, as the Arrow C data interface writes it."""
        return {name: column.shape.format for name, column in self._columns.items()}

    def column(self, name: str) -> Column:
        """The bytes of a column."""
        return self._columns[name]

    def batches(self, rows: int = BATCH) -> Iterator[Table]:
        """Tables of at most so many rows, in order; they share this one's memory.

        Raises ``InvalidInput`` for fewer than one, when the first is asked for.
        """
        if type(rows) is not int or rows < 1:
            raise InvalidInput("a batch has at least one row", rows=rows)
        for start in range(0, self._rows, rows):
            size = min(rows, self._rows - start)
            parts = ((name, column.shape, column.cells) for name, column in self._columns.items())
            yield Table({name: Column(shape, cut(shape, cells, start, size)) for name, shape, cells in parts})

    def to_columns(self) -> dict[str, list[Any]]:
        """Plain Python values, column by column."""
        from vectordb.interop.reading import read_table

        columns: dict[str, Any] = read_table(self)
        return {name: held.tolist() if hasattr(held, "tolist") else list(held) for name, held in columns.items()}

    def __arrow_c_schema__(self) -> Any:
        return schema_of(self._struct.shape)

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        return array_of(self._struct)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        cuts = [self] if self._rows <= BATCH else self.batches(BATCH)
        return stream_of(self._struct.shape, (table._struct for table in cuts))

    def __repr__(self) -> str:
        return f"Table({len(self)} rows, {self.formats})"


class TableStream:
    """Tables of one kind, made one after the other as a consumer asks for them; exported as often as it is asked.

    Memory is that of one table. Takers are those of ``Table``. A table of other columns is refused, as the stream's
    error; where making one raises, the consumer raises an error of its own that says so.
    """

    def __init__(self, empty: Table, tables: Callable[[], Iterable[Table]]) -> None:
        """``empty`` has the columns and no rows; ``tables`` starts again each time."""
        self._empty = empty
        self._tables = tables

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in order."""
        return self._empty.names

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables())

    def __arrow_c_schema__(self) -> Any:
        return self._empty.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return stream_of(self._empty._struct.shape, (table._struct for table in self))


class Tabular:
    """What has a table: its Arrow protocol is that of ``table()``, made anew for every export."""

    __slots__ = ()

    def table(self) -> Table | TableStream:
        """The rows as Arrow columns."""
        raise NotImplementedError

    def __arrow_c_schema__(self) -> Any:
        return self.table().__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table().__arrow_c_stream__(requested_schema)
