"""A feature matrix: the features of many entities, read at one offset and clock."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from math import inf
from typing import Any, NamedTuple

from ledger import MISSING, FeatureType, InvalidInput, UnknownName, from_micros
from ledger import Vector as VectorType
from vectordb.batches.dense import Dense, stack
from vectordb.batches.executors import PIECE, Progress, Sharing
from vectordb.interop import Blocked, Table, Tabular, matrix_table
from vectordb.views.plan import Status

RowOf = Callable[[int], Any]


class Column(NamedTuple):
    """A feature beside the numbers: its type, what a missing value shows, and the cells (None is null)."""

    kind: FeatureType
    default: Any
    cells: Sequence[Any]

    def shown(self) -> list[Any]:
        """The values that a read gives."""
        kind, default = self.kind, self.default
        if type(kind).show is FeatureType.show:  # the cell itself
            return [default if cell is MISSING else cell for cell in self.cells]
        return [default if cell is MISSING else None if cell is None else kind.show(cell) for cell in self.cells]

    def pick(self, places: range) -> Column:
        """Some rows."""
        cells = self.cells[places.start : places.stop] if places.step == 1 else [self.cells[row] for row in places]
        return self._replace(cells=cells)


class FeatureMatrix(Blocked, Tabular, Sequence[Mapping[str, Any]]):
    """The features of many entities, row after row in the order asked for; immutable.

    ``shape`` is (rows, features); all rows share one offset (``as_of``) and clock (``at``), and ``label`` is the
    version of the view or service that was read. Int, Float and Bool features stand in one row-major block of float64
    (or float32), with NaN where a value is null, or missing or expired without a default; ``numeric`` names its
    columns. ``np.asarray(matrix)`` is that block, sharing its memory, as are ``numbers`` and, on Python 3.12 and
    later, ``memoryview(matrix)``. Categories, texts and timestamps stand beside it (``column``), vectors as blocks of
    their own (``vectors``). ``matrix[i]`` is a row with everything a single read gives; rows, statuses and versions are
    read again from the log, as of the same offset and clock, when they are asked for (3 us a row).

    >>> from vectordb import Category, Float, VectorDB
    >>> songs = VectorDB().create_view("songs", entity="song", features={"tempo": Float(), "genre": Category()})
    >>> receipt = songs.put_many({"song": ["a", "b"], "tempo": [92.0, 118.0], "genre": ["jazz", "rock"]})
    >>> matrix = songs.get_many(["b", "a", "c"])
    >>> matrix.shape, matrix.numeric, matrix.numbers.column(0)
    ((3, 2), ('tempo',), [118.0, 92.0, nan])
    >>> matrix.column("genre"), matrix[2].found
    (['rock', 'jazz', None], False)
    """

    __slots__ = (
        "_columns", "_kinds", "_row_of", "_rows", "as_of", "at_micros", "entities", "label", "names", "numbers",
    )  # fmt: skip

    def __init__(
        self,
        names: tuple[str, ...],
        entities: Sequence[Any],
        kinds: dict[str, FeatureType],
        numbers: Dense,
        columns: dict[str, Column],
        row_of: RowOf,
        as_of: int,
        at: int,
        label: str,
    ) -> None:
        """``kinds`` has the type of every column of ``numbers``, by name."""
        self.names = names
        self.entities = entities
        self._kinds = kinds
        self.numbers = numbers  # the block of numbers: rows x ``numeric``
        self._columns = columns
        self._row_of = row_of
        self._rows: list[Any] | None = None
        self.as_of = as_of
        self.at_micros = at
        self.label = label

    # -- what it is ----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, features)."""
        return len(self.entities), len(self.names)

    @property
    def at(self) -> datetime:
        """The clock that the read used."""
        return from_micros(self.at_micros)

    @property
    def numeric(self) -> tuple[str, ...]:
        """The features in the block of numbers, in the order of its columns."""
        return tuple(self._kinds)

    @property
    def kinds(self) -> dict[str, str]:
        """The name of every feature's type: float, int, bool, category, text, timestamp or vector."""
        types = {**self._kinds, **{name: column.kind for name, column in self._columns.items()}}
        return {name: types[name].name for name in self.names}

    def dim(self, name: str) -> int:
        """The dimension of a vector feature; raises ``InvalidInput`` for any other."""
        kind = self._columns[name].kind if name in self._columns else None
        if not isinstance(kind, VectorType) or kind.dtype == "binary":
            raise InvalidInput("dim is of a Vector feature of numbers", feature=name, known=list(self.names)[:20])
        return kind.dim

    @property
    def dtype(self) -> str:
        """The element type of the block of numbers: ``float64`` or ``float32``."""
        return self.numbers.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of the block of numbers."""
        return self.numbers.nbytes

    # -- numbers, without a copy ---------------------------------------------------------------------

    def __buffer__(self, flags: int, /) -> memoryview:
        return self.numbers.__buffer__(flags)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self.numbers.__array_interface__

    def astype(self, dtype: str) -> FeatureMatrix:
        """The same with numbers of ``float64`` or ``float32``. 10 ns a number.

        Raises ``InvalidInput`` for another type, and for a number beyond float32.
        """
        block = self.numbers
        if dtype == block.dtype:
            return self
        if dtype not in ("float64", "float32"):
            raise InvalidInput("numbers are float64 or float32", dtype=dtype)
        code = "f" if dtype == "float32" else "d"
        cast = array(code, block.flat)
        if code == "f" and (inf in cast or -inf in cast):
            place = next(place for place, number in enumerate(cast) if number in (inf, -inf))
            row, column = divmod(place, block.shape[1])
            named = {"feature": self.numeric[column], "entity": self.entities[row]}
            raise InvalidInput("a number of a float32 block fits in float32", **named, value=block.flat[place])
        return self._with(Dense(cast.tobytes(), block.shape, dtype))

    def apply(
        self, function: Callable[[Dense], Dense], *, executor: Executor | None = None, progress: Progress | None = None
    ) -> Dense:
        """The block of numbers through a function of blocks, which keeps the number of rows: pieces of 8,192 rows.

        An ``executor`` shares the pieces where there are enough rows (20,000); for processes the function has to be
        one that can be pickled. The result is that of the serial run. Raises ``InvalidInput`` for a
        function that gives another number of rows.
        """
        shared, done, found = Sharing(executor, progress).part(0, 1, len(self)), 0, []
        pieces = [chunk.numbers for chunk in self.chunks(PIECE)] or [self.numbers]
        for piece, block in zip(pieces, shared.each(function, pieces, len(self))):
            if len(block) != len(piece):
                raise InvalidInput("the function gives as many rows as it takes", rows=len(piece), given=len(block))
            found.append(block)
            done += len(block)
            shared.tell(done, len(self))
        return stack(found)

    def _with(self, numbers: Dense) -> FeatureMatrix:
        return self._rebuilt(self.entities, numbers, self._columns, self._row_of)

    def _rebuilt(
        self, entities: Sequence[Any], numbers: Dense, columns: dict[str, Column], row_of: RowOf
    ) -> FeatureMatrix:
        """A matrix of the same read."""
        read = (row_of, self.as_of, self.at_micros, self.label)
        return FeatureMatrix(self.names, entities, self._kinds, numbers, columns, *read)

    # -- rows ----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.entities)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return self._pick(range(*place.indices(len(self))))
        if self._rows is not None:
            return self._rows[place]
        return self._row_of(range(len(self))[place])

    def _pick(self, places: range) -> FeatureMatrix:
        block = self.numbers
        block = block.rows(places.start, places.stop) if places.step == 1 else block.pick(places)
        columns = {name: column.pick(places) for name, column in self._columns.items()}
        entities = [self.entities[place] for place in places]
        row_of = self._row_of

        def own(place: int) -> Any:
            return row_of(places[place])

        return self._rebuilt(entities, block, columns, own)

    def chunks(self, rows: int) -> Iterator[FeatureMatrix]:
        """Matrices of at most so many rows, in order; their numbers share this one's memory.

        Raises ``InvalidInput`` for fewer than one, when the first is asked for.
        """
        if type(rows) is not int or rows < 1:
            raise InvalidInput("a chunk has at least one row", rows=rows)
        for start in range(0, len(self), rows):
            yield self[start : start + rows]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    @property
    def rows(self) -> Sequence[Any]:
        """Every row as a single read gives it; read on first use."""
        if self._rows is None:
            self._rows = list(map(self._row_of, range(len(self))))
        return self._rows

    @property
    def found(self) -> list[bool]:
        """Whether each entity exists."""
        return [row.found for row in self.rows]

    @property
    def versions(self) -> list[dict[str, str | None]]:
        """For each row the version id of every value."""
        return [{name: versions[name] for name in self.names} for versions in (row.versions for row in self.rows)]

    @property
    def status(self) -> list[dict[str, Status]]:
        """For each row the status of every value."""
        return [{name: row.status_of(name) for name in self.names} for row in self.rows]

    # -- columns -------------------------------------------------------------------------------------

    def column(self, name: str) -> list[Any]:
        """The values of one feature, in order of rows, as single reads give them; raises ``UnknownName``."""
        beside = self._columns.get(name)
        if beside is not None:
            return beside.shown()
        kind = self._kinds.get(name)
        if kind is None:
            raise UnknownName("the matrix has no such feature", feature=name, known=list(self.names)[:20])
        numbers = self.numbers.column(self.numeric.index(name))
        if kind.name == "float":
            return [None if number != number else number for number in numbers]
        make = int if kind.name == "int" else bool
        return [None if number != number else make(number) for number in numbers]

    def vectors(self, name: str) -> Dense:
        """A vector feature as one block, rows x dimension, in its element type.

        Rows without a vector are NaN, or the default; in a type that has no NaN they are refused. Binary vectors
        have no such block: ask ``column`` for their bits. Refusals are ``InvalidInput``.
        """
        column = self._columns.get(name)
        if column is None or not isinstance(column.kind, VectorType) or column.kind.dtype == "binary":
            raise InvalidInput("vectors takes a Vector feature of numbers", feature=name, known=list(self.names)[:20])
        kind = column.kind
        default = None if kind.default is None else kind.check(kind.default)
        cells: list[Any] = [default if cell is MISSING else cell for cell in column.cells]
        if None in cells:
            if kind.dtype in ("int8", "uint8"):
                rows = [row for row, cell in enumerate(cells) if cell is None]
                rule = "every row has a vector, where its element type has no NaN"
                without = [self.entities[row] for row in rows[:10]]
                raise InvalidInput(rule, feature=name, dtype=kind.dtype, entities=without)
            blank = kind.packer.pack(*[float("nan")] * kind.dim)
            cells = [blank if cell is None else cell for cell in cells]
        return Dense(b"".join([*cells, b""]), (len(cells), kind.dim), kind.dtype)  # its own bytes, also of one cell

    @property
    def beside(self) -> dict[str, Column]:
        """The features that are no numbers, as columns of cells."""
        return self._columns

    def table(self, *, entity: str | Sequence[str] = "entity", statuses: bool = False) -> Table:
        """Ids, the time and labels of a training set, and every feature as Arrow columns, copied once (5 ns a number).

        ``entity`` names the column of ids, or one column a kind of entity; with ``statuses`` every feature has a column
        ``<name>__status`` too (3 us a row). The matrix itself is taken for this table by whoever takes Arrow's
        protocol; Polars takes a sequence row by row, so hand it the table.
        """
        return matrix_table(self, entity, statuses)

    def to_columns(self) -> dict[str, list[Any]]:
        """Values feature by feature."""
        return {name: self.column(name) for name in self.names}

    def to_rows(self) -> list[tuple[Any, ...]]:
        """Values row by row. 0.1 us a value."""
        columns = list(self.to_columns().values())
        return list(zip(*columns)) if columns else [()] * len(self)

    def to_dict(self) -> dict[Any, dict[str, Any]]:
        """Entity -> values by name; of a repeated entity the last row stands."""
        return {entity: dict(zip(self.names, values)) for entity, values in zip(self.entities, self.to_rows())}

    def __repr__(self) -> str:
        return f"FeatureMatrix({self.label}, shape={self.shape}, as_of={self.as_of})"
