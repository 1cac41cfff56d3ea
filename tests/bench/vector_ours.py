"""Ours, as one more peer: a view with a vector and two attributes, loaded in twenty events."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from tests.bench.vector_data import Data, K
from tests.bench.vector_peers import Peer, Search
from vectordb import Int, Vector, VectorDB

BATCHES = 20
TARGETS = (0.8, 0.9, 0.925, 0.95, 0.97, 0.99, 0.995)
DRAWS = 1_000  # values of the made attribute, uniform and independent of the vector


def drawn(count: int) -> list[int]:
    """The made attribute of every row."""
    random = Random(7)
    return [random.randrange(DRAWS) for _ in range(count)]


class Ours(Peer):
    """``view.search``, with a recall asked for."""

    name = "ours"
    does = "view.search(feature, query, k=10, recall=...); the recall asked for is the setting"
    settings = TARGETS

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        self.drawn = drawn(len(data))
        self.batches: list[tuple[int, int]] = []  # the offset of an event, and the rows loaded by then
        self.db = VectorDB(auto_index=False, seed=1)
        kind = Vector(data.dim, metric=data.metric, dtype=data.dtype)
        features = {"photo": Int(), "drawn": Int(), "v": kind}
        self.view = self.db.create_view("items", entity="item", features=features)

    def load_rows(self) -> None:
        """Every row, in twenty events: entity n is row n."""
        cells, photo = self.data.cells, self.data.photo
        step = -(-len(cells) // BATCHES)
        for start in range(0, len(cells), step):
            part = slice(start, min(start + step, len(cells)))
            columns = {"photo": photo[part], "drawn": self.drawn[part], "v": cells[part]}
            receipt = self.view.put_many({"item": list(range(part.start, part.stop)), **columns})
            self.batches.append((receipt.offset, part.stop))

    def build(self) -> None:
        self.stats = self.view.index("v").build()

    def size_up(self) -> None:
        self.extra = self.stats["bytes"]

    def queries(self) -> list[Any]:
        if self.data.dtype == "uint8":
            return list(self._slices(self.data.queries))
        return [array("f", part) for part in self._slices(self.data.queries)]

    def _slices(self, queries: bytes) -> Iterator[bytes]:
        size = self.data.size
        return (queries[start : start + size] for start in range(0, len(queries), size))

    def searcher(self, setting: float, where: Mapping[str, Any] | None = None, as_of: int | None = None) -> Search:
        """``where`` and ``as_of`` as a caller gives them."""
        view = self.view if as_of is None else self.db.as_of(as_of).view("items")
        search = view.search
        return lambda query: search("v", query, k=K, where=where, recall=setting)

    def rows(self, found: Any) -> list[int]:
        rows: list[int] = found.entities
        return rows

    def overwrite(self, entities: Sequence[int], cells: Sequence[bytes]) -> int:
        """New vectors for some entities, as one event; its offset."""
        offset: int = self.view.put_many({"item": list(entities), "v": list(cells)}).offset
        return offset

    def close(self) -> None:
        """Close the database."""
        self.db.close()
