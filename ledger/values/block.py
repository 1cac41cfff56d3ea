"""A block: the rows that one event wrote to one view, packed."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from struct import Struct
from typing import Any, Final, TypeAlias

from ledger.errors import InvalidInput
from ledger.identity import ROW_MASK, Entity
from ledger.values.columns import Column, constant
from ledger.values.feature_types import FeatureType
from ledger.values.layout import Layout
from ledger.values.rows import ABSENT, COMPLETE, NULL, PLAIN, TOMBSTONE, WORD, header_of, tombstone

MAX_BLOCK_BYTES: Final = 1 << 30
EventTimes: TypeAlias = "int | array[int]"


class Block:
    """Packed rows, their entities, and the Text and Vector columns that stay beside the rows.

    ``first`` is the number of its first row within the event. The rows are immutable bytes, shared with
    the current view; ``heavy`` maps a slot to a list of str or to the contiguous bytes of its vectors. Vectors that
    are all null or missing are not there.
    ``oldest`` and ``newest`` are its extreme event times, ``is_ordered`` whether these ascend, and
    ``is_complete`` whether every row wrote every slot and none is a tombstone.
    """

    __slots__ = ("entities", "first", "heavy", "is_complete", "is_ordered", "layout", "newest", "oldest", "rows")

    def __init__(
        self,
        layout: Layout,
        entities: Sequence[Entity],
        rows: Sequence[bytes],
        heavy: dict[int, Any],
        first: int = 0,
        times: EventTimes = 0,
        is_complete: bool = False,
    ) -> None:
        self.layout = layout
        self.entities = tuple(entities)  # which the garbage collector stops looking at
        self.rows = rows
        self.heavy = heavy
        self.first = first
        self.is_complete = is_complete
        if isinstance(times, int):
            times = array("q", (times,))
        self.oldest, self.newest = min(times, default=0), max(times, default=0)
        self.is_ordered = list(times) == sorted(times)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[Entity, bytes]]:
        return zip(self.entities, self.rows, strict=True)

    @property
    def is_delete(self) -> bool:
        """Whether its rows are tombstones."""
        return bool(self.rows) and bool(header_of(self.rows[0])[2] & TOMBSTONE)

    def heavy_at(self, place: int, slot: int) -> Any:
        """The Text (str) or Vector (bytes) of one row."""
        data = self.heavy[slot]
        if isinstance(data, bytes):
            size = len(data) // len(self.rows)
            return data[place * size : (place + 1) * size]
        return data[place]

    def cells(self, place: int) -> list[Any]:
        """The cells of one row by position, None and MISSING included."""
        return self.layout.cells(self.rows[place], lambda slot: self.heavy_at(place, slot))

    def event_times(self) -> array[int]:
        """The event time of every row."""
        return _strided(b"".join(self.rows), 1, len(self.rows))

    def columns(self) -> dict[int, Column]:
        """The columns that were written, by position in the view's version."""
        found: dict[int, Column] = {}
        joined = b"".join(self.rows)  # once: joining for every slot would be quadratic in the features
        for place, (kind, slot) in enumerate(zip(self.layout.types, self.layout.slots, strict=True)):
            words = _strided(joined, 3 + slot, len(self.rows))
            missing = tuple(row for row, word in enumerate(words) if word == ABSENT) if words.count(ABSENT) else ()
            if len(missing) < len(self.rows):
                nulls = tuple(row for row, word in enumerate(words) if word == NULL) if words.count(NULL) else ()
                found[place] = Column(self._data(kind, slot, words, (*nulls, *missing)), nulls, missing)
        return found

    def _data(self, kind: FeatureType, slot: int, words: array[int], gaps: tuple[int, ...]) -> Any:
        if kind.heavy:
            return self.heavy.get(slot, b"")
        for row in gaps:
            words[row] = 0
        return words if kind.word == "q" else array("d", words.tobytes())


def _strided(joined: bytes, word: int, rows: int) -> array[int]:
    """One word of every row, of rows of one width."""
    width = len(joined) // (WORD * rows) if rows else 1
    return array("q", memoryview(joined).cast("q")[word::width].tobytes())


def build_block(
    layout: Layout, entities: Sequence[Entity], columns: Mapping[int, Column], ref: int, event_times: EventTimes
) -> Block:
    """Pack checked columns into rows whose references start at ``ref``.

    The columns are laid into one buffer by strided copies (4 ns a word) and cut into rows by one
    ``iter_unpack`` (60-100 ns a row); packing row by row would cost 35 ns a word.
    """
    rows = len(entities)
    if rows * layout.words.size > MAX_BLOCK_BYTES:
        rule = "the rows of one event fit in 1 GiB, packed (8 bytes a feature of the view): use load"
        raise InvalidInput(rule, view=layout.view, rows=rows, features=len(layout.slot_words))
    width = 3 + len(layout.slot_words)
    buffer = bytearray(rows * width * WORD)
    words = memoryview(buffer).cast("q")
    words[0::width] = memoryview(array("q", range(ref, ref + rows)))
    words[1::width] = memoryview(constant(event_times, rows) if isinstance(event_times, int) else event_times)
    words[2::width] = memoryview(_flags(layout, columns, rows))
    by_slot = {layout.slots[place]: column for place, column in columns.items()}
    for slot in range(width - 3):
        column = by_slot.get(slot)
        words[3 + slot :: width] = memoryview(constant(ABSENT, rows) if column is None else column.words(rows))
    cut = Struct(f"{width * WORD}s").iter_unpack(buffer)
    heavy = {layout.slots[place]: columns[place].data for place in layout.heavy if _has_values(columns, place, rows)}
    complete = len(columns) == len(layout.slot_words) and not any(column.missing for column in columns.values())
    packed = tuple(chain.from_iterable(cut))
    return Block(layout, entities, packed, heavy, ref & ROW_MASK, event_times, complete)


def _has_values(columns: Mapping[int, Column], place: int, rows: int) -> bool:
    """Whether a column is there, and not vectors of which no row has any."""
    column = columns.get(place)
    if column is None or not isinstance(column.data, bytes):
        return column is not None
    return len(column.nulls) + len(column.missing) < rows


def build_deletes(layout: Layout, entities: Sequence[Entity], ref: int, event_times: Sequence[int]) -> Block:
    """The block of a number of deletes."""
    slots = len(layout.slot_words)
    rows = [tombstone(ref + place, event_time, slots) for place, event_time in enumerate(event_times)]
    return Block(layout, entities, rows, {}, ref & ROW_MASK, array("q", event_times))


def _flags(layout: Layout, columns: Mapping[int, Column], rows: int) -> array[int]:
    flags = constant(layout.plain_flags if len(columns) == len(layout.types) else layout.flags, rows)
    for column in columns.values():
        for row in column.nulls:
            flags[row] &= ~PLAIN
        for row in column.missing:
            flags[row] &= ~(PLAIN | COMPLETE)
    return flags
