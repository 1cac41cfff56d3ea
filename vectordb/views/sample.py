"""A sample: what a view holds at one offset and clock, feature by feature, straight from the packed rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from sys import byteorder
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger import (
    ABSENT,
    FOUND,
    HEADER_SIZE,
    MIXED,
    NULL,
    SLOTS_SHIFT,
    WORD,
    FeatureType,
    Instant,
    header_of,
    heavy_cell,
    to_micros,
)
from vectordb.views.plan import Plan, Slot

if TYPE_CHECKING:
    from ledger import Log
    from vectordb.reader import Reader

EVER: Final = -(2**63)
_ABSENT: Final = ABSENT.to_bytes(WORD, byteorder)


class FeatureSample(NamedTuple):
    """One feature: how many entities have it in each status, and its present values with their event times.

    ``values`` are cells in order of entities: int, float, bool, the str or int of a category, the microseconds of a
    timestamp; of a text or vector the references to its writes, which ``ViewSample.heavy`` follows.
    """

    kind: FeatureType
    present: int
    null: int
    missing: int
    expired: int
    values: Sequence[Any]
    times: Sequence[int]


class ViewSample:
    """The packed rows of the entities that exist, read at one offset and clock."""

    __slots__ = ("_heads", "_log", "_mixed", "_raws", "_slots", "as_of", "at_micros", "plan")

    def __init__(self, log: Log, plan: Plan, raws: list[bytes], as_of: int, at: int) -> None:
        self._log = log
        self._raws = raws
        self.plan = plan
        self.as_of = as_of
        self.at_micros = at
        self._heads = memoryview(b"".join([raw[:HEADER_SIZE] for raw in raws])).cast("q")
        flags = set(self._heads[2::3].tolist())
        self._mixed = any(flag & MIXED for flag in flags)
        self._slots = min((flag >> SLOTS_SHIFT for flag in flags), default=0)  # of the narrowest row

    def __len__(self) -> int:
        return len(self._raws)

    def feature(self, name: str) -> FeatureSample:
        """One feature; raises ``UnknownName``. 0.3 us an entity."""
        slot = self.plan.slot(name)
        block = self._words(slot.place)
        words = block.cast("q").tolist()
        refs, times = self._sources(slot.place)
        limit = EVER if self.plan.ttl is None else self.at_micros - self.plan.ttl
        missing = words.count(ABSENT)
        expired = 0 if self.plan.ttl is None else _count_old(words, times, limit)
        picks = [word != ABSENT and word != NULL and time >= limit for word, time in zip(words, times)]
        present = picks.count(True)
        cells = refs if slot.kind.heavy else block.cast("d").tolist() if slot.kind.word == "d" else words
        values = self._shown(slot, list(compress(cells, picks)))
        null = len(words) - missing - expired - present
        return FeatureSample(slot.kind, present, null, missing, expired, values, list(compress(times, picks)))

    def _words(self, place: int) -> memoryview:
        start = HEADER_SIZE + WORD * place
        end = start + WORD
        if place < self._slots:
            return memoryview(b"".join([raw[start:end] for raw in self._raws]))
        words = [raw[start:end] if header_of(raw)[2] >> SLOTS_SHIFT > place else _ABSENT for raw in self._raws]
        return memoryview(b"".join(words))

    def _sources(self, place: int) -> tuple[list[int], list[int]]:
        """The reference and event time of the write that each word comes from; of an absent one, of any write."""
        if not self._mixed:
            return self._heads[::3].tolist(), self._heads[1::3].tolist()
        flags = self._heads[2::3].tolist()
        starts = {flag: _source_start(flag, place) for flag in set(flags)}
        places = map(starts.__getitem__, flags)
        pairs = [raw[start : start + 2 * WORD] for raw, start in zip(self._raws, places)]
        sources = memoryview(b"".join(pairs)).cast("q")
        return sources[::2].tolist(), sources[1::2].tolist()

    def _shown(self, slot: Slot, cells: list[Any]) -> list[Any]:
        if slot.kind.coded:
            return list(map(self.plan.layout.pool.values_by_code.__getitem__, cells))
        return list(map(bool, cells)) if slot.kind.name == "bool" else cells

    def heavy(self, name: str, refs: Sequence[int]) -> Iterator[Any]:
        """The texts or vectors (str, bytes) that some writes put into a feature."""
        slot = self.plan.slot(name)
        return (heavy_cell(slot.kind, self._log.heavy(ref, slot.place)) for ref in refs)


def read_sample(reader: Reader, view: str, at: Instant | None) -> ViewSample:
    """The sample of a view; to be called through ``consistently``. 0.5 us an entity at the head, 2 us in the past."""
    clock = reader.clock() if at is None else to_micros(at)
    plan, packed = reader.plan(view), reader.packed
    rows = [packed(view, entity, clock) for entity in reader.written_entities(view)]
    found = [row for row in rows if row is not None and header_of(row)[2] & FOUND]
    return ViewSample(reader.state.log, plan, found, reader.as_of_offset, clock)


def _source_start(flags: int, place: int) -> int:
    """Where in a row the source of a slot stands: in front, unless it is merged from several writes."""
    count = flags >> SLOTS_SHIFT
    return HEADER_SIZE + WORD * (count + 2 * place) if flags & MIXED and place < count else 0


def _count_old(words: list[int], times: list[int], limit: int) -> int:
    return [word != ABSENT and time < limit for word, time in zip(words, times)].count(True)
