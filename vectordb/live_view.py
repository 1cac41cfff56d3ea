"""A view that also takes writes: what ``db.view(name)`` gives on a live database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import (
    MISSING,
    ROW_BITS,
    Entity,
    EntityDeleted,
    Fact,
    Instant,
    InvalidCells,
    InvalidInput,
    Layout,
    Meta,
    Origin,
    RowPut,
    RowsPut,
    build_block,
    check_entity,
    entity_to_json,
    to_micros,
)
from vectordb.batch import Batch, batch_weight, check_batch, raw_batch
from vectordb.receipt import Receipt
from vectordb.view import View
from vectordb.writer import make_meta, make_origin

if TYPE_CHECKING:
    from vectordb.database import VectorDB

CHUNK_ROWS = 50_000
Progress = Callable[[int, "int | None"], None]


class Loaded(NamedTuple):
    """What ``load`` wrote: rows, the first and last offset (0 when nothing), rows left out."""

    rows: int
    first: int
    last: int
    rejected: int


class LiveView(View):
    """A view of a live database: every read of ``View``, and the writes.

    All writes return one ``Receipt``, are all or nothing, and take ``actor``, ``correlation``,
    ``causation`` and ``tags``, which the event keeps as given.
    """

    def __init__(self, reader: VectorDB, name: str) -> None:
        super().__init__(reader, name)
        self._writer = reader.writer
        self._layouts = reader.state.log.layouts
        self._lock = reader.state.lock

    def put(
        self,
        entity: Entity,
        values: Mapping[str, Any],
        *,
        event_time: Instant | None = None,
        derived_from: str | Iterable[str] = (),
        transformation: str | None = None,
        expected_offset: int | None = None,
        expected_head: int | None = None,
        idempotency_key: str | None = None,
        nan: str = "refuse",
        **meta: Any,
    ) -> Receipt:
        """Write some or all features of one entity; the others keep their values.

        ``event_time`` (default: now) is when it was true; an earlier one than what is there enters the
        history and overwrites nothing newer. ``expected_offset`` refuses unless it is the entity's last
        (0: must not exist). A second call with the same ``idempotency_key`` and arguments gives the first
        receipt. 4 us for ten features in memory.
        """
        if type(entity) is not str or not entity.isascii() or not entity:
            entity = check_entity(entity)
        with self._lock:
            layout = self._layouts.newest(self.name)
            try:
                cells = layout.encode(values) if nan == "refuse" else _encode_nan(layout, values, entity, nan)
            except InvalidCells:
                cells = layout.encode_slowly(values, entity, nan)  # raises again, naming the entity
            given = None if event_time is None else to_micros(event_time)
            origin = made = None
            if derived_from or transformation is not None or idempotency_key is not None:
                origin = make_origin(
                    self._writer,
                    derived_from,
                    transformation,
                    idempotency_key,
                    lambda: ["put", *_said(layout, entity, cells, given)],
                )
                replayed = self._writer.replayed(origin)
                if replayed is not None:
                    return replayed
            if expected_head is not None or expected_offset is not None:
                self._state.log.check_head(expected_head)
                self._writer.check_offset(self.name, entity, expected_offset)
            if meta:
                made = make_meta(**meta)

            def row_put(offset: int, time: int) -> Fact:
                row = layout.pack(offset << ROW_BITS, time if given is None else given, cells)
                return RowPut(layout, entity, row, origin)

            return self._writer.commit(row_put, made, _weight(layout, cells) if layout.heavy else 0)

    def delete(
        self,
        entity: Entity,
        *,
        event_time: Instant | None = None,
        expected_offset: int | None = None,
        idempotency_key: str | None = None,
        **meta: Any,
    ) -> Receipt:
        """Write a tombstone: every feature is gone from ``event_time`` (default: now) on.

        A late put dated before it stays hidden, a newer one revives what it carries, and reads ``at`` an
        earlier time still see the values. An unknown entity may be deleted: late rows may still come.
        """
        entity = check_entity(entity)
        with self._lock:
            layout = self._layouts.newest(self.name)
            given = None if event_time is None else to_micros(event_time)
            said = ["delete", self.name, entity_to_json(entity), given]
            origin = make_origin(self._writer, (), None, idempotency_key, lambda: said)
            replayed = self._writer.replayed(origin)
            if replayed is not None:
                return replayed
            self._writer.check_offset(self.name, entity, expected_offset)

            def deleted(offset: int, time: int) -> Fact:
                row = layout.tombstone(offset << ROW_BITS, time if given is None else given)
                return EntityDeleted(layout, entity, row, origin)

            return self._writer.commit(deleted, make_meta(**meta))

    def put_many(
        self,
        rows: Mapping[str, Any] | Iterable[Mapping[str, Any]],
        *,
        event_time: Any = None,
        on_error: str = "refuse",
        derived_from: str | Iterable[str] = (),
        transformation: str | None = None,
        expected_head: int | None = None,
        idempotency_key: str | None = None,
        nan: str = "refuse",
        **meta: Any,
    ) -> Receipt:
        """Write a batch of rows in one atomic event.

        ``rows`` are columns, ``{"driver": ids, "trips": [...]}``, or an iterable of mappings; columns may
        be lists, arrays, memoryviews or NumPy arrays. An absent column or a ``MISSING`` cell is not
        written; None is null. ``event_time`` is one for all, or one a row. A bad row refuses the batch,
        or with ``on_error="reject"`` is left out, returned and recorded. About 1 us a row of ten floats.
        """
        _check_option("on_error", on_error, ("refuse", "reject"))
        _check_option("nan", nan, ("refuse", "null"))
        with self._lock:
            layout = self._layouts.newest(self.name)
            raw = raw_batch(layout, self.definition.entity, rows, event_time)
            batch = check_batch(layout, raw, nan, on_error)
            if not batch.entities and not batch.rejected:
                raise InvalidInput("a batch has at least one row", view=self.name)
            origin = self._batch_origin(layout, batch, derived_from, transformation, idempotency_key)
            replayed = self._writer.replayed(origin)
            if replayed is not None:
                return replayed
            self._state.log.check_head(expected_head)
            return self._commit_batch(layout, batch, origin, make_meta(**meta))

    def _batch_origin(
        self, layout: Layout, batch: Batch, derived_from: Any, transformation: str | None, key: str | None
    ) -> Origin | None:
        def said() -> Any:
            times = batch.event_times
            block = build_block(layout, batch.entities, batch.columns, 0, 0 if times is None else times)
            return ["put_many", RowsPut(block).to_json(0), times is None]

        return make_origin(self._writer, derived_from, transformation, key, said)

    def _commit_batch(self, layout: Layout, batch: Batch, origin: Origin | None, meta: Meta | None) -> Receipt:
        def rows_put(offset: int, time: int) -> Fact:
            times = time if batch.event_times is None else batch.event_times
            block = build_block(layout, batch.entities, batch.columns, offset << ROW_BITS, times)
            return RowsPut(block, origin, batch.rejected)

        return self._writer.commit(rows_put, meta, batch_weight(layout, batch))

    def load(
        self,
        rows: Mapping[str, Sequence[Any]] | Iterable[Mapping[str, Any]],
        *,
        chunk_rows: int = CHUNK_ROWS,
        progress: Progress | None = None,
        **options: Any,
    ) -> Loaded:
        """Write any number of rows as many atomic events of at most ``chunk_rows`` rows.

        ``rows`` and ``options`` are those of ``put_many``; an iterable is consumed chunk by chunk.
        ``progress(rows_done, rows_total)`` is called after each event (the total is None for an iterable
        without a length). A refusal stops the load; the chunks before it stand.
        """
        if chunk_rows < 1:
            raise InvalidInput("a chunk has at least one row", chunk_rows=chunk_rows)
        written, rejected, first, last = 0, 0, 0, 0
        total = _total(rows)
        for chunk in _chunks(rows, chunk_rows, options):
            receipt = self.put_many(**chunk)
            written += receipt.event.rows
            rejected += len({item.row for item in receipt.rejected})
            first, last = first or receipt.offset, receipt.offset
            if progress is not None:
                progress(written + rejected, total)
        return Loaded(written, first, last, rejected)


def _encode_nan(layout: Layout, values: Mapping[str, Any], entity: Entity, nan: str) -> Any:
    _check_option("nan", nan, ("refuse", "null"))
    return layout.encode_slowly(values, entity, nan)


def _said(layout: Layout, entity: Entity, cells: Sequence[Any], event_time: int | None) -> list[Any]:
    """What a put says, by names, for the comparison with a retry."""
    values = {
        name: None if cell is None else kind.to_json(cell)
        for name, kind, cell in zip(layout.names, layout.types, cells, strict=True)
        if cell is not MISSING
    }
    return [layout.view, entity_to_json(entity), values, event_time]


def _weight(layout: Layout, cells: Sequence[Any]) -> int:
    """About how many bytes the heavy cells of an event have, encoded."""
    return sum(2 * len(cells[place]) for place in layout.heavy if isinstance(cells[place], (str, bytes)))  # ints


def _check_option(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidInput(f"{name} is one of {known}", value=value)


def _total(rows: Any) -> int | None:
    if isinstance(rows, Mapping):
        return max((len(column) for column in rows.values()), default=0)
    return len(rows) if hasattr(rows, "__len__") else None


def _chunks(rows: Any, size: int, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    times = options.pop("event_time", None)
    sliced = times is not None and not isinstance(times, str) and hasattr(times, "__len__")
    if isinstance(rows, Mapping):
        for start in range(0, _total(rows) or 0, size):
            chunk = {name: column[start : start + size] for name, column in rows.items()}
            yield {"rows": chunk, "event_time": times[start : start + size] if sliced else times, **options}
        return
    iterator, start = iter(rows), 0
    while items := list(islice(iterator, size)):
        yield {"rows": items, "event_time": times[start : start + size] if sliced else times, **options}
        start += len(items)
