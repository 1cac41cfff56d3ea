"""Following: a read-only database keeps up with the process that writes its file."""

from __future__ import annotations

from ledger import JsonlStore, ReadOnlyLedger
from vectordb.opening import Options, open_state
from vectordb.state import State


def follow(state: State) -> State | None:
    """Fold the complete lines that the file has gained; a new state when the file was replaced.

    The caller holds the lock.
    """
    store = state.journal.store
    if not isinstance(store, JsonlStore) or store.writable:
        raise ReadOnlyLedger("a database follows a file that it opened read_only")
    if store.was_replaced():
        return _replay_again(state, store)
    for event in state.journal.load(store.end):
        state.fold.sequence |= 1
        try:
            state.fold.apply(event)
        except BaseException as error:
            state.fold.all_behind(error)
            raise
        finally:
            state.fold.end()
    state.log.announce()
    return None


def _replay_again(state: State, store: JsonlStore) -> State:
    built_in = 4  # the catalog and the three views of State
    projections = state.fold.projections[built_in:]
    options = Options(state.clock, read_only=True, lazy=state.journal.lazy)
    fresh, _ = open_state(store.path, options, projections, None, recover=False)
    store.close()
    return fresh
