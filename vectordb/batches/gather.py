"""A gather: features of one kind of entity, from one view or several, read for many entities at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger import (
    ABSENT,
    MISSING,
    NULL,
    ROW_BITS,
    ROW_MASK,
    WORD,
    Entity,
    FeatureType,
    check_entity,
    header_of,
    heavy_cell,
)
from projections import Table
from vectordb.batches.executors import Sharing, pieces_of
from vectordb.batches.matrix import Column
from vectordb.batches.packing import ALWAYS, Packing, Part, Raw, is_number, pack
from vectordb.batches.row_cache import Lasting, RowCache
from vectordb.views.plan import Plan, Slot

if TYPE_CHECKING:
    from vectordb.state import State

WAITS: Final = 1_000  # rows from which packing them again would cost more than waiting for a writer
SIMPLE: Final = frozenset({str, int})
ALONE: Final = Sharing()
Cut = Callable[[bytes], Iterable[tuple[Any, ...]]]


class Item(NamedTuple):
    """A feature that is read: the name that the reader gives it, its view and its name there."""

    key: str
    view: str
    feature: str


class Packed(NamedTuple):
    """Numbers and words by entity, each once, and the pieces in which they were joined, in the same order."""

    rows: dict[Entity, bytes]
    words: dict[Entity, bytes]
    joined: Sequence[tuple[bytes, bytes]]

    def of(self, ids: Sequence[Entity]) -> tuple[bytes, bytes]:
        """Joined for the ids that they were packed for: as they stand where none is repeated, 4 times as fast.

        Nobody else has those bytes: the rows were cut out of them.
        """
        rows, words = self.rows, self.words
        if len(ids) == len(rows):
            return b"".join([numbers for numbers, _ in self.joined]), b"".join([beside for _, beside in self.joined])
        return b"".join(map(rows.__getitem__, ids)), b"".join(map(words.__getitem__, ids)) if words else b""


class Gather:
    """``numbers`` are the keys of the block of numbers, ``others`` of the words beside it; both in reading order."""

    __slots__ = (
        "_cut", "_cut_words", "_grown", "_state", "_tables", "held", "kinds", "others", "packing", "plans", "slots",
    )  # fmt: skip

    def __init__(self, state: State, items: Sequence[Item], plans: dict[str, Plan]) -> None:
        self._state = state
        self.plans = plans
        self.slots: dict[str, Slot] = {item.key: plans[item.view].slot(item.feature) for item in items}
        self.kinds: dict[str, FeatureType] = {key: slot.kind for key, slot in self.slots.items() if is_number(slot)}
        self.others = tuple(key for key in self.slots if key not in self.kinds)
        self.packing = _packing(items, self.slots, plans)
        self._cut: Cut = Struct(f"{WORD * len(self.kinds)}s").iter_unpack
        self._cut_words = Struct(f"{WORD * len(self.others)}s").iter_unpack
        self._tables: tuple[Table, ...] = ()
        self._grown = 0  # rows held since the bytes of all gathers were last looked at
        ttls = [plan.ttl for plan in plans.values() if plan.ttl is not None]
        self.held = RowCache(WORD * len(items), min(ttls, default=None), state.served_bytes)

    # -- now -----------------------------------------------------------------------------------------

    def live(self, ids: Sequence[Entity], now: int, shared: Sharing = ALONE) -> tuple[bytes, bytes]:
        """Numbers and words of many entities at the head; to be called through ``consistently``. 40 ns a held row."""
        if not self.others:
            data = self.known(ids, now)
            return (data, b"") if data is not None else self._fill(ids, now, shared)
        epoch = self.held.epoch
        data = self.known(ids, now)
        if data is not None:
            try:
                words = b"".join(_picked(self.held.words, ids))
                if self.held.epoch == epoch:
                    return data, words
            except KeyError:
                pass  # another reader dropped one meanwhile
        return self._fill(ids, now, shared)

    def known(self, ids: Sequence[Entity], now: int) -> bytes | None:
        """The numbers of many entities where all of them are held; else None. The ids are checked."""
        held = self.held
        epoch = held.epoch
        if not (held.first <= now <= held.last and self._is_attached()):
            return None
        try:
            rows = itemgetter(*ids)(held.rows) if len(ids) > 1 else _picked(held.rows, ids)
        except (KeyError, TypeError):
            return None  # some are not held, or no ids
        return _own(rows) if held.epoch == epoch else None

    def _is_attached(self) -> bool:
        tables = self._state.rows.tables
        for table, view in zip(self._tables, self.plans):
            if tables.get(view) is not table:
                return False
        return bool(self._tables)

    def _attach(self) -> None:
        """Have writes to the tables drop what is held of them. Under the lock."""
        self.detach()
        self._tables = tuple(self._state.rows.tables[view] for view in self.plans)
        for table in self._tables:
            table.copies = (*table.copies, self.held.rows, self.held.words)

    def retire(self) -> None:
        """Hold nothing from now on, also what a read under way would add. Under the lock."""
        self.held.capacity = 0
        self.detach()

    def detach(self) -> None:
        """Hold nothing, and be told of no write."""
        self.held.clear()
        for table in self._tables:
            own = (id(self.held.rows), id(self.held.words))
            table.copies = tuple(copy for copy in table.copies if id(copy) not in own)
        self._tables = ()

    def _fill(self, ids: Sequence[Entity], now: int, shared: Sharing) -> tuple[bytes, bytes]:
        """The same where some rows are not held: they are packed, and held if nothing was written meanwhile."""
        sequence = self._state.fold.sequence
        entities = dict.fromkeys(ids)
        rows, words = self._taken(entities, now)
        missing = [entity for entity in entities if entity not in rows]
        columns = [self._live_column(view, missing, now) for view in self.plans]
        _check_unknown(missing, columns)
        packed = self._packed(missing, columns, now, shared)
        if self.held.capacity:
            self._hold(sequence, now, missing, columns, packed.rows, packed.words)
        if not rows:
            return packed.of(ids)
        rows.update(packed.rows)
        words.update(packed.words)
        return _own(list(map(rows.__getitem__, ids))), b"".join(map(words.__getitem__, ids)) if self.others else b""

    def _live_column(self, view: str, entities: Sequence[Entity], now: int) -> list[Raw]:
        """The raw row of every entity at the head. 0.1 us each, unless something is dated ahead."""
        table, live_row = self._state.rows.tables[view], self._state.live_row
        if table.newest <= now:
            return list(map(table.rows.get, entities))
        return [live_row(view, entity, now) for entity in entities]

    def _taken(self, entities: Iterable[Entity], now: int) -> tuple[dict[Entity, bytes], dict[Entity, bytes]]:
        """What is held of some entities at a clock, numbers and words.

        Without the lock while the clocks stay as they are (``epoch``); a writer that holds it all the time would
        keep a batch waiting for milliseconds.
        """
        held = self.held
        if not self._is_attached():
            return {}, {}
        if held.holds(now):
            epoch = held.epoch
            found = self._copied(entities)
            if held.epoch == epoch and held.holds(now):
                return found
        with self._state.lock:
            held.settle(now)
            return self._copied(entities) if held.holds(now) else ({}, {})

    def _copied(self, entities: Iterable[Entity]) -> tuple[dict[Entity, bytes], dict[Entity, bytes]]:
        rows, words = self.held.rows, self.held.words
        if not self.others:
            return {entity: row for entity in entities if (row := rows.get(entity)) is not None}, {}
        both = [(entity, rows.get(entity), words.get(entity)) for entity in entities]
        whole = [(entity, row, word) for entity, row, word in both if row is not None and word is not None]
        return {entity: row for entity, row, _ in whole}, {entity: word for entity, _, word in whole}

    def _hold(
        self,
        sequence: int,
        now: int,
        entities: Sequence[Entity],
        columns: Sequence[Sequence[Raw]],
        rows: dict[Entity, bytes],
        words: dict[Entity, bytes],
    ) -> None:
        """Keep the rows that last until a write or their expiry: of known entities, with nothing dated ahead."""
        lock, lasting = self._state.lock, self._lasting(entities, columns, now)
        if not lock.acquire(blocking=len(entities) > WAITS):  # a few rows are packed again sooner than a writer is done
            return
        try:
            if self.held.capacity and self._state.fold.sequence == sequence and not sequence & 1:
                if not self._is_attached():
                    self._attach()
                self.held.settle(now)
                self.held.add(lasting, rows, words)
                self._grown += len(lasting.entities)
                if self._grown >= WAITS:
                    self._grown = 0
                    self._state.bound_served(self)
        finally:
            lock.release()

    def _lasting(self, entities: Sequence[Entity], columns: Sequence[Sequence[Raw]], now: int) -> Lasting:
        kept: list[Entity] = []
        ends: list[int] = []
        first, window = ALWAYS, self.packing.window
        ahead = [table for table in map(self._state.rows.tables.__getitem__, self.plans) if table.newest > now]
        if not ahead and len(columns) == 1 and self.packing.parts[0].ttl is None:  # to the next write
            kept = [entity for entity, raw in zip(entities, columns[0]) if raw is not None]
            return Lasting(kept, self._state.rows.tables[next(iter(self.plans))].newest if kept else first, ends)
        for entity, raws in zip(entities, zip(*columns)):
            if raws.count(None) == len(raws) or (ahead and _is_ahead(ahead, entity, now)):
                continue
            begin, end = window(raws, now)
            kept.append(entity)
            ends.append(end)
            if begin > first:
                first = begin
        return Lasting(kept, first, ends)

    # -- then ----------------------------------------------------------------------------------------

    def past(self, ids: Sequence[Entity], offset: int, at: int, shared: Sharing = ALONE) -> tuple[bytes, bytes]:
        """Numbers and words as known at an offset and valid at a time. 2 us a row and view; at the head 0.3 us."""
        entities = list(dict.fromkeys(ids))
        columns = [self._past_column(view, entities, offset, at) for view in self.plans]
        _check_unknown(entities, columns)
        return self._packed(entities, columns, at, shared).of(ids)

    def _past_column(self, view: str, entities: Sequence[Entity], offset: int, at: int) -> list[Raw]:
        """The raw row of every entity."""
        newest = self._state.if_newest(view, offset, at, lambda table: list(map(table.rows.get, entities)))
        if newest is not None:
            return newest
        limit, row, wanted = offset << ROW_BITS | ROW_MASK, self._state.rows.row, self.plans[view].wanted
        return [row(view, entity, limit, at, wanted) for entity in entities]

    # -- both ----------------------------------------------------------------------------------------

    def _packed(
        self, entities: Sequence[Entity], columns: Sequence[Sequence[Raw]], at: int, shared: Sharing
    ) -> Packed:
        """Numbers and words of entities, packed piece by piece."""
        rows: list[bytes] = []
        words: list[bytes] = []
        joined: list[tuple[bytes, bytes]] = []
        for numbers, beside in shared.each(pack, self._tasks(columns, at), len(entities)):
            joined.append((numbers, beside))
            rows += [row for (row,) in self._cut(numbers)] if self.kinds else []
            words += [word for (word,) in self._cut_words(beside)] if self.others else []
            if max(len(rows), len(words)) < len(entities):  # the end is told by who asked
                shared.tell(max(len(rows), len(words)), len(entities))
        if not self.kinds:
            rows = [b""] * len(entities)
        return Packed(dict(zip(entities, rows)), dict(zip(entities, words)), joined)

    def _tasks(self, columns: Sequence[Sequence[Raw]], at: int) -> Iterator[tuple[Packing, list[Sequence[Raw]], int]]:
        for pieces in zip(*map(pieces_of, columns)):
            yield self.packing, list(pieces), at

    def columns(self, words: bytes) -> dict[str, Column]:
        """The other features as columns of cells."""
        if not self.others:
            return {}
        flat, width = memoryview(words).cast("q"), len(self.others)
        return {
            key: Column(self.slots[key].kind, self.slots[key].default, self._cells(self.slots[key], flat[place::width]))
            for place, key in enumerate(self.others)
        }

    def _cells(self, slot: Slot, words: memoryview) -> list[Any]:
        kind, log = slot.kind, self._state.log
        show: Callable[[int], Any] = int
        if kind.coded:
            return _decoded(words.tolist(), log.layouts.pool.values_by_code)
        if kind.heavy:
            show = lambda ref: heavy_cell(kind, log.heavy(ref, slot.place))  # noqa: E731
        return [MISSING if word == ABSENT else None if word == NULL else show(word) for word in words.tolist()]


def _packing(items: Sequence[Item], slots: dict[str, Slot], plans: dict[str, Plan]) -> Packing:
    own = {view: [item.key for item in items if item.view == view] for view in plans}
    parts = tuple(Part.of(plan, [slots[key] for key in own[view]]) for view, plan in plans.items())
    read = [key for keys in own.values() for key in keys]
    orders = []
    for wanted in (True, False):
        group = [key for key in read if is_number(slots[key]) is wanted]
        orders.append(tuple(group.index(item.key) for item in items if is_number(slots[item.key]) is wanted))
    return Packing(parts, *orders)


def _decoded(codes: list[int], values: Sequence[Any]) -> list[Any]:
    """The category of every code: each looked up once. 30 ns a cell."""
    shown: dict[int, Any] = {ABSENT: MISSING, NULL: None}
    shown.update({code: values[code] for code in set(codes) - shown.keys()})
    return list(map(shown.__getitem__, codes))


def _check_unknown(entities: Sequence[Entity], columns: Sequence[Sequence[Raw]]) -> None:
    """Refuse what is no entity id: it cannot be found."""
    if not any(map(all, columns)):  # a row is never empty
        for entity, raws in zip(entities, zip(*columns)):
            if raws.count(None) == len(raws):
                check_entity(entity)


def _picked(held: dict[Entity, bytes], ids: Sequence[Entity]) -> Sequence[bytes]:
    """The bytes of some entities; ``KeyError`` where one has none."""
    return itemgetter(*ids)(held) if len(ids) > 1 else [held[entity] for entity in ids]


def _own(rows: Sequence[bytes]) -> bytes:
    """Rows as bytes that nobody else has: a join of one is that one, and some (PyTorch) write to what they get."""
    return b"".join(rows) if len(rows) != 1 else b"".join((rows[0], b""))


def _is_ahead(tables: Iterable[Table], entity: Entity, now: int) -> bool:
    """Whether a clock has yet to reach a write of an entity."""
    newest = [table.rows.get(entity) for table in tables]
    return any(raw is not None and header_of(raw)[1] > now for raw in newest)
