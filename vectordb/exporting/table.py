"""A table: named, typed fields and rows in chunks; what every source gives and every format takes.

``vectordb.interop.Table`` is another one: it holds its columns as Arrow has them, where null and missing are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ledger import FILES, FeatureType, Files, Vector

CHUNK: Final = 1_000  # rows that are held at a time
Progress = Callable[[int, "int | None"], None]
Row = tuple[Any, ...]

INT: Final = "int"
FLOAT: Final = "float"
BOOL: Final = "bool"
TEXT: Final = "text"  # str; a category may also be an int
TIME: Final = "time"  # microseconds since 1970 UTC
ENTITY: Final = "entity"
STATUS: Final = "status"  # a ``Status``
JSON: Final = "json"  # plain data
VECTOR: Final = "vector"  # a memoryview
KINDS: Final = {"category": TEXT, "timestamp": TIME}


class Field(NamedTuple):
    """A column. Its cells are values of its kind, None (null) or ``MISSING``."""

    name: str
    kind: str
    vector: Vector | None = None
    is_feature: bool = False  # whose cells may be null or missing


def feature_field(name: str, kind: FeatureType) -> Field:
    """The column of a feature."""
    return Field(name, KINDS.get(kind.name, kind.name), kind if isinstance(kind, Vector) else None, True)


@dataclass(frozen=True)
class Table:
    """``make_chunks`` gives the rows, once; ``size`` is their number where it is known before.

    ``left_out`` is filled while they are given.
    """

    what: str
    as_of: int
    fields: tuple[Field, ...]
    make_chunks: Callable[[], Iterator[list[Row]]]
    size: int | None = None
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(one.name for one in self.fields)


class Told:
    """The chunks of a table, counted and told to ``progress(rows, of)`` after each was written."""

    def __init__(self, table: Table, progress: Progress | None, files: Files = FILES) -> None:
        self.rows = 0
        self.files = files  # to write them with
        self._table = table
        self._progress = progress

    def __iter__(self) -> Iterator[list[Row]]:
        for chunk in self._table.make_chunks():
            yield chunk
            self.rows += len(chunk)
            if self._progress is not None:
                self._progress(self.rows, self._table.size)


def chunked(rows: Iterable[Row], size: int = CHUNK, weigh: Callable[[Row], int] | None = None) -> Iterator[list[Row]]:
    """Rows in lists of at most so many; where rows are weighed, a list ends when it weighs so much."""
    chunk: list[Row] = []
    held = 0
    for row in rows:
        chunk.append(row)
        held += 1 if weigh is None else weigh(row)
        if held >= size:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def unique(names: Sequence[str], taken: Iterable[str], fold: Callable[[str], str] = str) -> list[str]:
    """Names of which none is taken nor there twice: those that would be get underscores behind them.

    >>> unique(["offset", "row"], ["row"]), unique(["Trips", "trips"], [], str.lower)
    (['offset', 'row_'], ['Trips', 'trips_'])
    """
    used, found = set(map(fold, taken)), []
    for name in names:
        while fold(name) in used:
            name += "_"
        used.add(fold(name))
        found.append(name)
    return found
