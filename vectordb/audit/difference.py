"""A difference: what two states of a database, or two predictions, do not have in common."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ledger import Entity, entity_to_json
from vectordb.audit.difference_text import text_of

ADDED: Final = "added"
REMOVED: Final = "removed"
CHANGED: Final = "changed"


class FieldChange(NamedTuple):
    """One field (a path such as ``features.trips.default``) before and after; None where it is not there."""

    field: str
    before: Any
    after: Any


class DefinitionChange(NamedTuple):
    """A view, service, pipeline, model, experiment or mark that was added, removed or changed.

    ``before`` and ``after`` are its versions (of a mark its offsets), None where it is not there; ``fields`` says what
    of it changed.
    """

    kind: str
    name: str
    change: str
    before: int | None
    after: int | None
    fields: tuple[FieldChange, ...] = ()


class CellChange(NamedTuple):
    """One feature (or input) before and after: its stored form, its status, and the version that it comes from.

    The status is ``undefined`` where the definition has no such feature, ``erased`` where its value was destroyed.
    """

    feature: str
    before: Any
    after: Any
    status_before: str
    status_after: str
    version_before: str | None = None
    version_after: str | None = None


class RowChange(NamedTuple):
    """An entity that exists on one side only, or shows other values; ``cells`` are those that differ."""

    view: str
    entity: Entity
    change: str
    cells: tuple[CellChange, ...] = ()


class PredictionChange(NamedTuple):
    """A prediction of one side only, or one that differs. ``before`` and ``after`` are its ids on either side."""

    change: str
    before: str | None
    after: str | None
    fields: tuple[FieldChange, ...] = ()
    inputs: tuple[CellChange, ...] = ()

    @property
    def output(self) -> FieldChange | None:
        """The outputs, where they differ."""
        return next((one for one in self.fields if one.field == "output"), None)


class NeighbourChange(NamedTuple):
    """A query whose nearest neighbours differ: (entity, distance) that came in and went out.

    ``moved`` are those of both at another distance, as (entity, before, after). ``query`` counts from 0 in the order
    asked.
    """

    query: int
    view: str
    feature: str
    entered: tuple[tuple[Entity, float], ...]
    left: tuple[tuple[Entity, float], ...]
    moved: tuple[tuple[Entity, float, float], ...]


class Tally(NamedTuple):
    """Units, and over them the mean and the standard deviation of a metric (None where they are not defined)."""

    units: int
    mean: float | None = None
    std: float | None = None


class TallyChange(NamedTuple):
    """An arm of an experiment: its exposed units (``metric`` empty), or its units and moments of a metric."""

    experiment: str
    metric: str
    arm: str
    before: Tally | None
    after: Tally | None


@dataclass(frozen=True)
class Difference:
    """What differs, section by section, in an order that depends on nothing but the two sides.

    ``before`` and ``after`` name the sides. Values are stored forms, compared by their bits: -0.0 differs from 0.0, an
    int from a float, and NaN equals NaN. Versions and offsets alone are no difference between two states. False
    where nothing differs.

    >>> from vectordb import Int, VectorDB
    >>> db = VectorDB()
    >>> trips = db.create_view("drivers", entity="driver", features={"trips": Int()})
    >>> offsets = [trips.put("d-7", {"trips": value}).offset for value in (12, 13)]
    >>> print(db.audit.diff(*offsets))
    2 -> 3: 1 row
    rows of drivers
      ~ "d-7"  trips 12 -> 13
    """

    before: str
    after: str
    definitions: tuple[DefinitionChange, ...] = ()
    rows: tuple[RowChange, ...] = ()
    predictions: tuple[PredictionChange, ...] = ()
    neighbours: tuple[NeighbourChange, ...] = ()
    tallies: tuple[TallyChange, ...] = ()
    totals: tuple[int, ...] = field(default=(), repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """The full number of each section, also where ``limit`` cut it short."""
        return dict(zip(SECTIONS, self.totals))

    def __bool__(self) -> bool:
        return any(self.totals)

    @property
    def truncated(self) -> bool:
        """Whether a limit left something out."""
        return any(count > len(getattr(self, name)) for name, count in self.counts.items())

    def views(self) -> dict[str, tuple[RowChange, ...]]:
        """The rows by view."""
        names = dict.fromkeys(row.view for row in self.rows)
        return {name: tuple(row for row in self.rows if row.view == name) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """Plain data, fit for JSON."""
        sections = {name: [_plain(one) for one in getattr(self, name)] for name in SECTIONS}
        return {"before": self.before, "after": self.after, "counts": self.counts, **sections}

    def text(self) -> str:
        """Lines for people: ``+`` added, ``-`` removed, ``~`` changed."""
        return text_of(self)

    def __str__(self) -> str:
        return self.text()


SECTIONS: Final = ("definitions", "rows", "predictions", "neighbours", "tallies")


def made(before: str, after: str, sections: dict[str, Iterable[Any]], limit: int | None = None) -> Difference:
    """A difference of sections; of each at most ``limit`` changes are kept, of rows so many a view."""
    full = {name: tuple(sections.get(name, ())) for name in SECTIONS}
    totals = tuple(map(len, full.values()))
    kept = full if limit is None else {name: _cut(found, limit) for name, found in full.items()}
    return Difference(before, after, **kept, totals=totals)


def _cut(found: tuple[Any, ...], limit: int) -> tuple[Any, ...]:
    seen: dict[str, int] = {}
    kept = []
    for one in found:
        group = one.view if isinstance(one, RowChange) else ""
        seen[group] = seen.get(group, 0) + 1
        if seen[group] <= limit:
            kept.append(one)
    return tuple(kept)


def same_bits(one: Any, other: Any) -> bool:
    """Whether two stored forms are the same bit for bit: the shortest text of a float names its bits."""
    return one is other or repr(one) == repr(other)


def field_changes(before: Any, after: Any, path: str = "") -> tuple[FieldChange, ...]:
    """What differs between two pieces of plain data, by path; lists of named items go by name, others as a whole."""
    if same_bits(before, after):
        return ()
    one, other = _by_name(before), _by_name(after)
    if not isinstance(one, dict) or not isinstance(other, dict):
        return (FieldChange(path, deepcopy(before), deepcopy(after)),)  # the definitions keep theirs
    found: list[FieldChange] = []
    for key in dict.fromkeys([*one, *other]):
        found += field_changes(one.get(key), other.get(key), f"{path}.{key}" if path else str(key))
    return tuple(found) or (FieldChange(path, deepcopy(before), deepcopy(after)),)  # the same items in another order


def _by_name(data: Any) -> Any:
    named = isinstance(data, list) and data and all(isinstance(item, dict) and "name" in item for item in data)
    return {item["name"]: item for item in data} if named else data


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        found = {name: _plain(item) for name, item in value._asdict().items()}
        return {**found, "entity": entity_to_json(value.entity)} if isinstance(value, RowChange) else found
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def entity_order(entity: Entity) -> tuple[Any, ...]:
    """A key that orders ids of all kinds: ints, then texts, then tuples."""
    parts = entity if isinstance(entity, tuple) else (entity,)
    ranked = tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in parts)
    return isinstance(entity, tuple), ranked
