"""Filters: which lanes of a segment may match a ``where``, by one operation a bit.

The columns hold what a read showed right after the write of each lane's vector. An entity that was written
again without a new vector is **restless**: its lanes pass every mask. So a mask is never too small, for any
offset, and needs no upkeep; whoever answers asks the rows about every hit (``projections.vectors.search``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import ceil, floor, inf, isfinite
from typing import Any, Final, NamedTuple

from ledger import ABSENT, COMPLETE, NULL, Erased, FeatureType, Pool, header_of, word_at
from projections.history import FOREVER, row_as_of
from projections.rows import Rows
from projections.vectors.field import Field
from projections.vectors.segment import Segment
from projections.vectors.sliced import Sliced, float_key, int_key
from projections.where_tree import Leaf, Node, negation_free

EVENT_TIME: Final = -1  # as a slot: the event time of the write itself
KEPT: Final = 32  # filters whose masks a segment keeps
MANY: Final = 2_000  # values of a list: looking for more in every segment takes longer than to ask the rows
KEYS: Final = 1_000  # filters that a field knows again


class Column(NamedTuple):
    """One slot of every lane of a segment's planes. ``own`` are the lanes whose write carried the whole row."""

    keys: Sliced
    null: int
    absent: int
    own: int


class Feature(NamedTuple):
    """How the reader sees a feature: its slot, type, and what a missing value shows (a cell, or None)."""

    slot: int
    kind: FeatureType
    default: Any


class Key:
    """A filter as the key of its masks: its hash is counted once, not for every segment."""

    __slots__ = ("_hash", "_rest", "node")

    def __init__(self, node: Node, *rest: Any) -> None:
        self.node = node
        self._rest = rest
        self._hash = hash((node, rest))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other.node == self.node and other._rest == self._rest


def _known(keys: dict[Key, Key], key: Key) -> Key:
    """The key that was met before: dicts find it by identity, in every segment (5 us less each)."""
    if len(keys) >= KEYS:
        keys.clear()
    return keys.setdefault(key, key)


class Filter:
    """The masks of one search."""

    def __init__(
        self,
        field: Field,
        rows: Rows,
        features: Mapping[str, Feature],
        node: Node | None,
        oldest: int | None,
        newest: int | None,
    ) -> None:
        """``oldest`` and ``newest`` bound the event time of vectors; with ``newest``, masks by value do not hold."""
        self._field = field
        self._rows = rows
        self._features = features
        defaults = tuple((name, feature.default) for name, feature in features.items())
        self._key = None
        if node is not None and newest is None:
            self._key = _known(field.filters, Key(negation_free(node), defaults, oldest is None))
        self._codes: dict[Leaf, tuple[bool, tuple[int, ...]]] = {}
        self._oldest = oldest
        self._newest = newest

    @property
    def narrows(self) -> bool:
        """Whether it can leave out anything at all."""
        return self._key is not None or self._oldest is not None or self._newest is not None

    def of(self, segment: Segment) -> int:
        """The lanes of a segment's planes that may match."""
        full = (1 << segment.sealed.size) - 1
        found = full
        if self._oldest is not None:
            found &= self._column(segment, EVENT_TIME, "q").keys.at_least(int_key(self._oldest))
        if self._newest is not None:
            found &= ~self._column(segment, EVENT_TIME, "q").keys.at_least(int_key(self._newest + 1))
        if self._key is not None and found:
            found &= self._by_value(self._key, segment, full) | segment.restless
        return found

    def _by_value(self, key: Key, segment: Segment, full: int) -> int:
        """The lanes whose written values may match; kept for the filters that come again."""
        held = segment.filtered.get(key)
        if held is None or held[0] != segment.sealed.size:
            held = segment.sealed.size, key.node.masks(partial(self._leaf, segment), full)
            if len(segment.filtered) >= KEPT:
                segment.filtered.clear()
            segment.filtered[key] = held
        return held[1]

    def _leaf(self, segment: Segment, leaf: Leaf) -> int:
        feature = self._features[leaf.feature]
        if feature.kind.heavy:
            return (1 << segment.sealed.size) - 1
        column = self._column(segment, feature.slot, feature.kind.word)
        there = column.keys.full & ~(column.null | column.absent)
        if feature.kind.coded:
            if leaf not in self._codes:
                self._codes[leaf] = _codes(leaf, self._field.log.layouts.pool)
            found = _by_code(column.keys, self._codes[leaf]) & there
        else:
            found = _present(column.keys, leaf, feature.kind) & there
        if leaf.matches(None, True):
            found |= column.null
        if leaf.matches(feature.default, False):
            found |= column.absent
        return found if self._oldest is None else found | (column.keys.full & ~column.own)

    def _column(self, segment: Segment, slot: int, word: str) -> Column:
        """The column of a slot, made on its first use and again when the segment has grown. 1.5 us a lane."""
        columns = segment.columns
        held = columns.get(slot)
        if held is None or held.keys.count < segment.sealed.size:
            held = columns[slot] = self._make(segment, slot, word)
        return held

    def _make(self, segment: Segment, slot: int, word: str) -> Column:
        count = segment.sealed.size
        words, own = self._words(segment.ids[:count], slot)
        null = _mask(words, NULL)
        absent = _mask(words, ABSENT)
        key = int_key if word == "q" else _float_word_key
        gaps = (NULL, ABSENT)
        return Column(Sliced([0 if item in gaps else key(item) for item in words]), null, absent, _flags(own))

    def _words(self, lanes: Sequence[int], slot: int) -> tuple[list[int], bytes]:
        """The words that a read showed after the write of every lane, and whether the write carried them all."""
        log, refs = self._field.log, map(self._field.lanes.ref, lanes)
        words, own = [], bytearray()
        for ref in refs:
            try:
                row = log.row(ref)
            except Erased:  # its lane is dead as of every offset
                words.append(ABSENT)
                own.append(False)
                continue
            _, event_time, flags = header_of(row)
            complete = bool(flags & COMPLETE)
            own.append(complete)
            if slot == EVENT_TIME:
                words.append(event_time)
            elif complete:
                words.append(word_at(row, slot))
            else:
                words.append(self._merged(ref, slot))
        return words, bytes(own)

    def _merged(self, ref: int, slot: int) -> int:
        table = self._rows.tables[self._field.view]
        entity = self._field.log.entity(ref)
        row = row_as_of(table, self._field.log.row, entity, ref, FOREVER, (slot,))
        return ABSENT if row is None else word_at(row, slot)


def _float_word_key(word: int) -> int:
    """The key of a float64 given as its int64 word."""
    if word >= 0:
        return word + (1 << 63)
    return 1 << 63 if word == -(1 << 63) else ~word & ((1 << 64) - 1)


def _mask(words: Sequence[int], wanted: int) -> int:
    return _flags(bytes([word == wanted for word in words])) if wanted in words else 0


def _flags(data: bytes) -> int:
    return int(data[::-1].translate(_DIGIT), 2) if data else 0


_DIGIT = bytes([48, 49] + [49] * 254)


def _present(keys: Sliced, leaf: Leaf, kind: FeatureType) -> int:
    """The lanes whose written number may match."""
    if leaf.op in ("$in", "$nin") and len(leaf.value) > MANY:
        return keys.full
    found = _OPERATORS[leaf.op](keys, kind, leaf.value)
    return keys.full ^ found if leaf.negated else found


def _by_code(keys: Sliced, codes: tuple[bool, tuple[int, ...]]) -> int:
    """A category has a code: the lanes that have one of some codes, or (True) none of them."""
    others, wanted = codes
    if len(wanted) > MANY:
        return keys.full
    found = keys.any_of(map(int_key, wanted))
    return keys.full ^ found if others else found


def _codes(leaf: Leaf, pool: Pool) -> tuple[bool, tuple[int, ...]]:
    """The codes of the categories that match, or (True) of those that do not, where these are fewer."""
    if leaf.op in ("$eq", "$in") and not leaf.negated:
        wanted = [leaf.value] if leaf.op == "$eq" else leaf.value
        return False, tuple(pool[value] for value in wanted if value in pool)
    known = list(enumerate(pool.values_by_code))
    good = tuple(code for code, value in known if leaf.matches(value, True))
    if len(good) * 2 <= len(known):
        return False, good
    return True, tuple(code for code, value in known if not leaf.matches(value, True))


Bounds = tuple[int, int]  # of an operand: the greatest key at or below it, the least at or above it


def _bounds(kind: FeatureType, value: Any) -> Bounds:
    """Exact for every number, also for one that the feature's type cannot hold."""
    if kind.word == "d":
        try:
            near = float(value)
        except OverflowError:
            near = inf if value > 0 else -inf
        return float_key(near) - (near > value), float_key(near) + (near < value)
    if isinstance(value, float) and not isfinite(value):
        value = _BOUND if value > 0 else -_BOUND
    value = max(-_BOUND, min(_BOUND, value))
    return int_key(floor(value)), int_key(ceil(value))


_BOUND = 2**62


def _equal(keys: Sliced, kind: FeatureType, value: Any) -> int:
    if value is None:
        return 0
    below, above = _bounds(kind, value)
    return keys.equal(below) if below == above else 0


def _either(keys: Sliced, kind: FeatureType, values: Any) -> int:
    """One of some values; one that the feature's type cannot hold is nobody's."""
    bounds = [_bounds(kind, value) for value in values if value is not None]
    return keys.any_of(below for below, above in bounds if below == above)


def _order(place: int, above: int, less: bool) -> Operator:
    """At least the bound (of two) plus ``above``, or ``less`` than that."""

    def order(keys: Sliced, kind: FeatureType, value: Any) -> int:
        if value is None:
            return 0
        found = keys.at_least(_bounds(kind, value)[place] + above)
        return keys.full ^ found if less else found

    return order


Operator = Callable[[Sliced, FeatureType, Any], int]
_OPERATORS: dict[str, Operator] = {
    "$eq": _equal,
    "$ne": lambda keys, kind, value: keys.full ^ _equal(keys, kind, value),
    "$in": _either,
    "$nin": lambda keys, kind, values: keys.full ^ _either(keys, kind, values),
    "$exists": lambda keys, kind, value: keys.full if value else 0,
    "$gte": _order(1, 0, False),
    "$gt": _order(0, 1, False),
    "$lt": _order(1, 0, True),
    "$lte": _order(0, 1, True),
}
