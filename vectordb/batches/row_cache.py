"""The row cache: what a batch read gathers, kept packed by entity until a write or the clock changes it.

    rows[entity]   the numbers of the features that are read together, as bytes (``vectordb.batches.packing``)
    words[entity]  the other features, likewise; empty where there are none

The batch read of known entities is one C-level gather and one join. A write drops its entity inside the
write section (``projections.table``), and rows are added under the lock only if nothing was written since
they were read, so none is ever stale. With a time to live every row leaves with its **bucket** of expiry
times; ``first`` and ``last`` bound the clocks at which all rows that are held are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from ledger import Entity
from vectordb.batches.packing import ALWAYS, FOREVER

BUCKETS: Final = 256  # a time to live spans so many buckets of expiry
TEXT: Final = frozenset({str})
ENTRY: Final = 200  # bytes of two dict entries and two bytes objects, beside the words


class Lasting(NamedTuple):
    """Entities whose rows stay until a write: from the clock ``first`` on, and each to its own end."""

    entities: Sequence[Entity]
    first: int
    ends: Sequence[int]


class RowCache:
    """Packed rows of one list of features. Every method but ``holds`` is called under the lock."""

    __slots__ = (
        "_buckets", "_entry", "_listed", "_width", "capacity", "epoch", "first", "last", "only_text", "rows", "words",
    )  # fmt: skip

    def __init__(self, row_bytes: int, ttl: int | None, limit: int) -> None:
        """``limit`` is the most that the rows may take, in bytes; 0 holds none."""
        self.epoch = 0  # grows whenever the clocks do not stay as wide: a gather that met that is taken again
        self._entry = row_bytes + ENTRY
        self.capacity = limit // self._entry
        self._width = 0 if ttl is None else max(1, ttl // BUCKETS)
        self.rows: dict[Entity, bytes] = {}
        self.words: dict[Entity, bytes] = {}
        self.clear()

    def clear(self) -> None:
        """Hold nothing."""
        self.epoch += 1
        self.rows.clear()
        self.words.clear()
        self._buckets: dict[int, list[Entity]] = {}
        self._listed = 0
        self.first, self.last = ALWAYS, FOREVER
        self.only_text = True  # every key is a str, which no other type equals: ids need no look at their types

    @property
    def nbytes(self) -> int:
        """What the rows take, about."""
        return len(self.rows) * self._entry

    def holds(self, now: int) -> bool:
        """Whether what is held is right at a clock."""
        return self.first <= now <= self.last

    def settle(self, now: int) -> None:
        """Drop what is not right at a clock."""
        if now < self.first:  # the clock stepped back, to before a row came or lost a value
            self.clear()
        if now > self.last:
            self.epoch += 1
            for bucket in [bucket for bucket in self._buckets if bucket * self._width <= now]:
                self._drop(self._buckets.pop(bucket))
            self.last = min((bucket * self._width - 1 for bucket in self._buckets), default=FOREVER)

    def _drop(self, entities: Sequence[Entity]) -> None:
        self._listed -= len(entities)
        for entity in entities:
            self.rows.pop(entity, None)
            self.words.pop(entity, None)

    def add(self, lasting: Lasting, rows: Mapping[Entity, bytes], words: Mapping[Entity, bytes]) -> None:
        """Hold the rows of some entities; the oldest half leaves where there are too many."""
        entities, first, ends = lasting
        if len(entities) > self.capacity:
            return
        while len(self.rows) + len(entities) > self.capacity or self._listed > 4 * self.capacity:
            self._halve()
        if first > self.first:
            self.first = first
            self.epoch += 1
        if self._width:
            for entity, last in zip(entities, ends):
                if last < FOREVER:
                    self._list(entity, last)
        self.only_text = self.only_text and TEXT.issuperset(map(type, entities))
        self.rows.update(_of(entities, rows))
        if words:
            self.words.update(_of(entities, words))

    def _list(self, entity: Entity, last: int) -> None:
        """Note the last clock at which a row is right."""
        self._buckets.setdefault(last // self._width, []).append(entity)
        self._listed += 1
        if last < self.last:
            self.last = last
            self.epoch += 1

    def _halve(self) -> None:
        if self._listed > 4 * self.capacity:  # names of rows that were written since
            self.clear()
            return
        for entity in list(islice(self.rows, len(self.rows) // 2 + 1)):
            self.rows.pop(entity, None)
            self.words.pop(entity, None)

    def check(self) -> None:
        """Every structural rule."""
        assert len(self.rows) <= self.capacity or not self.capacity
        assert self._listed == sum(map(len, self._buckets.values()))  # ints
        assert not self.words or self.words.keys() <= self.rows.keys()


def _of(entities: Sequence[Entity], rows: Mapping[Entity, bytes]) -> Mapping[Entity, bytes]:
    """The rows of some entities; where those are all that there are, as they stand."""
    return rows if len(entities) == len(rows) else dict(zip(entities, map(rows.__getitem__, entities)))
