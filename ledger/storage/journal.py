"""The journal: a log, and the store that keeps its lines."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import accumulate, islice
from time import monotonic
from typing import Any, Final

from ledger.codec import decode_event, encode_event, parse_bodies
from ledger.errors import (
    DamagedLog,
    DefinitionError,
    DigestMismatch,
    HeadMismatch,
    InvalidEvent,
    InvalidInput,
    LineTooLong,
    UnknownVersion,
)
from ledger.event import Event
from ledger.facts.event_pruned import NOTHING_LEFT, EventPruned
from ledger.facts.rows_put import RowsPut
from ledger.facts.single_row import RowPut
from ledger.facts.transaction_committed import TransactionCommitted
from ledger.facts.vouched import Vouching
from ledger.header import (
    Header,
    chain_digest,
    pruned_body,
    read_header,
    seal,
    seal_redacted,
    split,
    split_redacted,
)
from ledger.log import Log
from ledger.settlement import Settlement
from ledger.storage.atomic_file import write_atomically
from ledger.storage.files import FILES, Files
from ledger.storage.jsonl_store import MAX_LINE_BYTES, JsonlStore
from ledger.storage.packed_ahead import Run, runs_ahead, runs_of, unpack
from ledger.storage.pinned_lines import PinnedLines
from ledger.storage.plain_rows import PlainRows, decode_plain_rows
from ledger.storage.sql_store import SqlStore
from ledger.storage.store import Store

MAX_EVENT_BYTES: Final = 64 << 20
WORDED_ROWS: Final = 256


class Journal:
    """Writes a line before the log has the event; reads events back in the same order.

    Without a store it is a log in memory, and lines are rendered only when they are asked for.
    """

    def __init__(
        self, log: Log, store: Store | None = None, *, max_event_bytes: int = MAX_EVENT_BYTES, lazy: bool = False
    ) -> None:
        self.log = log
        self.store = store
        self.files: Files = getattr(store, "files", FILES)  # what snapshots, checkpoints and exports are written by
        if not 0 < max_event_bytes <= MAX_LINE_BYTES - 1024:
            raise InvalidInput("max_event_bytes is at most what a reader takes", max_event_bytes=max_event_bytes)
        self.max_event_bytes = max_event_bytes
        self.lazy = lazy
        self.position = 0  # after the last line that was loaded
        self.lines = 0  # lines of the store read or written, the header included
        self.read_at = monotonic()  # when the store was last read to its end
        self.replaced = False  # the file was rewritten, and memory does not follow: see ``rewrite``
        self._is_cut_short = False  # a load began and did not end: what it left half done is undone by the next
        self.settlement = Settlement(log.chain)
        if store is not None:
            log.reader = partial(self._read_line, store)

    def write(self, event: Event, bound: int | None = None) -> None:
        """Write the event's line, then add it to the log. Whatever raises leaves both without it.

        ``bound`` is a size that the encoded event surely does not exceed; None where nobody knows.
        """
        if self.store is None:
            if bound is None or bound > self.max_event_bytes:
                self._check_size(encode_event(event.offset, event.time, event.fact, event.meta))
            self.log.append(event)
            return
        body = encode_event(event.offset, event.time, event.fact, event.meta)
        self._check_size(body)
        digest = self.log.chain.next(body)
        position, lines = self.store.end, self.lines
        try:
            self.store.append(seal(body, digest), self.log.head)
            self.log.chain.push(digest)  # first: a reader that sees the head asks for its digest
            self.log.append(event, position if self.lazy else None)
            self.lines = lines + 1
        except BaseException:
            if self.store.end > position:
                self._reconcile(event, position, digest)
                self.lines = lines + 1
            else:
                self.log.chain.cut(event.offset - 1)
            raise

    def _reconcile(self, event: Event, position: int, digest: bytes) -> None:
        """An interrupt came between line and log: the line stands, so the event does."""
        if self.log.head < event.offset:
            self.log.repair()
            self.log.append(event, position if self.lazy else None)
        self.log.chain.cut(event.offset - 1)
        self.log.chain.push(digest)

    def _check_size(self, body: bytes) -> None:
        if len(body) > self.max_event_bytes:
            rule = f"one event is at most {self.max_event_bytes} bytes encoded: use load for many rows"
            raise InvalidInput(rule, bytes=len(body))

    # -- reading -----------------------------------------------------------------------------------

    def load(
        self,
        position: int,
        batches: Iterable[tuple[int, list[bytes]]] | None = None,
        take_rows: Callable[[PlainRows], None] | None = None,
        executor: Executor | None = None,
    ) -> Iterator[Event]:
        """Verify, decode and add every complete line from a position on; each event as it is added.

        Runs of single rows go to ``take_rows`` instead, as they are added, where it is given: no events are made of
        them. ``batches`` are those that ``store.read`` gave from that position, where they were read before. Workers
        of an ``executor`` pack such runs ahead of their turn (``ledger.storage.packed_ahead``): same events and errors.

        Checked: the digest chain, offsets, times, known types and versions, every value against its
        feature's type, references. ``position`` then stands after the last line that was added, so that
        a load that was cut short can go on. 8 us for a row of ten floats, of which parsing is 4.
        """
        assert self.store is not None
        self.position = position
        if self._is_cut_short:
            self.log.repair()
            self.log.chain.cut(self.log.head)
        self._is_cut_short = True
        try:
            read = self.store.read(position) if batches is None else batches
            size = getattr(self.store, "size", 0) - position
            for run in runs_of(read) if executor is None else runs_ahead(read, self.log, executor, size):
                yield from self._load_run(run, take_rows)
        except LineTooLong as error:
            raise DamagedLog(error.rule, line=self.lines + 1, offset=self.log.head + 1, **error.values) from error
        self.settlement.finish(self.lines)
        self._is_cut_short = False
        self.read_at = monotonic()

    def _load_run(self, run: Run, take_rows: Callable[[PlainRows], None] | None) -> Iterator[Event]:
        number, log, lines = self.lines + 1, self.log, run.lines
        bodies = log.chain.verify(lines, number)
        redacted = log.chain.redacted
        if not redacted or max(redacted) <= log.head:
            plain = unpack(run.packed, log) if run.packed is not None else None
            plain = plain or decode_plain_rows(bodies, log.head + 1, log.layout_of, log.last_time)
            if plain is not None:
                yield from self._load_plain(plain, lines, take_rows)
                return
        objects = parse_bodies(bodies, log.head + 1, number)
        layout_of, lazy = log.layout_of, self.lazy
        assert self.store is not None
        after = self.store.after
        for place, data in enumerate(objects):
            if len(data) > 1:
                time, fact, meta = decode_event(data, layout_of, number + place)
            else:  # the chain lets only a pruned line through that has nothing but an offset
                time, fact, meta = log.last_time, NOTHING_LEFT, None
            event = Event(log.head + 1, time, fact, meta, log)
            if time < log.last_time:
                rule = "recorded times never go back"
                raise InvalidEvent(rule, line=number + place, offset=event.offset, time=time, before=log.last_time)
            if type(fact) is not RowPut or fact.origin is not None or meta is not None or event.offset in redacted:
                self._check(event, bodies[place], number + place)
                if fact.redaction is not None or isinstance(fact, (EventPruned, Vouching)):
                    self.settlement.note(event, number + place)
            log.append(event, self.position if lazy else None)
            self.lines += 1
            self.position = after(self.position, lines[place])
            yield event

    def _load_plain(
        self, plain: PlainRows, lines: list[bytes], take_rows: Callable[[PlainRows], None] | None
    ) -> Iterator[Event]:
        log, layout = self.log, plain.layout
        assert self.store is not None
        positions = list(accumulate(lines, self.store.after, initial=self.position))
        if take_rows is not None:
            log.append_rows(plain, positions if self.lazy else None)
            self.lines, self.position = self.lines + len(lines), positions[-1]
            take_rows(plain)
            return
        for place, (time, entity, row) in enumerate(zip(plain.times, plain.entities, plain.rows)):
            event = Event(log.head + 1, time, RowPut(layout, entity, row), None, log)
            log.append(event, positions[place] if self.lazy else None)
            self.lines, self.position = self.lines + 1, positions[place + 1]
            yield event

    def _check(self, event: Event, body: bytes, line: int) -> None:
        """Refuse what does not fit the events before it, and other wordings of one stored form.

        A row put that says nothing but its values refers to nothing; it and large batches are not rendered
        again here (3 us a row of ten floats): ``line`` and ``check_wording`` do that.
        """
        log, fact = self.log, event.fact
        try:
            log.registry.check(fact, log)
        except (InvalidInput, UnknownVersion, DefinitionError) as error:
            raise InvalidEvent(f"an event fits those before it: {error}", line=line, offset=event.offset) from error
        large = fact.rows > WORDED_ROWS and isinstance(fact, (RowsPut, TransactionCommitted))
        redacted = log.chain.redacted.get(event.offset)
        if (redacted is None) is not (fact.redaction is None):
            rule = "a redacted event, and only one, has a digest of what is left of it"
            raise InvalidEvent(rule, line=line, offset=event.offset, type=event.type)
        if not large and encode_event(event.offset, event.time, fact, event.meta) != body:
            rule = "a line is worded as this format writes it"
            raise InvalidEvent(rule, line=line, offset=event.offset, type=event.type)

    def _read_line(self, store: Store, position: int, offset: int) -> Any:
        """Body, fact and meta of the line of an event that was left in the file; verified again."""
        body, digest = split(store.line(position), offset + 1, offset)
        body, now = split_redacted(body)
        known = self.log.digest(offset)
        if now is None and body == pruned_body(offset) and digest == known.hex().encode():
            return body, NOTHING_LEFT, None
        wanted = self.log.chain.redacted.get(offset, known) if now is not None else known
        if now is not None and store is not self.store:
            wanted = now  # a fork reads on in a file that was replaced: what stood there then was vouched for
        found = chain_digest(*self.log.chain.before(offset), body)
        if digest != known.hex().encode() or found != wanted or now not in (None, wanted):
            rule = "a line keeps the digest that it had when the file was opened"
            raise DigestMismatch(rule, line=offset + 1, offset=offset)
        data = parse_bodies([body], offset, offset + 1)[0]
        _, fact, meta = decode_event(data, self.log.layout_of, offset + 1)
        return body, fact, meta

    # -- rewriting what is there ---------------------------------------------------------------------

    def rewrite(self, events: Sequence[Event], vouch: Callable[[dict[int, bytes]], Event]) -> Event:
        """Put what is left of some events in their places, then add the event that vouches for them: all or nothing.

        ``vouch`` makes it of the new digests, by offset. The file is written anew beside the old one and takes its
        place by a rename (its whole length is copied), so a crash leaves the one or the other. An error after that
        rename leaves memory behind the file: ``replaced`` is then True, and nothing must be written any more.
        """
        log = self.log
        log.digest(log.head)  # in memory: while the events are still what their digests bind
        bodies = {event.offset: encode_event(event.offset, event.time, event.fact, event.meta) for event in events}
        now = {
            event.offset: log.chain.now(event.offset, bodies[event.offset])
            for event in events
            if not isinstance(event.fact, EventPruned)
        }
        last = vouch(now)
        body = encode_event(last.offset, last.time, last.fact, last.meta)
        self._check_size(body)
        digest = log.chain.next(body)
        self.replaced = False
        positions: array[int] | None = None
        if self.store is not None:
            lines = {
                at: seal_redacted(body, now[at], log.digest(at)) if at in now else seal(body, log.digest(at))
                for at, body in bodies.items()
            }
            positions = self._write_anew(lines, seal(body, digest))
        self.replaced = True
        for event in events:
            log.chain.redacted.pop(event.offset, None)
        log.chain.redacted.update(now)
        log.rewrite(events, positions)
        log.chain.push(digest)
        log.append(last, positions[-1] if positions is not None and self.lazy else None)
        self.replaced = False
        return last

    def _write_anew(self, lines: dict[int, bytes], last: bytes) -> array[int]:
        """The file with other lines at some offsets and one more at its end; the position of every line."""
        store = self.store
        if isinstance(store, SqlStore):
            store.rewrite(lines, last)
            self.lines += 1
            return array("q", range(1, store.end))
        if not isinstance(store, JsonlStore):
            raise InvalidInput("only a ledger in a file or a table can be rewritten", store=type(store).__name__)
        store.check_writable()
        store.check_in_place()
        positions = array("q")
        try:
            anew = self._lines_anew(store, lines, last, positions)
            size = write_atomically(store.path, anew, store.path, self.files)
            self.replaced = True
            fresh = store.reopened(size)
        except BaseException:
            self.replaced = store.may_be_replaced()  # else the next line would go into a file that nobody finds
            raise
        self.store = fresh
        self.lines += 1
        self.position = fresh.end
        self.log.reader = partial(self._read_line, fresh)
        return positions

    def _lines_anew(
        self, store: JsonlStore, lines: dict[int, bytes], last: bytes, positions: array[int]
    ) -> Iterator[bytes]:
        offset = position = 0
        for _, batch in store.read(0):
            for raw in batch:
                if offset > self.log.head:
                    break
                line = lines.get(offset, raw)
                if offset:
                    positions.append(position)
                yield line
                position += len(line)
                offset += 1
        positions.append(position)
        yield last

    # -- the whole -----------------------------------------------------------------------------------

    def line(self, offset: int, pinned: PinnedLines | None = None) -> bytes:
        """The line of an event, digest and newline included; offset 0 is the header's. ``pinned``: as it was then."""
        if offset == 0:
            return self.log.header.line()
        held, redacted = (self.log, self.log.chain.redacted) if pinned is None else (pinned, pinned.redacted)
        body, digest = held.body(offset), self.log.digest(offset)
        if body == pruned_body(offset):
            return seal(body, digest)
        now = redacted.get(offset)
        if chain_digest(*self.log.chain.before(offset), body) != (now or digest):
            rule = "a line is worded as this format writes it: it cannot be written again with its own digest"
            raise InvalidEvent(rule, line=offset + 1, offset=offset)
        return seal(body, digest) if now is None else seal_redacted(body, now, digest)

    def pinned(self) -> PinnedLines:
        """The lines as they are now; see ``PinnedLines`` for who calls it, and when."""
        return PinnedLines(self.log)

    def check_wording(self) -> None:
        """Refuse a log with a line that this format would write in other words; renders every line."""
        for offset in range(1, self.log.head + 1):
            self.line(offset)

    def snapshot(
        self, path: str | os.PathLike[str], stop: int | None = None, pinned: PinnedLines | None = None
    ) -> int:
        """Write the log up to an offset as a file, whole or not at all; the bytes written.

        ``pinned`` are its lines where others may erase meanwhile: half of them before it and half after is no ledger.
        """
        own = getattr(self.store, "path", None)
        if own is not None and os.path.exists(path) and os.path.samefile(own, path):
            raise InvalidInput("a snapshot does not replace the file that is written to", path=os.fspath(path))
        head = stop if stop is not None else self.log.head if pinned is None else pinned.head
        parent = self.log.header.parent
        if parent is not None and head < parent.offset:
            rule = "a snapshot of a fork holds all of its parent's events"
            raise InvalidInput(rule, head=head, parent_offset=parent.offset)
        if self.log.pruned > self.log.registry.compacted:
            rule = "a file holds the compaction that its lines are without: fork from after it"
            raise InvalidInput(rule, head=head, below=self.log.pruned)
        return write_atomically(path, (self.line(offset, pinned) for offset in range(head + 1)), files=self.files)

    def check_expected(self, expect: int | tuple[int, str] | None) -> None:
        """Refuse a log that ends elsewhere than expected: an offset, or an offset and its digest."""
        if expect is None:
            return
        offset, digest = (expect, None) if isinstance(expect, int) else expect
        head = self.log.head
        if head < offset or (digest is not None and self.log.digest(offset).hex() != digest):
            found = self.log.digest(min(head, offset)).hex()
            raise HeadMismatch(
                "the log holds the expected head", expected=expect, head=head, digest=found, line=head + 1
            )


def read_first_line(store: Store) -> tuple[Header | None, int]:
    """The header of a store and the position after it; None when the store has no complete line."""
    try:
        for position, lines in islice(store.read(0), 1):
            return read_header(lines[0]), store.after(position, lines[0])
    except LineTooLong as error:
        raise DamagedLog(error.rule, line=1, offset=0, **error.values) from error
    return None, 0
