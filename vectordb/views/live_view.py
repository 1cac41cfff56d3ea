"""A view that also takes writes: what ``db.view(name)`` gives on a live database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import (
    ROW_BITS,
    Entity,
    EntityDeleted,
    Fact,
    Instant,
    InvalidInput,
    Layout,
    RowPut,
    RowsPut,
    build_block,
    check_entity,
    to_micros,
)
from vectordb.batches.batch import batch_bound, check_batch, check_columns, is_sized, raw_batch
from vectordb.call_arguments import said_time
from vectordb.interop import given_chunks, given_column, given_columns, is_table
from vectordb.receipt import Receipt
from vectordb.views.view import View
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
        self._live = reader

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
        history and overwrites nothing newer. ``derived_from`` are ids of versions or predictions that it was made of,
        ``transformation`` names by what. ``expected_offset`` refuses unless it is the entity's last (0: must not
        exist), ``expected_head`` unless it is the log's. A second call with the same ``idempotency_key`` and arguments
        gives the first receipt. ``nan="null"`` writes NaN as null instead of refusing it.

        Raises ``InvalidCells`` (naming each cell), ``InvalidEntity``, ``InvalidTime``, ``UnknownVersion``,
        ``OffsetConflict``, ``HeadConflict``, ``IdempotencyConflict``. 6 us for ten features in memory.
        """
        if type(entity) is not str or not entity.isascii() or not entity:
            entity = check_entity(entity)
        db = self._live
        state, writer = db.state, db.writer
        with state.lock:
            layout = state.log.registry.layouts.newest(self.name)
            origin = made = None
            if derived_from or transformation is not None or idempotency_key is not None:
                arguments = ["put", self.name, entity, values, said_time(event_time)]
                origin = make_origin(writer, derived_from, transformation, idempotency_key, arguments)
                replayed = writer.replayed(origin)
                if replayed is not None:
                    return replayed
            try:
                cells = layout.encode(values) if nan == "refuse" else _encode_nan(layout, values, entity, nan)
            except InvalidInput:
                if nan != "refuse":
                    raise
                cells = layout.encode_slowly(values, entity)  # raises again, naming the entity
            given = None if event_time is None else to_micros(event_time)
            if expected_head is not None or expected_offset is not None:
                state.log.check_head(expected_head)
                writer.check_offset(self.name, entity, expected_offset)
            if meta:
                made = make_meta(**meta)

            def row_put(offset: int, time: int) -> Fact:
                row = layout.pack(offset << ROW_BITS, time if given is None else given, cells)
                return RowPut(layout, entity, row, origin)

            bound = None
            if origin is None and made is None and not isinstance(entity, tuple):
                bound = layout.bound + (6 * len(entity) if isinstance(entity, str) else len(str(entity)))
            return writer.commit(row_put, made, bound)

    def delete(
        self,
        entity: Entity,
        *,
        event_time: Instant | None = None,
        expected_offset: int | None = None,
        expected_head: int | None = None,
        idempotency_key: str | None = None,
        **meta: Any,
    ) -> Receipt:
        """Write a tombstone: every feature is gone from ``event_time`` (default: now) on.

        A late put dated before it stays hidden, a newer one revives what it carries, and reads ``at`` an
        earlier time still see the values. An unknown entity may be deleted: late rows may still come. The
        options are those of ``put``. Raises ``InvalidEntity``, ``InvalidTime``, ``OffsetConflict``, ``HeadConflict``,
        ``IdempotencyConflict``.
        """
        entity = check_entity(entity)
        db = self._live
        writer = db.writer
        with db.state.lock:
            layout = db.state.log.layouts.newest(self.name)
            arguments = ["delete", self.name, entity, said_time(event_time)]
            origin = make_origin(writer, (), None, idempotency_key, arguments)
            replayed = writer.replayed(origin)
            if replayed is not None:
                return replayed
            given = None if event_time is None else to_micros(event_time)
            db.state.log.check_head(expected_head)
            writer.check_offset(self.name, entity, expected_offset)

            def deleted(offset: int, time: int) -> Fact:
                row = layout.tombstone(offset << ROW_BITS, time if given is None else given)
                return EntityDeleted(layout, entity, row, origin)

            return writer.commit(deleted, make_meta(**meta))

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
        be lists, arrays, memoryviews, NumPy or Arrow arrays; a table may come through Arrow's protocol
        (pyarrow, pandas, Polars, DuckDB, ...) or as a record array. An absent column or a ``MISSING`` cell is not
        written; None is null. ``event_time`` is one for all, or one a row. A bad row refuses the batch,
        or with ``on_error="reject"`` is left out, returned and recorded. The other options are those of ``put``. Raises
        ``InvalidCells`` (naming the first ten), ``InvalidInput`` for columns that are none, and what ``put`` raises.
        About 1 us a row of ten floats.
        """
        _check_option("on_error", on_error, ("refuse", "reject"))
        _check_option("nan", nan, ("refuse", "null"))
        db = self._live
        with db.state.lock:
            layout = db.state.log.layouts.newest(self.name)
            raw = raw_batch(layout, self.definition.entity, rows, event_time)
            arguments = ["put_many", self.name, raw.entities, raw.columns, said_time(raw.event_time), on_error, nan]
            origin = make_origin(db.writer, derived_from, transformation, idempotency_key, arguments)
            replayed = db.writer.replayed(origin)
            if replayed is not None:
                return replayed
            batch = check_batch(layout, raw, nan, on_error)
            if not batch.entities and not batch.rejected:
                raise InvalidInput("a batch has at least one row", view=self.name)
            db.state.log.check_head(expected_head)

            def rows_put(offset: int, time: int) -> Fact:
                times = time if batch.event_times is None else batch.event_times
                block = build_block(layout, batch.entities, batch.columns, offset << ROW_BITS, times)
                return RowsPut(block, origin, batch.rejected)

            plain = origin is None and not meta and not batch.rejected
            return db.writer.commit(rows_put, make_meta(**meta), batch_bound(layout, batch) if plain else None)

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
        ``progress(done, rows)`` is called after each event (``rows`` is None for an iterable without a
        length). A refusal stops the load; the chunks before it stand. Raises ``InvalidInput`` for a chunk
        below one row, rows of neither form, and ``idempotency_key`` or ``expected_head``: these belong to one event.
        """
        if not isinstance(chunk_rows, int) or chunk_rows < 1:
            raise InvalidInput("a chunk has at least one row", chunk_rows=chunk_rows)
        single = sorted({"idempotency_key", "expected_head"}.intersection(options))
        if single:
            raise InvalidInput("load writes many events: these options belong to one (put_many)", options=single)
        if isinstance(rows, Mapping):
            rows = given_columns(rows) or {}
            _check_even(rows)
        elif not is_table(rows) and not isinstance(rows, Iterable):
            raise InvalidInput("load takes columns, or an iterable of rows", type=type(rows).__name__)
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


def _check_option(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidInput(f"{name} is one of {known}", value=value)


def _check_even(columns: Mapping[str, Sequence[Any]]) -> None:
    """Refuse what the last chunk would be refused for before the first one is written."""
    check_columns(columns)
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise InvalidInput("columns are as long as the entities", columns=sizes)


def _total(rows: Any) -> int | None:
    if isinstance(rows, Mapping):
        return max((len(column) for column in rows.values()), default=0)
    return len(rows) if hasattr(rows, "__len__") else None


def _chunks(rows: Any, size: int, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    times = given_column(options.pop("event_time", None))
    sliced = times is not None and not isinstance(times, str) and is_sized(times)
    if isinstance(rows, Mapping):
        for start in range(0, _total(rows) or 0, size):
            chunk = {name: column[start : start + size] for name, column in rows.items()}
            yield {"rows": chunk, "event_time": times[start : start + size] if sliced else times, **options}
        return
    start = 0
    if is_table(rows):
        for chunk, count in given_chunks(rows, size):
            yield {"rows": chunk, "event_time": times[start : start + count] if sliced else times, **options}
            start += count
        return
    iterator = iter(rows)
    while items := list(islice(iterator, size)):
        yield {"rows": items, "event_time": times[start : start + size] if sliced else times, **options}
        start += len(items)
