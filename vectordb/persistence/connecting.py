"""Connecting: from the table of a shared ledger to a state, by the one replay loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ledger import Header, HeadMoved, LedgerReplaced, ReadOnlyLedger, SqlStore, new_header, read_header
from projections import Projection
from vectordb.persistence.opening import Expect, OpenReport, Options, load_state
from vectordb.state import State

Create = Callable[[SqlStore, Options], tuple[Header, int]]
LOADS: Final = 5  # that erasures may cut short before one goes through


def connect_state(
    store: SqlStore, options: Options, projections: Sequence[Projection], expect: Expect
) -> tuple[State, OpenReport]:
    """Replay a shared ledger (created when it is not there) into a state that appends to it; else close its store."""
    try:
        state, report = load_shared(store, options, expect)
        state.fold.adopt(projections)  # last, so that they fold no event twice
    except BaseException:
        store.close()
        raise
    return state, report


def load_shared(
    store: SqlStore, options: Options, expect: Expect = None, create: Create | None = None
) -> tuple[State, OpenReport]:
    """The same without the user's projections; begun anew where an erasure comes between."""
    for number in range(1, LOADS + 1):
        try:
            return load_state(store, options, (), expect, create or _create)
        except LedgerReplaced:
            if number == LOADS or store.generation is None:  # the last says that there is no ledger
                raise
            store = store.reopened()
    raise AssertionError("the last load answers or raises")


def _create(store: SqlStore, options: Options) -> tuple[Header, int]:
    if options.read_only:
        raise ReadOnlyLedger("a ledger opened read_only is there", store=store.path)
    header = new_header(options.clock(), options.seed)
    try:
        store.append(header.line())
    except HeadMoved:  # another one created it meanwhile
        line = store.line(0)
        header = read_header(line)
        store.saw(1, line)
    return header, 1
