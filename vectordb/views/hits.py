"""Hits: what a similarity search found, nearest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from ledger import ROW_BITS, Entity, from_micros, render_version
from projections import similarity
from vectordb.interop import Table, Tabular, hits_table

if TYPE_CHECKING:
    from vectordb.state import State


class Hit(NamedTuple):
    """An entity, its distance (smaller is nearer), its similarity, and the version that wrote its vector."""

    entity: Entity
    distance: float
    score: float
    version: str


class Hits(Tabular, Sequence[Hit]):
    """The hits of one search, with what it read: offset, clock, view, and whether it measured everything.

    ``distance`` is the metric's, the dot product negated; ``score`` the similarity of the field: 1 - distance for
    cosine, correlation, Jaccard, Hamming and Bray-Curtis, the product for dot, else 1 / (1 + distance). A slice
    is hits too; they equal a list of the same ones.
    """

    __slots__ = ("_found", "_metric", "_state", "_view", "as_of", "at_micros", "exact")

    def __init__(
        self,
        state: State,
        view: str,
        metric: str,
        found: Sequence[tuple[Entity, float, int]],
        as_of: int,
        at: int,
        exact: bool,
    ) -> None:
        self._state = state
        self._view = view
        self._metric = metric
        self._found = tuple(found)
        self.as_of = as_of
        self.at_micros = at
        self.exact = exact

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> Hits: ...

    def __getitem__(self, place: int | slice) -> Hit | Hits:
        if isinstance(place, slice):
            return self._with(self._found[place])
        return self._hit(*self._found[place])

    def _with(self, found: Sequence[tuple[Entity, float, int]]) -> Hits:
        """Some of these hits."""
        return Hits(self._state, self._view, self._metric, found, self.as_of, self.at_micros, self.exact)

    def _hit(self, entity: Entity, distance: float, ref: int) -> Hit:
        return Hit(entity, distance, similarity(self._metric, distance), self._version(entity, ref))

    def _version(self, entity: Entity, ref: int) -> str:
        name = self._view.partition("@")[0]
        return render_version(name, entity, ref, self._state.log.rows_at(ref >> ROW_BITS))

    @property
    def entities(self) -> list[Entity]:
        """The entities, nearest first."""
        return [found[0] for found in self._found]

    @property
    def distances(self) -> list[float]:
        """Their distances."""
        return [found[1] for found in self._found]

    @property
    def scores(self) -> list[float]:
        """Their similarities."""
        return [similarity(self._metric, found[1]) for found in self._found]

    @property
    def versions(self) -> list[str]:
        """The version ids that wrote their vectors."""
        return [self._version(entity, ref) for entity, _, ref in self._found]

    @property
    def view(self) -> str:
        """``name@version`` of the view that was searched."""
        return self._view

    @property
    def at(self) -> datetime:
        """The clock that the search used."""
        return from_micros(self.at_micros)

    def without(self, entity: Entity, k: int) -> Hits:
        """The first ``k`` hits that are not an entity."""
        found = [found for found in self._found if found[0] != entity or type(found[0]) is not type(entity)][:k]
        return self._with(found)

    def table(self) -> Table:
        """Entity, distance, score and version of each hit as Arrow columns."""
        return hits_table(self)

    def to_rows(self) -> list[dict[str, Any]]:
        """Plain data: one mapping a hit."""
        return [hit._asdict() for hit in self]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Hits, list, tuple)) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(f"{entity!r}: {distance:.6g}" for entity, distance, _ in self._found[:5])
        more = ", ..." if len(self) > 5 else ""
        return f"Hits({self._view}, {len(self)} found, distances {{{shown}{more}}}, as_of={self.as_of})"
