"""A table: what a transformer is given, as columns of plain values; and what it gives back, in the kind it was given.

Taken: rows (sequences or mappings), columns by name, feature matrices, dense blocks, arrays and data frames. Arrays
and frames are recognised by what they can do: nothing is imported that the caller has not imported.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence, Set
from math import inf, nan
from numbers import Real
from typing import Any, Final, NamedTuple

from ledger import InvalidInput, NotANumber
from vectordb.batches.dense import Dense
from vectordb.batches.matrix import FeatureMatrix
from vectordb.transforms.program import FLOAT

PLAIN_NUMBERS: Final = frozenset({float, int, bool})
SERVED: Final = frozenset({"float", "int", "bool"})  # what a service has in its block of numbers
PLAIN_OR_NONE: Final = PLAIN_NUMBERS | {type(None)}
KINDS: Final = {"f": "float", "i": "int", "u": "int", "b": "bool"}  # of an array's element types


class Table(NamedTuple):
    """Columns of equal length, the kind of each, their names where they have any, and what they came as.

    A column of kind ``float`` holds floats only, NaN where there is no value. ``like``: rows, dense or numpy.
    ``finite``: columns of kind float are known to hold no infinity (looking once costs 3 ns a value, and parts inside
    parts would look again). Where it is packed, its floats stand in arrays, whose NaN may have bits of their own: what
    is sent to another process is bytes, and ``unpacked`` gives the lists.
    """

    columns: list[Any]
    kinds: tuple[str, ...]
    rows: int
    names: tuple[str, ...] | None = None
    like: str = "rows"
    finite: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The names, or x0, x1, ..."""
        return self.names or tuple(f"x{place}" for place in range(len(self.columns)))

    def unpacked(self) -> Table:
        """The same with lists only."""
        if not any(isinstance(column, array) for column in self.columns):
            return self
        return self._replace(columns=[_plain(own) if isinstance(own, array) else own for own in self.columns])

    def pick(self, places: Sequence[int]) -> Table:
        """Some columns."""
        names = None if self.names is None else tuple(self.names[place] for place in places)
        columns = [self.columns[place] for place in places]
        return self._replace(columns=columns, kinds=tuple(self.kinds[place] for place in places), names=names)


class Rows(list[Any]):
    """Rows of values: a list of lists that knows its ``shape``."""

    def __init__(self, rows: Sequence[Any], width: int) -> None:
        super().__init__(rows)
        self.shape = (len(rows), width)


def read_table(given: Any, who: str, packed: bool = False) -> Table:
    """The table of whatever was given; ``who`` asks. Raises ``InvalidInput`` (a ``ValueError``).

    ``packed``: that of a feature matrix is.
    """
    table = _of_matrix(given, packed) if isinstance(given, FeatureMatrix) else _read(given, who)
    if len({len(column) for column in table.columns}) > 1:
        raise InvalidInput("columns are equally long", lengths=[len(column) for column in table.columns][:20])
    shape = (table.rows, len(table.columns))
    if not table.rows:
        raise InvalidInput(f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required by {who}.")
    if not table.columns:
        raise InvalidInput(f"Found array with 0 feature(s) (shape={shape}) while a minimum of 1 is required by {who}.")
    return table


def _read(given: Any, who: str) -> Table:
    if isinstance(given, Dense):
        columns = [given.column(place) for place in range(given.shape[1])]
        floats = [list(map(float, column)) for column in columns]
        return Table(floats, (FLOAT,) * len(columns), len(given), None, "dense")
    if hasattr(given, "toarray") or hasattr(given, "tocsr"):
        raise InvalidInput(f"Sparse data is not supported by {who}: dense data is required.")
    if isinstance(given, Mapping):
        return _of_columns(given)
    if hasattr(given, "columns") and hasattr(given, "dtypes"):
        return _of_frame(given)
    if hasattr(given, "__array__"):
        return _of_array(given, who)
    return _of_rows(given, who)


def _plain(packed: array[float]) -> list[float]:
    """The numbers of a packed column, one NaN for all. 30 ns each."""
    return [number if number == number else nan for number in packed]


def _of_matrix(matrix: FeatureMatrix, packed: bool) -> Table:
    """A feature matrix, as a service shows it to its pipeline: a number that is not there is NaN, and a vector becomes
    a column an element: ``profile_0``, ``profile_1``, ..., NaN where there is none.
    """
    columns: list[Any] = []
    names: list[str] = []
    kinds: list[str] = []
    flat, width = matrix.numbers.flat, len(matrix.numeric)
    places = {name: place for place, name in enumerate(matrix.numeric)}
    for name, kind in matrix.kinds.items():
        if kind == FLOAT:
            column = array("d" if flat.format == "d" else "f", flat[places[name] :: width].tobytes())
            columns.append(column if packed else _plain(column))
            names.append(name)
            kinds.append(kind)
            continue
        own = matrix.column(name)
        if kind == "vector":
            elements = _elements(own, matrix.dim(name))
            columns += elements
            names += [f"{name}_{place}" for place in range(len(elements))]
            kinds += [kind] * len(elements)
        else:
            columns.append([nan if value is None else value for value in own] if kind in SERVED else own)
            names.append(name)
            kinds.append(kind)
    if len(set(names)) < len(names):
        raise InvalidInput("inputs differ, and the elements of a vector are inputs too", names=names[:20])
    return Table(columns, tuple(kinds), len(matrix), tuple(names), "dense", finite=True)


def _elements(vectors: list[Any], dim: int) -> list[list[float]]:
    """The columns of the elements of vectors."""
    blank = [nan] * dim
    rows = [blank if vector is None else list(map(float, vector)) for vector in vectors]
    return [list(column) for column in zip(*rows)] if rows else [[] for _ in range(dim)]


def _of_columns(given: Mapping[Any, Any]) -> Table:
    for name, column in given.items():
        text = isinstance(column, (str, bytes))
        if text or not hasattr(column, "__iter__") or getattr(column, "ndim", 1) != 1:
            raise InvalidInput("a column is a sequence of values", column=name, type=type(column).__name__)
        _check_times(column)
    columns = [_listed(column) for column in given.values()]
    return Table(columns, tuple(map(kind_of, columns)), len(columns[0]) if columns else 0, _names(given))


def _of_frame(given: Any) -> Table:
    if len(set(given.columns)) != len(given.columns):
        raise InvalidInput("columns have names of their own", names=list(given.columns)[:20])
    columns = [_listed(given[name]) for name in given.columns]
    kinds = tuple(map(kind_of, columns))
    return Table(columns, kinds, len(given), _names(given.columns), "numpy" if "numpy" in sys.modules else "rows")


def _names(given: Any) -> tuple[str, ...] | None:
    names = tuple(given)
    return names if all(isinstance(name, str) for name in names) else None


def _listed(column: Any) -> list[Any]:
    for method in ("tolist", "to_list"):
        if hasattr(column, method):
            held = list(getattr(column, method)())
            if any(kind.__name__ == "NAType" for kind in set(map(type, held))):  # pandas' missing value
                return [None if type(value).__name__ == "NAType" else value for value in held]
            return held
    return list(column)


def _check_times(given: Any) -> None:
    if getattr(getattr(given, "dtype", None), "kind", "") in ("M", "m") and not hasattr(given, "dt"):
        raise InvalidInput("an array of times says no offset from UTC: give aware datetimes, or seconds since 1970")


def _of_array(given: Any, who: str) -> Table:
    if not hasattr(given, "ndim") or not hasattr(given, "tolist"):
        given = sys.modules["numpy"].asarray(given)
    kind = getattr(given.dtype, "kind", "O")
    _check_times(given)
    if hasattr(given, "mask"):
        kind = "O"  # what is masked is None
    elif kind == "f" and given.dtype.itemsize > 8:
        given = given.astype(float)
    if kind == "c":
        raise InvalidInput(f"Complex data not supported by {who}.")
    if given.ndim != 2:
        raise InvalidInput(
            f"Expected 2D array, got {given.ndim}D array instead. Reshape your data either using array.reshape(-1, 1) "
            "if your data has a single feature or array.reshape(1, -1) if it contains a single sample."
        )
    columns = given.T.tolist()
    kinds = (KINDS[kind],) * len(columns) if kind in KINDS else tuple(map(kind_of, columns))
    return Table(columns, kinds, given.shape[0], None, "numpy")


def _of_rows(given: Any, who: str) -> Table:
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise InvalidInput(f"{who} takes rows, columns by name, an array or a data frame", type=type(given).__name__)
    rows = list(given)
    if rows and all(isinstance(row, Mapping) for row in rows):
        names = tuple(rows[0])
        if any(row.keys() != rows[0].keys() for row in rows):
            raise InvalidInput("rows that are mappings have the same names", names=list(names)[:20])
        columns = [[row[name] for row in rows] for name in names]
        return Table(columns, tuple(map(kind_of, columns)), len(rows), _names(names))
    for row in rows:
        if isinstance(row, (str, bytes, Mapping, Set)) or not hasattr(row, "__len__"):
            raise InvalidInput("Expected 2D array, got 1D array instead. Reshape your data.", row=row)
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise InvalidInput("rows are equally long", lengths=sorted(widths)[:20])
    columns = [list(column) for column in zip(*rows)]
    return Table(columns, tuple(map(kind_of, columns)), len(rows))


def kind_of(column: Sequence[Any]) -> str:
    """The kind of a column of plain values: float, int, bool, number (mixed, or with None), else category."""
    types = set(map(type, column))
    if len(types) == 1 and types <= PLAIN_NUMBERS:
        return types.pop().__name__
    if str in types or types == {type(None)}:
        return "category"
    return "number" if all(kind in PLAIN_OR_NONE or issubclass(kind, Real) for kind in types) else "category"


def to_floats(column: Sequence[Any], label: str) -> list[float]:
    """A column as floats: None becomes NaN; what is no number is refused."""
    try:
        return list(map(float, column)) if PLAIN_NUMBERS.issuperset(map(type, column)) else _to_floats(column, label)
    except OverflowError:
        rule = "Input X contains infinity or a value too large for dtype('float64')."
        raise InvalidInput(rule, feature=label) from None


def _to_floats(column: Sequence[Any], label: str) -> list[float]:
    found = []
    for value in column:
        if value is None:
            found.append(nan)
        elif isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
            text = isinstance(value, (str, bytes))
            what = "could not convert string to float" if text else "argument must be a string or a number"
            raise NotANumber(f"{what}: a transformer of numbers takes numbers and None", feature=label, value=value)
        else:
            found.append(float(value))
    return found


def check_floats(column: Sequence[float], label: str, nan_too: bool) -> None:
    """Refuse infinities, and NaN unless it is allowed."""
    if inf in column or -inf in column:
        raise InvalidInput("Input X contains infinity or a value too large for dtype('float64').", feature=label)
    if not nan_too and any(value != value for value in column):
        raise InvalidInput("Input X contains NaN. The transformer does not accept missing values.", feature=label)


def read_target(given: Any, rows: int) -> list[Any]:
    """The labels of a fit, one a row."""
    values = _listed(given) if given is not None else []
    if values and isinstance(values[0], (list, tuple)) and all(len(value) == 1 for value in values):
        values = [value[0] for value in values]  # a column vector
    if len(values) != rows:
        raise InvalidInput("the target has one label a row", rows=rows, labels=len(values))
    return values


def give(columns: Sequence[Sequence[Any]], rows: int, like: str, floats: bool = True) -> Any:
    """Columns as rows of a kind: an array of NumPy's, a ``Dense`` (of floats), or ``Rows``."""
    if like == "numpy":
        numpy = sys.modules["numpy"]
        made = numpy.empty((rows, len(columns)), dtype=float if floats else object)
        for place, column in enumerate(columns):
            made[:, place] = column
        return made
    if like == "dense" and floats:
        block = array("d", bytes(8 * rows * len(columns)))
        for place, column in enumerate(columns):
            block[place :: len(columns)] = array("d", column)
        return Dense(block.tobytes(), (rows, len(columns)), "float64")
    return Rows(list(map(list, zip(*columns))) if columns else [[] for _ in range(rows)], len(columns))
