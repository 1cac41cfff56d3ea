"""Opening: from a file or events to a state, by the one replay loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from ledger import (
    FILES,
    PRUNED,
    Clock,
    DamagedLog,
    DigestMismatch,
    Event,
    EventPruned,
    Fact,
    Files,
    Header,
    HeadMismatch,
    InvalidEvent,
    Journal,
    JsonlStore,
    Log,
    LogCompacted,
    OffsetOutOfRange,
    ReadOnlyLedger,
    Store,
    check_kept,
    check_torn_header,
    decode_event,
    encode_event,
    new_header,
    parse_bodies,
    read_first_line,
    read_header,
    remove_leftovers,
    write_atomically,
)
from projections import Projection, load_checkpoint
from vectordb.audit.kit_reading import is_kit, replay_kit
from vectordb.state import SERVED_BYTES, State

Expect = int | tuple[int, str] | None
S = TypeVar("S", bound=Store)


class OpenReport(NamedTuple):
    """What opening found.

    ``torn_bytes`` of a torn last line, ``torn_line``, were cut off (or left, when read-only); with ``recover=True``
    ``damage`` is what was wrong, and ``kept`` the path of the original file; the events up to ``checkpoint`` came from
    the checkpoint, 0 where it was not used.
    """

    torn_bytes: int = 0
    torn_line: int = 0
    damage: str = ""
    kept: str = ""
    checkpoint: int = 0


class Options(NamedTuple):
    """How a ledger file is opened."""

    clock: Clock
    fsync: str = "never"
    read_only: bool = False
    lazy: bool = False
    seed: int | None = None
    max_event_bytes: int = 64 << 20
    checkpoint: str | os.PathLike[str] | None = None
    auto_index: bool = True
    served_bytes: int = SERVED_BYTES
    files: Files = FILES
    executor: Executor | None = None


def open_state(
    path: str | os.PathLike[str], options: Options, projections: Sequence[Projection], expect: Expect, recover: bool
) -> tuple[State, OpenReport]:
    """Replay a ledger file (created when it is not there) into a state that appends to it.

    A writer removes what a killed erasure or compaction left beside it, and with a policy other than never syncs what
    it read: a line that a killed process had not synced yet is an event from now on.
    """
    store = JsonlStore(path, fsync=options.fsync, read_only=options.read_only, files=options.files)
    try:
        if store.writable:
            remove_leftovers(store.path, store.files)
        try:
            return _load(store, options, projections, expect)
        except DamagedLog as error:
            if not recover or "line" not in error.values or options.read_only or isinstance(error, HeadMismatch):
                raise
            kept = _keep_valid_prefix(store, int(error.values["line"]), error)
            damage = str(error)
        damaged, store = store, store.reopened()
        damaged.close()
        try:
            state, report = _load(store, options, projections, expect)
        except DigestMismatch:
            store.files.replace(kept, store.path)  # what was before the damage is no ledger by itself
            raise
        return state, report._replace(damage=damage, kept=kept)
    except BaseException:
        store.close()
        raise


def _load(
    store: JsonlStore, options: Options, projections: Sequence[Projection], expect: Expect
) -> tuple[State, OpenReport]:
    was_there = store.size > 0
    loaded = load_state(store, options, projections, expect, _create)
    if store.writable and options.fsync != "never" and was_there:
        store.sync()
        store.files.sync_folder(store.path)
    return loaded


def load_state(
    store: S,
    options: Options,
    projections: Sequence[Projection],
    expect: Expect,
    create: Callable[[S, Options], tuple[Header, int]],
) -> tuple[State, OpenReport]:
    """Replay the lines of a store; where there are none, ``create`` makes the header and tells the position after."""
    header, position = read_first_line(store)
    report = OpenReport()
    if header is None:
        torn = len(store.tail())
        report = OpenReport(torn_bytes=torn, torn_line=1 if torn else 0)
        header, position = create(store, options)
    log = Log(header)
    journal = Journal(log, store, max_event_bytes=options.max_event_bytes, lazy=options.lazy)
    journal.lines = 1
    state = State(journal, options.clock, projections, options.auto_index, options.served_bytes)
    used = _fold(state, position, options)
    check_ancestry(log)
    store.end = max(store.end, position)
    journal.check_expected(expect)  # first: a torn tail may be what is left of the event that is missed
    tail = cut_torn_tail(store, journal.lines + 1)
    return state, (tail if tail.torn_bytes else report)._replace(checkpoint=used)


def _fold(state: State, position: int, options: Options) -> int:
    """Read and fold the events from a position on; those that a checkpoint covers are not folded. Its offset."""
    path, journal = options.checkpoint, state.journal
    used = 0 if path is None else load_checkpoint(path, state.fold, journal, position)
    if not used:
        state.fold.run(journal.load(position, take_rows=state.fold.taker(), executor=options.executor))
    return used


def _create(store: JsonlStore, options: Options) -> tuple[Header, int]:
    """A new ledger: in an empty file, or over a header that a crash cut short."""
    tail = store.tail()
    check_torn_header(tail, store.path)
    if options.read_only:
        raise ReadOnlyLedger("a ledger opened read_only is there", path=store.path, bytes=len(tail))
    header = new_header(options.clock(), options.seed)
    store.truncate(0)
    line = header.line()
    store.append(line)
    if options.fsync != "never":
        store.files.sync_folder(store.path)
    return header, len(line)


def cut_torn_tail(store: Store, line: int) -> OpenReport:
    """Cut off what a crash left of a write, where the store takes writes; what was found."""
    torn = len(store.tail())
    if torn and store.writable:
        store.truncate(store.end)
    return OpenReport(torn_bytes=torn, torn_line=line if torn else 0)


def _keep_valid_prefix(store: JsonlStore, line: int, error: DamagedLog) -> str:
    """Leave the damaged file beside, untouched, and write its valid lines to the path; the lock is held meanwhile."""
    path = store.path
    if line <= _parent_offset(path) + 1:
        raise error  # without its header or its parent's events there is no valid prefix
    number = 1
    while os.path.exists(kept := f"{path}.damaged-{number}"):
        number += 1
    with open(path, "rb") as file:
        write_atomically(kept, iter(lambda: file.read(1 << 20), b""), path, store.files)
        file.seek(0)
        write_atomically(path, islice(file, line - 1), path, store.files)
    return kept


def _parent_offset(path: str) -> int:
    """How many lines after the header must be there: those of the parent of a fork."""
    with open(path, "rb") as file:
        header = read_header(file.readline())
    return header.parent.offset if header.parent else 0


def check_ancestry(log: Log) -> None:
    """A fork's ledger begins with all of its parent's events."""
    parent = log.header.parent
    if parent is not None and log.head < parent.offset:
        rule = "a fork's ledger begins with all of its parent's events"
        raise DamagedLog(rule, line=log.head + 2, offset=log.head + 1, expected=parent.offset)
    if parent is not None and log.digest(parent.offset).hex() != parent.digest:
        raise DamagedLog("a fork's header binds its parent's last digest", line=1, offset=parent.offset)


# -- replays into memory -------------------------------------------------------------------------------


def replay_path(
    path: str | os.PathLike[str],
    as_of: int | None,
    clock: Clock,
    projections: Sequence[Projection],
    executor: Executor | None = None,
) -> tuple[State, OpenReport]:
    """A state in memory from a ledger file (or a reproduction kit), whole or up to an offset."""
    _check_offset(as_of)
    if is_kit(path):
        return replay_kit(path, as_of, clock, projections), OpenReport()
    store = JsonlStore(path, read_only=True)
    try:
        header, position = read_first_line(store)
        if header is None:
            check_torn_header(store.tail(), store.path)
            raise DamagedLog("the first line of a ledger is its header", path=store.path, line=1, offset=0)
        log = Log(header)
        reading = Journal(log, store)
        reading.lines = 1
        state = State(Journal(log), clock, projections)
        stop = float("inf") if as_of is None else as_of
        take_rows = state.fold.taker() if as_of is None else None  # a run may go on beyond an offset
        events = reading.load(position, take_rows=take_rows, executor=executor) if stop > 0 else iter(())
        for event in events:
            state.fold.apply(event)
            if event.offset >= stop:
                break
        _check_reached(log, as_of)
        if as_of is not None and reading.settlement.is_open:
            log.registry.below = _settle(header, store, position)
            check_kept(log, as_of)
            state.rows.set_floor()
        if as_of is None:
            check_ancestry(log)
            store.end = max(store.end, position)
            return state, cut_torn_tail(store, reading.lines + 1)
        return state, OpenReport()
    finally:
        store.close()


def _settle(header: Header, store: JsonlStore, position: int) -> int:
    """Read a file to its end: what was rewritten before an offset is vouched for by what comes after it.

    The lowest offset that can be read as of.
    """
    rest = Journal(Log(header), store)
    rest.lines = 1
    for _ in rest.load(position):
        pass
    return rest.log.pruned


def replay_events(events: Iterable[Event], as_of: int | None, clock: Clock, projections: Sequence[Projection]) -> State:
    """A state in memory from events: of another database (same header then), or made by hand."""
    _check_offset(as_of)
    header = getattr(events, "header", None) or new_header(clock())
    log = Log(header)
    state = State(Journal(log), clock, projections)
    rest, pruned = iter(events), 0
    while (as_of is None or log.head < as_of) and (event := next(rest, None)) is not None:
        if event.offset != log.head + 1 or event.time < log.last_time:
            rule = "replayed events start at offset 1, leave no gap, and never go back in time"
            raise InvalidEvent(rule, offset=event.offset, expected=log.head + 1, time=event.time)
        own = _as_own(event, log)
        log.append(own)
        if own.fact.redaction is not None or isinstance(own.fact, EventPruned):
            _take_digests(event, log)
            pruned = own.offset if _is_pruned(own.fact) else pruned
        state.fold.apply(own)
    _check_reached(log, as_of)
    if pruned and pruned >= log.pruned:
        _keep_promise(log, pruned, rest)
        state.rows.set_floor()
    return state


def _is_pruned(fact: Fact) -> bool:
    return isinstance(fact, EventPruned) or any(gap.why == PRUNED for gap in getattr(fact, "gaps", ()))


def _keep_promise(log: Log, pruned: int, rest: Iterable[Event]) -> None:
    """Take the bound of the compaction that pruned an event from the events that come after those replayed."""
    below = max((event.fact.below for event in rest if isinstance(event.fact, LogCompacted)), default=0)
    if below <= pruned:
        rule = "an event of the log says what became of a line that was rewritten"
        raise InvalidEvent(rule, offset=pruned)
    log.registry.below = below
    check_kept(log, log.head)


def _take_digests(event: Event, log: Log) -> None:
    """What an event was before it was redacted is known from its digest alone."""
    offset, chain = event.offset, log.chain
    chain.digest(offset - 1)
    chain.push(bytes.fromhex(event.digest))
    if event.fact.redaction is not None:
        chain.redacted[offset] = chain.now(offset, log.body(offset))


def _as_own(event: Event, log: Log) -> Event:
    """The same event through its stored form, packed by this log's own layouts."""
    if isinstance(event.fact, EventPruned):
        return Event(event.offset, event.time, event.fact, None, log)
    body = encode_event(event.offset, event.time, event.fact, event.meta)
    time, fact, meta = decode_event(parse_bodies([body], event.offset, 0)[0], log.layouts.__getitem__, event.offset + 1)
    return Event(event.offset, time, fact, meta, log)


def _check_offset(as_of: Any) -> None:
    if as_of is not None and type(as_of) is not int:
        hint = "of a time or a mark, replay the whole log and ask its as_of(time=...) or as_of(mark=...)"
        raise OffsetOutOfRange(f"as_of is an offset of the log: {hint}", offset=as_of)


def _check_reached(log: Log, as_of: int | None) -> None:
    if as_of is not None and (as_of < 0 or log.head != as_of):
        raise OffsetOutOfRange("as_of is an offset of the log", offset=as_of, first=0, last=log.head)
