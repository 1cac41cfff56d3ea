"""A feature matrix: the rows of many entities, read at one offset and clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ledger import from_micros
from vectordb.plan import Status


class FeatureMatrix(Sequence[Mapping[str, Any]]):
    """Rows in the order asked for; ``matrix[i]`` is the row of ``entities[i]``.

    ``shape`` is (rows, features). Every row carries the same offset (``as_of``) and clock (``at``), and
    ``label``, the version of the view or service that was read.
    """

    __slots__ = ("_at", "_rows", "as_of", "entities", "label", "names")

    def __init__(
        self, names: tuple[str, ...], entities: list[Any], rows: Sequence[Any], as_of: int, at: int, label: str
    ) -> None:
        self.names = names
        self.entities = entities
        self._rows = rows
        self.as_of = as_of
        self._at = at
        self.label = label

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, features)."""
        return len(self._rows), len(self.names)

    @property
    def at(self) -> datetime:
        """The clock that the read used."""
        return from_micros(self._at)

    @property
    def rows(self) -> Sequence[Any]:
        """The rows themselves."""
        return self._rows

    @property
    def found(self) -> list[bool]:
        """Whether each entity exists."""
        return [row.found for row in self._rows]

    @property
    def versions(self) -> list[dict[str, str | None]]:
        """For each row the version id of every value."""
        return [{name: versions[name] for name in self.names} for versions in (row.versions for row in self._rows)]

    @property
    def status(self) -> list[dict[str, Status]]:
        """For each row the status of every value."""
        return [{name: row.status_of(name) for name in self.names} for row in self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return type(self)(self.names, self.entities[place], self._rows[place], self.as_of, self._at, self.label)
        return self._rows[place]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def column(self, name: str) -> list[Any]:
        """The values of one feature, in order of rows."""
        return [row[name] for row in self._rows]

    def to_rows(self) -> list[tuple[Any, ...]]:
        """Values row by row."""
        return [tuple(row[name] for name in self.names) for row in self._rows]

    def to_columns(self) -> dict[str, list[Any]]:
        """Values feature by feature."""
        return {name: self.column(name) for name in self.names}

    def to_dict(self) -> dict[Any, dict[str, Any]]:
        """Entity -> values by name; of a repeated entity the last row stands."""
        return {
            entity: {name: row[name] for name in self.names}
            for entity, row in zip(self.entities, self._rows, strict=True)
        }

    def __repr__(self) -> str:
        return f"FeatureMatrix({self.label}, shape={self.shape}, as_of={self.as_of})"
