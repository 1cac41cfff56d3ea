"""The exports of a database: ``db.export``, and of a past: ``db.as_of(n).export``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ledger import InvalidInput
from vectordb.exporting.csv_file import write_csv
from vectordb.exporting.edges_table import edges_table
from vectordb.exporting.events_table import Asked, events_table
from vectordb.exporting.exported import Exported
from vectordb.exporting.jsonl_file import write_jsonl
from vectordb.exporting.moments_table import moments_table
from vectordb.exporting.npy_file import write_npy
from vectordb.exporting.npz_file import write_npz
from vectordb.exporting.options import Options
from vectordb.exporting.rows_table import rows_table
from vectordb.exporting.sqlite_file import write_database, write_sqlite
from vectordb.exporting.table import Progress, Table, Told
from vectordb.exporting.tallies_table import tallies_table
from vectordb.exporting.versions_table import versions_table

if TYPE_CHECKING:
    from vectordb.reader import Reader
    from vectordb.training.training_set import TrainingSet

Path = str | os.PathLike[str]
FORMATS: Final[Mapping[str, Callable[[str, Table, Told, Options], int]]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "npy": write_npy,
    "npz": write_npz,
    "sqlite": write_sqlite,
}
ENDINGS: Final = {"ndjson": "jsonl", "db": "sqlite", "sqlite3": "sqlite"}


class Export:
    """Writes files for offline analysis, as of the reader that it was asked of: one offset and clock a file.

    The format follows from the path's ending (.jsonl, .csv, .npy, .npz, .sqlite) or from ``format``. Rows are written
    1,000 at a time (events: so many as hold 1,000 rows), whatever their number; a file is there whole or not at all,
    and one that was there before stays until then (a link stays, what it points to is replaced; devices and pipes are
    refused). ``progress(rows, of)`` is called after each such piece (``of`` is None where nobody knows it); what it
    raises stops the export. Floats read back bit for bit, times are ISO 8601 in texts. Erased and pruned rows are left
    out and counted; files that are there are beyond an erasure's reach. Options: ``null`` and ``missing`` (markers of
    CSV), ``formula_safe`` (CSV for spreadsheets), ``compress`` (npz). Raises ``InvalidInput`` for a format that does
    not hold such a table.

    >>> import os, tempfile
    >>> from vectordb import Int, VectorDB
    >>> db = VectorDB()
    >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int()})
    >>> receipt = drivers.put_many({"driver": ["d-7", "d-8"], "trips": [12, None]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     told = db.export.view("drivers", os.path.join(folder, "drivers.csv"))
    ...     with open(told.path) as file:
    ...         lines = file.read().split()
    >>> told.rows, lines
    (2, ['"driver","trips"', '"d-7",12', '"d-8",'])
    """

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def log(
        self,
        path: Path,
        *,
        start: int = 1,
        stop: int | None = None,
        type: str | None = None,
        view: str | None = None,
        digests: bool = False,
        format: str | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Exported:
        """The events from ``start`` up to, not including, ``stop``; payloads in the form that the ledger file has.

        ``type`` and ``view`` as in ``db.events``. ``db.snapshot`` copies the ledger itself, ``history`` gives the rows
        that were written. 24 us an event of ten values, three times a row of ``view``.
        """
        asked = Asked(start, stop, type, view, digests)
        return self._write(events_table(self._pinned(), asked), path, format, progress, options)

    def view(
        self,
        name: str,
        path: Path,
        *,
        features: Iterable[str] | None = None,
        statuses: bool = False,
        format: str | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Exported:
        """The current rows of a view: the entities that exist, with what a read of each shows.

        A missing or expired value shows its feature's default, or is missing. ``statuses`` puts a column
        ``<feature>__status`` behind each feature: present, null, missing or expired. 1 us a value.
        """
        return self._write(rows_table(self._pinned(), name, features, statuses), path, format, progress, options)

    def history(
        self,
        name: str,
        path: Path,
        *,
        features: Iterable[str] | None = None,
        format: str | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Exported:
        """Every version of every entity of a view in the order of the log: what was written; all else is missing.

        A feature that is called like one of the columns ``version``, ``offset``, ``row``, ``event_time``,
        ``recorded_time``, ``deleted``, ``derived_from`` and ``transformation`` keeps its name, and that column gets an
        underscore. 25 us a version of ten values, three times a row of ``view``.
        """
        return self._write(versions_table(self._pinned(), name, features), path, format, progress, options)

    def training_set(
        self,
        training_set: TrainingSet,
        path: Path,
        *,
        statuses: bool = False,
        format: str | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Exported:
        """What ``service.training_set`` gave: entities, times, inputs and labels, a row a moment. 1 us a value."""
        return self._write(moments_table(training_set, statuses), path, format, progress, options)

    def lineage(
        self, path: Path, *, format: str | None = None, progress: Progress | None = None, **options: Any
    ) -> Exported:
        """The edges of the lineage graph: what was derived, read, made and defined by what. 20 us an edge."""
        return self._write(edges_table(self._pinned()), path, format, progress, options)

    def tallies(
        self,
        path: Path,
        *,
        experiment: str | None = None,
        format: str | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Exported:
        """Counts and exact moments of each arm and metric, of one experiment or all (None). 0.3 ms a row."""
        return self._write(tallies_table(self._pinned(), experiment), path, format, progress, options)

    def everything(self, path: Path, *, statuses: bool = False, progress: Progress | None = None) -> list[Exported]:
        """One SQLite file: ``events``, ``lineage``, ``tallies``, and of each view its rows and its history."""
        place = _place(path)
        reader = self._pinned()
        tables = [events_table(reader, Asked()), edges_table(reader), tallies_table(reader, None)]
        for name in reader.views():
            tables += [rows_table(reader, name, None, statuses), versions_table(reader, name, None)]
        files = reader.state.journal.files
        pairs = [(table, Told(table, progress, files)) for table in tables]
        nbytes = write_database(place, pairs, files)
        return [_exported(table, told, place, "sqlite", nbytes) for table, told in pairs]

    def _pinned(self) -> Reader:
        reader = self._reader
        return reader.consistently(lambda: reader.pinned(reader.as_of_offset, reader.clock()))

    def _write(
        self, table: Table, path: Path, format: str | None, progress: Progress | None, options: dict[str, Any]
    ) -> Exported:
        place = _place(path)
        found = _format(place) if format is None else format
        write = FORMATS.get(found)
        if write is None:
            rule = "an export has one of these formats, by the path's ending or format="
            raise InvalidInput(rule, path=os.path.basename(place), format=format, known=list(FORMATS))
        told = Told(table, progress, self._reader.state.journal.files)
        nbytes = write(place, table, told, Options.of(options))
        return _exported(table, told, place, found, nbytes)

    def __repr__(self) -> str:
        return f"Export(as_of={self._reader.as_of_offset})"


def _place(path: Path) -> str:
    """Where a file is written: behind links, and never in the place of a device, a pipe or a folder."""
    place = os.path.realpath(os.fsdecode(path)) if os.path.islink(path) else os.fsdecode(path)
    if os.path.exists(place) and not os.path.isfile(place):
        raise InvalidInput("an export is a regular file", path=place)
    return place


def _format(path: str) -> str:
    ending = os.path.splitext(path)[1].removeprefix(".").lower()
    return ENDINGS.get(ending, ending)


def _exported(table: Table, told: Told, path: str, format: str, nbytes: int) -> Exported:
    left_out = {why: count for why, count in table.left_out.items() if count}
    return Exported(table.what, path, format, table.as_of, told.rows, nbytes, table.names, left_out)
