"""Refreshing: a database keeps up with those who write its file, or its shared ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import (
    MAX_MICROS,
    ClosedLedger,
    Event,
    Header,
    InvalidInput,
    Journal,
    JsonlStore,
    LedgerReplaced,
    ReadOnlyLedger,
    SqlStore,
    parse_json,
)
from vectordb.persistence.connecting import load_shared
from vectordb.persistence.opening import Options, open_state
from vectordb.state import State

if TYPE_CHECKING:
    from vectordb.database import VectorDB


class Lag(NamedTuple):
    """How far a database is behind. ``head`` is what its reads answer as of, ``store_head`` what the store holds.

    ``seconds`` is how long ago the oldest of the missing ``events`` was recorded (its writer's clock, against this
    database's); ``checked`` how many seconds ago the store was last read to its end.
    """

    head: int
    store_head: int
    events: int
    seconds: float
    checked: float

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return self._asdict()


def check_following(db: VectorDB, *, zero: bool = False, **interval: Any) -> None:
    """Refuse an ``interval`` (one argument, by its name) that is no seconds, and a database that follows nothing.

    With ``zero`` an interval may be 0. Raises ``InvalidInput``, and ``ReadOnlyLedger`` for the database.
    """
    for seconds in interval.values():
        is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not is_number or not 0 <= seconds < inf or not (seconds or zero):
            raise InvalidInput("refreshes are a number of seconds apart", **interval)
    if not _follows(db.state):
        raise ReadOnlyLedger("a database follows a shared ledger, or a file that it opened read_only")


def _follows(state: State) -> bool:
    store = state.journal.store
    return store is not None and store.follows


def lag_of(db: VectorDB) -> Lag:
    """See ``VectorDB.lag``."""
    state = db.state
    try:
        return _lag_of(state)
    except ClosedLedger:
        if db.state is state:
            raise
        return lag_of(db)  # another thread brought it up to a file that replaced this one


def _lag_of(state: State) -> Lag:
    journal, head = state.journal, state.log.head
    store = journal.store
    if store is None or not store.follows:
        return Lag(head, head, 0, 0.0, 0.0)
    if isinstance(store, JsonlStore) and store.was_replaced():
        events, line = _ahead_in(store.path, head)
    else:
        events, line = store.ahead(head + 1 if isinstance(store, SqlStore) else journal.position)
    time = _recorded(line) if events else None
    seconds = 0.0 if time is None else max(0, state.clock() - time) / 1e6
    return Lag(head, head + events, events, seconds, monotonic() - journal.read_at)


def _recorded(line: bytes) -> int | None:
    """When an event was recorded, as its line says; None where it does not: the next refresh names what is wrong."""
    try:
        data = parse_json(line)
    except (ValueError, RecursionError):
        return None
    time = data.get("time") if isinstance(data, dict) else None
    return time if type(time) is int and abs(time) <= MAX_MICROS else None


def _ahead_in(path: str, head: int) -> tuple[int, bytes]:
    """How many lines of another file come after an event, and the first of them; the file is read to be counted."""
    count, first = -1 - head, b""
    with closing(JsonlStore(path, read_only=True)) as store:
        for _, lines in store.read(0):
            if count < 1 <= count + len(lines):
                first = lines[-count]
            count += len(lines)
    return max(0, count), first


def catch_up(db: VectorDB) -> None:
    """Fold what others have written. What stops it leaves what came before, and the next call goes on from there."""
    check_following(db)
    if isinstance(db.state.journal.store, SqlStore):
        while not _follow_table(db, db.state):
            pass
        return
    while not _follow_state(db, db.state):
        pass  # another thread put a new state in its place meanwhile: that one is brought up


def _follow_state(db: VectorDB, state: State) -> bool:
    """Bring a state up with its file; False where it is not the database's any more."""
    with state.lock:
        if db.state is not state:
            return False
        before = state.journal
        followed = _follow_file(state)
        if followed is not None:
            _take_over(db, followed)
            _let_go(before)
        return True


def _take_over(db: VectorDB, fresh: State) -> None:
    before = db.state
    fresh.observers, fresh.database = before.observers, before.database
    db._assemble(fresh, db.opened)
    before.fold.supersede()


# -- a shared ledger -------------------------------------------------------------------------------------


def _follow_table(db: VectorDB, state: State) -> bool:
    """Fetch some lines without the lock, so that no reader waits for the engine, and fold them; False: go on."""
    journal, store, position = state.journal, state.journal.store, state.log.head + 1
    assert isinstance(store, SqlStore)
    try:
        lines, is_all = store.fetch(position)
    except LedgerReplaced:
        _load_again(db, state, store)
        return False
    with state.lock:
        if db.state is not state or state.log.head + 1 != position:
            return False  # another thread was here, or wrote
        if not lines:
            journal.read_at = monotonic()
            return True
        events = journal.load(position, [(position, lines)])
        try:
            _fold_all(state, events)
        finally:
            if position <= state.log.head:
                store.saw(state.log.head + 1, lines[state.log.head - position])
    return is_all


def _load_again(db: VectorDB, state: State, store: SqlStore) -> None:
    """Replay a ledger whose lines were replaced, without the lock; the user's projections move over at the end."""
    fresh, _ = load_shared(store.reopened(), _options(state, store), create=_refuse_to_create)
    found, before = fresh.log.header.ledger_id, state.log.header.ledger_id
    if found != before:
        rule = "a ledger that was connected to stays the one that it is"
        raise LedgerReplaced(rule, store=store.path, ledger_id=found, connected_to=before)
    with state.lock:
        if db.state is state:
            _adopt(fresh, state)
            _take_over(db, fresh)


def _refuse_to_create(store: SqlStore, options: Options) -> tuple[Header, int]:
    raise LedgerReplaced("a ledger that was connected to is there", store=store.path)


def _options(state: State, store: SqlStore | JsonlStore) -> Options:
    return Options(
        state.clock,
        read_only=not store.writable,
        lazy=state.journal.lazy,
        max_event_bytes=state.journal.max_event_bytes,
        auto_index=state.indexing.automatic,
        served_bytes=state.served_bytes,
        files=state.journal.files,
    )


# -- a file ------------------------------------------------------------------------------------------------


def _follow_file(state: State) -> State | None:
    """Fold the complete lines that the file has gained; a new state when the file was replaced."""
    store = state.journal.store
    assert isinstance(store, JsonlStore)
    if store.was_replaced() or not _stands(state, store):
        return _replay_again(state, store)
    _fold_all(state, state.journal.load(state.journal.position))
    return None


def _stands(state: State, store: JsonlStore) -> bool:
    """Whether the last line that was read stands: a writer cuts one off whose sync failed, or that was interrupted."""
    head = state.log.head
    end = b'%b"}\n' % state.log.digest(head).hex().encode()
    return head == 0 or store.ends_so(state.journal.position, end)


def _replay_again(state: State, store: JsonlStore) -> State:
    """The new file from its start; the user's projections move over once it is known to be whole."""
    fresh, _ = open_state(store.path, _options(state, store), (), None, recover=False)
    try:
        _adopt(fresh, state)
    except BaseException:
        assert fresh.journal.store is not None
        fresh.journal.store.close()
        raise
    return fresh


def _let_go(journal: Journal) -> None:
    """Close a file that was replaced, once nothing depends on whether that succeeds."""
    store = journal.store
    assert isinstance(store, JsonlStore)
    if journal.lazy:
        store.close_when_unused()  # pasts of the old file go on reading it
    else:
        store.close()


# -- both --------------------------------------------------------------------------------------------------


def _adopt(fresh: State, state: State) -> None:
    fresh.fold.adopt([projection for projection in state.fold.projections if not projection.essential])


def _fold_all(state: State, events: Iterator[Event]) -> None:
    while _fold_next(state, events):
        pass
    state.log.announce()


def _fold_next(state: State, events: Iterator[Event]) -> bool:
    """Take in and fold one event; readers never see the new head with the old views."""
    fold, head = state.fold, state.log.head
    fold.sequence |= 1
    try:
        event = next(events, None)
        if event is not None:
            fold.apply(event)
    except BaseException as error:
        if state.log.head > head:
            fold.all_behind(error)
        raise
    finally:
        fold.end()
    return event is not None
