"""Packed ahead: a long file is read ahead, and runs of its plain rows are parsed and packed by workers.

The workers are those of an executor of the caller's; they get bytes and plain data, and give such back. Nothing is
believed of a line before its turn: the reader verifies digests, order and times of every line one after the other, and
takes what a worker made of a run only where it would have packed the same itself; see ``Journal.load``.
"""

from __future__ import annotations

import re
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from itertools import chain
from struct import Struct
from typing import Any, Final, NamedTuple

from ledger.chain import END_SIZE
from ledger.errors import InvalidInput
from ledger.log import Log
from ledger.storage.jsonl_store import split_lines
from ledger.storage.plain_rows import PARSE_LINES, PlainRows, decode_plain_rows
from ledger.values.feature_types import FeatureType
from ledger.values.layout import Layout
from ledger.values.pool import Pool
from ledger.values.rows import WORD

AHEAD: Final = 4  # pieces, a megabyte each, handed out before the first is asked for
WORTH_BYTES: Final = 8 << 20  # of lines from which sharing pays: views are known, and workers busy, a few pieces on
_START = re.compile(rb'\{"offset":[0-9]+,"time":-?[0-9]+,"type":"row_put@1","view":"([^"\\\x00-\x1f\x80-\xff]+)"')
_EARLIEST = -(2**63)


class Shape(NamedTuple):
    """What packing needs of a layout, as plain data."""

    kinds: tuple[type[FeatureType], ...]
    slots: tuple[int, ...]
    slot_words: str


class Piece(NamedTuple):
    """Whole lines, the offset of the first, and the layouts of the views whose rows they may be, by label."""

    lines: bytes
    first: int
    shapes: dict[str, Shape]


class Packed(NamedTuple):
    """Plain rows as a worker gives them back: numbers as int64, ids a line each, rows one after the other."""

    label: str
    times: bytes
    event_times: bytes  # empty: the recorded ones
    entities: bytes
    rows: bytes
    categories: tuple[str | int, ...]  # their codes are these places


class Run(NamedTuple):
    """Lines that are parsed together, and what a worker made of them: None where it has not, or they are not plain."""

    lines: list[bytes]
    packed: Packed | None


def runs_of(batches: Iterable[tuple[int, list[bytes]]]) -> Iterator[Run]:
    """The lines of a store in runs, nothing of them packed yet."""
    for _, lines in batches:
        for first in range(0, len(lines), PARSE_LINES):
            yield Run(lines[first : first + PARSE_LINES], None)


def runs_ahead(
    batches: Iterable[tuple[int, list[bytes]]], log: Log, executor: Executor, size: int
) -> Iterator[Run]:
    """The same by the workers of an executor, where there are bytes enough."""
    return LinesAhead(batches, log, executor).runs() if size >= WORTH_BYTES else runs_of(batches)


class LinesAhead:
    """The same runs, packed by workers where they are plain rows of one view that is known by then.

    A piece with rows of a view, or a version, that no line taken so far has defined is handed out once the pieces
    before it were taken. What stopped the reading is raised after the last line before it.
    """

    def __init__(self, batches: Iterable[tuple[int, list[bytes]]], log: Log, executor: Executor) -> None:
        self._batches = iter(batches)
        self._log = log
        self._executor = executor
        self._first = log.head + 1
        self._next: list[bytes] = []  # read, and not handed out
        self._waiting: deque[tuple[list[bytes], Future[list[Packed | None]] | None]] = deque()
        self._failure: Exception | None = None

    def runs(self) -> Iterator[Run]:
        """Every line once, in order. What a worker raises is raised in its turn; later pieces are called back."""
        try:
            self._hand_out()
            while self._waiting:
                lines, future = self._waiting.popleft()
                packed = None if future is None else future.result()
                for place, run in enumerate(runs_of([(0, lines)])):
                    yield run if packed is None else run._replace(packed=packed[place])
                self._hand_out()
        finally:
            for _, future in self._waiting:
                if future is not None:
                    future.cancel()
        if self._failure is not None:
            raise self._failure

    def _hand_out(self) -> None:
        while len(self._waiting) < AHEAD and (self._next or self._read()):
            shapes = _shapes_of(self._next, self._log)
            if None in shapes.values() and self._waiting:
                return  # a line before them may define it
            known = {label: shape for label, shape in shapes.items() if shape is not None}
            piece = Piece(b"".join(self._next), self._first, known) if known else None
            future = None if piece is None else self._executor.submit(pack_lines, piece)
            self._waiting.append((self._next, future))
            self._first += len(self._next)
            self._next = []

    def _read(self) -> bool:
        try:
            _, self._next = next(self._batches, (0, []))
        except Exception as error:  # raised by ``runs``, when the lines before it were taken
            self._failure, self._batches = error, iter(())
        return bool(self._next)


def _shapes_of(lines: list[bytes], log: Log) -> dict[str, Shape | None]:
    """The layouts that runs of plain rows in these lines begin and end with; None: not known yet."""
    shapes: dict[str, Shape | None] = {}
    for first in range(0, len(lines), PARSE_LINES):
        found = _START.match(lines[first])
        last = _START.match(lines[min(first + PARSE_LINES, len(lines)) - 1])
        if found is not None and last is not None and found[1] == last[1]:
            label = found[1].decode()
            layout = log.layouts.get(label)
            if layout is None:
                shapes[label] = None
            elif not layout.heavy:  # rows with text or vectors are packed one by one
                shapes[label] = Shape(tuple(map(type, layout.types)), layout.slots, layout.slot_words)
    return shapes


# -- in a worker ---------------------------------------------------------------------------------------


def pack_lines(piece: Piece) -> list[Packed | None]:
    """The runs of a piece, packed: 5 us a row of ten floats, and 0.2 more to send it there and back."""
    packed = []
    for place, run in enumerate(runs_of([(0, split_lines(piece.lines))])):
        bodies = [line[:-END_SIZE] for line in run.lines]
        first = piece.first + place * PARSE_LINES
        plain = decode_plain_rows(bodies, first, lambda label: _own_layout(label, piece.shapes), _EARLIEST)
        packed.append(None if plain is None else _packed(plain))
    return packed


class _OwnPool(Pool):
    """A worker's: it takes every text, and the reader says which of them the log knows."""

    def known(self, categories: Iterable[str | int]) -> list[int]:
        return list(map(self.__getitem__, categories))


def _own_layout(label: str, shapes: Mapping[str, Shape]) -> Layout:
    if label not in shapes:
        raise InvalidInput("a worker packs rows of the views that it was told of", view=label)
    kinds, slots, slot_words = shapes[label]
    view, _, version = label.rpartition("@")
    return Layout(view, int(version), {str(at): kind() for at, kind in enumerate(kinds)}, slots, slot_words, _OwnPool())


def _packed(plain: PlainRows) -> Packed:
    times = array("q", plain.times).tobytes()
    true = b"" if plain.event_times == plain.times else array("q", plain.event_times).tobytes()
    entities = "\n".join(plain.entities).encode()  # plain ids have no control characters
    categories = tuple(plain.layout.pool.values_by_code)
    return Packed(plain.layout.label, times, true, entities, b"".join(plain.rows), categories)


# -- in the reader -------------------------------------------------------------------------------------


def unpack(packed: Packed, log: Log) -> PlainRows | None:
    """The rows that a worker packed, 0.1 us each; None where the reader itself would not have taken them as plain."""
    times = _words(packed.times)
    codes = log.layouts.pool.known(packed.categories)
    if codes is None or times[0] < log.last_time:
        return None
    layout = log.layout_of(packed.label)
    rows: Any = packed.rows
    if codes != list(range(len(codes))):
        rows = _recoded(rows, layout, codes)
    cut = chain.from_iterable(Struct(f"{layout.words.size}s").iter_unpack(rows))
    true = _words(packed.event_times) if packed.event_times else times
    return PlainRows(layout, times, true, packed.entities.decode().split("\n"), list(cut))


def _words(data: bytes) -> list[int]:
    return array("q", data).tolist()


def _recoded(rows: bytes, layout: Layout, codes: list[int]) -> bytearray:
    """The rows with this log's codes in place of the worker's, slot by slot."""
    changed = bytearray(rows)
    words = memoryview(changed).cast("q")
    width = layout.words.size // WORD
    for kind, slot in zip(layout.types, layout.slots):
        if kind.coded:
            column = words[3 + slot :: width]
            column[:] = memoryview(array("q", map(codes.__getitem__, column.tolist())))
    return changed
