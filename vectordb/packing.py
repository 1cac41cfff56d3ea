"""Packing: raw rows of one or several views into the numbers and words that a batch read joins.

A raw row (``ledger.rows``) holds what one write left, or several merged. A **served** row holds chosen features in
a chosen order: float64 numbers (Int, Float, Bool; the default, else NaN, where there is no value), and beside them
one int64 word for every other feature (a category's code, the microseconds of a timestamp, the reference of the write
of a text or vector). Both are plain bytes, so a batch is one ``b"".join``.

NaN keeps the state of its slot: ``NULL_FLOAT`` for null, ``ABSENT_FLOAT`` for missing and expired. A packing is plain
data: it can be sent to another process, and packs there what it packs here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from struct import Struct
from typing import Any, Final, NamedTuple

from ledger import (
    ABSENT,
    ABSENT_FLOAT,
    HEADER_SIZE,
    MIXED,
    NULL,
    NULL_FLOAT,
    PLAIN,
    SLOTS_SHIFT,
    TOMBSTONE,
    WORD,
    float_of,
    header_of,
    source_at,
    word_at,
    word_of,
)
from vectordb.bulk import BULK, pack_bulk, woven
from vectordb.plan import Plan, Slot

NUMBERS: Final = frozenset({"int", "float", "bool"})
FOREVER: Final = 2**62
ALWAYS: Final = -FOREVER

Raw = bytes | None
Raws = Sequence[Raw]  # of one entity, one a view
Window = tuple[int, int]  # the first and last clock at which a served row stays as it is, if nothing is written
Picker = Callable[[Sequence[Any]], Sequence[Any]]


class Number(NamedTuple):
    """A slot of the block of numbers: its place in a raw row, the struct character of its word, its default."""

    place: int
    word: str
    default: float


class Other(NamedTuple):
    """A slot beside the numbers; of a heavy one the reference of its write is taken."""

    place: int
    heavy: bool


def is_number(slot: Slot) -> bool:
    """Whether a feature stands in the block of numbers."""
    return slot.kind.name in NUMBERS


class Part:
    """Chosen features of one version of a view."""

    __slots__ = ("_blank", "_pick", "_unpack", "numbers", "others", "slot_words", "ttl")

    def __init__(
        self, numbers: tuple[Number, ...], others: tuple[Other, ...], ttl: int | None, slot_words: str
    ) -> None:
        """``slot_words`` has the struct character of every slot of the view so far."""
        self.numbers = numbers
        self.others = others
        self.ttl = ttl
        self.slot_words = slot_words
        self._unpack, self._pick = _reader(numbers)
        self._blank = [number.default for number in numbers]

    @classmethod
    def of(cls, plan: Plan, slots: Sequence[Slot]) -> Part:
        """The part of a plan's features."""
        numbers = tuple(Number(slot.place, slot.kind.word, _default(slot)) for slot in slots if is_number(slot))
        others = tuple(Other(slot.place, slot.kind.heavy) for slot in slots if not is_number(slot))
        return cls(numbers, others, plan.ttl, plan.layout.slot_words)

    def __reduce__(self) -> tuple[Any, ...]:
        return Part, (self.numbers, self.others, self.ttl, self.slot_words)

    def values(self, raw: Raw, at: int) -> Sequence[float]:
        """The numbers of a row at a clock. 0.4 us for ten of a row where every value is simply there."""
        if raw is None:
            return self._blank
        _, event_time, flags = header_of(raw)
        if flags & PLAIN and flags >> SLOTS_SHIFT == len(self.slot_words) and not self._is_old(event_time, at):
            found = self._unpack(raw, HEADER_SIZE)
            return found if self._pick is None else self._pick(found)
        return self._slowly(raw, event_time, flags, at)

    def _is_old(self, event_time: int, at: int) -> bool:
        return self.ttl is not None and event_time < at - self.ttl

    def _slowly(self, raw: bytes, event_time: int, flags: int, at: int) -> Sequence[float]:
        """Value by value; 3 us for ten."""
        if flags & TOMBSTONE or (not flags & MIXED and self._is_old(event_time, at)):
            return self._blank
        ages = self.ttl is not None and flags & MIXED
        found: list[float] = []
        for place, word, default in self.numbers:
            held = word_at(raw, place)
            if held == ABSENT or (ages and self._is_old(source_at(raw, place)[1], at)):
                found.append(default)
            elif held == NULL:
                found.append(NULL_FLOAT)
            else:
                found.append((float_of if word == "d" else word_of)(raw, HEADER_SIZE + WORD * place)[0])
        return found

    def words(self, raw: Raw, at: int) -> list[int]:
        """The words of the other features. 1 us each."""
        return [ABSENT if raw is None else self._word(raw, other, at) for other in self.others]

    def _word(self, raw: bytes, other: Other, at: int) -> int:
        word = word_at(raw, other.place)
        if word == ABSENT:
            return ABSENT
        source, event_time = source_at(raw, other.place)
        if self._is_old(event_time, at):
            return ABSENT
        return source if other.heavy and word != NULL else word

    def window(self, raw: Raw, at: int) -> Window:
        """At which clocks a row stays as it is at ``at``: until the next value expires, and not before it came."""
        if raw is None:
            return (ALWAYS, FOREVER)
        _, event_time, flags = header_of(raw)
        if self.ttl is None:
            return (event_time, FOREVER)
        if not flags & MIXED:
            end = event_time + self.ttl
            return (event_time, end) if end >= at else (end + 1, FOREVER)
        places = chain((number.place for number in self.numbers), (other.place for other in self.others))
        ends = [source_at(raw, place)[1] + self.ttl for place in places]
        passed = [end + 1 for end in ends if end < at]
        return (max([event_time, *passed]), min((end for end in ends if end >= at), default=FOREVER))


class Packing:
    """The features of one kind of entity, from one part a view; ``order`` brings them into reading order."""

    __slots__ = ("_order", "_order_words", "_pack", "_pack_words", "order", "order_words", "parts")

    def __init__(self, parts: tuple[Part, ...], order: tuple[int, ...], order_words: tuple[int, ...]) -> None:
        self.parts = parts
        self.order = order
        self.order_words = order_words
        self._order, self._order_words = _ordered(order), _ordered(order_words)
        self._pack = Struct(f"={len(order)}d").pack
        self._pack_words = Struct(f"={len(order_words)}q").pack

    def __reduce__(self) -> tuple[Any, ...]:
        return Packing, (self.parts, self.order, self.order_words)

    def row(self, raws: Raws, at: int) -> bytes:
        """The numbers of one entity."""
        if len(raws) == 1:
            return self._pack(*self.parts[0].values(raws[0], at))
        values = list(chain.from_iterable(part.values(raw, at) for part, raw in zip(self.parts, raws)))
        return self._pack(*(values if self._order is None else self._order(values)))

    def words(self, raws: Raws, at: int) -> bytes:
        """The words of its other features."""
        words = list(chain.from_iterable(part.words(raw, at) for part, raw in zip(self.parts, raws)))
        return self._pack_words(*(words if self._order_words is None else self._order_words(words)))

    def window(self, raws: Raws, at: int) -> Window:
        """At which clocks both stay as they are."""
        if len(raws) == 1:
            return self.parts[0].window(raws[0], at)
        windows = [part.window(raw, at) for part, raw in zip(self.parts, raws)]
        return (max(first for first, _ in windows), min(last for _, last in windows))

    def rows(self, columns: Sequence[Sequence[Raw]], at: int) -> tuple[bytes, bytes]:
        """Numbers and words of many entities, joined, from a column of raw rows a view."""
        found = pack_bulk(self.parts[0], columns[0], at) if len(columns) == 1 and len(columns[0]) >= BULK else None
        if found is None:
            return self._one_by_one(list(zip(*columns)), at)
        picks, (numbers, words) = found
        others = [(raw,) for raw, pick in zip(columns[0], picks) if not pick]
        rest = [self.row(raws, at) for raws in others]
        beside = [self.words(raws, at) for raws in others] if self.order_words else []
        sizes = (WORD * len(self.order), WORD * len(self.order_words))
        return woven(picks, numbers, rest, sizes[0]), woven(picks, words, beside, sizes[1])

    def _one_by_one(self, rows: Sequence[Raws], at: int) -> tuple[bytes, bytes]:
        words = b"".join([self.words(raws, at) for raws in rows]) if self.order_words else b""
        return b"".join([self.row(raws, at) for raws in rows]), words


def pack(task: tuple[Packing, Sequence[Sequence[Raw]], int]) -> tuple[bytes, bytes]:
    """One piece of work for an executor: a packing, columns of raw rows, and a clock."""
    packing, columns, at = task
    return packing.rows(columns, at)


def pack_moments(task: tuple[Packing, Sequence[Sequence[Raw]], Sequence[int], bool]) -> tuple[bytes, bytes]:
    """The same for rows that have a clock each; the words only where they are asked for."""
    packing, columns, times, with_words = task
    if all(part.ttl is None for part in packing.parts):
        return packing.rows(columns, FOREVER)  # nothing expires: all clocks show the same
    rows = list(zip(zip(*columns), times))
    words = b"".join([packing.words(raws, at) for raws, at in rows]) if with_words else b""
    return b"".join([packing.row(raws, at) for raws, at in rows]), words


def _default(slot: Slot) -> float:
    return ABSENT_FLOAT if slot.default is None else float(slot.default)


def _reader(numbers: Sequence[Number]) -> tuple[Callable[[bytes, int], tuple[Any, ...]], Picker | None]:
    """What reads the words of some slots behind a header, and what brings them into order where they are not."""
    slots = {number.place: number.word for number in numbers}
    ascending = sorted(slots)
    return ascending_words(slots), _ordered([ascending.index(number.place) for number in numbers])


def ascending_words(slots: Mapping[int, str]) -> Callable[[bytes, int], tuple[Any, ...]]:
    """Reads the words of some slots (place -> struct character) from an offset of a raw row, in rising order of place.

    Slots between them are skipped: ten of two thousand features cost what ten of ten do.
    """
    form, end = "=", 0
    for place in sorted(slots):
        form += f"{(place - end) * WORD}x{slots[place]}"
        end = place + 1
    return Struct(form).unpack_from


def _ordered(places: Sequence[int]) -> Picker | None:
    """What takes the items at some places of a sequence; None where that changes nothing."""
    if tuple(places) == tuple(range(len(places))):
        return None
    return itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))
