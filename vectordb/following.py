"""Following: a read-only database keeps up with the process that writes its file."""

from __future__ import annotations

from collections.abc import Iterator

from ledger import Event, JsonlStore, ReadOnlyLedger
from vectordb.opening import Options, open_state
from vectordb.state import State


def follow(state: State) -> State | None:
    """Fold the complete lines that the file has gained; a new state when the file was replaced.

    The caller holds the lock. What stops it (damage, an interrupt) leaves what came before, and the next
    call goes on from there.
    """
    store = state.journal.store
    if not isinstance(store, JsonlStore) or not store.follows:
        raise ReadOnlyLedger("a database follows a file that it opened read_only")
    if store.was_replaced():
        return _replay_again(state, store)
    events = state.journal.load(state.journal.position)
    while _fold_next(state, events):
        pass
    state.log.announce()
    return None


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


def _replay_again(state: State, store: JsonlStore) -> State:
    """The new file from its start; the user's projections move over once it is known to be whole."""
    options = Options(
        state.clock,
        read_only=True,
        lazy=state.journal.lazy,
        auto_index=state.indexing.automatic,
        served_bytes=state.served_bytes,
    )
    fresh, _ = open_state(store.path, options, (), None, recover=False)
    fresh.fold.adopt([projection for projection in state.fold.projections if not projection.essential])
    if state.journal.lazy:
        store.close_when_unused()  # pasts of the old file go on reading it
    else:
        store.close()
    return fresh
